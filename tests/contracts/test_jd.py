"""JD: what only it has (what every channel promises is in `test_channels.py`)."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.contracts.partners.called import done, errand, failed
from tests.contracts.partners.played import CONF, NOW, golden
from tests.contracts.test_channels import CASES, SHIPPED, replace, write_back

from tongdan.adapters.partners.gateway import md5_sign
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import FetchDetail
from tongdan.domain.sync.pull_facts import ListOrders

CASE = next(case for case in CASES if case.code == "JD")
CIPHERTEXT = "AAS/ZFJFpmfveSmeZ0P9i+iPiAVtOMmowMRtStdbSOA32r6wKNWTMeyV2CU1umLIhl0="


def order(consignee: dict[str, str] | None = None, **differs: Any) -> bytes:
    whole = json.loads(golden("jd/detail.json"))
    info = whole["jingdong_pop_order_get_responce"]["orderDetailInfo"]["orderInfo"]
    info |= differs
    info["consigneeInfo"] |= consignee or {}
    return json.dumps(whole, ensure_ascii=False).encode()


async def detail(body: bytes) -> RecordDetail:
    effect = CASE.effect(FetchDetail, native=CASE.native)
    command = (await done(CASE.partner(body).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    return command


def sent(body: bytes) -> tuple[str, Any]:
    """The method that was called, and what it was told."""
    form = parse_qs(body.decode())
    return form["method"][0], json.loads(form["360buy_param_json"][0])


def test_a_call_is_signed_as_in_the_platforms_worked_example() -> None:
    asked = (
        '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT","page":"1",'
        '"page_size":"200","start_date":null}'
    )
    parameters = {
        "360buy_param_json": asked, "access_token": "yourtoken", "app_key": "yourappkey",
        "method": "jingdong.pop.order.search", "timestamp": "2021-05-07 09:20:39.683+0800", "v": "2.0",
    }  # fmt: skip
    assert md5_sign("yourappSecret", parameters) == "D70825340F4084360B9362B60DFD7930"


async def test_a_call_carries_jds_own_clock() -> None:
    platform = CASE.partner(CASE.detail)
    await done(platform.actor.perform(errand(CASE.effect(FetchDetail, native=CASE.native), "O")))
    assert parse_qs(platform.asked[0].body.decode())["timestamp"] == ["2026-01-27 12:00:00.000+0800"]


async def test_yuan_are_fen_what_was_taken_off_is_the_rest_and_a_gift_is_its_own_line() -> None:
    command = await detail(CASE.detail)
    assert (command.amount_fen, command.freight_fen, command.discount_fen) == (12_905, 600, 1_600)
    assert [(line.native, line.sku, line.units, line.amount_fen, line.gift) for line in command.lines] == [
        ("10054887745652", "DOWN-JACKET-M", 1, 9_905, False),
        ("10054887745653", "SOCKS", 2, 4_000, False),
        ("10054887745653-2", "SOCKS", 1, 0, True),  # the same SKU once more
    ]
    assert command.placed_at == datetime(2026, 1, 27, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("differs", "status", "paid"),
    [
        ({"orderState": "LOCKED"}, "paid_hold", True),
        ({"orderState": "POP_ORDER_PAUSE"}, "paid_hold", True),
        ({"orderState": "WAIT_GOODS_RECEIVE_CONFIRM"}, "shipped", True),
        ({"orderState": "FINISHED_L"}, "completed", True),
        ({"orderState": "DELIVERY_RETURN"}, "returning", True),
        ({"orderState": "NOT_PAY", "paymentConfirmTime": ""}, "created", False),
        ({"orderState": "TRADE_CANCELED", "paymentConfirmTime": ""}, "cancelled", False),
        ({"payType": "5-公司转账", "paymentConfirmTime": ""}, "paid", True),
        ({"payType": "1-货到付款", "paymentConfirmTime": ""}, "cod_to_ship", False),
        (
            {"payType": "1-货到付款", "paymentConfirmTime": "", "orderState": "WAIT_GOODS_RECEIVE_CONFIRM"},
            "shipped",
            False,
        ),
        ({"payType": "1-货到付款", "paymentConfirmTime": "", "orderState": "FINISHED_L"}, "completed", True),
    ],
)
async def test_an_order_is_paid_when_its_money_is_in(
    differs: dict[str, Any], status: str, paid: bool
) -> None:
    command = await detail(order(**differs))
    assert CONF.policy.channels["JD"].statuses[command.native_status] == status
    assert (command.paid_at is not None) == paid


async def test_a_receiver_in_ciphertext_is_carried_unopened_and_shows_nothing() -> None:
    whole = {"fullname": CIPHERTEXT, "fullAddress": CIPHERTEXT * 2, "oaid": ""}
    person = (await detail(order(whole))).person
    assert (person.name, person.phone, person.detail) == ("", "120****5678", "")
    assert person.sealed["fullname"] == CIPHERTEXT
    assert sorted(person.sealed) == ["desen_mobile", "desen_telephone", "fullAddress", "fullname"]


async def test_a_further_parcel_is_written_beside_the_others() -> None:
    shipped = order(orderState="WAIT_GOODS_RECEIVE_CONFIRM", waybill="SF0|ZT0", logisticsId="467|1499")
    platform = CASE.partner(shipped, b'{"order_sop_waybill_update_response":{"code":"0"}}')
    await done(platform.actor.perform(errand(write_back(CASE), "O")))
    assert sent(platform.asked[1].body) == (
        "360buy.order.sop.waybill.update",
        {
            "order_id": CASE.native,
            "logistics_id": "467|1499",
            "waybill": "SF0,SF1|ZT0",
            "trade_no": "S1.1",
        },
    )


@pytest.mark.parametrize(("code", "final"), [("10400001", True), ("99999999", False)])
async def test_no_is_no_also_with_http_200(code: str, final: bool) -> None:
    no = SHIPPED.replace(b"true", b'"false","errorCode":"' + code.encode() + b'"')
    failure = await failed(CASE.partner(CASE.detail, no).actor.perform(errand(write_back(CASE), "O")))
    assert (failure.final, failure.partner_wide) == (final, False)
    unfound = (
        b'{"jingdong_pop_order_get_responce":{"code":"0","orderDetailInfo":{"apiResult":{"success":false}}}}'
    )
    effect = CASE.effect(FetchDetail, native=CASE.native)
    assert (await failed(CASE.partner(unfound).actor.perform(errand(effect, "O")))).final


async def test_a_carrier_jd_has_no_number_for_is_a_dead_letter_and_nothing_is_sent() -> None:
    platform = CASE.partner(*CASE.shipped)
    failure = await failed(platform.actor.perform(errand(replace(write_back(CASE), carrier="DB"), "O")))
    assert failure.final and "DB" in failure.error
    assert platform.asked == []


async def test_a_span_of_one_second_still_has_an_end_after_its_beginning() -> None:
    platform = CASE.partner(CASE.listing)
    span = {"since": NOW, "until": NOW.replace(second=1), "page": 0, "cursor": ""}
    await done(platform.actor.perform(errand(CASE.effect(ListOrders, **span), "pull")))
    _, asked = sent(platform.asked[0].body)
    assert (asked["start_date"], asked["end_date"]) == ("2026-01-27 12:00:00", "2026-01-27 12:00:01")
