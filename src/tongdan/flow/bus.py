"""The bus: the only way in, and the only code that opens a transaction (in its shards).

It finds the shard of every message, in this process or in another, refuses by name when the bounded queues are full,
and after each commit tells everyone who listens, in the same order: relay, effects, wake-ups, views, and whoever
waits for a state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol, TypeVar

import msgspec

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.keys import key_slot, kind_of
from tongdan.domain.kernel.messages import (
    NOTHING,
    Command,
    FinishEffect,
    RecordEffectFailure,
    Refusal,
    ReplayEffect,
    SkipEffect,
    WakeUp,
)
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.slots import SLOTS, digest, slot_of
from tongdan.flow.batch import Batch
from tongdan.flow.heads import Environment, Live
from tongdan.flow.items import Item, Origin, Quarantined
from tongdan.flow.journal import encode, read_state
from tongdan.flow.meters import Meters
from tongdan.flow.outstanding import Outstanding
from tongdan.flow.peers import Peer, PeerAway
from tongdan.flow.placement import Placement
from tongdan.flow.routes import COMMANDS, KINDS, WAKES
from tongdan.flow.routing import Route, Target
from tongdan.flow.shard import Committer, Engine, Probe, Shard, no_probe
from tongdan.ports import (
    Clock,
    EffectColumns,
    Entropy,
    Inbound,
    NotUnderstood,
    Reply,
    ShardStore,
    Vault,
    WriteSet,
)

LAG_LIMIT: Final = 2_000_000  # facts without their reactions before intake is told to come again
BUSY_FOR_S: Final = 0.25  # how long after a busy batch everything else still gives way
STOP_WITHIN_S: Final = 40.0  # longer than any effect may be under way
WAITER_LIMIT: Final = 10_000  # answers held back for a later state
LONGEST_WAIT_S: Final = 60.0  # for a change, on behalf of another process
SLOW_QUESTION_S: Final = 600.0  # before a question to a shard's owner counts as unanswered
SETTLE_PAUSE_S: Final = 0.002  # between two looks whether a slot that moves has come to rest

T = TypeVar("T")


class Listener(Protocol):
    """What hears of a commit, in order, on the loop's thread."""

    def committed(self, shard: Shard, batch: Batch) -> None: ...


class Post(Protocol):
    """Where the items of a slot go: a shard of this process, another process, or a place to wait."""

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None: ...

    def is_full(self) -> bool: ...

    def holds(self, slot: int) -> bool: ...


class Held:
    """Stands in a slot's place while it moves: who is outside is told to come again, the loop's own waits in order."""

    def __init__(self) -> None:
        self.items: list[tuple[Item | Quarantined, bool]] = []

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None:
        # A wake-up is not held: whoever owns the slot afterwards finds it due.
        if type(item) is Item and item.internal and item.source != "timer":
            self.items.append((item, reaction))
        else:
            item.settle(item.index, refusals.SLOT_MOVING.of())

    def is_full(self) -> bool:
        return False

    def holds(self, slot: int) -> bool:
        return False


class _Group:
    """Collects the replies of one submit."""

    __slots__ = ("done", "left", "replies")

    def __init__(self, size: int, done: Callable[[Sequence[Reply]], None]) -> None:
        self.left = size
        self.replies: list[Reply | None] = [None] * size
        self.done = done

    def settle(self, index: int, reply: Reply) -> None:
        self.replies[index] = reply
        self.left -= 1
        if not self.left:
            self.done([reply for reply in self.replies if reply is not None])


