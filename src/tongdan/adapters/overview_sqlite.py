"""The list of tickets in a SQLite file of its own.

A view can be rebuilt, so it does not wait for the disk (synchronous=OFF): after a power cut it is dropped and catches
up from the journal, which is the truth.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import apsw

from tongdan.ports import StoreFailure, TicketRow

_FORMAT: Final = 3
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA: Final = """
CREATE TABLE tickets (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL, times INTEGER NOT NULL,
    open INTEGER NOT NULL, raised_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE tally (open INTEGER NOT NULL);  -- so that nobody counts a million rows
INSERT INTO tally VALUES (0);
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

    def put(self, tickets: Sequence[TicketRow], positions: Mapping[int, int]) -> None:
        """Raises StoreFailure, and then nothing was written."""
        try:
            with self._writing() as db:
                self._tally(tickets)
                db.executemany(
                    "REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (t.id, t.subject, t.kind, t.summary, t.times, int(t.open), _us(t.raised_at))
                        for t in tickets
                    ],
                )
                db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

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

    def _tally(self, tickets: Sequence[TicketRow]) -> None:
        """Count on from what these rows replace; each names an id once."""
        were = self._db.executemany("SELECT open FROM tickets WHERE id = ?", [(t.id,) for t in tickets])
        more = sum(ticket.open for ticket in tickets) - sum(open_ for (open_,) in were)
        self._db.execute("UPDATE tally SET open = open + ?", (more,))

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

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

    def tickets_open(self) -> int:
        found: int = self._db.execute("SELECT open FROM tally").get
        return found

    def close(self) -> None:
        self._db.close()


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
