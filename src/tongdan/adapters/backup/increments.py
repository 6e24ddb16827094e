"""What has come to a shard since the last backup: the new rows of its journal, and what follows from them.

The journal is append-only, so everything else that may have changed can be found from its new rows: states and salts
of the aggregates they are about, names and effects they brought, wake-ups they set. Small tables are taken whole. If
rows may have left the file since (a slot moved, slot-days were archived), there is no increment but a whole copy.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from tongdan.adapters.backup.manifest import Manifest, Part
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.keys import subject_of
from tongdan.domain.kernel.slots import digest
from tongdan.ports import JournalColumns, StoreFailure

AT_ONCE: Final = 5_000  # rows in memory
PAGE_BYTES: Final = 1_024  # most tables of an increment hold a few rows or none
NAMING: Final = frozenset({"OrderAnnounced", "OrderCreated"})  # facts that bring a name
SETTLED: Final = ("active", "away")  # slots that are not on the move
_BY_KEY: Final = ("states", "subjects", "names", "effects")
_BY_TIME: Final = ("inbox", "watermarks", "counters")
_SMALL: Final = ("heads", "runs", "cursors", "quarantine", "parked", "owner", "tallies")
_DERIVED: Final = ("wakeups", "cuts")  # from the journal; with the archive, for which the shape stands
_FOLLOWED: Final = frozenset({"journal", *_BY_KEY, *_BY_TIME, *_SMALL, *_DERIVED})
_PLACES: Final = {name: 1 + at for at, name in enumerate(JournalColumns._fields)}
_US: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

Row = tuple[Any, ...]


def standing(db: apsw.Connection) -> dict[str, Any]:
    """What a part says of where the shard stands, by the names of its fields."""
    pos, last = next(iter(db.execute("SELECT pos, hash FROM journal ORDER BY pos DESC LIMIT 1")), (0, b""))
    reacted = db.execute("SELECT slot, epoch, seq FROM cursors WHERE subscriber = 'reactions'")
    return {
        "pos": pos,
        "last": last.hex(),
        "shape": _shape(db),
        "heads": {
            slot: (epoch, seq, hash_.hex()) for slot, epoch, seq, hash_ in db.execute("SELECT * FROM heads")
        },
        "reacted": {slot: (epoch, seq) for slot, epoch, seq in reacted},
    }


def tables_of(db: apsw.Connection) -> list[str]:
    return [
        name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    ]


def _shape(db: apsw.Connection) -> str:
    """A digest of the file's format and of every table that tells of rows coming or leaving otherwise than by facts."""
    whole = blake2b(str(db.pragma("user_version")).encode(), digest_size=16)
    for table in tables_of(db):
        if table not in _FOLLOWED:
            rows = sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            whole.update(f"{table}{rows!r}".encode())
    return whole.hexdigest()


def follows(db: apsw.Connection, before: Part) -> bool:
    """Whether an increment on `before` says all: the same file, gone on, from which nothing has left."""
    moving = f"SELECT count(*) FROM slots WHERE state NOT IN {SETTLED}"
    if _shape(db) != before.shape or next(iter(db.execute(moving)))[0]:
        return False
    found = next(iter(db.execute("SELECT hash FROM journal WHERE pos = ?", (before.pos,))), None)
    return found is not None and bool(found[0].hex() == before.last)


# ---- there


def write_increment(db: apsw.Connection, file: Path, shard: int, before: Manifest, at: datetime) -> int:
    """Write to `file` what the shard has had since the backup `before`; how many journal rows that are."""
    since, pos = before.at, before.shards[shard].pos
    delta = apsw.Connection(str(file))
    delta.pragma("page_size", PAGE_BYTES)
    delta.pragma("synchronous", "off")  # whoever gives the backup its name has synced it
    try:
        with delta:
            small = [table for table in _SMALL if table in tables_of(db)]
            for table in ("journal", *_BY_KEY, *_BY_TIME, *small):
                _like(db, delta, table)
            since_us = min(_us(since), _us(at))
            rows = 0
            for chunk in _chunks(db.execute("SELECT * FROM journal WHERE pos > ? ORDER BY pos", (pos,))):
                rows += len(chunk)
                since_us = min(since_us, *(row[_PLACES["recorded_us"]] for row in chunk))
                _put(delta, "journal", chunk)
                for table, keys in _keys_of(chunk).items():
                    _copy_keys(db, delta, table, keys)
            for table in small:
                _copy(db, delta, table)
            _copy(db, delta, "inbox", "at_us >= ?", (since_us,))
            _copy(
                db,
                delta,
                "counters",
                "day >= ?",
                ((business_day(since) - timedelta(days=1)).strftime("%Y%m%d"),),
            )
            reacted = before.reacted
            _put(
                delta,
                "watermarks",
                (row for row in db.execute("SELECT * FROM watermarks") if _moved(row, reacted)),
            )
    finally:
        delta.close()
    return rows