class Bus:
    """Routes messages to their shards; `ports.CommandBus`."""

    def __init__(
        self,
        stores: Sequence[tuple[ShardStore, ShardStore]],
        *,
        readers: Sequence[ShardStore] = (),
        placement: Placement | None = None,
        clock: Clock,
        entropy: Entropy,
        vault: Vault,
        policy: Policy,
        revision: int,
        committer: Committer,
        meters: Meters,
        probe: Probe = no_probe,
    ) -> None:
        """`stores`: (to write, to read) of the shards this process owns; `readers` of all, if there are others."""
        self.clock = clock
        self.entropy = entropy
        self.meters = meters
        self.probe = probe
        self.engine = Engine(clock, committer, meters, probe)
        self.engine.committed = self._publish
        self.spawn = self.engine.spawn
        self.stopping = False
        self.lag: Callable[[], int] = lambda: 0
        self.listeners: list[Listener] = []
        self.shards: list[Shard] = []
        self._waiters: dict[str, list[tuple[Callable[[object], bool], asyncio.Future[bool]]]] = {}
        self._waiting = 0
        for store, reader in stores:
            env = Environment(store, vault, entropy, policy, revision, Outstanding(store.outstanding()))
            self.shards.append(Shard(self.engine, reader, env))
        self.readers = readers or [reader for _, reader in stores]
        self.placement = placement or Placement(len(self.readers), 1)
        self.peers: Mapping[int, Peer] = {}
        self.answers: dict[str, Callable[[bytes], Awaitable[bytes]]] = {"changed": self._answer_changed}
        self._own = {shard.number: shard for shard in self.shards}
        self._posts: list[Post] = [Held() for _ in range(SLOTS)]
        self.connect({})

    def connect(self, peers: Mapping[int, Peer]) -> None:
        """The other processes, by number; before this bus knows them their slots wait."""
        self.peers = peers
        self._posts = [self._post_of(slot) for slot in range(SLOTS)]

    def _post_of(self, slot: int) -> Post:
        number = self.placement.shard_of(slot)
        own = self._own.get(number)
        return own if own is not None else self.peers.get(self.placement.owner_of(number), Held())

    # -- ports.CommandBus

    def submit(
        self, messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
    ) -> Refusal | None:
        if not messages:
            done(())
            return None
        items = [self._item(message) for message in messages]
        if refusal := self._overload(items):
            self.meters.refused.add(refusal.name, by=len(items))
            return refusal
        alone = len(messages) == 1 and type(messages[0]) is Inbound
        group = _Group(len(items), done if alone else _in_order(messages, done))
        for index, item in enumerate(items):
            if isinstance(item, Refusal):
                self.meters.refused.add(item.name)
                group.settle(index, item)
            else:
                item.index, item.settle = index, group.settle
                self._posts[item.slot].put(item)
        return None

    async def ask(self, message: Inbound) -> Reply:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        refusal = self.submit((message,), lambda replies: _resolve(future, replies[0]))
        return refusal if refusal is not None else await future

    async def wait_for(self, aggregate: str, until: Callable[[object], bool], timeout_s: float) -> bool:
        if (peer := self._peer_of(aggregate)) is not None:
            return await self._wait_elsewhere(peer, aggregate, until, timeout_s)
        if (state := self._committed(aggregate)) is not None and until(state):
            return True
        if self._waiting >= WAITER_LIMIT:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(aggregate, []).append((until, future))
        self._waiting += 1
        cancel = self.clock.call_later(timeout_s, lambda: _resolve(future, False))
        try:
            return await future
        finally:
            cancel()
            self._waiting -= 1
            left = [pair for pair in self._waiters.get(aggregate, []) if pair[1] is not future]
            if left:
                self._waiters[aggregate] = left
            else:
                self._waiters.pop(aggregate, None)

    def _peer_of(self, aggregate: str) -> Peer | None:
        return self.peers.get(self.placement.process_of(key_slot(aggregate)))

    async def _wait_elsewhere(
        self, peer: Peer, aggregate: str, until: Callable[[object], bool], timeout_s: float
    ) -> bool:
        """Ask the owner to say when the aggregate has changed, and read it each time."""
        until_s = self.clock.monotonic() + timeout_s
        while True:
            ver, state = self._read(aggregate)
            if state is not None and until(state):
                return True
            left_s = until_s - self.clock.monotonic()
            if left_s <= 0:
                return False
            try:
                await peer.ask("changed", encode((aggregate, ver, left_s)), left_s + 1)
            except PeerAway:
                return False

    async def _answer_changed(self, body: bytes) -> bytes:
        aggregate, ver, timeout_s = msgspec.msgpack.decode(body, type=tuple[str, int, float])
        await self.wait_for(
            aggregate, lambda _: self._read(aggregate)[0] > ver, min(timeout_s, LONGEST_WAIT_S)
        )
        return b""

    # -- the loop's own commands: never refused for load, answered like any other

    def react(self, command: Command, origin: Origin, shop: str, done: Callable[[int, Reply], None]) -> int:
        """A command made from a fact; if it is refused, the shard of this number keeps it parked.

        Raises ValueError for no key.
        """
        return self._put(self._internal(command, source="reaction", shop=shop, origin=origin), done)

    def outcome(
        self, command: Command | None, effect: EffectColumns, raw: bytes, done: Callable[[int, Reply], None]
    ) -> None:
        """What an effect led to; the effect is over with the same commit. None: it took place, nothing was learnt."""
        item = self._internal(
            command or FinishEffect(), source=effect.partner, raw=raw, effect=effect.id, key=effect.agg
        )
        self._put(item, done)

    def again(self, command: Command, key: tuple[str, ...], done: Callable[[int, Reply], None]) -> None:
        """A command of a reaction outside the cursor's order; the inbox makes repeating it harmless."""
        item = self._internal(command, source="reaction")
        item.inbox_key = digest(*key)
        self._put(item, done)

    def wake_up(self, key: str, done: Callable[[int, Reply], None]) -> None:
        self._put(self._internal(WakeUp(key=key), source="timer", key=key), done)

    def tend(
        self,
        command: SkipEffect | ReplayEffect | RecordEffectFailure,
        operator: str,
        done: Callable[[int, Reply], None],
    ) -> None:
        """Give an effect up, try it again, or bury it."""
        self._put(self._internal(command, source="operator", operator=operator), done)

    def _put(self, item: Item, done: Callable[[int, Reply], None]) -> int:
        item.settle = done
        self._posts[item.slot].put(item, reaction=True)
        return self.placement.shard_of(item.slot)

    # -- for other processes, and about them

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None:
        """An item another process has made, to where its slot lies now."""
        if not reaction and type(item) is Item and (refusal := self._overload((item,))):
            self.meters.refused.add(refusal.name)
            item.settle(item.index, refusal)
        else:
            self._posts[item.slot].put(item, reaction=reaction)

    def note(self, shard: int, rows: WriteSet, done: Callable[[], None]) -> None:
        """`Shard.note` wherever the shard is; of another process's only `unparked` and `unquarantined` rows."""
        own = self._own.get(shard)
        if own is not None:
            own.note(rows, done)
        else:
            self.peers[self.placement.owner_of(shard)].note(shard, rows, done)

    async def ask_owner(self, shard: int, what: str, body: bytes) -> bytes:
        """The answer of the process that owns a shard, which may be this one. Raises PeerAway."""
        if shard in self._own:
            return await self.answers[what](body)
        return await self.peers[self.placement.owner_of(shard)].ask(what, body, SLOW_QUESTION_S)

    async def ask_peers(self, what: str, body: bytes = b"") -> list[bytes]:
        """Each other process's answer; without those that do not answer."""
        asked = [peer.ask(what, body) for peer in self.peers.values()]
        told = await asyncio.gather(*asked, return_exceptions=True)
        return [answer for answer in told if isinstance(answer, bytes)]

    def hold(self, slot: int) -> None:
        """From here on nothing new of this slot is taken, until `release`."""
        if not isinstance(self._posts[slot], Held):
            self._posts[slot] = Held()

    def release(self, slot: int) -> None:
        """What was held goes to where the slot lies now."""
        held, post = self._posts[slot], self._post_of(slot)
        self._posts[slot] = post
        if isinstance(held, Held):
            for item, reaction in held.items:
                post.put(item, reaction=reaction)

    async def follow(self, slot: int) -> None:
        """A slot lies elsewhere now. What this process has sent to its old place is answered before anything goes to
        the new one: else a watermark could pass a command that is still on its way."""
        old = self._posts[slot]
        self.hold(slot)
        while old.holds(slot):
            await self.clock.sleep(SETTLE_PAUSE_S)
        self.release(slot)

    # -- inside

    def _item(self, message: Inbound | NotUnderstood) -> Item | Quarantined | Refusal:
        if type(message) is NotUnderstood:
            content = blake2b(message.raw, digest_size=16).hexdigest()
            return Quarantined(
                slot_of("quarantine", message.source), digest("quarantine", message.source, content), message.source,
                message.shop, message.reason, message.raw, None, 0, message.about,
            )  # fmt: skip
        assert type(message) is Inbound
        route = COMMANDS.get(type(message.command))
        if route is None:
            return self._unrouted(message)
        try:
            target = route.target(message.command)
        except ValueError:
            return _unknown(message.command)
        return Item(
            message.command, route, target.slot, target.key, target.name, _name_key(target), digest(*message.key),
            message.source, message.shop, message.operator, message.happened_at, message.raw, None, "", None, 0,
        )  # fmt: skip

    def _unrouted(self, message: Inbound) -> Item:
        command = message.command
        if not isinstance(command, SkipEffect | ReplayEffect):
            raise TypeError(f"{type(command).__name__} has no route")
        slot = _effect_slot(command.effect)
        return Item(
            command, None, slot, "", None, b"", digest(*message.key), message.source, message.shop, message.operator,
            message.happened_at, message.raw, None, "", None, 0,
        )  # fmt: skip

    def _internal(
        self, command: Command, *, source: str, shop: str = "", operator: str = "system", raw: bytes = b"",
        origin: Origin | None = None, effect: str = "", key: str = "",
    ) -> Item:  # fmt: skip
        route: Route | None
        if (known := COMMANDS.get(type(command))) is not None:
            route, target = known, known.target(command)
        elif type(command) is WakeUp:
            kind = KINDS[kind_of(key)]
            route, target = Route(kind, _nowhere, WAKES[kind.name]), Target(key_slot(key), key)
        elif isinstance(command, SkipEffect | ReplayEffect | RecordEffectFailure):
            route, target = None, Target(_effect_slot(command.effect))
        else:
            assert type(command) is FinishEffect
            kind = KINDS[kind_of(key)]
            route, target = Route(kind, _nowhere, _nothing_learnt), Target(key_slot(key), key)
        return Item(
            command, route, target.slot, target.key, target.name, _name_key(target), b"", source, shop, operator,
            None, raw, origin, effect, None, 0,
        )  # fmt: skip

    def _overload(self, items: Iterable[Item | Quarantined | Refusal]) -> Refusal | None:
        if self.stopping or any(
            self._posts[item.slot].is_full() for item in items if not isinstance(item, Refusal)
        ):
            return refusals.OVERLOADED.of()
        return refusals.REACTIONS_BEHIND.of() if self.lag() > LAG_LIMIT else None

    def _publish(self, shard: Shard, batch: Batch) -> None:
        """After a commit: heads move on, then everyone who listens hears of it in the same order."""
        batch.publish()
        if batch.rows.adopted or batch.rows.repositioned:  # rows that no decision made
            shard.heads.pos = shard.reader.last_pos()
        for _, _, due_us in batch.rows.wakeups:
            if due_us is not None and (shard.next_due_us is None or due_us < shard.next_due_us):
                shard.next_due_us = due_us
        shard.env.outstanding.add(batch.new_effects)
        shard.env.outstanding.close(batch.closed)
        shard.env.outstanding.ran(batch.rows.runs)
        for name, times in batch.refused.items():
            self.meters.refused.add(name, by=times)
        for listener in self.listeners:
            listener.committed(shard, batch)
        if self._waiters:
            self._tell_waiters(batch.changed())

    def _committed(self, aggregate: str) -> Any:
        return self._read(aggregate)[1]

    def _read(self, aggregate: str) -> tuple[int, Any]:
        """(version, state) as committed, wherever it lies; (0, None) when there is none."""
        reader = self.reader_of(key_slot(aggregate))
        row = reader.states([aggregate]).get(aggregate)
        return (0, None) if row is None else (row.ver, read_state(reader, row))

    def _tell_waiters(self, changed: dict[str, Live]) -> None:
        for key in self._waiters.keys() & changed.keys():
            state = changed[key].state
            for until, future in self._waiters[key]:
                try:
                    if until(state):
                        _resolve(future, True)
                except Exception as error:  # a condition that fails is the trouble of the one who waits
                    if not future.done():
                        future.set_exception(error)

    def intake_is_busy(self) -> bool:
        """Whether so much comes in that everything else should give way."""
        since = self.clock.monotonic() - BUSY_FOR_S
        return any(shard.busy_at > since for shard in self.shards)

    def reader_of(self, slot: int) -> ShardStore:
        """Committed truth about a slot, whichever process owns it."""
        return self.readers[self.placement.shard_of(slot)]

    def owns(self, slot: int) -> bool:
        return self.placement.shard_of(slot) in self._own

    def own_shard(self, number: int) -> Shard:
        """Raises KeyError for a shard of another process."""
        return self._own[number]

    def backlog(self) -> int:
        """Commands that are not yet answered, and those under way to other processes."""
        return sum(shard.backlog() for shard in self.shards) + sum(
            peer.backlog() for peer in self.peers.values()
        )

    async def stop(self) -> None:
        """Take nothing new, write what was taken, answer it; on a store that cannot write, give up in the end."""
        self.stopping = True
        await self.engine.idle(STOP_WITHIN_S)


def _resolve(future: "asyncio.Future[T]", value: T) -> None:
    """The one who waited may be gone."""
    if not future.done():
        future.set_result(value)


def _nothing_learnt(state: object, command: object, ctx: object) -> Any:
    return NOTHING


def _unknown(command: Any) -> Refusal:
    """No aggregate can have the key that this command names."""
    return refusals.UNKNOWN_ID.of(
        id=str(getattr(command, "order", "") or getattr(command, "shipment", ""))[:80]
    )


def _name_key(target: Target) -> bytes:
    return b"" if target.name is None else digest(*target.name)


def _nowhere(command: Command) -> Target:
    raise AssertionError("the key of this command is known")


def _effect_slot(effect: str) -> int:
    """The slot an effect id begins with; a malformed id leads to slot 0, where it is not found."""
    head = effect.partition(".")[0]
    return int(head) % SLOTS if head.isascii() and head.isdigit() else 0


def _in_order(
    messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
) -> Callable[[Sequence[Reply]], None]:
    """Replies of the Inbound messages only: what went to quarantine has none."""

    def call(replies: Sequence[Reply]) -> None:
        done([reply for message, reply in zip(messages, replies, strict=True) if type(message) is Inbound])

    return call
