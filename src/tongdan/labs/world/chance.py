"""Chance from a seed, one independent stream for every thing that takes chances.

A buyer, an order, a line to the centre each draw from a stream named after themselves. So one more draw
somewhere changes nothing elsewhere, and an order meets the same fate whether ten or a thousand others are
born beside it.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

from tongdan.adapters.clock import SeededEntropy

T = TypeVar("T")


class Stream(SeededEntropy):
    """The stream of `name` under `seed`: the same pair always draws the same."""

    def __init__(self, seed: int, *name: object) -> None:
        super().__init__("/".join(map(str, (seed, *name))))

    def chance(self, share: float) -> bool:
        """True in `share` (0…1) of all draws."""
        return self.uniform() < share

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        return low + self.uniform() * (high - low)

    def waiting_s(self, mean_s: float) -> float:
        """A wait as in life: mostly shorter than the mean, now and then up to four times as long."""
        return min(-math.log(1 - self.uniform()), 4.0) * mean_s

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.whole(0, len(choices) - 1)]

    def digits(self, count: int) -> str:
        return "".join(str(self.whole(0, 9)) for _ in range(count))
