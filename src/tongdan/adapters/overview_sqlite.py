"""The list of tickets in a SQLite file of its own.

A ticket keeps where its order belongs beside it, and follows when that changes, so that it is found, counted and
narrowed without its order. A view can be rebuilt, so it does not wait for the disk (synchronous=OFF): after a power cut
it is dropped and catches up from the journal, which is the truth.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tongdan.adapters.view_file import ViewFormat, bounded, open_view, writing
from tongdan.ports.search import COUNTED
from tongdan.ports.tickets import (
    DIFFERENCES,
    Place,
    RepairNumbers,
    RepairRow,
    TicketQuery,
    TicketRow,
    instant_of,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA: Final = """
CREATE TABLE tickets (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, kind TEXT NOT NULL, matter TEXT NOT NULL, summary TEXT NOT NULL,
    times INTEGER NOT NULL, open INTEGER NOT NULL, raised_us INTEGER NOT NULL, owner TEXT NOT NULL,
    partners TEXT NOT NULL, repair_us INTEGER, closed_us INTEGER, mended_by TEXT NOT NULL,
    about TEXT, channel TEXT, shop TEXT, native TEXT, status INTEGER, warehouses TEXT
) WITHOUT ROWID;
CREATE INDEX tickets_newest ON tickets (raised_us, id);
CREATE INDEX tickets_open ON tickets (raised_us, id) WHERE open;
CREATE INDEX tickets_about ON tickets (about);
CREATE TABLE repairs (
    found_us INTEGER, id TEXT, closed_us INTEGER, mended_by TEXT NOT NULL, PRIMARY KEY (found_us, id)
) WITHOUT ROWID;
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE tally (open INTEGER NOT NULL);  -- so that nobody counts a million rows
INSERT INTO tally VALUES (0);
"""
_FORMAT: Final = ViewFormat(5, _SCHEMA, {"synchronous": "off", "cache_size": -32_768})
_COLUMNS: Final = 19
MOST_REPAIRS: Final = 50_000  # the newest of a period that are counted
# Several names in one column, each between two of these, so that one is found as a whole.
_BAR: Final = "\n"


class SqliteOverview:
    """`ports.Overview`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._db = open_view(path, _FORMAT, readonly=readonly)

    def put(
        self, tickets: Sequence[TicketRow], positions: Mapping[int, int], repairs: Sequence[RepairRow] = (),
        moved: Sequence[Place] = (),
    ) -> None:  # fmt: skip
        """Raises StoreFailure, and then nothing was written."""
        with writing(self._db) as db:
            self._tally(tickets)
            marks = ", ".join("?" * _COLUMNS)
            db.executemany(f"REPLACE INTO tickets VALUES ({marks})", [_values(each) for each in tickets])
            db.executemany(
                "REPLACE INTO repairs VALUES (?, ?, ?, ?)",
                [(_us(r.found_at), r.ticket, _maybe_us(r.closed_at), r.by) for r in repairs],
            )
            db.executemany(
                "UPDATE tickets SET channel = ?, shop = ?, native = ?, status = ?, warehouses = ? WHERE about = ?",
                [(p.channel, p.shop, p.native, p.status, _barred(p.warehouses), p.order) for p in moved],
            )
            db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))

    def _tally(self, tickets: Sequence[TicketRow]) -> None:
        """Count on from what these rows replace; each names an id once."""
        were = self._db.executemany("SELECT open FROM tickets WHERE id = ?", [(t.id,) for t in tickets])
        more = sum(ticket.open for ticket in tickets) - sum(open_ for (open_,) in were)
        self._db.execute("UPDATE tally SET open = open + ?", (more,))

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def find(self, query: TicketQuery, *, before: str = "", limit: int = 50) -> list[TicketRow]:
        where, values = _where(query)
        if before:
            where += " AND (raised_us, id) < (?, ?)"
            values += instant_of(before)
        sql = f"SELECT * FROM tickets WHERE {where} ORDER BY raised_us DESC, id DESC LIMIT ?"
        with bounded(self._db):
            return [_row(*found) for found in self._db.execute(sql, (*values, limit))]

    def count(self, query: TicketQuery) -> int:
        where, values = _where(query)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM tickets WHERE {where} LIMIT ?)"
        with bounded(self._db):
            found: int = self._db.execute(sql, (*values, COUNTED + 1)).get
        return found

    def repaired(self, query: TicketQuery, since: datetime, until: datetime) -> RepairNumbers:
        where, values = _where(query)
        source = "repairs r" if where == "1" else "repairs r JOIN tickets USING (id)"
        sql = (
            "SELECT CASE WHEN r.closed_us IS NULL THEN 'open' ELSE r.mended_by END, r.closed_us - r.found_us"
            f" FROM {source} WHERE r.found_us >= ? AND r.found_us < ? AND {where} ORDER BY r.found_us DESC LIMIT ?"
        )
        with bounded(self._db):
            found = self._db.execute(sql, (_us(since), _us(until), *values, MOST_REPAIRS + 1))
            rows: list[tuple[str, int | None]] = list(found)
        counted = rows[:MOST_REPAIRS]
        by = Counter[str]([whom for whom, _ in counted])
        took_us = sorted([us for _, us in counted if us is not None])
        return RepairNumbers(
            found=len(counted), by_itself=by["itself"], by_person=by["person"], by_time=by["time"], open=by["open"],
            median_s=_rank_s(took_us, 50), p90_s=_rank_s(took_us, 90), more=len(rows) > MOST_REPAIRS,
        )  # fmt: skip

    def tickets_open(self) -> int:
        found: int = self._db.execute("SELECT open FROM tally").get
        return found

    def close(self) -> None:
        self._db.close()


