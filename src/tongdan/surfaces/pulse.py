"""How the heartbeat of every partner stands: what is due, what lags, who is suspected."""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.pulse import PulsePolicy
from tongdan.flow.heartbeat import colour_of, lag_s
from tongdan.ports import Checks


class PulseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A partner: orders watched, due for a check, and seen differently by it.

    `oldest_s`: since when the order was not checked that waits longest; `lag_s`: by how much the most overdue check is
    overdue. Of its last beat: when it ended, how many orders it checked, and why nobody answered, if nobody did.
    """

    partner: str
    colour: str
    orders: int
    due: int
    odd: int
    oldest_s: int
    lag_s: int
    beat_at: datetime | None = None
    checked: int = 0
    error: str = ""


def pulse_rows(checks: Checks, policy: PulsePolicy, now: datetime) -> list[PulseRow]:
    """Every partner that watches an order and is asked, by name."""
    asked = [partner for partner in checks.partners() if policy.terms_of(partner) is not None]
    return [_row(checks, partner, now) for partner in asked]


def _row(checks: Checks, partner: str, now: datetime) -> PulseRow:
    backlog, beat = checks.backlog(partner, now), checks.beat(partner)
    return PulseRow(
        partner=partner,
        colour=colour_of(beat, now),
        orders=backlog.orders,
        due=backlog.due,
        odd=backlog.odd,
        oldest_s=0 if backlog.oldest is None else int((now - backlog.oldest).total_seconds()),
        lag_s=lag_s(checks.due(partner, now, 1), now),
        beat_at=None if beat is None else beat.ended_at,
        checked=0 if beat is None else beat.checked,
        error="" if beat is None else beat.error,
    )
