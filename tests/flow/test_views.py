"""Lists that were lost, harmed or left half made come to what they were, beside a running loop."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.flow.parties import count, everybody, place, place_and_pay
from tests.flow.rig import Rig, as_after_a_crash, opened, virtual

from tongdan.flow import views
from tongdan.ports import EVERY_ORDER, Clock, OrderDoc, OrderRow, StoreFailure

ORDERS = 12


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start waits for nothing, and what is missing is read two rows at a time."""
    monkeypatch.setattr(views, "START_ROWS", 0)
    monkeypatch.setattr(views, "READ_ROWS", 2)


async def new_order(rig: Rig, native: str) -> str:
    return (await rig.accepted(place(native))).aggregate


async def busy_morning(rig: Rig) -> list[OrderRow]:
    await rig.accepted(count(100))
    for n in range(ORDERS):
        await (place_and_pay if n % 2 else new_order)(rig, f"A-{n}")
    await rig.quiet()
    rig.views.flush()
    return shown(rig)


def shown(rig: Rig) -> list[OrderRow]:
    return rig.reads.orders(EVERY_ORDER)


def behind(rig: Rig) -> int:
    return sum(last - reached for reached, last in rig.reads.indexed().values())


def tear(data: Path, *spared: str) -> None:
    """Overwrite the pages of the index but the first one and those where the `spared` tables begin."""
    file = data / "search.sqlite"
    with closing(apsw.Connection(str(file))) as db:
        roots = {
            root for name, root in db.execute("SELECT name, rootpage FROM sqlite_schema") if name in spared
        }
    pages = [page for page in range(1, file.stat().st_size // 4_096) if page + 1 not in roots]
    with file.open("r+b") as harmed:
        for page in pages:
            harmed.seek(page * 4_096)
            harmed.write(b"\xff" * 4_096)


@virtual
async def test_a_lost_index_is_made_anew_while_orders_come_in(
    clock: Clock, tmp_path: Path, in_small_steps: None
) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    (data / "search.sqlite").unlink()
    async with opened(data, clock, actors=everybody(clock)) as rig:
        assert (shown(rig), behind(rig) > 0) == ([], True)
        new = await new_order(rig, "B-1")
        await rig.quiet()
        await clock.sleep(10)
        assert behind(rig) == 0
        assert [row for row in shown(rig) if row.id != new] == before
        assert len(shown(rig)) == ORDERS + 1


@virtual
async def test_an_order_is_written_once_however_many_rows_tell_of_it(
    clock: Clock, tmp_path: Path, in_small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, put = tmp_path / "data", list[str]()
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    (data / "search.sqlite").unlink()
    async with opened(data, clock, actors=everybody(clock)) as rig:
        search_put = rig.search.put

        def listening(docs: Sequence[OrderDoc], positions: Mapping[int, int]) -> None:
            put.extend(doc.id for doc in docs)
            search_put(docs, positions)

        monkeypatch.setattr(rig.search, "put", listening)
        await clock.sleep(10)
        assert sorted(put) == sorted(row.id for row in before)
        assert shown(rig) == before


@virtual
async def test_what_was_killed_while_it_read_goes_on_there(
    clock: Clock, tmp_path: Path, in_small_steps: None
) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    (data / "search.sqlite").unlink()
    reached, lives = 0, 0
    while True:
        lives += 1
        async with opened(data, clock, actors=everybody(clock)) as rig:
            await clock.sleep(0.05)
            for _ in range(9):
                if rig.views._unread:
                    rig.views._read_on()
            now = sum(pos for pos, _ in rig.reads.indexed().values())
            assert now >= reached
            reached, left = now, behind(rig)
            data = as_after_a_crash(data, tmp_path / f"life-{lives}")
        if not left:
            break
    assert lives > 2
    async with opened(data, clock, actors=everybody(clock)) as rig:
        assert shown(rig) == before


@virtual
async def test_an_index_that_is_harmed_under_way_says_so_and_is_made_anew(
    clock: Clock, tmp_path: Path, in_small_steps: None
) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    tear(data, "positions")
    async with opened(data, clock, actors=everybody(clock)) as rig:
        assert behind(rig) == 0
        with pytest.raises(StoreFailure, match="malformed"):
            shown(rig)
        assert (shown(rig), behind(rig) > 0) == ([], True)
        await clock.sleep(10)
        assert (shown(rig), behind(rig)) == (before, 0)


@virtual
async def test_a_harmed_index_keeps_no_centre_from_starting(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    tear(data)
    async with opened(data, clock, actors=everybody(clock)) as rig:
        await clock.sleep(10)
        assert shown(rig) == before


@virtual
async def test_what_another_process_emptied_is_read_again(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
        rig.search._db.execute(
            "DELETE FROM orders; DELETE FROM positions; DELETE FROM cells; DELETE FROM items"
        )
        new = await new_order(rig, "B-1")
        await clock.sleep(10)
        assert [row for row in shown(rig) if row.id != new] == before


@virtual
async def test_a_journal_that_cannot_be_read_for_a_while_leaves_nothing_out(
    clock: Clock, tmp_path: Path, in_small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = await busy_morning(rig)
    (data / "search.sqlite").unlink()
    async with opened(data, clock, actors=everybody(clock)) as rig:
        newest, asked = rig.reads.newest, list[str]()

        def every_third_fails(key: str, ver: int) -> object | None:
            asked.append(key)
            if len(asked) % 3 == 0:
                raise StoreFailure("the disk is away")
            return newest(key, ver)

        monkeypatch.setattr(rig.reads, "newest", every_third_fails)
        await clock.sleep(600)
        assert (shown(rig), behind(rig)) == (before, 0)


@virtual
async def test_positions_move_also_where_orders_never_stop_coming(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "FLUSH_ROWS", 1)
    async with opened(tmp_path / "data", clock) as rig:
        for n in range(4):
            await new_order(rig, f"A-{n}")
        promised = {store.shard: store.last_pos() for store in rig.readers}
        for n in range(4):
            rig.views.flush(1)
            await new_order(rig, f"B-{n}")
        reached = rig.search.positions()
        assert all(reached[shard] >= pos for shard, pos in promised.items() if pos)
        assert len(rig.views._pending) >= 4


@virtual
async def test_busy_intake_keeps_no_change_waiting_for_long(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        monkeypatch.setattr(rig.bus, "intake_is_busy", lambda: True)
        order = await new_order(rig, "A-1")
        await clock.sleep(views.FRESH_S / 2)
        assert shown(rig) == []
        await clock.sleep(views.FRESH_S)
        assert [row.id for row in shown(rig)] == [order]
