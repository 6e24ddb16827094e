"""Calls to a Qimen WMS: what a delivery order says, and what its answers become."""

from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, fromstring

import msgspec
import pytest
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, credentials, qimen_sign
from tests.contracts.partners.test_every_actor import CANCEL, ORDER, PUSH

from tongdan.adapters.partners.qimen_api import QimenActor
from tongdan.domain.fulfillment.commands import RecordRecall, RecordWmsAccepted, RecordWmsRefused
from tongdan.domain.fulfillment.facts import Item

HOST = "qimen.api.taobao.com"
SHIPMENT = f"{ORDER}-S1"


def qimen(partner: Partner) -> QimenActor:
    return QimenActor("wms/WH-EAST", CONF.partners.qimen, CONF.policy, partner.wire)


def answer(flag: str, code: str = "0", message: str = "", more: str = "") -> bytes:
    return f"<response><flag>{flag}</flag><code>{code}</code><message>{message}</message>{more}</response>".encode()


def texts(root: Element, path: str, *names: str) -> list[str | None]:
    return [root.findtext(f"{path}/{name}") for name in names]


async def test_a_shipment_is_handed_over_with_every_field_the_interface_requires() -> None:
    partner = Partner(HOST, ok(answer("success", more="<deliveryOrderId>W77</deliveryOrderId>")))
    outcome = await done(qimen(partner).perform(errand(PUSH, SHIPMENT)))
    assert outcome.command == RecordWmsAccepted(shipment=SHIPMENT, wms_order="W77")
    root = fromstring(partner.asked[0].body)
    order = "deliveryOrder"
    assert texts(root, order, "deliveryOrderCode", "orderType", "warehouseCode") == [
        SHIPMENT,
        "JYCK",
        "WH-EAST",
    ]
    assert texts(root, order, "createTime", "placeOrderTime", "operateTime") == ["2026-01-27 12:00:00"] * 3
    assert texts(root, order, "shopNick", "logisticsCode", "sourcePlatformCode") == [
        "同单抖音旗舰店",
        "SF",
        "DY",
    ]
    person = ("name", "mobile", "province", "city", "detailAddress")
    assert texts(root, f"{order}/receiverInfo", *person) == [
        "陈小明", "12012345678", "浙江省", "杭州市", "良渚街道 12 号",
    ]  # fmt: skip
    assert None not in texts(root, f"{order}/senderInfo", *person)
    line = ("ownerCode", "itemCode", "planQty", "actualPrice", "orderLineNo", "sourceOrderCode")
    assert texts(root, "orderLines/orderLine", *line) == [
        "TONGDAN", "DOWN-JACKET-M", "2", "99.50", "1", PUSH.native,
    ]  # fmt: skip


async def test_a_number_that_the_seller_took_goes_along_with_its_carrier() -> None:
    partner = Partner(HOST, ok(answer("success")))
    push = msgspec.structs.replace(PUSH, carrier="ZTO", waybill="75312345678901")
    await done(qimen(partner).perform(errand(push, SHIPMENT)))
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT)))
    with_number, without = (fromstring(each.body) for each in partner.asked)
    assert texts(with_number, "deliveryOrder", "logisticsCode", "expressCode") == ["ZTO", "75312345678901"]
    assert texts(without, "deliveryOrder", "logisticsCode", "expressCode") == ["SF", None]


async def test_a_parcel_of_two_orders_is_one_delivery_order_and_names_each_line_s_own_order() -> None:
    partner = Partner(HOST, ok(answer("success")))
    own = Item(1, "DOWN-JACKET-M", 2, 19_901, order=ORDER, native=PUSH.native)
    other = Item(1, "DOWN-JACKET-M", 1, 9_950, order="DY20260127001148", native="4781000000000000000")
    push = msgspec.structs.replace(PUSH, shipment=f"{ORDER}-S1001", items=(own, other))
    await done(qimen(partner).perform(errand(push, push.shipment)))
    (asked,) = partner.asked
    root = fromstring(asked.body)
    assert root.findtext("deliveryOrder/deliveryOrderCode") == f"{ORDER}-S1001"
    lines = root.findall("orderLines/orderLine")
    assert [(each.findtext("orderLineNo"), each.findtext("sourceOrderCode")) for each in lines] == [
        ("1", PUSH.native), ("2", "4781000000000000000")
    ]  # fmt: skip


async def test_a_call_is_signed_over_query_and_body() -> None:
    partner = Partner(HOST, ok(answer("success")))
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT)))
    (asked,), query = partner.asked, partner.query()
    assert urlsplit(asked.url).path == "/router/qimen/service"
    assert (query["method"], query["customerId"]) == ("taobao.qimen.deliveryorder.create", "C1")
    assert query["timestamp"] == "2026-01-27 12:00:00"
    signature = query.pop("sign")
    assert signature == qimen_sign(query, asked.body, credentials().get("qimen/main")["secret"]).upper()


