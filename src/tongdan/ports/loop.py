"""The loop as surfaces see it: a bus to put messages in, and reads of what is committed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from tongdan.domain.guard.outage import Compensation, Outage, Progress
from tongdan.domain.kernel.messages import Person, Refusal
from tongdan.ports.inbound import Inbound, NotUnderstood, Reply
from tongdan.ports.search import EVERY_ORDER, Cell, OrderQuery, OrderRow
from tongdan.ports.tickets import RepairNumbers, TicketQuery, TicketRow


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


class Told(NamedTuple):
    """A fact that was told of an aggregate of a shop, and no more than that."""

    aggregate: str
    shop: str
    body: dict[str, Any]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A row in the chain of its slot. `agrees`: its hash covers it and the row before it; None: that one was not there
    to compute it from."""

    slot: int
    epoch: int
    seq: int
    aggregate: str
    fact: str
    hash: str
    agrees: bool | None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was recomputed of one order. `archived` of its rows lie in archive files, which only `tongdan verify --full`
    reads; `folds`: its facts add up to its state. `head` is (epoch, seq, hash) of the slot's last row."""

    slot: int
    links: tuple[Link, ...]
    archived: int
    folds: bool
    head: tuple[int, int, str]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    effect: str
    aggregate: str
    partner: str
    verb: str
    tries: int
    error: str
    since: datetime


class Reads(Protocol):
    """Committed truth, read beside the loop."""

    def order(self, key: str) -> object | None:
        """The state of an aggregate (an `Order`, `Shipment`, `Stock` …), None when there is none."""

    def under(self, name: str, after: str = "") -> Iterator[tuple[str, Any]]:
        """(key, state) of every aggregate whose key is `name`/…, in the order of keys from beyond `after` on."""

    def person(self, key: str) -> Person | None: ...

    def marks_of(self, kind: str, value: str) -> list[str]:
        """The marks (`KIND/TOKEN`) that a buyer's value goes under, the newest first; later ones are of older keys."""

    def find(self, channel: str, shop: str, native: str) -> str | None:
        """The Tongdan id of a platform's or client's order number."""

    def timeline(self, key: str, *, with_raw: bool = False) -> list[JournalRow]:
        """All rows of an order and of its shipments and tickets, oldest first."""

    def prove(self, key: str) -> Proof:
        """Recompute the hashes of all rows that `timeline` gives, and the state of the order from its facts."""

    def as_of(self, key: str, at: datetime) -> object | None:
        """The state as it was recorded at `at`."""

    def orders(self, query: OrderQuery = EVERY_ORDER, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        """As `Search.find`."""

    def count_orders(self, query: OrderQuery) -> int:
        """As `Search.count`."""

    def indexed(self) -> dict[int, tuple[int, int]]:
        """shard → the journal position up to which orders and people are found, and the last that is committed."""

    def led_to(self, clues: Sequence[tuple[str, str]], limit: int) -> list[str] | None:
        """The orders that each of these clues leads to; None when even the rarest fits more than `limit`."""

    def board(
        self,
        *,
        shops: Sequence[str] = (),
        warehouse: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:
        """As `Search.cells`."""

    def tickets(self, *, open_only: bool = True, limit: int = 200) -> list[TicketRow]:
        """The newest of all."""

    def find_tickets(self, query: TicketQuery, *, before: str = "", limit: int = 50) -> list[TicketRow]:
        """As `Overview.find`; what lies in quarantine is a ticket too."""

    def count_tickets(self, query: TicketQuery) -> int:
        """As `Overview.count`."""

    def repaired(self, query: TicketQuery, since: datetime, until: datetime) -> RepairNumbers:
        """As `Overview.repaired`."""

    def quarantine(self, limit: int = 200) -> list[dict[str, object]]: ...

    def quarantined(self, id: str) -> tuple[dict[str, Any], bytes] | None:
        """A message in quarantine as lists show it, and its payload. Raises ValueError when its seal does not open."""

    def dead_letters(self) -> list[DeadLetter]: ...

    def outages(self) -> list[tuple[str, Outage]]:
        """(partner, outage), the latest first; the numbers of one that goes on are not counted yet."""

    def progress(self, partner: str, outage: Outage, now: datetime) -> Progress:
        """The numbers of an outage that goes on, without reading what it holds up."""

    def compensation(self, partner: str, no: int, now: datetime) -> Compensation | None:
        """The report of an outage as it stands; reads the trail since the partner was back."""

    def journal(self, *, since: datetime | None = None, shop: str = "") -> Iterator[JournalRow]:
        """The audit trail, shard by shard in order of arrival: within a slot that is the order of its chain."""

    def telling(self, fact: str, since: datetime) -> Iterator[list[Told]]:
        """What this fact was told of, recorded from `since` on; each step reads a bounded piece of the trail, even if
        nothing is found in it."""

    def waiting(self, effect: str) -> tuple[str, str] | None:
        """Partner and verb of an effect that is outstanding; None: it is over, or there was none."""

    def history(self, *, before: str = "", limit: int = 100) -> tuple[list[JournalRow], str]:
        """The audit trail from its end backwards, newest first, without payloads and what lies in archive files.

        `before` is the cursor that came with the rows of before; the one returned is "" when there are no more.
        Raises ValueError when it is none.
        """

    def counts(self) -> dict[str, int]:
        """orders, journal rows, outstanding effects, dead letters, wake-ups, quarantined, open tickets, backlog."""
