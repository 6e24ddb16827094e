"""The other processes of this centre, as the bus sees them: what is for their shards goes to them in batched frames.

A `Peer` stands where a shard would stand and takes the same items; at the other end an `Inlet` puts them into the
bus there, and the replies come back in frames too. When a wire breaks nobody knows what arrived: what came from
outside is told to come again (its inbox key makes that harmless), and what the loop itself has sent is sent again, in
order, as soon as the wire is there (watermarks make that harmless).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.messages import Command, Refusal, ReplayEffect, SkipEffect
from tongdan.flow.items import Item, Origin, Quarantined
from tongdan.flow.routes import COMMANDS
from tongdan.flow.routing import Name, Route
from tongdan.ports import Accepted, Clock, Reply, Wire, WriteSet

_log: Final = logging.getLogger(__name__)

WAITING_LIMIT: Final = 20_000  # unanswered messages at one peer before intake is told to come again
AWAY_AFTER_S: Final = 20.0  # without an answer before what came from outside is told to come again
PATIENCE_S: Final = 3.0  # what an answer may take before intake is told to come again for a moment
SLOW_FOR_S: Final = 1.0
SWEEP_S: Final = 1.0
QUESTION_S: Final = 30.0  # before a question to a peer counts as unanswered

Settled = Callable[[int, Reply], None]


class Posted(msgspec.Struct, array_like=True, tag="item", gc=False):
    """An `Item` on its way; `body` is the command."""

    n: int
    reaction: bool
    verb: str
    body: bytes
    slot: int
    key: str
    name: Name | None
    name_key: bytes
    inbox_key: bytes
    source: str
    shop: str
    operator: str
    happened_at: datetime | None
    raw: bytes
    origin: Origin | None


class PostedRaw(msgspec.Struct, array_like=True, tag="raw", gc=False):
    """A `Quarantined` on its way."""

    n: int
    slot: int
    inbox_key: bytes
    source: str
    shop: str
    reason: str
    raw: bytes
    about: str


class PostedNote(msgspec.Struct, array_like=True, tag="note", gc=False):
    """Operational rows to write with the next commit of `shard`: attributes of a WriteSet, by their names."""

    n: int
    shard: int
    unparked: list[tuple[str, int, int, int, str]]
    unquarantined: list[tuple[int]]
    requarantined: list[tuple[str, int]]


class Question(msgspec.Struct, array_like=True, tag="ask", gc=False):
    """What a process can only know or do by itself; `what` is a name in the bus's `answers`."""

    n: int
    what: str
    body: bytes


Call = Posted | PostedRaw | PostedNote | Question


class Told(msgspec.Struct, array_like=True, gc=False):
    """The answer to call `n`: an `Accepted` in its parts, a refusal, or the `body` of a question's answer."""

    n: int
    aggregate: str = ""
    slot: int = 0
    epoch: int = 0
    seq: int = 0
    duplicate: bool = False
    refusal: Refusal | None = None
    body: bytes = b""


_encode: Final = msgspec.msgpack.Encoder().encode
_calls: Final = msgspec.msgpack.Decoder(list[Call])
_tellings: Final = msgspec.msgpack.Decoder(list[Told])
_COMMANDS: Final[dict[str, tuple[msgspec.msgpack.Decoder[Any], Route | None]]] = {
    **{command.__name__: (msgspec.msgpack.Decoder(command), route) for command, route in COMMANDS.items()},
    **{command.__name__: (msgspec.msgpack.Decoder(command), None) for command in (SkipEffect, ReplayEffect)},
}


