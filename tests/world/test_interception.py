"""Parcels that left although their orders were cancelled come back in the seeded world, and the money with them."""

from collections import Counter
from itertools import cycle
from pathlib import Path

from tests.world.seeded import run_day

from tongdan.labs.world.faults import ANSWER_LOST, BUSY, NOT_TURNED, Plan
from tongdan.labs.world.in_process import Pair


def test_what_left_after_a_cancellation_comes_back_and_is_paid_back(data: Path) -> None:
    facts: Counter[str] = Counter()
    turned: list[int] = []
    met: Counter[str] = Counter()

    def regret(pair: Pair) -> None:
        """Every buyer regrets, every warehouse says "packed", and SF meets its three faults in turn."""
        faults, kinds = pair.world.faults, cycle((NOT_TURNED, ANSWER_LOST, BUSY))
        plan = lambda channel, order: faults._plans.update({order: Plan(next(kinds), "sf.intercept")})  # noqa: E731
        faults.expect = plan  # type: ignore[method-assign]

    def count(pair: Pair) -> None:
        facts.update(row.fact for row in pair.centre.reads.journal())
        turned.append(len(pair.world.carrier.turned))
        met.update(fault.kind for fault in pair.world.faults.injected)

    shares = {"MP": 1.0}
    day = run_day(data, seed=9, orders=24, outages=0, shares=shares, before=regret, after=count)
    assert day.ledger.holds
    assert facts["InterceptionAsked"] == facts["InterceptionAccepted"] + facts["InterceptionRefused"]
    assert facts["InterceptionAccepted"] == facts["ParcelReturned"] == facts["LinesReturned"] == turned[0] > 0
    assert facts["RefundSucceeded"] > 0
    assert set(met) == {NOT_TURNED, ANSWER_LOST, BUSY}
    assert day.counts["effects_outstanding"] == 0
    assert day.findings == []
