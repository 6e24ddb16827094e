"""What the bus stands on: a shard's tables, the rows that one commit writes, and a shard as a check reads it.

The columns here are the data format: a journal row's hash covers them in this order.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from tongdan.ports.archive import Archived, Cut, Part


class StoreFailure(Exception):
    """The store could not do it (disk full, lost token, corruption); nothing of the batch was written."""


class LostToken(StoreFailure):
    """Another process has taken this shard: whoever learns it stops, for what it has in memory is no longer true."""


class JournalColumns(NamedTuple):
    """A journal row as stored; `hash` covers the previous row's hash and every column before it, in this order."""

    slot: int
    epoch: int
    seq: int
    agg: str
    ver: int
    fact: str
    fact_ver: int
    body: bytes
    command: str
    command_key: bytes
    cause: str
    revision: int
    shop: str
    owned: int
    status_before: int
    status_after: int
    happened_us: int
    recorded_us: int
    operator: str
    source: str
    person: bytes | None
    raw: bytes | None
    effects: bytes
    closes: str
    wake_us: int | None
    hash: bytes


class StateColumns(NamedTuple):
    agg: str
    ver: int
    schema: int
    status: int
    body: bytes
    person: bytes | None


class EffectColumns(NamedTuple):
    """An outstanding effect: the row exists until its outcome. `id` = slot.epoch.seq.ordinal of the emitting fact."""

    id: str
    agg: str
    partner: str
    verb: str
    body: bytes
    created_us: int


OUTAGE_LETTER: Final = 2  # a dead letter because its partner as a whole took nothing


class RunColumns(NamedTuple):
    """How the sending of an effect stands: operational, not part of the audit trail."""

    id: str
    tries: int
    first_us: int
    due_us: int
    lease_us: int
    dead: int  # 0: it is none; a dead letter of its own, or OUTAGE_LETTER
    error: str


class ParkedColumns(NamedTuple):
    """A fact that a reaction could not digest, and what comes after it in the same aggregate.

    `reaction` is its name, followed by `#` and a number where only that one of its commands failed.
    """

    agg: str
    slot: int
    epoch: int
    seq: int
    reaction: str
    error: str


class SlotRow(NamedTuple):
    """Where a slot stands that lies, or lay, elsewhere than its number says (states: `flow/placement.py`)."""

    slot: int
    state: str
    peer: int
    move: str


# Rows of one table, as `SlotRows` hands them out and a WriteSet takes them.
Rows = tuple[str, list[tuple[Any, ...]]]


class SlotRows(Protocol):
    """One snapshot of a shard, read for what belongs to one slot. Everything may raise StoreFailure, and be slow."""

    last_pos: int

    def journal_rows(self, slot: int) -> int: ...

    def head(self, slot: int) -> tuple[int, int, bytes] | None:
        """(epoch, seq, hash) of the last row of the slot's chain that lies here."""

    def bulk(self, slot: int) -> Iterator[Rows]:
        """The journal in order of the chain, then everything that grows with the orders, in chunks."""

    def rest(self, slot: int, after_pos: int) -> list[Rows]:
        """What has come or changed since a snapshot whose last position was `after_pos`, and all that is small."""

    def keys(self, slot: int, *, small: bool) -> Iterator[Rows]:
        """The keys of all rows of the slot in the small or in the other tables, to drop them by, in chunks."""

    def close(self) -> None: ...


class QuarantineRow(NamedTuple):
    """A message that was not understood. `about` is what its door needs to read it again, besides the raw bytes."""

    id: int
    source: str
    shop: str
    reason: str
    at_us: int
    salt: bytes
    raw: bytes
    about: str


