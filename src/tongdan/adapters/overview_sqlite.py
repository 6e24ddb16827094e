"""The list of tickets in a SQLite file of its own.

A view can be rebuilt, so it does not wait for the disk (synchronous=OFF): after a power cut it is dropped and catches
up from the journal, which is the truth.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tongdan.adapters.view_file import ViewFormat, open_view, writing
from tongdan.ports import TicketRow

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
_FORMAT: Final = ViewFormat(3, _SCHEMA, {"synchronous": "off", "cache_size": -32_768})


class SqliteOverview:
    """`ports.Overview`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._db = open_view(path, _FORMAT, readonly=readonly)

    def put(self, tickets: Sequence[TicketRow], positions: Mapping[int, int]) -> None:
        """Raises StoreFailure, and then nothing was written."""
        with writing(self._db) as db:
            self._tally(tickets)
            db.executemany(
                "REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (t.id, t.subject, t.kind, t.summary, t.times, int(t.open), _us(t.raised_at))
                    for t in tickets
                ],
            )
            db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))

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
