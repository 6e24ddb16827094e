"""Taobao and Tmall: what only they have (what every channel promises is in `test_channels.py`)."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.contracts.partners.called import done, errand, failed
from tests.contracts.partners.played import CONF, golden, taobao_push
from tests.contracts.test_channels import CASES, CONSIGNED, replace, write_back

from tongdan.adapters.partners.gateway import md5_sign
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import FetchDetail
from tongdan.ports import Inbound, NotUnderstood

CASE = next(case for case in CASES if case.code == "TB")
TRADE = "trade_fullinfo_get_response"


def trade(*, lines: dict[int, dict[str, Any]] | None = None, **differs: Any) -> bytes:
    """The golden trade with other fields; `lines` differ by their place."""
    whole = json.loads(golden("taobao/detail.json"))
    whole[TRADE]["trade"] |= differs
    for at, fields in (lines or {}).items():
        whole[TRADE]["trade"]["orders"]["order"][at] |= fields
    return json.dumps(whole, ensure_ascii=False).encode()


async def detail(body: bytes) -> RecordDetail:
    effect = CASE.effect(FetchDetail, native=CASE.native)
    command = (await done(CASE.partner(body).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    return command


def sent(body: bytes) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(body.decode(), keep_blank_values=True).items()}


def test_a_call_is_signed_as_in_the_platforms_worked_example() -> None:
    parameters = {
        "method": "taobao.item.seller.get", "app_key": "12345678", "session": "test",
        "timestamp": "2016-01-01 12:00:00", "format": "json", "v": "2.0", "sign_method": "md5",
        "fields": "num_iid,title,nick,price,num", "num_iid": "11223344",
    }  # fmt: skip
    assert md5_sign("helloworld", parameters) == "66987CB115214E59E6EC978214934FB8"


async def test_yuan_are_fen_what_was_taken_off_is_the_rest_and_a_gift_is_a_gift() -> None:
    command = await detail(CASE.detail)
    assert (command.amount_fen, command.freight_fen, command.discount_fen) == (12_905, 600, 1_600)
    assert [(line.sku, line.units, line.amount_fen, line.gift) for line in command.lines] == [
        ("DOWN-JACKET-M", 1, 9_905, False),
        ("SOCKS", 2, 4_000, False),
        ("BAG", 1, 0, True),
    ]
    assert command.lines[0].native == CASE.native  # a line may bear its trade's number
    assert command.ship_by == datetime(2026, 1, 29, 4, 1, tzinfo=UTC)
    assert list(command.person.sealed) == ["oaid"]


@pytest.mark.parametrize(
    ("differs", "status", "paid"),
    [
        ({"status": "WAIT_BUYER_PAY", "pay_time": ""}, "created", False),
        (
            {"type": "step", "status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_NOPAID_FINAL_NOPAID"},
            "created",
            False,
        ),
        (
            {"type": "step", "status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_PAID_FINAL_NOPAID"},
            "deposit_paid",
            False,
        ),
        ({"type": "step", "step_trade_status": "FRONT_PAID_FINAL_PAID"}, "paid", True),
        ({"status": "PAID_FORBID_CONSIGN"}, "paid_hold", True),
        ({"status": "SELLER_CONSIGNED_PART"}, "shipped", True),
        ({"status": "TRADE_CLOSED"}, "refunded", True),
        ({"status": "TRADE_CLOSED_BY_TAOBAO", "pay_time": ""}, "cancelled", False),
        ({"type": "cod", "pay_time": ""}, "cod_to_ship", False),
        ({"type": "cod", "pay_time": "", "status": "WAIT_BUYER_CONFIRM_GOODS"}, "shipped", False),
        ({"type": "cod", "pay_time": "", "status": "TRADE_BUYER_SIGNED"}, "signed", False),
        (
            {"type": "cod", "pay_time": "", "status": "TRADE_FINISHED", "end_time": "2026-01-30 12:00:00"},
            "completed",
            True,
        ),
    ],
)
async def test_a_trade_is_paid_when_all_of_it_is(differs: dict[str, Any], status: str, paid: bool) -> None:
    command = await detail(trade(**differs))
    assert CONF.policy.channels["TB"].statuses[command.native_status] == status
    assert (command.paid_at is not None) == paid


async def test_a_line_that_was_closed_before_it_was_paid_is_not_shipped() -> None:
    closed = {1: {"status": "TRADE_CLOSED_BY_TAOBAO"}}
    command = await detail(trade(lines=closed, payment="90.00"))
    assert [line.sku for line in command.lines] == ["DOWN-JACKET-M", "BAG"]
    assert (command.amount_fen, command.discount_fen) == (9_000, 1_505)
    whole = {at: {"status": "TRADE_CLOSED_BY_TAOBAO"} for at in range(3)}
    command = await detail(trade(lines=whole, status="TRADE_CLOSED_BY_TAOBAO", pay_time=""))
    assert len(command.lines) == 3


def parcel(*units: tuple[str, int]) -> Any:
    return replace(write_back(CASE), units=units)


SOCKS = str(int(CASE.native) + 1)


@pytest.mark.parametrize(
    ("line", "units", "consign_type", "open_lines"),
    [
        ({}, 2, "1", [False]),
        ({}, 1, "1", [True]),  # the first of several
        ({"invoice_no": "SF0"}, 1, "1", [False]),  # the last of several
        ({"invoice_no": "SF0", "status": "WAIT_BUYER_CONFIRM_GOODS"}, 1, "3", []),  # one more
    ],
)
async def test_a_parcel_says_which_units_and_whether_more_will_follow(
    line: dict[str, str], units: int, consign_type: str, open_lines: list[bool]
) -> None:
    platform = CASE.partner(trade(lines={1: line}), CONSIGNED)
    await done(platform.actor.perform(errand(parcel((SOCKS, units)), "O")))
    told = sent(platform.asked[1].body)
    assert (told["method"], told["consign_type"]) == ("alibaba.ascp.logistics.offline.send", consign_type)
    assert json.loads(told["consign_pkgs"]) == [
        {"out_sid": "SF1", "company_code": "SF", "goods": [{"sub_tid": SOCKS, "num": units}]}
    ]
    expected = [{"sub_tid": SOCKS, "is_part_consign": part} for part in open_lines]
    assert json.loads(told.get("consign_status", "[]")) == expected


async def test_no_is_no_also_with_http_200() -> None:
    platform = CASE.partner(CASE.detail, CONSIGNED.replace(b"true", b"false"))
    failure = await failed(platform.actor.perform(errand(write_back(CASE), "O")))
    assert (failure.final, failure.partner_wide) == (True, False)
    assert len(platform.asked) == 2


def test_messages_of_an_array_are_read_one_by_one_and_confirmed_by_their_ids() -> None:
    good, bad = golden("taobao/paid.json"), b'{"id":7,"topic":"taobao_trade_TradeBuyerPay","content":"{"}'
    goods = golden("taobao/refund.json").replace(b"taobao_refund_RefundCreated", b"taobao_item_ItemUpdate")
    request = taobao_push(b"[" + b",".join((good, bad, goods)) + b"]")
    messages = CASE.door.open(request)
    assert [type(message) for message in messages] == [Inbound, NotUnderstood]
    answer = json.loads(CASE.door.answer(request, []).body)
    assert answer == {"s_message_ids": "8529364893180959,7,8529364893180960"}
