"""The relay: it tails the journal and turns facts into commands for other aggregates.

Each shard is read in order of arrival from a durable cursor per slot. A command made from a fact carries where it
comes from, and a watermark in the target's commit makes a repeat harmless, so after a crash the relay simply reads
again from its cursor. A fact that a reaction cannot digest parks its aggregate and raises a ticket; the slot goes on.
"""

import logging
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from tongdan.domain.kernel.messages import Command, Fact, Refusal
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.gate import Gate
from tongdan.flow.items import Origin
from tongdan.flow.journal import UnknownFact, from_us, read_fact
from tongdan.flow.routes import REACTIONS
from tongdan.flow.routing import Reaction, Recorded
from tongdan.flow.shard import Shard
from tongdan.ports import JournalColumns, ParkedColumns, Reply, WriteSet

_log: Final = logging.getLogger(__name__)

SUBSCRIBER: Final = "reactions"
PARKED: Final = "parked"  # kinds of ticket
REFUSED: Final = "reaction-refused"
FAR: Final = (2**63, 0)  # later than every fact
ALL: Final = ""  # instead of one reaction's name: every reaction on the fact
EVERY: Final = -1  # instead of a command's number: all that the reaction makes of the fact
CHUNK: Final = 500  # facts digested between two cursor writes
BUSY_CHUNK: Final = 200  # the same while intake is busy
TAIL_LIMIT: Final = (
    20_000  # facts of a shard kept in memory after their commit; older ones are read from the journal
)
BUSY_SHARE: Final = 5  # while intake is busy, reactions get one part in this many of the loop's time
NAP_S: Final = 0.002  # how often a rest looks whether anybody needs it
SOFT_LAG: Final = 500_000  # behind this many facts a shard's reactions no longer give way

BY_FACT: Final[dict[type, list[Reaction]]] = {}
for _reaction in REACTIONS:
    BY_FACT.setdefault(_reaction.on, []).append(_reaction)


class Illegible(Fact, frozen=True):
    """Stands for a fact of the journal that this version of the programme cannot read."""

    why: str


class Unfit(NamedTuple):
    """A reaction that could not be carried out: why, and whether trying again may help.

    `origin`: only this one of its commands. `kept_in`: number of the shard whose commit has kept it parked already,
    None if the relay has to.
    """

    recorded: Recorded
    reaction: str
    why: str
    poison: bool
    origin: Origin | None = None
    kept_in: int | None = None

    @property
    def place(self) -> tuple[str, int, int, int, str]:
        recorded = self.recorded
        parked_as = self.reaction if self.origin is None else self.origin.parked_as
        return recorded.aggregate, recorded.slot, recorded.epoch, recorded.seq, parked_as


def recorded_from(row: JournalColumns) -> Recorded:
    """A journal row as reactions see it."""
    try:
        fact = read_fact(row.fact, row.fact_ver, row.body)
    except (UnknownFact, msgspec.MsgspecError) as error:
        fact = Illegible(why=str(error))
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
        if batch.rows.repositioned:  # among and after what memory has lie rows that it has not
            self._recent.clear()
            return
        self._recent.extend(
            (row[0], recorded) for row, recorded in zip(batch.rows.journal, batch.recorded, strict=True)
        )

    def reached(self, places: Mapping[int, tuple[int, int]]) -> None:
        for slot, place in places.items():
            self.seen[slot] = max(place, self.seen.get(slot, (0, 0)))

    def next(self, limit: int) -> list[tuple[int, Recorded]]:
        """Up to `limit` facts after the cursor's position, oldest first."""
        recent = self._recent
        while recent and recent[0][0] <= self.pos:
            recent.popleft()
        if recent and recent[0][0] == self.pos + 1:
            return list(islice(recent, limit))
        # What is committed but not published yet may be rows whose turn_to is still to come.
        published, rows = self._shard.heads.pos, self._shard.reader.journal_after(self.pos, limit)
        return [(pos, recorded_from(row)) for pos, row in rows if pos <= published]