class _Frames:
    """Gathers what is to be sent during one turn of the loop, and sends it as one frame."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self._parts: list[Any] = []

    def add(self, part: Call | Told) -> None:
        if not self._parts:
            asyncio.get_running_loop().call_soon(self._flush)
        self._parts.append(part)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if self.wire is not None:
            self.wire.send(_encode(parts))


class _Waiting(msgspec.Struct, gc=False):
    """A call without its answer. `item` None: a note or a question."""

    call: Call
    item: Item | Quarantined | None
    settle: Settled
    since_s: float
    until_s: float  # of what came from outside

    @property
    def lasting(self) -> bool:
        """Whether it is sent again over the next wire."""
        return type(self.call) is PostedNote or (type(self.item) is Item and self.item.internal)


class Peer:
    """Another process, as one end of a wire; what is put here is settled by that process's commits."""

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        self._clock = clock
        self._frames = _Frames()
        self._waiting: dict[int, _Waiting] = {}
        self._n = 0
        self._slow_until_s = 0.0
        self._sweep: Callable[[], None] | None = None

    def backlog(self) -> int:
        return len(self._waiting)

    @property
    def is_open(self) -> bool:
        return self._frames.wire is not None

    def is_full(self) -> bool:
        """Whether intake had better come again than wait: a peer that is behind must not pass for one that is gone."""
        return len(self._waiting) >= WAITING_LIMIT or self._clock.monotonic() < self._slow_until_s

    def holds(self, slot: int) -> bool:
        """Whether anything of a slot waits for its answer."""
        return any(each.item is not None and each.item.slot == slot for each in self._waiting.values())

    # -- what the bus puts in

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None:
        self._n = n = self._n + 1
        call: Call
        if type(item) is Item:
            command = item.command
            call = Posted(
                n, reaction, type(command).__name__, _encode(command), item.slot, item.key, item.name,
                item.name_key, item.inbox_key, item.source, item.shop, item.operator, item.happened_at, item.raw,
                item.origin,
            )  # fmt: skip
        else:
            assert type(item) is Quarantined
            call = PostedRaw(
                n, item.slot, item.inbox_key, item.source, item.shop, item.reason, item.raw, item.about
            )
        self._send(call, item, item.settle)

    def note(self, shard: int, rows: WriteSet, done: Callable[[], None]) -> None:
        """`Shard.note` of a shard over there, for the rows that a `PostedNote` carries."""
        self._n += 1
        call = PostedNote(self._n, shard, rows.unparked, rows.unquarantined, rows.requarantined)
        self._send(call, None, lambda _, reply: done())

    async def ask(self, what: str, body: bytes = b"", within_s: float = QUESTION_S) -> bytes:
        """Raises PeerAway when no answer comes."""
        self._n += 1
        n, future = self._n, asyncio.get_running_loop().create_future()

        def settle(_: int, reply: Any) -> None:
            if not future.done():
                future.set_result(reply)

        self._send(Question(n, what, body), None, settle, within_s)
        told = await future
        if not isinstance(told, bytes):
            raise PeerAway(f"process {self.number} does not answer {what!r}")
        return told

    def _send(
        self, call: Call, item: Item | Quarantined | None, settle: Settled, within_s: float = AWAY_AFTER_S
    ) -> None:
        now_s = self._clock.monotonic()
        waiting = _Waiting(call, item, settle, now_s, now_s + within_s)
        if self._frames.wire is None and not waiting.lasting:
            self._give_up(waiting)
            return
        self._waiting[call.n] = waiting
        if self._frames.wire is not None:
            self._frames.add(call)
        if self._sweep is None:
            self._sweep = self._clock.call_later(SWEEP_S, self._sweep_overdue)

    def _sweep_overdue(self) -> None:
        self._sweep = None
        now_s = self._clock.monotonic()
        for n, waiting in list(self._waiting.items()):
            if waiting.until_s <= now_s and not waiting.lasting:
                del self._waiting[n]
                self._give_up(waiting)
        if self._waiting:
            self._sweep = self._clock.call_later(SWEEP_S, self._sweep_overdue)

    def _give_up(self, waiting: _Waiting) -> None:
        _settle(waiting, refusals.OWNER_AWAY.of())

    # -- ports.End

    def opened(self, wire: Wire) -> None:
        self._frames.wire = wire
        for waiting in self._waiting.values():  # in the order in which it was put
            self._frames.add(waiting.call)

    def broken(self) -> None:
        self._frames.wire = None
        for n, waiting in list(self._waiting.items()):
            if not waiting.lasting:
                del self._waiting[n]
                self._give_up(waiting)

    def heard(self, frame: bytes) -> None:
        now_s = self._clock.monotonic()
        for told in _tellings.decode(frame):
            waiting = self._waiting.pop(told.n, None)
            if waiting is None:  # it was given up, or told twice over two wires
                continue
            if waiting.item is not None and not waiting.lasting and now_s - waiting.since_s > PATIENCE_S:
                self._slow_until_s = now_s + SLOW_FOR_S
            if type(waiting.call) is Question:
                _settle(waiting, told.refusal or told.body)
            elif told.refusal is not None:
                _settle(waiting, told.refusal)
            else:
                _settle(waiting, Accepted(told.aggregate, told.slot, told.epoch, told.seq, told.duplicate))


