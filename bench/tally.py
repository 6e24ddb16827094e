"""Figures by second: how much happened, and how long it took, in each second since a run began."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

QUANTILES: Final = (("p50_ms", 0.5), ("p99_ms", 0.99))


def quantile_ms(samples_s: Iterable[float], share: float) -> float:
    """0 where there are none."""
    ordered = sorted(samples_s)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3 if ordered else 0.0


class Seconds:
    """Counts by name and second; what is observed is counted, and its length kept."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[int]] = defaultdict(Counter)
        self._samples: dict[str, dict[int, array[float]]] = defaultdict(
            lambda: defaultdict(lambda: array("d"))
        )

    def count(self, at_s: float, name: str) -> None:
        self._counts[name][int(at_s)] += 1

    def observe(self, at_s: float, name: str, took_s: float) -> None:
        second = int(at_s)
        self._counts[name][second] += 1
        self._samples[name][second].append(took_s)

    def between(self, name: str, first: int, last: int) -> int:
        """How many from second `first` up to, and without, second `last`."""
        return sum(n for second, n in self._counts[name].items() if first <= second < last)

    def samples(self, name: str, first: int, last: int) -> list[float]:
        return [x for second, xs in self._samples[name].items() if first <= second < last for x in xs]

    def table(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """A row a second, with the quantiles of what was observed."""
        last = max((max(self._counts[name], default=0) for name in names), default=0)
        return [self._row(second, names) for second in range(last + 1)]

    def _row(self, second: int, names: Sequence[str]) -> dict[str, Any]:
        row: dict[str, Any] = {"second": second} | {name: self._counts[name][second] for name in names}
        for name in names:
            if took := self._samples[name].get(second):
                row |= {f"{name}_{label}": quantile_ms(took, share) for label, share in QUANTILES}
        return row
