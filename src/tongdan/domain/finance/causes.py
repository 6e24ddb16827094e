"""Why an order stands on one list only, or with another sum: the closed list of causes, and rules that find them.

A rule reads evidence (facts of the order with their places in the audit trail, what finance says elsewhere) and names a
cause only where it follows from that; the first that does, decides. What no rule explains is UNEXPLAINED, and said so.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from tongdan.domain.finance.books import PLACED, Cited, Compared, Counted, Entry, Terms, differing
from tongdan.domain.kernel.ids import business_day

SAME_INSTANT: Final = timedelta(seconds=60)  # two systems' words for one moment


class Cause(StrEnum):
    DAY_BOUNDARY = "day-boundary"
    CUT_OFF = "cut-off"
    OTHER_MOMENT = "other-moment"
    BOOKED_LATE = "booked-late"
    CANCELLED_BEFORE = "cancelled-before"
    REFUNDED_SAME_DAY = "refunded-same-day"
    WAITING = "waiting"
    DEAD_LETTER = "dead-letter"
    NEVER_TOLD = "never-told"
    LOST_THERE = "lost-there"
    DUPLICATE = "duplicate"
    SPLIT = "split"
    MERGED = "merged"
    WRONG_SHOP = "wrong-shop"
    TEST_ORDER = "test-order"
    UNKNOWN_ID = "unknown-id"
    NOT_PAID = "not-paid"
    CANCELLED_HERE = "cancelled-here"
    FEE = "fee"
    DISCOUNT = "discount"
    FREIGHT = "freight"
    REFUND = "refund"
    UNEXPLAINED = "unexplained"


class Stage(StrEnum):
    """How the telling of a milestone stands."""

    WAITING = "waiting"
    DEAD = "dead"
    SKIPPED = "skipped"
    TOLD = "told"


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """An effect by which finance was told that the order counts; `why`: the error, or the reason for giving it up."""

    effect: str
    stage: Stage
    at: datetime
    cited: tuple[Cited, ...]
    why: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one order. `counted_at`: our moment, None: it does not count.

    `siblings` left in one parcel with it; `refunds` are (fen, when) of what has gone back; `watched`: its shop is
    somebody else's to act for; `cited` says where a fact of this name stands.
    """

    order: str
    channel: str
    shop: str
    native: str
    amount_fen: int
    counted_at: datetime | None
    placed_at: datetime | None
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunds: tuple[tuple[int, datetime], ...] = ()
    discount_fen: int = 0
    freight_fen: int = 0
    siblings: tuple[str, ...] = ()
    watched: bool = False
    telling: Telling | None = None
    cited: Mapping[str, Cited] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `ours_fen` None: we do not count it that day; `theirs_fen` None: they do not.

    `entry` is theirs; `says` fills the sentence of the cause. `mends`: telling finance again is certainly right.
    """

    cause: Cause
    order: str
    ours_fen: int | None
    theirs_fen: int | None
    entry: Entry | None = None
    cited: tuple[Cited, ...] = ()
    says: Mapping[str, str] = {}
    mends: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that a rule may look at: `elsewhere` are finance's entries of the order in the lists at hand, of any shop.

    `listed` are the days whose lists are at hand. `known`: what is known of the order, None: there is none.
    """

    day: date
    terms: Terms
    compared: Compared
    listed: frozenset[date]
    elsewhere: Mapping[str, tuple[Entry, ...]]
    evidence: Mapping[str, Evidence]


Found = tuple[Cause, dict[str, str], tuple[str, ...]]  # what it says, and the facts it rests on
Rule = Callable[[Case, Counted | None, Entry | None, Evidence], Found | None]


def wanted(compared: Compared) -> list[str]:
    """Orders whose evidence the rules want."""
    rows = [each.order for each in compared.missing] + [each.order for each in compared.extra]
    return sorted({*rows, *[ours.order for ours, _ in differing(compared)]} - {""})


def explain(case: Case) -> list[Finding]:
    """One finding for each difference, by cause and order."""
    found = [*_missing(case), *_extra(case), *_differing(case)]
    order = list(Cause)
    return sorted(
        found, key=lambda each: (order.index(each.cause), each.order, each.entry.name if each.entry else "")
    )


def _missing(case: Case) -> Iterator[Finding]:
    for ours in case.compared.missing:
        yield _found(case, ours, None, MISSING)


def _extra(case: Case) -> Iterator[Finding]:
    for entry in case.compared.extra:
        yield _found(case, None, entry, EXTRA)


def _differing(case: Case) -> Iterator[Finding]:
    for ours, entry in differing(case.compared):
        yield _found(case, ours, entry, SHOP if ours.amount_fen == entry.amount_fen else AMOUNT)


