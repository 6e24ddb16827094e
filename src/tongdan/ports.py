"""Every Protocol that the flow needs from outside, and the plain values that cross them.

Two sides: a **door** turns a partner's request into commands and their replies into the partner's own answer; an
**actor** performs effects at a partner and says how each of its verbs may be repeated. Both are told apart from
transport, so the same code runs over real HTTP and, in a replay, in process on virtual time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

import msgspec

from tongdan.domain.kernel.messages import Command, Effect, Person, Refusal


class Clock(Protocol):
    """The only way to read or wait on time."""

    def now(self) -> datetime:
        """The current instant, aware, UTC, to the microsecond."""

    async def sleep(self, seconds: float) -> None: ...

    def monotonic(self) -> float:
        """Seconds that only grow, for durations."""

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        """Call `then` on the loop's thread after `seconds`; what is returned cancels it."""


class Entropy(Protocol):
    """The only source of chance: the operating system's, or in a replay the seed's."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""

    def uniform(self) -> float:
        """A number in [0, 1)."""


# ---------------------------------------------------------------- in


class PushRequest(msgspec.Struct, frozen=True, gc=False):
    """A request as it stood on the wire. Header names are lower-case; `body` is untouched."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class PushAnswer(msgspec.Struct, frozen=True, gc=False):
    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after_s: int = 0


class Inbound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command a partner's message stands for.

    `key` names the message for the inbox: the same key is the same message. `raw` is this item's own bytes as
    received (of an array push the item, not the array). `source` is like `channel/douyin`.
    """

    command: Command
    key: tuple[str, ...]
    source: str
    shop: str
    happened_at: datetime
    raw: bytes
    operator: str = "system"


class NotUnderstood(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Authentic, but not understood: kept raw in quarantine, acknowledged, shown as a ticket."""

    source: str
    reason: str
    raw: bytes
    shop: str = ""


class Unauthentic(Exception):
    """No valid signature or secret URL. The message says what was wrong, never the secret."""


class Mistake(Exception):
    """A client's mistake: a named 4xx, nothing is written."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The committed answer to a command: where in the log it stands. A repeat gets the same, marked `duplicate`."""

    aggregate: str
    slot: int
    epoch: int
    seq: int
    duplicate: bool = False


Reply = Accepted | Refusal


class Door(Protocol):
    """One entrance. `path` is its prefix on the push port, e.g. `/push/douyin/`."""

    path: str
    source: str

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        """Authenticate, then translate. Raises Unauthentic or Mistake; an empty list is answered at once."""

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        """The native acknowledgement once everything is committed or quarantined (the latter has no reply)."""

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """The partner's own way of being told no: unauthentic, mistaken, or overloaded (429/503: try again)."""


# --------------------------------------------------------------- out


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    timeout_s: float = 10.0


