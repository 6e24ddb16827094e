"""The bus: the only way in, and the only code that opens a transaction (in its shards).

It finds the shard of every message, in this process or in another, refuses by name when the bounded queues are full,
and after each commit tells everyone who listens, in the same order: relay, effects, wake-ups, views, and whoever
waits for a state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import (
    Command,
    FinishEffect,
    RecordEffectFailure,
    Refusal,
    ReplayEffect,
    SkipEffect,
    WakeUp,
)
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.slots import digest
from tongdan.flow.batch import Batch
from tongdan.flow.heads import Environment
from tongdan.flow.items import Item, Origin, Quarantined, internal_item, item_of
from tongdan.flow.journal import read_state
from tongdan.flow.meters import Meters
from tongdan.flow.outstanding import Outstanding
from tongdan.flow.peers import Peer
from tongdan.flow.placement import Placement
from tongdan.flow.posts import Posts
from tongdan.flow.shard import Committer, Engine, Probe, Shard, no_probe
from tongdan.flow.waiters import Waiters
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
SLOW_QUESTION_S: Final = 600.0  # before a question to a shard's owner counts as unanswered

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
        for store, reader in stores:
            env = Environment(store, vault, entropy, policy, revision, Outstanding(store.outstanding()))
            self.shards.append(Shard(self.engine, reader, env))
        self.readers = readers or [reader for _, reader in stores]
        self.placement = placement or Placement(len(self.readers), 1)
        self.peers: Mapping[int, Peer] = {}
        self._own = {shard.number: shard for shard in self.shards}
        self.posts = Posts(self.placement, self._own, clock)
        self._waiters = Waiters(clock, self._read)
        self.answers: dict[str, Callable[[bytes], Awaitable[bytes]]] = {
            "changed": self._waiters.answer_changed
        }

    def connect(self, peers: Mapping[int, Peer]) -> None:
        """The other processes, by number; before this bus knows them their slots wait."""
        self.peers = peers
        self.posts.connect(peers)

    # -- ports.CommandBus

    def submit(
        self, messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
    ) -> Refusal | None:
        if not messages:
            done(())
            return None
        items = [item_of(message) for message in messages]
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
                self.posts[item.slot].put(item)
        return None

    async def ask(self, message: Inbound) -> Reply:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        refusal = self.submit((message,), lambda replies: _resolve(future, replies[0]))
        return refusal if refusal is not None else await future

    async def wait_for(self, aggregate: str, until: Callable[[object], bool], timeout_s: float) -> bool:
        peer = self.peers.get(self.placement.process_of(key_slot(aggregate)))
        if peer is None:
            return await self._waiters.here(aggregate, until, timeout_s)
        return await self._waiters.elsewhere(peer, aggregate, until, timeout_s)

    # -- the loop's own commands: never refused for load, answered like any other

    def react(self, command: Command, origin: Origin, shop: str, done: Callable[[int, Reply], None]) -> int:
        """A command made from a fact; if it is refused, the shard of this number keeps it parked.

        Raises ValueError for no key.
        """
        return self._put(internal_item(command, source="reaction", shop=shop, origin=origin), done)

    def outcome(
        self, command: Command | None, effect: EffectColumns, raw: bytes, done: Callable[[int, Reply], None],
        *, note: str = "",
    ) -> None:  # fmt: skip
        """What an effect led to; the effect is over with the same commit. None: it took place, nothing was learnt."""
        item = internal_item(
            command or FinishEffect(),
            source=effect.partner,
            raw=raw,
            effect=effect.id,
            key=effect.agg,
            note=note,
        )
        self._put(item, done)

    def again(self, command: Command, key: tuple[str, ...], done: Callable[[int, Reply], None]) -> None:
        """A command of a reaction outside the cursor's order; the inbox makes repeating it harmless, or, with no key,
        what its decider knows."""
        item = internal_item(command, source="reaction")
        item.inbox_key = digest(*key) if key else b""
        self._put(item, done)

    def wake_up(self, key: str, done: Callable[[int, Reply], None]) -> None:
        self._put(internal_item(WakeUp(key=key), source="timer", key=key), done)

    def tend(
        self,
        command: SkipEffect | ReplayEffect | RecordEffectFailure,
        operator: str,
        done: Callable[[int, Reply], None],
    ) -> None:
        """Give an effect up, try it again, or bury it."""
        self._put(internal_item(command, source="operator", operator=operator), done)

    def _put(self, item: Item, done: Callable[[int, Reply], None]) -> int:
        item.settle = done
        self.posts[item.slot].put(item, reaction=True)
        return self.placement.shard_of(item.slot)

    # -- for other processes, and about them

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None:
        """An item another process has made, to where its slot lies now."""
        if not reaction and type(item) is Item and (refusal := self._overload((item,))):
            self.meters.refused.add(refusal.name)
            item.settle(item.index, refusal)
        else:
            self.posts[item.slot].put(item, reaction=reaction)

    def note(self, shard: int, rows: WriteSet, done: Callable[[], None]) -> None:
        """`Shard.note` wherever the shard is; to another process only rows that a `PostedNote` carries."""
        own = self._own.get(shard)
        if own is not None:
            own.note(rows, done)
        else:
            self.peers[self.placement.owner_of(shard)].note(shard, rows, done)

    async def noted(self, shard: int, rows: WriteSet) -> None:
        """`note`, awaited: it is committed when this returns."""
        written = asyncio.Event()
        self.note(shard, rows, written.set)
        await written.wait()

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

    # -- inside

    def _overload(self, items: Iterable[Item | Quarantined | Refusal]) -> Refusal | None:
        if self.stopping or any(
            self.posts[item.slot].is_full() for item in items if not isinstance(item, Refusal)
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
        self._waiters.tell(batch.changed())

    def _read(self, aggregate: str) -> tuple[int, Any]:
        """(version, state) as committed, wherever it lies; (0, None) when there is none."""
        reader = self.reader_of(key_slot(aggregate))
        row = reader.states([aggregate]).get(aggregate)
        return (0, None) if row is None else (row.ver, read_state(reader, row))

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


def _in_order(
    messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
) -> Callable[[Sequence[Reply]], None]:
    """Replies of the Inbound messages only: what went to quarantine has none."""

    def call(replies: Sequence[Reply]) -> None:
        done([reply for message, reply in zip(messages, replies, strict=True) if type(message) is Inbound])

    return call
