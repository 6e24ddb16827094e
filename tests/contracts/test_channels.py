"""What every channel promises, on golden messages (`partners/golden/README.md` says where they are from).

A new channel is a `Case` here: its golden bytes, and which of its error codes is whose trouble.
"""

import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import msgspec
import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import (
    CONF,
    EXAMPLE,
    NOW,
    credentials,
    douyin_push,
    example_push,
    golden,
    jd_push,
    kuaishou_push,
    own_push,
    pinduoduo_push,
    taobao_push,
)

from tongdan.adapters.partners import channels_of
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.gateway import md5_sign
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.adapters.partners.pinduoduo import PINDUODUO
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.policy import LAST_FIRST
from tongdan.domain.orders.commands import NoteChannelEvent, NoteDone, PlaceOrder, RecordDetail
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import HttpResponse, Inbound, NotUnderstood, PushRequest, Unauthentic

replace = msgspec.structs.replace


def epoch(at: datetime) -> str:
    return str(int(at.timestamp()))


def local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


class Case(NamedTuple):
    """A channel and its golden bytes; `errors` maps an error body to (partner-wide, final, seconds to wait)."""

    channel: Channel
    shop: str
    native: str
    push: Callable[[bytes], PushRequest]
    messages: tuple[bytes, bytes]
    shop_in_message: bytes
    detail: bytes
    listing: bytes
    listed: Listed
    shipped: tuple[bytes, ...]  # the answers to a write-back, call by call
    shipped_before: tuple[bytes, ...]
    errors: dict[str, tuple[bytes, bool, bool, float]]
    status: tuple[str, bytes, bytes]  # the native status of the detail, and how to make it one nobody knows
    sealed: int = 4  # fields of the receiver that only the platform can read
    stamp: Callable[[datetime], str] = epoch  # how it is asked for a span
    says: type[NoteChannelEvent] = NoteChannelEvent

    @property
    def source(self) -> str:
        return f"channel/{self.channel.name}"

    @property
    def code(self) -> str:
        return self.channel.code

    @property
    def door(self) -> ChannelDoor:
        return ChannelDoor(self.channel, credentials(), CONF.policy)

    def partner(self, *answers: bytes) -> "Platform":
        return Platform(self, answers)

    def effect(self, kind: type[Effect], **more: Any) -> Any:
        whole = {
            "partner": f"channel/{self.code}/{self.shop}",
            "channel": self.code,
            "shop": self.shop,
            **more,
        }
        return kind(**whole)


class Platform(Partner):
    """Gives its answers in turn, the last one again and again."""

    def __init__(self, case: Case, answers: tuple[bytes, ...]) -> None:
        how = CONF.policy.channels[case.code]
        super().__init__(urlsplit(how.base_url).netloc, ok(answers[0]))
        self._answers = [ok(answer) for answer in answers]
        self.actor = ChannelActor(f"channel/{case.code}/{case.shop}", case.channel, how, self.wire)

    async def _handle(self, request: Any) -> HttpResponse:
        self.answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        return await super()._handle(request)


def douyin_error(code: int, sub_code: str = "") -> bytes:
    return json.dumps({"code": code, "msg": "no", "sub_code": sub_code, "data": {}, "log_id": "l"}).encode()


def pinduoduo_error(code: int) -> bytes:
    said = {
        "error_code": code,
        "error_msg": "陈小明 120",
        "sub_code": None,
        "sub_msg": None,
        "request_id": "r-1",
    }
    return json.dumps({"error_response": said}, ensure_ascii=False).encode()


def pinduoduo_detail(**differs: Any) -> bytes:
    whole = json.loads(golden("pinduoduo/detail.json"))
    whole["order_info_get_response"]["order_info"] |= differs
    return json.dumps(whole, ensure_ascii=False).encode()


