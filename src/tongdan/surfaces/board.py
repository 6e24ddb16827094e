"""The status board as people read it: nine columns, each the statuses that are looked after together, and ages.

What is over is counted by whole days (of UTC) and the rest by whole hours, so an age begins and ends on one; the
list of a cell is cut at the same instants and holds as many orders as the cell says.
"""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from tongdan.domain.kernel.status import Status
from tongdan.ports import Cell, Clock, OrderQuery, Reads

FRESH_S: Final = 1.0
MAX_KEPT: Final = 256  # filters whose cells are remembered for that long

_S: Final = Status


class Column(NamedTuple):
    """Some statuses under one heading. `over`: nothing more is to happen to these orders."""

    id: str
    en: str
    zh: str
    statuses: tuple[Status, ...]
    over: bool = False


COLUMNS: Final = (
    Column("created", "to be paid", "待付款", (_S.ANNOUNCED, _S.CREATED)),
    Column("paid", "paid", "已付款", (_S.PAID,)),
    Column("released", "released", "已下发", (_S.RELEASED,)),
    Column("shipped", "shipped", "已发货", (_S.SHIPPED,)),
    Column("signed", "signed", "已签收", (_S.SIGNED,)),
    Column("settled", "settled", "已结算", (_S.SETTLED,), over=True),
    Column("completed", "completed", "已完成", (_S.COMPLETED,), over=True),
    Column("returning", "refund or return", "退款/退货", (_S.REFUND_PENDING, _S.RETURNING, _S.EXCHANGED)),
    Column("closed", "cancelled or refunded", "取消/已退款", (_S.CANCELLED, _S.REFUNDED), over=True),
)
COLUMN_OF: Final = {status: column for column in COLUMNS for status in column.statuses}


class Age(StrEnum):
    """How long ago an order was placed."""

    ANY = ""
    DAY = "1d"
    DAYS = "1-3d"
    WEEK = "3-7d"
    OLDER = "7d+"


_DAYS: Final[dict[Age, tuple[int | None, int | None]]] = {
    Age.ANY: (None, None),
    Age.DAY: (1, None),
    Age.DAYS: (3, 1),
    Age.WEEK: (7, 3),
    Age.OLDER: (None, 7),
}  # the oldest and the newest, in days ago


class Filter(NamedTuple):
    """Of which orders the board is; no shops: all."""

    shops: tuple[str, ...] = ()
    warehouse: str = ""
    age: Age = Age.ANY

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Since when and until when, in whole hours."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        since, until = (None if days is None else hour - timedelta(days=days) for days in _DAYS[self.age])
        return since, until


def orders_in(cell: Column, channel: str, filter: Filter, now: datetime, *, odd: bool) -> OrderQuery:
    """What finds the orders that a cell counts; no channel: of all."""
    since, until = filter.span(now)
    if cell.over:
        since, until = _day_from(since), _day_from(until)
    return OrderQuery(
        channel=channel, shops=filter.shops, warehouse=filter.warehouse, since=since, until=until, odd=odd,
        statuses=tuple([int(status) for status in cell.statuses]),
    )  # fmt: skip


def _day_from(at: datetime | None) -> datetime | None:
    """The first beginning of a day (UTC) that is not before `at`."""
    if at is None:
        return None
    begun = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(days=1)


class Watching:
    """How many do."""

    def __init__(self) -> None:
        self.n = 0


class Boards:
    """The cells of any filter, read at most once in FRESH_S however many look; `watching` counts those who do."""

    def __init__(self, reads: Reads, clock: Clock) -> None:
        self._reads = reads
        self._sight: object = ()
        self._clock: Final = clock
        self._kept: Final[dict[object, tuple[float, datetime, Sequence[Cell]]]] = {}
        self.watching: Final = Watching()

    def seen_through(self, reads: Reads, sight: object) -> "Boards":
        """The same boards for all whose `reads` show the same, which `sight` tells."""
        seen = copy.copy(self)
        seen._reads, seen._sight = reads, sight
        return seen

    def cells(self, filter: Filter) -> tuple[datetime, Sequence[Cell]]:
        """When they were read, and what they are. Raises StoreFailure."""
        now_s, now = self._clock.monotonic(), self._clock.now()
        since, until = filter.span(now)
        key = (self._sight, filter, since, until)
        kept = self._kept.get(key)
        if kept is None or now_s - kept[0] >= FRESH_S:
            cells = self._reads.board(
                shops=filter.shops, warehouse=filter.warehouse, since=since, until=until
            )
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = kept = (now_s, now, cells)
        return kept[1], kept[2]
