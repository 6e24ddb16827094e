"""What is shown: truth from the tables, lists a moment behind them, and people only as long as their salt is there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace
from tests.flow.parties import PERSON, count, deliver, everybody, place, place_and_pay, say, settle
from tests.flow.rig import Rig, as_after_a_crash, findings, opened, shard_file, virtual

from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import CancelOrder, PlaceHold
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.flow import views
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import fold, from_us
from tongdan.ports import Clock, NotUnderstood, OrderRow
from tongdan.surfaces.looking import of_shop

PLACED = datetime(2026, 1, 27, 4, tzinfo=UTC)


def listed(rig: Rig, shop: str = "", *statuses: int) -> list[tuple[str, int]]:
    return [(row.id, row.status) for row in rig.reads.orders(of_shop(shop, *statuses))]


def truth(rig: Rig) -> set[tuple[str, int]]:
    keys = {
        row.aggregate for row in rig.reads.journal() if "/" not in row.aggregate and "-" not in row.aggregate
    }
    return {(key, int(KINDS["order"].status(rig.state(key)))) for key in keys}


# ---- lists


@virtual
async def test_lists_show_the_newest_first_page_by_page(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        orders = []
        for n in range(7):
            order = replace(place(f"A-{n}"), placed_at=PLACED + timedelta(seconds=n))
            orders.append((await rig.accepted(order)).aggregate)
        await rig.accepted(PlaceHold(order=orders[2], hold="review"))
        await clock.sleep(1)
        expected = list(reversed(orders))
        seen: list[OrderRow] = []
        while page := rig.reads.orders(limit=3, before=seen[-1].cursor if seen else ""):
            seen += page
        assert [row.id for row in seen] == expected
        assert [row.native for row in seen if row.held] == ["A-2"]


@virtual
async def test_lists_can_be_narrowed_to_a_shop_and_a_status(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        own = (await rig.accepted(place("A-1"))).aggregate
        cancelled = (await rig.accepted(place("A-2"))).aggregate
        await rig.accepted(CancelOrder(order=cancelled, reason="no longer"))
        pushed = (await rig.accepted(say("5001"))).aggregate
        await clock.sleep(1)
        assert set(listed(rig)) == truth(rig)
        assert listed(rig, "dy-1") == [(pushed, Status.ANNOUNCED)]
        assert listed(rig, "", Status.CREATED) == [(own, Status.CREATED)]
        assert listed(rig, "mp-1", Status.CANCELLED) == [(cancelled, Status.CANCELLED)]
        assert listed(rig, "dy-1", Status.CANCELLED) == []
        counts = rig.reads.counts()
        assert (counts["orders"], counts["orders_status_8"]) == (3, 1)


@virtual
async def test_lists_catch_up_after_a_crash(clock: Clock, tmp_path: Path) -> None:
    data, left = tmp_path / "data", tmp_path / "left"
    async with opened(data, clock) as rig:
        for n in range(5):
            await rig.accepted(place(f"A-{n}"))
        await clock.sleep(1)
        order = (await rig.accepted(place("A-9"))).aggregate
        await rig.accepted(PlaceHold(order=order, hold="review"))
        as_after_a_crash(data, left)  # committed, and not yet written to the list
        expected = truth(rig)
    async with opened(left, clock) as rig:
        assert set(listed(rig)) == expected
        assert rig.reads.counts()["orders"] == 6


@virtual
async def test_a_list_that_was_written_in_part_is_completed_after_a_crash(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "FLUSH_ROWS", 2)
    async with opened(tmp_path / "data", clock) as rig:
        await rig.submit(*[rig.inbound(place(f"A-{n}")) for n in range(5)])
        await clock.sleep(views.FLUSH_AFTER_S)
        left = as_after_a_crash(tmp_path / "data", tmp_path / "left")
        assert len(listed(rig)) == 2
        await clock.sleep(1)
        assert len(listed(rig)) == 5
    async with opened(left, clock) as rig:
        assert set(listed(rig)) == truth(rig)
        assert len(listed(rig)) == 5


@pytest.mark.parametrize("harm", ["lost", "torn"])
@virtual
async def test_a_lost_or_torn_list_is_rebuilt(clock: Clock, tmp_path: Path, harm: str) -> None:
    data = tmp_path / "data"
    async with opened(data, clock) as rig:
        for n in range(5):
            await rig.accepted(place(f"A-{n}"))
        await rig.accepted(RaiseTicket(subject="stock/SHIRT", kind="looked-at", summary="?"))
        await clock.sleep(1)
        expected = truth(rig)
    for file in data.glob("overview.sqlite*"):
        file.unlink() if harm == "lost" else file.write_bytes(b"torn" * 2_000)
    async with opened(data, clock) as rig:
        assert set(listed(rig)) == expected
        assert [ticket.subject for ticket in rig.reads.tickets()] == ["stock/SHIRT"]


@virtual
async def test_a_list_that_trails_behind_is_whole_again_after_many_restarts(
    clock: Clock, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for n in range(6):
        async with opened(data, clock) as rig:
            await rig.accepted(place(f"A-{n}"))
            left = as_after_a_crash(data, tmp_path / f"left-{n}")
        data = left
    async with opened(data, clock) as rig:
        assert set(listed(rig)) == truth(rig)
        assert len(listed(rig)) == 6


# ---- one order


@virtual
async def test_a_timeline_tells_of_the_order_its_shipments_and_tickets_in_order(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(10))
        order = await place_and_pay(rig)
        other = await place_and_pay(rig, "A-2")
        await deliver(rig, order)
        await settle(rig, order, amount_fen=1)  # not the sum: a ticket about the order
        await rig.accepted(RaiseTicket(subject=f"{order}-S1", kind="surplus", summary="about its shipment"))
        rows = rig.reads.timeline(order)
        assert {row.aggregate for row in rows} == {
            order,
            f"{order}-S1",
            f"ticket/{order}/settlement-mismatched",
            f"ticket/{order}-S1/surplus",
        }
        assert [(row.slot, row.epoch, row.seq) for row in rows] == sorted(
            (row.slot, row.epoch, row.seq) for row in rows
        )
        assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)
        statuses = [row.status_after for row in rows if row.aggregate == order]
        assert [s for n, s in enumerate(statuses) if n == 0 or s != statuses[n - 1]] == [
            Status.CREATED, Status.PAID, Status.RELEASED, Status.SHIPPED, Status.SIGNED,
        ]  # fmt: skip
        assert all(other not in row.aggregate for row in rows)


@virtual
async def test_as_of_is_the_fold_of_what_was_recorded_by_then(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        before = clock.now()
        await clock.sleep(1)
        await rig.accepted(count(10))
        order = await place_and_pay(rig)
        await clock.sleep(60)
        await deliver(rig, order)
        shard = rig.readers[key_slot(order) % 4]
        rows = shard.journal_of(order)
        instants: list[datetime] = sorted({from_us(row.recorded_us) for row in rows})
        assert len(instants) >= 4
        for at in instants:
            expected = fold(order, [row for row in rows if from_us(row.recorded_us) <= at])
            assert rig.reads.as_of(order, at) == expected
        assert rig.reads.as_of(order, before) is None
        assert rig.reads.as_of(order, clock.now()) == rig.reads.order(order)


@virtual
async def test_what_is_not_there_is_none(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        for key in ("DY20260127000892", "DY20260127000892-S1", "stock/NONE"):
            assert rig.reads.order(key) is None
            assert rig.reads.as_of(key, clock.now()) is None
            assert rig.reads.timeline(key) == []
            assert rig.reads.person(key) is None
        assert rig.reads.find("DY", "dy-1", "1") is None


@virtual
async def test_a_watched_payload_is_kept_as_received(clock: Clock, tmp_path: Path) -> None:
    raw = "<xml>原样 \x00\x01</xml>".encode() + b"\xff"
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place(), raw=raw)).aggregate
        (created,) = rig.reads.timeline(order, with_raw=True)
        assert created.raw == raw
        assert rig.reads.timeline(order)[0].raw is None
        await rig.submit(NotUnderstood(source="channel/douyin", reason="?", raw=raw))
        assert rig.reads.quarantine()[0]["source"] == "channel/douyin"


# ---- people


GONE = "DELETE FROM subjects WHERE subject = ?"
OVERWRITTEN = "UPDATE subjects SET salt = x'' WHERE subject = ?"


@pytest.mark.parametrize("statement", [GONE, OVERWRITTEN])
@virtual
async def test_a_person_opens_until_the_salt_is_gone_and_the_check_stays_clean(
    clock: Clock, tmp_path: Path, statement: str
) -> None:
    data = tmp_path / "data"
    async with opened(data, clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place(), raw=b"as received")).aggregate
        other = (await rig.accepted(place("A-2"))).aggregate
        await rig.quiet()
        assert rig.reads.person(order) == PERSON
        assert rig.reads.person(f"{order}-S1") == PERSON
        assert rig.reads.person("stock/SHIRT") is None
    with apsw.Connection(str(shard_file(data, key_slot(order) % 4))) as db:
        db.execute(statement, (order,))
        assert db.changes() == 1
    async with opened(data, clock, actors=everybody(clock)) as rig:
        assert rig.reads.person(order) is None
        assert rig.reads.person(f"{order}-S1") is None
        assert rig.reads.person(other) == PERSON
        assert [row.raw for row in rig.reads.timeline(order, with_raw=True)] == [None, None]
        assert rig.state(order).native == "A-1"
    assert findings(data) == []


@virtual
async def test_people_are_nowhere_in_the_files_in_the_clear(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    raw = f"{PERSON.name} {PERSON.phone} {PERSON.detail}".encode()
    async with opened(data, clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place(), raw=raw)).aggregate
        await rig.quiet()
        pushed = (await rig.accepted(say("5001"), raw=raw)).aggregate
        await rig.quiet()
        assert rig.reads.person(order) == rig.reads.person(pushed) == PERSON
        files = b"".join(file.read_bytes() for file in data.iterdir())
    for secret in (PERSON.name, PERSON.phone, PERSON.detail):
        assert secret.encode() not in files
