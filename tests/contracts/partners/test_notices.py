"""SMS and mini-program messages: what is signed and asked, whose fault an answer is, and what receipts are believed."""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, said
from tests.contracts.partners.played import CONF, NOW, STAMP, credentials, golden, only, request, why
from tests.contracts.partners.test_every_actor import (
    ASK_RECEIPT,
    OWN,
    SEND_MINI,
    SEND_SMS,
    SENDING,
    TELL_SERVICE,
)

from tongdan.adapters.partners.service import ServiceActor
from tongdan.adapters.partners.sms import SmsDoor
from tongdan.adapters.partners.sms_api import SmsActor, phone_of, signed
from tongdan.adapters.partners.wechat_mini import WechatMiniDoor
from tongdan.adapters.partners.wechat_mini_api import WechatMiniActor
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.notices.commands import (
    RecordNobodyThere,
    RecordNoticeRefused,
    RecordNoticeSent,
    RecordReceipt,
)
from tongdan.domain.orders.commands import NoteSystemStatus
from tongdan.domain.sync.commands import SendByAlias
from tongdan.ports import Accepted, HttpResponse, Inbound, NotUnderstood, PushRequest, Unauthentic

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEMPLATE = "hD-ixGOhYmUfjOnI8MCzQMPshzGVeux_2vzyvQu7O68"
APPID = "wxd678efh567hg6787"


# ---- SMS, out


def test_the_published_example_of_the_signature_is_met() -> None:
    asked = {
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        "RegionId": "cn-shanghai",
    }
    made = signed(
        "https://ecs.cn-shanghai.aliyuncs.com", "RunInstances", asked, "YourAccessKeyId", "YourAccessKeySecret",
        datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC), "3156853299f313e23d1673dc12e1703d", "2014-05-26",
    )  # fmt: skip
    assert made.headers["authorization"].endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def sms(partner: Partner) -> SmsActor:
    assert CONF.partners.sms is not None
    return SmsActor("notice/sms", CONF.partners.sms, SHANGHAI, partner.wire)


def sms_partner(**fields: object) -> Partner:
    return Partner("dysmsapi.aliyuncs.com", said(200, **fields))


async def test_a_message_is_asked_for_under_our_own_name_of_it() -> None:
    partner = sms_partner(Code="OK", Message="OK", BizId="932702304080415357^0")
    outcome = await done(sms(partner).perform(errand(SEND_SMS, OWN)))
    assert outcome.command == RecordNoticeSent(sending=SENDING, reference="932702304080415357^0")
    assert partner.query() == {
        "OutId": SENDING,
        "PhoneNumbers": "12012345678",
        "SignName": "同单",
        "TemplateCode": "SMS_1",
        "TemplateParam": f'{{"order":"{OWN}"}}',
    }
    assert partner.asked[0].headers["x-acs-action"] == "SendSms"


@pytest.mark.parametrize(
    ("code", "partner_wide", "retry_after_s"),
    [
        ("isv.AMOUNT_NOT_ENOUGH", True, 0.0),
        ("SignatureDoesNotMatch", True, 0.0),
        ("Throttling.User", True, 60.0),
        ("isv.BUSINESS_LIMIT_CONTROL", False, 900.0),
    ],
)
async def test_what_is_not_this_messages_fault_is_tried_again(
    code: str, partner_wide: bool, retry_after_s: float
) -> None:
    failure = await failed(sms(sms_partner(Code=code)).perform(errand(SEND_SMS, OWN)))
    assert (failure.partner_wide, failure.final, failure.retry_after_s) == (
        partner_wide,
        False,
        retry_after_s,
    )


@pytest.mark.parametrize("code", ["isv.SMS_TEMPLATE_ILLEGAL", "isv.MOBILE_NUMBER_ILLEGAL", "isv.NEW_ONE"])
async def test_any_other_code_is_a_refusal_of_this_message(code: str) -> None:
    outcome = await done(sms(sms_partner(Code=code)).perform(errand(SEND_SMS, OWN)))
    assert outcome.command == RecordNoticeRefused(sending=SENDING, reason=code)


async def test_nobody_and_no_number_are_never_sent_to() -> None:
    partner = sms_partner(Code="OK", BizId="1")
    outcome = await done(sms(partner).perform(errand(SEND_SMS, OWN, person=None)))
    assert outcome.command == RecordNobodyThere(sending=SENDING)
    for phone in ("", "138****8000", "400-800-1234", "12012345678,12012345679"):
        nobody = msgspec.structs.replace(CHEN, phone=phone)
        outcome = await done(sms(partner).perform(errand(SEND_SMS, OWN, person=nobody)))
        assert outcome.command == RecordNoticeRefused(sending=SENDING, reason="no-phone")
    assert partner.asked == []
    assert [phone_of(Person(phone=text)) for text in ("+86 120-1234-5678", "8612012345678")] == [
        "12012345678"
    ] * 2


