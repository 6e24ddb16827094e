"""Promises of backups: one moment over all shards while writing goes on, increments that rebuild exactly what a whole
copy holds, and nothing taken for a backup that is none.
"""

import random
import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.flow.parties import count, detail, everybody, pay, place, say
from tests.flow.rig import SHARDS, Rig, findings, opened, shard_file, virtual
from tests.flow.test_archive import FULL, archived, two_days

from tongdan.adapters.backup.cut import consistent_cut
from tongdan.adapters.backup.folder import at_or_before, backups, chain, rebuild, take, thin_out
from tongdan.adapters.backup.manifest import Manifest
from tongdan.adapters.backup.restoring import MARK, Restoring, refuse_unfinished
from tongdan.domain.orders.commands import CancelOrder, RequestPayment
from tongdan.ports import Clock, StoreFailure


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def files_of(data: Path) -> list[Path]:
    return [shard_file(data, n) for n in range(SHARDS)]


def backed_up(data: Path, folder: Path, clock: Clock, *, adding: bool = False) -> Manifest:
    (data / "policies").mkdir(exist_ok=True)
    return take(data, files_of(data), folder, clock, ["mark"], adding=adding, progress=quiet)


def rebuilt(folder: Path, manifest: Manifest, to: Path) -> Path:
    to.mkdir()
    rebuild(folder, chain(backups(folder), manifest), to, quiet)
    return to


def tables(data: Path) -> dict[str, list[Any]]:
    """Every row of every table of every shard."""
    found = {}
    for file in files_of(data):
        with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                found[f"{file.name}/{name}"] = sorted(
                    db.execute(f"SELECT * FROM {name}").fetchall(), key=repr
                )
    return found


async def bustle(rig: Rig, chance: random.Random, known: list[str]) -> None:
    """Something of everything that writes rows."""
    for _ in range(chance.randint(1, 12)):
        match chance.randint(0, 5):
            case 0:
                known.append(
                    (await rig.accepted(place(f"N-{len(known)}", buyer=f"U{chance.random()}"))).aggregate
                )
            case 1:
                await rig.ask(say(f"5{chance.randint(0, 30)}", "paid"))
            case 2 if known:
                await rig.ask(RequestPayment(order=chance.choice(known), method="wechat"))
            case 3 if known:
                await rig.ask(pay(chance.choice(known), f"T-{chance.random()}"))
            case 4 if known:
                await rig.ask(CancelOrder(order=chance.choice(known), reason="no"))
            case _:
                await rig.ask(detail(f"5{chance.randint(0, 30)}"))
    await rig.clock.sleep(chance.choice([0, 0.01, 1, 2_000]))


# ---- one moment


@virtual
async def test_a_cut_shows_one_moment_however_much_is_written_afterwards(
    clock: Clock, tmp_path: Path
) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(1_000))
        known: list[str] = []
        for seed in range(5):
            await bustle(rig, random.Random(seed), known)
        before = tables(data)
        with consistent_cut(files_of(data), clock) as cut:
            for seed in range(20):
                await bustle(rig, random.Random(100 + seed), known)
            assert tables(data) != before
            for n, db in enumerate(cut.shards):
                copy = apsw.Connection(str(shard_file(tmp_path, n)))
                with closing(copy), copy.backup("main", db, "main") as backup:
                    while not backup.done:
                        backup.step(1)
                        if backup.remaining % 40 == 0:
                            await bustle(rig, random.Random(backup.remaining), known)
        assert tables(tmp_path) == before
        assert backed_up(data, folder, clock).rows == sum(
            len(store.journal_after(0, 10**6)) for store in rig.readers
        )


