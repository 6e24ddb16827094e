"""Old days of the journal go into files: no row is lost or doubled, and whoever asks for one finds it.

A rig lives a little, the clock goes on for weeks, and a copy without archive tells what everybody should still see.
"""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.flow.parties import PERSON, count, deliver, everybody, pay, place, place_and_pay, settle
from tests.flow.rig import NOON, SHARDS, Rig, as_after_a_crash, findings, opened, shard_file, virtual

from tongdan.adapters.anchors_file import AnchorsFile
from tongdan.adapters.archive_parquet import FOLDER, ParquetArchive
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.keys import stock_key
from tongdan.domain.kernel.policy import Deadlines
from tongdan.domain.orders.commands import ErasePerson, RequestPayment
from tongdan.flow import archive
from tongdan.flow.archive import Archiver
from tongdan.flow.daily import seconds_until
from tongdan.flow.sealing import Unsound
from tongdan.flow.upkeep import AT, Upkeep
from tongdan.flow.verify import PLAIN, Asked, anchored_of
from tongdan.ports import Clock, JournalRow

DAY_S = 86_400.0
ALL = 1_000_000  # units
FULL = Asked(full=True)


def archiver(rig: Rig) -> Archiver:
    return Archiver(
        rig.bus,
        ParquetArchive(rig.data / FOLDER),
        lambda n: SqliteShard(shard_file(rig.data, n), n, readonly=True),
        [rig.overview.positions],
        Deadlines().archive_after_s,
    )


async def two_days(rig: Rig, clock: Clock) -> list[str]:
    """Two orders delivered and settled on one day, one of the next day that is only paid; their ids."""
    await rig.accepted(count(30))
    orders = []
    for n in range(2):
        order = await place_and_pay(rig, f"A-{n}")
        await deliver(rig, order)
        await settle(rig, order)
        orders.append(order)
    await clock.sleep(DAY_S)
    orders.append(await place_and_pay(rig, "B-0"))
    await rig.quiet()
    rig.views.flush()
    return orders


def rows_of(rig: Rig) -> list[JournalRow]:
    """Every row anybody can ask for, in order of the chains."""
    return sorted(rig.reads.journal(), key=lambda row: (row.slot, row.epoch, row.seq))


async def archived(rig: Rig, until_s: float = 0.0) -> int:
    return await archiver(rig).run(business_day(NOON + timedelta(seconds=until_s)), units=ALL)