class HttpResponse(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """The request certainly did not arrive (refused connection, unknown host)."""


class NoAnswer(Exception):
    """It may have arrived: a time-out or a connection that broke before the answer was whole."""


class Transport(Protocol):
    """Carries requests to partners. Raises Unreachable or NoAnswer, nothing else."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...


class Repeat(Enum):
    """How a verb may be sent again when it is not known whether it took place."""

    KEYED = "keyed"  # the partner knows our idempotency key
    NATURAL = "natural"  # the same business key has the same effect
    QUERY_FIRST = "query-first"  # unknown until looked up
    AT_LEAST_ONCE = "at-least-once"  # a second time does no harm worth preventing


class Undo(Enum):
    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    IRREVERSIBLE = "irreversible"


class Verb(msgspec.Struct, frozen=True):
    """What an actor declares of one effect type."""

    repeat: Repeat
    undo: Undo
    deadline_s: int = 86_400
    timeout_s: float = 10.0


class Errand(msgspec.Struct, frozen=True):
    """One effect on its way. `person` opens the sealed personal data of `aggregate`'s order; None when erased."""

    id: str
    aggregate: str
    effect: Effect
    tries: int
    person: Callable[[], Person | None]


class Done(msgspec.Struct, frozen=True):
    """It took place. `command` tells the aggregate what was learnt; `raw` is the partner's answer, for the journal."""

    command: Command | None
    raw: bytes = b""


class Failed(msgspec.Struct, frozen=True):
    """It did not take place, or (`unknown`) nobody knows.

    `partner_wide`: an outage, a limit or a credential: the breaker counts it, and the effect's deadline pauses.
    `final`: sending the same again cannot help: a dead letter at once.
    """

    error: str
    partner_wide: bool = False
    final: bool = False
    unknown: bool = False
    retry_after_s: float = 0.0


class Actor(Protocol):
    """Performs effects at one partner. `partner` is matched with `Effect.partner`."""

    partner: str
    verbs: Mapping[type[Effect], Verb]

    async def perform(self, errand: Errand) -> Done | Failed: ...

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        """For QUERY_FIRST: has it taken place? None: certainly not, send it. Failed: could not tell."""


class Credentials(Protocol):
    """Secrets by name, read when used, never logged. Raises KeyError naming what is missing."""

    def get(self, name: str) -> Mapping[str, str]: ...


# --------------------------------------------------------- the loop, as surfaces see it


class CommandBus(Protocol):
    """The way in. Everything is answered after its commit, on the event loop's thread."""

    def submit(
        self, messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
    ) -> Refusal | None:
        """Queue all messages and call `done` once with the replies of the Inbound ones, in order.

        Returns a refusal (429 or 503, `retry_after_s` set) and takes nothing when the bounded queues are full.
        """

    async def ask(self, message: Inbound) -> Reply:
        """`submit` for one message, awaited; the refusal of a full queue is returned like any other."""

    async def wait_for(self, aggregate: str, until: Callable[[object], bool], timeout_s: float) -> bool:
        """Wait until the committed state of `aggregate` satisfies `until`.

        False after `timeout_s`, or at once when too many wait already.
        """


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the audit trail, opened for reading. `raw` None: erased or none was received."""

    slot: int
    epoch: int
    seq: int
    aggregate: str
    version: int
    fact: str
    fact_version: int
    body: dict[str, object]
    command: str
    command_key: str
    cause: str
    revision: int
    shop: str
    owned: bool
    status_before: int
    status_after: int
    happened_at: datetime
    recorded_at: datetime
    operator: str
    source: str
    raw: bytes | None
    closes: tuple[str, ...]
    effects: int
    wake_at: datetime | None
    hash: str


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list of orders."""

    id: str
    channel: str
    shop: str
    native: str
    status: int
    amount_fen: int
    updated_at: datetime
    cursor: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    effect: str
    aggregate: str
    partner: str
    verb: str
    tries: int
    error: str
    since: datetime


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    subject: str
    kind: str
    summary: str
    times: int
    open: bool
    raised_at: datetime


class Reads(Protocol):
    """Committed truth, read beside the loop."""

    def order(self, key: str) -> object | None:
        """The state of an aggregate (an `Order`, `Shipment`, `Stock` …), None when there is none."""

    def person(self, key: str) -> Person | None: ...

    def find(self, channel: str, shop: str, native: str) -> str | None:
        """The Tongdan id of a platform's or client's order number."""

    def timeline(self, key: str, *, with_raw: bool = False) -> list[JournalRow]:
        """All rows of an order and of its shipments and tickets, oldest first."""

    def as_of(self, key: str, at: datetime) -> object | None:
        """The state as it was recorded at `at`."""

    def orders(
        self, *, shop: str = "", status: int | None = None, before: str = "", limit: int = 50
    ) -> list[OrderRow]:
        """Newest change first; `before` is the `cursor` of the last row of the page before."""

    def tickets(self, *, open_only: bool = True, limit: int = 200) -> list[TicketRow]: ...

    def quarantine(self, limit: int = 200) -> list[dict[str, object]]: ...

    def dead_letters(self) -> list[DeadLetter]: ...

    def journal(self, *, since: datetime | None = None, shop: str = "") -> Iterator[JournalRow]:
        """The audit trail, shard by shard in order of arrival: within a slot that is the order of its chain."""

    def counts(self) -> dict[str, int]:
        """orders, journal rows, outstanding effects, dead letters, wake-ups, quarantined, open tickets, backlog."""


# ------------------------------------------------------------- what the bus stands on


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


class RunColumns(NamedTuple):
    """How the sending of an effect stands: operational, not part of the audit trail."""

    id: str
    tries: int
    first_us: int
    due_us: int
    lease_us: int
    dead: int
    error: str


class ParkedColumns(NamedTuple):
    """A fact that a reaction could not digest, and what comes after it in the same aggregate."""

    agg: str
    slot: int
    epoch: int
    seq: int
    reaction: str
    error: str


class WriteSet:
    """All that one commit writes to one shard; rows are in the order of the columns above."""

    __slots__ = (
        "closed", "counters", "cursors", "effects", "erased", "heads", "inbox", "journal", "names", "parked",
        "quarantine", "runs", "states", "subjects", "unparked", "unquarantined", "wakeups", "watermarks",
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
            tuple[str, str, str, int, bytes, bytes]
        ] = []  # source, shop, reason, at_us, salt, raw
        self.parked: list[tuple[Any, ...]] = []
        self.unquarantined: list[tuple[int]] = []  # ids of quarantine
        self.unparked: list[tuple[str, int, int, int, str]] = []  # the key columns of parked


class ShardStore(Protocol):
    """One shard's tables. Only the bus calls `begin`, `write` and `commit`; everything here may raise StoreFailure."""

    shard: int

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

    def dead(self) -> list[tuple[EffectColumns, RunColumns]]:
        """Dead letters, oldest first."""

    def journal_after(self, pos: int, limit: int) -> list[tuple[int, JournalColumns]]: ...

    def journal_of(self, agg: str) -> list[JournalColumns]:
        """The rows of one aggregate, oldest first."""

    def aggregates_under(self, order: str) -> list[str]:
        """Keys of the shipments of an order, and of the tickets about it and them."""

    def last_pos(self) -> int: ...

    def heads(self) -> dict[int, tuple[int, int, bytes]]:
        """slot → (epoch, seq, hash)."""

    def counters(self) -> dict[tuple[int, str, str], int]: ...

    def watermarks(self) -> dict[tuple[int, str, int], tuple[int, int, int]]: ...

    def cursors(self, subscriber: str) -> dict[int, tuple[int, int, int]]:
        """slot → (epoch, seq, pos)."""

    def parked(self) -> list[ParkedColumns]: ...

    def quarantined(self, limit: int) -> list[tuple[int, str, str, str, int, bytes, bytes]]: ...

    def count(self, table: str) -> int: ...

    def close(self) -> None: ...


class Overview(Protocol):
    """The lists that views keep: orders and tickets, a moment behind the truth."""

    def put(
        self, orders: Sequence[OrderRow], tickets: Sequence[TicketRow], positions: Mapping[int, int]
    ) -> None:
        """Replace these rows; `positions` (shard → journal position) tells how far the lists are complete."""

    def positions(self) -> dict[int, int]: ...

    def orders(self, *, shop: str, status: int | None, before: str, limit: int) -> list[OrderRow]: ...

    def tickets(self, *, open_only: bool, limit: int) -> list[TicketRow]: ...

    def counts(self) -> dict[str, int]:
        """`orders`, `orders_status_CODE` for each status code that occurs, `tickets_open`."""

    def close(self) -> None: ...


class TokenBook(Protocol):
    """Tokens and the subjects they stand for: a view, complete up to a journal position of each shard."""

    def open_under(self, key_check: bytes) -> dict[int, int]:
        """Shard → position reached. A book that was made under another key is emptied first."""

    def clear(self) -> dict[int, int]:
        """Begin anew: no tokens, no positions."""

    def put(self, tokens: Sequence[tuple[bytes, str]], shard: int, pos: int) -> None: ...

    def holders(self, token: bytes, limit: int) -> list[str]: ...

    def drop(self, subjects: Sequence[str]) -> None: ...

    def scrub(self) -> bool:
        """As `ShardStore.scrub`."""

    def close(self) -> None: ...


class ErasureEntry(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    operator: str
    subjects: tuple[str, ...]


class ErasureLog(Protocol):
    """Outside the store and its backups, so that a restore brings nobody back. Raises StoreFailure."""

    def append(self, subjects: Sequence[str], at: datetime, operator: str) -> ErasureEntry:
        """Durable when it returns."""

    def entries(self) -> list[ErasureEntry]: ...


class StoreFailure(Exception):
    """The store could not do it (disk full, lost token, corruption); nothing of the batch was written."""


class Vault(Protocol):
    """Seals personal data under a per-subject key derived from a salt: without the salt nobody reads it again."""

    def seal(self, salt: bytes, subject: str, plain: bytes) -> bytes: ...

    def open(self, salt: bytes, subject: str, sealed: bytes) -> bytes:
        """Raises ValueError when it does not open (wrong salt, subject, key, or changed bytes)."""

    @property
    def generation(self) -> int:
        """Of the master key under which seals and tokens are made now."""

    def token(self, kind: str, value: str) -> bytes:
        """16 bytes that stand for `value` in an index: equal for equal values, and telling nothing without the key."""

    def forget(self) -> None:
        """Drop derived keys from memory."""


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

    def salt(self, subject: str) -> bytes | None:
        """Empty: erased. None: nothing was ever sealed for this subject."""

    def rows(self) -> int:
        """Journal rows, for progress."""

    def close(self) -> None: ...
