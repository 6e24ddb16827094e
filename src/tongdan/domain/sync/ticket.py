"""The state of a repair ticket: what needs a person's eyes, or is being mended, one open ticket a subject and kind."""

from datetime import datetime
from typing import Final

import msgspec

MAX_PAST: Final = 10


class Side(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a partner says beside us. `tried` attempts of `repair` were made, the next may be made from `again_at` on;
    `given_up`: a person has it. `left`: a person leaves it as it is, until it differs in another way. `found_at`: when
    both said so."""

    partner: str
    ours: str
    theirs: str
    repair: str
    record: str
    impossible: bool = False
    tried: int = 0
    again_at: datetime | None = None
    given_up: bool = False
    left: bool = False
    found_at: datetime | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`sides` that differ, by partner. `by_person`: somebody has chosen a repair."""

    field: str
    owner: str
    repair_by: datetime
    sides: dict[str, Side] = {}
    by_person: bool = False
    tried: bool = False


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From when until when it was open, and by whom it was mended."""

    raised_at: datetime
    closed_at: datetime
    by: str = ""


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`times` counts how often it was raised since `raised_at`; `evidence` is what resolved it.

    `dispute`: it is about a field that systems see differently. `by` whom it was mended (`dispute.BY_…`). `past`: the
    last MAX_PAST times that it was open before.
    """

    subject: str
    kind: str
    summary: str
    times: int
    raised_at: datetime
    open: bool = True
    evidence: str = ""
    dispute: Dispute | None = None
    by: str = ""
    closed_at: datetime | None = None
    past: tuple[Span, ...] = ()


def past_of(ticket: Ticket | None) -> tuple[Span, ...]:
    """What a ticket that is raised, perhaps anew, remembers of the times before."""
    if ticket is None:
        return ()
    if ticket.open or ticket.closed_at is None:
        return ticket.past
    last = Span(raised_at=ticket.raised_at, closed_at=ticket.closed_at, by=ticket.by)
    return (*ticket.past, last)[-MAX_PAST:]
