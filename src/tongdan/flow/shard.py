"""A shard's queue and its transactions: commands gather while the previous commit is on its way to disk.

Then one transaction takes them all, and callers are answered after it is durable. Intake goes before reactions. A
batch that fails is halved until the command that cannot be stands alone, so it cannot hold the others. At most one
transaction of a shard is open at a time; no network call and no wait happens inside one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any, Final, TypeVar

from tongdan.domain.kernel import refusals
from tongdan.flow.batch import Batch
from tongdan.flow.heads import Environment, Heads
from tongdan.flow.items import Item, Quarantined
from tongdan.flow.meters import Meters
from tongdan.ports import Clock, LostToken, Reply, ShardStore, StoreFailure, WriteSet

_log: Final = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 20_000  # commands waiting at one shard before intake is told to come again
PATIENCE_S: Final = 3.0  # that somebody who waits for an answer is given
PACE_WEIGHT: Final = 0.2  # of the latest batch
BATCH_LIMIT: Final = 1_000  # commands of one transaction
REACTION_SHARE: Final = 200  # reactions that a full batch of intake still leaves room for
BUSY_BATCH: Final = 12  # so much intake in one batch means that it does not come one by one any more
RETRY_PAUSE_S: Final = 1.0  # after the store failed on something that nobody outside would send again
COMMIT_THREADS: Final = 4
LOOK_EVERY_S: Final = 0.5  # whether to go on waiting for the last tasks

Probe = Callable[[str], None]
Committer = Callable[[Callable[[], None]], Awaitable[None]]
Note = tuple[WriteSet, Callable[[], None]]
Waiting = Item | Quarantined
T = TypeVar("T")


def no_probe(point: str) -> None:
    """In production nothing happens at the named points at which crash tests kill the process."""


async def commit_inline(commit: Callable[[], None]) -> None:
    """For replays: no threads, so that the same seed gives the same order of everything."""
    commit()


def commit_in_thread() -> Committer:
    """COMMIT waits for the disk without the interpreter's lock; the loop gathers and decides meanwhile."""
    pool = ThreadPoolExecutor(max_workers=COMMIT_THREADS, thread_name_prefix="commit")

    async def run(commit: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, commit)

    return run


class Engine:
    """What all shards of a process share: time, the way to commit, counters, and the tasks under way."""

    def __init__(self, clock: Clock, committer: Committer, meters: Meters, probe: Probe) -> None:
        self.clock = clock
        self.committer = committer
        self.meters = meters
        self.probe = probe
        self.committed: Callable[[Shard, Batch], None] = lambda shard, batch: None
        self.lost_token: Callable[[], None] = lambda: (
            None
        )  # another process owns what this one thought its own
        self.hurried = False  # whoever is waited for will not answer: break off what has not ended
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task of the loop and keep hold of it; its failure is logged, never lost."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("a task of the loop failed", exc_info=error)

    def kill(self) -> None:
        """Break off everything, as the death of the process would."""
        for task in self._tasks:
            task.cancel()

    async def aside(self, work: Callable[[], T]) -> T:
        """Do it where commits wait for the disk: what reads whole tables or files must not hold the loop."""
        done: list[T] = []
        await self.committer(lambda: done.append(work()))
        return done[0]

    async def idle(self, within_s: float) -> None:
        """Wait until every task has ended; what takes longer is broken off, and goes on at the next start."""
        until_s = self.clock.monotonic() + within_s
        while self._tasks and not self.hurried and (left_s := until_s - self.clock.monotonic()) > 0:
            await asyncio.wait(set(self._tasks), timeout=min(left_s, LOOK_EVERY_S))
        if unfinished := set(self._tasks):
            _log.error("%d tasks of the loop are broken off after %g s", len(unfinished), within_s)
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished)


