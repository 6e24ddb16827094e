"""Finding orders and counting them for the board: what an index has to answer, whichever engine keeps it.

An index holds no personal data. Who looks for a person is led to order ids by keyed tokens first, and asks for those.
Orders are shown newest first, by when they were placed (or first heard of); an index is a moment behind the truth.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec


class TooWide(Exception):
    """The question fits no index and would look through too many orders; a channel, shop, status or time helps."""


COUNTED: Final = 10_000  # a count beyond this is "more than COUNTED"


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list of orders. `at`: placed, or first heard of; `odd`: its systems disagree."""

    id: str
    channel: str
    shop: str
    native: str
    status: int
    amount_fen: int
    at: datetime
    updated_at: datetime
    odd: bool = False
    held: bool = False
    cursor: str = ""


class OrderDoc(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as an index keeps it. `names` are its numbers outside (native, waybills, transactions), `title` what
    its goods are called; `odd`: its systems disagree. `at`: placed; None while nobody has said when."""

    id: str
    channel: str
    shop: str
    native: str
    status: int
    amount_fen: int
    at: datetime | None
    updated_at: datetime
    warehouse: str = ""
    odd: bool = False
    held: bool = False
    skus: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    title: str = ""


class OrderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """All of what is said must hold; what is left out does not matter. Times are half-open, amounts closed ranges.

    `within`: what leaves from one of these warehouses; `name` is a whole number outside or a SKU, `words` are parts of
    titles, `ids` the orders of a person.
    """

    channel: str = ""
    shops: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    warehouse: str = ""
    sku: str = ""
    name: str = ""
    words: str = ""
    ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    least_fen: int | None = None
    most_fen: int | None = None
    odd: bool = False
    held: bool = False
    within: tuple[str, ...] = ()


EVERY_ORDER: Final = OrderQuery()


class Cell(msgspec.Struct, frozen=True):
    """How many orders of a channel have a status, and of how many the systems disagree."""

    channel: str
    status: int
    orders: int
    odd: int


class Search(Protocol):
    """Raises StoreFailure when it cannot be read or written; then nothing was.

    An index that finds itself harmed begins anew, empty, and calls `emptied` before it raises StoreFailure.
    """

    emptied: Callable[[], None]

    def put(self, docs: Sequence[OrderDoc], positions: Mapping[int, int]) -> None:
        """Replace these orders; `positions` (shard → journal position) tells how far the index is complete."""

    def positions(self) -> dict[int, int]: ...

    def find(self, query: OrderQuery, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        """Newest first; `before` is the `cursor` of the last row of the page before, anything else a ValueError.

        Raises TooWide.
        """

    def count(self, query: OrderQuery) -> int:
        """Exact up to COUNTED; more is told as COUNTED + 1. Raises TooWide."""

    def cells(
        self,
        *,
        shops: Sequence[str] = (),
        warehouse: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:
        """The board, kept with every change. `since` and `until` count whole hours, or days of what is over."""

    def close(self) -> None: ...
