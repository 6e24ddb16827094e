"""The relay: it tails the journal and turns facts into commands for other aggregates.

Each shard is read in order of arrival from a durable cursor per slot. A command made from a fact carries where it
comes from, and a watermark in the target's commit makes a repeat harmless, so after a crash the relay simply reads
again from its cursor. A fact that a reaction cannot digest parks its aggregate and raises a ticket; the slot goes on.
"""

import logging
from collections import deque
from itertools import islice
from typing import Final, NamedTuple

from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.gate import Gate
from tongdan.flow.items import Origin
from tongdan.flow.journal import from_us, read_fact
from tongdan.flow.routes import REACTIONS
from tongdan.flow.routing import Reaction, Recorded
from tongdan.flow.shard import Shard
from tongdan.ports import JournalColumns, ParkedColumns, Reply, WriteSet

_log: Final = logging.getLogger(__name__)

SUBSCRIBER: Final = "reactions"
CHUNK: Final = 500  # facts digested between two cursor writes
BUSY_CHUNK: Final = 50  # the same while intake is busy
TAIL_LIMIT: Final = (
    20_000  # facts of a shard kept in memory after their commit; older ones are read from the journal
)
BUSY_SHARE: Final = 5  # while intake is busy, reactions get one part in this many of the loop's time
SOFT_LAG: Final = 500_000  # behind this many facts a shard's reactions no longer give way

BY_FACT: Final[dict[type, list[Reaction]]] = {}
for _reaction in REACTIONS:
    BY_FACT.setdefault(_reaction.on, []).append(_reaction)


class Unfit(NamedTuple):
    """A reaction that could not be carried out: why, and whether trying again may help."""

    recorded: Recorded
    reaction: str
    why: str
    poison: bool


def recorded_from(row: JournalColumns) -> Recorded:
    """A journal row as reactions and views see it. Raises UnknownFact."""
    fact = read_fact(row.fact, row.fact_ver, row.body)
    return Recorded(
        row.agg, row.slot, row.epoch, row.seq, row.shop, bool(row.owned), from_us(row.happened_us), fact
    )


class Tail:
    """One shard's journal from the cursor on: recent facts from memory, older ones from the store."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._recent: deque[tuple[int, Recorded]] = deque(maxlen=TAIL_LIMIT)
        cursors = shard.reader.cursors(SUBSCRIBER)
        self.seen = {slot: (epoch, seq) for slot, (epoch, seq, _) in cursors.items()}
        # Every slot's cursor lies at or before the last position read, so reading on from the furthest one is whole.
        self.pos = max((pos for _, _, pos in cursors.values()), default=0)

    def append(self, batch: Batch) -> None:
        self._recent.extend(
            (row[0], recorded) for row, recorded in zip(batch.rows.journal, batch.recorded, strict=True)
        )

    def next(self, limit: int) -> list[tuple[int, Recorded]]:
        """Up to `limit` facts after the cursor's position, oldest first."""
        recent = self._recent
        while recent and recent[0][0] <= self.pos:
            recent.popleft()
        if recent and recent[0][0] == self.pos + 1:
            return list(islice(recent, limit))
        return [(pos, recorded_from(row)) for pos, row in self._shard.reader.journal_after(self.pos, limit)]


