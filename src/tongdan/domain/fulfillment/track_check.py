"""What sources of tracks say of a parcel that is said to be signed for, and what follows from all of them together.

Each source knows nodes of it, knows none, or is not known to know: it has not answered, whatever the reason. Only when
every source has said "none" is there no track; one that cannot be reached never counts as a no.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


class Seen(StrEnum):
    """What one source says."""

    KNOWN = "known"
    NONE = "none"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    TRACKED = "tracked"
    UNTRACKED = "untracked"
    UNKNOWN = "unknown"


def verdict(sources: Mapping[str, Seen]) -> Verdict:
    """One that knows it is enough for a yes; a no takes all of them. Nobody to ask is nobody who says no."""
    said = set(sources.values())
    if Seen.KNOWN in said:
        return Verdict.TRACKED
    return Verdict.UNTRACKED if said == {Seen.NONE} else Verdict.UNKNOWN


class TrackCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One parcel that `by` calls signed and of which no track is known.

    `ask_at`: `sources` are asked then (again); since then those of `none` have said that they know no node, those of
    `known` that they do. `late_at`: who has not answered by then has an alarm of its own (`late`). `found`: all have
    said no; `over`: a node is known, and only answers are waited for.
    """

    carrier: str
    by: str
    said_at: datetime
    late_at: datetime | None = None
    ask_at: datetime | None = None
    sources: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    times: int = 0
    found: bool = False
    over: bool = False

    @property
    def answers(self) -> dict[str, Seen]:
        said = dict.fromkeys(self.none, Seen.NONE) | dict.fromkeys(self.known, Seen.KNOWN)
        return {source: said.get(source, Seen.UNKNOWN) for source in self.sources}

    @property
    def missing(self) -> tuple[str, ...]:
        """Sources that were asked and have not answered."""
        return tuple([source for source, seen in self.answers.items() if seen is Seen.UNKNOWN])

    @property
    def due(self) -> datetime | None:
        return self.ask_at or (self.late_at if self.missing else None)


def earliest(checks: Iterable[TrackCheck]) -> datetime | None:
    return min([check.due for check in checks if check.due is not None], default=None)
