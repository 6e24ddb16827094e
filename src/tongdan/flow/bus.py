"""The bus: the only way in, and the only code that opens a transaction (in its shards).

It finds the shard of every message, refuses by name when the bounded queues are full, and after each commit tells
everyone who listens, in the same order: relay, effects, wake-ups, views, and whoever waits for a state.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol, TypeVar

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
from tongdan.flow.journal import read_state
from tongdan.flow.meters import Meters
from tongdan.flow.outstanding import Outstanding
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
)

QUEUE_LIMIT: Final = 20_000  # commands waiting at one shard before intake is told to come again
LAG_LIMIT: Final = 2_000_000  # facts without their reactions before intake is told to come again
BUSY_FOR_S: Final = 0.25  # how long after a busy batch everything else still gives way
STOP_WITHIN_S: Final = 40.0  # longer than any effect may be under way
WAITER_LIMIT: Final = 10_000  # answers held back for a later state

T = TypeVar("T")


class Listener(Protocol):
    """What hears of a commit, in order, on the loop's thread."""

    def committed(self, shard: Shard, batch: Batch) -> None: ...


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
        clock: Clock,
        entropy: Entropy,
        vault: Vault,
        policy: Policy,
        revision: int,
        committer: Committer,
        meters: Meters,
        probe: Probe = no_probe,
    ) -> None:
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
        self._of_slot = [self.shards[slot % len(self.shards)] for slot in range(SLOTS)]

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
            item.index, item.settle = index, group.settle
            self._of_slot[item.slot].put(item)
        return None

    async def ask(self, message: Inbound) -> Reply:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        refusal = self.submit((message,), lambda replies: _resolve(future, replies[0]))
        return refusal if refusal is not None else await future

    async def wait_for(self, aggregate: str, until: Callable[[object], bool], timeout_s: float) -> bool:
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

    # -- the loop's own commands: never refused for load, answered like any other

    def react(self, command: Command, origin: Origin, shop: str, done: Callable[[int, Reply], None]) -> Shard:
        """A command made from a fact; if it is refused, this shard keeps it parked. Raises ValueError for no key."""
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

    def _put(self, item: Item, done: Callable[[int, Reply], None]) -> Shard:
        item.settle = done
        shard = self._of_slot[item.slot]
        shard.put(item, reaction=True)
        return shard

    # -- inside

    def _item(self, message: Inbound | NotUnderstood) -> Item | Quarantined:
        if type(message) is NotUnderstood:
            content = blake2b(message.raw, digest_size=16).hexdigest()
            return Quarantined(
                slot_of("quarantine", message.source), digest("quarantine", message.source, content), message.source,
                message.shop, message.reason, message.raw, None, 0,
            )  # fmt: skip
        assert type(message) is Inbound
        route = COMMANDS.get(type(message.command))
        if route is None:
            return self._unrouted(message)
        raw = message.raw
        try:
            target = route.target(message.command)
        except ValueError:
            route, target, raw = _to_nobody(route, message.command)
        return Item(
            message.command, route, target.slot, target.key, target.name, _name_key(target), digest(*message.key),
            message.source, message.shop, message.operator, message.happened_at, raw, None, "", None, 0,
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
        if type(command) is WakeUp:
            kind = KINDS[kind_of(key)]
            route, target = Route(kind, _nowhere, WAKES[kind.name]), Target(key_slot(key), key)
        elif isinstance(command, SkipEffect | ReplayEffect | RecordEffectFailure):
            route, target = None, Target(_effect_slot(command.effect))
        elif type(command) is FinishEffect:
            kind = KINDS[kind_of(key)]
            route, target = Route(kind, _nowhere, _nothing_learnt), Target(key_slot(key), key)
        else:
            route = COMMANDS[type(command)]
            target = route.target(command)
        return Item(
            command, route, target.slot, target.key, target.name, _name_key(target), b"", source, shop, operator,
            None, raw, origin, effect, None, 0,
        )  # fmt: skip

    def _overload(self, items: Iterable[Item | Quarantined]) -> Refusal | None:
        if self.stopping or any(len(self._of_slot[item.slot].intake) >= QUEUE_LIMIT for item in items):
            return refusals.OVERLOADED.of()
        return refusals.REACTIONS_BEHIND.of() if self.lag() > LAG_LIMIT else None

    def _publish(self, shard: Shard, batch: Batch) -> None:
        """After a commit: heads move on, then everyone who listens hears of it in the same order."""
        batch.publish()
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
        reader = self.shard_of(key_slot(aggregate)).reader
        row = reader.states([aggregate]).get(aggregate)
        return None if row is None else read_state(reader, row)

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

    def shard_of(self, slot: int) -> Shard:
        return self._of_slot[slot]

    def backlog(self) -> int:
        """Commands that are not yet answered."""
        return sum(len(each.intake) + len(each.reactions) + each.under_way for each in self.shards)

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


def _to_nobody(route: Route, command: Any) -> tuple[Route, Target, bytes]:
    """A command whose key no aggregate can have goes where none is found, and is refused like any unknown id."""
    called = str(getattr(command, "order", "") or getattr(command, "shipment", ""))[:80]
    return Route(route.kind, _nowhere, route.decide), Target(0, called), b""


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
