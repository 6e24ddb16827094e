"""Each simulated partner against the real adapter: written apart from the same papers, they must agree."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.world.stage import START, Stage, Staged

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.policy_files import Conf
from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsProcess,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, Item, PushToWms
from tongdan.domain.fulfillment.wms_stock import QueryStock, StockPage, Told
from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.orders.commands import (
    NoteChannelEvent,
    NoteDone,
    PlaceOrder,
    RecordDetail,
    RecordPayment,
    RecordPrepay,
    RecordSettlement,
    RequestPayment,
)
from tongdan.domain.orders.facts import FetchDetail, Prepay, TellFinance, WriteBackShipment
from tongdan.labs.world.douyin import SHIPPED, TO_SHIP
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.provision import CREDENTIALS, WORLD_KEYS, provision
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.ports import Done, Failed, Inbound, NotUnderstood

ORDER = make_order_id("DY", "20260127", 0, 7)
SHIPMENT = f"{ORDER}-S1"
NATIVE = "6900000000123456000"
BASKET = Basket("b", "7", 0, (BasketLine("A1", "TEA", 2, 5_000, 0), BasketLine("A2", "CUP", 1, 1_200, 300)))
WAREHOUSES = ("WH-EAST", "WH-SOUTH", "WH-NORTH")  # tidy, careless, terse


def test_a_whole_day_of_pushes_is_authentic_and_understood(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        assert await on.world.platforms.douyin.check_address()
        assert await on.world.run()
        assert [one.reason for one in on.heard if isinstance(one, NotUnderstood)] == []
        own, platform = on.world.own_shop.orders, on.world.platforms.douyin.orders
        by_code = on.world.platforms.by_code
        others = {native for code, each in by_code.items() for native in each.orders if code != "DY"}
        refused = [order.refused for order in own.values() if order.refused]
        assert (len(own) + len(platform) + len(others), sorted(refused)) == (60, sorted(on.mistakes))
        assert len(on.commands(PlaceOrder)) + len(refused) == len(own)
        created = [one for one in on.commands(NoteChannelEvent) if one.event == "created"]
        assert {one.native for one in created} == set(platform)
        assert len(created) == len(platform)
        changed = [one for one in on.commands(NoteChannelEvent) if one.event == "changed"]
        assert {one.native for one in changed} == others

    stage(body, orders=60)


def test_repeats_on_the_way_carry_the_same_inbox_key(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        await on.world.run()
        assert [one.reason for one in on.heard if isinstance(one, NotUnderstood)] == []
        keys = [one.key for one in on.heard if isinstance(one, Inbound)]
        repeats = sum(fault.kind in ("repeated", "ack-lost") for fault in on.world.faults.injected)
        assert repeats > 0
        assert len(set(keys)) < len(keys)

    stage(body, orders=60, faults=1.0, seed=2)


def test_douyin_gives_the_detail_of_what_it_pushed(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        shop = on.conf.policy.shops["dy-main"]
        order = on.world.platforms.douyin.place(NATIVE, BASKET, buyer_of(1, "7"))
        await on.clock.sleep(600)
        effect = FetchDetail(partner="channel/DY/dy-main", channel="DY", shop=shop.id, native=NATIVE)
        done = await on.perform(effect, ORDER)
        assert isinstance(done, Done)
        detail = done.command
        assert isinstance(detail, RecordDetail)
        assert [(line.sku, line.units, line.amount_fen) for line in detail.lines] == [
            (child.line.sku, child.line.units, child.amount_fen) for child in order.children
        ]
        assert detail.lines[0].native == NATIVE  # the first child bears its parent's number
        assert detail.amount_fen == order.amount_fen
        assert detail.native_status == str(order.status)
        assert detail.region
        assert order.buyer.province.startswith(detail.region)
        assert order.buyer.name not in repr(detail)
        assert isinstance(await on.perform(replace(effect, native="69"), ORDER), Failed)

    stage(body)


def test_douyin_takes_each_parcel_once(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        order = on.world.platforms.douyin.place(NATIVE, BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3_600)
        assert order.status == TO_SHIP
        waybill = on.world.carrier.hand_over("parcel")
        effect = WriteBackShipment(
            partner="channel/DY/dy-main",
            channel="DY",
            shop="dy-main",
            native=NATIVE,
            carrier="SF",
            waybill=waybill,
            units=((order.children[0].id, 2), (order.children[1].id, 1)),
            request=f"{SHIPMENT}.1",
        )
        for tries in (1, 2):
            done = await on.perform(effect, ORDER, tries=tries)
            assert isinstance(done, Done)
            assert isinstance(done.command, NoteDone)
        assert (order.status, len(order.packs), order.waybills) == (SHIPPED, 1, [waybill])
        another = replace(effect, waybill="SF0000000000000", request="other")
        refused = await on.perform(another, ORDER)
        assert isinstance(refused, Failed)
        assert refused.final
        assert not refused.partner_wide
        await on.clock.sleep(30 * 86_400)
        told = [one.event for one in on.commands(NoteChannelEvent)]
        assert told[-2:] == ["shipped", "completed"]

    stage(body)


def test_wechat_pay_and_its_adapter_believe_each_other(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        for attempt in range(1, 13):  # both of the platform's keys come to be used
            number = f"{ORDER}-P{attempt}"
            effect = Prepay(partner="payment/wechat", shop="mp-main", out_trade_no=number, amount_fen=1_234)
            assert await on.look_up(effect, ORDER) is None
            done = await on.perform(effect, ORDER)
            assert isinstance(done, Done)
            assert isinstance(done.command, RecordPrepay)
            again = await on.perform(effect, ORDER, tries=2)
            assert isinstance(again, Done)
            assert again.command == done.command
            on.world.wechat.pay(on.world.wechat.trades[number], 1_234)
            await on.clock.sleep(60)
            paid = on.commands(RecordPayment)[-1]
            assert (paid.order, paid.attempt, paid.amount_fen) == (ORDER, attempt, 1_234)
            found = await on.look_up(effect, ORDER)
            assert isinstance(found, Done)
            assert found.command == paid
        assert len(on.commands(RecordPayment)) == 12

    stage(body)


def test_every_warehouse_is_understood_whatever_its_habits(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        for no, warehouse in enumerate(WAREHOUSES * 8, 1):
            done = await on.perform(_push(no, warehouse), f"{ORDER}-S{no}")
            assert isinstance(done, Done)
            assert isinstance(done.command, RecordWmsAccepted)
        assert await on.world.run()
        assert [one.reason for one in on.heard if isinstance(one, NotUnderstood)] == []
        left: dict[tuple[str, str], int] = {}
        for one in on.commands(ConfirmDelivery):
            for item in (item for package in one.packages for item in package.items):
                key = (one.shipment, item.sku)
                left[key] = left.get(key, 0) + item.units
        shipments = [f"{ORDER}-S{no}" for no in range(1, 25)]
        assert left == {(code, sku): units for code in shipments for sku, units in (("A1", 2), ("A2", 1))}
        finals = [one.shipment for one in on.commands(ConfirmDelivery) if one.final]
        assert sorted(finals) == sorted(shipments)
        assert len(on.commands(ConfirmDelivery)) > len(finals)  # some left in two parcels
        reports = on.commands(RecordWmsProcess)
        assert sum(report.status == "SIGN" for report in reports) == 24
        assert {report.operated_at.utcoffset() for report in reports} == {timedelta(0)}

    stage(body)


def test_a_warehouse_can_be_stopped_until_it_has_packed(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        for no in (1, 2):
            await on.perform(_push(no, "WH-EAST"), f"{ORDER}-S{no}")
        stopped = await on.perform(_recall(1), f"{ORDER}-S1")
        await on.clock.sleep(30 * 86_400)
        too_late = await on.perform(_recall(2), f"{ORDER}-S2")
        answers = [done.command for done in (stopped, too_late) if isinstance(done, Done)]
        assert [type(answer) for answer in answers] == [RecordRecall, RecordRecall]
        assert [answer.stopped for answer in answers if isinstance(answer, RecordRecall)] == [True, False]
        assert {one.shipment for one in on.commands(ConfirmDelivery)} == {f"{ORDER}-S2"}

    stage(body)


def test_finance_settles_what_was_paid_and_signed(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        for no in range(4):  # sums come as fen and as yuan, times with and without a zone
            order = make_order_id("DY", "20260127", no, 7)
            for milestone in ("paid", "signed", "signed"):
                assert isinstance(await on.perform(_tell(order, milestone, on.clock.now()), order), Done)
        began = on.clock.now()
        await on.clock.sleep(10 * 86_400)
        settled = on.commands(RecordSettlement)
        assert sorted(one.order for one in settled) == [
            make_order_id("DY", "20260127", no, 7) for no in range(4)
        ]
        assert [one.amount_fen for one in settled] == [6_200] * 4
        assert all(began <= one.settled_at <= on.clock.now() for one in settled)

    stage(body)


def test_a_mini_program_order_arrives_as_it_was_placed(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        order = on.world.own_shop.place("M1", BASKET, buyer_of(1, "7"))
        await on.clock.sleep(600)
        (placed,) = on.commands(PlaceOrder)
        assert (placed.native, placed.buyer, placed.amount_fen) == ("M1", "U7", order.amount_fen)
        assert order.amount_fen == 5_000 + 1_200 + 600  # below 99 yuan the buyer pays the freight
        assert [(line.sku, line.units) for line in placed.lines] == [("A1", 2), ("A2", 1)]
        assert placed.person.name == order.buyer.name
        (asked,) = on.commands(RequestPayment)
        assert (asked.order, placed.person.payer) == (order.id, order.buyer.openid)

    stage(body)


@pytest.mark.parametrize("name", ["douyin/dy-main", "qimen/main", "finance/main", "wechat/1900000109"])
def test_a_partner_turns_away_who_has_another_key(stage: Staged, name: str) -> None:
    async def body(on: Stage) -> None:
        on.forge(name)
        effect = {
            "douyin/dy-main": FetchDetail(
                partner="channel/DY/dy-main", channel="DY", shop="dy-main", native=NATIVE
            ),
            "qimen/main": _push(1, "WH-EAST"),
            "finance/main": _tell(ORDER, "paid", on.clock.now()),
            "wechat/1900000109": Prepay(
                partner="payment/wechat", shop="mp-main", out_trade_no=f"{ORDER}-P1", amount_fen=1
            ),
        }[name]
        failed = await on.perform(effect, ORDER)
        assert isinstance(failed, Failed)
        assert failed.partner_wide
        assert (on.world.warehouses.deliveries, on.world.wechat.trades, on.world.finance.accounts) == (
            {},
            {},
            {},
        )

    stage(body)


def test_credentials_are_made_once_and_for_their_owner_only(
    tmp_path: Path, provisioned: tuple[Conf, Path]
) -> None:
    conf, _ = provisioned
    provision(tmp_path, conf.policy, conf.partners, SeededEntropy("one"))
    before = [(tmp_path / name).read_bytes() for name in (CREDENTIALS, WORLD_KEYS)]
    provision(tmp_path, conf.policy, conf.partners, SeededEntropy("two"))
    assert [(tmp_path / name).read_bytes() for name in (CREDENTIALS, WORLD_KEYS)] == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert not {part for part in before[1].split() if len(part) > 60} & set(before[0].split())


def test_the_books_of_a_warehouse_follow_what_leaves_and_lock_what_it_works_on(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        ask = QueryStock(partner="wms/WH-EAST", warehouse="WH-EAST")
        on.world.warehouses.shelves.put("WH-EAST", "A1", 9)
        on.world.warehouses.shelves.put("WH-SOUTH", "A1", 5)
        await on.perform(_push(1, "WH-EAST"), f"{ORDER}-S1")
        on.world.warehouses.shelves.put("WH-EAST", "A2", 1)
        books = StockPage(told=(Told("A1", 9), Told("A2", 1)), rows=4, total=4)
        assert await on.perform(ask, "stock/") == Done(None, found=books)
        await on.world.run()
        left = StockPage(told=(Told("A1", 7), Told("A2", 0)), rows=4, total=4)
        assert await on.perform(ask, "stock/") == Done(None, found=left)

    stage(body, orders=0)


def _push(no: int, warehouse: str) -> PushToWms:
    return PushToWms(
        partner=f"wms/{warehouse}",
        shipment=f"{ORDER}-S{no}",
        order=ORDER,
        channel="DY",
        shop="dy-main",
        native=NATIVE,
        warehouse=warehouse,
        items=(Item(1, "A1", 2, 5_000), Item(2, "A2", 1, 1_200)),
        placed_at=START,
    )


def _recall(no: int) -> CancelAtWms:
    return CancelAtWms(partner="wms/WH-EAST", shipment=f"{ORDER}-S{no}", warehouse="WH-EAST", reason="refund")


def _tell(order: str, milestone: str, at: datetime) -> TellFinance:
    return TellFinance(
        partner="finance",
        order=order,
        channel="DY",
        shop="dy-main",
        milestone=milestone,
        amount_fen=6_200,
        at=at,
    )