def taobao_error(code: int, sub_code: str = "", sub_msg: str = "陈小明 120") -> bytes:
    said = {"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "r-1"}
    return json.dumps({"error_response": said}, ensure_ascii=False).encode()


def jd_error(code: str) -> bytes:
    said = {"code": code, "zh_desc": "陈小明 120", "en_desc": "no"}
    return json.dumps({"error_response": said}, ensure_ascii=False).encode()


def kuaishou_error(result: int, code: str = "", sub_code: str = "") -> bytes:
    said = {
        "result": result,
        "error_msg": "陈小明 120",
        "code": code,
        "sub_code": sub_code,
        "requestId": "r-1",
    }
    return json.dumps(said, ensure_ascii=False).encode()


def kuaishou_detail(delivery: dict[str, Any] | None = None, **differs: Any) -> bytes:
    """The golden order with other values in `orderBaseInfo`; `delivery`: other parts of the order as a whole."""
    whole = json.loads(golden("kuaishou/detail.json"))
    whole["data"]["orderBaseInfo"] |= differs
    whole["data"] |= delivery or {}
    return json.dumps(whole, ensure_ascii=False).encode()


def example_error(code: str) -> bytes:
    return json.dumps({"code": code, "message": "陈小明 120"}, ensure_ascii=False).encode()


DONE = b'{"code":10000,"msg":"success","data":{"pack_id":"1"}}'
CONSIGNED = b'{"alibaba_ascp_logistics_offline_send_response":{"result":{"success":true},"request_id":"r"}}'
SHIPPED = b'{"jingdong_pop_order_shipment_responce":{"code":"0","sopjosshipment_result":{"success":true}}}'
TAKEN = b'{"result":1,"msg":"","error_msg":"SUCCESS","code":"","requestId":"r","sub_msg":"","sub_code":""}'
SENT = b'{"logistics_online_send_response":{"is_success":true}}'

CASES = (
    Case(
        channel=DOUYIN,
        shop="dy-main",
        native="4781234567890123456",
        push=douyin_push,
        messages=(golden("douyin/created-100.json"), golden("douyin/paid-101.json")),
        shop_in_message=b"323423",
        detail=golden("douyin/detail.json"),
        listing=golden("douyin/list.json"),
        listed=Listed(native="4781234567890123456", said_at=NOW + timedelta(seconds=61)),
        shipped=(DONE,),
        shipped_before=(douyin_error(40_003, "isv.idempotent-id-existed"),),
        errors={
            "rate limited": (douyin_error(60_000), True, False, 5.0),
            "credential expired": (douyin_error(40_003, "isv.access-token-expired"), True, False, 0.0),
            "app frozen": (douyin_error(30_001, "dop.app-forbidden"), True, False, 0.0),
            "refused": (douyin_error(50_002, "isv.business-failed:2001"), False, True, 0.0),
            "busy": (douyin_error(20_000, "dop.service-error"), True, False, 0.0),
            "unheard of": (douyin_error(12_345), False, False, 0.0),
        },
        status=("2", b'"main_status":2', b'"main_status":77'),
    ),
    Case(
        channel=PINDUODUO,
        shop="pd-main",
        native="260127-339507978993455",
        push=pinduoduo_push,
        messages=(golden("pinduoduo/confirmed.json"), golden("pinduoduo/refund.json")),
        shop_in_message=b'"mallID":171504183',
        detail=golden("pinduoduo/detail.json"),
        listing=golden("pinduoduo/list.json"),
        listed=Listed(native="260127-339507978993455", said_at=NOW + timedelta(seconds=61)),
        shipped=(golden("pinduoduo/detail.json"), SENT),
        shipped_before=(pinduoduo_detail(order_status=2, tracking_number="SF1"),),
        errors={
            "rate limited": (pinduoduo_error(52_101), True, False, 5.0),
            "credential expired": (pinduoduo_error(10_019), True, False, 0.0),
            "refused": (pinduoduo_error(30_000), False, True, 0.0),
            "busy": (pinduoduo_error(52_103), True, False, 0.0),
            "unheard of": (pinduoduo_error(77_777), False, False, 0.0),
        },
        status=("1", b'"order_status":1', b'"order_status":77'),
    ),
    Case(
        channel=TAOBAO,
        shop="tb-main",
        native="4051234567890123456",
        push=taobao_push,
        messages=(golden("taobao/paid.json"), golden("taobao/refund.json")),
        shop_in_message=b'"user_id":2200754913',
        detail=golden("taobao/detail.json"),
        listing=golden("taobao/list.json"),
        listed=Listed(native="4051234567890123456", said_at=NOW + timedelta(seconds=61)),
        shipped=(golden("taobao/detail.json"), CONSIGNED),
        shipped_before=(golden("taobao/detail.json").replace(b'"oid"', b'"invoice_no":"SF1","oid"'),),
        errors={
            "rate limited": (taobao_error(7, "accesscontrol.limited-by-app-access-count"), True, False, 5.0),
            "banned": (taobao_error(7, "x", "This ban will last for 42 more seconds"), True, False, 42.0),
            "credential expired": (taobao_error(27, "invalid-sessionkey"), True, False, 0.0),
            "app frozen": (taobao_error(29), True, False, 0.0),
            "refused": (taobao_error(15, "isv.logistics-offline-service-error:B01"), False, True, 0.0),
            "not now": (taobao_error(15, "isv.logistics-offline-service-error:B150"), False, False, 0.0),
            "busy": (taobao_error(15, "isp.top-remote-connection-timeout"), True, False, 0.0),
            "unheard of": (taobao_error(12_345), False, False, 0.0),
        },
        status=(
            "WAIT_SELLER_SEND_GOODS",
            b'"status":"WAIT_SELLER_SEND_GOODS","created"',
            b'"status":"77","created"',
        ),
        sealed=1,  # the oaid opens all of it
        stamp=local,
    ),
    Case(
        channel=JD,
        shop="jd-main",
        native="302349786309732",
        push=jd_push,
        messages=(golden("jd/created.json"), golden("jd/changed.json")),
        shop_in_message=b'"venderId":10998877',
        detail=golden("jd/detail.json"),
        listing=golden("jd/list.json"),
        listed=Listed(native="302349786309732", said_at=NOW + timedelta(seconds=61)),
        shipped=(golden("jd/detail.json"), SHIPPED),
        shipped_before=(
            golden("jd/detail.json").replace(b'"storeOrder"', b'"waybill":"SF1","logisticsId":"467","storeOrder"'),
        ),
        errors={
            "rate limited": (jd_error("2"), True, False, 5.0),
            "credential expired": (jd_error("19"), True, False, 0.0),
            "refused": (jd_error("10400014"), False, True, 0.0),
            "system": (jd_error("999999"), False, False, 0.0),
            "busy": (jd_error("67"), True, False, 0.0),
            "unheard of": (jd_error("12345"), False, False, 0.0),
        },
        status=("WAIT_SELLER_STOCK_OUT", b'"orderState":"WAIT_SELLER_STOCK_OUT"', b'"orderState":"77"'),
        sealed=3,  # oaid, and the digests of both numbers
        stamp=local,
    ),
    Case(
        channel=KUAISHOU,
        shop="ks-main",
        native="2602700041470428",
        push=kuaishou_push,
        messages=(golden("kuaishou/created.json"), golden("kuaishou/paid.json")),
        shop_in_message=b'"userId":2161524184',
        detail=golden("kuaishou/detail.json"),
        listing=golden("kuaishou/list.json"),
        listed=Listed(native="2602700041470428", said_at=NOW + timedelta(seconds=61)),
        shipped=(golden("kuaishou/detail.json"), TAKEN),
        shipped_before=(
            kuaishou_detail({"orderLogisticsInfo": [{"expressNo": "SF1", "expressCode": 4}]}, status=40),
        ),
        errors={
            "rate limited": (kuaishou_error(10, "802006", "802006"), True, False, 5.0),
            "credential expired": (kuaishou_error(28), True, False, 0.0),
            "authorization revoked": (kuaishou_error(24), True, False, 0.0),
            "refused": (kuaishou_error(2001, "807000", "2001"), False, True, 0.0),
            "parcel stopped": (kuaishou_error(11), False, True, 0.0),
            "unheard of": (kuaishou_error(12_345, "", "word"), False, False, 0.0),
        },
        status=("30", b'"status":30,"sendTime":0,"refundTime"', b'"status":77,"sendTime":0,"refundTime"'),
        sealed=3,
    ),
    Case(  # by its map alone: conf/examples/channels/XX.yml
        channel=EXAMPLE,
        shop="xx-main",
        native="EX-2026-000892",
        push=example_push,
        messages=(golden("example/created.json"), golden("example/paid.json")),
        shop_in_message=b'"shop":{"id":"shop-77',
        detail=golden("example/detail.json"),
        listing=golden("example/list.json"),
        listed=Listed(native="EX-2026-000892", said_at=NOW + timedelta(seconds=61)),
        shipped=(b'{"code":0}',),
        shipped_before=(example_error("4009"),),
        errors={
            "rate limited": (example_error("4290"), True, False, 5.0),
            "credential expired": (example_error("4010"), True, False, 0.0),
            "refused": (example_error("4040"), False, True, 0.0),
            "busy": (example_error("5000"), True, False, 0.0),
            "unheard of": (example_error("12345"), False, False, 0.0),
        },
        status=("to-ship", b'"status":"to-ship"', b'"status":"77"'),
        sealed=2,
        stamp=local,
    ),
)  # fmt: skip


class Own(NamedTuple):
    """A shop of our own: it tells as a platform does and is never asked; `lacks`: promises it cannot make, and why."""

    code: str
    shop: str
    native: str
    push: Callable[[bytes], PushRequest]
    messages: tuple[bytes, bytes]
    lacks: dict[str, str]
    source: str = "channel/own"
    says: type[PlaceOrder] = PlaceOrder

    @property
    def door(self) -> OwnShopDoor:
        return OwnShopDoor(CONF.policy.shops[self.shop], credentials())


_TOLD_WHOLE = "an own shop places whole orders: there is no detail to fetch"
_NOT_CALLED = "nobody is called: the shop's front end asks the centre for what it shows"
OWN = Own(
    code="MP",
    shop="mp-main",
    native="M-20260127-77",
    push=own_push,
    messages=(golden("own/order.json"), golden("own/order.json").replace(b":00.250", b":01.250")),
    lacks={
        "test_a_shop_that_is_not_ours_is_kept_and_not_understood": "its address names the shop, so no other has a door",
        "test_a_detail_is_the_whole_order": _TOLD_WHOLE,
        "test_what_the_platform_encrypted_is_carried_unopened_and_the_rest_is_masked": (
            "its receivers come in clear and are sealed by the centre itself"
        ),
        "test_the_detail_of_another_order_is_a_dead_letter": _TOLD_WHOLE,
        "test_a_status_nobody_knows_comes_through_and_is_in_no_map": (
            "it says no status: the centre gives its orders theirs"
        ),
        "test_a_listing_tells_what_has_changed_and_how_many_pages_there_are": (
            "what is not answered it sends again under the same number, so there is nothing to find by asking"
        ),
        "test_a_parcel_is_told": _NOT_CALLED,
        "test_a_parcel_that_was_told_before_is_told": _NOT_CALLED,
        "test_an_error_is_the_platforms_or_the_calls": _NOT_CALLED,
        "test_nothing_of_the_secret_is_sent": _NOT_CALLED,
    },
)  # fmt: skip


@pytest.fixture(params=(*CASES, OWN), ids=lambda teller: teller.code)
def teller(request: pytest.FixtureRequest) -> Case | Own:
    found: Case | Own = request.param
    return found


@pytest.fixture(params=CASES, ids=lambda case: case.code)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_every_channel_stands_here_and_is_configured() -> None:
    assert [each.code for each in CASES] == [channel.code for channel in channels_of(CONF)]
    for channel in channels_of(CONF):
        how = CONF.policy.channels[channel.code]
        assert how.base_url.startswith("https://")
        assert how.listing is not None
        assert "paid" in how.statuses.values()


def test_an_own_shop_makes_every_promise_but_those_it_says_why_not() -> None:
    promises = {
        name: inspect.signature(test).parameters
        for name, test in globals().items()
        if name.startswith("test_")
    }
    assert {name for name, asked in promises.items() if "case" in asked} == set(OWN.lacks)
    assert all(OWN.lacks.values())
    assert sum("teller" in asked for asked in promises.values()) == 4


# ---- what it pushes


def test_a_push_is_news_of_its_order(teller: Case | Own) -> None:
    for body in teller.messages:
        (message,) = teller.door.open(teller.push(body))
        assert isinstance(message, Inbound)
        command = message.command
        assert isinstance(command, teller.says)
        assert (command.channel, command.shop, command.native) == (teller.code, teller.shop, teller.native)
        assert (message.shop, message.source) == (teller.shop, teller.source)
        assert message.happened_at.tzinfo is UTC and abs(message.happened_at - NOW) < timedelta(hours=2)


def test_one_wrong_byte_is_unauthentic(teller: Case | Own) -> None:
    request = teller.push(teller.messages[0])
    with pytest.raises(Unauthentic):
        teller.door.open(replace(request, body=request.body.replace(b"1", b"2", 1)))


def test_a_repeat_has_the_same_key_and_other_news_another(teller: Case | Own) -> None:
    first, again, other = (
        teller.door.open(teller.push(body))[0]
        for body in (teller.messages[0], teller.messages[0], teller.messages[1])
    )
    assert isinstance(first, Inbound) and isinstance(again, Inbound) and isinstance(other, Inbound)
    assert first == again
    assert first.key != other.key


def test_a_shop_that_is_not_ours_is_kept_and_not_understood(case: Case) -> None:
    other = case.messages[0].replace(case.shop_in_message, case.shop_in_message[:-1] + b"9")
    assert other != case.messages[0]
    (kept,) = case.door.open(case.push(other))
    assert isinstance(kept, NotUnderstood)
    assert kept.reason == f"its shop is no shop of channel {case.code} in conf/shops.yml"
    assert case.door.answer(case.push(other), []).status == 200


def test_what_came_out_of_order_says_when_it_was_said(teller: Case | Own) -> None:
    early, late = (teller.door.open(teller.push(body))[0] for body in teller.messages)
    assert isinstance(early, Inbound) and isinstance(late, Inbound)
    assert early.happened_at < late.happened_at


# ---- what it answers


async def test_a_detail_is_the_whole_order(case: Case) -> None:
    platform = case.partner(case.detail)
    outcome = await done(platform.actor.perform(errand(case.effect(FetchDetail, native=case.native), "O")))
    command = outcome.command
    assert isinstance(command, RecordDetail)
    assert (command.channel, command.shop, command.native) == (case.code, case.shop, case.native)
    assert command.native_status == case.status[0]
    assert CONF.policy.channels[case.code].statuses[command.native_status] == "paid"
    assert command.amount_fen == sum(line.amount_fen for line in command.lines) + command.freight_fen - (
        command.discount_fen if case.code != "DY" else 0  # Douyin's lines are net of discounts
    )
    assert all(line.native and line.sku and line.units for line in command.lines)
    assert len({line.native for line in command.lines}) == len(command.lines)
    assert command.paid_at is not None and command.placed_at < command.paid_at <= command.said_at
    assert (command.region, command.person.province[:2]) == ("广东", "广东")
    assert outcome.raw == case.detail


async def test_what_the_platform_encrypted_is_carried_unopened_and_the_rest_is_masked(case: Case) -> None:
    effect = case.effect(FetchDetail, native=case.native)
    command = (await done(case.partner(case.detail).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    person = command.person
    assert "*" in person.name and "*" in person.phone
    assert len(person.sealed) == case.sealed
    assert all(cipher.encode() in case.detail for cipher in person.sealed.values())


async def test_the_detail_of_another_order_is_a_dead_letter(case: Case) -> None:
    other = case.native[:-1] + "0"
    failure = await failed(
        case.partner(case.detail).actor.perform(errand(case.effect(FetchDetail, native=other), "O"))
    )
    assert (failure.final, failure.partner_wide) == (True, False)


async def test_a_status_nobody_knows_comes_through_and_is_in_no_map(case: Case) -> None:
    """The order keeps what was said and raises a ticket: `tests/domain` shows that an unmapped status does."""
    body = case.detail.replace(case.status[1], case.status[2])
    assert body != case.detail
    effect = case.effect(FetchDetail, native=case.native)
    command = (await done(case.partner(body).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    assert command.native_status == "77"
    assert "77" not in CONF.policy.channels[case.code].statuses


async def test_a_listing_tells_what_has_changed_and_how_many_pages_there_are(case: Case) -> None:
    platform = case.partner(case.listing)
    effect = case.effect(
        ListOrders, since=NOW - timedelta(minutes=20), until=NOW + timedelta(minutes=5), page=2, cursor=""
    )
    outcome = await done(platform.actor.perform(errand(effect, "pull")))
    assert outcome.raw == b""
    command = outcome.command
    assert isinstance(command, RecordListing)
    assert (command.channel, command.shop, command.orders) == (case.code, case.shop, (case.listed,))
    listing = CONF.policy.channels[case.code].listing
    assert listing is not None
    if listing.pages == LAST_FIRST:
        assert command.pages == 2
    # Half-open: the last second asked for is the one before the end.
    asked = unquote_plus(platform.asked[0].url + platform.asked[0].body.decode())
    assert case.stamp(NOW - timedelta(minutes=20)) in asked
    assert case.stamp(NOW + timedelta(minutes=5, seconds=-1)) in asked
    assert case.stamp(NOW + timedelta(minutes=5)) not in asked


def write_back(case: Case) -> WriteBackShipment:
    effect: WriteBackShipment = case.effect(
        WriteBackShipment,
        native=case.native,
        carrier="SF",
        waybill="SF1",
        units=((case.native, 1),),
        request="S1.1",
    )
    return effect


async def test_a_parcel_is_told(case: Case) -> None:
    platform = case.partner(*case.shipped)
    outcome = await done(platform.actor.perform(errand(write_back(case), "O")))
    assert outcome.command == NoteDone(order="O", outcome="channel/written-back")
    assert len(platform.asked) == len(case.shipped)
    assert '"SF1"' in unquote_plus(platform.asked[-1].body.decode())


async def test_a_parcel_that_was_told_before_is_told(case: Case) -> None:
    platform = case.partner(*case.shipped_before)
    outcome = await done(platform.actor.perform(errand(write_back(case), "O")))
    assert outcome.command == NoteDone(order="O", outcome="channel/written-back")
    assert len(platform.asked) == len(case.shipped_before)


ERRORS = [(each, what) for each in CASES for what in each.errors]


@pytest.mark.parametrize(("case", "what"), ERRORS, ids=[f"{each.code}-{what}" for each, what in ERRORS])
async def test_an_error_is_the_platforms_or_the_calls(case: Case, what: str) -> None:
    body, partner_wide, final, wait_s = case.errors[what]
    span = {"since": NOW, "until": NOW + timedelta(minutes=1), "page": 0, "cursor": ""}
    effects = (
        case.effect(FetchDetail, native=case.native),
        case.effect(ListOrders, **span),
        write_back(case),
    )
    for effect in effects:
        failure = await failed(case.partner(body).actor.perform(errand(effect, "O")))
        assert (failure.partner_wide, failure.final, failure.retry_after_s) == (partner_wide, final, wait_s)
        assert not failure.unknown
        assert "陈小明" not in failure.error


async def test_nothing_of_the_secret_is_sent(case: Case) -> None:
    name = f"{case.channel.name}/{case.shop}"
    for answers, effect in (
        (case.shipped, write_back(case)),
        (
            (case.listing,),
            case.effect(ListOrders, since=NOW, until=NOW + timedelta(minutes=1), page=0, cursor=""),
        ),
    ):
        platform = case.partner(*answers)
        await done(platform.actor.perform(errand(effect, "O")))
        secrets = [value for field, value in credentials().get(name).items() if field.endswith("secret")]
        sent = b"".join(request.url.encode() + request.body for request in platform.asked)
        assert secrets and not any(secret.encode() in sent for secret in secrets)


# ---- Douyin: a push of many


def test_one_bad_message_of_a_push_does_not_hurt_the_others() -> None:
    good, bad = golden("douyin/paid-101.json")[1:-1], b'{"tag":"101","msg_id":"1","data":"{"}'
    also_good = golden("douyin/amount-109.json")[1:-1]
    messages = CASES[0].door.open(douyin_push(b"[" + b" ,".join((good, bad, also_good)) + b" ]"))
    assert [type(message) for message in messages] == [Inbound, NotUnderstood, Inbound]


# ---- Pinduoduo: what only it has


def test_pinduoduo_signs_as_in_its_documents() -> None:
    parameters = {
        "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211", "client_id": "1", "data_type": "XML",
        "order_status": "1", "page": "1", "page_size": "10", "timestamp": "1480411125",
        "type": "pdd.order.number.list.get",
    }  # fmt: skip
    assert md5_sign("testSecret", parameters) == "E4DE3ED21002510DED352819E7AE6775"


@pytest.mark.parametrize(
    ("differs", "status"),
    [
        ({}, "paid"),
        ({"confirm_status": 0}, "created"),
        ({"confirm_status": 2, "refund_status": 4}, "cancelled"),
        ({"group_status": 0}, "paid_hold"),
        ({"group_status": 2}, "cancelled"),
        ({"risk_control_status": 1}, "paid_hold"),
        ({"order_status": 2, "risk_control_status": 1}, "shipped"),
        ({"order_status": 3}, "signed"),
        ({"order_status": 3, "refund_status": 4}, "refunded"),
        ({"refund_status": 2}, "paid"),
    ],
)
async def test_pinduoduos_five_fields_are_one_status(differs: dict[str, int], status: str) -> None:
    case = CASES[1]
    effect = case.effect(FetchDetail, native=case.native)
    outcome = await done(case.partner(pinduoduo_detail(**differs)).actor.perform(errand(effect, "O")))
    assert isinstance(outcome.command, RecordDetail)
    assert CONF.policy.channels["PD"].statuses[outcome.command.native_status] == status
    assert (outcome.command.paid_at is None) == (differs.get("confirm_status") == 0)


async def test_pinduoduos_yuan_are_fen_and_its_local_times_are_instants() -> None:
    case = CASES[1]
    effect = case.effect(FetchDetail, native=case.native)
    command = (await done(case.partner(case.detail).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    assert (command.amount_fen, command.discount_fen, command.freight_fen) == (12_905, 1_000, 0)
    assert [(line.sku, line.units, line.amount_fen, line.gift) for line in command.lines] == [
        ("DOWN-JACKET-M", 1, 9_905, False),
        ("SOCKS", 2, 4_000, False),
        ("BAG", 1, 0, True),
    ]
    assert command.placed_at == datetime(2026, 1, 27, 4, 0, tzinfo=UTC)
    assert command.ship_by == datetime(2026, 1, 29, 4, 1, tzinfo=UTC)


async def test_a_second_parcel_of_a_pinduoduo_order_is_added_to_it() -> None:
    case = CASES[1]
    shipped = pinduoduo_detail(order_status=2, tracking_number="SF0")
    platform = case.partner(shipped, b'{"order_upload_extra_logistics_response":{"success":true}}')
    await done(platform.actor.perform(errand(write_back(case), "O")))
    sent = json.loads(platform.asked[1].body)
    assert sent["type"] == "pdd.order.upload.extra.logistics"
    assert json.loads(sent["extra_track_list"]) == [{"shipping_id": 44, "tracking_number": "SF1"}]
    known = pinduoduo_detail(
        order_status=2,
        tracking_number="SF0",
        extra_delivery_list=[{"tracking_number": "SF1", "logistics_id": 44}],
    )
    again = case.partner(known)
    await done(again.actor.perform(errand(write_back(case), "O")))
    assert len(again.asked) == 1


async def test_a_carrier_pinduoduo_has_no_number_for_is_a_dead_letter_and_nothing_is_sent() -> None:
    case = CASES[1]
    platform = case.partner(*case.shipped)
    failure = await failed(platform.actor.perform(errand(replace(write_back(case), carrier="DB"), "O")))
    assert failure.final and "DB" in failure.error
    assert platform.asked == []


async def test_no_is_no_also_with_http_200() -> None:
    case = CASES[1]
    platform = case.partner(case.detail, b'{"logistics_online_send_response":{"is_success":false}}')
    failure = await failed(platform.actor.perform(errand(write_back(case), "O")))
    assert (failure.final, failure.partner_wide) == (True, False)


def test_pinduoduo_is_answered_with_an_ack_frame_and_a_heartbeat_stands_for_nothing() -> None:
    case = CASES[1]
    request = case.push(case.messages[0])
    assert json.loads(case.door.answer(request, []).body) == {
        "id": 3620714201837569, "commandType": "Ack", "sendTime": 1769486460250, "mallID": 171504183,
    }  # fmt: skip
    assert list(case.door.open(case.push(golden("pinduoduo/heartbeat.json")))) == []
    about_goods = case.messages[0].replace(b"pdd_trade_TradeConfirmed", b"pdd_goods_GoodsModified")
    assert list(case.door.open(case.push(about_goods))) == []