class Relay:
    """Turns facts into commands, shard by shard, in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._tails = {shard.number: Tail(shard) for shard in bus.shards}
        self._running: set[int] = set()
        self._parked: dict[str, tuple[int, int]] = {}  # aggregate → its first fact that could not be digested
        self._started = False
        bus.listeners.append(self)
        bus.lag = self.lag

    def lag(self) -> int:
        """Facts whose reactions are not yet committed."""
        return sum(shard.heads.pos - self._tails[shard.number].pos for shard in self._bus.shards)

    async def start(self) -> None:
        """Try again what was parked, then go on from the cursors."""
        await self._retry_parked()
        self._started = True
        for shard in self._bus.shards:
            self._wake(shard)

    # -- slots that come and go

    def turn_from(self, shard: Shard, slot: int) -> None:
        """Facts of this slot are no longer, or not yet, for this shard's relay."""
        self._tails[shard.number].seen[slot] = FAR

    def turn_to(self, shard: Shard, slot: int, place: tuple[int, int]) -> None:
        """From here on facts of this slot after `place` are."""
        self._tails[shard.number].seen[slot] = place
        self._wake(shard)

    def committed(self, shard: Shard, batch: Batch) -> None:
        self._tails[shard.number].append(batch)
        if batch.recorded or batch.rows.adopted or batch.rows.dropped:
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
                    tail.pos = shard.heads.pos  # what lay in between was deleted
                    break
                started = clock.monotonic()
                await self._digest(shard, facts)
                if gives_way:  # the other shards' reactions share what is left to them
                    rest = BUSY_SHARE * len(self._tails) - 1
                    await self._rest((clock.monotonic() - started) * rest)
        finally:
            self._running.discard(shard.number)

    async def _rest(self, longest_s: float) -> None:
        """Leave the loop to others. A timer that rings in time tells that nobody uses it: then the rest is over."""
        clock = self._bus.clock
        now_s = clock.monotonic()
        until_s = now_s + longest_s
        while now_s < until_s:
            await clock.sleep(NAP_S)
            began_s, now_s = now_s, clock.monotonic()
            if now_s - began_s < 2 * NAP_S:
                return

    async def _digest(self, shard: Shard, facts: list[tuple[int, Recorded]]) -> None:
        """React to a chunk; when all its commands are committed, move the cursor over it."""
        tail, rows = self._tails[shard.number], WriteSet()
        unfit: list[Unfit] = []
        gate = Gate()
        moved: dict[int, tuple[int, int]] = {}
        for _, recorded in facts:
            if tail.seen.get(recorded.slot, (0, 0)) >= (recorded.epoch, recorded.seq):
                continue  # a slot move brings again what was seen before
            moved[recorded.slot] = (recorded.epoch, recorded.seq)
            if type(recorded.fact) is Illegible:
                unfit.append(Unfit(recorded, ALL, recorded.fact.why, poison=True))
                self._park(recorded)
            for reaction in BY_FACT.get(type(recorded.fact), ()):
                self._react(recorded, reaction, gate, unfit)
        await gate.passed()
        self._bus.probe("relay")
        await self._handle_unfit(unfit, rows)
        pos = facts[-1][0]
        rows.cursors.extend((SUBSCRIBER, slot, epoch, seq, pos) for slot, (epoch, seq) in moved.items())
        if moved or rows.parked:
            shard.note(rows, _nothing)
        tail.reached(moved)
        tail.pos = pos

    def _react(self, recorded: Recorded, reaction: Reaction, gate: Gate, unfit: list[Unfit]) -> None:
        if (recorded.epoch, recorded.seq) > self._parked.get(recorded.aggregate, FAR):
            unfit.append(Unfit(recorded, reaction.name, "waits for an earlier fact", poison=True))
            return
        try:
            commands = list(reaction.to(recorded.fact, recorded)) if recorded.owned else []
        except Exception as error:  # one fact's trouble must not stop the slot
            _log.exception("reaction %s failed", reaction.name)
            unfit.append(Unfit(recorded, reaction.name, type(error).__name__, poison=True))
            self._park(recorded)
            return
        for ordinal, command in enumerate(commands):
            self._send(command, reaction.name, ordinal, recorded, gate, unfit)

    def _send(
        self,
        command: Command,
        reaction: str,
        ordinal: int,
        recorded: Recorded,
        gate: Gate,
        unfit: list[Unfit],
    ) -> None:
        aggregate, slot, epoch, seq = recorded.aggregate, recorded.slot, recorded.epoch, recorded.seq
        origin = Origin(aggregate, slot, epoch, seq, reaction, ordinal)
        name = type(command).__name__

        def settled(_: int, reply: Reply) -> None:
            if type(reply) is Refusal:
                poison = reply.status >= 500
                unfit.append(Unfit(recorded, reaction, f"{name}: {reply.name}", poison, origin, target))
                if poison:
                    self._park(recorded)
            gate.close()

        gate.open()
        try:
            target = self._bus.react(command, origin, "", settled)
        except ValueError as error:  # no aggregate can have the key that it names
            unfit.append(Unfit(recorded, reaction, f"{name}: {error}", True, origin))
            self._park(recorded)
            gate.close()

    def _park(self, recorded: Recorded) -> None:
        """Facts of the aggregate that come after this one wait."""
        place = (recorded.epoch, recorded.seq)
        self._parked[recorded.aggregate] = min(place, self._parked.get(recorded.aggregate, FAR))

    async def _handle_unfit(self, unfit: list[Unfit], rows: WriteSet) -> None:
        """Poison parks the aggregate; a refusal is a ticket: what was decided there stands, a person looks."""
        gate = Gate()
        unfit.sort(
            key=lambda each: each.place[1:]
        )  # tickets move watermarks: none may overtake an earlier one
        for n, each in enumerate(unfit):
            if each.kept_in is None:
                rows.parked.append(ParkedColumns(*each.place, each.why))
            ticket = _ticket(each.recorded.aggregate, each.reaction, each.why, poison=each.poison)
            self._send(ticket, f"unfit:{each.reaction}", n, each.recorded, gate, [])
        await gate.passed()
        for each in unfit:
            if each.kept_in is not None and not each.poison:
                self._unpark(each.kept_in, each.place)

    async def _retry_parked(self) -> None:
        """At start-up, perhaps under a newer version: digest what was parked, aggregate by aggregate, in order.

        A row lies where its command went, and is the care of the process that relays its aggregate's facts.
        """
        parked: dict[str, list[tuple[ParkedColumns, int]]] = {}
        for reader in self._bus.readers:
            for row in reader.parked():
                if self._bus.owns(row.slot):
                    parked.setdefault(row.agg, []).append((row, reader.shard))
        for agg, rows in parked.items():
            home = self._bus.reader_of(rows[0][0].slot)
            facts = {(row.epoch, row.seq): recorded_from(row) for row in home.journal_of(agg)}
            rows.sort(key=lambda each: (each[0][:4], *_meant(each[0])))
            for row, shard in rows:
                if not await self._again(row, facts.get((row.epoch, row.seq))):
                    self._parked[agg] = (row.epoch, row.seq)
                    break
                self._unpark(shard, row[:5])
            else:
                done = ResolveTicket(subject=agg, kind=PARKED, evidence="digested at start-up")
                self._bus.again(done, ("unparked", agg, str(home.last_pos())), lambda _, reply: None)

    def _unpark(self, shard: int, place: tuple[str, int, int, int, str]) -> None:
        rows = WriteSet()
        rows.unparked.append(place)
        self._bus.note(shard, rows, _nothing)

    async def _again(self, parked: ParkedColumns, recorded: Recorded | None) -> bool:
        """Carry out what is parked of a reaction; False if it still cannot be.

        A command that had been carried out is not sent again: by now its target may have forgotten it.
        """
        if recorded is None or type(recorded.fact) is Illegible:
            return False
        meant, ordinal = _meant(parked)
        try:
            commands = [
                (reaction.name, n, command)
                for reaction in BY_FACT.get(type(recorded.fact), ())
                if meant in (ALL, reaction.name)
                for n, command in enumerate(reaction.to(recorded.fact, recorded))
                if ordinal in (EVERY, n)
            ]
        except Exception:
            _log.exception("%s is still not digested", parked.agg)
            return False
        refusals = [await self._ask(command, parked, name, n) for name, n, command in commands]
        told = [refusal for refusal in refusals if refusal is not None]
        for n, refusal in enumerate(told):
            if refusal.status < 500:
                ticket = _ticket(parked.agg, meant, refusal.name, poison=False)
                await self._ask(ticket, parked, f"unfit:{parked.reaction}", n)
        return all(refusal.status < 500 for refusal in told)

    async def _ask(self, command: Command, parked: ParkedColumns, reaction: str, n: int) -> Refusal | None:
        """The watermark has passed this fact, so the inbox guards a second attempt instead."""
        gate, replies = Gate(), list[Reply]()

        def settled(_: int, reply: Reply) -> None:
            replies.append(reply)
            gate.close()

        gate.open()
        place = (str(parked.slot), str(parked.epoch), str(parked.seq), reaction, str(n))
        self._bus.again(command, ("parked", *place), settled)
        await gate.passed()
        return replies[0] if isinstance(replies[0], Refusal) else None


def _meant(parked: ParkedColumns) -> tuple[str, int]:
    """The reaction, and which of its commands."""
    name, _, ordinal = parked.reaction.partition("#")
    return name, int(ordinal) if ordinal else EVERY


def _ticket(subject: str, reaction: str, why: str, *, poison: bool) -> RaiseTicket:
    kind = PARKED if poison else REFUSED
    return RaiseTicket(subject=subject, kind=kind, summary=f"{reaction}: {why}")


def _nothing() -> None:
    """A cursor that is written a commit later costs a repeat at most."""
