"""Finding tickets and counting repairs: what the list of tickets has to answer, whichever engine keeps it.

A ticket is found by what it is about and by the order it belongs to, so that rights narrow tickets as they narrow
orders. Newest first; the list is a moment behind the truth.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

DIFFERENCES: Final = "differs"  # as `kind` of a query: whatever systems see differently
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where the order of a ticket belongs, and how it stands."""

    order: str
    channel: str
    shop: str
    native: str
    status: int
    warehouses: tuple[str, ...] = ()


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """`owner`: the role that it waits for; `partners` who see something differently; `repair_by`: when it should be
    closed. `by` whom it was mended (`dispute.BY_…`). `place` None: it is about no order."""

    id: str
    subject: str
    kind: str
    summary: str
    times: int
    open: bool
    raised_at: datetime
    owner: str = ""
    partners: tuple[str, ...] = ()
    repair_by: datetime | None = None
    closed_at: datetime | None = None
    by: str = ""
    place: Place | None = None

    @property
    def cursor(self) -> str:
        """What a page that ends with it is followed by."""
        return f"{(self.raised_at - _EPOCH) // timedelta(microseconds=1)}.{self.id}"


class RepairRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A difference from when it was found to when it was closed (None: it is open), and `by` whom it was mended."""

    ticket: str
    found_at: datetime
    closed_at: datetime | None
    by: str = ""


class TicketQuery(msgspec.Struct, frozen=True, kw_only=True):
    """All of what is said must hold; what is left out does not matter. `overdue_at`: open and due before then.

    `kind` without what stands behind its colon, or DIFFERENCES. `within`: of orders that lie in one of these
    warehouses.
    """

    open: bool | None = None
    owner: str = ""
    kind: str = ""
    partner: str = ""
    order: str = ""
    channel: str = ""
    shops: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    overdue_at: datetime | None = None
    within: tuple[str, ...] = ()


EVERY_TICKET: Final = TicketQuery()


class RepairNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """Of the differences that were found in a time: by whom they were mended, and how long that took. `more`: there
    were more, and only the newest are counted."""

    found: int = 0
    by_itself: int = 0
    by_person: int = 0
    by_time: int = 0
    open: int = 0
    median_s: int | None = None
    p90_s: int | None = None
    more: bool = False


class Overview(Protocol):
    """The list of tickets, a moment behind the truth."""

    def put(
        self,
        tickets: Sequence[TicketRow],
        positions: Mapping[int, int],
        repairs: Sequence[RepairRow] = (),
        moved: Sequence[Place] = (),
    ) -> None:
        """Replace these rows, and the places of orders that have `moved`; `positions` (shard → journal position) tells
        how far the list is complete."""

    def positions(self) -> dict[int, int]: ...

    def find(self, query: TicketQuery, *, before: str = "", limit: int = 50) -> list[TicketRow]:
        """Newest first; `before` is the `cursor` of the last row of the page before, anything else a ValueError.

        Raises TooWide.
        """

    def count(self, query: TicketQuery) -> int:
        """Exact up to COUNTED; more is told as COUNTED + 1. Raises TooWide."""

    def repaired(self, query: TicketQuery, since: datetime, until: datetime) -> RepairNumbers:
        """Of differences found in [since, until). Raises TooWide."""

    def tickets_open(self) -> int: ...

    def close(self) -> None: ...


def instant_of(cursor: str) -> tuple[int, str]:
    """The microseconds and the id in a cursor. Raises ValueError with what is none."""
    us, _, id = cursor.partition(".")
    if not (us.isascii() and us.isdigit() and len(us) <= 18 and id):
        raise ValueError(cursor)
    return int(us), id
