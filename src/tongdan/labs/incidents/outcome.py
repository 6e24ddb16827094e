"""What a replay comes to: two columns of figures, and whether Tongdan's holds."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

Figure = int | float | str | None  # None: there is nothing to be counted, a dash


class Row(msgspec.Struct, frozen=True):
    """One thing that is counted on both sides."""

    name: str
    en: str
    zh: str
    old: Figure
    tongdan: Figure


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`holds`: Tongdan's column is as it has to be; `offenders` says where it is not."""

    incident: str
    seed: int
    rows: tuple[Row, ...]
    holds: bool
    offenders: tuple[str, ...] = ()

    def figure(self, name: str) -> tuple[Figure, Figure]:
        """(old, Tongdan's) of one row."""
        row = next(row for row in self.rows if row.name == name)
        return row.old, row.tongdan


class Incident(NamedTuple):
    """A replay: `old` and `says` are what ran before and what has to hold, in English and Chinese.

    `replay(seed, conf, data)` runs both sides, the centre in the empty directory `data`.
    """

    name: str
    title: tuple[str, str]
    old: tuple[str, str]
    says: tuple[str, str]
    replay: Callable[[int, Path, Path], Outcome]
