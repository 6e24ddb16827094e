"""A business day on two lists: ours, from the journal, and finance's own. Which orders stand on both, which on one?

A day is half-open, from midnight to midnight in UTC+8; finance may count by another clock or close its day earlier
(`Terms`), which is what most differences come from. Sums are fen. Nothing here is a fact: it is asked for and shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

import msgspec

from tongdan.domain.kernel import ids
from tongdan.domain.kernel.messages import Effect

OURS: Final = ids.SHANGHAI
PAID: Final = "paid"
PLACED: Final = "placed"
PAGE_ROWS: Final = 500
MAX_ENTRIES: Final = 1_000_000  # of one list


class Cited(msgspec.Struct, frozen=True):
    """Where in the audit trail something stands: a row of the chain of a slot, and when it was recorded."""

    slot: int
    epoch: int
    seq: int
    fact: str
    at: datetime


class Counted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as we count it; `at` is the moment it is counted by."""

    order: str
    shop: str
    amount_fen: int
    at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of finance's list of `day`. `name`: what finance calls the order, `order`: ours ("": none).

    `at`: when finance says that it happened, if it says so; `reference` is its own number of the entry; `line` counts
    from 1 in a file.
    """

    name: str
    day: date
    amount_fen: int
    order: str = ""
    shop: str = ""
    at: datetime | None = None
    reference: str = ""
    line: int = 0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How finance keeps its books.

    By which `moment` it counts an order (paid, placed), on which clock, when its day `closes` (None: at midnight),
    which shops and beginnings of numbers are tests to it, and what share of a price each channel keeps (basis points).
    """

    moment: str = PAID
    zone: tzinfo = OURS
    closes: time | None = None
    test_shops: tuple[str, ...] = ()
    test_numbers: tuple[str, ...] = ()
    fees_bp: Mapping[str, int] = {}

    def plain_day(self, at: datetime) -> date:
        """The date that its clock shows."""
        return at.astimezone(self.zone).date()

    def day_of(self, at: datetime) -> date:
        """The day in whose list it puts what happens at `at`."""
        local = at.astimezone(self.zone)
        late = self.closes is not None and local.time() >= self.closes
        return local.date() + timedelta(days=1) if late else local.date()

    def closed_at(self, day: date) -> datetime:
        """When its list of `day` ends."""
        ends = datetime.combine(day, self.closes or time(), self.zone)
        return (ends if self.closes else ends + timedelta(days=1)).astimezone(UTC)


class ListBooks(Effect, frozen=True, kw_only=True):
    """Ask finance for its list of a day, a page: a read, made when a person asks; it stands in no lane."""

    day: date
    cursor: str = ""


class FetchBill(Effect, frozen=True, kw_only=True):
    """Fetch the payment provider's bill of a day, of trades or (`fund`) of the account: a read that a person makes."""

    shop: str
    day: date
    fund: bool = False


class BooksPage(msgspec.Struct, frozen=True):
    """`cursor` "": it was the last."""

    entries: tuple[Entry, ...]
    cursor: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Each order of ours is `matched` (with the one entry that is it) or `missing`; all other entries are `extra`.

    `theirs_of` are all entries of an order on the day.
    """

    day: date
    matched: tuple[tuple[Counted, Entry], ...]
    missing: tuple[Counted, ...]
    extra: tuple[Entry, ...]
    theirs_of: Mapping[str, tuple[Entry, ...]]

    @property
    def ours(self) -> tuple[int, int]:
        """(orders, fen)"""
        counted = [each for each, _ in self.matched] + list(self.missing)
        return len(counted), sum([each.amount_fen for each in counted])

    @property
    def theirs(self) -> tuple[int, int]:
        """(entries, fen)"""
        entries = [each for _, each in self.matched] + list(self.extra)
        return len(entries), sum([each.amount_fen for each in entries])


def span(day: date) -> tuple[datetime, datetime]:
    """From when (inclusive) until when (exclusive) our business day lasts."""
    begin = datetime.combine(day, time(), OURS).astimezone(UTC)
    return begin, begin + timedelta(days=1)


def told_once(entries: Iterable[Entry]) -> list[Entry]:
    """Without what a list repeats: an entry of the same number that says the same is one, on whatever page."""
    kept: dict[object, Entry] = {}
    for n, each in enumerate(sorted(entries, key=_rank)):
        said = each.reference, each.name, each.day, each.amount_fen, each.shop, each.at
        kept.setdefault(said if each.reference else n, each)
    return list(kept.values())


def compare(day: date, ours: Iterable[Counted], theirs: Iterable[Entry]) -> Compared:
    """In which order either list stands, or that an order of ours is told twice, changes nothing."""
    counted = {each.order: each for each in sorted(ours, key=_place)}
    theirs_of: dict[str, list[Entry]] = {}
    extra = []
    for entry in told_once(theirs):
        if entry.order in counted:
            theirs_of.setdefault(entry.order, []).append(entry)
        else:
            extra.append(entry)
    matched, missing = [], []
    for order in sorted(counted):
        each, entries = counted[order], theirs_of.get(order)
        if entries is None:
            missing.append(each)
            continue
        best = next((entry for entry in entries if entry.amount_fen == each.amount_fen), entries[0])
        matched.append((each, best))
        extra += [entry for entry in entries if entry is not best]
    return Compared(
        day=day,
        matched=tuple(matched),
        missing=tuple(missing),
        extra=tuple(sorted(extra, key=_rank)),
        theirs_of={order: tuple(entries) for order, entries in theirs_of.items()},
    )


def differing(compared: Compared) -> list[tuple[Counted, Entry]]:
    """What stands on both lists, but not with the same sum or shop (where finance names one)."""
    return [
        (ours, entry)
        for ours, entry in compared.matched
        if ours.amount_fen != entry.amount_fen or entry.shop not in ("", ours.shop)
    ]


def by_order(entries: Sequence[Entry]) -> dict[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = {}
    for each in told_once(entries):
        if each.order:
            found.setdefault(each.order, []).append(each)
    return {order: tuple(found[order]) for order in sorted(found)}


def _place(each: Counted) -> tuple[str, datetime, int]:
    return each.order, each.at, each.amount_fen


def _rank(each: Entry) -> tuple[str, str, date, str, int, str, int]:
    at = each.at.isoformat() if each.at is not None else ""
    return each.order, each.name, each.day, each.reference, each.amount_fen, at, each.line