async def test_a_time_out_is_looked_up_before_it_is_sent_again() -> None:
    found = Partner("dysmsapi.aliyuncs.com", HttpResponse(200, {}, golden("sms/details.json")))
    outcome = await done(sms(found).look_up(errand(SEND_SMS, OWN, tries=2)))
    assert outcome.command == RecordNoticeSent(sending=SENDING, reference="")
    assert found.query()["SendDate"] == "20260127"
    nothing = sms_partner(Code="OK", TotalCount=0)
    for tries in (2, 3):
        failure = await failed(sms(nothing).look_up(errand(SEND_SMS, OWN, tries=tries)))
        assert (failure.unknown, failure.retry_after_s) == (True, 30.0)
    assert await sms(nothing).look_up(errand(SEND_SMS, OWN, tries=4)) is None
    assert nothing.query()["SendDate"] == "20260126"


async def test_a_receipt_is_asked_for_by_phone_and_day() -> None:
    partner = Partner("dysmsapi.aliyuncs.com", HttpResponse(200, {}, golden("sms/details.json")))
    outcome = await done(sms(partner).perform(errand(ASK_RECEIPT, OWN)))
    at = datetime(2026, 1, 27, 3, 50, 53, tzinfo=UTC)
    assert outcome.command == RecordReceipt(sending=SENDING, delivered=False, code="MK:0012", said_at=at)
    assert b"12012345678" not in outcome.raw
    waiting = sms_partner(
        Code="OK", SmsSendDetailDTOs={"SmsSendDetailDTO": [{"SendStatus": 1, "OutId": SENDING}]}
    )
    assert (await done(sms(waiting).perform(errand(ASK_RECEIPT, OWN)))).command is None


# ---- SMS, in


def reports(body: bytes, path: str = "/push/sms/push-secret-of-the-sms-account") -> PushRequest:
    return request(path, {"content-type": "application/json"}, body)


def test_receipts_come_one_by_one_and_one_that_names_nothing_of_ours_is_kept() -> None:
    door = SmsDoor(credentials(), "main", SHANGHAI)
    first, second = door.open(reports(golden("sms/reports.json")))
    assert isinstance(first, Inbound) and isinstance(second, NotUnderstood)
    at = datetime(2026, 1, 27, 3, 50, 53, tzinfo=UTC)
    assert first.command == RecordReceipt(sending=SENDING, delivered=True, code="DELIVERED", said_at=at)
    assert first.raw in golden("sms/reports.json")
    assert (second.about, second.reason) == ("report", "a value is out of range or malformed")
    assert type(door.read("report", first.raw, NOW)[0]) is Inbound
    answer = door.answer(reports(b"[]"), [Accepted(OWN, 124, 1, 7)])
    assert (answer.status, json.loads(answer.body)["code"]) == (200, 0)


@pytest.mark.parametrize("path", ["/push/sms/", "/push/sms/wrong", "/push/sms/main"])
def test_only_the_secret_address_is_believed(path: str) -> None:
    with pytest.raises(Unauthentic):
        SmsDoor(credentials(), "main", SHANGHAI).open(reports(golden("sms/reports.json"), path))


def test_too_many_reports_and_no_json_are_kept() -> None:
    door = SmsDoor(credentials(), "main", SHANGHAI)
    assert why(door, reports(b"[" + b"{}," * 1_000 + b"{}]")) == "expected at most 1000 reports"
    assert why(door, reports(b"[{")) == "malformed JSON"


# ---- mini-program, out


class MiniPlatform(Partner):
    """Gives tokens numbered from 1 and answers messages as told, one after the other."""

    def __init__(self, *codes: int, expires_in: int = 7_200) -> None:
        super().__init__("api.weixin.qq.com", HttpResponse(200, {}, b""))
        self.tokens = 0
        self._codes = list(codes)
        self._expires_in = expires_in

    async def _handle(self, request: Any) -> HttpResponse:
        self.asked.append(request)
        if "stable_token" in request.url:
            self.tokens += 1
            return said(200, access_token=f"T{self.tokens}", expires_in=self._expires_in)
        return said(200, errcode=self._codes.pop(0), errmsg="", msgid=294402298110051942)


def mini(partner: Partner) -> WechatMiniActor:
    assert CONF.partners.wechat_mini is not None
    return WechatMiniActor("notice/wechat-mini", CONF.partners.wechat_mini, partner.wire)


