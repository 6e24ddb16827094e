"""The index of orders in SQLite: every list that people ask for lies in the order in which they read it.

An order's row number is the millisecond it was placed in and a few bits of its id, so that "newest first" is the order
of every index, of the full-text index too, and a span of time is a span of row numbers. What is looked up together is
indexed together (a SKU with its status); what is counted on the board is counted when it is written. It can be
rebuilt, so it does not wait for the disk.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

from msgspec.structs import replace

from tongdan.adapters.search_words import match_of, packed, sku_code, text_of, unpacked, words_of
from tongdan.adapters.view_file import Harmed, ViewFormat, begin_anew, bounded, open_view, reading, writing
from tongdan.domain.kernel.status import Status
from tongdan.ports import OrderRow
from tongdan.ports.search import COUNTED, Cell, OrderDoc, OrderQuery

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_BITS: Final = 20
_HOUR_MS: Final = 3_600_000
_ALL: Final = tuple(int(each) for each in Status)
# Of what is over nobody asks how old it is by the hour, and years of it would be many cells.
_OVER: Final = frozenset({Status.SETTLED, Status.COMPLETED, Status.CANCELLED, Status.REFUNDED})
_MMAP_BYTES: Final = 2**34  # address space, not memory
MENDINGS: Final = 3  # of one process: a disk that harms the file again and again is for a person
_log: Final = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE orders (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, shop TEXT NOT NULL, native TEXT NOT NULL,
    status INTEGER NOT NULL, amount_fen INTEGER NOT NULL, updated_us INTEGER NOT NULL, warehouse TEXT NOT NULL,
    odd INTEGER NOT NULL, held INTEGER NOT NULL, skus BLOB NOT NULL, words INTEGER NOT NULL
);
CREATE INDEX orders_of_status ON orders (status);
CREATE INDEX orders_of_channel ON orders (channel, status);
CREATE INDEX orders_of_shop ON orders (shop, status);
CREATE INDEX orders_odd ON orders (odd) WHERE odd;
CREATE INDEX orders_held ON orders (held) WHERE held;
CREATE INDEX orders_amount ON orders (row, amount_fen);  -- narrower to walk than the table
CREATE TABLE items (sku INTEGER, status INTEGER, row INTEGER, PRIMARY KEY (sku, status, row)) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(
    text, content='', contentless_delete=1, detail=none, tokenize="unicode61 remove_diacritics 0"
);
CREATE TABLE cells (
    channel TEXT, status INTEGER, shop TEXT, warehouse TEXT, odd INTEGER, hour INTEGER, n INTEGER NOT NULL,
    PRIMARY KEY (channel, status, shop, warehouse, odd, hour)
) WITHOUT ROWID;
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
"""
# Not thorough: looking at every page of ten million orders would keep a start waiting for minutes.
_FORMAT: Final = ViewFormat(
    1, _SCHEMA, {"synchronous": "off", "cache_size": -65_536}, {"mmap_size": _MMAP_BYTES}, thorough=False
)


class _Kept(NamedTuple):
    """What of an indexed order has to be taken back when it changes."""

    row: int
    channel: str
    shop: str
    status: int
    warehouse: str
    odd: int
    skus: bytes
    words: int


