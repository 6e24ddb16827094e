"""Views: what lists show, kept up beside the loop from the states that commits have changed.

A view is never on the write path and never the truth: it lives in a file of its own, is written a moment later, and
after a crash catches up from the journal position it had reached. Losing it costs a rebuild.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from tongdan.domain.kernel.keys import ORDER, TICKET, kind_of, order_of
from tongdan.domain.orders.checks.agreement import disagreeing
from tongdan.domain.orders.model import Order, warehouses_of
from tongdan.domain.sync.kinds import owner_of
from tongdan.domain.sync.ticket import Ticket
from tongdan.flow.aggregates import KINDS
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.journal import from_us
from tongdan.flow.reads import Reader
from tongdan.flow.shard import Shard
from tongdan.ports import (
    Checks,
    OrderDoc,
    Overview,
    Place,
    RepairRow,
    Search,
    StoreFailure,
    TicketRow,
    Watched,
)

_log: Final = logging.getLogger(__name__)

FLUSH_AFTER_S: Final = 0.1
FLUSH_ROWS: Final = 500  # rows written at once, so that the loop is never held for long
FRESH_S: Final = 0.25  # how old a change may grow before it is written although intake is busy
PENDING_LIMIT: Final = 50_000  # changed aggregates in memory; beyond it no change is too young to be written
READ_ROWS: Final = 300  # journal rows read at once beside the loop
START_ROWS: Final = (
    10_000  # journal rows that a start waits for; what is missing beyond them is read meanwhile
)
TELL_ROWS: Final = 100_000  # journal rows between two lines of the log
SICK_PAUSE_S: Final = 1.0  # after a view could not be written


class _Place(NamedTuple):
    """How far a shard has been read. `cut`: the last aggregate read of those that were archived; None: all were."""

    pos: int
    cut: str | None = None


class Views:
    """Feeds the index of orders, the list of tickets and the book of the heartbeat from commits."""

    def __init__(
        self,
        bus: Bus,
        reader: Reader,
        overview: Overview,
        search: Search,
        checks: Checks,
        watched: Callable[[str, Order, datetime], Watched],
    ) -> None:
        self._bus = bus
        self._reader = reader
        self._overview = overview
        self._search = search
        self._checks = checks
        self._watched = watched
        self._pending: dict[str, tuple[Any, datetime]] = {}
        self._positions: dict[int, int] = {}
        self._first = 0  # so many of the pending make `_promised` true
        self._promised: dict[int, int] = {}
        self._written: dict[int, int] = {}  # what the files held when this process last wrote
        self._unread: dict[int, _Place] = {}  # shards whose journal is still being read
        self._late_s = 0.0  # from when on even busy intake does not keep a change waiting
        self._cancel: Callable[[], None] | None = None
        self._started = False
        search.emptied = self._read_all_again
        bus.listeners.append(self)

    def start(self) -> None:
        """Read what was committed but not yet shown: a little at once, the rest while the loop runs."""
        self._started = True
        try:
            reached = self.reached()
        except StoreFailure as failure:
            _log.error("a list cannot be read, and is made anew: %s", failure)
            reached = {}
        for shard in self._bus.shards:
            self._read_from(shard, reached.get(shard.number, 0))
        steps = START_ROWS // READ_ROWS
        try:
            while self._unread and steps:
                self._read_on()
                steps -= 1
        except StoreFailure as failure:
            _log.error("a list could not be written, and is tried again: %s", failure)
        if self._unread:
            self._again_in(FLUSH_AFTER_S)

    def _read_from(self, shard: Shard, pos: int) -> None:
        # An empty list first takes what the journal does not tell any more, because it was archived.
        self._unread[shard.number] = _Place(pos, None if pos else "")
        for known in (self._positions, self._promised, self._written):
            known.pop(shard.number, None)
        if (missing := shard.heads.pos - pos) > START_ROWS:
            _log.info("shard %d: lists lack %d journal rows, which are read now", shard.number, missing)

    def _read_all_again(self) -> None:
        """The index was harmed and has been emptied."""
        for shard in self._bus.shards:
            self._read_from(shard, 0)
        self._again_in(0.0)

    def _read_on(self) -> None:
        """Read and write one chunk of one shard. Raises StoreFailure; the same is read again then."""
        number, place = next(iter(self._unread.items()))
        shard = self._bus.own_shard(number)
        if place.cut is not None:
            cuts = shard.reader.archived.cuts_after(place.cut, READ_ROWS)
            for cut in cuts:
                if _is_shown(cut.agg):
                    self._show(cut.agg, self._reader.order(cut.agg), cut.at_us)
            self._unread[number] = _Place(0, cuts[-1].agg if cuts else None)
        elif rows := shard.reader.journal_after(place.pos, READ_ROWS):
            for _, row in rows:
                if _is_shown(row.agg):  # only the newest version: a later row tells of a later one
                    self._show(row.agg, self._reader.newest(row.agg, row.ver), row.recorded_us)
            pos = self._positions[number] = rows[-1][0]
            self._unread[number] = _Place(pos)
            if pos // TELL_ROWS != place.pos // TELL_ROWS:
                _log.info("shard %d: lists have %d of %d journal rows", number, pos, shard.heads.pos)
        else:
            del self._unread[number]
        self.flush()

    def _show(self, key: str, state: object | None, recorded_us: int) -> None:
        if state is not None and key not in self._pending:  # what waits there is newer
            self._pending[key] = (state, from_us(recorded_us))

    def committed(self, shard: Shard, batch: Batch) -> None:
        if not self._pending:
            self._late_s = self._bus.clock.monotonic() + FRESH_S
        for key, live in batch.changed().items():
            if live.kind.name in (ORDER, TICKET):
                self._pending[key] = (live.state, batch.now)
        if shard.number not in self._unread:
            self._positions[shard.number] = shard.heads.pos
        self._again_in(FLUSH_AFTER_S)

    def _again_in(self, after_s: float) -> None:
        if self._started and self._cancel is None:
            self._cancel = self._bus.clock.call_later(after_s, self._flush_some)

    def _flush_some(self) -> None:
        self._cancel = None
        busy = self._bus.intake_is_busy()
        again_s = FLUSH_AFTER_S / 10
        try:
            if not busy or self._bus.clock.monotonic() >= self._late_s or len(self._pending) > PENDING_LIMIT:
                self._look_for_loss()
                self.flush(FLUSH_ROWS)
            if self._unread:
                self._read_on()
                again_s = FLUSH_AFTER_S if busy else 0.0
        except StoreFailure as failure:
            _log.error("a list could not be written, and is tried again: %s", failure)
            again_s = SICK_PAUSE_S
        if self._pending or self._unread:
            self._again_in(again_s)

    def _look_for_loss(self) -> None:
        """Another process may have found a file harmed and emptied it."""
        reached = self.reached()
        for shard in self._bus.shards:
            if reached.get(shard.number, 0) < self._written.get(shard.number, 0):
                self._read_from(shard, 0)

    def flush(self, limit: int | None = None) -> None:
        """Write the oldest of what is pending; positions move when all is written that lay before them.

        Raises StoreFailure when it cannot be written; then it all stays pending.
        """
        if not self._first:
            self._first, self._promised, self._positions = (
                len(self._pending), self._promised | self._positions, {},
            )  # fmt: skip
        keys = list(islice(self._pending, limit))
        changed = [(key, *self._pending[key]) for key in keys]
        orders = [_order_doc(key, state, at) for key, state, at in changed if kind_of(key) == ORDER]
        tickets = [each for each in changed if kind_of(each[0]) == TICKET]
        positions = self._promised if len(keys) >= self._first else {}
        if complete := len(keys) == len(self._pending):
            positions = positions | self._positions
        self._search.put(orders, positions)
        self._overview.put(
            [_ticket_row(key, ticket, at, self._place_of(ticket)) for key, ticket, at in tickets],
            positions,
            [row for key, ticket, at in tickets for row in _repairs(key, ticket, at)],
            [_place(key, state) for key, state, _ in changed if kind_of(key) == ORDER],
        )
        asked = [self._watched(key, state, at) for key, state, at in changed if kind_of(key) == ORDER]
        self._checks.put(asked, positions)
        for key in keys:
            del self._pending[key]
        if complete:
            self._positions = {}
        self._written |= positions
        self._first -= min(self._first, len(keys))
        if not self._first:
            self._promised = {}

    def _place_of(self, ticket: Ticket) -> Place | None:
        order = order_of(ticket.subject)
        state = self._reader.order(order) if order else None
        return _place(order, state) if isinstance(state, Order) else None

    def reached(self) -> dict[int, int]:
        """shard → the journal position up to which all of them are complete."""
        index, book = self._search.positions(), self._checks.positions()
        return {
            shard: min(pos, index.get(shard, 0), book.get(shard, 0))
            for shard, pos in self._overview.positions().items()
        }

    def stop(self) -> None:
        self._started = False
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        try:
            self.flush()
        except StoreFailure as failure:
            _log.error("the overview is behind, and catches up at the next start: %s", failure)


def _is_shown(agg: str) -> bool:
    return kind_of(agg) in (ORDER, TICKET)


def _order_doc(key: str, order: Order, at: datetime) -> OrderDoc:
    lines = [each.line for each in order.lines]
    names = [parcel.waybill for parcel in order.parcels] + [payment.transaction for payment in order.payments]
    return OrderDoc(
        id=key, channel=order.channel, shop=order.shop, native=order.native, status=KINDS[ORDER].status(order),
        amount_fen=order.amount_fen, at=order.placed_at, updated_at=at,
        warehouse=next(iter(warehouses_of(order)), ""),
        odd=bool(disagreeing(order)), held=bool(order.holds), skus=tuple([line.sku for line in lines if line.sku]),
        names=tuple(names), title=" ".join([line.title for line in lines]),
    )  # fmt: skip


def _ticket_row(key: str, ticket: Ticket, at: datetime, place: Place | None) -> TicketRow:
    """`at`: when it was last changed, which is when it was closed, if nobody has kept that."""
    dispute = ticket.dispute
    return TicketRow(
        id=key, subject=ticket.subject, kind=ticket.kind, summary=ticket.summary, times=ticket.times,
        open=ticket.open, raised_at=ticket.raised_at,
        owner=owner_of(ticket.kind) if dispute is None else dispute.owner,
        partners=() if dispute is None else tuple(dispute.sides),
        repair_by=None if dispute is None else dispute.repair_by,
        closed_at=None if ticket.open else ticket.closed_at or at, by=ticket.by, place=place,
    )  # fmt: skip


def _repairs(key: str, ticket: Ticket, at: datetime) -> list[RepairRow]:
    if ticket.dispute is None:
        return []
    past = [RepairRow(ticket=key, found_at=s.raised_at, closed_at=s.closed_at, by=s.by) for s in ticket.past]
    closed_at = None if ticket.open else ticket.closed_at or at
    return [*past, RepairRow(ticket=key, found_at=ticket.raised_at, closed_at=closed_at, by=ticket.by)]


def _place(key: str, order: Order) -> Place:
    return Place(
        order=key, channel=order.channel, shop=order.shop, native=order.native, status=KINDS[ORDER].status(order),
        warehouses=warehouses_of(order),
    )  # fmt: skip
