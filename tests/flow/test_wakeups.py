"""Deadlines: they are rows, so they survive; they fire in order; one that changes nothing does not spin."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flow.parties import count, detail, place, say
from tests.flow.rig import NOON, POLICY, Rig, as_after_a_crash, findings, later, opened, virtual

from tongdan.domain.kernel.messages import Context, Decision, Refusal, WakeUp
from tongdan.domain.orders import lifecycle
from tongdan.domain.orders.commands import PlaceHold
from tongdan.domain.orders.facts import SystemSaid
from tongdan.flow import wakeups
from tongdan.flow.aggregates import WAKES
from tongdan.ports import Clock

PAY_WITHIN_S = POLICY.deadlines.pay_within_s


@virtual
async def test_a_deadline_fires_on_time_and_once(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        await clock.sleep(PAY_WITHIN_S - 1)
        assert not rig.state(order).cancelled
        await clock.sleep(2)
        assert rig.state(order).cancelled_at == NOON + timedelta(seconds=PAY_WITHIN_S)
        await clock.sleep(86_400)
        assert rig.facts(order).count("OrderCancelled") == 1
        (woken,) = [row for row in rig.reads.timeline(order) if row.fact == "OrderCancelled"]
        assert (woken.command, woken.cause, woken.source) == ("WakeUp", "timer", "timer")
        assert rig.rows()["wakeups"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_deadline_survives_a_restart(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        await clock.sleep(60)
    await clock.sleep(60)
    async with opened(tmp_path / "data", clock) as rig:
        await clock.sleep(PAY_WITHIN_S - 121)
        assert not rig.state(order).cancelled
        await clock.sleep(2)
        assert rig.state(order).cancelled_at == NOON + timedelta(seconds=PAY_WITHIN_S)


@virtual
async def test_what_became_due_while_nobody_ran_fires_at_the_start_in_order(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        orders = []
        for n in (3, 1, 2):
            orders.append((await rig.accepted(place(f"A-{n}"))).aggregate)
            await clock.sleep(10)
    await clock.sleep(86_400)
    async with opened(tmp_path / "data", clock) as rig:
        await rig.quiet()
        ended = [row.aggregate for row in rig.reads.journal() if row.fact == "OrderCancelled"]
        assert ended == orders
    assert findings(tmp_path / "data") == []


@virtual
async def test_many_due_at_once_all_fire(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "CHUNK", 7)
    async with opened(tmp_path / "data", clock) as rig:
        messages = [rig.inbound(place(f"A-{n}", buyer=f"user-{n}")) for n in range(50)]
        assert len(await rig.submit(*messages)) == 50
        await clock.sleep(PAY_WITHIN_S + 1)
        ended = [row.aggregate for row in rig.reads.journal() if row.fact == "OrderCancelled"]
        assert len(ended) == len(set(ended)) == 50


@virtual
async def test_a_deadline_that_moves_away_does_not_fire(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        announced = (await rig.accepted(say("5001"))).aggregate
        await clock.sleep(POLICY.deadlines.detail_within_s - 1)
        await rig.accepted(count(1))
        await rig.accepted(detail("5001"))
        await clock.sleep(3_600)
        assert "DetailOverdue" not in rig.facts(announced)


class Deaf:
    """A decider of wake-ups that does nothing about them; it counts how often it was asked."""

    def __init__(self, answer: Decision | Refusal | type[Exception]) -> None:
        self.answer = answer
        self.asked: list[datetime] = []

    def __call__(self, order: Any, command: WakeUp, ctx: Context) -> Decision | Refusal:
        self.asked.append(ctx.now)
        if isinstance(self.answer, type):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [Decision(), ZeroDivisionError])
@virtual
async def test_a_wake_up_that_changes_nothing_does_not_spin(
    clock: Clock, tmp_path: Path, answer: Decision | type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Deaf(answer)
    monkeypatch.setitem(WAKES, "order", deaf)
    async with opened(tmp_path / "data", clock) as rig:
        sick = (await rig.accepted(place("A-1"))).aggregate
        before = rig.rows()["journal"]
        await clock.sleep(PAY_WITHIN_S + 600)
        assert 2 <= len(deaf.asked) <= 11  # once a minute at most
        assert before + 3 >= rig.rows()["journal"]
        monkeypatch.setitem(WAKES, "order", lifecycle.wake)
        await clock.sleep(61)
        assert rig.state(sick).cancelled


@virtual
async def test_a_wake_up_that_leaves_its_deadline_standing_does_not_fill_the_journal(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(order: Any, command: WakeUp, ctx: Context) -> Decision | Refusal:
        return Decision((SystemSaid(system="test", native_status="woken", said_at=ctx.now),))

    monkeypatch.setitem(WAKES, "order", talk)
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        await clock.sleep(PAY_WITHIN_S + 50)
        assert rig.facts(order).count("SystemSaid") == wakeups.IN_A_ROW


@virtual
async def test_a_sick_wake_up_holds_nobody_else_back(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        sick = (await rig.accepted(place("A-1"))).aggregate

        def wake(order: Any, command: WakeUp, ctx: Context) -> Decision | Refusal:
            return Decision() if ctx.id == sick else lifecycle.wake(order, command, ctx)

        monkeypatch.setitem(WAKES, "order", wake)
        await clock.sleep(100)
        well = (await rig.accepted(place("A-2"))).aggregate
        await clock.sleep(PAY_WITHIN_S + 2)
        cancelled_at = rig.state(well).cancelled_at
        assert later(100 + PAY_WITHIN_S) <= cancelled_at <= later(101 + PAY_WITHIN_S)


@virtual
async def test_killed_while_waking_each_deadline_still_fires_once(clock: Clock, tmp_path: Path) -> None:
    data, left = tmp_path / "data", list[Path]()

    def copy(point: str) -> None:
        if point in ("wake-up", "before-commit") and clock.now() >= later(PAY_WITHIN_S) and len(left) < 4:
            left.append(as_after_a_crash(data, tmp_path / f"left-{len(left)}"))

    async with opened(data, clock, probe=copy) as rig:
        orders = [(await rig.accepted(place(f"A-{n}", buyer=f"user-{n}"))).aggregate for n in range(6)]
        await clock.sleep(PAY_WITHIN_S + 1)
    assert len(left) == 4
    for copied in left:
        async with opened(copied, clock) as rig:
            await rig.quiet()
            assert [rig.facts(order).count("OrderCancelled") for order in orders] == [1] * 6
            assert rig.rows()["wakeups"] == 0
        assert findings(copied) == []


@virtual
async def test_an_earlier_deadline_overtakes_a_later_one_that_is_armed(clock: Clock, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", clock)
    await rig.start()
    first = (await rig.accepted(place("A-1"))).aggregate  # due in half an hour
    second = (await rig.accepted(say("5001"))).aggregate  # its detail is due in ten minutes
    await clock.sleep(POLICY.deadlines.detail_within_s + 1)
    assert "DetailOverdue" in rig.facts(second)
    assert not rig.state(first).cancelled
    await rig.accepted(PlaceHold(order=first, hold="review"))  # a change that leaves the deadline as it was
    await clock.sleep(PAY_WITHIN_S)
    assert rig.state(first).cancelled
    await rig.stop()