def _found(case: Case, ours: Counted | None, entry: Entry | None, rules: tuple[Rule, ...]) -> Finding:
    order = ours.order if ours is not None else entry.order if entry is not None else ""
    known = case.evidence.get(order)
    cause, says, facts = Cause.UNEXPLAINED, dict[str, str](), tuple[str, ...]()
    if known is None and ours is None:
        cause = Cause.UNKNOWN_ID
    for rule in rules if known is not None else ():
        assert known is not None
        if (told := rule(case, ours, entry, known)) is not None:
            cause, says, facts = told
            break
    telling = known.telling if known is not None else None
    cited = tuple([known.cited[fact] for fact in facts if fact in known.cited]) if known is not None else ()
    tells = telling is not None and cause in _BY_TELLING
    mends = cause in _MENDED and known is not None and not known.watched and known.cancelled_at is None
    return Finding(
        cause=cause,
        order=order,
        ours_fen=None if ours is None else ours.amount_fen,
        theirs_fen=None if entry is None else entry.amount_fen,
        entry=entry,
        cited=(*cited, *(telling.cited if telling is not None and tells else ())),
        says=says,
        mends=mends,
    )


_MENDED: Final = frozenset({Cause.DEAD_LETTER, Cause.NEVER_TOLD, Cause.LOST_THERE})
_BY_TELLING: Final = _MENDED | {Cause.WAITING, Cause.BOOKED_LATE, Cause.CANCELLED_BEFORE}


# ---- rules: another day, another shop