class WriteSet:
    """All that one commit writes to one shard; rows are in the order of the columns above."""

    __slots__ = (
        "adopted",
        "archives",
        "closed",
        "counters",
        "cursors",
        "cuts",
        "dropped",
        "effects",
        "erased",
        "forgotten",
        "heads",
        "inbox",
        "journal",
        "names",
        "parked",
        "pruned",
        "quarantine",
        "repositioned",
        "requarantined",
        "runs",
        "slots",
        "states",
        "subjects",
        "unparked",
        "unquarantined",
        "wakeups",
        "watermarks",
    )  # fmt: skip

    def __init__(self) -> None:
        self.journal: list[tuple[Any, ...]] = []  # (pos, *JournalColumns)
        self.states: list[tuple[Any, ...]] = []
        self.inbox: list[tuple[bytes, int, bytes]] = []  # key, at_us, reply
        self.names: list[tuple[bytes, str]] = []
        self.subjects: list[tuple[str, bytes]] = []  # subject, salt
        self.erased: list[tuple[str]] = []  # subjects whose salt is overwritten
        self.effects: list[tuple[Any, ...]] = []
        self.closed: list[tuple[str]] = []  # effect ids that are over
        self.runs: list[RunColumns] = []
        self.wakeups: list[
            tuple[str, int | None, int | None]
        ] = []  # aggregate, due_us before and now; None: none
        self.heads: list[tuple[int, int, int, bytes]] = []  # slot, epoch, seq, hash
        self.counters: list[tuple[int, str, str, int]] = []  # slot, channel, day, next n
        self.watermarks: list[
            tuple[int, str, int, int, int, int]
        ] = []  # source slot, reaction, target slot, …
        self.cursors: list[tuple[str, int, int, int, int]] = []  # subscriber, slot, epoch, seq, pos
        self.quarantine: list[
            tuple[str, str, str, int, bytes, bytes, str]
        ] = []  # source, shop, reason, at_us, salt, raw, about
        self.parked: list[tuple[Any, ...]] = []
        self.unquarantined: list[tuple[int]] = []  # ids of quarantine
        self.requarantined: list[tuple[str, int]] = []  # reason, id of quarantine
        self.archives: list[Part] = []
        self.cuts: list[Cut] = []
        self.pruned: list[tuple[int]] = []  # positions of journal rows that an archive file holds
        self.forgotten: list[tuple[bytes]] = []  # inbox keys
        self.unparked: list[tuple[str, int, int, int, str]] = []  # the key columns of parked
        self.slots: list[SlotRow] = []
        self.adopted: list[Rows] = []  # of a slot that comes here; journal rows get the next positions
        self.dropped: list[Rows] = []  # keys of rows of a slot that does not lie here
        self.repositioned: list[
            tuple[int, int, int]
        ] = []  # slot, epoch, seq: rows after it get the next positions


