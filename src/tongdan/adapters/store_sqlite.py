"""One shard in one SQLite file: WAL, synchronous=FULL, so that a commit that was answered survives the machine.

The layout follows what tables cost: big rows (journal) lie in arrival order under an integer position that is local
to the file and never referred to; random keys live in small tables without a rowid. All SQL of the loop is here.
Shard files are never attached to one another: WAL commits across files are not crash-atomic.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from tongdan.adapters.archive_parquet import FOLDER
from tongdan.adapters.archived_sqlite import ArchivedRows
from tongdan.adapters.shard_format import FORMAT, STEPS, TABLES
from tongdan.adapters.slot_tables import deletion, insertion
from tongdan.ports import (
    Archived,
    Cut,
    EffectColumns,
    JournalColumns,
    LostToken,
    ParkedColumns,
    Part,
    QuarantineRow,
    RunColumns,
    SlotRow,
    StateColumns,
    StoreFailure,
    WriteSet,
)

_EFFECTS_AND_RUNS: Final = (
    "SELECT e.id, agg, partner, verb, body, created_us, tries, first_us, due_us, lease_us, dead, error"
    " FROM effects e"
)
_BLOCKED: Final = (  # lanes of partner ?1 with a dead letter of its own
    "SELECT d.agg FROM runs r JOIN effects d ON d.id = r.id WHERE r.dead AND r.dead = 1 AND d.partner = ?1"
)
LOOK_BACK: Final = 20_000  # rows of other slots that may lie between two of one
COLUMNS: Final = ", ".join(JournalColumns._fields)
_QUARANTINE: Final = ", ".join(QuarantineRow._fields)


def _insert(table: str, columns: int, verb: str = "INSERT") -> str:
    return f"{verb} INTO {table} VALUES ({', '.join('?' * columns)})"


# In order of writing: (attribute of the WriteSet, statement).
_WRITES: Final = (
    ("journal", _insert("journal", 1 + len(JournalColumns._fields))),
    ("states", _insert("states", len(StateColumns._fields), "REPLACE")),
    ("inbox", _insert("inbox", 3)),
    ("names", _insert("names", 2)),
    ("subjects", _insert("subjects", 2)),
    ("erased", "REPLACE INTO subjects VALUES (?, x'')"),
    ("effects", _insert("effects", len(EffectColumns._fields))),
    ("closed", "DELETE FROM effects WHERE id = ?1"),
    ("closed", "DELETE FROM runs WHERE id = ?1"),
    ("runs", _insert("runs", len(RunColumns._fields), "REPLACE")),
    ("heads", _insert("heads", 4, "REPLACE")),
    ("counters", _insert("counters", 4, "REPLACE")),
    ("watermarks", _insert("watermarks", 6, "REPLACE")),
    ("cursors", _insert("cursors", 5, "REPLACE")),
    (
        "quarantine",
        "INSERT INTO quarantine (source, shop, reason, at_us, salt, raw, about) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    ("requarantined", "UPDATE quarantine SET reason = ? WHERE id = ?"),
    ("unquarantined", "DELETE FROM quarantine WHERE id = ?"),
    ("parked", _insert("parked", len(ParkedColumns._fields), "REPLACE")),
    ("slots", _insert("slots", 4, "REPLACE")),
    ("archives", _insert("archives", len(Part._fields))),
    ("cuts", _insert("cuts", len(Cut._fields), "REPLACE")),
    ("pruned", "DELETE FROM journal WHERE pos = ?"),
    ("forgotten", "DELETE FROM inbox WHERE key = ?"),
    ("unparked", "DELETE FROM parked WHERE agg = ? AND slot = ? AND epoch = ? AND seq = ? AND reaction = ?"),
)


# Tables that may have millions of rows, and what each statement does to the count that is kept of them.
_TALLIED: Final = ("journal", "effects", "wakeups")
_COUNTS: Final = {
    statement: (table, 1 if statement.startswith("INSERT") else -1)
    for _, statement in _WRITES
    for table in _TALLIED
    if statement.startswith((f"INSERT INTO {table} ", f"DELETE FROM {table} "))
}


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """A connection as the loop wants it. Raises StoreFailure when the file cannot be opened so."""
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        db = apsw.Connection(str(path), flags=flags)
        db.set_busy_timeout(10_000)
        db.pragma("cache_size", -65_536)
        db.pragma("mmap_size", 1 << 30)
        db.pragma("secure_delete", True)
        if not readonly:
            db.pragma("journal_mode", "wal")
            db.pragma("synchronous", "full")
            db.pragma("wal_autocheckpoint", 4_000)
    except apsw.Error as error:
        raise StoreFailure(f"{path.name}: {error}") from error
    return db


def truncate_log(path: Path) -> bool:
    """Bring the write-ahead log into the file and cut it to nothing. False while a reader or writer is in the way.

    On a connection of its own, so that it neither waits nor disturbs a transaction under way.
    """
    db = connect(path)
    try:
        db.set_busy_timeout(0)
        busy, _, _ = next(iter(db.execute("PRAGMA wal_checkpoint(TRUNCATE)")))
    except apsw.BusyError:
        return False
    except apsw.Error as error:
        raise StoreFailure(f"{path.name}: {error}") from error
    finally:
        db.close()
    return not busy


class SqliteShard:
    """`ports.ShardStore` on one file."""

    def __init__(self, path: Path, shard: int, *, readonly: bool = False) -> None:
        self.shard = shard
        self._path = path
        self._db = connect(path, readonly=readonly)
        self._prepare(readonly=readonly)
        self._generation = 0 if readonly else self._claim()
        self.archived: Archived = ArchivedRows(self._db, path.parent / FOLDER)

    def _prepare(self, *, readonly: bool) -> None:
        version = self._db.pragma("user_version")
        if version < FORMAT and not readonly:
            with self._db:
                self._db.execute("".join(STEPS[version:]))
                self._db.pragma("user_version", FORMAT)
        elif version != FORMAT:
            raise StoreFailure(f"{self._path.name} has format {version}, this version reads {FORMAT}")

    def _claim(self) -> int:
        """Take the shard: whoever had it before finds its token lost at its next transaction."""
        with self._db:
            self._run("UPDATE owner SET generation = generation + 1")
            for table in _TALLIED:
                self._run(f"REPLACE INTO tallies SELECT '{table}', count(*) FROM {table}")
            found: int = self._all("SELECT generation FROM owner")[0][0]
        return found

    # -- one transaction

    def begin(self) -> None:
        self._run("BEGIN IMMEDIATE")
        if self._all("SELECT generation FROM owner")[0][0] != self._generation:
            self._run("ROLLBACK")
            raise LostToken(f"shard {self.shard} belongs to a process that came later")

    def write(self, rows: WriteSet) -> None:
        try:
            if rows.dropped or rows.pruned:  # positions are never given out twice
                self._db.execute("UPDATE owner SET pos = max(pos, ifnull((SELECT max(pos) FROM journal), 0))")
            for attribute, statement in _WRITES:
                values = getattr(rows, attribute)
                if values:
                    self._execute(statement, values, *_COUNTS.get(statement, ("", 0)))
            self._write_wakeups(rows.wakeups)
            self._write_moved(rows)
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def _write_wakeups(self, wakeups: list[tuple[str, int | None, int | None]]) -> None:
        if cleared := [(before, agg) for agg, before, _ in wakeups if before is not None]:
            self._execute("DELETE FROM wakeups WHERE due_us = ? AND agg = ?", cleared, "wakeups", -1)
        if planned := [(due, agg) for agg, _, due in wakeups if due is not None]:
            self._execute("INSERT INTO wakeups VALUES (?, ?)", planned, "wakeups", 1)

    def _write_moved(self, rows: WriteSet) -> None:
        for table, keys in rows.dropped:
            self._execute(deletion(table), keys, table if table in _TALLIED else "", -1)
        for table, chunk in rows.adopted:
            if table == "journal":
                last = self.last_pos()
                chunk = [(last + n, *row[1:]) for n, row in enumerate(chunk, 1)]
            self._execute(insertion(table, len(chunk[0])), chunk, table if table in _TALLIED else "", 1)
        for slot, epoch, seq in rows.repositioned:
            self._reposition(slot, epoch, seq)

    def _reposition(self, slot: int, epoch: int, seq: int) -> None:
        moved = self._db.execute(
            "SELECT pos FROM journal WHERE slot = ? AND (epoch, seq) > (?, ?) ORDER BY pos",
            (slot, epoch, seq),
        ).fetchall()
        last = self.last_pos()
        self._db.executemany(
            "UPDATE journal SET pos = ? WHERE pos = ?", [(last + n, pos) for n, (pos,) in enumerate(moved, 1)]
        )

    def _execute(self, statement: str, values: Sequence[Any], tallied: str, sign: int) -> None:
        before = self._db.total_changes()
        self._db.executemany(statement, values)
        if tallied:
            changed = sign * (self._db.total_changes() - before)
            self._db.execute("UPDATE tallies SET n = n + ? WHERE name = ?", (changed, tallied))

    def commit(self) -> None:
        self._run("COMMIT")

    def rollback(self) -> None:
        if self._db.in_transaction:
            self._run("ROLLBACK")

    def _run(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    # -- reading

    def _each(self, statement: str, keys: Sequence[Any]) -> list[Any]:
        try:
            return list(self._db.executemany(statement, [(key,) for key in keys]))
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return list(self._db.execute(statement, values))
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def replies(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return dict(self._each("SELECT key, reply FROM inbox WHERE key = ?", keys))

    def named(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        return dict(self._each("SELECT digest, id FROM names WHERE digest = ?", digests))

    def states(self, keys: Sequence[str]) -> dict[str, StateColumns]:
        rows = self._each("SELECT agg, ver, schema, status, body, person FROM states WHERE agg = ?", keys)
        return {row[0]: StateColumns(*row) for row in rows}

    def salts(self, subjects: Sequence[str]) -> dict[str, bytes]:
        return dict(self._each("SELECT subject, salt FROM subjects WHERE subject = ?", subjects))

    def persons(self, after: int, until: int) -> list[tuple[str, bytes]]:
        return self._all(
            "SELECT agg, person FROM journal WHERE pos > ? AND pos <= ? AND person IS NOT NULL",
            (after, until),
        )

    def scrub(self) -> bool:
        return truncate_log(self._path)

    def due(self, until_us: int, limit: int) -> list[str]:
        rows = self._all(
            "SELECT agg FROM wakeups WHERE due_us <= ? ORDER BY due_us, agg LIMIT ?", (until_us, limit)
        )
        return [agg for (agg,) in rows]

    def next_due_us(self) -> int | None:
        found: int | None = self._all("SELECT min(due_us) FROM wakeups")[0][0]
        return found

    def effect(self, id: str) -> EffectColumns | None:
        rows = self._all("SELECT id, agg, partner, verb, body, created_us FROM effects WHERE id = ?", (id,))
        return EffectColumns(*rows[0]) if rows else None

    def outstanding(self) -> Iterator[tuple[EffectColumns, RunColumns | None]]:
        rows = self._all(f"{_EFFECTS_AND_RUNS} LEFT JOIN runs r ON r.id = e.id")
        rows.sort(key=lambda row: tuple(int(part) for part in row[0].split(".")))
        for row in rows:
            yield EffectColumns(*row[:6]), None if row[6] is None else RunColumns(row[0], *row[6:])

    def outstanding_at(self, partner: str) -> list[tuple[EffectColumns, RunColumns | None]]:
        return self._at("partner = ?1", partner)

    def _at(self, where: str, partner: str) -> list[tuple[EffectColumns, RunColumns | None]]:
        bare = _EFFECTS_AND_RUNS.replace(" body,", " x'',")
        asked = f"{bare} LEFT JOIN runs r ON r.id = e.id WHERE {where}"
        return [
            (EffectColumns(*row[:6]), None if row[6] is None else RunColumns(row[0], *row[6:]))
            for row in self._all(asked, (partner,))
        ]

    def waiting_at(self, partner: str, until_us: int) -> int:
        asked = f"SELECT count(*) FROM effects WHERE partner = ?1 AND created_us <= ?2 AND agg NOT IN ({_BLOCKED})"
        found: int = self._all(asked, (partner, until_us))[0][0]
        return found

    def blocked_at(self, partner: str) -> list[tuple[EffectColumns, RunColumns | None]]:
        return self._at(f"partner = ?1 AND agg IN ({_BLOCKED})", partner)

    def dead(self) -> list[tuple[EffectColumns, RunColumns]]:
        rows = self._all(f"{_EFFECTS_AND_RUNS} JOIN runs r ON r.id = e.id WHERE dead ORDER BY first_us, e.id")
        return [(EffectColumns(*row[:6]), RunColumns(row[0], *row[6:])) for row in rows]

    def journal_after(self, pos: int, limit: int) -> list[tuple[int, JournalColumns]]:
        rows = self._all(
            f"SELECT pos, {COLUMNS} FROM journal WHERE pos > ? ORDER BY pos LIMIT ?",
            (pos, limit),
        )
        return [(row[0], JournalColumns(*row[1:])) for row in rows]

    def telling(self, fact: str, after: int, until: int) -> list[JournalColumns]:
        columns = COLUMNS.replace(" raw,", " NULL,")
        asked = f"SELECT {columns} FROM journal WHERE pos > ? AND pos <= ? AND fact = ? ORDER BY pos"
        return [JournalColumns(*row) for row in self._all(asked, (after, until, fact))]

    def outcomes(self, source: str, no: int, after: int, until: int) -> list[tuple[str, str, int]]:
        asked = (
            "SELECT cause, agg, recorded_us FROM journal WHERE pos > ? AND pos <= ? AND source = ?"
            " AND closes <> '' AND cause GLOB ? ORDER BY pos"
        )
        return self._all(asked, (after, until, source, f"effect:*/*/*/{no}"))

    def count_outcomes(self, source: str, note: str, after: int, until: int) -> int:
        asked = (
            "SELECT count(*) FROM journal WHERE pos > ? AND pos <= ? AND source = ?"
            " AND closes <> '' AND cause GLOB ?"
        )
        found: int = self._all(asked, (after, until, source, f"effect:*/{note}"))[0][0]
        return found

    def journal_before(self, pos: int, limit: int) -> list[tuple[int, JournalColumns]]:
        rows = self._all(
            f"SELECT pos, {COLUMNS} FROM journal WHERE pos < ? ORDER BY pos DESC LIMIT ?", (pos, limit)
        )
        return [(row[0], JournalColumns(*row[1:])) for row in rows]

    def journal_of(self, agg: str) -> list[JournalColumns]:
        rows = self._all(f"SELECT {COLUMNS} FROM journal WHERE agg = ? ORDER BY pos", (agg,))
        live = [JournalColumns(*row) for row in rows]
        if live and live[0].ver == 1:
            return live
        # In this order: what is pruned between the two looks is found in the archive.
        old = self.archived.history(agg)
        return old + [row for row in live if not old or row.ver > old[-1].ver]

    def chained(self, agg: str) -> list[tuple[bytes | None, JournalColumns]]:
        before = (
            "SELECT hash FROM journal AS before WHERE before.slot = journal.slot AND before.pos < journal.pos"
            f" AND before.pos > journal.pos - {LOOK_BACK} ORDER BY before.pos DESC LIMIT 1"
        )
        rows = self._all(f"SELECT ({before}), {COLUMNS} FROM journal WHERE agg = ? ORDER BY pos", (agg,))
        return [(row[0], JournalColumns(*row[1:])) for row in rows]

    def recorded_before(self, at_us: int) -> int:
        first, last = self._all("SELECT min(pos), max(pos) FROM journal")[0]
        if first is None:
            return 0
        low, high = first, last + 1  # rows were recorded in order, but where the clock was set back
        while low < high:
            middle = (low + high) // 2
            at = "SELECT pos, recorded_us FROM journal WHERE pos >= ? ORDER BY pos LIMIT 1"
            pos, recorded_us = self._all(at, (middle,))[0]
            low, high = (pos + 1, high) if recorded_us < at_us else (low, middle)
        return int(low - first)

    def inbox_after(self, key: bytes, limit: int) -> list[tuple[bytes, int]]:
        return self._all("SELECT key, at_us FROM inbox WHERE key > ? ORDER BY key LIMIT ?", (key, limit))

    def aggregates_under(self, order: str) -> list[str]:
        rows = self._all(
            "SELECT agg FROM states WHERE agg > ?1 || '-' AND agg < ?1 || '.'"  # a part of it
            " UNION ALL SELECT agg FROM states WHERE agg > ?2 AND agg < ?2 || 'z'"
            " UNION ALL SELECT agg FROM states WHERE agg > ?3 || '-' AND agg < ?3 || '.'"
            " UNION ALL SELECT agg FROM states WHERE agg > ?4 AND agg < ?4 || 'z'"
            " UNION ALL SELECT agg FROM states WHERE agg > ?5 AND agg < ?5 || 'z'",
            (order, f"ticket/{order}/", f"ticket/{order}", f"notice/{order}/", f"ticket/notice/{order}/"),
        )
        return [agg for (agg,) in rows]

    def states_under(self, name: str, after: str, limit: int) -> list[StateColumns]:
        rows = self._all(
            "SELECT agg, ver, schema, status, body, person FROM states"
            " WHERE agg > max(?1 || '/', ?2) AND agg < ?1 || '0' ORDER BY agg LIMIT ?3",  # 0 follows /
            (name, after, limit),
        )
        return [StateColumns(*row) for row in rows]

    def last_pos(self) -> int:
        found: int = self._all("SELECT max(pos, ifnull((SELECT max(pos) FROM journal), 0)) FROM owner")[0][0]
        return found

    def heads(self) -> dict[int, tuple[int, int, bytes]]:
        return {slot: (epoch, seq, hash_) for slot, epoch, seq, hash_ in self._all("SELECT * FROM heads")}

    def counters(self) -> dict[tuple[int, str, str], int]:
        return {(slot, channel, day): n for slot, channel, day, n in self._all("SELECT * FROM counters")}

    def watermarks(self) -> dict[tuple[int, str, int], tuple[int, int, int]]:
        rows = self._all("SELECT * FROM watermarks")
        return {(source, reaction, target): (e, s, n) for source, reaction, target, e, s, n in rows}

    def cursors(self, subscriber: str) -> dict[int, tuple[int, int, int]]:
        rows = self._all("SELECT slot, epoch, seq, pos FROM cursors WHERE subscriber = ?", (subscriber,))
        return {slot: (epoch, seq, pos) for slot, epoch, seq, pos in rows}

    def parked(self) -> list[ParkedColumns]:
        rows = self._all(
            "SELECT agg, slot, epoch, seq, reaction, error FROM parked ORDER BY agg, slot, epoch, seq"
        )
        return [ParkedColumns(*row) for row in rows]

    def slots(self) -> list[SlotRow]:
        return [SlotRow(*row) for row in self._all("SELECT slot, state, peer, move FROM slots")]

    def quarantined(self, limit: int) -> list[QuarantineRow]:
        rows = self._all(f"SELECT {_QUARANTINE} FROM quarantine ORDER BY id DESC LIMIT ?", (limit,))
        return [QuarantineRow(*row) for row in rows]

    def quarantined_one(self, id: int) -> QuarantineRow | None:
        rows = self._all(f"SELECT {_QUARANTINE} FROM quarantine WHERE id = ?", (id,))
        return QuarantineRow(*rows[0]) if rows else None

    def count(self, table: str) -> int:
        if table not in TABLES:
            raise ValueError(f"no table {table!r}")
        if table in _TALLIED:
            found: int = self._all("SELECT n FROM tallies WHERE name = ?", (table,))[0][0]
        else:
            found = self._all(f"SELECT count(*) FROM {table}")[0][0]
        return found

    def count_dead(self) -> int:
        found: int = self._all("SELECT count(*) FROM runs WHERE dead")[0][0]
        return found

    def close(self) -> None:
        self._db.close()
