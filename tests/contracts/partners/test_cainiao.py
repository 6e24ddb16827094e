"""Cainiao's numbers: got once for a key, found again, given back, printed as what its component opens."""

import json
from urllib.parse import parse_qsl

import msgspec
import pytest
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, GOLDEN, credentials
from tests.contracts.partners.test_every_actor import carrier, waybill_effects

from tongdan.adapters.partners.gateway import md5_sign
from tongdan.domain.fulfillment.waybill_commands import (
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
)
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.domain.sync.kinds import WAYBILLS_EXHAUSTED
from tongdan.ports import Actor, Failed, HttpRequest, HttpResponse, Repeat

GET, CANCEL, PRINT = waybill_effects("ZTO")
SHIPMENT, NUMBER = GET.key, "75312345678901"
CANCEL = msgspec.structs.replace(CANCEL, waybill=NUMBER)
PRINT = msgspec.structs.replace(PRINT, waybill=NUMBER)
OAID = "1jZ8pVbN0Lf5"


def golden(name: str) -> bytes:
    return (GOLDEN / "cainiao" / f"{name}.json").read_bytes()


def error(sub_code: str, code: int = 15, sub_msg: str = "陈小明 12012345678") -> bytes:
    said = {
        "code": code,
        "msg": "Remote service error",
        "sub_code": sub_code,
        "sub_msg": sub_msg,
        "request_id": "r1",
    }
    return json.dumps({"error_response": said}).encode()


NOTHING = json.dumps({"cainiao_waybill_ii_query_by_tradecode_response": {"modules": {}}}).encode()


class Cainiao(Partner):
    """Answers one call after the other."""

    def __init__(self, *bodies: bytes) -> None:
        super().__init__("gw.api.taobao.com", ok(b""))
        self._bodies = list(bodies)

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        return ok(self._bodies.pop(0))

    @property
    def actor(self) -> Actor:
        return carrier("carrier/ZTO", self.wire)

    def calls(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(each.body.decode())) for each in self.asked]

    async def perform(self, effect: Effect, person: Person | None = CHEN) -> object:
        outcome = await done(self.actor.perform(errand(effect, SHIPMENT, person=person)))
        return outcome.command


async def test_a_number_is_got_under_our_key_and_the_call_is_signed() -> None:
    cainiao = Cainiao(golden("got"))
    assert await cainiao.perform(GET) == RecordWaybill(shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER)
    (call,) = cainiao.calls()
    signature = call.pop("sign")
    assert signature == md5_sign(credentials().get("cainiao/main")["app_secret"], call)
    assert (call["method"], call["timestamp"]) == ("cainiao.waybill.ii.get", "2026-01-27 12:00:00")
    asked = json.loads(call["param_waybill_cloud_print_apply_new_request"])
    assert asked["cp_code"] == "ZTO"
    assert asked["sender"]["address"]["detail"] == CONF.partners.qimen.sender.detail
    (order,) = asked["trade_order_info_dtos"]
    assert order["order_info"] == {"order_channels_type": "OTHERS", "trade_order_list": [SHIPMENT]}
    assert order["package_info"] == {"id": SHIPMENT, "items": [{"name": "DOWN-JACKET-M", "count": 2}]}
    assert order["recipient"] == {
        "name": CHEN.name,
        "mobile": CHEN.phone,
        "address": {
            "province": CHEN.province, "city": CHEN.city, "district": CHEN.district, "detail": CHEN.detail
        },
    }  # fmt: skip


async def test_taobao_s_sealed_receiver_goes_along_unopened_with_the_trade_s_own_number() -> None:
    cainiao = Cainiao(golden("got"))
    effect = msgspec.structs.replace(GET, channel="TB", natives=("1527014522198024829",))
    sealed = msgspec.structs.replace(CHEN, name="陈**", phone="1********78", sealed={"oaid": OAID})
    await cainiao.perform(effect, sealed)
    asked = json.loads(cainiao.calls()[0]["param_waybill_cloud_print_apply_new_request"])
    (order,) = asked["trade_order_info_dtos"]
    recipient = order["recipient"]
    assert (recipient["oaid"], recipient["tid"]) == (OAID, "1527014522198024829")
    assert (recipient["name"], recipient["mobile"]) == ("陈**", "1********78")
    assert order["order_info"]["order_channels_type"] == "TB"


@pytest.mark.parametrize(
    "person", [None, msgspec.structs.replace(CHEN, sealed={"encrypt_post_receiver": "##aZ3f#"})]
)
async def test_a_receiver_it_cannot_open_is_refused_and_nothing_is_sent(person: Person | None) -> None:
    cainiao = Cainiao()
    assert type(await cainiao.perform(GET, person)) is RecordWaybillRefused
    assert cainiao.asked == []