class SqliteSearch:
    """`ports.Search`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._db = open_view(path, _FORMAT, readonly=readonly)
        self._mendings = 0 if readonly else MENDINGS
        self.emptied: Callable[[], None] = lambda: None

    # -- written

    def put(self, docs: Sequence[OrderDoc], positions: Mapping[int, int]) -> None:
        with self._mending(), writing(self._db) as db:
            if docs:
                self._put({doc.id: doc for doc in docs})
            db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))

    @contextmanager
    def _mending(self) -> Iterator[None]:
        """Where the file turns out to be harmed, it begins anew. Raises StoreFailure."""
        try:
            yield
        except Harmed as harm:
            if not self._mendings:
                raise
            self._mendings -= 1
            _log.error("the index of orders is harmed (%s), and is made anew", harm)
            begin_anew(self._db, _FORMAT)
            self.emptied()
            raise

    def _put(self, docs: Mapping[str, OrderDoc]) -> None:
        kept = self._kept(docs)
        rows = self._rows(docs, kept)
        texts = {id: text_of(doc) for id, doc in docs.items()}
        values, items, gone_items, words, gone = [], [], [], [], []
        cells = Counter[tuple[object, ...]]()
        for id, doc in sorted(docs.items(), key=lambda each: rows[each[0]]):
            row, before, skus = rows[id], kept.get(id), packed(doc.skus)
            check = crc32(texts[id].encode())
            moved = before is None or before.row != row
            if before is not None:
                cells[_cell(before)] -= 1
                if moved:
                    gone.append((before.row,))
                if moved or (before.skus, before.status) != (skus, doc.status):
                    gone_items += [(sku, before.status, before.row) for sku in unpacked(before.skus)]
            if before is None or moved or (before.skus, before.status) != (skus, doc.status):
                items += [(sku, doc.status, row) for sku in unpacked(skus)]
            if before is None or moved or before.words != check:
                words.append((row, texts[id]))
            now = _Kept(row, doc.channel, doc.shop, doc.status, doc.warehouse, int(doc.odd), skus, check)
            cells[_cell(now)] += 1
            values.append(
                (row, id, doc.channel, doc.shop, doc.native, doc.status, doc.amount_fen, _us(doc.updated_at),
                 doc.warehouse, int(doc.odd), int(doc.held), skus, check)
            )  # fmt: skip
        db = self._db
        db.executemany("DELETE FROM items WHERE (sku, status, row) = (?, ?, ?)", gone_items)
        db.executemany("DELETE FROM texts WHERE rowid = ?", gone)
        db.executemany("REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        db.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?)", items)
        db.executemany("INSERT OR REPLACE INTO texts (rowid, text) VALUES (?, ?)", words)
        self._add(cells)

    def _kept(self, docs: Iterable[str]) -> dict[str, _Kept]:
        rows = self._db.executemany(
            "SELECT id, row, channel, shop, status, warehouse, odd, skus, words FROM orders WHERE id = ?",
            [(id,) for id in docs],
        )
        return {id: _Kept(*rest) for id, *rest in rows}

    def _rows(self, docs: Mapping[str, OrderDoc], kept: Mapping[str, _Kept]) -> dict[str, int]:
        """The row of each order; one that has got another instant moves."""
        found: dict[str, int] = {}
        taken = set[int]()
        for id, doc in docs.items():
            ms = _ms(doc.at or doc.updated_at)
            if id in kept and (doc.at is None or kept[id].row >> _ID_BITS == ms):
                found[id] = kept[id].row
                taken.add(found[id])
                continue
            row = ms << _ID_BITS | crc32(id.encode()) & (1 << _ID_BITS) - 1
            while row in taken or self._db.execute("SELECT 1 FROM orders WHERE row = ?", (row,)).get:
                row += 1
            found[id] = row
            taken.add(row)
        return found

    def _add(self, cells: Mapping[tuple[object, ...], int]) -> None:
        self._db.executemany(
            "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(*cell, n) for cell, n in cells.items() if n],
        )
        self._db.executemany(
            "DELETE FROM cells WHERE (channel, status, shop, warehouse, odd, hour) = (?, ?, ?, ?, ?, ?) AND n = 0",
            [cell for cell, n in cells.items() if n < 0],
        )

    # -- read

    def positions(self) -> dict[int, int]:
        with self._mending(), reading():
            return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def find(self, query: OrderQuery, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        after = int(before) if before else None
        with self._mending(), bounded(self._db):
            rows = self._find(query, after, limit)
        return [
            OrderRow(id=id, channel=channel, shop=shop, native=native, status=status, amount_fen=fen, at=_at(row),
                     updated_at=_EPOCH + timedelta(microseconds=us), odd=bool(odd), held=bool(held), cursor=str(row))
            for row, id, channel, shop, native, status, fen, us, odd, held in rows
        ]  # fmt: skip

    def _find(self, query: OrderQuery, before: int | None, limit: int) -> list[Any]:
        found = list[int]()
        for walk in _walks(query, before):
            sql = f"SELECT {walk.row} FROM {walk.source} WHERE {walk.where} ORDER BY {walk.row} DESC LIMIT ?"
            found += [row for (row,) in self._db.execute(sql, (*walk.values, limit))]
        newest = sorted(set(found), reverse=True)[:limit]
        return list(
            self._db.executemany(
                "SELECT row, id, channel, shop, native, status, amount_fen, updated_us, odd, held FROM orders"
                " WHERE row = ?",
                [(row,) for row in newest],
            )
        )

    def count(self, query: OrderQuery) -> int:
        counted = 0
        with self._mending(), bounded(self._db):
            for walk in _walks(query, None):
                sql = f"SELECT count(*) FROM (SELECT 1 FROM {walk.source} WHERE {walk.where} LIMIT ?)"
                counted += self._db.execute(sql, (*walk.values, COUNTED + 1 - counted)).get
                if counted > COUNTED:
                    break
        return counted

    def cells(
        self, *, shops: Sequence[str] = (), warehouse: str = "", since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:  # fmt: skip
        where, values = ["1"], list[Any]()
        if shops:
            where.append(f"shop IN ({_marks(shops)})")
            values += shops
        if warehouse:
            where.append("warehouse = ?")
            values.append(warehouse)
        if since is not None:
            where.append("hour >= ?")
            values.append(_ms(since) // _HOUR_MS)
        if until is not None:
            where.append("hour < ?")
            values.append(-(-_ms(until) // _HOUR_MS))
        sql = (
            "SELECT channel, status, sum(n), sum(CASE WHEN odd THEN n ELSE 0 END) FROM cells"
            f" WHERE {' AND '.join(where)} GROUP BY channel, status ORDER BY channel, status"
        )
        with self._mending(), reading():
            return [Cell(*row) for row in self._db.execute(sql, values)]

    def close(self) -> None:
        self._db.close()


class _Walk(NamedTuple):
    """One walk through an index, in the order of its `row` column."""

    source: str
    row: str
    conditions: Sequence[tuple[str, Sequence[Any]]]

    @property
    def where(self) -> str:
        return " AND ".join(condition for condition, _ in self.conditions) or "1"

    @property
    def values(self) -> list[Any]:
        return [value for _, values in self.conditions for value in values]


def _walks(query: OrderQuery, before: int | None) -> Iterator[_Walk]:
    """The walks that together find what is asked for. Where an index has the status before the row, each status is a
    walk of its own, so that none has to sort."""
    if query.ids == () or (query.words and not words_of(query.words)):
        return
    statuses = query.statuses or _ALL
    status_in = [(f"o.status IN ({_marks(query.statuses)})", query.statuses)] if query.statuses else []
    if query.ids is not None:
        conditions = [
            (f"o.id IN ({_marks(query.ids)})", query.ids),
            *status_in,
            *_conditions(query, before, "o.row"),
        ]
        if query.name or query.words or query.sku:
            conditions.append(("o.row IN (SELECT rowid FROM texts WHERE texts MATCH ?)", [match_of(query)]))
        yield _Walk("orders o", "o.row", conditions)
    elif query.name or query.words:
        conditions = [
            ("w.texts MATCH ?", [match_of(query)]),
            *status_in,
            *_conditions(query, before, "w.rowid"),
        ]
        joined = any(condition.startswith("o.") for condition, _ in conditions)
        source = "texts w JOIN orders o ON o.row = w.rowid" if joined else "texts w"
        yield _Walk(source, "w.rowid", conditions)
    elif query.sku:
        for status in statuses:
            here = [("i.sku = ? AND i.status = ?", [sku_code(query.sku), status])]
            conditions = [*here, *_conditions(query, before, "i.row")]
            source = "items i JOIN orders o ON o.row = i.row" if len(conditions) > 1 else "items i"
            yield _Walk(source, "i.row", conditions)
    elif (query.shops or query.channel or query.statuses) and not (query.odd or query.held):
        for status in statuses:
            for shop in query.shops or ("",):
                here = [("o.status = ?", [status])]
                one = replace(query, shops=(shop,) if shop else ())
                yield _Walk("orders o", "o.row", [*here, *_conditions(one, before, "o.row")])
    else:
        conditions = [*status_in, *_conditions(query, before, "o.row")]
        by_amount = query.least_fen is not None or query.most_fen is not None
        yield _Walk("orders o INDEXED BY orders_amount" if by_amount else "orders o", "o.row", conditions)


def _conditions(query: OrderQuery, before: int | None, row: str) -> list[tuple[str, Sequence[Any]]]:
    """What can be asked of an order wherever it is met; `row` is the walk's own column, so that it ends in time."""
    asked: list[tuple[str, Sequence[Any] | None]] = [
        (f"{row} < ?", None if before is None else [before]),
        (f"{row} >= ?", None if query.since is None else [_ms(query.since) << _ID_BITS]),
        (f"{row} < ?", None if query.until is None else [_ms(query.until) << _ID_BITS]),
        ("o.channel = ?", [query.channel] if query.channel else None),
        (f"o.shop IN ({_marks(query.shops)})", query.shops or None),
        ("o.warehouse = ?", [query.warehouse] if query.warehouse else None),
        (f"o.warehouse IN ({_marks(query.within)})", query.within or None),
        ("o.amount_fen >= ?", None if query.least_fen is None else [query.least_fen]),
        ("o.amount_fen <= ?", None if query.most_fen is None else [query.most_fen]),
        ("o.odd", [] if query.odd else None),
        ("o.held", [] if query.held else None),
    ]
    return [(condition, values) for condition, values in asked if values is not None]


def _cell(kept: _Kept) -> tuple[object, ...]:
    hour = (kept.row >> _ID_BITS) // _HOUR_MS
    if kept.status in _OVER:
        hour -= hour % 24
    return (kept.channel, kept.status, kept.shop, kept.warehouse, kept.odd, hour)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _at(row: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=row >> _ID_BITS)