class PeerAway(Exception):
    """Another process of this centre does not answer; the supervisor starts it again."""


def _settle(waiting: _Waiting, reply: Any) -> None:
    index = 0 if waiting.item is None else waiting.item.index
    try:
        waiting.settle(index, reply)
    except Exception:
        _log.exception("a caller failed on its answer")


class Host(Protocol):
    """What an inlet needs of the bus it stands at."""

    answers: dict[str, Callable[[bytes], Awaitable[bytes]]]

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None: ...

    def note(self, shard: int, rows: WriteSet, done: Callable[[], None]) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


class Inlet:
    """The end that answers: puts what another process sends into this one's shards."""

    def __init__(self, bus: Host) -> None:
        self._bus = bus
        self._frames = _Frames()

    def opened(self, wire: Wire) -> None:
        self._frames.wire = wire

    def broken(self) -> None:
        self._frames.wire = None

    def heard(self, frame: bytes) -> None:
        for call in _calls.decode(frame):
            try:
                self._take(call)
            except Exception as error:  # one call's trouble must not keep the others from their answers
                _log.exception("a call of another process failed")
                self._settle(call.n, refusals.INTERNAL.of(what=type(error).__name__))

    def _take(self, call: Call) -> None:
        if type(call) is Posted:
            decoder, route = _COMMANDS[call.verb]
            command: Command = decoder.decode(call.body)
            item = Item(
                command, route, call.slot, call.key, call.name, call.name_key, call.inbox_key, call.source, call.shop,
                call.operator, call.happened_at, call.raw, call.origin, "", self._settle, call.n,
            )  # fmt: skip
            self._bus.put(item, reaction=call.reaction)
        elif type(call) is PostedRaw:
            kept = Quarantined(
                call.slot, call.inbox_key, call.source, call.shop, call.reason, call.raw, self._settle, call.n,
                call.about,
            )  # fmt: skip
            self._bus.put(kept)
        elif type(call) is PostedNote:
            n, rows = call.n, WriteSet()
            rows.unparked += call.unparked
            rows.unquarantined += call.unquarantined
            rows.requarantined += call.requarantined
            self._bus.note(call.shard, rows, lambda: self._frames.add(Told(n)))
        elif type(call) is Question:
            self._bus.spawn(self._answer(call))

    def _settle(self, n: int, reply: Reply) -> None:
        if type(reply) is Accepted:
            told = Told(n, reply.aggregate, reply.slot, reply.epoch, reply.seq, reply.duplicate)
        else:
            assert type(reply) is Refusal
            told = Told(n, refusal=reply)
        self._frames.add(told)

    async def _answer(self, question: Question) -> None:
        answer = self._bus.answers.get(question.what)
        if answer is None:
            self._frames.add(Told(question.n, refusal=refusals.INTERNAL.of(what=question.what)))
            return
        try:
            self._frames.add(Told(question.n, body=await answer(question.body)))
        except Exception as error:
            _log.exception("the answer to %r failed", question.what)
            self._frames.add(Told(question.n, refusal=refusals.INTERNAL.of(what=type(error).__name__)))
