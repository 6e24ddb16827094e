"""Bills are fetched daily, again until they are there; one that does not come is a ticket until it does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from itertools import count, pairwise
from pathlib import Path

from tests.flow.parties import count as counted
from tests.flow.parties import place_and_pay
from tests.flow.rig import POLICY, Rig, opened, virtual

from tongdan.domain.finance.bills import Kind, Row
from tongdan.domain.finance.books import FetchBill
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.model import Order
from tongdan.flow.bill_desk import DAYS_BACK, PARTNER, TRIES, BillDesk
from tongdan.ports import Clock, Done, Errand, Failed, Repeat, Undo, Verb

AT = time(10, 30)
HOUR = timedelta(hours=1)
_serial = count(1)


class Provider:
    """Gives the rows of a day, unless its bills are late."""

    partner = PARTNER

    def __init__(self, clock: Clock) -> None:
        self.verbs: Mapping[type[Effect], Verb] = {FetchBill: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self.clock = clock
        self.rows: dict[date, list[Row]] = {}
        self.there_at: datetime | None = None
        self.asked: list[tuple[datetime, date]] = []

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        assert isinstance(effect, FetchBill)
        self.asked.append((self.clock.now(), effect.day))
        if effect.day not in self.rows:
            return Failed("WeChat 400 NO_STATEMENT_EXIST", final=True)
        if self.there_at is not None and self.clock.now() < self.there_at:
            return Failed("WeChat 400 STATEMENT_CREATING", final=True)
        return Done(None, found=effect.day.isoformat().encode())

    async def look_up(self, errand: Errand) -> None:
        return None


@asynccontextmanager
async def desk(clock: Clock, data: Path) -> AsyncIterator[tuple[Rig, Provider, str]]:
    """A day later: an order of an own shop that is paid, its payment in the bill of that day."""
    provider = Provider(clock)
    async with opened(data, clock) as rig:
        await rig.accepted(counted(100))
        order = await place_and_pay(rig, f"A-{next(_serial)}")
        held = rig.state(order)
        assert isinstance(held, Order)
        (paid,) = held.payments
        row = Row(
            line=2, kind=Kind.TRADE, reference=paid.transaction, name=f"{order}-P{paid.attempt}",
            amount_fen=paid.amount_fen, at=clock.now(), number=paid.transaction,
        )  # fmt: skip
        provider.rows[business_day(clock.now())] = [row]
        bills = BillDesk(
            rig.bus, rig.reads, [provider], POLICY, shops=["mp-main"], at=AT,
            read=lambda raw: provider.rows[date.fromisoformat(raw.decode())],
        )  # fmt: skip
        bills.start()
        yield rig, provider, order
        bills.stop()


def about_bills(rig: Rig) -> list[str]:
    rig.views.flush()
    return [ticket.kind for ticket in rig.reads.tickets() if ticket.kind.startswith("bill-")]


@virtual
async def test_the_bill_of_a_day_settles_its_orders_once(clock: Clock, tmp_path: Path) -> None:
    async with desk(clock, tmp_path / "d") as (rig, provider, order):
        await clock.sleep(3 * 86_400)
        await rig.quiet()
        assert rig.facts(order).count("OrderSettled") == 1
        assert [at.astimezone().hour for at, _ in provider.asked] == [
            provider.asked[0][0].astimezone().hour
        ] * 21
        assert len(provider.asked) == 3 * DAYS_BACK
        assert about_bills(rig) == []


@virtual
async def test_a_bill_that_is_late_is_asked_for_every_hour(clock: Clock, tmp_path: Path) -> None:
    async with desk(clock, tmp_path / "d") as (rig, provider, order):
        (day,) = provider.rows
        provider.there_at = clock.now() + timedelta(days=1, hours=3)
        await clock.sleep(2 * 86_400 - 3_600)
        await rig.quiet()
        assert rig.facts(order).count("OrderSettled") == 1
        times = [at for at, asked in provider.asked if asked == day and at < provider.there_at]
        assert len(times) > 2
        assert {b - a for a, b in pairwise(times)} == {HOUR}
        assert about_bills(rig) == []


@virtual
async def test_a_bill_that_does_not_come_is_a_ticket_until_it_does(clock: Clock, tmp_path: Path) -> None:
    async with desk(clock, tmp_path / "d") as (rig, provider, order):
        (day,) = provider.rows
        provider.there_at = clock.now() + timedelta(days=3)
        await clock.sleep(86_400 + TRIES * 3_600)
        await rig.quiet()
        assert about_bills(rig) == [f"bill-missing:{day}"]
        await clock.sleep(3 * 86_400)
        await rig.quiet()
        assert about_bills(rig) == []
        assert rig.facts(order).count("OrderSettled") == 1
