"""What the search is compared with: the shards' own table of states, walked for every question but those for ids.

It is a shard's file in the centre's format with the newest orders of the index, as many as are worth a walk: twice as
many take twice as long.
"""

from collections.abc import Iterator
from heapq import nlargest
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from bench.search_orders import CHUNK, doc, state_of
from tongdan.adapters.shard_format import SCHEMA
from tongdan.domain.orders.model import Order
from tongdan.ports import OrderQuery

MOST: Final = 100_000  # orders
_PAGE: Final = 50
_decode: Final = msgspec.msgpack.Decoder(Order).decode


class ShardTable:
    """The newest of `orders` orders in a table of states."""

    def __init__(self, path: Path, orders: int) -> None:
        self.orders: Final = min(orders, MOST)
        self._db: Final = apsw.Connection(str(path))
        self._db.pragma("synchronous", "off")
        self._db.execute(SCHEMA)
        for begin in range(orders - self.orders, orders, CHUNK):
            docs = [doc(n, orders) for n in range(begin, min(begin + CHUNK, orders))]
            rows = [(d.id, 1, 1, d.status, msgspec.msgpack.encode(state_of(d)), None) for d in docs]
            with self._db:
                self._db.executemany("INSERT INTO states VALUES (?, ?, ?, ?, ?, ?)", rows)

    def find(self, query: OrderQuery) -> list[str]:
        """The ids of the first page, newest first."""
        found = [(state.placed_at, id) for id, state in self._states(query) if _fits(state, query)]
        return [id for _, id in nlargest(_PAGE, found)]

    def _states(self, query: OrderQuery) -> Iterator[tuple[str, Order]]:
        where, values = "1", list[Any]()
        if query.ids is not None:
            where, values = f"agg IN ({', '.join('?' * len(query.ids))})", list(query.ids)
        elif query.statuses:
            where, values = f"status IN ({', '.join('?' * len(query.statuses))})", list(query.statuses)
        for id, body in self._db.execute(f"SELECT agg, body FROM states WHERE {where}", values):
            yield id, _decode(body)

    def close(self) -> None:
        self._db.close()


def _fits(order: Order, query: OrderQuery) -> bool:
    at = order.placed_at
    return (
        query.channel in ("", order.channel)
        and (not query.shops or order.shop in query.shops)
        and (query.since is None or (at is not None and at >= query.since))
        and (query.until is None or (at is not None and at < query.until))
        and (query.least_fen is None or order.amount_fen >= query.least_fen)
        and (query.most_fen is None or order.amount_fen <= query.most_fen)
        and (not query.sku or any(query.sku == each.line.sku for each in order.lines))
        and (not query.name or query.name in (order.native, *[parcel.waybill for parcel in order.parcels]))
        and (not query.words or any(query.words in each.line.title for each in order.lines))
    )
