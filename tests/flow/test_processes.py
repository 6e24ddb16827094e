"""Promises of several processes: whichever of them hears a message, it is kept once, reacted to once, and answered;
a wire that breaks and a process that is killed lose and double nothing.
"""

from pathlib import Path

from tests.flow.company import Company, company
from tests.flow.parties import count, pay, place
from tests.flow.rig import SHARDS, findings, virtual

from tongdan.domain.kernel.slots import slot_of
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import CancelOrder, RequestPayment
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import status
from tongdan.ports import Accepted, Clock


def buyer_of(shard: int) -> str:
    """A buyer whose orders lie in this shard."""
    return next(
        buyer for n in range(10_000) if slot_of("user", "mp-1", buyer := f"user-{n}") % SHARDS == shard
    )


@virtual
async def test_whoever_hears_it_the_owner_keeps_it(clock: Clock, tmp_path: Path) -> None:
    async with company(tmp_path / "data", clock, 3) as centre:
        assert isinstance(await centre.ask(0, count(100)), Accepted)
        orders = []
        for shard in range(4):
            for at in range(3):
                reply = await centre.ask(
                    at, place(f"A-{shard}-{at}", buyer=buyer_of(shard)), f"place-{shard}-{at}"
                )
                assert isinstance(reply, Accepted)
                again = await centre.ask(
                    at + 1, place(f"A-{shard}-{at}", buyer=buyer_of(shard)), f"place-{shard}-{at}"
                )
                assert isinstance(again, Accepted)
                assert (again.aggregate, again.seq, again.duplicate) == (reply.aggregate, reply.seq, True)
                assert reply.slot % 4 == shard
                orders.append(reply.aggregate)
        await centre.quiet()
        for n, order in enumerate(orders):
            await centre.ask(n, RequestPayment(order=order, method="wechat"))
            await centre.ask(n + 1, pay(order, f"T-{order}"))
        await centre.quiet()
        assert len(set(orders)) == 12
        for rig in centre.rigs:  # every process reads every order
            assert {status(rig.state(order)) for order in orders} == {Status.RELEASED}
        wms = next(partner for partner in centre.partners if partner.partner == "wms/EAST")
        assert sorted(wms.happened.values()) == [1] * 12
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_cut_wire_is_told_to_come_again_and_reactions_go_on(clock: Clock, tmp_path: Path) -> None:
    async with company(tmp_path / "data", clock, 2) as centre:
        await centre.ask(0, count(1_000))
        orders = []
        for n in range(60):
            if n % 5 == 4:
                centre.cut(n % 2)
            reply = await centre.ask(n, place(f"A-{n}", buyer=f"user-{n}"), f"place-{n}")
            assert isinstance(reply, Accepted)
            orders.append(reply.aggregate)
        await centre.quiet()
        assert len(set(orders)) == 60
        assert sum(rig.bus.meters.refused["owner-away"] for rig in centre.rigs) == 0
        # Each order's reservation reached the shirts' shard once, wherever order and shirts lie.
        facts = centre.rigs[0].facts("stock/SHIRT")
        assert facts.count("StockReserved") == 60
    assert findings(tmp_path / "data") == []


@virtual
async def test_who_waits_for_a_state_is_told_by_its_owner(clock: Clock, tmp_path: Path) -> None:
    async with company(tmp_path / "data", clock, 2) as centre:
        reply = await centre.ask(0, place("A-1", buyer=buyer_of(1)), "place")
        assert isinstance(reply, Accepted)
        bus = centre.rigs[0].bus  # shard 1 is process 1's
        assert not bus.owns(reply.slot)
        began_s = clock.monotonic()
        assert not await bus.wait_for(reply.aggregate, is_cancelled, 1.0)
        assert 1.0 <= clock.monotonic() - began_s < 1.1
        clock.call_later(0.5, lambda: bus.spawn(_cancel(centre, reply.aggregate)))
        began_s = clock.monotonic()
        assert await bus.wait_for(reply.aggregate, is_cancelled, 5.0)
        assert 0.5 <= clock.monotonic() - began_s < 0.6


def is_cancelled(state: object) -> bool:
    assert isinstance(state, Order)
    return status(state) == Status.CANCELLED


async def _cancel(centre: Company, order: str) -> None:
    await centre.ask(1, CancelOrder(order=order, reason="no longer"))