async def test_a_token_is_fetched_once_and_kept() -> None:
    platform = MiniPlatform(0, 0)
    actor = mini(platform)
    for _ in range(2):
        outcome = await done(actor.perform(errand(SEND_MINI, OWN)))
        assert outcome.command == RecordNoticeSent(sending=SENDING, reference="294402298110051942")
    assert (platform.tokens, len(platform.asked)) == (1, 3)
    body = json.loads(platform.asked[1].body)
    assert (body["touser"], body["template_id"], body["lang"]) == ("openid-1", "SMS_1", "zh_CN")
    assert body["data"] == {"order": {"value": OWN}}


async def test_a_token_that_is_no_longer_good_is_fetched_anew_once() -> None:
    platform = MiniPlatform(42001, 0)
    assert (await done(mini(platform).perform(errand(SEND_MINI, OWN)))).command is not None
    assert platform.tokens == 2
    stubborn = MiniPlatform(40001, 40001)
    failure = await failed(mini(stubborn).perform(errand(SEND_MINI, OWN)))
    assert (failure.partner_wide, stubborn.tokens) == (True, 2)
    short = MiniPlatform(0, 0, expires_in=300)
    actor = mini(short)
    for _ in range(2):
        await done(actor.perform(errand(SEND_MINI, OWN)))
    assert short.tokens == 2


@pytest.mark.parametrize(("code", "pause_s"), [(45009, 60.0), (-1, 0.0), (48001, 0.0), (40164, 0.0)])
async def test_what_is_not_the_messages_fault_stops_the_mini_program(code: int, pause_s: float) -> None:
    failure = await failed(mini(MiniPlatform(code)).perform(errand(SEND_MINI, OWN)))
    assert (failure.partner_wide, failure.final, failure.retry_after_s) == (True, False, pause_s)


@pytest.mark.parametrize("code", [43101, 47003, 40037, 40003, 41030])
async def test_a_refused_message_is_an_outcome(code: int) -> None:
    outcome = await done(mini(MiniPlatform(code)).perform(errand(SEND_MINI, OWN)))
    assert outcome.command == RecordNoticeRefused(sending=SENDING, reason=str(code))


async def test_who_has_no_openid_and_a_shop_without_a_mini_program_are_told_another_way() -> None:
    platform = MiniPlatform()
    nobody = msgspec.structs.replace(CHEN, payer="")
    outcome = await done(mini(platform).perform(errand(SEND_MINI, OWN, person=nobody)))
    assert outcome.command == RecordNoticeRefused(sending=SENDING, reason="no-openid")
    elsewhere = msgspec.structs.replace(SEND_MINI, shop="dy-main")
    outcome = await done(mini(platform).perform(errand(elsewhere, OWN)))
    assert outcome.command == RecordNoticeRefused(sending=SENDING, reason="no-mini-program")
    assert platform.asked == []


async def test_texts_are_cut_to_what_the_kind_of_field_takes() -> None:
    platform = MiniPlatform(0)
    long = msgspec.structs.replace(
        SEND_MINI, values={"thing2": "顺" * 30, "character_string3": "7" * 40, "name": "x"}
    )
    await done(mini(platform).perform(errand(long, OWN)))
    data = json.loads(platform.asked[1].body)["data"]
    assert {name: len(each["value"]) for name, each in data.items()} == {
        "thing2": 20,
        "character_string3": 32,
        "name": 1,
    }


# ---- mini-program, in


def sealed(content: bytes, appid: str = APPID, pad: int | None = None) -> bytes:
    key = b64decode(credentials().get(f"wechat-mini/{APPID}")["push_aes_key"] + "=")
    text = b"r" * 16 + len(content).to_bytes(4, "big") + content + appid.encode()
    last = 32 - len(text) % 32
    sealer = Cipher(AES(key), CBC(key[:16])).encryptor()
    text += bytes([last if pad is None else pad]) * last
    encrypt = b64encode(sealer.update(text) + sealer.finalize()).decode()
    return json.dumps({"ToUserName": "gh_1", "Encrypt": encrypt}).encode()


def mini_push(body: bytes, stamp: str = STAMP, appid: str = APPID, **differs: str) -> PushRequest:
    token = "push token of the mini-program"
    parts = sorted([token, stamp, "n", json.loads(body)["Encrypt"]])
    query = {
        "signature": hashlib.sha1("".join(sorted([token, stamp, "n"])).encode()).hexdigest(),
        "timestamp": stamp,
        "nonce": "n",
        "encrypt_type": "aes",
        "msg_signature": hashlib.sha1("".join(parts).encode()).hexdigest(),
        **differs,
    }
    return request(f"/push/wechat-mini/{appid}", {}, body, urlencode(query))