@virtual
async def test_a_day_leaves_the_journal_and_nothing_is_lost(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        first, _, third = await two_days(rig, clock)
        before, states, timeline = rows_of(rig), rig.state(first), rig.reads.timeline(first)
        then = rig.reads.as_of(first, timeline[3].recorded_at)
        old = sum(row.recorded_at < NOON + timedelta(hours=12) for row in before)
        live = rig.rows()["journal"]
        gone = await archived(rig)
        assert 0 < gone <= old < len(before)
        assert old - gone <= SHARDS  # the last row of a file stays
        assert rig.rows()["journal"] == live - gone
        assert rows_of(rig) == before
        assert rig.reads.timeline(first) == timeline
        assert rig.reads.as_of(first, timeline[3].recorded_at) == then
        assert rig.state(first) == states
        assert "OrderPaid" in rig.facts(third)
        assert await archived(rig) == 0
    assert findings(tmp_path / "data") == findings(tmp_path / "data", FULL) == []


@virtual
async def test_what_comes_later_goes_on_from_the_cut(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        orders = await two_days(rig, clock)
        await archived(rig)
        await settle(
            rig, orders[0], 1
        )  # differs from what was settled: a fact of an order that is archived whole
        await deliver(rig, orders[2])
        rig.views.flush()
        before = rows_of(rig)
        await clock.sleep(40 * DAY_S)
        await rig.quiet(60)
        rig.views.flush()
        assert await archived(rig, 35 * DAY_S) > 0
        assert [row for row in rows_of(rig) if row.recorded_at <= before[-1].recorded_at][:1]
        assert {row.hash for row in before} <= {row.hash for row in rows_of(rig)}
        versions = [row.version for row in rig.reads.timeline(orders[0]) if row.aggregate == orders[0]]
        assert versions == list(range(1, len(versions) + 1))
    assert findings(tmp_path / "data") == findings(tmp_path / "data", FULL) == []


@virtual
async def test_nothing_goes_that_reactions_or_views_have_not_read(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await two_days(rig, clock)
        positions = dict.fromkeys(range(SHARDS), 3)
        slow = Archiver(
            rig.bus,
            ParquetArchive(rig.data / FOLDER),
            lambda n: SqliteShard(shard_file(rig.data, n), n, readonly=True),
            [rig.overview.positions, lambda: positions],
            Deadlines().archive_after_s,
        )
        total = rig.rows()["journal"]
        gone = await slow.run(business_day(NOON), units=ALL)
        assert rig.rows()["journal"] == total - gone
        assert gone <= 3 * SHARDS
        positions.clear()
        assert await slow.run(business_day(NOON), units=ALL) == 0


POINTS = ("archive-written", "archive-published", "before-commit", "after-commit", "archive-pruned")


class Dead(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("passing", [1, 2, 5])
@virtual
async def test_a_crash_at_any_step_loses_and_doubles_nothing(
    clock: Clock, tmp_path: Path, point: str, passing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "UNIT_ROWS", 6)
    monkeypatch.setattr(archive, "PRUNE_ROWS", 3)
    passed = Counter[str]()
    armed: list[bool] = []
    copies: list[Path] = []

    def probe(at: str) -> None:
        passed[at] += bool(armed)
        if armed and at == point and passed[at] == passing:
            copies.append(as_after_a_crash(tmp_path / "data", tmp_path / "crashed"))

    async with opened(tmp_path / "data", clock, actors=everybody(clock), probe=probe) as rig:
        await two_days(rig, clock)
        before = rows_of(rig)
        armed.append(True)
        await archived(rig)
        armed.clear()
    assert copies, f"{point} was not passed {passing} times"
    assert findings(tmp_path / "crashed") == findings(tmp_path / "crashed", FULL) == []
    async with opened(tmp_path / "crashed", clock, actors=everybody(clock)) as rig:
        assert [row for row in rows_of(rig) if row.hash in {each.hash for each in before}] == before
        await archived(rig)
        assert [row for row in rows_of(rig) if row.hash in {each.hash for each in before}] == before
        files = {part.file for reader in rig.readers for part in reader.archived.parts()}
        lying = {str(path.relative_to(rig.data / FOLDER)) for path in (rig.data / FOLDER).rglob("*.parquet")}
        assert files == lying
    assert findings(tmp_path / "crashed") == findings(tmp_path / "crashed", FULL) == []


@virtual
async def test_a_journal_that_was_changed_is_not_archived(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        first, *_ = await two_days(rig, clock)
        store = next(reader for reader in rig.stores if reader.states([first]))
        store._db.execute("UPDATE journal SET shop = 'x' WHERE agg = ? AND ver = 1", (first,))
        rows = rig.rows()
        with pytest.raises(Unsound, match="journal row"):
            await archived(rig)
        after = rig.rows()
        assert after["archives"] == sum(reader.count("archives") for reader in rig.readers)
        assert first not in {
            cut.agg for reader in rig.readers for cut in reader.archived.cuts_after("", 1_000)
        }
        assert after["states"] == rows["states"]


@virtual
async def test_the_check_names_what_was_changed_around_the_archive(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        first, *_ = await two_days(rig, clock)
        await archived(rig)
        shard = next(reader.shard for reader in rig.readers if reader.states([first]))
        part = next(iter(rig.readers[shard].archived.ends().values()))
    assert findings(data) == findings(data, FULL) == []
    # (what is done to the shard, where the plain and the full check find it)
    harms = {
        "UPDATE states SET body = x'80' WHERE agg = ?": (f"state of {first}",) * 2,
        "UPDATE states SET ver = ver + 1 WHERE agg = ?": (f"state of {first}",) * 2,
        "DELETE FROM states WHERE agg = ?": (f"state of {first}",) * 2,
        "DELETE FROM cuts WHERE agg = ?": (f"state of {first}", f"cut of {first}"),
        "UPDATE cuts SET state = x'00' WHERE agg = ?": (f"state of {first}", f"cut of {first}"),
        "DELETE FROM names WHERE id = ?": ("name ", "name "),
        "UPDATE archives SET hash = x'00' WHERE ? != ''": ("journal row ", "archive part "),
        "UPDATE archives SET before = x'00' WHERE ? != ''": ("archive part ", "archive part "),
        "UPDATE archives SET digest = x'00' WHERE ? != ''": (None, "archive file "),
    }
    for statement, places in harms.items():
        hurt = as_after_a_crash(data, tmp_path / "hurt")
        with closing(sqlite3.connect(shard_file(hurt, shard))) as db, db:
            assert db.execute(statement, (first,)).rowcount >= 1, statement
        for asked, where in zip((PLAIN, FULL), places, strict=True):
            found = [finding.where for finding in findings(hurt, asked)]
            assert bool(found) == (where is not None), (statement, found)
            assert where is None or any(each.startswith(where) for each in found), (statement, found)
        shutil.rmtree(hurt)
    file = data / FOLDER / part.file
    content = file.read_bytes()
    for spoilt in (content[:-1], content[:100] + bytes([content[100] ^ 1]) + content[101:], b""):
        file.write_bytes(spoilt)
        assert findings(data) == []
        assert findings(data, FULL) != []
    file.unlink()
    assert [finding.where for finding in findings(data, FULL)] == [f"file of shard {shard}"]


@virtual
async def test_a_journal_that_was_exchanged_whole_does_not_agree_with_its_anchors(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        as_after_a_crash(tmp_path / "data", tmp_path / "empty")
        await two_days(rig, clock)
        anchors = AnchorsFile(tmp_path / "anchors")
        keeper = Upkeep(rig.bus, archiver(rig), anchors, Deadlines())
        keeper.anchor()
        await rig.accepted(count(7))
        keeper.anchor()
        await archived(rig)
    held = Asked(anchored=anchored_of(anchors.entries()))
    assert findings(tmp_path / "data", held) == []
    assert findings(tmp_path / "data", msgspec.structs.replace(held, full=True)) == []
    assert findings(tmp_path / "empty") == []
    ends = [finding for finding in findings(tmp_path / "empty", held) if "ends before row" in finding.what]
    assert len(ends) >= 3
    another = {place: (f"00{hash_[2:]}", day) for place, (hash_, day) in held.anchored.items()}
    told = {finding.what for finding in findings(tmp_path / "data", Asked(full=True, anchored=another))}
    assert told == {"is not the one that was anchored on 20260128"}


@virtual
async def test_erasing_somebody_reaches_the_archive(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        raw = b'{"receiver": "Wang Xiaoming"}'
        order = (await rig.accepted(place("Z-1"), raw=raw)).aggregate
        await rig.quiet()
        await clock.sleep(DAY_S)
        await rig.accepted(count(5, "LAST"))
        await two_days(rig, clock)
        rig.views.flush()
        assert await archived(rig) > 0
        assert rig.reads.timeline(order, with_raw=True)[0].raw == raw
        store = rig.readers[[reader.states([order]) != {} for reader in rig.readers].index(True)]
        sealed = store.archived.history(order)[0]
        assert sealed.raw is not None and sealed.person is not None
        assert PERSON.name.encode() not in sealed.person
        await rig.accepted(ErasePerson(order=order))
        assert all(row.raw is None for row in rig.reads.timeline(order, with_raw=True))
        assert rig.reads.person(order) is None
        assert store.archived.history(order)[0] == sealed  # the file is as it was, and nobody can read it
        assert store.salts([order]) == {order: b""}
        with pytest.raises(ValueError):
            rig.vault.open(b"", order, sealed.raw)
    assert findings(tmp_path / "data") == findings(tmp_path / "data", FULL) == []


@virtual
async def test_lists_made_anew_show_what_was_archived(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await two_days(rig, clock)
        await archived(rig)
        shown = rig.reads.orders(limit=100)
        assert len(shown) == 3
    for leftover in (tmp_path / "data").glob("overview.sqlite*"):
        leftover.unlink()
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        again = rig.reads.orders(limit=100)
        assert {(row.id, row.status, row.amount_fen) for row in again} == {
            (row.id, row.status, row.amount_fen) for row in shown
        }


@virtual
async def test_a_message_that_comes_again_after_its_key_was_forgotten_does_no_harm(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(30), "stock")
        order = (await rig.accepted(place("A-1"), "order")).aggregate
        await rig.quiet()
        await rig.accepted(RequestPayment(order=order, method="wechat"), "attempt")
        await rig.accepted(pay(order), "payment")
        await rig.quiet()
        keeper = Upkeep(rig.bus, archiver(rig), AnchorsFile(tmp_path / "anchors"), Deadlines())
        assert sum([await keeper.forget(shard) for shard in rig.bus.shards]) == 0
        await clock.sleep(31 * DAY_S)
        keys = rig.rows()["inbox"]
        fresh = len(await rig.submit(rig.inbound(place("A-2"), "fresh")))
        forgotten = sum([await keeper.forget(shard) for shard in rig.bus.shards])
        assert (forgotten, rig.rows()["inbox"]) == (4, keys - 4 + fresh)
        await rig.quiet()
        kept = (rig.state(order), rig.state(stock_key("SHIRT")), rig.rows()["effects"])
        assert (await rig.accepted(place("A-1"), "order")).aggregate == order
        await rig.accepted(pay(order), "payment")
        await rig.quiet()
        assert (rig.state(order), rig.state(stock_key("SHIRT")), rig.rows()["effects"]) == kept


@virtual
async def test_heads_are_anchored_every_night_and_each_line_holds_the_one_before(
    clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(30))
        keeper = Upkeep(rig.bus, archiver(rig), AnchorsFile(path), Deadlines())
        keeper.start()
        await clock.sleep(3 * DAY_S)
        keeper.stop()
        anchors = list(AnchorsFile(path).entries())
        assert [anchor.day for anchor in anchors] == [20260128, 20260129, 20260130]
        heads = {slot: head for reader in rig.readers for slot, head in reader.heads().items()}
        assert anchors[-1].heads == {n: f"{e}.{s}:{h.hex()}" for n, (e, s, h) in heads.items()}
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[0].replace(b"1.1", b"1.2")
    for spoilt in (lines[1:], [lines[0], lines[2]], [changed, *lines[1:]]):
        assert _refused(path, b"".join(spoilt))


def _refused(path: Path, content: bytes) -> bool:
    shutil.copy(path, path.with_suffix(".bad"))
    path.with_suffix(".bad").write_bytes(content)
    try:
        list(AnchorsFile(path.with_suffix(".bad")).entries())
    except Exception as error:
        return "is not as it was written" in str(error)
    return False


def test_the_night_comes_once_a_day() -> None:
    waits = [seconds_until(AT, NOON + timedelta(hours=hours)) / 3600 for hours in (0, 15.5, 15.75)]
    assert waits == [15.5, 24, 23.75]