class Relay:
    """Turns facts into commands, shard by shard, in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._tails = {shard.number: Tail(shard) for shard in bus.shards}
        self._running: set[int] = set()
        self._parked: set[str] = set()
        self._started = False
        bus.listeners.append(self)
        bus.lag = self.lag

    def lag(self) -> int:
        """Facts whose reactions are not yet committed."""
        return sum(shard.heads.pos - self._tails[shard.number].pos for shard in self._bus.shards)

    async def start(self) -> None:
        """Try again what was parked, then go on from the cursors."""
        self._started = True
        for shard in self._bus.shards:
            await self._retry_parked(shard)
            self._wake(shard)

    def committed(self, shard: Shard, batch: Batch) -> None:
        if batch.recorded:
            self._tails[shard.number].append(batch)
            self._wake(shard)

    def _wake(self, shard: Shard) -> None:
        if self._started and shard.number not in self._running and not self._bus.stopping:
            self._running.add(shard.number)
            self._bus.spawn(self._follow(shard))

    async def _follow(self, shard: Shard) -> None:
        tail, clock = self._tails[shard.number], self._bus.clock
        try:
            while not self._bus.stopping:
                gives_way = self._bus.intake_is_busy() and shard.heads.pos - tail.pos < SOFT_LAG
                facts = tail.next(BUSY_CHUNK if gives_way else CHUNK)
                if not facts:
                    break
                started = clock.monotonic()
                await self._digest(shard, facts)
                if gives_way:  # the other shards' reactions share what is left to them
                    rest = BUSY_SHARE * len(self._tails) - 1
                    await clock.sleep((clock.monotonic() - started) * rest)
        finally:
            self._running.discard(shard.number)

    async def _digest(self, shard: Shard, facts: list[tuple[int, Recorded]]) -> None:
        """React to a chunk; when all its commands are committed, move the cursor over it."""
        tail, rows = self._tails[shard.number], WriteSet()
        unfit: list[Unfit] = []
        gate = Gate()
        for _, recorded in facts:
            if tail.seen.get(recorded.slot, (0, 0)) >= (recorded.epoch, recorded.seq):
                continue  # a slot move brings again what was seen before
            for reaction in BY_FACT.get(type(recorded.fact), ()):
                self._react(recorded, reaction, gate, unfit)
        await gate.passed()
        self._bus.probe("relay")
        moved: dict[int, tuple[int, int]] = {r.slot: (r.epoch, r.seq) for _, r in facts}
        await self._handle_unfit(unfit, rows)
        pos = facts[-1][0]
        rows.cursors.extend((SUBSCRIBER, slot, epoch, seq, pos) for slot, (epoch, seq) in moved.items())
        shard.note(rows, _nothing)
        tail.seen.update(moved)
        tail.pos = pos

    def _react(self, recorded: Recorded, reaction: Reaction, gate: Gate, unfit: list[Unfit]) -> None:
        if recorded.aggregate in self._parked:
            unfit.append(Unfit(recorded, reaction.name, "waits for an earlier fact", True))
            return
        try:
            commands = list(reaction.to(recorded.fact, recorded)) if recorded.owned else []
        except Exception as error:  # one fact's trouble must not stop the slot
            _log.exception("reaction %s failed", reaction.name)
            unfit.append(Unfit(recorded, reaction.name, type(error).__name__, True))
            self._parked.add(recorded.aggregate)
            return
        for ordinal, command in enumerate(commands):
            origin = Origin(recorded.slot, recorded.epoch, recorded.seq, reaction.name, ordinal)
            self._send(command, origin, recorded, gate, unfit)

    def _send(
        self, command: Command, origin: Origin, recorded: Recorded, gate: Gate, unfit: list[Unfit]
    ) -> None:
        def settled(_: int, reply: Reply) -> None:
            if type(reply) is Refusal:
                poison = reply.status >= 500
                if poison:
                    self._parked.add(recorded.aggregate)
                unfit.append(
                    Unfit(recorded, origin.reaction, f"{type(command).__name__}: {reply.name}", poison)
                )
            gate.close()

        gate.open()
        self._bus.react(command, origin, "", settled)

    async def _handle_unfit(self, unfit: list[Unfit], rows: WriteSet) -> None:
        """Poison parks the aggregate; a refusal is a ticket: what was decided there stands, a person looks."""
        gate = Gate()
        for n, (recorded, reaction, why, poison) in enumerate(unfit):
            if poison:
                rows.parked.append(
                    ParkedColumns(
                        recorded.aggregate, recorded.slot, recorded.epoch, recorded.seq, reaction, why
                    )
                )
            kind = "parked" if poison else "reaction-refused"
            ticket = RaiseTicket(subject=recorded.aggregate, kind=kind, summary=f"{reaction}: {why}")
            origin = Origin(recorded.slot, recorded.epoch, recorded.seq, f"unfit:{reaction}", n)
            self._send(ticket, origin, recorded, gate, [])
        await gate.passed()

    async def _retry_parked(self, shard: Shard) -> None:
        """At start-up, perhaps under a newer version: digest what was parked, aggregate by aggregate, in order."""
        by_aggregate: dict[str, list[ParkedColumns]] = {}
        for row in shard.reader.parked():
            by_aggregate.setdefault(row.agg, []).append(row)
        for agg, parked in by_aggregate.items():
            journal = {(row.epoch, row.seq): row for row in shard.reader.journal_of(agg)}
            if all([await self._again(row, journal.get((row.epoch, row.seq))) for row in parked]):
                rows = WriteSet()
                rows.unparked.append((agg,))
                shard.note(rows, _nothing)
                done = ResolveTicket(subject=agg, kind="parked", evidence="digested at start-up")
                self._bus.again(done, ("unparked", agg, str(shard.heads.pos)), lambda _, reply: None)
            else:
                self._parked.add(agg)

    async def _again(self, parked: ParkedColumns, row: JournalColumns | None) -> bool:
        if row is None:
            return False
        try:
            recorded = recorded_from(row)
            commands = [
                (reaction, n, command)
                for reaction in BY_FACT.get(type(recorded.fact), ())
                if reaction.name == parked.reaction
                for n, command in enumerate(reaction.to(recorded.fact, recorded))
            ]
        except Exception:
            _log.exception("%s is still not digested", parked.agg)
            return False
        gate, refused = Gate(), []

        def settled(_: int, reply: Reply) -> None:
            if type(reply) is Refusal and reply.status >= 500:
                refused.append(reply)
            gate.close()

        for reaction, n, command in commands:
            gate.open()
            # The watermark has passed this fact, so the inbox guards the second attempt instead.
            place = (str(row.slot), str(row.epoch), str(row.seq), reaction.name, str(n))
            self._bus.again(command, ("parked", *place), settled)
        await gate.passed()
        return not refused


def _nothing() -> None:
    """A cursor that is written a commit later costs a repeat at most."""
