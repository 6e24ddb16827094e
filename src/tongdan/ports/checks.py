"""The book of the heartbeat: which order is to be compared with which partner, and when. A view, and made anew."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Watched(msgspec.Struct, frozen=True, gc=False):
    """An order that has changed at `changed_at`, and the partners that may know it; none: nobody is asked any more."""

    order: str
    partners: tuple[str, ...]
    changed_at: datetime


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order at one partner. `checked_at` None: never yet. `odd`: the fields that differed when it was checked."""

    partner: str
    order: str
    due: datetime
    changed_at: datetime
    checked_at: datetime | None = None
    odd: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True, gc=False):
    """What came of a check. `due` None: nobody asks about the order any more."""

    order: str
    due: datetime | None
    odd: tuple[str, ...] = ()


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The last beat of a partner, and its rhythm. `error` is why nobody answered, "" if somebody did."""

    partner: str
    began_at: datetime
    ended_at: datetime
    asked: int = 0
    checked: int = 0
    differing: int = 0
    error: str = ""
    heard_at: datetime | None = None
    mean_s: float = 0.0


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """`orders` watched at a partner, `due` of them by now since `due_since`; `oldest` is when the one was checked (or
    first watched) that has not been checked for longest; `odd` differ."""

    orders: int
    due: int
    due_since: datetime | None
    oldest: datetime | None
    odd: int


class Checks(Protocol):
    """Raises StoreFailure when it cannot be read or written; then nothing was."""

    def put(self, watched: Sequence[Watched], positions: Mapping[int, int]) -> None:
        """Each is due at once with all its partners; `positions` (shard → journal position) tells how far it is
        complete."""

    def positions(self) -> dict[int, int]: ...

    def due(self, partner: str, now: datetime, limit: int) -> list[Check]:
        """Those longest overdue first."""

    def done(self, partner: str, checked: Sequence[Checked], at: datetime) -> None:
        """They were asked about `at`; one that has changed since stays due."""

    def hasten(self, order: str, at: datetime) -> None:
        """Have the order checked with every partner at the next beat."""

    def backlog(self, partner: str, now: datetime) -> Backlog: ...

    def partners(self) -> list[str]: ...

    def beat(self, partner: str) -> Beat | None: ...

    def keep(self, beat: Beat) -> None: ...

    def close(self) -> None: ...