class ShardStore(Protocol):
    """One shard's tables. Only the bus calls `begin`, `write` and `commit`; everything here may raise StoreFailure."""

    shard: int
    archived: "Archived"

    def begin(self) -> None: ...

    def write(self, rows: WriteSet) -> None: ...

    def commit(self) -> None:
        """Make it durable. Slow, and safe to call from another thread than the rest."""

    def rollback(self) -> None: ...

    def replies(self, keys: Sequence[bytes]) -> dict[bytes, bytes]: ...

    def named(self, digests: Sequence[bytes]) -> dict[bytes, str]: ...

    def states(self, keys: Sequence[str]) -> dict[str, StateColumns]: ...

    def salts(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """Subject → salt; an empty one means that the subject was erased and nothing is sealed for it again."""

    def persons(self, after: int, until: int) -> list[tuple[str, bytes]]:
        """(aggregate, sealed person) of the journal rows at positions `after` < position ≤ `until` that have one."""

    def scrub(self) -> bool:
        """Leave no trace of what was overwritten in the files. False while somebody reads an older state of them.

        Safe to call from another thread than the rest.
        """

    def due(self, until_us: int, limit: int) -> list[str]:
        """Aggregates whose wake-up is due, earliest first."""

    def next_due_us(self) -> int | None: ...

    def effect(self, id: str) -> EffectColumns | None: ...

    def outstanding(self) -> Iterator[tuple[EffectColumns, RunColumns | None]]:
        """All outstanding effects in the order they were recorded."""

    def outstanding_at(self, partner: str) -> list[tuple[EffectColumns, RunColumns | None]]:
        """All that is outstanding at a partner, without what it carries."""

    def waiting_at(self, partner: str, until_us: int) -> int:
        """How much of what was asked for until then is outstanding at a partner, behind no dead letter of its own."""

    def blocked_at(self, partner: str) -> list[tuple[EffectColumns, RunColumns | None]]:
        """As `outstanding_at`: the lanes that have such a letter."""

    def dead(self) -> list[tuple[EffectColumns, RunColumns]]:
        """Dead letters, oldest first."""

    def journal_after(self, pos: int, limit: int) -> list[tuple[int, JournalColumns]]: ...

    def telling(self, fact: str, after: int, until: int) -> list[JournalColumns]:
        """The rows at positions `after` < position ≤ `until` that tell this fact, without payloads."""

    def outcomes(self, source: str, no: int, after: int, until: int) -> list[tuple[str, str, int]]:
        """(cause, aggregate, recorded_us) of the outcomes there that `source` brought and outage `no` had held up."""

    def count_outcomes(self, source: str, note: str, after: int, until: int) -> int:
        """How many of those their cause says `note` of, a GLOB pattern."""

    def journal_before(self, pos: int, limit: int) -> list[tuple[int, JournalColumns]]:
        """The last rows before `pos`, the last one first; not those in archive files."""

    def journal_of(self, agg: str) -> list[JournalColumns]:
        """The rows of one aggregate, oldest first, those in archive files too."""

    def chained(self, agg: str) -> list[tuple[bytes | None, JournalColumns]]:
        """The rows of one aggregate that are in the journal, oldest first, each with the hash of the row before it in
        its slot; None: that row was not found near it."""

    def recorded_before(self, at_us: int) -> int:
        """About how many journal rows were recorded before `at_us`; found without reading them."""

    def inbox_after(self, key: bytes, limit: int) -> list[tuple[bytes, int]]:
        """(key, at_us) in the order of keys."""

    def aggregates_under(self, order: str) -> list[str]:
        """Keys of the shipments of an order, and of the tickets about it and them."""

    def states_under(self, name: str, after: str, limit: int) -> list[StateColumns]:
        """Aggregates whose key is `name`/…, in the order of keys from beyond `after` on."""

    def last_pos(self) -> int: ...

    def heads(self) -> dict[int, tuple[int, int, bytes]]:
        """slot → (epoch, seq, hash)."""

    def counters(self) -> dict[tuple[int, str, str], int]: ...

    def watermarks(self) -> dict[tuple[int, str, int], tuple[int, int, int]]: ...

    def cursors(self, subscriber: str) -> dict[int, tuple[int, int, int]]:
        """slot → (epoch, seq, pos)."""

    def parked(self) -> list[ParkedColumns]: ...

    def slots(self) -> list[SlotRow]: ...

    def quarantined(self, limit: int) -> list[QuarantineRow]:
        """Newest first."""

    def quarantined_one(self, id: int) -> QuarantineRow | None: ...

    def count(self, table: str) -> int:
        """Rows of a table; of the large ones without reading them."""

    def count_dead(self) -> int:
        """Dead letters."""

    def close(self) -> None: ...


class ShardAudit(Protocol):
    """One shard as a check reads it: one consistent snapshot, every table in a useful order, nothing interpreted."""

    shard: int

    def journal(self) -> Iterator[tuple[int, JournalColumns]]:
        """(position, row) in order of arrival."""

    def journal_by_aggregate(self) -> Iterator[JournalColumns]:
        """Ordered by aggregate, within one in order of arrival."""

    def states(self) -> Iterator[StateColumns]:
        """Ordered by aggregate."""

    def wakeups(self) -> Iterator[tuple[str, int]]:
        """Ordered by aggregate."""

    def effects(self) -> Iterator[EffectColumns]: ...

    def runs(self) -> Iterator[RunColumns]: ...

    def heads(self) -> dict[int, tuple[int, int, bytes]]: ...

    def names(self) -> dict[bytes, str]: ...

    def slots(self) -> list[SlotRow]: ...

    def parts(self) -> "list[Part]":
        """In order of the chains."""

    def cuts(self) -> "Iterator[Cut]":
        """Ordered by aggregate."""

    def archived(self, slots: Sequence[int]) -> Iterator[JournalColumns]:
        """The archived rows of these slots, slot by slot in order of the chain."""

    def archived_by_aggregate(self, slots: Sequence[int]) -> Iterator[JournalColumns]:
        """The same, ordered by aggregate and version; without payloads."""

    def file_digest(self, file: str) -> bytes: ...

    def salt(self, subject: str) -> bytes | None:
        """Empty: erased. None: nothing was ever sealed for this subject."""

    def rows(self) -> int:
        """Journal rows, for progress."""

    def close(self) -> None: ...
