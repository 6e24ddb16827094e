"""A slot moves from one shard to another while orders flow: copy, seal, copy the rest, hand over, activate.

The target's process leads. Most of the rows are copied while the slot still takes orders; then it is sealed (who is
outside is told to come again, the loop's own waits), and what has changed since is copied. The one commit that decides
is the source's *gone*: before it every crash leads back, after it every crash leads on, and both are found from the
rows of `slots` alone. Sequence, chain, ids and cursors are the slot's own, so nothing in it changes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import Any, Final

import msgspec

from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.kernel.slots import SLOTS
from tongdan.flow.bus import Bus
from tongdan.flow.effects import Runner
from tongdan.flow.leaving import Leaving
from tongdan.flow.peers import PeerAway
from tongdan.flow.placement import ACTIVE, AWAY, GONE, INCOMING, READY, Placement
from tongdan.flow.relay import SUBSCRIBER, Relay
from tongdan.flow.shard import Shard
from tongdan.ports import Rows, SlotRow, SlotRows, StoreFailure, WriteSet

_log: Final = logging.getLogger(__name__)

BREATH_S: Final = 0.001  # between two chunks, so that orders go on
TELL_PAUSE_S: Final = 0.1  # before a process that did not answer is told again where a slot lies
TELL_TIMES: Final = 600
KEPT_MOVES: Final = 100  # that `moves` still shows after their end

Opener = Callable[[int], SlotRows]
Stand = tuple[
    int, tuple[int, int, bytes] | None
]  # rows of a slot's journal in a file, and the last one's place

NO_SUCH_SLOT: Final = RefusalKind(
    "no-such-slot",
    422,
    en="There is no slot {slot} or no shard {to}: slots are 0 to 255, shards 0 to {last}.",
    zh="没有槽 {slot} 或分片 {to}:槽为 0 到 255,分片为 0 到 {last}。",
)
ALREADY_THERE: Final = RefusalKind(
    "slot-already-there",
    409,
    en="Slot {slot} lies in shard {to} already.",
    zh="槽 {slot} 已在分片 {to} 中。",
)
SLOT_BUSY: Final = RefusalKind(
    "slot-busy",
    409,
    en="Slot {slot} is moving, or what it left behind is still being cleared. Look at `tongdan slots show`, and try "
    "again when it is done.",
    zh="槽 {slot} 正在迁移,或原处尚未清理完。用 `tongdan slots show` 查看,完成后再试。",
    retry_after_s=5,
)


class Move(msgspec.Struct):
    """One move and how far it is. `phase`: copying, sealing, handing-over, clearing, done, or failed with `why`."""

    id: str
    slot: int
    source: int
    to: int
    phase: str = "copying"
    total: int = 0
    copied: int = 0
    sealed_ms: int = 0
    why: str = ""


class Failed(Exception):
    """The move was given up before anything was decided: the slot stays where it was."""


class Mover:
    """Brings slots to the shards of this process, and lets them go from it (`Leaving`)."""

    def __init__(self, bus: Bus, relay: Relay, runner: Runner, opener: Opener, leaving: Leaving) -> None:
        self._bus = bus
        self._relay = relay
        self._runner = runner
        self._open = opener
        self._leaving = leaving
        self._moves: list[Move] = []
        self._busy = asyncio.Lock()
        bus.answers["slot-move"] = self._answer_move
        bus.answers["slot-moves"] = self._answer_moves
        bus.answers["slot-lies"] = self._answer_lies

    # -- for people

    @property
    def placement(self) -> Placement:
        return self._bus.placement

    async def move(self, slot: int, to: int) -> Move | Refusal:
        """Begin a move, in whichever process owns the target; how far it is, `moves` tells."""
        placement = self._bus.placement
        if not (0 <= slot < SLOTS and 0 <= to < placement.shards):
            return NO_SUCH_SLOT.of(slot=slot, to=to, last=placement.shards - 1)
        if placement.shard_of(slot) == to:
            return ALREADY_THERE.of(slot=slot, to=to)
        if any(row.slot == slot and row.state not in (ACTIVE, AWAY) for row in self._rows()):
            return SLOT_BUSY.of(slot=slot)
        id = self._bus.entropy.token(8).hex()
        body = await self._bus.ask_owner(to, "slot-move", _encode((id, slot, to)))
        return msgspec.msgpack.decode(body, type=Move)

    async def moves(self) -> list[Move]:
        """The moves that are under way or were lately, of all processes, oldest first."""
        told = [*self._moves]
        for body in await self._bus.ask_peers("slot-moves"):
            told += msgspec.msgpack.decode(body, type=list[Move])
        return told

    def _rows(self) -> list[SlotRow]:
        return [row for reader in self._bus.readers for row in reader.slots()]

    # -- questions of other processes

    async def _answer_move(self, body: bytes) -> bytes:
        id, slot, to = msgspec.msgpack.decode(body, type=tuple[str, int, int])
        move = Move(id, slot, self._bus.placement.shard_of(slot), to)
        self._moves = [*self._moves[-KEPT_MOVES:], move]
        self._bus.spawn(self._carry_out(move))
        return _encode(move)

    async def _answer_moves(self, _: bytes) -> bytes:
        return _encode(self._moves)

    async def _answer_lies(self, body: bytes) -> bytes:
        """Reads go to the new place from now on, commands as soon as the old one has answered what it was sent."""
        slot, shard = msgspec.msgpack.decode(body, type=tuple[int, int])
        self._bus.placement.moved(slot, shard)
        self._bus.spawn(self._bus.posts.follow(slot))
        return b""

    # -- a move

    async def _carry_out(self, move: Move) -> None:
        async with self._busy:
            try:
                move.source = self._bus.placement.shard_of(move.slot)
                if move.source == move.to:
                    raise Failed("it lies there already")
                await self._ask(move.source, "slot-leave", move)
                await self._bring(move, self._bus.own_shard(move.to))
            except (Failed, PeerAway, StoreFailure) as error:
                move.phase, move.why = "failed", str(error)
                _log.error("slot %d stays in shard %d: %s", move.slot, move.source, error)
                await self._try_ask(move.source, "slot-stay", move)

    async def _bring(self, move: Move, shard: Shard) -> None:
        """What was copied is dropped again when it does not come to the decision."""
        clock = self._bus.clock
        try:
            await self._note(shard, slots=[SlotRow(move.slot, INCOMING, move.source, move.id)])
            self._bus.probe("move-incoming")
            self._relay.turn_from(shard, move.slot)
            upto = await self._copy(move, shard)
            self._bus.probe("move-copied")
            move.phase, began_s = "sealing", clock.monotonic()
            await self._ask(move.source, "slot-seal", move)
            await self._copy_rest(move, shard, upto)
            self._bus.probe("move-ready")
            move.phase = "handing-over"
            await self._hand_over(move)
        except (Failed, PeerAway, StoreFailure):
            await self._drop(shard, move.slot, move.source, move.id)
            raise
        self._bus.probe("move-gone")
        await self.arrive(shard, move.slot)
        move.phase, move.sealed_ms = "clearing", round(1_000 * (clock.monotonic() - began_s))
        await self._try_ask(move.source, "slot-clear", move)
        move.phase = "done"

    async def _copy(self, move: Move, shard: Shard) -> int:
        """Most of it, while the slot takes orders; up to which position of the source's journal."""
        aside = self._bus.engine.aside
        with closing(await aside(lambda: self._open(move.source))) as rows:
            move.total = await aside(lambda: rows.journal_rows(move.slot))
            chunks = rows.bulk(move.slot)
            while (chunk := await aside(lambda: next(chunks, None))) is not None:
                await self._note(shard, adopted=[chunk])
                move.copied += len(chunk[1]) if chunk[0] == "journal" else 0
                await self._bus.clock.sleep(BREATH_S)
            return rows.last_pos

    async def _copy_rest(self, move: Move, shard: Shard, upto: int) -> None:
        """What has changed since, in one commit with the mark that all of it is here. Raises Failed."""

        def read_rest() -> tuple[list[Rows], Stand]:
            with closing(self._open(move.source)) as rows:
                return rows.rest(move.slot, upto), _stand(rows, move.slot)

        def read_copy() -> Stand:
            with closing(self._open(move.to)) as rows:
                return _stand(rows, move.slot)

        rest, stands = await self._bus.engine.aside(read_rest)
        await self._note(shard, adopted=rest, slots=[SlotRow(move.slot, READY, move.source, move.id)])
        move.total = stands[0]
        move.copied += sum(len(chunk) for table, chunk in rest if table == "journal")
        if await self._bus.engine.aside(read_copy) != stands:
            raise Failed("the copy is not the original")

    async def _hand_over(self, move: Move) -> None:
        """Have the source let go. When nobody says whether it did, its file does. Raises Failed."""
        try:
            await self._ask(move.source, "slot-hand-over", move)
        except (PeerAway, Failed):
            while (state := self._state_at(move.source, move.slot, move.id)) not in (GONE, ACTIVE):
                # Its process is being started again, and will decide.
                await self._bus.clock.sleep(TELL_PAUSE_S)
            if state != GONE:
                raise

    def _state_at(self, shard: int, slot: int, move: str) -> str:
        """How a slot stands in the file it leaves; ACTIVE too when that is another move by now."""
        rows = [row for row in self._bus.readers[shard].slots() if row.slot == slot]
        return rows[0].state if rows and rows[0].move == move else ACTIVE

    async def arrive(self, shard: Shard, slot: int) -> None:
        """The source has let go: from here on the slot is ours. Done again after a crash, it comes to the same."""
        await self._tell_everybody(slot, shard.number)
        cursor = shard.reader.cursors(SUBSCRIBER).get(slot, (0, 0, 0))[:2]
        # What had no reactions yet goes to the journal's end, where this shard's relay has not been.
        here = SlotRow(slot, ACTIVE, shard.number, "")
        # The relay must know that they are its own before it meets them there, or it would pass them by.
        turn = partial(self._relay.turn_to, shard, slot, cursor)
        await self._note(shard, slots=[here], repositioned=[(slot, *cursor)], then=turn)
        self._bus.probe("move-active")
        shard.heads.load_slot(slot, shard.reader)
        effects = [each for each in shard.reader.outstanding() if each[0].id.startswith(f"{slot}.")]
        self._runner.adopt(shard, effects)
        shard.next_due_us = shard.reader.next_due_us()
        self._bus.posts.release(slot)

    async def _tell_everybody(self, slot: int, shard: int) -> None:
        """Return when everybody reads it there, or is not there to read; those are told when they are back."""
        self._bus.posts.hold(slot)
        self._bus.placement.moved(slot, shard)
        body = _encode((slot, shard))
        left = [peer for peer in self._bus.peers.values() if not await _answers(peer.ask("slot-lies", body))]
        if left:
            self._bus.spawn(self._tell_later(left, body))

    async def _tell_later(self, left: list[Any], body: bytes) -> None:
        """A process that starts reads it from the files; this is for one that was only slow."""
        for _ in range(TELL_TIMES):
            await self._bus.clock.sleep(TELL_PAUSE_S)
            left = [peer for peer in left if not await _answers(peer.ask("slot-lies", body))]
            if not left or self._bus.stopping:
                return

    # -- after a crash

    async def recover(self) -> None:
        """At the start, before anything else: what was begun is gone back on or finished."""
        await self._leaving.recover()
        for shard in self._bus.shards:
            for row in shard.reader.slots():
                if row.state == READY and self._state_at(row.peer, row.slot, row.move) in (GONE, AWAY):
                    await self.arrive(shard, row.slot)
                elif row.state in (INCOMING, READY):
                    await self._drop(shard, row.slot, row.peer, row.move)
                    self._bus.spawn(self._let_stay(Move(row.move, row.slot, row.peer, shard.number)))

    async def _let_stay(self, move: Move) -> None:
        """The source need not wait for its seal's deadline."""
        for _ in range(TELL_TIMES):
            try:
                return await self._ask(move.source, "slot-stay", move)
            except (Failed, PeerAway):
                await self._bus.clock.sleep(TELL_PAUSE_S)

    async def _drop(self, shard: Shard, slot: int, source: int, move: str) -> None:
        """The slot does not come: nothing of it is left in the file or in memory."""
        await self._leaving.drop(shard, slot)
        self._runner.leave(shard, slot)
        shard.heads.forget_slot(slot)
        await self._note(shard, slots=[SlotRow(slot, AWAY, source, move)])

    # -- small things

    async def _ask(self, shard: int, what: str, move: Move) -> None:
        """Raises Failed when the source does not agree, PeerAway when it does not answer."""
        said = await self._bus.ask_owner(shard, what, _encode((move.slot, move.to, move.id)))
        if said:
            raise Failed(said.decode())

    async def _try_ask(self, shard: int, what: str, move: Move) -> None:
        try:
            await self._ask(shard, what, move)
        except (Failed, PeerAway) as error:
            _log.warning("slot %d: %s is left to the next start: %s", move.slot, what, error)

    async def _note(
        self, shard: Shard, *, slots: list[SlotRow] | None = None, adopted: list[Rows] | None = None,
        repositioned: list[tuple[int, int, int]] | None = None, then: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`then` is called with the commit, before anything else happens."""
        rows, written = WriteSet(), asyncio.Event()

        def done() -> None:
            then()
            written.set()

        rows.slots += slots or []
        rows.adopted += adopted or []
        rows.repositioned += repositioned or []
        shard.note(rows, done)
        await written.wait()


def _stand(rows: SlotRows, slot: int) -> Stand:
    return rows.journal_rows(slot), rows.head(slot)


async def _answers(question: Awaitable[bytes]) -> bool:
    try:
        await question
    except PeerAway:
        return False
    return True


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)
