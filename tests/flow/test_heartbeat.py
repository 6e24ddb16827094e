"""The heartbeat on the loop: nothing due is left out, no partner is asked too fast, differences close on proof."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from tests.flow.parties import count, place_and_pay
from tests.flow.rig import POLICY, Rig, opened, virtual

from tongdan.domain.kernel.keys import pulse_key, ticket_key
from tongdan.domain.kernel.pulse import PulsePolicy, Terms, Tier
from tongdan.domain.kernel.standing import Standing
from tongdan.domain.orders.commands import CommentOnOrder, RecordSettlement
from tongdan.domain.sync.ticket import Ticket
from tongdan.ports import Clock, Failed, Seen, Subject, Turn

EVERY_S, GRACE_S, RATE = 300, 600, 2
PULSE = PulsePolicy(
    tiers=(Tier(rested_s=0, every_s=EVERY_S), Tier(rested_s=7_200, every_s=3_600)),
    lag_alert_s=900,
    partners={
        "finance": Terms(calls_per_minute=RATE, every_s=EVERY_S, grace_else_s=GRACE_S, owner="finance")
    },
    record={"status.settled": "finance"},
)
BEAT_ORDERS = RATE * EVERY_S // 60


class Books:
    """Finance as a witness: how it sees orders is set by the test."""

    partner = "finance"
    tells = frozenset({"paid", "signed", "settled", "cancelled"})
    hears = frozenset({"paid"})
    at_once = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: list[tuple[datetime, str]] = []
        self.down = False
        self.takes_s = 0.0
        self.deaf: set[str] = set()  # it is silent when it is asked about one of them
        self.garbled: set[str] = set()
        self.settled: dict[str, int] = {}
        self.cancelled: set[str] = set()

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        await turn()
        self.asked += [(self._clock.now(), each.id) for each in subjects if not self.down]
        await self._clock.sleep(self.takes_s)
        if self.down:
            return Failed("no answer", partner_wide=True)
        if any(each.id in self.deaf for each in subjects):
            return Failed("no answer", partner_wide=True, unknown=True)
        if any(each.id in self.garbled for each in subjects):
            return Failed("the answer is about another order")
        return [self._seen(each.id) for each in subjects]

    def _seen(self, order: str) -> Seen:
        if order in self.cancelled:
            return Seen(order=order, standing=Standing(status="cancelled"))
        if order not in self.settled:
            return Seen(order=order, standing=Standing(status="paid"))
        news = RecordSettlement(
            order=order, amount_fen=self.settled[order], reference="S-1", settled_at=self._clock.now()
        )
        return Seen(order=order, standing=Standing(status="settled"), news=(news,))

    def orders_asked(self) -> list[str]:
        return [order for _, order in self.asked]


async def paid(rig: Rig, orders: int) -> list[str]:
    """So many orders of an own shop that finance has to know."""
    await rig.accepted(count(100))
    ids = [await place_and_pay(rig, f"A-{n}") for n in range(orders)]
    rig.views.flush()
    return ids


def ticket_of(rig: Rig, order: str) -> Ticket:
    found = rig.state(ticket_key(order, "differs-status"))
    assert isinstance(found, Ticket)
    return found


@virtual
async def test_a_beat_keeps_to_its_rate_and_what_it_does_not_reach_comes_first_in_the_next(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        ids = await paid(rig, BEAT_ORDERS + 4)
        rig.heartbeat.stop()  # it beats by hand here
        await rig.heartbeat.beat("finance")
        first = books.orders_asked()
        assert len(first) == BEAT_ORDERS == len(set(first))
        spans = [b - a for (a, _), (b, _) in zip(books.asked, books.asked[1:], strict=False)]
        assert min(spans) >= timedelta(seconds=60 / RATE)
        await rig.heartbeat.beat("finance")
        second = books.orders_asked()[BEAT_ORDERS : BEAT_ORDERS + 4]
        assert sorted([*first, *second]) == sorted(ids)


@virtual
async def test_a_slow_partner_is_asked_as_fast_as_its_rate_allows_and_not_faster(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    books.takes_s = 0.6
    quick = replace(PULSE, partners={"finance": replace(PULSE.partners["finance"], calls_per_minute=600)})
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=quick), witnesses=[books]) as rig:
        await rig.accepted(count(100))
        ids = await paid(rig, 40)
        rig.heartbeat.stop()
        began = clock.now()
        beat = await rig.heartbeat.beat("finance")
        assert sorted(books.orders_asked()) == sorted(ids)
        assert (beat.asked, beat.checked) == (40, 40)
        spans = [b - a for (a, _), (b, _) in zip(books.asked, books.asked[1:], strict=False)]
        assert min(spans) >= timedelta(seconds=0.0999)
        assert clock.now() - began < timedelta(seconds=40 * books.takes_s / 3)


@virtual
async def test_after_an_outage_nothing_was_left_out_and_the_partner_is_suspected_meanwhile(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        ids = await paid(rig, 3)
        await clock.sleep(2 * EVERY_S)
        assert set(books.orders_asked()) == set(ids)
        books.down = True
        await clock.sleep(3_600)
        await rig.quiet()
        seen = rig.facts(pulse_key("finance"))
        assert [fact for fact in seen if fact == "PulseTurned"] == ["PulseTurned"] * 2  # yellow, then red
        assert seen.count("PulseLags") == 1
        rig.views.flush()
        (alarm,) = rig.reads.tickets()
        assert (alarm.subject, alarm.kind) == ("pulse/finance", "pulse-lags")
        books.asked.clear()
        books.down = False
        await clock.sleep(2 * EVERY_S)
        await rig.quiet()
        assert set(books.orders_asked()) == set(ids)
        assert rig.facts(pulse_key("finance"))[-2:] == ["PulseTurned", "PulseCaughtUp"]
        rig.views.flush()
        assert rig.reads.tickets() == []


@virtual
async def test_an_order_without_a_readable_answer_holds_up_nobody_behind_it_and_stays_due(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    quick = replace(PULSE, partners={"finance": replace(PULSE.partners["finance"], calls_per_minute=60)})
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=quick), witnesses=[books]) as rig:
        ids = await paid(rig, 8)
        rig.heartbeat.stop()
        first = rig.heartbeat.checks.due("finance", clock.now(), 8)
        books.garbled, books.deaf = {each.order for each in first[:4]}, {first[5].order}
        beat = await rig.heartbeat.beat("finance")
        assert sorted(books.orders_asked()) == sorted(ids)
        assert (beat.asked, beat.checked, beat.error != "") == (8, 3, True)
        left = rig.heartbeat.checks.due("finance", clock.now(), 8)
        assert {each.order for each in left} == books.garbled | books.deaf
        assert all(each.checked_at is None for each in left)
        books.asked.clear()
        books.deaf = set(ids)  # nobody answers any more: three calls tell
        await rig.heartbeat.beat("finance")
        assert len(books.asked) == 3


@virtual
async def test_one_order_that_spoils_the_answer_for_many_is_asked_about_alone(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    books.at_once = 4
    quick = replace(PULSE, partners={"finance": replace(PULSE.partners["finance"], calls_per_minute=60)})
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=quick), witnesses=[books]) as rig:
        ids = await paid(rig, 6)
        rig.heartbeat.stop()
        books.garbled = {rig.heartbeat.checks.due("finance", clock.now(), 8)[1].order}
        beat = await rig.heartbeat.beat("finance")
        assert (beat.asked, beat.checked) == (6, len(ids) - 1)  # four at once, each alone, two at once
        assert {each.order for each in rig.heartbeat.checks.due("finance", clock.now(), 8)} == books.garbled


@virtual
async def test_a_lag_is_none_of_its_business_and_what_outlasts_it_is_mended_and_closed_on_proof(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        (order,) = await paid(rig, 1)
        books.settled[order] = 9_900
        await clock.sleep(GRACE_S - EVERY_S)
        assert rig.reads.order(ticket_key(order, "differs-status")) is None
        await clock.sleep(2 * EVERY_S)
        await rig.quiet()
        assert rig.state(order).settled_at is not None
        await clock.sleep(2 * EVERY_S)
        await rig.quiet()
        ticket = ticket_of(rig, order)
        assert (ticket.open, ticket.by) == (False, "itself")
        assert rig.facts(ticket_key(order, "differs-status")) == [
            "DifferenceFound", "RepairTried", "SideAgrees", "TicketResolved",
        ]  # fmt: skip


@virtual
async def test_a_dispute_closes_on_proof_although_the_difference_passed_for_a_lag_in_between(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        (order,) = await paid(rig, 1)
        books.cancelled.add(order)
        await clock.sleep(4 * EVERY_S)
        assert ticket_of(rig, order).open
        await rig.accepted(
            CommentOnOrder(order=order, text="rang up")
        )  # the order has changed: for a while it differs like any that has
        await clock.sleep(EVERY_S)
        assert ticket_of(rig, order).open
        books.cancelled.clear()
        await clock.sleep(2 * EVERY_S)
        await rig.quiet()
        assert not ticket_of(rig, order).open


@virtual
async def test_what_no_system_of_record_decides_waits_for_a_person_without_filling_the_journal(
    clock: Clock, tmp_path: Path
) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        (order,) = await paid(rig, 1)
        books.cancelled.add(order)
        await clock.sleep(86_400)
        await rig.quiet()
        assert ticket_of(rig, order).open
        assert rig.facts(ticket_key(order, "differs-status")) == ["DifferenceFound"]


@virtual
async def test_a_lost_book_is_made_anew_and_open_disputes_still_close(clock: Clock, tmp_path: Path) -> None:
    books, policy = Books(clock), replace(POLICY, pulse=PULSE)
    async with opened(tmp_path / "d", clock, policy=policy, witnesses=[books]) as rig:
        (order,) = await paid(rig, 1)
        books.cancelled.add(order)
        await clock.sleep(4 * EVERY_S)
        assert ticket_of(rig, order).open
    for file in (tmp_path / "d").glob("checks.sqlite*"):
        file.unlink()
    books.cancelled.clear()
    async with opened(tmp_path / "d", clock, policy=policy, witnesses=[books], seed="again") as rig:
        await clock.sleep(2 * EVERY_S)
        await rig.quiet()
        assert not ticket_of(rig, order).open


@virtual
async def test_an_order_that_rests_is_asked_about_ever_more_rarely(clock: Clock, tmp_path: Path) -> None:
    books = Books(clock)
    async with opened(tmp_path / "d", clock, policy=replace(POLICY, pulse=PULSE), witnesses=[books]) as rig:
        (order,) = await paid(rig, 1)
        await clock.sleep(7_200)
        soon = len(books.asked)
        await clock.sleep(6 * 3_600)
        assert soon >= 7_200 // EVERY_S - 2
        assert 5 <= len(books.asked) - soon <= 7
        assert set(books.orders_asked()) == {order}