def _rank_s(took_us: Sequence[int], percent: int) -> int | None:
    """Seconds within which so many per cent of them were mended (nearest rank)."""
    return round(took_us[-(-len(took_us) * percent // 100) - 1] / 1_000_000) if took_us else None


def _where(query: TicketQuery) -> tuple[str, list[Any]]:
    in_shops = f"shop IN ({_marks(query.shops)})"
    in_statuses = f"status IN ({_marks(query.statuses)})"
    here = " OR ".join("instr(warehouses, ?)" for _ in query.within)
    of_kind = f"matter >= '{DIFFERENCES}-' AND matter < '{DIFFERENCES}.'"
    overdue = None if query.overdue_at is None else [_us(query.overdue_at)]
    asked: list[tuple[str, Sequence[Any] | None]] = [
        ("open" if query.open else "NOT open", None if query.open is None else []),
        ("owner = ?", [query.owner] if query.owner else None),
        (of_kind, [] if query.kind == DIFFERENCES else None),
        ("matter = ?", [query.kind] if query.kind not in ("", DIFFERENCES) else None),
        ("instr(partners, ?)", [_barred([query.partner])] if query.partner else None),
        ("about = ?", [query.order] if query.order else None),
        ("channel = ?", [query.channel] if query.channel else None),
        (in_shops, query.shops or None),
        (in_statuses, query.statuses or None),
        ("open AND repair_us < ?", overdue),
        (f"({here})", [_barred([code]) for code in query.within] or None),
    ]
    said = [(condition, values) for condition, values in asked if values is not None]
    return (
        " AND ".join(condition for condition, _ in said) or "1",
        [value for _, values in said for value in values],
    )


def _values(t: TicketRow) -> tuple[Any, ...]:
    p = t.place
    place = (
        (None,) * 6 if p is None else (p.order, p.channel, p.shop, p.native, p.status, _barred(p.warehouses))
    )
    return (
        t.id, t.subject, t.kind, t.kind.partition(":")[0], t.summary, t.times, int(t.open), _us(t.raised_at), t.owner,
        _barred(t.partners), _maybe_us(t.repair_by), _maybe_us(t.closed_at), t.by, *place,
    )  # fmt: skip


def _row(
    id: str, subject: str, kind: str, matter: str, summary: str, times: int, open_: int, raised_us: int, owner: str,
    partners: str, repair_us: int | None, closed_us: int | None, by: str, about: str | None, channel: str, shop: str,
    native: str, status: int, warehouses: str,
) -> TicketRow:  # fmt: skip
    place = None
    if about is not None:
        place = Place(
            order=about, channel=channel, shop=shop, native=native, status=status,
            warehouses=_unbarred(warehouses),
        )  # fmt: skip
    return TicketRow(
        id=id, subject=subject, kind=kind, summary=summary, times=times, open=bool(open_), raised_at=_at(raised_us),
        owner=owner, partners=_unbarred(partners), repair_by=_maybe_at(repair_us), closed_at=_maybe_at(closed_us),
        by=by, place=place,
    )  # fmt: skip


def _barred(names: Iterable[str]) -> str:
    return "".join([f"{_BAR}{name}{_BAR}" for name in names])


def _unbarred(text: str) -> tuple[str, ...]:
    return tuple([name for name in text.split(_BAR) if name])


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _maybe_us(at: datetime | None) -> int | None:
    return None if at is None else _us(at)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _maybe_at(us: int | None) -> datetime | None:
    return None if us is None else _at(us)
