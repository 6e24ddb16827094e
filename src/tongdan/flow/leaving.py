"""The side of a move that a slot leaves: it lets the slot be copied, seals it, lets it go, and clears what is left.

Whoever leads the move may die at any moment, so a seal has a deadline: when nobody comes to take the slot, it is
opened again. After *gone* there is no way back; what lies here then belongs to nobody and is deleted in small pieces.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

import msgspec

from tongdan.flow.bus import Bus
from tongdan.flow.effects import Runner
from tongdan.flow.placement import ACTIVE, AWAY, GONE, LEAVING, SEALED
from tongdan.flow.relay import Relay
from tongdan.flow.shard import Shard
from tongdan.flow.views import Views
from tongdan.ports import Rows, SlotRow, SlotRows, StoreFailure, WriteSet

_log: Final = logging.getLogger(__name__)

REST_S: Final = 60.0  # for effects under way to come back before the seal
SEALED_S: Final = 30.0  # before a slot that nobody takes is opened again
PAUSE_S: Final = 0.005
BREATH_S: Final = 0.005  # between two pieces that are deleted


class _Leave(NamedTuple):
    move: str
    to: int
    cancel: Callable[[], None] | None = None  # the seal's deadline


class Leaving:
    """Answers what `Mover` asks of the process that owns the source."""

    def __init__(
        self, bus: Bus, relay: Relay, runner: Runner, views: Views, opener: Callable[[int], SlotRows],
        wait_for_archiver: Callable[[], bool],
    ) -> None:  # fmt: skip
        """`wait_for_archiver`: whether rows are just being archived, which a copy must not cross."""
        self._bus = bus
        self._relay = relay
        self._runner = runner
        self._views = views
        self._open = opener
        self._archiving = wait_for_archiver
        self._leaves: dict[int, _Leave] = {}
        for what, answer in (
            ("slot-leave", self._leave), ("slot-seal", self._seal), ("slot-hand-over", self._hand_over),
            ("slot-stay", self._stay), ("slot-clear", self._clear),
        ):  # fmt: skip
            bus.answers[what] = answer

    # -- the answers: empty when it is done, else why not

    async def _leave(self, body: bytes) -> bytes:
        slot, to, move = _decode(body)
        shard = self._shard(slot)
        if shard is None or slot in self._leaves:
            return b"the slot does not lie here, or is leaving already"
        self._leaves[slot] = _Leave(move, to)
        await self._mark(shard, SlotRow(slot, LEAVING, to, move))
        while self._archiving():
            await self._bus.clock.sleep(PAUSE_S)
        return b""

    async def _seal(self, body: bytes) -> bytes:
        slot, to, move = _decode(body)
        shard, clock = self._shard(slot), self._bus.clock
        if shard is None or not self._is(slot, move):
            return b"no such move"
        self._runner.rest(slot)
        until_s = clock.monotonic() + REST_S
        while not self._runner.is_at_rest(slot):
            if clock.monotonic() > until_s:
                await self._open_again(slot, move)
                return b"an effect of the slot does not come to an end"
            await clock.sleep(PAUSE_S)
        self._bus.posts.hold(slot)
        while shard.holds(slot):
            await clock.sleep(PAUSE_S)
        cancel = clock.call_later(SEALED_S, lambda: self._bus.spawn(self._open_again(slot, move)))
        self._leaves[slot] = _Leave(move, to, cancel)
        await self._mark(shard, SlotRow(slot, SEALED, to, move))
        self._bus.probe("move-sealed")
        return b""

    async def _hand_over(self, body: bytes) -> bytes:
        """The commit that decides."""
        slot, to, move = _decode(body)
        shard = self._shard(slot)
        if shard is None or not self._is(slot, move) or self._leaves[slot].cancel is None:
            return b"the slot was opened again"
        leave = self._leaves.pop(slot)
        assert leave.cancel is not None
        leave.cancel()
        rows = WriteSet()
        rows.slots.append(SlotRow(slot, GONE, to, move))
        rows.dropped += await self._keys(shard, slot, small=True)
        await shard.noted(rows)
        self._bus.probe("move-decided")
        self._runner.leave(shard, slot)
        self._relay.turn_from(shard, slot)
        shard.heads.forget_slot(slot)
        shard.next_due_us = shard.reader.next_due_us()
        try:
            self._views.flush()  # before the new owner shows anything newer
        except StoreFailure as failure:
            _log.error("the overview could not be written: %s", failure)
        return b""

    async def _stay(self, body: bytes) -> bytes:
        slot, _, move = _decode(body)
        await self._open_again(slot, move)
        return b""

    async def _clear(self, body: bytes) -> bytes:
        slot, to, move = _decode(body)
        for shard in self._bus.shards:
            if any(
                row.slot == slot and row.state == GONE and row.move == move for row in shard.reader.slots()
            ):
                await self.drop(shard, slot)
                await self._mark(shard, SlotRow(slot, AWAY, to, move))
        return b""

    # -- also after a crash

    async def recover(self) -> None:
        """What was not decided stays; what has gone is cleared."""
        for shard in self._bus.shards:
            for row in shard.reader.slots():
                if row.state in (LEAVING, SEALED):
                    await self._mark(shard, SlotRow(row.slot, ACTIVE, shard.number, ""))
                elif row.state == GONE:
                    self._relay.turn_from(shard, row.slot)
                    self._bus.spawn(self._clear_later(row))

    async def _clear_later(self, row: SlotRow) -> None:
        """The new owner may still be about to take it, and the others may still read it here."""
        await self._bus.clock.sleep(SEALED_S)
        await self._clear(msgspec.msgpack.encode((row.slot, row.peer, row.move)))

    async def drop(self, shard: Shard, slot: int) -> None:
        """Delete all rows of a slot that does not lie here, in small pieces."""
        for small in (True, False):
            for chunk in await self._keys(shard, slot, small=small):
                rows = WriteSet()
                rows.dropped.append(chunk)
                await shard.noted(rows)
                await self._bus.clock.sleep(BREATH_S)

    # -- inside

    async def _open_again(self, slot: int, move: str) -> None:
        """The slot stays."""
        shard = self._shard(slot)
        if shard is None or not self._is(slot, move):
            return
        leave = self._leaves.pop(slot)
        if leave.cancel is not None:
            leave.cancel()
        await self._mark(shard, SlotRow(slot, ACTIVE, shard.number, ""))
        self._runner.resume(slot)
        self._bus.posts.release(slot)

    def _is(self, slot: int, move: str) -> bool:
        leave = self._leaves.get(slot)
        return leave is not None and leave.move == move

    def _shard(self, slot: int) -> Shard | None:
        return self._bus.own_shard(self._bus.placement.shard_of(slot)) if self._bus.owns(slot) else None

    async def _mark(self, shard: Shard, row: SlotRow) -> None:
        rows = WriteSet()
        rows.slots.append(row)
        await shard.noted(rows)

    async def _keys(self, shard: Shard, slot: int, *, small: bool) -> list[Rows]:
        def read() -> list[Rows]:
            with closing(self._open(shard.number)) as rows:
                return list(rows.keys(slot, small=small))

        return await self._bus.engine.aside(read)


def _decode(body: bytes) -> tuple[int, int, str]:
    """(slot, target shard, id of the move)."""
    return msgspec.msgpack.decode(body, type=tuple[int, int, str])
