"""Rows of the journal that lie in archive files, and what a shard keeps of them so that nobody need read those.

A part is a run of one slot's chain in one file. A cut is what an aggregate had come to where its journal ends in the
archive: the next row goes on from there. Days are numbers like 20260127, in UTC+8.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from tongdan.ports.store import JournalColumns


class Part(NamedTuple):
    """`before` and `hash`: the chain's head before the first and after the last row. `effects`: of a slot's last
    part, what its whole chain leaves outstanding (`flow/replay.py`)."""

    slot: int
    epoch: int
    seq: int
    last_epoch: int
    last_seq: int
    day: int
    rows: int
    before: bytes
    hash: bytes
    effects: bytes
    file: str
    digest: bytes

    @property
    def end(self) -> tuple[int, int]:
        return self.last_epoch, self.last_seq


class Cut(NamedTuple):
    """`state` and `person` are 16-byte digests (empty: no person was sealed). `body` is the state itself, kept where
    later rows were there already when the cut was made."""

    agg: str
    ver: int
    schema: int
    status: int
    at_us: int
    wake_us: int | None
    state: bytes
    person: bytes
    body: bytes | None
    first_day: int
    last_day: int


class Archived(Protocol):
    """What one shard knows of its archived rows. Raises StoreFailure, also for a file that is not there."""

    def parts(self) -> list[Part]:
        """In order of the chains."""

    def ends(self) -> dict[int, Part]:
        """slot → its last part."""

    def cuts(self, aggs: Sequence[str]) -> dict[str, Cut]: ...

    def cuts_after(self, agg: str, limit: int) -> list[Cut]:
        """Those of aggregates after `agg`, in order."""

    def history(self, agg: str) -> list[JournalColumns]:
        """The archived rows of an aggregate, oldest first."""

    def rows(self, since_us: int, after: Mapping[int, tuple[int, int]]) -> Iterator[JournalColumns]:
        """Every archived row recorded from then on, of parts that end after `after` (slot → (epoch, seq))."""


class ArchiveFiles(Protocol):
    """The files themselves. Raises StoreFailure."""

    def write(self, name: str, rows: Iterable[JournalColumns]) -> bytes:
        """Write a file that does not count yet; durable when it returns. Its digest (32 bytes)."""

    def read_unfinished(self, name: str) -> tuple[bytes, list[JournalColumns]]:
        """What `write` left: digest and rows in order of their chains."""

    def publish(self, name: str) -> None:
        """From here on it counts."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """Chain heads of a day. `heads`: slot → `epoch.seq:hash`; `hash` covers the line before and all of this one."""

    day: int
    at: datetime
    heads: dict[int, str]
    before: str
    hash: str = ""


class Anchors(Protocol):
    """Outside the database, only ever added to. Raises StoreFailure."""

    def append(self, day: int, at: datetime, heads: dict[int, str]) -> None: ...

    def entries(self) -> Iterator[Anchor]:
        """Oldest first. Raises StoreFailure where a line is not what the one after it says."""
