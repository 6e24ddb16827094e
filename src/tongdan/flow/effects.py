"""Effects go out: one lane for each aggregate and partner, first in, first out, each effect once in effect.

How a verb may be repeated is its actor's declaration. Where a second sending could do harm, the attempt is committed
before it is made, so that after a crash it is known that it may have happened, and is looked up first. A failure of
the partner as a whole opens its breaker: lanes wait, deadlines stand still, and everything goes on by itself. A
failure of one effect ends as a dead letter, which blocks its lane until a person replays or skips it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.guard.breaker import Breaker
from tongdan.domain.kernel.messages import Person, RecordEffectFailure, Refusal
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.journal import from_us, read_effect, to_us
from tongdan.flow.shard import Shard
from tongdan.ports import (
    Actor,
    Done,
    EffectColumns,
    Errand,
    Failed,
    Repeat,
    Reply,
    RunColumns,
    Verb,
    WriteSet,
)

_log: Final = logging.getLogger(__name__)

IN_FLIGHT_LIMIT: Final = 32  # effects under way at one partner
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_LONGEST_S: Final = 300.0
GRACE_S: Final = 5.0  # beyond the verb's own time-out before the runner stops waiting for an actor
ERROR_LIMIT: Final = 300  # characters of an error that are kept

Lane = tuple[str, str]
_CAUTIOUS: Final = (Repeat.QUERY_FIRST, Repeat.AT_LEAST_ONCE)


class Desk:
    """One partner: its actor, its breaker, how much is under way, and which lanes are ready."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.breaker = Breaker()
        self.in_flight = 0
        self.ready: deque[Lane] = deque()
        self.paused_s = 0.0
        self.paused_since: float | None = None
        self.alarm: Callable[[], None] | None = None


