"""What a channel lists heals what it did not push, in minutes, and what it mixes up shows as tickets."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world.restoring import Town
from tests.world.seeded import run_day
from tests.world.stage import CONF, START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.keys import pull_key
from tongdan.domain.orders.model import LEFT_HOLD, Order
from tongdan.domain.sync.commands import RequestBackfill
from tongdan.domain.sync.kinds import CHANNEL_CONTRADICTS
from tongdan.domain.sync.pull import Pull
from tongdan.labs.world.faults import NEVER_TOLD, Faults, Plan
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.pinduoduo import SHIPPED, PinduoduoOrder
from tongdan.labs.world.report import report
from tongdan.labs.world.retail import Basket, SeededRetail
from tongdan.labs.world.world import QUIET_AFTER_S
from tongdan.ports import Accepted, Clock, Inbound
from tongdan.profile import Centre

HOUR = timedelta(hours=1)

FIRST_NEWS = {
    "DY": "douyin.100",
    "PD": "pinduoduo.TradeConfirmed",
    "TB": "taobao.TradeCreate",
    "JD": "jd.created",
    "KS": "kuaishou.addOrder",
}


def test_an_order_that_was_never_pushed_is_in_the_centre_within_minutes(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the interval that is delivered: five minutes, and Pinduoduo's index three behind."""

    def expect(self: Faults, channel: str, order: str) -> None:
        if channel in FIRST_NEWS:
            self._plans[order] = Plan(NEVER_TOLD, FIRST_NEWS[channel])

    monkeypatch.setattr(Faults, "expect", expect)
    late: list[timedelta] = []

    def measure(pair: Pair) -> None:
        for channel, platform in pair.world.platforms.by_code.items():
            for native, order in platform.orders.items():
                id = pair.centre.reads.find(channel, pair.world.shops[channel].id, native)
                assert id is not None
                late.append(pair.centre.reads.timeline(id)[0].recorded_at - order.placed_at)

    day = run_day(data, seed=4, orders=14, outages=0, conf=CONF, after=measure)
    assert day.ledger.holds
    assert sum(count.injected for count in day.ledger.faults) == len(late) > 4
    assert max(late) < timedelta(minutes=10)


def test_a_backfill_of_the_day_brings_what_is_missing_and_doubles_nothing(data: Path) -> None:
    """The pushes and listings of a day went elsewhere; afterwards the whole day is read, twice."""

    async def main(clock: Clock) -> None:
        async with together(
            data, unhurried(20_000), clock=clock, seed=4, orders=10, faults=0.0, outages=0, most_lines=3,
            retail=SeededRetail(4),
        ) as pair:  # fmt: skip
            await pair.world.run()
            before = pair.centre.reads.counts()["orders"]
            shop, now = pair.world.shops["PD"], clock.now()
            unheard = Basket("unheard-of", "7", 0, pair.world.baskets[0].lines)
            order = PinduoduoOrder(
                "999999-123456789012345", buyer_of(4, "7"), now - HOUR, now - HOUR, unheard
            )
            order.status, order.waybills = SHIPPED, ["SF0000000000001"]
            pair.world.platforms.pinduoduo.orders[order.id] = order
            day = RequestBackfill(channel="PD", shop=shop.id, since=now - 24 * HOUR, until=now)
            for _ in range(2):
                await _backfill(pair, clock, day)
            platforms = pair.world.platforms.by_code.values()
            known = len(pair.world.own_shop.orders) + sum(len(each.orders) for each in platforms)
            assert pair.centre.reads.counts()["orders"] == before + 1 == known
            id = pair.centre.reads.find("PD", shop.id, order.id)
            assert id is not None
            facts = [row.fact for row in pair.centre.reads.timeline(id)]
            assert facts.count("OrderDetailed") == facts.count("HoldPlaced") == 1
            assert "ShipmentPlanned" not in facts  # it had left already, by somebody else's hand

    run_virtual(main, START)


async def _backfill(pair: Pair, clock: Clock, command: RequestBackfill) -> None:
    asked = await pair.centre.bus.ask(
        Inbound(
            command=command, key=("test", clock.now().isoformat()), source="test", shop=command.shop,
            happened_at=clock.now(), raw=b"",
        )
    )  # fmt: skip
    assert isinstance(asked, Accepted)
    left = 1
    for _ in range(100):
        state = pair.centre.reads.order(pull_key(command.channel, command.shop))
        assert isinstance(state, Pull)
        left = len(state.jobs)
        if not left:
            break
        await clock.sleep(10)
    assert left == 0
    await clock.sleep(60)
    await pair.centre.quiet()
    pair.centre.views.flush()


def orders_in(centre: Centre) -> dict[str, Order]:
    found = {row.id: centre.reads.order(row.id) for row in centre.reads.orders(limit=100)}
    return {id: order for id, order in found.items() if isinstance(order, Order)}


SWAPPED = {
    "DY": ('"2": paid', '"3": shipped'),
    "PD": ('"1": paid', '"2": shipped'),
    "TB": ("WAIT_SELLER_SEND_GOODS: paid", "WAIT_BUYER_CONFIRM_GOODS: shipped"),
    "JD": ("WAIT_SELLER_STOCK_OUT: paid", "WAIT_GOODS_RECEIVE_CONFIRM: shipped"),
    "KS": ('"30": paid', '"40": shipped'),
}


@pytest.mark.parametrize("code", SWAPPED)
def test_two_codes_swapped_in_a_map_are_tickets_and_harm_nothing_once_the_map_is_right(
    tmp_path: Path, code: str
) -> None:
    """To ship and shipped: what has not left is said to have left. Where that is the first we hear of an order, it is
    held and let go later; one that we knew before goes its way."""
    wrong = tmp_path / "conf"
    shutil.copytree(unhurried(), wrong)
    map_, (paid, shipped) = wrong / "channels" / f"{code}.yml", SWAPPED[code]
    text = map_.read_text()
    for old, new in ((paid, "shipped"), (shipped, "paid")):
        assert text.count(f"  {old}") == 1
        text = text.replace(f"  {old}", f"  {old.partition(': ')[0]}: {new}")
    map_.write_text(text)

    async def main(clock: Clock) -> None:
        town = Town(tmp_path / "data", clock, seed=4, orders=4, faults=0.0, shares={code: 1.0})
        misled = await town.open(tmp_path / "data", "first", wrong)
        await town.world.count_stock(misled.bus)
        await town.world.run(deadline_s=2 * 86_400)
        misled.views.flush()
        tickets = misled.reads.tickets(open_only=True)
        orders = orders_in(misled)
        paid = {id for id, order in orders.items() if order.paid}
        held = {id for id, order in orders.items() if LEFT_HOLD in order.holds}
        assert {ticket.subject for ticket in tickets if ticket.kind == CHANNEL_CONTRADICTS} == paid
        assert len(paid) > 1 and held <= paid
        assert held == paid or code not in ("PD", "JD")
        assert not {code.partition("-")[0] for code in town.world.warehouses.deliveries} & held
        await town.close()

        mended = await town.open(tmp_path / "data", "second")
        for id in sorted(held):
            await town.lift(id, LEFT_HOLD)
        quiet = await town.world.bustle.quiet(QUIET_AFTER_S, 30 * 86_400, lambda: False)
        mended.views.flush()
        ledger = report(town.world, mended.reads, quiet=quiet)
        assert ledger.holds and ledger.offenders == ()
        told = [order.waybills for order in town.world.platforms.by_code[code].orders.values()]
        assert sum(map(bool, told)) == len(paid)
        await town.world.close()
        await town.close()

    run_virtual(main, START)
