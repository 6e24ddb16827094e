"""Each partner's words for "I do not take this key", which let a standby take over, and those that look like them.

An outage, a limit, a missing right, a foreign address or a wrong clock are no key's fault: with another key it would be
the same, and a good key would be marked as failed.
"""

import json
from typing import Any

import msgspec
import pytest
from tests.contracts.partners.called import Partner, errand, failed, ok, said
from tests.contracts.partners.played import CONF
from tests.contracts.partners.test_every_actor import EFFECTS, FETCH
from tests.contracts.test_channels import (
    douyin_error,
    example_error,
    jd_error,
    kuaishou_error,
    pinduoduo_error,
    taobao_error,
)

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.partners import connect_actors, tasks_of
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.facts import FetchDetail
from tongdan.ports import Failed, HttpResponse


def qimen(code: str, message: str = "") -> bytes:
    return (
        f"<response><flag>failure</flag><success>false</success><code>{code}</code><errorCode>{code}</errorCode>"
        f"<message>{message}</message></response>"
    ).encode()


def sf(code: str) -> bytes:
    return json.dumps({"apiResultCode": code, "apiErrorMsg": "数字签名无效", "apiResultData": None}).encode()


def link(code: str) -> bytes:
    return json.dumps({"success": "false", "errorCode": code}).encode()


def sms(code: str) -> bytes:
    return json.dumps({"Code": code, "Message": "no", "RequestId": "r"}).encode()


def wechat(code: str, status: int) -> HttpResponse:
    return said(status, code=code, message="no")


def mini(code: int) -> bytes:
    return json.dumps({"errcode": code, "errmsg": "no"}).encode()


FROZEN = HttpResponse(401, {}, b'{"error":"Invalid AppKey"}')

AWAY: list[tuple[str, bytes | HttpResponse]] = [
    ("channel/DY/dy-main", douyin_error(30_001, "dop.app-forbidden")),
    ("channel/DY/dy-main", douyin_error(40_003, "isv.access-token-expired")),
    ("channel/DY/dy-main", douyin_error(40_003, "isv.app-id-expired")),
    ("channel/DY/dy-main", douyin_error(40_003, "isv.signature-invalid")),
    ("channel/DY/dy-main", douyin_error(50_001, "dop.token-generate-failed:app-secret-invalid")),
    ("channel/PD/pd-main", pinduoduo_error(10_019)),
    ("channel/PD/pd-main", pinduoduo_error(20_004)),
    ("channel/PD/pd-main", pinduoduo_error(20_032)),
    ("channel/TB/tb-main", taobao_error(25, "isv.invalid-signature")),
    ("channel/TB/tb-main", taobao_error(27, "invalid-sessionkey")),
    ("channel/TB/tb-main", taobao_error(29, "isv.appkey-not-exists")),
    ("channel/JD/jd-main", jd_error("12")),
    ("channel/JD/jd-main", jd_error("19")),
    ("channel/JD/jd-main", jd_error("21")),
    ("channel/KS/ks-main", kuaishou_error(24)),
    ("channel/KS/ks-main", kuaishou_error(28)),
    ("channel/XX/xx-main", example_error("4010")),
    ("channel/DY/dy-main", FROZEN),
    ("carrier/SF", sf("A1006")),
    ("carrier/SF", sf("A1004")),
    ("carrier/SF", sf("A1002")),
    ("carrier/SF", FROZEN),
    ("carrier/ZTO", taobao_error(29)),
    ("tracks/cainiao", link("S02")),
    ("tracks/cainiao", FROZEN),
    ("wms/WH-EAST", qimen("sign-check-failure", "Illegal request")),
    ("wms/WH-EAST", qimen("0", "invalid appkey")),
    ("wms/WH-EAST", FROZEN),
    ("payment/wechat", wechat("SIGN_ERROR", 401)),
    ("finance", FROZEN),
    ("service", FROZEN),
    ("notice/sms", sms("InvalidAccessKeyId.Inactive")),
    ("notice/sms", sms("SignatureDoesNotMatch")),
    ("notice/wechat-mini", mini(40125)),
]