def _keys_of(chunk: list[Row]) -> dict[str, set[Any]]:
    """table → keys of the rows that these journal rows may have changed."""
    keys: dict[str, set[Any]] = {table: set() for table in _BY_KEY}
    for row in chunk:
        slot, epoch, seq, agg = row[1:5]
        keys["states"].add(agg)
        keys["subjects"].add(subject_of(agg))
        emitted = len(row[_PLACES["effects"]]) // 16
        keys["effects"].update(f"{slot}.{epoch}.{seq}.{ordinal}" for ordinal in range(emitted))
        if row[_PLACES["fact"]] in NAMING:
            told = msgspec.msgpack.decode(row[_PLACES["body"]])
            keys["names"].add(digest(told["channel"], told["shop"], told["native"]))
    return keys


def _moved(watermark: Row, reacted: Mapping[int, tuple[int, int]]) -> bool:
    """Everything up to the relay's cursor had been reacted to: a watermark that lies further may have moved since."""
    source, _, _, epoch, seq, _ = watermark
    return (epoch, seq) > reacted.get(source, (0, 0))


def _like(db: apsw.Connection, delta: apsw.Connection, table: str) -> None:
    """A table with the same columns and no key: a row may stand in it twice, and replaces itself when it is applied."""
    columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
    delta.execute(f"CREATE TABLE {table} ({', '.join(columns)})")


def _copy(db: apsw.Connection, to: apsw.Connection, table: str, where: str = "1", values: Row = ()) -> None:
    for chunk in _chunks(db.execute(f"SELECT * FROM {table} WHERE {where}", values)):
        _put(to, table, chunk)


def _copy_keys(db: apsw.Connection, to: apsw.Connection, table: str, keys: set[Any]) -> None:
    column = {"states": "agg", "subjects": "subject", "names": "digest", "effects": "id"}[table]
    found = db.executemany(f"SELECT * FROM {table} WHERE {column} = ?", [(key,) for key in sorted(keys)])
    _put(to, table, found)


def _put(to: apsw.Connection, table: str, rows: Iterable[Row]) -> None:
    for chunk in _chunks(rows):
        to.executemany(f"REPLACE INTO {table} VALUES ({', '.join('?' * len(chunk[0]))})", chunk)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


# ---- and back


def apply_increment(db: apsw.Connection, file: Path) -> None:
    """Bring a shard file from the backup before to this one. Raises StoreFailure."""
    delta = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        with db:
            for chunk in _chunks(delta.execute("SELECT * FROM journal ORDER BY pos")):
                _append(db, chunk)
            for table in tables_of(delta):
                if table in _SMALL:
                    db.execute(f"DELETE FROM {table}")
                if table != "journal":
                    _copy(delta, db, table)
    except apsw.Error as error:
        raise StoreFailure(f"{file.name}: {error}") from error
    finally:
        delta.close()


def _append(db: apsw.Connection, rows: list[Row]) -> None:
    """Journal rows, and with them what they ended: effects, and the wake-up that each aggregate had before."""
    last = {row[_PLACES["agg"]]: row[_PLACES["wake_us"]] for row in rows}
    for agg in last:
        had = db.execute(
            "SELECT wake_us FROM journal WHERE agg = ? ORDER BY pos DESC LIMIT 1", (agg,)
        ).fetchall()
        if had and had[0][0] is not None:
            db.execute("DELETE FROM wakeups WHERE due_us = ? AND agg = ?", (had[0][0], agg))
    _put(db, "journal", rows)
    _put(db, "wakeups", [(due_us, agg) for agg, due_us in last.items() if due_us is not None])
    closed = [(id,) for row in rows for id in row[_PLACES["closes"]].split()]
    db.executemany("DELETE FROM effects WHERE id = ?", closed)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _US
