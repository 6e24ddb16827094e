"""What the process counts about itself: plain numbers, filled where things happen, shown by whoever shows them.

Several processes of one centre tell each other their numbers, and whoever shows them adds them up.

Nothing here knows a metrics library, so the loop stays free of one. Labels that come from outside are bounded: after
`TALLY_LABELS` different ones the rest counts as "other", so a stranger cannot grow the memory of the process.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import Final

import msgspec

TALLY_LABELS: Final = 500
OTHER: Final = "other"
SEPARATOR: Final = "\x1f"  # between the strings of a label, where it has to be one
SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class Tally:
    """Counts by label, where a label is one or several strings."""

    def __init__(self) -> None:
        self._counts: Final[dict[tuple[str, ...], int]] = {}

    def add(self, *label: str, by: int = 1) -> None:
        counts = self._counts
        if label not in counts and len(counts) >= TALLY_LABELS:
            label = (OTHER,) * len(label)
        counts[label] = counts.get(label, 0) + by

    def __getitem__(self, label: str | tuple[str, ...]) -> int:
        return self._counts.get((label,) if isinstance(label, str) else label, 0)

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], int]]:
        return iter(sorted(self._counts.items()))

    def total(self) -> int:
        return sum(self._counts.values())

    def told(self) -> dict[str, int]:
        return {SEPARATOR.join(label): n for label, n in self._counts.items()}

    def hear(self, told: Mapping[str, int]) -> None:
        for label, n in told.items():
            self.add(*label.split(SEPARATOR), by=n)


class Histogram:
    """How often a value fell at or below each of `bounds` and above the one before; the last count is the rest."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Final = tuple(bounds)
        self.counts: Final = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def total(self) -> int:
        return sum(self.counts)

    def told(self) -> tuple[list[int], float]:
        return self.counts, self.sum

    def hear(self, told: tuple[list[int], float]) -> None:
        self.counts[:] = map(add, self.counts, told[0])
        self.sum += told[1]


class Meters:
    """One a process. Each number says who fills it."""

    def __init__(self) -> None:
        # The front door: every answered push by (source, HTTP status), what became of the messages in it, and why
        # some requests got no further than the door.
        self.pushes: Final = Tally()
        self.accepted: Final = Tally()  # (source,): messages committed for the first time
        self.duplicates: Final = Tally()  # (source,): messages that had been committed before
        self.quarantined: Final = Tally()  # (source,): authentic, but not understood
        self.unauthentic: Final = Tally()  # (source, reason)
        self.turned_away: Final = Tally()  # (source, refusal): mistakes and overload; nothing was taken
        self.broken: Final = Tally()  # (source, exception type): answered 500
        # The bus: what it refused by name (deciders and full queues), and its transactions.
        self.refused: Final = Tally()  # (refusal,)
        self.commit_s: Final = Histogram(SECONDS)  # from the start of a batch to the end of its commit
        self.batch_messages: Final = Histogram(SIZES)
        # The effects.
        self.effects: Final = Tally()  # (partner, verb, outcome): done, failed, dead
        self.breakers_open: Final[set[str]] = set()  # partners whose lanes wait

    def told(self) -> bytes:
        """For another process of this centre, which hears it with `hear`."""
        return _encode(
            Told(
                {name: tally.told() for name, tally in vars(self).items() if isinstance(tally, Tally)},
                {name: kept.told() for name, kept in vars(self).items() if isinstance(kept, Histogram)},
                sorted(self.breakers_open),
            )
        )

    def hear(self, told: bytes) -> None:
        """Add the numbers of another process."""
        heard = _told.decode(told)
        for name, tally in heard.tallies.items():
            getattr(self, name).hear(tally)
        for name, histogram in heard.histograms.items():
            getattr(self, name).hear(histogram)
        self.breakers_open.update(heard.breakers_open)


class Told(msgspec.Struct, frozen=True):
    """Meters on their way to another process, by the names of the attributes above."""

    tallies: dict[str, dict[str, int]]
    histograms: dict[str, tuple[list[int], float]]
    breakers_open: list[str]


_encode: Final = msgspec.msgpack.Encoder().encode
_told: Final = msgspec.msgpack.Decoder(Told)