DOOR = WechatMiniDoor(credentials(), frozenset({TEMPLATE}))


def test_the_word_on_a_message_goes_to_whatever_claims_its_number() -> None:
    inbound = only(DOOR, mini_push(sealed(golden("wechat-mini/sent.json"))))
    receipt = Receipt(delivered=True, code="0 success", at=NOW - timedelta(seconds=10))
    alias = "receipt/wechat-mini/1700827132819554304"
    assert inbound.command == SendByAlias(alias=alias, source="notice/wechat-mini", letter=receipt)
    assert b"o7esq5PHRGBQYmeNyfG064wEFVpQ" not in inbound.raw
    answer = DOOR.answer(mini_push(sealed(b"{}")), [Accepted("alias/x", 1, 1, 1)])
    assert (answer.status, answer.body) == (200, b"success")


def _event(**item: object) -> bytes:
    event = json.loads(golden("wechat-mini/sent.json"))
    event["List"] = [event["List"] | item]
    return json.dumps(event).encode()


def test_a_failure_is_told_with_its_code_and_foreign_templates_are_somebody_elses() -> None:
    inbound = only(DOOR, mini_push(sealed(_event(ErrorCode=43101, ErrorStatus="user block", MsgID=17))))
    assert isinstance(inbound.command, SendByAlias)
    assert inbound.command.letter == Receipt(
        delivered=False, code="43101 user block", at=NOW - timedelta(seconds=10)
    )
    assert DOOR.open(mini_push(sealed(_event(TemplateId="another")))) == []
    assert DOOR.open(mini_push(sealed(b'{"Event":"user_enter_tempsession","CreateTime":1}'))) == []
    assert (
        why(DOOR, mini_push(sealed(_event(MsgID="x"))))
        == "expected `MsgID` to be a number of at most 24 digits"
    )


_FORGED: list[tuple[str, Callable[[bytes], PushRequest]]] = [
    ("signature", lambda body: mini_push(body, msg_signature="0" * 40)),
    ("plain mode", lambda body: mini_push(body, msg_signature="")),
    ("old", lambda body: mini_push(body, stamp=str(int(STAMP) - 400))),
    ("unknown app", lambda body: mini_push(body, appid="wx0")),
    ("no seal", lambda body: msgspec.structs.replace(mini_push(body), body=b"{}")),
    ("another's", lambda body: mini_push(sealed(b"{}", appid="wx0"))),
    ("padding", lambda body: mini_push(sealed(b"{}", pad=0))),
    ("not base64", lambda body: mini_push(b'{"Encrypt":"?"}')),
    ("no block", lambda body: mini_push(b'{"Encrypt":"YWJj"}')),
]


@pytest.mark.parametrize(("what", "forge"), _FORGED, ids=[name for name, _ in _FORGED])
def test_a_forged_word_is_unauthentic(what: str, forge: Callable[[bytes], PushRequest]) -> None:
    with pytest.raises(Unauthentic):
        DOOR.open(forge(sealed(golden("wechat-mini/sent.json"))))


def test_wechats_question_whether_the_address_is_ours_is_answered() -> None:
    push = mini_push(sealed(b"{}"), echostr="4375120948345356249")
    asked = msgspec.structs.replace(push, method="GET", body=b"")
    assert DOOR.open(asked) == []
    assert DOOR.answer(asked, []).body == b"4375120948345356249"
    with pytest.raises(Unauthentic):
        DOOR.open(msgspec.structs.replace(asked, query=asked.query.replace("signature=", "signature=0")))


# ---- customer service


async def test_what_customer_service_says_stands_on_the_order() -> None:
    assert CONF.partners.service is not None
    partner = Partner("service.example.com", HttpResponse(200, {}, b'{"ok":true,"status":"linked"}'))
    actor = ServiceActor("service", CONF.partners.service, partner.wire)
    outcome = await done(actor.perform(errand(TELL_SERVICE, OWN)))
    assert outcome.command == NoteSystemStatus(
        order=TELL_SERVICE.order, system="service", native_status="linked", said_at=NOW
    )
    body = json.loads(partner.asked[0].body)
    assert (body["id"], body["event"], body["waybill"]) == ("E-7", "shipped", "SF7444703608745")
    assert body["lines"] == [{"line": 1, "units": 2}]
    partner.answer = HttpResponse(200, {}, b'{"ok":false,"status":"unknown order"}')
    assert (await failed(actor.perform(errand(TELL_SERVICE, OWN)))).final
