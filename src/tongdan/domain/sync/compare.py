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


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`ours` and `theirs` as people read them. `status`: the one at stake, the further of both. `since`: when either
    side last moved; None: nobody knows."""

    field: str
    ours: str
    theirs: str
    status: str = ""
    impossible: bool = False
    since: datetime | None = None


def compare(ours: OurStanding, theirs: Standing | None, tells: Set[str]) -> tuple[Difference, ...]:
    """What differs. `theirs` None: it was asked, and does not know the order. `tells`: the statuses it can tell."""
    expected = expected_of(ours, tells)
    if theirs is None:
        if not expected:
            return ()
        return (_missing(ours, expected),)
    since = max(filter(None, (ours.changed_at, theirs.said_at)))
    found = [*_status(ours, expected, theirs.status, since)]
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


def _missing(ours: OurStanding, expected: str) -> Difference:
    return Difference(
        field=Field.PRESENCE, ours=expected, theirs=UNKNOWN, status=expected, since=ours.changed_at
    )


def _status(ours: OurStanding, expected: str, said: str, since: datetime) -> list[Difference]:
    if not said or said == expected or said not in NAMES:
        return []
    at_stake = max(filter(None, (expected, said)), key=lambda name: ORDINAL[NAMES[name]])
    impossible = ours.status in NAMES and said in IMPOSSIBLE.get(NAMES[ours.status], ())
    return [
        Difference(
            field=Field.STATUS,
            ours=expected or ours.status,
            theirs=said,
            status=at_stake,
            impossible=impossible,
            since=since,
        )
    ]


def _read(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{sku} × {units}" for sku, units in sorted(value.items()))
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)
