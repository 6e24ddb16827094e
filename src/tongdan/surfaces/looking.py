"""Looking through orders as they stand: those an index finds, newest first, each with its committed state."""

from collections.abc import Iterator
from typing import Final

from tongdan.domain.orders.model import Order
from tongdan.ports import OrderQuery, Reads

PAGE: Final = 200
MAX_READ: Final = 20_000  # orders looked through for one list or preview


def orders_of(reads: Reads, query: OrderQuery, limit: int = MAX_READ) -> Iterator[tuple[str, Order]]:
    """(id, order) of at most `limit` orders."""
    before, left = "", limit
    while left > 0 and (rows := reads.orders(query, before=before, limit=min(PAGE, left))):
        for row in rows:
            order = reads.order(row.id)
            if isinstance(order, Order):
                yield row.id, order
        before, left = rows[-1].cursor, left - len(rows)


def of_shop(shop: str, *statuses: int) -> OrderQuery:
    """All orders of one shop, or of all where none is named, in one of these statuses, or in any."""
    return OrderQuery(shops=(shop,) if shop else (), statuses=statuses)
