"""No interleaving of marks, withdrawals, crashes, repeats and late messages sends money on one word, or a trace."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.domain.protocol import (
    World,
    begin,
    broken,
    is_quiet,
    moves,
    recoveries,
    send,
    unsettled,
)

from tongdan.domain.orders.model import Order

MOST_WORLDS = 60_000


def explored(start: World) -> list[World]:
    """Every world that can come of it, breadth first."""
    seen, found, todo = {start.key}, [start], deque([start])
    while todo:
        for name, world in moves(todo.popleft()):
            assert not broken(world), (name, broken(world))
            if (key := world.key) not in seen:
                seen.add(key)
                found.append(world)
                todo.append(world)
                assert len(found) < MOST_WORLDS, "the model has no end"
    return found


def test_every_world_of_one_refund() -> None:
    """Exhaustively: one refund, one lost answer, notices that come twice, late or never."""
    before = begin().order
    worlds = explored(begin(9_900))
    quiet = [world for world in worlds if is_quiet(world)]
    for world in quiet:
        assert unsettled(world, before) == [], world
    ends = {
        (its.withdrawn is not None, its.executed, its.recovery is not None, refund.stage.name)
        for world in quiet
        for its, refund in zip(world.order.confirmations, world.order.refunds, strict=True)
    }
    assert ends == {
        (False, False, False, "HELD"),  # a mark is missing
        (False, True, False, "SUCCEEDED"),
        (False, True, False, "FAILED"),
        (True, False, False, "WITHDRAWN"),
        (True, True, False, "FAILED"),
        (True, True, True, "SUCCEEDED"),
    }


class AnyWithdrawal(RuleBasedStateMachine):
    """Two refunds of one order, with more lost answers, and recoveries that are repaid or written off."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Order = begin().order
        self.world = begin(3_000, 6_900, lost=4)

    @rule(which=st.integers(0, 1_000))
    def move(self, which: int) -> None:
        found = list(moves(self.world))
        self.world = found[which % len(found)][1]

    @precondition(lambda self: bool(recoveries(self.world)))
    @rule(which=st.integers(0, 1_000))
    def recover(self, which: int) -> None:
        found = recoveries(self.world)
        left_fen = self.world.order.receivable_fen
        self.world, _ = send(self.world, found[which % len(found)])
        assert self.world.order.receivable_fen < left_fen

    @invariant()
    def nothing_is_broken(self) -> None:
        assert broken(self.world) == []
        order = self.world.order
        assert order.refunded_fen <= order.owed_fen <= order.received_fen
        gone_fen = sum(each.recovery.amount_fen for each in order.confirmations if each.recovery is not None)
        assert order.receivable_fen <= gone_fen <= order.received_fen

    @invariant()
    def what_is_quiet_is_settled(self) -> None:
        if is_quiet(self.world):
            assert unsettled(self.world, self.before) == []


AnyWithdrawal.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestAnyWithdrawal = AnyWithdrawal.TestCase
