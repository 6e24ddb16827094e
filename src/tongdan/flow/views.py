"""Views: what lists show, kept up beside the loop from the states that commits have changed.

A view is never on the write path and never the truth: it lives in a file of its own, is written a moment later, and
after a crash catches up from the journal position it had reached. Losing it costs a rebuild.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from tongdan.domain.kernel.keys import ORDER, TICKET, kind_of
from tongdan.domain.orders.checks.agreement import disagreeing
from tongdan.domain.orders.model import Order
from tongdan.flow.aggregates import KINDS
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.journal import from_us
from tongdan.flow.reads import Reader
from tongdan.flow.shard import Shard
from tongdan.ports import OrderDoc, Overview, Search, StoreFailure, TicketRow

_log: Final = logging.getLogger(__name__)

FLUSH_AFTER_S: Final = 0.1
FLUSH_ROWS: Final = 500  # rows written at once, so that the loop is never held for long
PENDING_LIMIT: Final = (
    50_000  # changed aggregates in memory; beyond it the view writes even while intake is busy
)
CATCH_UP_ROWS: Final = 2_000
SICK_PAUSE_S: Final = 1.0  # after the overview could not be written


class Views:
    """Feeds the index of orders and the list of tickets from commits."""

    def __init__(self, bus: Bus, reader: Reader, overview: Overview, search: Search) -> None:
        self._bus = bus
        self._reader = reader
        self._overview = overview
        self._search = search
        self._pending: dict[str, tuple[Any, datetime]] = {}
        self._positions: dict[int, int] = {}
        self._cancel: Callable[[], None] | None = None
        self._started = False
        bus.listeners.append(self)

    def start(self) -> None:
        """Catch up with what was committed but not yet shown."""
        reached = self.reached()
        for shard in self._bus.shards:
            pos = reached.get(shard.number, 0)
            if not pos:
                self._begin_anew(shard)
            while rows := shard.reader.journal_after(pos, CATCH_UP_ROWS):
                pos = rows[-1][0]
                changed = {row.agg: row.recorded_us for _, row in rows if _is_shown(row.agg)}
                for key, recorded_us in changed.items():
                    self._pending[key] = (self._reader.order(key), from_us(recorded_us))
                self._positions[shard.number] = pos
                self.flush()
        self._started = True

    def _begin_anew(self, shard: Shard) -> None:
        """An empty list first takes what the journal does not tell any more, because it was archived."""
        last = ""
        while cuts := shard.reader.archived.cuts_after(last, CATCH_UP_ROWS):
            last = cuts[-1].agg
            for cut in cuts:
                if _is_shown(cut.agg):
                    self._pending[cut.agg] = (self._reader.order(cut.agg), from_us(cut.at_us))
            self.flush()

    def committed(self, shard: Shard, batch: Batch) -> None:
        now = self._bus.clock.now()
        for key, live in batch.changed().items():
            if live.kind.name in (ORDER, TICKET):
                self._pending[key] = (live.state, now)
        self._positions[shard.number] = shard.heads.pos
        if self._started and self._cancel is None:
            self._cancel = self._bus.clock.call_later(FLUSH_AFTER_S, self._flush_some)

    def _flush_some(self) -> None:
        self._cancel = None
        again_s = FLUSH_AFTER_S / 10
        try:
            if not self._bus.intake_is_busy() or len(self._pending) > PENDING_LIMIT:
                self.flush(FLUSH_ROWS)
        except StoreFailure as failure:
            _log.error("the overview could not be written, and is tried again: %s", failure)
            again_s = SICK_PAUSE_S
        if self._pending:
            self._cancel = self._bus.clock.call_later(again_s, self._flush_some)

    def flush(self, limit: int | None = None) -> None:
        """Write what is pending; positions move only when nothing is left behind them.

        Raises StoreFailure when it cannot be written; then it all stays pending.
        """
        keys = list(self._pending)[:limit]
        changed = [(key, *self._pending[key]) for key in keys]
        orders = [_order_doc(key, state, at) for key, state, at in changed if kind_of(key) == ORDER]
        tickets = [_ticket_row(key, state) for key, state, _ in changed if kind_of(key) == TICKET]
        complete = len(keys) == len(self._pending)
        positions = self._positions if complete else {}
        self._search.put(orders, positions)
        self._overview.put(tickets, positions)
        for key in keys:
            del self._pending[key]
        if complete:
            self._positions = {}

    def reached(self) -> dict[int, int]:
        """shard → the journal position up to which both are complete."""
        index = self._search.positions()
        return {shard: min(pos, index.get(shard, 0)) for shard, pos in self._overview.positions().items()}

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
        warehouse=next((each.warehouse for each in order.lines if each.warehouse), ""),
        odd=bool(disagreeing(order)), held=bool(order.holds), skus=tuple([line.sku for line in lines if line.sku]),
        names=tuple(names), title=" ".join([line.title for line in lines]),
    )  # fmt: skip


def _ticket_row(key: str, ticket: Any) -> TicketRow:
    return TicketRow(
        id=key, subject=ticket.subject, kind=ticket.kind, summary=ticket.summary, times=ticket.times,
        open=ticket.open, raised_at=ticket.raised_at,
    )  # fmt: skip