class Shard:
    """One shard: two queues, and the transactions that empty them."""

    def __init__(self, engine: Engine, reader: ShardStore, env: Environment) -> None:
        self.number = reader.shard
        self.store = env.store
        self.reader = reader  # sees only what is committed, whatever the transaction is at
        self.env = env
        self.heads = Heads(env.store)
        self.intake: deque[Waiting] = deque()
        self.reactions: deque[Waiting] = deque()
        self.notes: list[Note] = []
        self.next_due_us = reader.next_due_us()
        self.busy_at = -inf
        self._engine = engine
        self._running = False
        self._pace_s = 0.0  # what one command took in the latest large batches
        self._batch: Sequence[Waiting] = ()  # of the transaction that is open
        self._put_back: list[Item] = []
        self._notes_back: list[Note] = []

    def put(self, item: Waiting, *, reaction: bool = False) -> None:
        (self.reactions if reaction else self.intake).append(item)
        self.wake()

    def backlog(self) -> int:
        """Commands that are not yet answered."""
        return len(self.intake) + len(self.reactions) + len(self._batch)

    def is_full(self) -> bool:
        """Whether intake had better come again than wait: by number, and by how long so many took lately."""
        waiting = len(self.intake)
        return waiting >= QUEUE_LIMIT or (waiting > BATCH_LIMIT and waiting * self._pace_s > PATIENCE_S)

    def holds(self, slot: int) -> bool:
        """Whether anything of a slot is queued or in the transaction that is open."""
        queues = (self.intake, self.reactions, self._put_back, self._batch)
        return any(item.slot == slot for queue in queues for item in queue)

    def note(self, rows: WriteSet, done: Callable[[], None]) -> None:
        """Write operational rows (cursors, leases) with the next commit, then call `done`."""
        self.notes.append((rows, done))
        self.wake()

    async def noted(self, rows: WriteSet) -> None:
        """`note`, awaited: it is committed when this returns."""
        written = asyncio.Event()
        self.note(rows, written.set)
        await written.wait()

    def wake(self) -> None:
        if not self._running:
            self._running = True
            self._engine.spawn(self._drain())

    async def _drain(self) -> None:
        try:
            while self.intake or self.reactions or self.notes:
                # Whoever has just heard of a commit may have something to add: larger batches cost less each.
                await self._engine.clock.sleep(0)
                began_s = self._engine.clock.monotonic()
                items, notes = self._gather()
                self._batch = items
                await self._transact(items, notes)
                self._batch = ()
                if len(items) >= BUSY_BATCH:
                    pace_s = (self._engine.clock.monotonic() - began_s) / len(items)
                    self._pace_s += PACE_WEIGHT * (pace_s - self._pace_s)
                if self._put_back or self._notes_back:
                    self.reactions.extendleft(reversed(self._put_back))
                    self.notes[:0] = self._notes_back
                    self._put_back, self._notes_back = [], []
                    await self._engine.clock.sleep(RETRY_PAUSE_S)
        finally:
            self._running = False

    def _gather(self) -> tuple[list[Waiting], list[Note]]:
        items = _take(self.intake, BATCH_LIMIT)
        if len(items) >= BUSY_BATCH:
            self.busy_at = self._engine.clock.monotonic()
        items += _take(self.reactions, max(REACTION_SHARE, BATCH_LIMIT - len(items)))
        notes, self.notes = self.notes, []
        return items, notes

    async def _transact(self, items: Sequence[Waiting], notes: list[Note]) -> None:
        """One transaction; on a failure of the store the batch is halved until the one that cannot be stands alone."""
        if self._put_back:
            items = self._not_overtaking(items)
        batch = Batch(self.env, self.heads, self._engine.clock.now())
        started = self._engine.clock.monotonic()
        try:
            self.store.begin()
            batch.fetch(items)
            replies = batch.decide(items)
            for rows, _ in notes:
                _merge(batch.rows, rows)
            if batch.finish():
                self.store.write(batch.rows)
                self._engine.probe("before-commit")
                await self._engine.committer(self.store.commit)
            else:
                self.store.rollback()
        except Exception as failure:  # whatever it was, every caller gets an answer and the shard goes on
            self.store.rollback()
            batch.abandon()
            if isinstance(failure, LostToken):
                self._engine.lost_token()
            await self._split(items, notes, failure)
            return
        self._engine.probe("after-commit")
        self._engine.meters.commit_s.observe(self._engine.clock.monotonic() - started)
        self._engine.meters.batch_messages.observe(len(items))
        self._engine.committed(self, batch)
        for item, reply in zip(items, replies, strict=True):
            _answer(item, reply)
        for _, done in notes:
            done()

    async def _split(
        self,
        items: Sequence[Waiting],
        notes: list[Note],
        failure: Exception,
    ) -> None:
        """Halve a batch that failed. What stands alone is refused, or, if nobody would send it again, put back."""
        what = str(failure) if isinstance(failure, StoreFailure) else type(failure).__name__
        trace = None if isinstance(failure, StoreFailure) else failure
        _log.error("shard %d: a batch of %d failed: %s", self.number, len(items), what, exc_info=trace)
        if len(items) + len(notes) > 1:
            half, cut = len(items) // 2, len(notes) // 2
            if len(items) == 1:
                await self._transact(items, [])
                await self._transact([], notes)
            else:
                await self._transact(items[:half], notes[:cut])
                await self._transact(items[half:], notes[cut:])
            return
        for item in items:
            if type(item) is Item and item.internal and isinstance(failure, StoreFailure):
                self._put_back.append(item)
            elif isinstance(failure, StoreFailure):
                _answer(item, refusals.STORE_UNAVAILABLE.of(why=what))
            elif type(item) is Item and item.origin is not None and not item.failed:
                item.failed = what
                await self._transact([item], [])
            else:
                _answer(item, refusals.INTERNAL.of(what=what))
        self._notes_back += notes

    def _not_overtaking(self, items: Sequence[Waiting]) -> list[Waiting]:
        """Without reactions of a lane of which one was put back: they would move its watermark past that one."""
        lanes = {item.lane for item in self._put_back if item.lane is not None}
        behind = [item for item in items if type(item) is Item and item.lane in lanes]
        self._put_back += behind
        return [item for item in items if type(item) is not Item or item.lane not in lanes]


def _answer(item: Waiting, reply: Reply) -> None:
    """A caller who fails to hear its answer must not keep the others from theirs."""
    try:
        item.settle(item.index, reply)
    except Exception:
        _log.exception("a caller failed on its answer")


def _take(queue: deque[Waiting], limit: int) -> list[Waiting]:
    if len(queue) <= limit:
        taken = list(queue)
        queue.clear()
        return taken
    return [queue.popleft() for _ in range(limit)]


def _merge(into: WriteSet, rows: WriteSet) -> None:
    for name in WriteSet.__slots__:
        getattr(into, name).extend(getattr(rows, name))
