"""Committed truth for whoever asks: states, timelines, states as of an instant, the audit trail.

Everything is read from the tables beside the loop, never from its memory, through connections that see only what is
committed; so an order's page is never stale and never shows what did not happen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import msgspec

from tongdan.domain.guard.outage import Compensation, Outage, Outages, Progress, reckon
from tongdan.domain.kernel.keys import ORDER, OUTAGE, key_slot, kind_of, outage_key, packing_key, subject_of
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.slots import digest
from tongdan.domain.sync.kinds import NOT_UNDERSTOOD, owner_of
from tongdan.flow.clues import mark_of
from tongdan.flow.journal import effect_digests, fold, from_us, read_state, slot_of_effect, to_us
from tongdan.flow.missed import count, in_order, outstanding_at, sent, unsent
from tongdan.flow.placement import Placement
from tongdan.flow.proof import prove
from tongdan.ports import (
    COUNTED,
    EVERY_ORDER,
    EVERY_TICKET,
    Cell,
    DeadLetter,
    JournalColumns,
    JournalRow,
    OrderQuery,
    OrderRow,
    Overview,
    Proof,
    QuarantineRow,
    RepairNumbers,
    Search,
    ShardStore,
    TicketQuery,
    TicketRow,
    TokenBook,
    Told,
    Vault,
)
from tongdan.ports.tickets import instant_of

_PERSON: Final = msgspec.msgpack.Decoder(Person)
EXPORT_CHUNK: Final = 1_000
HISTORY_CHUNK: Final = 50
TELLING_CHUNK: Final = 20_000  # rows walked over while nothing else happens
MAX_POS: Final = 2**62
STATES_CHUNK: Final = 200
MAX_STRANGE: Final = 1_000  # messages in quarantine that are tickets


def find_quarantined(readers: Iterable[ShardStore], id: str) -> tuple[int, QuarantineRow] | None:
    """(shard, message) by its id SHARD.NUMBER, as lists show it."""
    shard, _, number = id.partition(".")
    if not (shard.isdecimal() and number.isdecimal() and len(number) < 19):
        return None
    reader = next((reader for reader in readers if str(reader.shard) == shard), None)
    row = None if reader is None else reader.quarantined_one(int(number))
    return None if reader is None or row is None else (reader.shard, row)


def _whole_journal(store: ShardStore, since_us: int) -> Iterator[JournalColumns]:
    """Archived rows, then those in the journal. What goes into the archive meanwhile is read there."""
    told: dict[int, tuple[int, int]] = {}
    pos, rows = 0, store.journal_after(0, EXPORT_CHUNK)
    while True:
        ends = {slot: part.end for slot, part in store.archived.ends().items()}
        if any(end > told.get(slot, (0, 0)) for slot, end in ends.items()):
            begun = dict(told)
            for row in store.archived.rows(since_us, begun):
                if (row.epoch, row.seq) > begun.get(row.slot, (0, 0)):
                    yield row
            told |= ends
        if not rows:
            return
        for _, row in rows:
            if (row.epoch, row.seq) > told.get(row.slot, (0, 0)):
                told[row.slot] = (row.epoch, row.seq)
                yield row
        pos = rows[-1][0]
        rows = store.journal_after(pos, EXPORT_CHUNK)


def _told(row: JournalColumns) -> Told:
    return Told(row.agg, row.shop, msgspec.msgpack.decode(row.body))


def _is_of_quarantine(query: TicketQuery) -> bool:
    """Such a ticket is open, for operations, and belongs to no order."""
    rest = msgspec.structs.replace(query, open=None, owner="", kind="")
    kinds, owners = ("", NOT_UNDERSTOOD), ("", owner_of(NOT_UNDERSTOOD))
    return rest == EVERY_TICKET and query.open is not False and query.kind in kinds and query.owner in owners


def _strange_ticket(shard: int, id: int, source: str, shop: str, reason: str, at_us: int) -> TicketRow:
    subject = f"quarantine/{shard}.{id}"
    return TicketRow(
        id=subject, subject=subject, kind=NOT_UNDERSTOOD, times=1, open=True, raised_at=from_us(at_us),
        summary=" ".join(part for part in (source, shop, reason) if part), owner=owner_of(NOT_UNDERSTOOD),
    )  # fmt: skip


class Reader:
    """`ports.Reads` on the shards' read connections and the overview the views keep."""

    def __init__(
        self,
        shards: Sequence[ShardStore],
        vault: Vault,
        overview: Overview,
        search: Search,
        placement: Placement | None = None,
        book: TokenBook | None = None,
    ) -> None:
        self._shards = shards
        self._placement = placement or Placement(len(shards), 1)
        self._vault = vault
        self._overview = overview
        self._search = search
        self._book = book
        self.live_counts: Callable[[], dict[str, int]] = dict  # what only a running centre knows

    def _of(self, key: str) -> ShardStore:
        return self._shards[self._placement.shard_of(key_slot(key))]

    def order(self, key: str) -> object | None:
        row = self._of(key).states([key]).get(key)
        if row is None:
            return None
        state: object = read_state(self._of(key), row)
        return state

    def newest(self, key: str, ver: int) -> object | None:
        """The state, if that is its version."""
        row = self._of(key).states([key]).get(key)
        return read_state(self._of(key), row) if row is not None and row.ver == ver else None

    def under(self, name: str, after: str = "") -> Iterator[tuple[str, Any]]:
        return merge(*[self._under(store, name, after) for store in self._shards], key=itemgetter(0))

    def _under(self, store: ShardStore, name: str, after: str) -> Iterator[tuple[str, Any]]:
        while rows := store.states_under(name, after, STATES_CHUNK):
            after = rows[-1].agg
            for row in rows:
                if self._of(row.agg) is store:
                    yield row.agg, read_state(store, row)

    def as_of(self, key: str, at: datetime) -> object | None:
        until_us = to_us(at)
        rows = [row for row in self._of(key).journal_of(key) if row.recorded_us <= until_us]
        state: object | None = fold(key, rows)
        return state

    def person(self, key: str) -> Person | None:
        """The people behind an order, or behind the order of a shipment; None: there are none, or erased."""
        subject = subject_of(key)
        store = self._of(subject)
        row = store.states([subject]).get(subject)
        salt = store.salts([subject]).get(subject)
        if row is None or row.person is None or not salt:
            return None
        return _PERSON.decode(self._vault.open(salt, subject, row.person))

    def marks_of(self, kind: str, value: str) -> list[str]:
        return mark_of(kind, value, self._vault)

    def find(self, channel: str, shop: str, native: str) -> str | None:
        # An own shop's order lies in its buyer's slot, so without the buyer every shard has to be asked.
        name = digest(channel, shop, native)
        for store in self._shards:
            if (found := store.named([name]).get(name)) is not None:
                return found
        return None

    def timeline(self, key: str, *, with_raw: bool = False) -> list[JournalRow]:
        store, keys = self._of(key), self._family(key)
        rows = [row for each in keys for row in store.journal_of(each)]
        rows.sort(key=lambda row: (row.slot, row.epoch, row.seq))
        salts = store.salts(sorted({subject_of(each) for each in keys})) if with_raw else {}
        return [self._opened(row, salts) for row in rows]

    def _family(self, key: str) -> list[str]:
        """The aggregate and, for an order, whatever belongs to it."""
        if kind_of(key) != ORDER:
            return [key]
        mine = self._of(key).aggregates_under(key)
        return [key, packing_key(key), *[agg for agg in mine if agg != key]]

    def prove(self, key: str) -> Proof:
        return prove(self._of(key), key, self._family(key))

    def _opened(self, row: JournalColumns, salts: dict[str, bytes]) -> JournalRow:
        subject = subject_of(row.agg)
        raw = None
        if row.raw is not None and salts.get(subject):
            raw = self._vault.open(salts[subject], subject, row.raw)
        return JournalRow(
            slot=row.slot, epoch=row.epoch, seq=row.seq, aggregate=row.agg, version=row.ver,
            fact=row.fact, fact_version=row.fact_ver, body=msgspec.msgpack.decode(row.body),
            command=row.command, command_key=row.command_key.hex(), cause=row.cause, revision=row.revision,
            shop=row.shop, owned=bool(row.owned), status_before=row.status_before, status_after=row.status_after,
            happened_at=from_us(row.happened_us), recorded_at=from_us(row.recorded_us),
            operator=row.operator, source=row.source, raw=raw,
            closes=tuple(row.closes.split()), effects=len(effect_digests(row)),
            wake_at=None if row.wake_us is None else from_us(row.wake_us), hash=row.hash.hex(),
        )  # fmt: skip

    def journal(self, *, since: datetime | None = None, shop: str = "") -> Iterator[JournalRow]:
        since_us = 0 if since is None else to_us(since)
        for store in self._shards:
            for row in _whole_journal(store, since_us):
                here = self._placement.shard_of(row.slot) == store.shard
                if here and row.recorded_us >= since_us and shop in ("", row.shop):
                    yield self._opened(row, {})

    def telling(self, fact: str, since: datetime) -> Iterator[list[Told]]:
        since_us = to_us(since)
        for store in self._shards:
            here = [
                row
                for row in store.archived.rows(since_us, {})
                if row.fact == fact and self._is_here(store, row)
            ]
            told = {(row.slot, row.epoch, row.seq) for row in here}
            yield [_told(row) for row in here]
            first, last = next((pos for pos, _ in store.journal_after(0, 1)), 0), store.last_pos()
            at = first + max(0, store.recorded_before(since_us) - 1) - 1
            while at < last:
                until = at + TELLING_CHUNK
                rows = [row for row in store.telling(fact, at, until) if self._is_here(store, row)]
                new = [row for row in rows if (row.slot, row.epoch, row.seq) not in told]
                yield [_told(row) for row in new if row.recorded_us >= since_us]
                at = until

    def _is_here(self, store: ShardStore, row: JournalColumns) -> bool:
        return self._placement.shard_of(row.slot) == store.shard

    def waiting(self, effect: str) -> tuple[str, str] | None:
        row = self._shards[self._placement.shard_of(slot_of_effect(effect))].effect(effect)
        return None if row is None else (row.partner, row.verb)

    def history(self, *, before: str = "", limit: int = 100) -> tuple[list[JournalRow], str]:
        ends = [int(pos) for pos in before.split(".")] if before else [MAX_POS for _ in self._shards]
        if len(ends) != len(self._shards) or not all(0 <= pos <= MAX_POS for pos in ends):
            raise ValueError(before)
        newest = merge(
            *[self._backwards(n, ends[n]) for n in range(len(ends))], key=lambda each: -each[2].recorded_us
        )
        rows = []
        for n, pos, row in islice(newest, limit):
            ends[n] = pos
            if self._placement.shard_of(row.slot) == self._shards[n].shard:
                rows.append(self._opened(row, {}))
        more = any(store.journal_before(pos, 1) for store, pos in zip(self._shards, ends, strict=True))
        return rows, ".".join(map(str, ends)) if more else ""

    def _backwards(self, n: int, pos: int) -> Iterator[tuple[int, int, JournalColumns]]:
        while rows := self._shards[n].journal_before(pos, HISTORY_CHUNK):
            for pos, row in rows:
                yield n, pos, row

    def orders(self, query: OrderQuery = EVERY_ORDER, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        return self._search.find(query, before=before, limit=limit)

    def count_orders(self, query: OrderQuery) -> int:
        return self._search.count(query)

    def indexed(self) -> dict[int, tuple[int, int]]:
        found = [self._search.positions()] + ([] if self._book is None else [self._book.positions()])
        return {
            store.shard: (min(reached.get(store.shard, 0) for reached in found), store.last_pos())
            for store in self._shards
        }

    def led_to(self, clues: Sequence[tuple[str, str]], limit: int) -> list[str] | None:
        if self._book is None or not clues:
            return []
        tokens = [self._vault.token(*clue) for clue in clues]
        told = [(token, self._book.holders(token, limit + 1)) for token in tokens]
        fewest, found = min(told, key=lambda each: len(each[1]))
        if len(found) > limit:
            return None
        for token in tokens:
            found = found if token == fewest else self._book.among(token, found)
        return found

    def board(
        self,
        *,
        shops: Sequence[str] = (),
        warehouse: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:
        return self._search.cells(shops=shops, warehouse=warehouse, since=since, until=until)

    def tickets(self, *, open_only: bool = True, limit: int = 200) -> list[TicketRow]:
        return self.find_tickets(TicketQuery(open=True if open_only else None), limit=limit)

    def find_tickets(self, query: TicketQuery, *, before: str = "", limit: int = 50) -> list[TicketRow]:
        """Of what lies in quarantine, which stays open until somebody deals with it, the newest MAX_STRANGE of a
        shard are among them."""
        rows = self._overview.find(query, before=before, limit=limit)
        if _is_of_quarantine(query):
            last = instant_of(before) if before else (MAX_POS, "")
            strange = [_strange_ticket(*each) for each in self._quarantined(MAX_STRANGE)]
            rows += [row for row in strange if instant_of(row.cursor) < last]
            rows.sort(key=lambda row: (row.raised_at, row.id), reverse=True)
        return rows[:limit]

    def count_tickets(self, query: TicketQuery) -> int:
        strange = len(self._quarantined(MAX_STRANGE)) if _is_of_quarantine(query) else 0
        return min(self._overview.count(query) + strange, COUNTED + 1)

    def repaired(self, query: TicketQuery, since: datetime, until: datetime) -> RepairNumbers:
        return self._overview.repaired(query, since, until)

    def quarantine(self, limit: int = 200) -> list[dict[str, object]]:
        rows = self._quarantined(limit)
        rows.sort(key=lambda row: row[5], reverse=True)
        return [
            {
                "id": f"{shard}.{id}",
                "source": source,
                "shop": shop,
                "reason": reason,
                "received_at": from_us(at),
            }
            for shard, id, source, shop, reason, at in rows[:limit]
        ]

    def quarantined(self, id: str) -> tuple[dict[str, Any], bytes] | None:
        found = find_quarantined(self._shards, id)
        if found is None:
            return None
        _, row = found
        shown: dict[str, Any] = {
            "id": id, "source": row.source, "shop": row.shop, "reason": row.reason, "received_at": from_us(row.at_us)
        }  # fmt: skip
        return shown, self._vault.open(row.salt, "quarantine", row.raw)

    def _quarantined(self, limit: int) -> list[tuple[int, int, str, str, str, int]]:
        """(shard, id, source, shop, reason, received_us) of what was not understood."""
        return [(store.shard, *row[:5]) for store in self._shards for row in store.quarantined(limit)]

    def dead_letters(self) -> list[DeadLetter]:
        return [
            DeadLetter(effect=effect.id, aggregate=effect.agg, partner=effect.partner, verb=effect.verb,
                       tries=run.tries, error=run.error, since=from_us(run.first_us))
            for store in self._shards
            for effect, run in store.dead()
        ]  # fmt: skip

    def outages(self) -> list[tuple[str, Outage]]:
        found = [(each.partner, one) for _, each in self.under(OUTAGE) for one in each.outages]
        return sorted(found, key=lambda each: each[1].since, reverse=True)

    def progress(self, partner: str, outage: Outage, now: datetime) -> Progress:
        return count(self._shards, self._placement, partner, outage, now)

    def compensation(self, partner: str, no: int, now: datetime) -> Compensation | None:
        state = self.order(outage_key(partner))
        every = state.outages if isinstance(state, Outages) else ()
        outage = next((each for each in every if each.no == no), None)
        if outage is None:
            return None
        through = in_order(sent(self._shards, self._placement, partner, outage))
        left = unsent(outstanding_at(self._shards, self._placement, partner))
        return reckon(partner, outage, through, left, now)

    def counts(self) -> dict[str, int]:
        def total(table: str) -> int:
            return sum(store.count(table) for store in self._shards)

        return {
            **self._orders_counted(),
            "tickets_open": self._overview.tickets_open(),
            "journal_rows": total("journal"),
            "effects_outstanding": total("effects"),
            "wakeups": total("wakeups"),
            "quarantined": total("quarantine"),
            "parked": total("parked"),
            "dead_letters": sum(store.count_dead() for store in self._shards),
            **self.live_counts(),
        }

    def _orders_counted(self) -> dict[str, int]:
        by_status = Counter[int]()
        for cell in self._search.cells():
            by_status[cell.status] += cell.orders
        named = {f"orders_status_{status}": n for status, n in sorted(by_status.items())}
        return {"orders": by_status.total(), **named}
