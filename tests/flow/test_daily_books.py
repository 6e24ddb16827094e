"""Every morning finance's list is laid beside ours: what only finance has is a ticket until it has it no more."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import Path

from tests.flow.parties import count, place_and_pay
from tests.flow.rig import POLICY, Rig, opened, virtual

from tongdan.adapters.clock import SeededEntropy
from tongdan.domain.finance.books import BooksPage, Entry, ListBooks, Terms
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.goods.delivery import FINANCE
from tongdan.domain.sync.kinds import FINANCE_UNMATCHED
from tongdan.flow.daily_books import DailyBooks
from tongdan.flow.finance_desk import FinanceDesk
from tongdan.ports import Clock, Done, Errand, Failed, Repeat, TicketQuery, Undo, Verb

MORNING = time(8)
DAY_S = 86_400


class Finance:
    """Lists what it is given."""

    partner = FINANCE

    def __init__(self) -> None:
        self.verbs: Mapping[type[Effect], Verb] = {ListBooks: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self.entries: list[Entry] = []
        self.is_away = False

    async def perform(self, errand: Errand) -> Done | Failed:
        assert isinstance(errand.effect, ListBooks)
        if self.is_away:
            return Failed("no answer", partner_wide=True)
        day = errand.effect.day
        return Done(None, found=BooksPage(tuple([each for each in self.entries if each.day == day]), ""))

    async def look_up(self, errand: Errand) -> None:
        return None


def morning(rig: Rig, finance: Finance, clock: Clock) -> DailyBooks:
    desk = FinanceDesk(rig.reads, [finance], POLICY, Terms(), clock, SeededEntropy("books"))
    return DailyBooks(rig.bus, rig.reads, desk, MORNING)


def about_finance(rig: Rig) -> list[tuple[str, str]]:
    rig.views.flush()
    found = rig.reads.find_tickets(TicketQuery(open=True, kind=FINANCE_UNMATCHED))
    return [(ticket.kind, ticket.subject) for ticket in found]


def entry(name: str, day: date, order: str = "") -> Entry:
    return Entry(name=name, day=day, amount_fen=9_900, order=order)


@virtual
async def test_what_only_finance_has_is_a_ticket_until_it_is_gone(clock: Clock, tmp_path: Path) -> None:
    finance = Finance()
    async with opened(tmp_path / "d", clock) as rig:
        await rig.accepted(count(100))
        order, day = await place_and_pay(rig, "A-1"), business_day(clock.now())
        finance.entries = [entry(order, day, order), entry("M-404", day)]
        books = morning(rig, finance, clock)
        books.start()
        await clock.sleep(DAY_S)
        assert about_finance(rig) == [(f"{FINANCE_UNMATCHED}:{day}", "alias/daily-books/M-404")]
        before = rig.reads.counts()["journal_rows"]
        await clock.sleep(DAY_S / 2)  # nothing new, nothing told
        assert len(about_finance(rig)) == 1
        finance.entries.pop()
        await clock.sleep(DAY_S / 2)
        assert about_finance(rig) == []
        assert rig.reads.counts()["journal_rows"] > before
        books.stop()


@virtual
async def test_a_morning_without_finance_is_made_up_for_by_the_next(clock: Clock, tmp_path: Path) -> None:
    finance = Finance()
    async with opened(tmp_path / "d", clock) as rig:
        await rig.accepted(count(100))
        order, day = await place_and_pay(rig, "A-1"), business_day(clock.now())
        finance.entries, finance.is_away = [entry(order, day, order), entry("M-404", day)], True
        books = morning(rig, finance, clock)
        books.start()
        await clock.sleep(DAY_S)
        assert about_finance(rig) == []
        finance.is_away = False
        await clock.sleep(DAY_S)
        assert [kind for kind, _ in about_finance(rig)] == [f"{FINANCE_UNMATCHED}:{day}"]
        books.stop()


@virtual
async def test_without_a_time_nothing_is_asked(clock: Clock, tmp_path: Path) -> None:
    finance = Finance()
    async with opened(tmp_path / "d", clock) as rig:
        desk = FinanceDesk(rig.reads, [finance], POLICY, Terms(), clock, SeededEntropy("books"))
        finance.entries = [entry("M-404", business_day(clock.now()) - timedelta(days=1))]
        books = DailyBooks(rig.bus, rig.reads, desk, None)
        books.start()
        await clock.sleep(2 * DAY_S)
        assert about_finance(rig) == []
