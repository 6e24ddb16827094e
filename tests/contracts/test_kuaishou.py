"""What only Kuaishou has: messages whose proof is that they open, gifts with numbers of their own, parcels of units."""

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from tests.contracts.partners.called import done, errand, failed
from tests.contracts.partners.played import (
    CONF,
    NOW,
    HeldCredentials,
    credentials,
    golden,
    kuaishou_post,
    kuaishou_push,
    kuaishou_seal,
)
from tests.contracts.test_channels import CASES, TAKEN, kuaishou_detail, write_back

from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.domain.kernel.after_sales import AFTER_SALES, AfterSaleKind, AfterSaleReport, AfterSaleStage
from tongdan.domain.orders.commands import NoteChannelEvent, RecordDetail
from tongdan.domain.orders.facts import FetchDetail
from tongdan.domain.returns.commands import RecordAfterSale, RecordAnswer
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Case,
    FetchAfterSale,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.ports import HttpRequest, Inbound, NotUnderstood, Unauthentic

(CASE,) = (each for each in CASES if each.channel is KUAISHOU)
GIFT = "2602700041471428"
replace = msgspec.structs.replace


async def detail(body: bytes) -> RecordDetail:
    effect = CASE.effect(FetchDetail, native=CASE.native)
    command = (await done(CASE.partner(body).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    return command


def sent(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """The method and the parameters of a call, wherever they stand."""
    said = {**dict(parse_qsl(urlsplit(request.url).query)), **dict(parse_qsl(request.body.decode()))}
    assert urlsplit(request.url).path == "/" + said["method"].replace(".", "/")
    return said["method"], json.loads(said["param"])


# ---- what it pushes


@pytest.mark.parametrize(
    ("content", "native", "minutes"),
    [("created", CASE.native, 0), ("paid", CASE.native, 1), ("refund", CASE.native, 60)],
)
def test_a_message_says_that_something_happened_to_an_order_and_no_more(
    content: str, native: str, minutes: int
) -> None:
    (message,) = CASE.door.open(kuaishou_push(golden(f"kuaishou/{content}.json")))
    assert isinstance(message, Inbound) and isinstance(message.command, NoteChannelEvent)
    command = message.command
    assert (command.event, command.native_status, command.native) == ("changed", "", native)
    assert command.reason.startswith("kwaishop_") and (command.amount_fen, command.person) == (None, None)
    assert (command.said_at - NOW).total_seconds() // 60 == minutes


def test_what_was_sealed_is_kept_sealed_and_read_again_with_the_secret_only() -> None:
    push = kuaishou_push(golden("kuaishou/paid.json"))
    (message,) = CASE.door.open(push)
    assert message.raw == push.body
    assert list(CASE.door.read("ks-main", push.body, NOW)) == [message]
    other = {"kuaishou/ks-main": {**credentials().get("kuaishou/ks-main"), "message_secret": "AAAA" * 8}}
    for held in ({}, other):
        with pytest.raises(Unauthentic):
            ChannelDoor(KUAISHOU, HeldCredentials(held), CONF.policy).read("ks-main", push.body, NOW)


@pytest.mark.parametrize("secret", ["", "short", "AAAA", "ÄÄÄÄ", "AAAA" * 100])
def test_a_secret_that_is_no_key_opens_nothing(secret: str) -> None:
    held = HeldCredentials({"kuaishou/ks-main": {"message_secret": secret}})
    with pytest.raises(Unauthentic, match="16, 24 or 32 bytes in base64"):
        ChannelDoor(KUAISHOU, held, CONF.policy).open(kuaishou_push(b"{}"))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"=", b"AAAA", b"A" * 24, b'{"test":false}', b'[{"test":true}]']
)
def test_what_was_never_sealed_is_unauthentic(body: bytes) -> None:
    with pytest.raises(Unauthentic):
        CASE.door.open(kuaishou_post(body))


@pytest.mark.parametrize("push", [kuaishou_post, kuaishou_push], ids=["open", "sealed"])
def test_the_platforms_test_stands_for_nothing_and_is_answered(push: Any) -> None:
    request = push(b'{"test": true}')
    assert list(CASE.door.open(request)) == []
    assert json.loads(CASE.door.answer(request, []).body) == {"result": 1}


def test_messages_of_other_things_stand_for_nothing_and_one_without_an_order_is_kept() -> None:
    about_goods = golden("kuaishou/paid.json").replace(
        b"kwaishop_order_paySuccess", b"kwaishop_item_updateItem"
    )
    assert list(CASE.door.open(kuaishou_push(about_goods))) == []
    without = golden("kuaishou/refund.json").replace(rb"orderId\"", rb"nobody\"")
    (kept,) = CASE.door.open(kuaishou_push(without))
    assert isinstance(kept, NotUnderstood) and "oid" in kept.reason


def test_a_note_of_an_order_names_it_as_what_it_is_about() -> None:
    note = json.loads(golden("kuaishou/paid.json")) | {
        "event": "kwaishop_order_addNote",
        "info": '{"note":"快"}',
    }
    (message,) = CASE.door.open(kuaishou_push(json.dumps(note).encode()))
    assert isinstance(message, Inbound) and message.command.native == CASE.native  # type: ignore[attr-defined]


# ---- what it answers


async def test_a_call_is_signed_over_all_it_says_and_reads_stand_in_the_address() -> None:
    """As the guide's own Java: sorted `k=v`, the secret behind them, HMAC-SHA256, base64."""
    platform = CASE.partner(*CASE.shipped)
    await done(platform.actor.perform(errand(write_back(CASE), "O")))
    read, write = platform.asked
    assert (read.method, read.body, write.method) == ("GET", b"", "POST")
    assert b"param=" in write.body and "param=" not in write.url
    secret = credentials().get("kuaishou/ks-main")["sign_secret"]
    for request in (read, write):
        said = {**dict(parse_qsl(urlsplit(request.url).query)), **dict(parse_qsl(request.body.decode()))}
        sign = said.pop("sign")
        text = "&".join([*(f"{name}={said[name]}" for name in sorted(said)), f"signSecret={secret}"])
        assert sign == b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
        assert said["timestamp"] == str(int(NOW.timestamp() * 1_000))


async def test_fen_are_fen_freight_stands_apart_and_gifts_are_lines_of_their_own() -> None:
    command = await detail(CASE.detail)
    assert (command.amount_fen, command.freight_fen, command.discount_fen) == (12_905, 600, 999)
    assert [(line.native, line.sku, line.units, line.amount_fen, line.gift) for line in command.lines] == [
        (CASE.native, "DOWN-JACKET-M", 2, 13_304, False),
        (GIFT, "SOCKS", 1, 0, True),
    ]
    assert command.ship_by is not None and (command.ship_by - NOW).days == 2


OPEN_REFUND = {"orderRefundList": [{"refundId": 1, "refundStatus": 10}]}
OVER = {"orderRefundList": [{"refundId": 1, "refundStatus": 70}, {"refundId": 2, "refundStatus": 60}]}


@pytest.mark.parametrize(
    ("more", "differs", "status"),
    [
        ({}, {"status": 10, "payTime": 0}, "created"),
        ({}, {"status": 30}, "paid"),
        (OVER, {"status": 30}, "paid"),
        (OPEN_REFUND, {"status": 30}, "paid_hold"),
        ({"orderDetailRefundList": [{"refundStatus": 50}]}, {"status": 30}, "paid_hold"),
        ({}, {"riskCode": 10001}, "paid_hold"),
        ({}, {"disableDeliveryReasonCode": [3]}, "paid_hold"),
        (OPEN_REFUND, {"status": 40}, "shipped"),
        ({}, {"status": 50}, "signed"),
        ({}, {"status": 70}, "completed"),
        ({}, {"status": 80, "payTime": 0}, "cancelled"),
        ({}, {"status": 80}, "refunded"),
    ],
)
async def test_a_status_is_one_word(more: dict[str, Any], differs: dict[str, Any], status: str) -> None:
    command = await detail(kuaishou_detail(more, **differs))
    assert CONF.policy.channels["KS"].statuses[command.native_status] == status
    assert (command.paid_at is None) == (differs.get("payTime") == 0)


async def shipped(order: bytes, *units: tuple[str, int]) -> tuple[str, dict[str, Any]]:
    platform = CASE.partner(order, TAKEN)
    effect = replace(write_back(CASE), units=units)
    await done(platform.actor.perform(errand(effect, "O")))
    assert len(platform.asked) == 2
    return sent(platform.asked[1])


PARCEL = {"expressCode": 4, "expressNo": "SF1"}


async def test_a_whole_order_without_gifts_is_shipped_at_once() -> None:
    method, said = await shipped(kuaishou_detail({"subOrderDetail": []}), (CASE.native, 2))
    assert (method, said) == ("open.seller.order.goods.deliver", {"orderId": int(CASE.native), **PARCEL})


async def test_parts_and_gifts_are_told_by_units() -> None:
    method, said = await shipped(CASE.detail, (CASE.native, 1), (GIFT, 1))
    goods = [{"oid": int(CASE.native), "deliveryNum": 1}, {"oid": int(GIFT), "deliveryNum": 1}]
    package = {"deliveryGoodsInfoList": goods, **PARCEL}
    assert (method, said) == (
        "open.order.goods.split.deliver",
        {"mainOrderId": int(CASE.native), "deliveryItemInfoList": [package]},
    )


async def test_what_comes_after_all_has_left_is_one_more_parcel() -> None:
    gone = {"orderDeliveryInfo": {"deliveryNum": 2}, "subOrderDetail": []}
    method, said = await shipped(kuaishou_detail(gone, status=40), (CASE.native, 1))
    assert (method, said) == ("open.seller.order.goods.logistics.append", {"oid": int(CASE.native), **PARCEL})


async def test_a_waybill_that_was_only_printed_is_not_yet_told() -> None:
    printed = {"orderLogisticsInfo": [{"expressNo": "SF1", "expressCode": 4}], "subOrderDetail": []}
    method, _ = await shipped(kuaishou_detail(printed), (CASE.native, 2))
    assert method == "open.seller.order.goods.deliver"


async def test_a_carrier_kuaishou_has_no_number_for_is_a_dead_letter_and_nothing_is_sent() -> None:
    platform = CASE.partner(*CASE.shipped)
    failure = await failed(platform.actor.perform(errand(replace(write_back(CASE), carrier="DB"), "O")))
    assert failure.final and "DB" in failure.error
    assert platform.asked == []


@pytest.mark.parametrize(("cursor", "then"), [("nomore", ""), ("", ""), ("1769_2602", "1769_2602")])
async def test_a_listing_goes_on_by_its_cursor_until_there_is_no_more(cursor: str, then: str) -> None:
    whole = json.loads(CASE.listing)
    whole["data"]["cursor"] = cursor
    platform = CASE.partner(json.dumps(whole).encode())
    span = {"since": NOW, "until": NOW.replace(minute=5), "page": 3, "cursor": "from-here"}
    outcome = await done(platform.actor.perform(errand(CASE.effect(ListOrders, **span), "pull")))
    assert isinstance(outcome.command, RecordListing) and outcome.command.cursor == then
    _, asked = sent(platform.asked[0])
    assert (asked["cursor"], asked["queryType"]) == ("from-here", 2)
    assert asked["endTime"] - asked["beginTime"] == 300_000 - 1


def test_the_same_text_is_sealed_the_same_so_a_repeat_is_the_same_bytes() -> None:
    assert kuaishou_seal(b"{}") == kuaishou_seal(b"{}")
    (kept,) = CASE.door.open(kuaishou_push(b"[1]"))
    assert isinstance(kept, NotUnderstood) and kept.about == "ks-main"


# ---- after-sales


def refund(**differs: Any) -> bytes:
    whole = json.loads(golden("kuaishou/aftersale-detail.json"))
    whole["data"] |= differs
    return json.dumps(whole, ensure_ascii=False).encode()


async def report(body: bytes) -> AfterSaleReport:
    asked = CASE.effect(FetchAfterSale, native=CASE.native, number=REFUND)
    command = (await done(CASE.partner(body).actor.perform(errand(asked, "A1")))).command
    assert isinstance(command, RecordAfterSale)
    return command.report


async def answered(kind: type[Any], of: AfterSaleKind, **more: Any) -> tuple[str, dict[str, Any]]:
    """The call that an answer is given with."""
    platform = CASE.partner(TAKEN)
    effect = kind(partner="channel/KS/ks-main", no=1, case=replace(REFUND_ONLY, kind=of), **more)
    outcome = await done(platform.actor.perform(errand(effect, "A1")))
    assert outcome.command == RecordAnswer(after_sale="A1", no=1)
    (asked,) = platform.asked
    assert asked.method == "POST"
    return sent(asked)


REFUND = "2602700001110428"
REFUND_ONLY = Case(
    channel="KS",
    shop="ks-main",
    native=CASE.native,
    number=REFUND,
    kind=AfterSaleKind.REFUND_ONLY,
    stage=AfterSaleStage.APPLIED,
    amount_fen=6_152,
    mark="1769490005000|10|1",
)


@pytest.mark.parametrize(
    ("differs", "kind", "stage"),
    [
        ({"handlingWay": 10, "status": 10}, "refund_only", "applied"),
        ({"handlingWay": 10, "status": 10, "negotiateStatus": 3}, "refund_only", "refused"),
        ({"negotiateStatus": 3}, "return_refund", "refused"),
        ({"status": 12}, "return_refund", "refused"),
        ({"status": 21}, "return_refund", "intervened"),
        ({"status": 30, "negotiateStatus": 2}, "return_refund", "awaiting_return"),
        ({"status": 30, "negotiateStatus": 3}, "return_refund", "awaiting_return"),
        ({"status": 40, "negotiateStatus": 2}, "return_refund", "returning"),
        ({"status": 40, "negotiateStatus": 3}, "return_refund", "refused"),
        ({"status": 50}, "return_refund", "refunding"),
        ({"status": 60}, "return_refund", "refunded"),
        ({"status": 70, "negotiateStatus": 3}, "return_refund", "closed"),
        ({"handlingWay": 3, "status": 45, "refundFee": 0}, "exchange", "resent"),
        ({"handlingWay": 3, "status": 60, "refundFee": 0}, "exchange", "exchanged"),
        ({"handlingWay": 3, "status": 60}, "exchange", None),  # nobody says whether that was paid back
        ({"handlingWay": 10, "specialRefundType": 1, "status": 60}, "price_protection", "refunded"),
        ({"specialRefundType": 2}, None, "applied"),
    ],
)
async def test_an_after_sale_is_two_words_and_what_nobody_knows_is_in_no_map(
    differs: dict[str, Any], kind: str | None, stage: str | None
) -> None:
    said, how = await report(refund(**differs)), CONF.policy.channels["KS"].after_sale
    assert how is not None
    assert (how.kinds.get(said.kind), how.stages.get(said.stage)) == (kind, stage)


async def test_goods_on_their_way_back_have_a_waybill_and_no_parcel_has_no_carrier() -> None:
    back = await report(refund(status=40, logisticsInfo={"expressNo": "SF7", "expressCode": 4}))
    assert (back.carrier, back.waybill) == ("4", "SF7")
    for none in (None, {"expressNo": "", "expressCode": 0}):
        assert ((await report(refund(logisticsInfo=none))).carrier, back.amount_fen) == ("", 6_152)


async def test_money_alone_is_paid_back_as_it_stands_and_an_exchange_is_agreed_to_without_a_sum() -> None:
    seen = {"refundId": int(REFUND), "refundAmount": 6_152, "status": 10, "negotiateStatus": 1}
    assert await answered(AgreeToRefund, AfterSaleKind.REFUND_ONLY) == (
        "open.seller.order.refund.approve",
        {**seen, "refundHandingWay": 10},
    )
    assert await answered(AgreeToReturn, AfterSaleKind.EXCHANGE, address="900") == (
        "open.seller.order.refund.returngoods.approve",
        {"refundId": int(REFUND), "refundAmount": 0, "addressId": 900},
    )


@pytest.mark.parametrize(
    ("kind", "of", "more"),
    [
        (AgreeToReturn, AfterSaleKind.REPAIR, {"address": "900"}),
        (AgreeToRefund, AfterSaleKind.PRICE_PROTECTION, {}),
        (RefuseAfterSale, AfterSaleKind.REISSUE, {"reason": "1", "note": "", "evidence": ""}),
        (SendReplacement, AfterSaleKind.REISSUE, {"carrier": "SF", "waybill": "SF9"}),
        (SendReplacement, AfterSaleKind.EXCHANGE, {"carrier": "DB", "waybill": "DB9"}),
    ],
)
async def test_what_no_call_is_known_for_is_left_to_the_console_and_nothing_is_asked(
    kind: type[Any], of: AfterSaleKind, more: dict[str, str]
) -> None:
    platform = CASE.partner(TAKEN)
    effect = kind(partner="channel/KS/ks-main", no=1, case=replace(REFUND_ONLY, kind=of), **more)
    outcome = await done(platform.actor.perform(errand(effect, "A1")))
    assert isinstance(outcome.command, RecordAnswer) and outcome.command.error
    assert platform.asked == []


@pytest.mark.parametrize(("cursor", "then"), [("nomore", ""), ("1769_26", "1769_26")])
async def test_after_sales_are_listed_by_their_cursor_exchanges_with_them(cursor: str, then: str) -> None:
    whole = json.loads(golden("kuaishou/aftersale-list.json"))
    whole["data"]["pcursor"] = cursor
    platform = CASE.partner(json.dumps(whole).encode())
    span = {"since": NOW, "until": NOW.replace(minute=5), "page": 3, "cursor": "from-here"}
    outcome = await done(
        platform.actor.perform(errand(CASE.effect(ListOrders, **span, what=AFTER_SALES), "p"))
    )
    assert isinstance(outcome.command, RecordListing) and outcome.command.cursor == then
    method, asked = sent(platform.asked[0])
    assert (method, asked["pcursor"], asked["queryType"], asked["type"]) == (
        "open.seller.order.refund.pcursor.list",
        "from-here",
        2,
        9,
    )
    assert asked["endTime"] - asked["beginTime"] == 300_000 - 1
    assert asked["option"] == {"needExchange": True}
    assert platform.asked[0].method == "GET"