NOT_THE_KEY: list[tuple[str, bytes | HttpResponse]] = [
    ("channel/DY/dy-main", douyin_error(30_002)),
    ("channel/DY/dy-main", douyin_error(40_003, "isv.timestamp-invalid")),
    ("channel/DY/dy-main", douyin_error(30_001, "isv.app-permissions-insufficient")),
    ("channel/DY/dy-main", douyin_error(60_000)),
    ("channel/PD/pd-main", pinduoduo_error(20_005)),
    ("channel/PD/pd-main", pinduoduo_error(20_031)),
    ("channel/PD/pd-main", pinduoduo_error(52_103)),
    ("channel/TB/tb-main", taobao_error(7)),
    ("channel/TB/tb-main", taobao_error(31, "isv.invalid-timestamp")),
    ("channel/JD/jd-main", jd_error("80")),
    ("channel/JD/jd-main", jd_error("67")),
    ("channel/KS/ks-main", kuaishou_error(10, "802006", "802006")),
    ("channel/XX/xx-main", example_error("4030")),
    ("carrier/SF", sf("A1003")),
    ("carrier/SF", sf("A1005")),
    ("carrier/SF", sf("A1009")),
    ("tracks/cainiao", link("S07")),
    ("wms/WH-EAST", qimen("isp.remote-service-timeout")),
    ("payment/wechat", wechat("NO_AUTH", 403)),
    ("payment/wechat", wechat("FREQUENCY_LIMITED", 429)),
    ("finance", HttpResponse(403, {}, b"")),
    ("notice/sms", sms("isv.AMOUNT_NOT_ENOUGH")),
    ("notice/sms", sms("isv.DENY_IP_RANGE")),
    ("notice/wechat-mini", mini(40164)),
]


def name_of(value: object) -> str:
    return value if isinstance(value, str) else ""


async def answered(partner: str, answer: bytes | HttpResponse) -> Failed:
    """What the actor makes of it for the first of its effects that can be asked for."""
    effect = of_partner(partner)
    response = ok(answer) if isinstance(answer, bytes) else answer
    hosts = {url.split("/")[2] for url in tasks_of(CONF).values() if url}
    partners = {host: Partner(host, response) for host in hosts}
    wire: Any = next(iter(partners.values())).wire
    for each in partners.values():
        wire.transport._handlers.update(each.wire.transport._handlers)  # type: ignore[attr-defined]
    actors = connect_actors(CONF, wire.credentials, wire.transport, wire.clock, SeededEntropy("0"))
    actor = next(each for each in actors if each.partner == partner)
    return await failed(actor.perform(errand(effect, _aggregate(effect))))


def of_partner(partner: str) -> Effect:
    """One that is sent to it; channels are all sent the same."""
    for each in EFFECTS:
        if each.partner == partner:
            return each
    assert isinstance(FETCH, FetchDetail)
    _, channel, shop = partner.split("/")
    return msgspec.structs.replace(FETCH, partner=partner, channel=channel, shop=shop, native="123456789")


def _aggregate(effect: Effect) -> str:
    return getattr(effect, "shipment", "") or getattr(effect, "order", "") or "MP20260127000007"


@pytest.mark.parametrize(("partner", "answer"), AWAY, ids=name_of)
async def test_a_key_that_is_not_taken_is_told_from_all_other_trouble(
    partner: str, answer: bytes | HttpResponse
) -> None:
    failure = await answered(partner, answer)
    assert (failure.turned_away, failure.partner_wide, failure.final) == (True, True, False)


@pytest.mark.parametrize(("partner", "answer"), NOT_THE_KEY, ids=name_of)
async def test_what_another_key_would_meet_too_is_no_keys_fault(
    partner: str, answer: bytes | HttpResponse
) -> None:
    failure = await answered(partner, answer)
    assert (failure.turned_away, failure.partner_wide) == (False, True)


def test_every_actor_has_words_for_it() -> None:
    partners = {effect.partner for effect in EFFECTS}
    assert partners <= {partner for partner, _ in AWAY}
