"""The lists of orders and tickets in a SQLite file of their own.

A view can be rebuilt, so it does not wait for the disk (synchronous=OFF): after a power cut it is dropped and catches
up from the journal, which is the truth.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import apsw

from tongdan.ports import OrderRow, StoreFailure, TicketRow

_FORMAT: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA: Final = """
CREATE TABLE orders (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, shop TEXT NOT NULL, native TEXT NOT NULL, status INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL, updated_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_recent ON orders (updated_us, id);
CREATE INDEX orders_of_status ON orders (status, updated_us, id);
CREATE TABLE tickets (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL, times INTEGER NOT NULL,
    open INTEGER NOT NULL, raised_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE tallies (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;  -- so that nobody counts a million rows
"""


class SqliteOverview:
    """`ports.Overview`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        try:
            if not readonly and not self._is_sound(path):
                for leftover in path.parent.glob(path.name + "*"):
                    leftover.unlink()
            self._db = self._connect(path, readonly)
        except apsw.Error as error:
            raise StoreFailure(f"{path.name}: {error}") from error

    def _connect(self, path: Path, readonly: bool) -> apsw.Connection:
        flags = (
            apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        )
        db = apsw.Connection(str(path), flags=flags)
        db.set_busy_timeout(10_000)
        if not readonly:
            db.pragma("journal_mode", "wal")
            db.pragma("synchronous", "off")
            db.pragma("cache_size", -32_768)
            if db.pragma("user_version") == 0:
                with db:
                    db.execute(_SCHEMA)
                    db.pragma("user_version", _FORMAT)
        return db

    def _is_sound(self, path: Path) -> bool:
        """Whether the file is an unharmed database of this format; one that begins here is."""
        try:
            db = self._connect(path, readonly=False)
        except (apsw.NotADBError, apsw.CorruptError):
            return False
        try:
            return (db.pragma("user_version"), db.pragma("quick_check")) == (_FORMAT, "ok")
        except apsw.Error:
            return False
        finally:
            db.close()

    def put(
        self, orders: Sequence[OrderRow], tickets: Sequence[TicketRow], positions: Mapping[int, int]
    ) -> None:
        """Raises StoreFailure, and then nothing was written."""
        try:
            self._put(orders, tickets, positions)
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def _put(
        self, orders: Sequence[OrderRow], tickets: Sequence[TicketRow], positions: Mapping[int, int]
    ) -> None:
        with self._writing() as db:
            self._tally(orders, tickets)
            db.executemany(
                "REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (o.id, o.channel, o.shop, o.native, o.status, o.amount_fen, _us(o.updated_at))
                    for o in orders
                ],
            )
            db.executemany(
                "REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (t.id, t.subject, t.kind, t.summary, t.times, int(t.open), _us(t.raised_at))
                    for t in tickets
                ],
            )
            db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """A transaction that may write from its first statement on: others may be writing too."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _tally(self, orders: Sequence[OrderRow], tickets: Sequence[TicketRow]) -> None:
        """Count on from what these rows replace; each names an id once."""
        moved = Counter(f"orders_status_{order.status}" for order in orders)
        were = self._db.executemany(
            "SELECT status FROM orders WHERE id = ?", [(order.id,) for order in orders]
        )
        moved.subtract(Counter(f"orders_status_{status}" for (status,) in were))
        was_open = self._db.executemany("SELECT open FROM tickets WHERE id = ?", [(t.id,) for t in tickets])
        moved["tickets_open"] += sum(ticket.open for ticket in tickets) - sum(open_ for (open_,) in was_open)
        self._db.executemany(
            "INSERT INTO tallies VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(name, n) for name, n in moved.items() if n],
        )

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def orders(self, *, shop: str, status: int | None, before: str, limit: int) -> list[OrderRow]:
        """`before` = `updated_us.id` of the last row seen; anything else raises ValueError."""
        where: list[str] = []
        values: list[Any] = []
        if status is not None:
            where.append("status = ?")
            values.append(status)
        if shop:
            where.append("shop = ?")
            values.append(shop)
        if before:
            us, _, id = before.partition(".")
            where.append("(updated_us, id) < (?, ?)")
            values += [int(us), id]
        condition = f"WHERE {' AND '.join(where)}" if where else ""
        rows = self._db.execute(
            f"SELECT * FROM orders {condition} ORDER BY updated_us DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [
            OrderRow(id=id, channel=channel, shop=shop, native=native, status=status, amount_fen=fen,
                     updated_at=_at(us), cursor=f"{us}.{id}")
            for id, channel, shop, native, status, fen, us in rows
        ]  # fmt: skip

    def tickets(self, *, open_only: bool, limit: int) -> list[TicketRow]:
        condition = "WHERE open" if open_only else ""
        rows = self._db.execute(
            f"SELECT * FROM tickets {condition} ORDER BY raised_us DESC, id LIMIT ?",
            (limit,),
        )
        return [
            TicketRow(id=id, subject=subject, kind=kind, summary=summary, times=times, open=bool(open_),
                      raised_at=_at(us))
            for id, subject, kind, summary, times, open_, us in rows
        ]  # fmt: skip

    def counts(self) -> dict[str, int]:
        told: dict[str, int] = dict(self._db.execute("SELECT name, n FROM tallies WHERE n > 0"))
        tickets_open = told.pop("tickets_open", 0)
        return {"orders": sum(told.values()), **told, "tickets_open": tickets_open}

    def close(self) -> None:
        self._db.close()


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
