"""The check: clean on a directory that has seen much, and for one planted change in any column it names the row."""

import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.flow.parties import count, deliver, everybody, pay, place_and_pay, say, settle
from tests.flow.parties import place as place_order
from tests.flow.rig import NOON, SHARDS, findings, findings_of, opened, shard_file, virtual

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.messages import ReplayEffect, SkipEffect
from tongdan.domain.orders.commands import CancelOrder, PlaceHold, RequestPayment
from tongdan.flow.placement import ACTIVE, AWAY, GONE, INCOMING, READY, SEALED
from tongdan.flow.verify import check_places
from tongdan.ports import Clock, EffectColumns, JournalColumns, NotUnderstood, SlotRow, StateColumns
from tongdan.profile import verify_data

WAKEUP_COLUMNS = ("agg", "due_us")
COLUMNS = [
    *[("journal", column) for column in JournalColumns._fields],
    *[("states", column) for column in StateColumns._fields],
    *[("effects", column) for column in EffectColumns._fields],
    *[("wakeups", column) for column in WAKEUP_COLUMNS],
]
KEYS = {"journal": ("slot", "epoch", "seq"), "states": ("agg",), "effects": ("id",), "wakeups": ("agg",)}
NAMES = {"journal": "journal row", "states": "state of", "effects": "effect", "wakeups": "wake-up of"}


async def live_a_little(clock: Clock, data: Path) -> None:
    """Orders on their way and at their end, dead letters, an outage, withdrawn and waiting effects, deadlines."""
    partners = everybody(clock)
    channel, provider, _, finance = partners
    async with opened(data, clock, actors=partners) as rig:
        await rig.accepted(count(30), raw=b"<count/>")
        settled = [await place_and_pay(rig, f"A-{n}") for n in range(3)]
        for order in settled:
            await deliver(rig, order)
            await settle(rig, order)
        pushed = [(await rig.accepted(say(str(n)), raw=b"[{}]")).aggregate for n in range(5001, 5005)]
        await rig.quiet()
        await deliver(rig, pushed[0])
        finance.next.extend([finance.never, finance.never, finance.never])
        dead = [await place_and_pay(rig, f"B-{n}") for n in range(3)]
        await clock.sleep(10)
        letters = rig.reads.dead_letters()
        assert len(letters) == 3
        await rig.accepted(SkipEffect(effect=letters[0].effect, reason="told by phone"))
        await rig.accepted(ReplayEffect(effect=letters[1].effect, reason="mended"))
        await rig.accepted(PlaceHold(order=(await rig.accepted(place_order("C-0"))).aggregate, hold="review"))
        for partner in (channel, provider, finance):
            partner.otherwise = partner.down
        for n in range(6):
            order = (await rig.accepted(place_order(f"D-{n}", buyer=f"user-{n}"), raw=b"{}")).aggregate
            await rig.quiet()
            await rig.accepted(RequestPayment(order=order, method="wechat"))
        await rig.accepted(pay(order, "T-D"), raw=b"<paid/>")
        cancelled = (await rig.accepted(place_order("E-0"))).aggregate
        await rig.quiet()
        await rig.accepted(RequestPayment(order=cancelled, method="wechat"))
        await rig.accepted(CancelOrder(order=cancelled, reason="changed my mind"), raw=b"{}")
        await rig.accepted(say("6001"), raw=b"[{}]")
        await rig.submit(NotUnderstood(source="channel/douyin", reason="?", raw=b"?"))
        await clock.sleep(2)
        rows = rig.rows()
        assert len(dead) == 3
        assert rows["effects"] >= 8
        assert rows["wakeups"] >= 8
        assert rows["runs"] >= 5


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("lived-in") / "data"
    run_virtual(lambda clock: live_a_little(clock, data), NOON)
    for shard in range(SHARDS):
        with closing(sqlite3.connect(shard_file(data, shard))) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that all of a shard is in its one file
    return data


Row = dict[str, Any]


