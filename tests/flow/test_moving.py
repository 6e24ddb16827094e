"""Promises of a move: while orders flow a slot goes to another shard, and nothing of it changes but its place."""

import asyncio
from pathlib import Path

import pytest
from tests.flow.company import Company, company
from tests.flow.parties import count, deliver, pay, place, settle
from tests.flow.rig import SHARDS, findings, opened, virtual

from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.slots import slot_of
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import CancelOrder, ErasePerson, RequestPayment
from tongdan.domain.orders.status import status
from tongdan.flow.moving import Move
from tongdan.ports import Accepted, Clock

BUYER = "user-1"
SLOT = slot_of("user", "mp-1", BUYER)


@virtual
async def test_a_slot_moves_while_its_orders_live_on(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(100))
        before = [(await rig.accepted(place(f"A-{n}", buyer=BUYER))).aggregate for n in range(5)]
        await rig.quiet()
        history = {order: rig.reads.timeline(order) for order in before}
        to = (SLOT + 1) % SHARDS
        assert isinstance(await rig.mover.move(SLOT, to), Move)
        await rig.quiet()
        (move,) = await rig.mover.moves()
        assert (move.phase, move.why) == ("done", "")
        assert move.copied == move.total > 0
        assert {order: rig.reads.timeline(order) for order in before} == history
        after = [(await rig.accepted(place(f"B-{n}", buyer=BUYER))).aggregate for n in range(5)]
        for order in (*before, *after):
            await rig.accepted(RequestPayment(order=order, method="wechat"))
            await rig.accepted(pay(order, f"T-{order}"))
        await rig.quiet()
        for order in (*before, *after):
            await deliver(rig, order)
            await settle(rig, order)
            assert status(rig.state(order)) == Status.COMPLETED or status(rig.state(order)) == Status.SETTLED
        assert [row.slot for row in rig.readers[to].slots()] == [SLOT]
    assert findings(tmp_path / "data") == []


@virtual
async def test_what_cannot_be_moved_is_refused_by_name(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        for slot, to, name in (
            (256, 0, "no-such-slot"),
            (3, 4, "no-such-slot"),
            (5, 1, "slot-already-there"),
        ):
            said = await rig.mover.move(slot, to)
            assert isinstance(said, Refusal)
            assert said.name == name
        assert rig.rows()["slots"] == 0


@virtual
async def test_who_is_erased_while_the_slot_is_away_stays_so_when_it_is_back(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place(buyer=BUYER), raw=b"the person")).aggregate
        await rig.quiet()
        home, away = SLOT % SHARDS, (SLOT + 1) % SHARDS
        assert isinstance(await rig.mover.move(SLOT, away), Move)
        await rig.quiet()
        await rig.accepted(ErasePerson(order=order))
        assert isinstance(await rig.mover.move(SLOT, home), Move)
        await rig.quiet()
        await rig.accepted(CancelOrder(order=order, reason="-"), raw=b"the person again")
        (row,) = [row for row in rig.reads.timeline(order, with_raw=True) if row.fact == "OrderCancelled"]
        assert row.raw is None
        assert rig.readers[home].journal_of(order)[-1].raw is None
    assert findings(tmp_path / "data") == []


@virtual
async def test_between_processes(clock: Clock, tmp_path: Path) -> None:
    async with company(tmp_path / "data", clock, 3) as centre:
        await centre.ask(0, count(1_000))
        orders = []
        for n in range(40):
            if n % 8 == 4:
                to = (SLOT + 1 + n // 8) % SHARDS
                await centre.rigs[n % 3].mover.move(SLOT, to)
            orders.append(await _order(centre, n))
        await centre.quiet(100)
        moves = await centre.rigs[0].mover.moves()
        assert {move.phase for move in moves} == {"done"}
        assert len(set(orders)) == 40
        for rig in centre.rigs:
            assert {status(rig.state(order)) for order in orders} == {Status.RELEASED}
        assert centre.rigs[1].facts("stock/SHIRT").count("StockReserved") == 40
    assert findings(tmp_path / "data") == []


async def _order(centre: Company, n: int) -> str:
    reply = await centre.ask(n, place(f"A-{n}", buyer=BUYER), f"place-{n}")
    assert isinstance(reply, Accepted)
    await centre.ask(n + 1, RequestPayment(order=reply.aggregate, method="wechat"))
    await centre.ask(n + 2, pay(reply.aggregate, f"T-{n}"))
    return reply.aggregate


@pytest.mark.parametrize("commit_s", [0.02, 0.1])
@virtual
async def test_reactions_that_were_open_when_a_slot_left_are_had_where_it_comes_to(
    clock: Clock, tmp_path: Path, commit_s: float
) -> None:
    """The relay over there is at work, on facts of others, while what it will meet is put before it."""
    async with company(tmp_path / "data", clock, 2, commit_s=commit_s) as centre:
        await centre.ask(0, count(1_000))
        stock = key_slot("stock/SHIRT")
        ordering = [asyncio.create_task(_ordering(centre, buyer)) for buyer in range(8)]
        for n in range(20):
            to = (stock + 1 + n) % SHARDS
            moved = await centre.rigs[0].mover.move(stock, to)
            while isinstance(moved, Refusal):
                assert moved.name == "slot-busy"
                await clock.sleep(0.05)
                moved = await centre.rigs[0].mover.move(stock, to)
            await clock.sleep(0.5)
        orders = [order for each in await asyncio.gather(*ordering) for order in each]
        while any(move.phase != "done" for move in await centre.rigs[0].mover.moves()):
            await clock.sleep(0.1)
        await centre.quiet(100)
        assert centre.rigs[1].facts("stock/SHIRT").count("StockReserved") == len(orders) == 8 * 15
        reserved = [order.lines[0].reserved for order in map(centre.rigs[0].state, orders)]
        assert reserved == [1] * len(orders)
    assert findings(tmp_path / "data") == []


async def _ordering(centre: Company, buyer: int) -> list[str]:
    orders = []
    for n in range(15):
        reply = await centre.ask(n, place(f"A-{buyer}-{n}", buyer=f"user-{buyer}"), f"place-{buyer}-{n}")
        assert isinstance(reply, Accepted)
        orders.append(reply.aggregate)
        await centre.clock.sleep(0.2)
    return orders
