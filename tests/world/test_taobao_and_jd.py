"""Taobao and JD as they are simulated against their real adapters: written apart from the same papers, they agree.

What holds for the listings of all is here too.
"""

from datetime import timedelta

import msgspec
import pytest
from tests.contracts.partners.played import CONF, HeldCredentials, credentials
from tests.world.pairing import BASKET, PLATFORMS, START, Pair, play

from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.domain.kernel.policy import LAST_FIRST
from tongdan.domain.orders.commands import NoteChannelEvent, NoteDone
from tongdan.domain.orders.facts import FetchDetail
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import SHIFTED, Plan
from tongdan.labs.world.jd import CANCELLED, JdOrder
from tongdan.labs.world.jd import SHIPPED as JD_SHIPPED
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.sold import sold_units
from tongdan.labs.world.taobao import CLOSED_UNPAID, FINISHED, PARTLY, SHIPPED, TaobaoTrade
from tongdan.ports import (
    Done,
    Failed,
    Unauthentic,
)

BOTH = pytest.mark.parametrize("channel", [TAOBAO, JD], ids=lambda channel: channel.code)


def native_of(channel: Channel, no: int) -> str:
    return f"40512{no:05d}456789000" if channel is TAOBAO else f"3023{no:05d}309"


@BOTH
def test_what_is_told_is_authentic_and_the_detail_is_what_was_ordered(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        placed = [on.platform.place(native_of(channel, no), BASKET, buyer_of(1, str(no))) for no in range(40)]
        await on.clock.sleep(6 * 3_600)
        assert on.platform.outbox.given_up == []
        assert {one.command.native for one in on.heard} == {order.id for order in placed}  # type: ignore[attr-defined]
        assert {type(one.command) for one in on.heard} == {NoteChannelEvent}
        assert len({one.key for one in on.heard}) == len(on.heard) == sum(order.told for order in placed)
        seen = set()
        for order in placed:
            detail = await on.detail(order.id)
            status = order.status if isinstance(order, TaobaoTrade) else order.state
            assert detail.native_status == status
            seen.add(on.how.statuses[status])
            assert detail.amount_fen == sum(line.amount_fen for line in BASKET.lines) == order.amount_fen
            expected = [sold_units(line) if channel is JD else line.units for line in BASKET.lines]
            assert [line.units for line in detail.lines] == expected
            assert [line.sku for line in detail.lines] == ["A1", "A2"]
            assert order.buyer.province.startswith(detail.region) and detail.region
            assert order.buyer.name not in repr(detail) and order.buyer.phone not in repr(detail)
            assert (detail.paid_at is None) == (
                status == CLOSED_UNPAID or (status == CANCELLED and channel is TAOBAO)
            )
        assert "paid" in seen and len(seen) > 1

    play(channel, body)


@BOTH
def test_all_that_changed_is_listed_once_page_by_page_and_nothing_else(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        count = 2 * on.page_size + 3
        for no in range(count):
            on.platform.place(native_of(channel, no), BASKET, buyer_of(1, str(no)))
        await on.clock.sleep(1)
        since, until = START, START + timedelta(seconds=1)
        first = await on.list(since, until)
        assert first.pages == 3
        pages = [await on.list(since, until, page) for page in (3, 2, 1)]
        natives = [listed.native for page in pages for listed in page.orders]
        assert len(natives) == len(set(natives)) == count
        assert (await on.list(START - timedelta(minutes=5), START)).orders == ()

    play(channel, body)


NUMBERED = [
    channel
    for channel in PLATFORMS
    if (listing := CONF.policy.channels[channel.code].listing) and listing.pages == LAST_FIRST
]


@pytest.mark.parametrize("backwards", [True, False], ids=["backwards", "forwards"])
@pytest.mark.parametrize("channel", NUMBERED, ids=lambda channel: channel.code)
def test_a_list_that_shifts_hides_an_order_from_who_reads_it_forwards(
    channel: Channel, backwards: bool
) -> None:
    """While the first page that is read is given, an order on it changes."""

    async def body(on: Pair) -> None:
        for no in range(3 * on.page_size):
            on.platform.place(on.platform.number(1, no, Stream(1, no)), BASKET, buyer_of(1, str(no)))
        await on.clock.sleep(3)
        since, until = START, START + timedelta(seconds=1)
        standing = [order for order in on.platform.orders.values() if order.updated_at < until]
        listed = sorted(standing, key=lambda order: (order.updated_at, order.id))
        met = listed[0] if backwards else listed[-1]
        on.faults._plans[met.id] = Plan(SHIFTED, f"{channel.name}.{on.gateway.listing}")
        seen = set()
        for page in (3, 2, 1) if backwards else (1, 2, 3):
            seen |= {one.native for one in (await on.list(since, until, page)).orders}
        assert [fault.order for fault in on.faults.injected] == [met.id]
        assert len(listed) - len(seen) == (0 if backwards else 1)

    play(channel, body)


def test_taobao_is_told_of_parcels_by_units_and_each_once() -> None:
    async def body(on: Pair) -> None:
        trade: TaobaoTrade = on.platform.place(native_of(TAOBAO, 1), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        tea, cup = (each.oid for each in trade.lines)
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(3)]
        for _ in range(2):
            assert isinstance(await on.ship(trade.id, waybills[0], (tea, 1)), Done)
        assert (trade.status, [each.told_units for each in trade.lines]) == (PARTLY, [1, 0])
        for _ in range(2):
            assert isinstance(await on.ship(trade.id, waybills[1], (tea, 1), (cup, 2)), Done)
        assert trade.status == SHIPPED
        done = await on.ship(trade.id, waybills[2], (tea, 1))
        assert isinstance(done, Done) and isinstance(done.command, NoteDone)
        assert [each.told_units for each in trade.lines] == [3, 2]
        refused = await on.ship(trade.id, "SF0000000000000", (tea, 1))
        assert isinstance(refused, Failed) and refused.final and not refused.partner_wide
        await on.clock.sleep(30 * 86_400)
        assert trade.status == FINISHED

    play(TAOBAO, body)


def test_jd_is_told_of_parcels_by_waybill_and_each_once() -> None:
    async def body(on: Pair) -> None:
        order: JdOrder = on.platform.place(native_of(JD, 2), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(3)]
        for waybill in waybills:
            for _ in range(2):
                assert isinstance(await on.ship(order.id, waybill, ("1", 1)), Done)
        assert (order.state, order.waybills) == (JD_SHIPPED, waybills)
        refused = await on.ship(order.id, "SF0000000000000", ("1", 1))
        assert isinstance(refused, Failed)
        await on.clock.sleep(30 * 86_400)
        assert order.state == "FINISHED_L"
        late = await on.ship(order.id, on.carrier.hand_over("late"), ("1", 1))
        assert isinstance(late, Failed) and late.final and not late.partner_wide

    play(JD, body)


@BOTH
def test_a_wrong_secret_is_found_out_on_either_side(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        name = f"{channel.name}/{on.shop.id}"
        forged = {**credentials().get(name), "app_secret": "another"}
        failure = await on.perform(FetchDetail, HeldCredentials({name: forged}), native=native_of(channel, 3))
        assert isinstance(failure, Failed) and failure.partner_wide and not failure.final
        request = on.platform._post([b"{}"])
        with pytest.raises(Unauthentic):
            await on._knock(msgspec.structs.replace(request, body=request.body + b" "))

    play(channel, body)