class Harm:
    """One shard's file, copied to do harm to."""

    def __init__(self, lived_in: Path, tmp_path: Path, shard: int) -> None:
        self.shard = shard
        self.file = shard_file(tmp_path, shard)
        shutil.copy(shard_file(lived_in, shard), self.file)

    def sql(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.file)) as db, db:
            assert db.execute(statement, values).rowcount >= 1, statement

    def places(self) -> list[str]:
        """Where a check finds something."""
        return [finding.where for finding in findings_of(self.file, self.shard)]


def rows_of(data: Path, table: str) -> list[tuple[int, Row]]:
    """(shard, row) of all rows of a table."""
    found: list[tuple[int, Row]] = []
    for shard in range(SHARDS):
        with closing(sqlite3.connect(shard_file(data, shard))) as db:
            db.row_factory = sqlite3.Row
            found += [(shard, dict(row)) for row in db.execute(f"SELECT * FROM {table}")]
    return found


def place(table: str, row: Row) -> str:
    """How a finding names a row."""
    return f"{NAMES[table]} {'.'.join(str(row[key]) for key in KEYS[table])}"


def update(harm: Harm, table: str, row: Row, column: str, value: Any) -> None:
    keys = " AND ".join(f"{key} = ?" for key in KEYS[table])
    harm.sql(f"UPDATE {table} SET {column} = ? WHERE {keys}", value, *[row[key] for key in KEYS[table]])