class Runner:
    """Sends effects and brings their outcomes in by the front door."""

    def __init__(
        self, bus: Bus, actors: Iterable[Actor], open_person: Callable[[str], Person | None]
    ) -> None:
        self._bus = bus
        self._open_person = open_person
        self._desks: dict[str, Desk] = {actor.partner: Desk(actor) for actor in actors}
        self._lanes: dict[Lane, deque[str]] = {}
        self._lane_of: dict[str, Lane] = {}
        self._shards: dict[str, Shard] = {}
        self._runs: dict[str, RunColumns] = {}
        self._pause_at_first: dict[str, float] = {}
        self._started = False
        bus.listeners.append(self)

    # -- what is outstanding

    def start(self) -> None:
        self._started = True
        for shard in self._bus.shards:
            self._runs.update(shard.env.outstanding.runs)
            for effect in shard.env.outstanding.all():
                self._enqueue(shard, effect)

    def stop(self) -> None:
        self._started = False
        for desk in self._desks.values():
            if desk.alarm is not None:
                desk.alarm()

    def committed(self, shard: Shard, batch: Batch) -> None:
        if not self._started:
            return
        for id in batch.closed:
            self._close(id)
        for effect in batch.new_effects:
            if effect.id not in batch.closed:
                self._enqueue(shard, effect)
        for id in batch.replayed:
            self._runs.pop(id, None)
            self._pause_at_first.pop(id, None)
            if (lane := self._lane_of.get(id)) is not None:
                self._make_ready(lane)

    def _enqueue(self, shard: Shard, effect: EffectColumns) -> None:
        lane = (effect.agg, effect.partner)
        queue = self._lanes.setdefault(lane, deque())
        queue.append(effect.id)
        self._shards[effect.id] = shard
        self._lane_of[effect.id] = lane
        if len(queue) == 1:
            self._make_ready(lane)

    def _close(self, id: str) -> None:
        self._shards.pop(id, None)
        self._runs.pop(id, None)
        self._pause_at_first.pop(id, None)
        lane = self._lane_of.pop(id, None)
        if lane is None:
            return
        queue = self._lanes[lane]
        was_head = queue[0] == id
        queue.remove(id)
        if not queue:
            del self._lanes[lane]
        elif was_head:
            self._make_ready(lane)

    # -- which lane is next

    def _make_ready(self, lane: Lane) -> None:
        """Put a lane in line at its partner's desk, now or when its head is due. A dead head blocks it."""
        desk, queue = self._desks.get(lane[1]), self._lanes.get(lane)
        if desk is None or not queue:
            return
        run = self._runs.get(queue[0])
        if run is not None and run.dead:
            return
        wait_s = 0.0 if run is None else (run.due_us - to_us(self._bus.clock.now())) / 1e6
        if wait_s > 0:
            self._bus.clock.call_later(wait_s, lambda: self._line_up(desk, lane))
        else:
            self._line_up(desk, lane)

    def _line_up(self, desk: Desk, lane: Lane) -> None:
        if self._started:
            desk.ready.append(lane)
            self._pump(desk)

    def _pump(self, desk: Desk) -> None:
        clock = self._bus.clock
        while desk.ready and desk.in_flight < IN_FLIGHT_LIMIT and not self._bus.stopping:
            if not desk.breaker.may_try(clock.now()):
                self._pause(desk)
                return
            lane = desk.ready.popleft()
            queue = self._lanes.get(lane)
            if queue and self._shards[queue[0]].env.outstanding.take(queue[0]):
                desk.breaker = desk.breaker.trying(clock.now())
                desk.in_flight += 1
                self._bus.spawn(self._send(desk, lane, queue[0]))

    def _pause(self, desk: Desk) -> None:
        """The breaker is open: the desk's deadlines stand still until it may try again."""
        if desk.paused_since is None:
            desk.paused_since = self._bus.clock.monotonic()
            self._bus.meters.breakers_open.add(desk.actor.partner)
        if desk.alarm is None:
            wait_s = desk.breaker.wait_s(self._bus.clock.now())
            desk.alarm = self._bus.clock.call_later(max(wait_s, 0.01), lambda: self._resume(desk))

    def _resume(self, desk: Desk) -> None:
        desk.alarm = None
        self._pump(desk)

    # -- sending

    async def _send(self, desk: Desk, lane: Lane, id: str) -> None:
        shard = self._shards[id]
        row = shard.env.outstanding.get(id)
        try:
            if row is None:
                return
            effect = read_effect(row)
            verb = desk.actor.verbs[type(effect)]
            run = self._next_run(id, desk)
            tried = run.tries > 1
            if verb.repeat in _CAUTIOUS:
                await self._note(shard, run)
            errand = Errand(id, row.agg, effect, run.tries, lambda: self._open_person(row.agg))
            result = await self._try(desk.actor, verb, errand, look_first=tried)
            self._bus.probe("effect-done")
            if type(result) is Done:
                await self._succeed(desk, shard, row, result)
            else:
                assert type(result) is Failed
                await self._fail(desk, shard, row, run, verb, result)
        finally:
            desk.in_flight -= 1
            self._pump(desk)

    def _next_run(self, id: str, desk: Desk) -> RunColumns:
        """The attempt that begins now; an earlier one, perhaps of an earlier process, is counted."""
        now_us = to_us(self._bus.clock.now())
        before = self._runs.get(id)
        run = (
            RunColumns(id, 1, now_us, now_us, now_us, 0, "")
            if before is None or not before.tries
            else before._replace(tries=before.tries + 1, lease_us=now_us)
        )
        self._runs[id] = run
        self._pause_at_first.setdefault(id, desk.paused_s)
        return run

    async def _try(self, actor: Actor, verb: Verb, errand: Errand, *, look_first: bool) -> Done | Failed:
        try:
            async with asyncio.timeout(2 * verb.timeout_s + GRACE_S):
                if look_first and verb.repeat is Repeat.QUERY_FIRST:
                    found = await actor.look_up(errand)
                    if found is not None:
                        return found
                return await actor.perform(errand)
        except TimeoutError:
            return Failed("no answer in time", partner_wide=True, unknown=True)
        except Exception as error:  # an actor's mistake is this effect's failure, not the loop's
            _log.exception("%s at %s failed", type(errand.effect).__name__, actor.partner)
            return Failed(type(error).__name__, unknown=True)

    async def _succeed(self, desk: Desk, shard: Shard, row: EffectColumns, done: Done) -> None:
        self._heard(desk, ok=True)
        reply = await self._settle(lambda settled: self._bus.outcome(done.command, row, done.raw, settled))
        if (
            type(reply) is Refusal
        ):  # the outcome could not be recorded: the effect stays, and is repeated as declared
            run = self._runs[row.id]._replace(
                due_us=to_us(self._later(self._runs[row.id].tries)), error=reply.name
            )
            self._runs[row.id] = run
            await self._note(shard, run)
            self._make_ready((row.agg, row.partner))
        else:
            self._bus.meters.effects.add(row.partner, row.verb, "done")

    async def _fail(
        self, desk: Desk, shard: Shard, row: EffectColumns, run: RunColumns, verb: Verb, failed: Failed
    ) -> None:
        self._heard(desk, ok=not failed.partner_wide)
        self._bus.meters.effects.add(row.partner, row.verb, "failed")
        error = failed.error[:ERROR_LIMIT]
        if (failed.final and not failed.partner_wide) or self._spent_s(desk, run) > verb.deadline_s:
            self._runs[row.id] = run._replace(dead=1, error=error)
            command = RecordEffectFailure(effect=row.id, verb=row.verb, partner=row.partner, error=error)
            await self._settle(lambda settled: self._bus.tend(command, "system", settled))
            self._bus.meters.effects.add(row.partner, row.verb, "dead")
            return
        due = self._later(run.tries, at_least_s=failed.retry_after_s)
        self._runs[row.id] = run._replace(due_us=to_us(due), lease_us=0, error=error)
        await self._note(shard, self._runs[row.id])
        self._make_ready((row.agg, row.partner))

    def _heard(self, desk: Desk, *, ok: bool) -> None:
        desk.breaker = desk.breaker.record(self._bus.clock.now(), ok)
        if ok and desk.paused_since is not None:
            desk.paused_s += self._bus.clock.monotonic() - desk.paused_since
            desk.paused_since = None
            self._bus.meters.breakers_open.discard(desk.actor.partner)

    def _spent_s(self, desk: Desk, run: RunColumns) -> float:
        """How much of its deadline an effect has used: time in which the partner was reachable at all."""
        paused = desk.paused_s - self._pause_at_first.get(run.id, desk.paused_s)
        if desk.paused_since is not None:
            paused += self._bus.clock.monotonic() - desk.paused_since
        return (self._bus.clock.now() - from_us(run.first_us)).total_seconds() - paused

    def _later(self, tries: int, at_least_s: float = 0.0) -> datetime:
        backoff_s = min(BACKOFF_LONGEST_S, BACKOFF_FIRST_S * 2.0 ** min(tries, 20))
        jittered = backoff_s * (0.5 + self._bus.entropy.uniform() / 2)
        return self._bus.clock.now() + timedelta(seconds=max(at_least_s, jittered))

    async def _note(self, shard: Shard, run: RunColumns) -> None:
        written = asyncio.Event()
        rows = WriteSet()
        rows.runs.append(run)
        shard.note(rows, written.set)
        await written.wait()

    async def _settle(self, send: Callable[[Callable[[int, Reply], None]], None]) -> Reply:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        send(lambda _, reply: future.set_result(reply))
        return await future

    # -- for people

    def partners(self) -> Mapping[str, tuple[str, int, int]]:
        """partner → (breaker: closed, open or half-open; lanes ready; under way)."""
        return {
            name: (desk.breaker.state.name.lower(), len(desk.ready), desk.in_flight)
            for name, desk in self._desks.items()
        }

    def unattended(self) -> dict[str, int]:
        """Partners without an actor, with the lanes that wait for one."""
        waiting: dict[str, int] = {}
        for _, partner in self._lanes:
            if partner not in self._desks:
                waiting[partner] = waiting.get(partner, 0) + 1
        return waiting