async def test_the_same_errand_twice_says_the_same() -> None:
    partner = Partner(HOST, ok(answer("success")))
    for tries in (1, 2):
        await done(qimen(partner).perform(errand(PUSH, SHIPMENT, tries=tries)))
    first, second = partner.asked
    assert first.body == second.body


async def test_what_the_platform_encrypted_goes_along_unopened() -> None:
    partner = Partner(HOST, ok(answer("success")))
    sealed = msgspec.structs.replace(CHEN, name="陈**", sealed={"encrypt_post_receiver": "##aZ3f#<&>=#"})
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT, person=sealed)))
    order = fromstring(partner.asked[0].body).find("deliveryOrder")
    assert order is not None
    assert order.findtext("receiverInfo/extendProps/encrypt_post_receiver") == "##aZ3f#<&>=#"
    assert order.findtext("oaidOrderSourceCode") == PUSH.native


async def test_a_name_no_xml_may_hold_does_not_stop_the_parcel() -> None:
    partner = Partner(HOST, ok(answer("success")))
    odd = msgspec.structs.replace(CHEN, name="陈\x00小\x1b明</name>&\ufffe", detail="1\n2")
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT, person=odd)))
    root = fromstring(partner.asked[0].body)
    assert texts(root, "deliveryOrder/receiverInfo", "name", "detailAddress") == ["陈小明</name>&", "1\n2"]


async def test_an_erased_receiver_is_a_dead_letter_and_nothing_is_sent() -> None:
    partner = Partner(HOST, ok(answer("success")))
    failure = await failed(qimen(partner).perform(errand(PUSH, SHIPMENT, person=None)))
    assert failure.final and partner.asked == []


async def test_a_line_of_no_units_does_not_divide_by_them() -> None:
    partner = Partner(HOST, ok(answer("success")))
    effect = msgspec.structs.replace(PUSH, items=(Item(1, "GIFT", 0, 0),))
    await done(qimen(partner).perform(errand(effect, SHIPMENT)))
    assert fromstring(partner.asked[0].body).findtext("orderLines/orderLine/actualPrice") == "0.00"


async def test_a_refused_shipment_tells_why_without_the_receiver() -> None:
    said = answer("failure", "S007", "收件人陈小明(12012345678)地址 良渚街道 12 号 不在配送范围")
    outcome = await done(qimen(Partner(HOST, ok(said))).perform(errand(PUSH, SHIPMENT)))
    reason = "S007 收件人…(…)地址 … 不在配送范围"
    assert outcome.command == RecordWmsRefused(shipment=SHIPMENT, reason=reason)


@pytest.mark.parametrize("effect", [PUSH, CANCEL], ids=["create", "cancel"])
@pytest.mark.parametrize(
    "said",
    [
        answer("failure", "sign-check-failure", "Illegal request"),
        answer("failure", "50", "invalid appkey"),
        b"<response><success>false</success><errorCode>sign-check-failure</errorCode></response>",
    ],
)
async def test_a_call_the_gateway_turns_away_is_no_word_on_the_order(said: bytes, effect: object) -> None:
    assert effect in (PUSH, CANCEL)
    chosen = PUSH if effect is PUSH else CANCEL
    failure = await failed(qimen(Partner(HOST, ok(said))).perform(errand(chosen, SHIPMENT)))
    assert (failure.partner_wide, failure.final) == (True, False)


@pytest.mark.parametrize(
    ("said", "stopped", "reason"),
    [
        (answer("success"), True, ""),
        (answer("failure", "S020", "订单已打包出库"), False, "S020 订单已打包出库"),
        (answer("failure", "S011", "出库单不存在"), True, "S011 出库单不存在"),
    ],
)
async def test_a_cancel_is_answered_yes_or_no(said: bytes, stopped: bool, reason: str) -> None:
    partner = Partner(HOST, ok(said))
    outcome = await done(qimen(partner).perform(errand(CANCEL, SHIPMENT)))
    assert outcome.command == RecordRecall(shipment=SHIPMENT, stopped=stopped, reason=reason)
    root = fromstring(partner.asked[0].body)
    assert texts(root, ".", "warehouseCode", "orderCode", "orderType", "cancelReason") == [
        "WH-EAST", SHIPMENT, "JYCK", "不想要了",
    ]  # fmt: skip


async def test_an_answer_with_entities_is_none() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "success">]><response><flag>&a;</flag></response>'
    failure = await failed(qimen(Partner(HOST, ok(bomb))).perform(errand(PUSH, SHIPMENT)))
    assert (failure.partner_wide, failure.unknown) == (True, True)