def changed(column: str, value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    return 1


def emptied(column: str, value: Any) -> Any:
    if column in ("person", "raw", "wake_us"):
        return None
    return type(value)()


def retyped(column: str, value: Any) -> Any:
    return value.encode() if isinstance(value, str) else "text"


# ---- clean


def test_a_directory_that_has_seen_much_is_clean(lived_in: Path) -> None:
    assert findings(lived_in) == []


def test_the_whole_check_counts_what_it_read_and_tells_of_its_progress(lived_in: Path) -> None:
    told: list[tuple[int, int]] = []
    report = verify_data(lived_in, workers=2, progress=lambda done, total: told.append((done, total)))
    assert report.clean
    rows = {table: len(rows_of(lived_in, table)) for table in ("journal", "states", "effects", "wakeups")}
    assert report.rows == rows["journal"]
    assert sum(shard.aggregates for shard in report.shards) == rows["states"]
    assert sum(shard.effects for shard in report.shards) == rows["effects"]
    assert sum(shard.wakeups for shard in report.shards) == rows["wakeups"]
    assert told[-1] == (2 * rows["journal"], 2 * rows["journal"])
    assert told == sorted(told)
    heads = {
        row["slot"]: f"{row['epoch']}.{row['seq']}:{row['hash'].hex()}"
        for _, row in rows_of(lived_in, "heads")
    }
    assert report.heads == heads


@virtual
async def test_the_check_runs_beside_a_working_centre(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(100))
        for n in range(5):
            messages = [rig.inbound(place_order(f"A-{n}-{m}")) for m in range(5)]
            assert rig.bus.submit(messages, lambda replies: None) is None
            for _ in range(4):
                assert findings(tmp_path / "data") == []
                await clock.sleep(0.001)
        await rig.quiet()
        assert findings(tmp_path / "data") == []
        assert rig.rows()["names"] == 25


# ---- one change in every column


@pytest.mark.parametrize("how", [changed, emptied, retyped])
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_planted_change_is_found_and_its_row_named(
    lived_in: Path, tmp_path: Path, table: str, column: str, how: Any
) -> None:
    candidates = [
        (shard, row, how(column, row[column]))
        for shard, row in rows_of(lived_in, table)
        if row[column] is not None and how(column, row[column]) != row[column]
    ]
    assert candidates or (how, column) == (emptied, "closes")
    for shard, row, value in random.Random(f"{table}.{column}").sample(candidates, min(2, len(candidates))):
        harm = Harm(lived_in, tmp_path, shard)
        update(harm, table, row, column, value)
        names = {place(table, row), place(table, row | {column: value})}
        found = harm.places()
        assert names & set(found), f"{row[column]!r} → {value!r}: {found}"


NULLABLE = [("journal", "person"), ("journal", "raw"), ("journal", "wake_us"), ("states", "person")]


@pytest.mark.parametrize(("table", "column"), NULLABLE)
def test_a_value_planted_where_there_was_none_is_found(
    lived_in: Path, tmp_path: Path, table: str, column: str
) -> None:
    shard, row = next((shard, row) for shard, row in rows_of(lived_in, table) if row[column] is None)
    harm = Harm(lived_in, tmp_path, shard)
    update(harm, table, row, column, 1 if column == "wake_us" else b"planted")
    assert place(table, row) in harm.places()


def test_positions_may_have_gaps(lived_in: Path, tmp_path: Path) -> None:
    """A slot that came from another shard lies where there was room."""
    for shard in range(SHARDS):
        harm = Harm(lived_in, tmp_path, shard)
        harm.sql("UPDATE journal SET pos = -1 - pos")
        harm.sql("UPDATE journal SET pos = -1 - pos * 3")
        assert harm.places() == []


# ---- rows that are gone, new, or exchanged


@pytest.mark.parametrize("table", list(KEYS))
def test_a_missing_row_is_found(lived_in: Path, tmp_path: Path, table: str) -> None:
    rows = rows_of(lived_in, table)
    for shard, row in [rows[0], rows[-1], *random.Random(table).sample(rows, 3)]:
        harm = Harm(lived_in, tmp_path, shard)
        harm.sql(
            f"DELETE FROM {table} WHERE " + " AND ".join(f"{key} = ?" for key in KEYS[table]),
            *[row[key] for key in KEYS[table]],
        )
        found = harm.places()
        if table == "journal":
            after = place(table, row | {"seq": row["seq"] + 1})
            assert after in found or f"head of slot {row['slot']}" in found
        else:
            assert place(table, row) in found


def test_the_only_row_of_a_slot_that_is_missing_is_found(lived_in: Path, tmp_path: Path) -> None:
    rows = rows_of(lived_in, "journal")
    lone = [(shard, row) for shard, row in rows if sum(r["slot"] == row["slot"] for _, r in rows) == 1]
    shard, row = lone[0]
    harm = Harm(lived_in, tmp_path, shard)
    harm.sql("DELETE FROM journal WHERE slot = ?", row["slot"])
    harm.sql("DELETE FROM heads WHERE slot = ?", row["slot"])
    assert f"state of {row['agg']}" in harm.places()


@pytest.mark.parametrize("table", list(KEYS))
def test_an_inserted_row_is_found(lived_in: Path, tmp_path: Path, table: str) -> None:
    shard, row = rows_of(lived_in, table)[0]
    keys: dict[str, Row] = {
        "journal": {"pos": 1_000_000},
        "states": {"agg": "DY20260127999992"},
        "effects": {"id": "1.1.999.0"},
        "wakeups": {"agg": "DY20260127999992"},
    }
    new = row | keys[table]
    harm = Harm(lived_in, tmp_path, shard)
    harm.sql(f"INSERT INTO {table} ({', '.join(new)}) VALUES ({', '.join('?' * len(new))})", *new.values())
    assert place(table, new) in harm.places()


@pytest.mark.parametrize(
    ("table", "columns"),
    [("journal", "pos"), ("journal", "body"), ("states", "body"), ("effects", "body"), ("wakeups", "due_us")],
)
def test_swapped_rows_are_found(lived_in: Path, tmp_path: Path, table: str, columns: str) -> None:
    def group(shard: int, row: Row) -> Any:
        return row["slot"] if table == "journal" else shard

    rows = rows_of(lived_in, table)
    first, second = next(
        (one, other)
        for one in rows
        for other in rows
        if group(*one) == group(*other) and one[1][columns] != other[1][columns]
    )
    harm = Harm(lived_in, tmp_path, first[0])
    if columns == "pos":
        update(harm, table, first[1], columns, -1)
    update(harm, table, second[1], columns, first[1][columns])
    update(harm, table, first[1], columns, second[1][columns])
    found = harm.places()
    assert place(table, first[1]) in found or place(table, second[1]) in found


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE heads SET seq = seq + 1", "head of slot "),
        ("UPDATE heads SET hash = x'00'", "head of slot "),
        ("DELETE FROM heads", "head of slot "),
        ("UPDATE names SET id = 'DY20260127999992'", "name "),
        ("DELETE FROM names", "name "),
        ("UPDATE runs SET dead = 1 - dead", "run of effect "),
        ("UPDATE runs SET id = id || '9'", "run of effect "),
    ],
)
def test_the_tables_that_serve_the_loop_are_checked_too(
    lived_in: Path, tmp_path: Path, statement: str, where: str
) -> None:
    found = []
    for shard in range(SHARDS):
        harm = Harm(lived_in, tmp_path, shard)
        with closing(sqlite3.connect(harm.file)) as db, db:
            touched = db.execute(statement).rowcount
        here = [place for place in harm.places() if place.startswith(where)]
        assert len(here) >= min(touched, 1)
        found += here
    assert found


