"""What a channel lists heals what it did not push, in minutes, and what it mixes up shows as tickets."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world.seeded import run_day
from tests.world.stage import CONF, START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.keys import pull_key
from tongdan.domain.sync.commands import RequestBackfill
from tongdan.domain.sync.kinds import CHANNEL_CONTRADICTS, LEFT_AFTER_CANCEL
from tongdan.domain.sync.pull import Pull
from tongdan.labs.world.faults import NEVER_TOLD, Faults, Plan
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.pinduoduo import SHIPPED, PinduoduoOrder
from tongdan.labs.world.retail import Basket, SeededRetail
from tongdan.ports import Accepted, Clock, Inbound

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


def test_two_codes_swapped_in_a_map_are_tickets_of_every_order_they_mislead(
    data: Path, tmp_path: Path
) -> None:
    """To ship and shipped: what has not left is said to have left."""
    conf = tmp_path / "conf"
    for path in unhurried().rglob("*.yml"):
        target = conf / path.relative_to(unhurried())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    map_ = conf / "channels" / "PD.yml"
    text = map_.read_text().replace('"1": paid', '"1": shipped', 1).replace('"2": shipped', '"2": paid', 1)
    map_.write_text(text)
    kinds: Counter[str] = Counter()
    sold: list[int] = []

    def look(pair: Pair) -> None:
        sold.append(len(pair.world.platforms.pinduoduo.orders))
        kinds.update(ticket.kind for ticket in pair.centre.reads.tickets(open_only=False))

    run_day(data, seed=4, orders=4, faults=0.0, outages=0, conf=conf, after=look, shares={"PD": 1.0})
    assert sold[0] == 4
    assert kinds[CHANNEL_CONTRADICTS] == sold[0]
    assert kinds[LEFT_AFTER_CANCEL] == 0
