"""Reads as somebody sees them who works for some shops or warehouses only, or is not shown what SKUs cost: the rest is
not there.

Every endpoint reads through this, so none has to think of it. What belongs to no shop (own SKUs, gift counts) is seen
by all; of stock only what lies in their warehouses, and of what all warehouses have together, as quotas, nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from tongdan.domain.catalog.facts import SkuCosted
from tongdan.domain.catalog.model import Sku
from tongdan.domain.fulfillment.quota import Quota
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.guard.outage import Compensation, Outage, Progress
from tongdan.domain.kernel.keys import SHIPMENT, kind_of, order_of
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.model import Order, warehouses_of
from tongdan.ports import DeadLetter, JournalRow, Proof, Reads, RepairNumbers, TicketQuery, TicketRow, Told
from tongdan.ports.search import EVERY_ORDER, Cell, OrderQuery, OrderRow

LOOKED_AT: Final = 1_000  # rows of a list of all shops that are looked at for those that may be seen
MAX_REMEMBERED: Final = 10_000  # aggregates of a walk through the journal that are not looked up again


class Sight(NamedTuple):
    """Only these shops and warehouses, none named: all; and whether what SKUs cost is shown."""

    shops: frozenset[str] = frozenset()
    warehouses: frozenset[str] = frozenset()
    cost: bool = True

    @property
    def whole(self) -> bool:
        return not (self.shops or self.warehouses)


class NarrowedReads:
    """`ports.Reads`, as far as `sight` goes."""

    def __init__(self, reads: Reads, sight: Sight) -> None:
        self._reads: Final = reads
        self._sight: Final = sight

    def order(self, key: str) -> object | None:
        return self._shown(key, self._reads.order(key))

    def under(self, name: str, after: str = "") -> Iterator[tuple[str, Any]]:
        for key, state in self._reads.under(name, after):
            if (shown := self._shown(key, state)) is not None:
                yield key, shown

    def person(self, key: str) -> Person | None:
        return self._reads.person(key) if self._about(key) else None

    def marks_of(self, kind: str, value: str) -> list[str]:
        return self._reads.marks_of(kind, value)

    def find(self, channel: str, shop: str, native: str) -> str | None:
        found = self._reads.find(channel, shop, native)
        return found if found is not None and self._about(found) else None

    def timeline(self, key: str, *, with_raw: bool = False) -> list[JournalRow]:
        if not self._about(key):
            return []
        return list(self._rows(self._reads.timeline(key, with_raw=with_raw)))

    def prove(self, key: str) -> Proof:
        if not self._about(key):
            raise KeyError(key)
        return self._reads.prove(key)

    def as_of(self, key: str, at: datetime) -> object | None:
        return self._shown(key, self._reads.as_of(key, at)) if self._about(key) else None

    def orders(self, query: OrderQuery = EVERY_ORDER, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        asked = self._asked(query)
        return [] if asked is None else self._reads.orders(asked, before=before, limit=limit)

    def count_orders(self, query: OrderQuery) -> int:
        asked = self._asked(query)
        return 0 if asked is None else self._reads.count_orders(asked)

    def indexed(self) -> dict[int, tuple[int, int]]:
        return self._reads.indexed()

    def led_to(self, clues: Sequence[tuple[str, str]], limit: int) -> list[str] | None:
        return self._reads.led_to(clues, limit)

    def board(
        self, *, shops: Sequence[str] = (), warehouse: str = "", since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:  # fmt: skip
        asked = self._asked(OrderQuery(shops=tuple(shops), warehouse=warehouse))
        if asked is None:
            return []
        here = [warehouse] if warehouse else asked.within or [""]
        return [
            cell
            for each in here
            for cell in self._reads.board(shops=asked.shops, warehouse=each, since=since, until=until)
        ]

    def tickets(self, *, open_only: bool = True, limit: int = 200) -> list[TicketRow]:
        return self.find_tickets(TicketQuery(open=True if open_only else None), limit=limit)

    def find_tickets(self, query: TicketQuery, *, before: str = "", limit: int = 50) -> list[TicketRow]:
        asked = self._asked_tickets(query)
        return [] if asked is None else self._reads.find_tickets(asked, before=before, limit=limit)

    def count_tickets(self, query: TicketQuery) -> int:
        asked = self._asked_tickets(query)
        return 0 if asked is None else self._reads.count_tickets(asked)

    def repaired(self, query: TicketQuery, since: datetime, until: datetime) -> RepairNumbers:
        asked = self._asked_tickets(query)
        return RepairNumbers() if asked is None else self._reads.repaired(asked, since, until)

    def quarantine(self, limit: int = 200) -> list[dict[str, object]]:
        rows = self._reads.quarantine(limit if self._sight.whole else LOOKED_AT)
        return [row for row in rows if self._of_my_shops(row)][:limit]

    def quarantined(self, id: str) -> tuple[dict[str, Any], bytes] | None:
        found = self._reads.quarantined(id)
        return found if found is not None and self._of_my_shops(found[0]) else None

    def dead_letters(self) -> list[DeadLetter]:
        return [letter for letter in self._reads.dead_letters() if self._about(letter.aggregate)]

    def outages(self) -> list[tuple[str, Outage]]:
        return self._reads.outages()

    def progress(self, partner: str, outage: Outage, now: datetime) -> Progress:
        return self._reads.progress(partner, outage, now)

    def compensation(self, partner: str, no: int, now: datetime) -> Compensation | None:
        found = self._reads.compensation(partner, no, now)
        if found is None:
            return None
        return replace(found, effects=tuple([each for each in found.effects if self._about(each.aggregate)]))

    def journal(self, *, since: datetime | None = None, shop: str = "") -> Iterator[JournalRow]:
        return self._rows(self._reads.journal(since=since, shop=shop))

    def history(self, *, before: str = "", limit: int = 100) -> tuple[list[JournalRow], str]:
        rows, cursor = self._reads.history(before=before, limit=limit)
        return list(self._rows(rows)), cursor

    def telling(self, fact: str, since: datetime) -> Iterator[list[Told]]:
        pieces = self._reads.telling(fact, since)
        return ([row for row in rows if self._about(row.aggregate)] for rows in pieces)

    def waiting(self, effect: str) -> tuple[str, str] | None:
        return self._reads.waiting(effect)

    def counts(self) -> dict[str, int]:
        return self._reads.counts()

    def _asked_tickets(self, query: TicketQuery) -> TicketQuery | None:
        """As `_asked`; what belongs to no order belongs to no shop and lies nowhere."""
        asked = self._asked(OrderQuery(shops=query.shops))
        return None if asked is None else replace(query, shops=asked.shops, within=asked.within)

    def _asked(self, query: OrderQuery) -> OrderQuery | None:
        """The question as far as it is about what may be seen; None: it is about other things only."""
        shops, warehouses = self._sight.shops, self._sight.warehouses
        if shops:
            query = replace(
                query, shops=tuple(sorted(shops.intersection(query.shops) if query.shops else shops))
            )
        if (shops and not query.shops) or (
            query.warehouse and warehouses and query.warehouse not in warehouses
        ):
            return None
        return replace(query, within=tuple(sorted(warehouses)))

    def _shown(self, key: str, state: object | None) -> object | None:
        shops, warehouses, cost = self._sight
        if isinstance(state, Sku):
            return state if cost else replace(state, cost_fen=None)
        if shops and getattr(state, "shop", "") not in ("", *shops):
            return None
        return self._here(key, state) if warehouses else state

    def _here(self, key: str, state: object | None) -> object | None:
        """What of it lies in the warehouses that may be seen."""
        mine = self._sight.warehouses
        if isinstance(state, Order):
            return state if mine.intersection(warehouses_of(state)) else None
        if isinstance(state, Shipment):
            return state if state.warehouse in mine else None
        if isinstance(state, Stock):
            levels = {code: level for code, level in state.levels.items() if code in mine}
            return replace(state, levels=levels, waiting=())
        if isinstance(state, Quota):
            return None
        return state if order_of(key) == "" or self._about(key) else None

    def _about(self, key: str) -> bool:
        """Whether a key belongs to an order that may be seen."""
        if self._sight.whole:
            return True
        order = order_of(key)
        return order != "" and isinstance(self.order(order), Order)

    def _rows(self, rows: Iterator[JournalRow] | Sequence[JournalRow]) -> Iterator[JournalRow]:
        known: dict[str, bool] = {}
        for row in rows:
            if row.fact == SkuCosted.__name__ and not self._sight.cost:
                continue
            if self._sight.shops and row.shop not in self._sight.shops:
                continue
            if self._sight.warehouses:
                if len(known) >= MAX_REMEMBERED:
                    known.clear()
                if row.aggregate not in known:
                    known[row.aggregate] = self._about(row.aggregate) and self._lies_here(row.aggregate)
                if not known[row.aggregate]:
                    continue
            yield row

    def _lies_here(self, key: str) -> bool:
        return kind_of(key) != SHIPMENT or self.order(key) is not None

    def _of_my_shops(self, row: dict[str, Any]) -> bool:
        """A message that nobody has understood is known to be of a shop, and of no warehouse."""
        return not self._sight.warehouses and (not self._sight.shops or row["shop"] in self._sight.shops)