async def test_after_a_time_out_the_number_is_looked_for_before_another_is_asked_for() -> None:
    assert carrier("carrier/ZTO", Cainiao().wire).verbs[type(GET)].repeat is Repeat.QUERY_FIRST
    cainiao = Cainiao(golden("found"))
    found = await done(cainiao.actor.look_up(errand(GET, SHIPMENT)))
    assert found.command == RecordWaybill(shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER)
    (call,) = cainiao.calls()
    assert json.loads(call["param_list"]) == [{"biz_sub_code": SHIPMENT, "object_id": SHIPMENT}]


@pytest.mark.parametrize(
    "body",
    [NOTHING, error("isv.waybill-not-exist"), golden("found").replace(b'"ZTO"', b'"YTO"')],
    ids=["none", "not known", "of another carrier"],
)
async def test_only_what_certainly_is_not_there_is_asked_for_anew(body: bytes) -> None:
    assert await Cainiao(body).actor.look_up(errand(GET, SHIPMENT)) is None


@pytest.mark.parametrize(
    "body", [b"", error("isp.top-remote-connection-timeout"), error("isv.no-permission")]
)
async def test_a_look_up_that_could_not_tell_sends_nothing(body: bytes) -> None:
    assert isinstance(await Cainiao(body).actor.look_up(errand(GET, SHIPMENT)), Failed)


async def test_an_empty_account_stops_the_carrier_with_a_ticket() -> None:
    for body in (golden("empty"), error("isv.invalid-parameter", 50, "电子面单余额不足")):
        failure = await failed(Cainiao(body).actor.perform(errand(GET, SHIPMENT)))
        assert (failure.partner_wide, failure.final, failure.unknown) == (True, False, False)
        assert (failure.retry_after_s, failure.ticket) == (300.0, WAYBILLS_EXHAUSTED)


@pytest.mark.parametrize(
    ("body", "partner_wide", "final"),
    [
        (error("isv.appkey-not-exists", 29), True, False),
        (error("", 25), True, False),
        (error("", 7), True, False),
        (error("isp.remote-service-timeout"), True, False),
        (error("", 40), False, True),
    ],
)
async def test_whose_fault_it_is(body: bytes, partner_wide: bool, final: bool) -> None:
    failure = await failed(Cainiao(body).actor.perform(errand(GET, SHIPMENT)))
    assert (failure.partner_wide, failure.final, failure.ticket) == (partner_wide, final, "")
    assert CHEN.name not in failure.error


async def test_what_it_refuses_is_told_by_its_code_and_without_its_words() -> None:
    command = await Cainiao(error("isv.address-unreachable")).perform(GET)
    assert command == RecordWaybillRefused(
        shipment=SHIPMENT, key=SHIPMENT, reason="Cainiao isv.address-unreachable"
    )


@pytest.mark.parametrize(
    ("body", "cancelled", "reason"),
    [
        (golden("cancelled"), True, ""),
        (error("isv.waybill-already-cancelled"), True, ""),
        (error("isv.waybill-not-exist"), True, ""),
        (golden("cancelled").replace(b"true", b"false"), False, "Cainiao did not cancel it"),
        (error("isv.waybill-cancel-fail"), False, "Cainiao isv.waybill-cancel-fail"),
    ],
)
async def test_a_cancel_says_whether_the_number_is_dead(body: bytes, cancelled: bool, reason: str) -> None:
    cainiao = Cainiao(body)
    assert await cainiao.perform(CANCEL) == RecordWaybillCancelled(
        shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER, cancelled=cancelled, reason=reason
    )
    (call,) = cainiao.calls()
    assert (call["cp_code"], call["waybill_code"]) == ("ZTO", NUMBER)


async def test_a_number_nobody_has_heard_of_is_cancelled_by_its_key() -> None:
    by_key = msgspec.structs.replace(CANCEL, waybill="")
    cainiao = Cainiao(golden("found"), golden("cancelled"))
    assert await cainiao.perform(by_key) == RecordWaybillCancelled(
        shipment=SHIPMENT, key=SHIPMENT, waybill="", cancelled=True
    )
    assert cainiao.calls()[1]["waybill_code"] == NUMBER
    never = Cainiao(NOTHING)
    assert getattr(await never.perform(by_key), "cancelled", None) is True
    assert len(never.asked) == 1


async def test_a_label_is_what_the_component_opens_fetched_anew() -> None:
    cainiao = Cainiao(golden("shown"))
    outcome = await done(cainiao.actor.perform(errand(PRINT, SHIPMENT)))
    assert json.loads(outcome.raw)["encryptedData"].startswith("AES:")
    assert outcome.command == RecordWaybillPrinted(
        shipment=SHIPMENT, key=SHIPMENT, form="json", length_bytes=len(outcome.raw)
    )
    assert cainiao.calls()[0]["method"] == "cainiao.waybill.ii.query.by.waybillcode"


async def test_another_number_s_label_is_not_given_out() -> None:
    other = msgspec.structs.replace(PRINT, waybill="75300000000000")
    failure = await failed(Cainiao(golden("shown")).actor.perform(errand(other, SHIPMENT)))
    assert failure.final
