"""From our count to finance's, step by step: each cause takes away what only we count and adds what only they count.

The steps lead exactly from one to the other, orders and fen; what no rule explained is a step of its own, the residue.
"""

from collections.abc import Iterable

import msgspec

from tongdan.domain.finance.books import Compared
from tongdan.domain.finance.causes import Cause, Finding


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one cause makes of the difference (theirs less ours); `found` is how many differences have it."""

    cause: Cause
    found: int
    orders: int
    amount_fen: int


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """(orders, fen) on both sides, and the steps between."""

    ours: tuple[int, int]
    theirs: tuple[int, int]
    steps: tuple[Step, ...]

    @property
    def difference(self) -> tuple[int, int]:
        """Theirs less ours."""
        return self.theirs[0] - self.ours[0], self.theirs[1] - self.ours[1]

    @property
    def residue(self) -> Step:
        none = Step(cause=Cause.UNEXPLAINED, found=0, orders=0, amount_fen=0)
        return next((step for step in self.steps if step.cause is Cause.UNEXPLAINED), none)


def bridge(compared: Compared, findings: Iterable[Finding]) -> Bridge:
    kept: dict[Cause, list[Finding]] = {}
    for each in findings:
        kept.setdefault(each.cause, []).append(each)
    steps = [_step(cause, kept[cause]) for cause in Cause if cause in kept]
    return Bridge(ours=compared.ours, theirs=compared.theirs, steps=tuple(steps))


def _step(cause: Cause, found: list[Finding]) -> Step:
    return Step(
        cause=cause,
        found=len(found),
        orders=sum([(each.theirs_fen is not None) - (each.ours_fen is not None) for each in found]),
        amount_fen=sum([(each.theirs_fen or 0) - (each.ours_fen or 0) for each in found]),
    )
