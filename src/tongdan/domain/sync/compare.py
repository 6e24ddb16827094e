"""Two systems' views of one order, compared field by field.

A system tells only some statuses, so ours is read in its words first: the furthest of those it can tell that the order
has come by. What differs then is ahead or behind; pairs that no lag explains are marked.
"""

from collections.abc import Set
from datetime import datetime, timedelta

import msgspec

from tongdan.domain.kernel.pulse import Terms
from tongdan.domain.kernel.standing import Field, OurStanding, Standing
from tongdan.domain.kernel.status import IMPOSSIBLE, NAMES, ORDINAL

UNKNOWN = "unknown"  # how a system stands that does not know the order
ENDS = {"cancelled", "refunded"}  # a platform that cancels what was paid refunds it, and calls it either


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`ours` and `theirs` as people read them. `status`: the one at stake, the first that one side has come by and the
    other has not. `is_ahead`: that side is ours. `since`: when either side last moved; None: nobody knows."""

    field: str
    ours: str
    theirs: str
    status: str = ""
    is_ahead: bool = False
    impossible: bool = False
    since: datetime | None = None


def compare(ours: OurStanding, theirs: Standing | None, tells: Set[str]) -> tuple[Difference, ...]:
    """What differs. `theirs` None: it was asked, and does not know the order. `tells`: the statuses it can tell."""
    expected = expected_of(ours, tells)
    if theirs is None:
        if not expected:
            return ()
        return (_missing(ours, expected, tells),)
    since = max(filter(None, (ours.changed_at, theirs.said_at)))
    found = [*_status(ours, tells, expected, theirs.status, since)]
    for field, mine, said in (
        (Field.AMOUNT, ours.amount_fen, theirs.amount_fen),
        (Field.LINES, ours.units, theirs.units),
        (Field.RECEIVER, ours.receiver, theirs.receiver),
        (Field.WAYBILL, ours.waybills, theirs.waybills),
        (Field.REFUND, ours.refunded_fen, theirs.refunded_fen),
    ):
        if mine is not None and said is not None and mine != said:
            found.append(Difference(field=field, ours=_read(mine), theirs=_read(said), since=since))
    return tuple(found)


def is_pending(difference: Difference, terms: Terms, now: datetime) -> bool:
    """Still a lag: its grace period has not passed since either side moved."""
    return now < settled_at(difference, terms, now)


def settled_at(difference: Difference, terms: Terms, now: datetime) -> datetime:
    """When a lag has become a difference."""
    return (difference.since or now) + timedelta(seconds=terms.grace_of(difference.field, difference.status))


def expected_of(ours: OurStanding, tells: Set[str]) -> str:
    """What a system that can tell only these statuses should say; "" while it need not know the order."""
    return max(ours.reached & tells, key=lambda name: ORDINAL[NAMES[name]], default="")


def _missing(ours: OurStanding, expected: str, tells: Set[str]) -> Difference:
    return Difference(
        field=Field.PRESENCE,
        ours=expected,
        theirs=UNKNOWN,
        status=_next(ours, tells, -1),
        is_ahead=True,
        since=ours.changed_at,
    )


def _status(
    ours: OurStanding, tells: Set[str], expected: str, said: str, since: datetime
) -> list[Difference]:
    if not said or said == expected or said not in NAMES:
        return []
    if not ours.own and {said, expected} == ENDS:
        return []
    theirs = ORDINAL[NAMES[said]]
    left_after_all = (expected, said) == ("cancelled", "shipped")  # what left outweighs what was called off
    is_ahead = bool(expected) and ORDINAL[NAMES[expected]] > theirs and not left_after_all
    difference = Difference(
        field=Field.STATUS,
        ours=expected or ours.status,
        theirs=said,
        status=_next(ours, tells, theirs) if is_ahead else said,
        is_ahead=is_ahead,
        impossible=ours.status in NAMES and said in IMPOSSIBLE.get(NAMES[ours.status], ()),
        since=since,
    )
    return [difference]


def _next(ours: OurStanding, tells: Set[str], beyond: int) -> str:
    """The first status beyond an ordinal that we have come by and the other system can tell."""
    further = [name for name in ours.reached & tells if ORDINAL[NAMES[name]] > beyond]
    return min(further, key=lambda name: ORDINAL[NAMES[name]])


def _read(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{sku} × {units}" for sku, units in sorted(value.items()))
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)
