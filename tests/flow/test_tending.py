"""Effects that are replayed, skipped or withdrawn: what was not sent never is, what may have been stays."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.flow.errands import dead, emit, finance, order_in, tell, write_back
from tests.flow.parties import count, everybody, place
from tests.flow.rig import Rig, as_after_a_crash, findings, opened, virtual
from tests.flow.toys import Emit

from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.domain.guard.breaker import TRIP_AFTER
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Refusal, ReplayEffect, SkipEffect
from tongdan.domain.orders.commands import CancelOrder, PlaceHold, RequestPayment
from tongdan.flow import effects as runner
from tongdan.ports import Clock, Repeat, StoreFailure


class Sick(SqliteShard):
    """A store whose commits fail while it is told to."""

    failing = False

    def commit(self) -> None:
        if self.failing:
            raise StoreFailure("the disk is sick")
        super().commit()


def shard_of(order: str) -> int:
    return key_slot(order) % 4


# ---- replay and skip


@virtual
async def test_a_skipped_dead_letter_frees_its_lane(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.never)
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(10)
        message = rig.inbound(SkipEffect(effect=first, reason="told by phone"), operator="li.na")
        await rig.bus.ask(message)
        await clock.sleep(10)
        assert partner.asked == [first, second]
        assert dead(rig) == []
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
        skipped = next(row for row in rig.reads.timeline(order) if row.fact == "EffectSkipped")
        assert (skipped.operator, skipped.closes, skipped.body["reason"]) == (
            "li.na",
            (first,),
            "told by phone",
        )
        assert [ticket.open for ticket in rig.reads.tickets(open_only=False)] == [False]
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_replayed_dead_letter_is_tried_with_a_fresh_deadline(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock, deadline_s=30)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.never)
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(3_600)
        partner.next.extend([partner.busy] * 2)
        message = rig.inbound(ReplayEffect(effect=first, reason="mended"), operator="li.na")
        await rig.bus.ask(message)
        await clock.sleep(20)
        assert partner.asked == [first, first, first, first, second]
        assert dead(rig) == []
        replayed = next(row for row in rig.reads.timeline(order) if row.fact == "EffectReplayed")
        assert (replayed.operator, replayed.closes) == ("li.na", ())
        assert [ticket.open for ticket in rig.reads.tickets(open_only=False)] == [False]
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("verb", [SkipEffect, ReplayEffect])
@pytest.mark.parametrize("id", ["1.1.1.0", "no such thing", "", "999.1.1.1"])
@virtual
async def test_tending_an_effect_that_is_not_there_is_refused(
    clock: Clock, tmp_path: Path, verb: Callable[..., SkipEffect | ReplayEffect], id: str
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        before = rig.rows()
        refusal = await rig.ask(verb(effect=id, reason="?"))
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.status) == ("unknown-effect", 404)
        assert rig.rows() == before


@virtual
async def test_skipping_what_is_just_under_way_leaves_nothing_behind(clock: Clock, tmp_path: Path) -> None:
    """Its outcome comes to a closed effect; the next of the lane is sent once, and no run row is left over."""
    partner = finance(clock, Repeat.QUERY_FIRST)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.after(10, partner.busy), partner.after(30)])
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(5)
        await rig.accepted(SkipEffect(effect=first, reason="no longer wanted"))
        await clock.sleep(60)
        assert partner.asked == [first, second]
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_after_a_skip_the_next_of_the_lane_is_sent_once(clock: Clock, tmp_path: Path) -> None:
    """The timer of the one that was skipped still rings, while the next is under way."""
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.busy, partner.after(20)])
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(0.1)
        await rig.accepted(SkipEffect(effect=first, reason="told by phone"))
        await clock.sleep(60)
        assert partner.asked == [first, second]
        assert rig.rows()["effects"] == 0


@virtual
async def test_a_failure_and_a_skip_in_one_commit_leave_no_run_behind(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner], commit_s=1.0) as rig:
        order = await order_in(rig)
        partner.next.append(partner.after(0.5, partner.busy))
        (first,) = await emit(rig, order, tell(order, "paid"))
        await clock.sleep(0.2)
        holding = asyncio.ensure_future(rig.ask(PlaceHold(order=order, hold="review")))  # commits until 1.2
        await clock.sleep(0.5)  # the failure waits to be noted
        await rig.accepted(SkipEffect(effect=first, reason="told by phone"))
        await holding
        await clock.sleep(10)
        assert partner.asked == [first]
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
    assert findings(tmp_path / "data") == []


# ---- withdrawing


@virtual
async def test_superseding_withdraws_what_was_not_sent_and_never_what_was_taken_up(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.after(10))
        sent, unsent, other = await emit(rig, order, tell(order, "paid"), tell(order, "signed"), write_back())
        await clock.sleep(1)
        reply = await rig.accepted(
            Emit(order=order, effects=(tell(order, "cancelled"),), supersedes=("TellFinance",))
        )
        newest = f"{reply.slot}.{reply.epoch}.{reply.seq}.0"
        await clock.sleep(30)
        assert partner.asked == [sent, other, newest]
        superseding = next(row for row in rig.reads.timeline(order) if row.closes == (unsent,))
        assert superseding.seq == reply.seq
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_superseding_reaches_what_the_same_batch_emitted(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        replies = await rig.submit(
            rig.inbound(Emit(order=order, effects=(tell(order), write_back()))),
            rig.inbound(Emit(order=order, supersedes=("TellFinance",))),
        )
        await clock.sleep(10)
        assert len(replies) == 2
        assert [id.rpartition(".")[2] for id in partner.asked] == ["1"]
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("disk", ["well", "sick"])
@virtual
async def test_what_a_commit_under_way_may_withdraw_is_not_sent_meanwhile(
    clock: Clock, tmp_path: Path, disk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is decided and on its way to the disk; whether it stands is known when it is there."""
    monkeypatch.setattr(runner, "IN_FLIGHT_LIMIT", 1)
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner], commit_s=1.0, shard=Sick) as rig:
        orders = [await order_in(rig, str(n)) for n in range(8)]
        mine = orders[0]
        other = next(order for order in orders if shard_of(order) != shard_of(mine))
        partner.next.append(partner.after(5))
        (first,) = await emit(rig, other, tell(other))
        (second,) = await emit(rig, mine, tell(mine))
        await clock.sleep(partner.asked_at[0] + 4.8 - clock.monotonic())  # the first is about to be answered
        store = rig.stores[shard_of(mine)]
        assert isinstance(store, Sick)
        store.failing = disk == "sick"
        asking = asyncio.ensure_future(rig.ask(Emit(order=mine, supersedes=("TellFinance",))))
        await clock.sleep(0.4)  # now it would be the second's turn
        assert partner.happened[first] == 1
        assert (rig.rows()["effects"], partner.asked) == (2, [first])
        reply = await asking
        store.failing = False
        await clock.sleep(10)
        assert isinstance(reply, Refusal) == (disk == "sick")
        assert partner.asked == ([first, second] if disk == "sick" else [first])
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_after_a_crash_nobody_knows_what_was_sent_so_nothing_is_withdrawn(
    clock: Clock, tmp_path: Path
) -> None:
    """What a process that died had taken up may have taken place: withdrawing it would leave the partner with it."""
    partner = finance(clock)
    rig = Rig(tmp_path / "data", clock, actors=[partner])
    await rig.start()
    order = await order_in(rig)
    partner.next.append(partner.after(20))
    (id,) = await emit(rig, order, tell(order))
    await clock.sleep(10)
    left = as_after_a_crash(tmp_path / "data", tmp_path / "left")
    await rig.stop()
    rig = Rig(left, clock, actors=[second := finance(clock)])
    await rig.accepted(Emit(order=order, supersedes=("TellFinance",)))
    await rig.start()
    await clock.sleep(10)
    assert second.asked == [id]
    await rig.stop()


@virtual
async def test_an_order_cancelled_while_its_prepay_waits_never_opens_it(clock: Clock, tmp_path: Path) -> None:
    partners = everybody(clock)
    provider = partners[1]
    provider.otherwise = provider.down
    async with opened(tmp_path / "data", clock, actors=partners) as rig:
        await rig.accepted(count(10))
        orders = [(await rig.accepted(place(f"A-{n}"))).aggregate for n in range(TRIP_AFTER + 1)]
        await rig.quiet()
        for order in orders:
            await rig.accepted(RequestPayment(order=order, method="wechat"))
        await rig.accepted(CancelOrder(order=orders[-1], reason="changed my mind"))
        provider.otherwise = provider.well
        await clock.sleep(60)
        assert sum(provider.happened.values()) == TRIP_AFTER + 1  # and the one that never was is closed
        assert [rig.state(order).attempts[0].prepay != "" for order in orders] == [True] * TRIP_AFTER + [
            False
        ]
        assert rig.rows()["effects"] == 0