# ---- a byte of the file


@pytest.mark.parametrize("harm", [b"", b"torn" * 4_096], ids=["empty", "torn"])
def test_a_file_that_is_no_database_is_a_finding(lived_in: Path, tmp_path: Path, harm: bytes) -> None:
    data = tmp_path / "data"
    shutil.copytree(lived_in, data)
    for file in data.glob("shard-2.sqlite*"):
        file.unlink()
    shard_file(data, 2).write_bytes(harm)
    report = verify_data(data, workers=1)
    assert not report.clean
    assert {finding.shard for finding in report.findings} == {2}
    assert report.findings[0].where == "file of shard 2"


def test_a_flipped_byte_anywhere_is_a_finding_and_never_an_accident(lived_in: Path, tmp_path: Path) -> None:
    """Whatever the flip does (unreadable page, invalid text, another value), the check ends and says so."""
    chance = random.Random("flips")
    told = 0
    for n in range(80):
        harm = Harm(lived_in, tmp_path, n % SHARDS)
        raw = bytearray(harm.file.read_bytes())
        at = chance.randrange(100, len(raw))
        raw[at] ^= 1 << chance.randrange(8)
        before, after = checked_rows(harm.file), None
        harm.file.write_bytes(raw)
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            after = checked_rows(harm.file)
        found = harm.places()
        assert found or after == before, f"byte {at} of shard {harm.shard}"
        told += bool(found)
    assert told > 12


def checked_rows(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as db:
        return [
            list(db.execute(f"SELECT * FROM {table}"))
            for table in ("journal", "states", "effects", "wakeups", "heads", "names")
        ]


# ---- across shards


def test_every_slot_lies_in_exactly_one_shard() -> None:
    def told(*rows: tuple[int, str, int]) -> list[str]:
        """(shard, state, peer) of slot 5, whose home is shard 1."""
        places = [(shard, SlotRow(5, state, peer, "m")) for shard, state, peer in rows]
        return [finding.what for finding in check_places(places, SHARDS)]

    assert told() == []
    for sound in (
        [(1, SEALED, 2), (2, INCOMING, 1)],
        [(1, SEALED, 2), (2, READY, 1)],
        [(1, GONE, 2), (2, READY, 1)],
        [(1, GONE, 2), (2, ACTIVE, 1)],
        [(1, AWAY, 2), (2, ACTIVE, 1)],
    ):
        assert told(*sound) == []
    assert told((2, ACTIVE, 1)) == ["lies in shards 1, 2, expected exactly one"]
    assert told((1, AWAY, 2)) == ["lies in no shard, expected exactly one"]
    assert told((1, GONE, 2), (2, INCOMING, 1)) == ["lies in no shard, expected exactly one"]


def test_rows_of_a_slot_that_lies_elsewhere_are_somebody_elses(lived_in: Path, tmp_path: Path) -> None:
    shard, row = rows_of(lived_in, "journal")[0]
    harm = Harm(lived_in, tmp_path, shard)
    update(harm, "journal", row, "shop", "changed")
    assert place("journal", row) in harm.places()
    harm.sql("INSERT INTO slots VALUES (?, ?, ?, ?)", row["slot"], GONE, (shard + 1) % SHARDS, "m")
    assert harm.places() == []