def _another_shop(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    for other in case.elsewhere.get(known.order, ()):
        if other.day == case.day and other.shop not in ("", known.shop):
            return Cause.WRONG_SHOP, {"theirs": other.shop, "ours": known.shop}, ()
    return None


def _another_day(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    """Counted on both sides, on two days: by which clock, or by which moment."""
    at = known.counted_at
    if at is None:
        return None
    if entry is not None:
        return _apart(case, entry, at, known) if business_day(at) != case.day else None
    for other in case.elsewhere.get(known.order, ()):
        if other.day != case.day and (told := _apart(case, other, at, known)) is not None:
            return told
    theirs = case.terms.day_of(at)
    if theirs != case.day and theirs not in case.listed:
        return _clock(case, at, theirs)
    return None


def _apart(case: Case, entry: Entry, at: datetime, known: Evidence) -> Found | None:
    """`entry` stands in the list of another day than ours at `at`."""
    days = {"theirs": entry.day.isoformat(), "ours": business_day(at).isoformat()}
    if _is(case, entry, at):
        return _clock(case, at, entry.day)
    other = known.placed_at if case.terms.moment != PLACED else known.paid_at
    if other is not None and _is(case, entry, other):
        return Cause.OTHER_MOMENT, days | {"at": _text(other)}, ("OrderCreated", "OrderDetailed", "OrderPaid")
    telling = known.telling
    if telling is not None and telling.stage is Stage.TOLD and _is(case, entry, telling.at):
        return Cause.BOOKED_LATE, days | {"at": _text(telling.at)}, ("OrderPaid",)
    return None


def _is(case: Case, entry: Entry, at: datetime) -> bool:
    """The entry is of this moment: it says so, or, if it names none, stands in the day that this moment falls on."""
    if entry.at is not None:
        return abs(entry.at - at) <= SAME_INSTANT
    return case.terms.day_of(at) == entry.day


def _clock(case: Case, at: datetime, theirs: date) -> Found | None:
    says = {"at": _text(at), "theirs": theirs.isoformat(), "ours": business_day(at).isoformat()}
    facts = ("OrderPaid",)
    if case.terms.plain_day(at) == theirs != business_day(at):
        return Cause.DAY_BOUNDARY, says, facts
    return (Cause.CUT_OFF, says, facts) if case.terms.day_of(at) == theirs else None


# ---- rules: why they do not have it


def _in_one(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    """Another order's entry carries the sum of both."""
    counted = {each.order: each for each, _ in case.compared.matched}
    for sibling in known.siblings:
        both = counted[sibling].amount_fen + known.amount_fen if sibling in counted else 0
        if any(both == other.amount_fen for other in case.compared.theirs_of.get(sibling, ()) if both):
            return Cause.MERGED, {"with": sibling}, ("LinesRepacked", "OrderReleased", "LinesShipped")
    return None


def _test(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    number = next((each for each in case.terms.test_numbers if known.native.startswith(each)), "")
    if known.shop in case.terms.test_shops or number:
        return Cause.TEST_ORDER, {"by": number or known.shop}, ("OrderCreated", "OrderDetailed")
    return None


def _cancelled_before(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    """Finance leaves out what was cancelled before it took it, or before its day was closed."""
    at, telling = known.cancelled_at, known.telling
    if at is None:
        return None
    over = None if telling is None or telling.stage is Stage.WAITING else telling.at
    if at < case.terms.closed_at(case.terms.day_of(known.counted_at or at)) or over is None or at < over:
        return Cause.CANCELLED_BEFORE, {"at": _text(at)}, ("OrderPaid", "OrderCancelled")
    return None


def _refunded(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    closed = case.terms.closed_at(case.terms.day_of(known.counted_at)) if known.counted_at else None
    back = [fen for fen, at in known.refunds if closed is not None and at < closed]
    if back and sum(back) >= known.amount_fen:
        return Cause.REFUNDED_SAME_DAY, {}, _REFUND_FACTS
    return None


def _not_told(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    telling = known.telling
    if telling is None:
        return Cause.NEVER_TOLD, {"why": "watched" if known.watched else "no-effect"}, ("OrderPaid",)
    says = {"effect": telling.effect, "why": telling.why}
    if telling.stage is Stage.DEAD:
        return Cause.DEAD_LETTER, says, ("OrderPaid",)
    if telling.stage is Stage.SKIPPED:
        return Cause.NEVER_TOLD, says, ("OrderPaid",)
    return (Cause.WAITING, says, ("OrderPaid",)) if telling.stage is Stage.WAITING else None


def _lost(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    """It said that it had heard, and it stands nowhere, though the list on which it should stand is at hand."""
    telling = known.telling
    heard = telling is not None and telling.stage is Stage.TOLD and known.order not in case.elsewhere
    if telling is not None and heard and case.terms.day_of(known.counted_at or telling.at) in case.listed:
        return Cause.LOST_THERE, {"effect": telling.effect, "at": _text(telling.at)}, ("OrderPaid",)
    return None


# ---- rules: why only they have it


def _twice(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    entries = case.compared.theirs_of.get(known.order, ())
    if len(entries) < 2:
        return None
    says = {"times": str(len(entries))}
    return (Cause.SPLIT if _adds_up(entries, known.amount_fen) else Cause.DUPLICATE), says, ("OrderPaid",)


def _adds_up(entries: tuple[Entry, ...], amount_fen: int) -> bool:
    return len(entries) > 1 and sum([each.amount_fen for each in entries]) == amount_fen


def _unpaid(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    if known.counted_at is not None:
        return None
    if known.cancelled_at is not None:
        return Cause.CANCELLED_HERE, {"at": _text(known.cancelled_at)}, ("OrderCancelled",)
    return Cause.NOT_PAID, {}, ("OrderCreated", "OrderDetailed")


# ---- rules: why the sum differs


def _split(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    entries = case.compared.theirs_of.get(known.order, ())
    return (Cause.SPLIT, {"times": str(len(entries))}, ()) if _adds_up(entries, known.amount_fen) else None


def _joined(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    missing = {each.order: each.amount_fen for each in case.compared.missing}
    for sibling in known.siblings:
        if entry is not None and missing.get(sibling, 0) == entry.amount_fen - known.amount_fen != 0:
            return Cause.MERGED, {"with": sibling}, ("LinesRepacked", "OrderReleased", "LinesShipped")
    return None


def _netted(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    """What has gone back, all of it or up to an instant, was taken off."""
    less, back = known.amount_fen - (entry.amount_fen if entry is not None else 0), 0
    for fen, _ in sorted(known.refunds, key=lambda each: each[1]):
        back += fen
        if back == less:
            return Cause.REFUND, {}, _REFUND_FACTS
    return None


def _terms(case: Case, ours: Counted | None, entry: Entry | None, known: Evidence) -> Found | None:
    more = (entry.amount_fen if entry is not None else 0) - known.amount_fen
    fee_bp = case.terms.fees_bp.get(known.channel, 0)
    if fee_bp and more == -((known.amount_fen * fee_bp + 5_000) // 10_000):
        return Cause.FEE, {"percent": f"{fee_bp / 100:g}"}, ()
    if known.discount_fen and more == known.discount_fen:
        return Cause.DISCOUNT, {}, ("OrderCreated", "OrderDetailed")
    if known.freight_fen and more == -known.freight_fen:
        return Cause.FREIGHT, {}, ("OrderCreated", "OrderDetailed")
    return None


def _text(at: datetime) -> str:
    return at.isoformat()


_REFUND_FACTS: Final = ("RefundSucceeded", "LinesRefunded")
MISSING: Final[tuple[Rule, ...]] = (
    _another_shop, _another_day, _in_one, _test, _cancelled_before, _refunded, _not_told, _lost,
)  # fmt: skip
EXTRA: Final[tuple[Rule, ...]] = (_twice, _another_shop, _another_day, _unpaid)
AMOUNT: Final[tuple[Rule, ...]] = (_split, _joined, _netted, _terms)
SHOP: Final[tuple[Rule, ...]] = (_another_shop,)