@virtual
async def test_writers_wait_for_the_cut_and_then_go_on(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        with consistent_cut(files_of(tmp_path / "data"), clock):
            await rig.accepted(place("A-1"))
        assert backed_up(tmp_path / "data", tmp_path / "backups", clock).held_ms < 1_000


# ---- increments


@pytest.mark.parametrize("seed", range(12))
@virtual
async def test_increments_rebuild_what_a_whole_copy_holds(clock: Clock, tmp_path: Path, seed: int) -> None:
    data, adding, whole = tmp_path / "data", tmp_path / "adding", tmp_path / "whole"
    chance = random.Random(seed)
    async with opened(data, clock, actors=everybody(clock)) as rig:
        known: list[str] = []
        await rig.accepted(count(5))
        pairs = []
        for n in range(6):
            await bustle(rig, chance, known)
            pairs.append((backed_up(data, adding, clock, adding=True), backed_up(data, whole, clock)))
            assert pairs[-1][0].previous or not n
            await clock.sleep(0.5)
        for n, (added, copied) in enumerate(pairs):
            of_increments = tables(rebuilt(adding, added, tmp_path / f"a{n}"))
            assert of_increments == tables(rebuilt(whole, copied, tmp_path / f"w{n}"))
            assert findings(tmp_path / f"a{n}") == []
        assert 3 * pairs[-1][0].bytes < pairs[-1][1].bytes


@virtual
async def test_an_increment_of_what_did_not_go_on_is_a_whole_copy(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    async with opened(data, clock) as rig:
        await rig.accepted(place("A-1"))
        backed_up(data, folder, clock)
        await clock.sleep(1)
    other = tmp_path / "other"
    async with opened(other, clock) as rig:
        await rig.accepted(place("B-1"))
        await rig.accepted(place("B-2"))
        added = backed_up(other, folder, clock, adding=True)
        assert [part.whole for part in added.shards] == [True] * SHARDS
        assert added.previous == ""
        assert tables(rebuilt(folder, added, tmp_path / "back")) == tables(other)


@virtual
async def test_rows_that_leave_the_file_call_for_a_whole_copy(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    async with opened(data, clock) as rig:
        for n in range(20):
            await rig.accepted(say(f"5{n}"))
        backed_up(data, folder, clock)
        await clock.sleep(1)
        with closing(apsw.Connection(str(shard_file(data, 2)))) as db:
            db.execute("INSERT INTO slots VALUES (6, 'sealed', 1, 'move-1')")
        added = backed_up(data, folder, clock, adding=True)
        assert [part.whole for part in added.shards] == [False, False, True, False]
        assert tables(rebuilt(folder, added, tmp_path / "back")) == tables(data)


@virtual
async def test_days_that_have_left_the_journal_come_back_with_their_files(
    clock: Clock, tmp_path: Path
) -> None:
    data, folder, back = tmp_path / "data", tmp_path / "backups", tmp_path / "back"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        await two_days(rig, clock)
        backed_up(data, folder, clock)
        await clock.sleep(1)
        assert await archived(rig) > 0
        added = backed_up(data, folder, clock, adding=True)
        expected = tables(data)
    touched = [bool(expected[f"shard-{n}.sqlite/archives"]) for n in range(SHARDS)]
    assert [part.whole for part in added.shards] == touched
    assert tables(rebuilt(folder, added, back)) == expected
    files = {path.relative_to(data) for path in (data / "archive").rglob("*.parquet")}
    assert files
    assert {path.relative_to(back) for path in (back / "archive").rglob("*.parquet")} == files
    assert findings(back, FULL) == []
    kept = next((folder / "archive").iterdir())
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(StoreFailure, match="is missing or was changed"):
        rebuilt(folder, added, tmp_path / "again")


# ---- which is which


@virtual
async def test_an_instant_is_the_last_backup_before_it(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    made: list[Manifest] = []
    async with opened(data, clock) as rig:
        for n in range(4):
            await rig.accepted(place(f"A-{n}"))
            made.append(backed_up(data, folder, clock, adding=True))
            await clock.sleep(60)
    assert backups(folder) == made
    chosen = [at_or_before(made, made[2].at + timedelta(seconds=seconds)) for seconds in (-1, 0, 59, 61)]
    assert chosen == [made[1], made[2], made[2], made[3]]
    assert at_or_before(made, made[0].at - timedelta(seconds=1)) is None
    assert at_or_before(made, None) == made[3]


@virtual
async def test_old_backups_go_with_all_that_adds_to_them(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    made = []
    async with opened(data, clock) as rig:
        for n in range(7):
            await rig.accepted(place(f"A-{n}"))
            made.append(backed_up(data, folder, clock, adding=n % 3 > 0))
            await clock.sleep(1)
    assert thin_out(folder, 0) == []
    assert thin_out(folder, 3) == []
    assert thin_out(folder, 2) == [each.name for each in made[:3]]
    assert backups(folder) == made[3:]
    rebuilt(folder, made[5], tmp_path / "back")


# ---- what is none


@virtual
async def test_a_changed_missing_or_unfinished_backup_is_never_restored(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    async with opened(data, clock) as rig:
        await rig.accepted(place("A-1"))
        first = backed_up(data, folder, clock)
        await clock.sleep(1)
        await rig.accepted(place("A-2"))
        second = backed_up(data, folder, clock, adding=True)
    for manifest, n in ((first, 0), (second, 3)):
        part = folder / manifest.name / manifest.shards[n].file
        kept = part.read_bytes()
        part.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(StoreFailure, match="is missing or was changed"):
            rebuilt(folder, second, tmp_path / f"changed-{n}")
        part.unlink()
        with pytest.raises(StoreFailure, match="is missing or was changed"):
            rebuilt(folder, second, tmp_path / f"missing-{n}")
        part.write_bytes(kept)
    (folder / second.name).rename(folder / f".unfinished-{second.name}")
    assert backups(folder) == [first]
    (folder / f".unfinished-{second.name}").rename(folder / second.name)
    shutil.rmtree(folder / first.name)
    with pytest.raises(StoreFailure, match="which is missing"):
        rebuilt(folder, second, tmp_path / "no-base")


@virtual
async def test_a_backup_that_fails_leaves_nothing_behind(clock: Clock, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    async with opened(data, clock) as rig:
        await rig.accepted(place("A-1"))

        def full(done: int, total: int) -> None:
            raise OSError(28, "No space left on device")

        (data / "policies").mkdir()
        with pytest.raises(StoreFailure, match="No space left"):
            take(data, files_of(data), folder, clock, [], adding=False, progress=full)
        assert [each.name for each in folder.iterdir()] == ["lock"]
        await rig.accepted(place("A-2"))


@virtual
async def test_files_that_stay_locked_are_given_up(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongdan.adapters.backup.cut.LOCK_WITHIN_MS", 20)
    data = tmp_path / "data"
    async with opened(data, clock):
        with closing(apsw.Connection(str(shard_file(data, 3)))) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreFailure, match="stayed locked"):
                backed_up(data, tmp_path / "backups", clock)
        backed_up(data, tmp_path / "backups", clock)


@virtual
async def test_two_backups_at_once_do_not_disturb_each_other(clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    async with opened(tmp_path / "data", clock):

        def meanwhile(done: int, total: int) -> None:
            with pytest.raises(StoreFailure, match="is under way"):
                backed_up(tmp_path / "data", folder, clock)

        (tmp_path / "data" / "policies").mkdir()
        made = take(
            tmp_path / "data",
            files_of(tmp_path / "data"),
            folder,
            clock,
            [],
            adding=False,
            progress=meanwhile,
        )
    assert backups(folder) == [made]


# ---- where it may go


@pytest.mark.parametrize(
    ("there", "keys", "says"),
    [
        (["orders.txt"], ["mark"], "is not empty (orders.txt)"),
        (["shard-0.sqlite"], ["mark"], "is not empty (shard-0.sqlite)"),
        (["master.key"], ["another"], "is not the key of this backup"),
        ([], [], "is not the key of this backup"),
    ],
)
@virtual
async def test_a_restore_refuses_before_it_writes(
    clock: Clock, tmp_path: Path, there: Sequence[str], keys: list[str], says: str
) -> None:
    async with opened(tmp_path / "data", clock):
        backed_up(tmp_path / "data", tmp_path / "backups", clock)
    to = tmp_path / "to"
    to.mkdir()
    for name in there:
        (to / name).write_text("kept")
    with pytest.raises(StoreFailure) as refused:
        Restoring(tmp_path / "backups", None, to, keys)
    assert says in str(refused.value)
    assert {each.name: each.read_text() for each in to.iterdir()} == dict.fromkeys(there, "kept")


@virtual
async def test_a_restore_that_was_cut_off_is_not_served_and_begins_anew(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(place("A-1"))
        backed_up(tmp_path / "data", tmp_path / "backups", clock)
    to = tmp_path / "to"
    to.mkdir()
    Restoring(tmp_path / "backups", None, to, ["mark"]).build(clock.now(), quiet)
    assert (to / MARK).exists()
    with pytest.raises(StoreFailure, match="was cut off"):
        refuse_unfinished(to)
    again = Restoring(tmp_path / "backups", None, to, ["mark"])
    again.build(clock.now(), quiet)
    again.finish()
    refuse_unfinished(to)
    assert findings(to) == []


@virtual
async def test_whatever_was_outstanding_counts_as_tried(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        for n in range(3):
            await rig.accepted(say(f"50{n}", "created"))
            await rig.accepted(say(f"50{n}", "paid"))
        outstanding = {effect.id for store in rig.readers for effect, _ in store.outstanding()}
        assert len(outstanding) >= 6
        backed_up(tmp_path / "data", tmp_path / "backups", clock)
    to = tmp_path / "to"
    to.mkdir()
    Restoring(tmp_path / "backups", None, to, ["mark"]).build(clock.now(), quiet)
    tried: dict[Any, Any] = {}
    for file in files_of(to):
        with closing(apsw.Connection(str(file))) as db:
            tried.update({row[0]: row[1] for row in db.execute("SELECT id, tries FROM runs")})
    assert tried.keys() == outstanding
    assert min(tried.values()) >= 1
