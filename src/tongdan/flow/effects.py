"""Effects go out: one lane for each aggregate and partner, first in, first out, each effect once in effect.

How a verb may be repeated is its actor's declaration. Where a second sending could do harm, the attempt is committed
before it is made, so that after a crash it is known that it may have happened, and is looked up first. A failure of
the partner as a whole opens its breaker: lanes wait, deadlines stand still, and everything goes on by itself. A
failure of one effect ends as a dead letter, which blocks its lane until a person replays or skips it, or until the
outage is over that it died of.

A deadline counts only what an effect fails by itself. Time in which it waited for its turn, in which its partner gave
no sign of life, or in which the process was down moves the `first_us` that the deadline is counted from.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from tongdan.domain.guard.breaker import Breaker, BreakerState
from tongdan.domain.guard.outage import FOUND, RESENT
from tongdan.domain.kernel.messages import Person, RecordEffectFailure, Refusal
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.journal import UnknownFact, read_effect, slot_of_effect, to_us
from tongdan.flow.missed import LOST_ANSWER, MAY_HAVE, mark, may_have_arrived
from tongdan.flow.outages import OutageDesk
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

IN_FLIGHT_LIMIT: Final = 32  # effects that one partner has not answered yet
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_LONGEST_S: Final = 300.0
GRACE_S: Final = 5.0  # beyond the verb's own time-out before the runner stops waiting for an actor
ERROR_LIMIT: Final = 300  # characters of an error that are kept
WITHHELD_PAUSE_S: Final = 0.05  # before looking again at an effect that a transaction may be closing

Lane = tuple[str, str]
_CAUTIOUS: Final = (Repeat.QUERY_FIRST, Repeat.AT_LEAST_ONCE)


class Desk:
    """One partner: its actor, its breaker, how much is under way, and which lanes are ready."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.breaker = Breaker()
        self.in_flight = 0
        self.ready: deque[Lane] = deque()
        self.alive_us = 0  # when the partner last answered at all
        self.ticket_of = ""  # the effect that has a ticket about the partner
        self.alarm: Callable[[], None] | None = None


class Runner:
    """Sends effects and brings their outcomes in by the front door."""

    def __init__(
        self, bus: Bus, actors: Iterable[Actor], open_person: Callable[[str], Person | None]
    ) -> None:
        self._bus = bus
        self.outages: Final = OutageDesk(bus)
        self._open_person = open_person
        self._desks: dict[str, Desk] = {actor.partner: Desk(actor) for actor in actors}
        self._lanes: dict[Lane, deque[str]] = {}
        self._lane_of: dict[str, Lane] = {}
        self._shards: dict[str, Shard] = {}
        self._under_way: set[str] = set()
        self._resting: set[int] = set()  # slots whose effects wait, because the slot moves
        self._started = False
        bus.listeners.append(self)

    # -- what is outstanding

    def start(self) -> None:
        self._started = True
        self.outages.start(list(self._desks))
        for shard in self._bus.shards:
            for effect in shard.env.outstanding.all():
                self._enqueue(shard, effect)

    def stop(self) -> None:
        self._started = False
        self.outages.stop()
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

    # -- slots that come and go

    def rest(self, slot: int) -> None:
        """Take up no further effect of this slot."""
        self._resting.add(slot)

    def is_at_rest(self, slot: int) -> bool:
        return slot not in {slot_of_effect(id) for id in self._under_way}

    def resume(self, slot: int) -> None:
        """The slot stays, or has come."""
        self._resting.discard(slot)
        for lane, queue in list(self._lanes.items()):
            if slot_of_effect(queue[0]) == slot:
                self._make_ready(lane)

    def leave(self, shard: Shard, slot: int) -> None:
        """The slot is gone, and its effects with it."""
        gone = [effect.id for effect in shard.env.outstanding.all() if slot_of_effect(effect.id) == slot]
        for id in gone:
            self._close(id)
        shard.env.outstanding.close(gone)
        self._resting.discard(slot)

    def adopt(self, shard: Shard, rows: Sequence[tuple[EffectColumns, RunColumns | None]]) -> None:
        """A slot has come with these effects."""
        shard.env.outstanding.load(rows)
        for effect, _ in rows if self._started else ():
            self._enqueue(shard, effect)

    # -- which lane is next

    def _make_ready(self, lane: Lane) -> None:
        """Put a lane in line at its partner's desk, now or when its head is due. A dead head blocks it."""
        desk, queue = self._desks.get(lane[1]), self._lanes.get(lane)
        if desk is None or not queue:
            return
        run = self._shards[queue[0]].env.outstanding.runs.get(queue[0])
        if run is not None and run.dead:
            return
        # Where the last attempt lies ahead, the clock was set back: the pause counts from that attempt.
        now_us = to_us(self._bus.clock.now())
        wait_s = 0.0 if run is None else (run.due_us - max(now_us, run.lease_us)) / 1e6
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
                self._set_alarm(desk)
                return
            lane = desk.ready.popleft()
            id = self._take_up(lane)
            if id is not None and self._is_lost(desk, id):
                self._under_way.add(id)
                self._bus.spawn(self._give_over(lane, id))
            elif id is not None:
                desk.breaker = desk.breaker.trying(clock.now())
                desk.in_flight += 1
                self._under_way.add(id)
                self._bus.spawn(self._send(desk, lane, id))

    def _take_up(self, lane: Lane) -> str | None:
        """The lane's head if it may be sent: it is not under way, not dead, and nobody is closing it."""
        queue = self._lanes.get(lane)
        if not queue or queue[0] in self._under_way or slot_of_effect(queue[0]) in self._resting:
            return None
        outstanding = self._shards[queue[0]].env.outstanding
        run = outstanding.runs.get(queue[0])
        if run is not None and run.dead:
            return None
        if not outstanding.take(queue[0]):
            self._bus.clock.call_later(WITHHELD_PAUSE_S, lambda: self._make_ready(lane))
            return None
        return queue[0]

    def _set_alarm(self, desk: Desk) -> None:
        """Lanes wait until the breaker lets one through again."""
        if desk.alarm is not None:
            desk.alarm()
        wait_s = desk.breaker.wait_s(self._bus.clock.now())
        desk.alarm = self._bus.clock.call_later(max(wait_s, 0.01), lambda: self._resume(desk))

    def _resume(self, desk: Desk) -> None:
        desk.alarm = None
        self._pump(desk)

    def _is_lost(self, desk: Desk, id: str) -> bool:
        """Whether a second sending might double what an outage has left unanswered, and nobody could tell."""
        outstanding = self._shards[id].env.outstanding
        row, run = outstanding.get(id), outstanding.runs.get(id)
        if row is None or run is None or not may_have_arrived(run) or not self.outages.of(row):
            return False
        verbs = {kind.__name__: verb.repeat for kind, verb in desk.actor.verbs.items()}
        return verbs.get(row.verb) is Repeat.AT_LEAST_ONCE

    async def _give_over(self, lane: Lane, id: str) -> None:
        try:
            row = self._shards[id].env.outstanding.get(id)
            if row is not None:
                await self._bury(row, LOST_ANSWER)
        finally:
            self._under_way.discard(id)

    # -- sending

    async def _send(self, desk: Desk, lane: Lane, id: str) -> None:
        shard = self._shards[id]
        row = shard.env.outstanding.get(id)
        try:
            try:
                attempt = None if row is None else await self._attempt(desk, shard, row)
            finally:  # the next one may go while this one's outcome is on its way to the disk
                desk.in_flight -= 1
                self._pump(desk)
            if row is not None and attempt is not None:
                await self._conclude(shard, row, *attempt)
        finally:
            self._under_way.discard(id)
            if (queue := self._lanes.get(lane)) and queue[0] == id:
                self._make_ready(lane)

    async def _attempt(
        self, desk: Desk, shard: Shard, row: EffectColumns
    ) -> tuple[RunColumns, Verb, Done | Failed, str] | None:
        """What the partner answered; None when nobody can be asked, and the effect is a dead letter."""
        run = self._next_run(desk, shard, row.id)
        try:
            effect = read_effect(row)
            verb = desk.actor.verbs[type(effect)]
        except (UnknownFact, msgspec.ValidationError, KeyError) as error:
            await self._bury(row, f"{desk.actor.partner} cannot do it: {type(error).__name__}")
            return None
        if verb.repeat in _CAUTIOUS:
            await self._note(shard, run)
        errand = Errand(row.id, row.agg, effect, run.tries, lambda: self._open_person(row.agg))
        result, how = await self._try(desk.actor, verb, errand, look_first=run.tries > 1)
        self._bus.probe("effect-done")
        self._heard(desk, result if isinstance(result, Failed) and result.partner_wide else None)
        return run, verb, result, how

    async def _conclude(
        self, shard: Shard, row: EffectColumns, run: RunColumns, verb: Verb, result: Done | Failed, how: str
    ) -> None:
        if isinstance(result, Done):
            outage = self.outages.of(row)
            note = mark(how, row.verb, outage) if outage else ""
            reply = await self._settle(partial(self._bus.outcome, result.command, row, result.raw, note=note))
            if type(reply) is not Refusal:
                self._bus.meters.effects.add(row.partner, row.verb, "done")
                return
            # It took place, but its outcome could not be recorded: it stays, and is repeated as declared.
            result = Failed(reply.name, unknown=True)
        await self._fail(shard, row, run, verb, result)

    def _next_run(self, desk: Desk, shard: Shard, id: str) -> RunColumns:
        """The attempt that begins now; time since the last one that does not count is taken off its deadline."""
        now_us = to_us(self._bus.clock.now())
        run = shard.env.outstanding.runs.get(id)
        if run is None:
            run = RunColumns(id, 1, now_us, now_us, now_us, 0, "")
        else:
            waited_since_us = run.lease_us if desk.alive_us < run.lease_us else run.due_us
            first_us = run.first_us + max(0, now_us - waited_since_us) if run.first_us else now_us
            run = run._replace(tries=run.tries + 1, first_us=first_us, lease_us=now_us)
        shard.env.outstanding.runs[id] = run
        return run

    async def _try(
        self, actor: Actor, verb: Verb, errand: Errand, *, look_first: bool
    ) -> tuple[Done | Failed, str]:
        """What came of it, and how: it was sent, or found."""
        try:
            async with asyncio.timeout(2 * verb.timeout_s + GRACE_S):
                if look_first and verb.repeat is Repeat.QUERY_FIRST:
                    found = await actor.look_up(errand)
                    if found is not None:
                        return found, FOUND
                return await actor.perform(errand), RESENT
        except TimeoutError:
            return Failed("no answer in time", partner_wide=True, unknown=True), RESENT
        except Exception as error:  # an actor's mistake is this effect's failure, not the loop's
            _log.exception("%s at %s failed", type(errand.effect).__name__, actor.partner)
            return Failed(type(error).__name__, unknown=True), RESENT

    async def _fail(
        self, shard: Shard, row: EffectColumns, run: RunColumns, verb: Verb, failed: Failed
    ) -> None:
        """Later again, or never: final, or past its deadline. Somebody may have skipped it meanwhile."""
        if not shard.env.outstanding.has(row.id):
            return
        self._bus.meters.effects.add(row.partner, row.verb, "failed")
        if failed.ticket:
            self._raise(self._desks[row.partner], row, failed)
        now_us = to_us(self._bus.clock.now())
        spent_s = (now_us - run.first_us) / 1e6
        if (failed.final and not failed.partner_wide) or spent_s > verb.deadline_s:
            await self._bury(row, failed.error, outage=failed.partner_wide)
            return
        due_us = to_us(self._later(run.tries, at_least_s=failed.retry_after_s))
        error = failed.error[:ERROR_LIMIT]
        if verb.repeat is Repeat.AT_LEAST_ONCE and (failed.unknown or run.error.endswith(MAY_HAVE)):
            error += MAY_HAVE
        await self._note(shard, run._replace(due_us=due_us, error=error))

    def _raise(self, desk: Desk, row: EffectColumns, failed: Failed) -> None:
        """One ticket about a partner, with the effect that met it first: thousands may wait for the same."""
        if desk.ticket_of in self._lane_of:
            return
        desk.ticket_of = row.id
        summary = f"{row.partner} {failed.error}"[:ERROR_LIMIT]
        ticket = RaiseTicket(subject=row.agg, kind=failed.ticket, summary=summary)
        self._bus.again(ticket, ("effect-ticket", row.id, failed.ticket), lambda *_: None)

    async def _bury(self, row: EffectColumns, error: str, *, outage: bool = False) -> None:
        """A dead letter: recorded with the aggregate, so that a ticket follows."""
        command = RecordEffectFailure(
            effect=row.id, verb=row.verb, partner=row.partner, error=error[:ERROR_LIMIT], outage=outage
        )
        reply = await self._settle(partial(self._bus.tend, command, "system"))
        if type(reply) is not Refusal:
            self._bus.meters.effects.add(row.partner, row.verb, "dead")

    def _heard(self, desk: Desk, failed: Failed | None) -> None:
        """`failed`: the partner as a whole."""
        now, ok = self._bus.clock.now(), failed is None
        desk.breaker = desk.breaker.record(now, ok)
        desk.alive_us = to_us(now) if ok else desk.alive_us
        self.outages.heard(desk.actor.partner, failed, desk.breaker.openings)
        waiting = self._bus.meters.breakers_open
        (waiting.discard if desk.breaker.state is BreakerState.CLOSED else waiting.add)(desk.actor.partner)

    def _later(self, tries: int, at_least_s: float = 0.0) -> datetime:
        backoff_s = min(BACKOFF_LONGEST_S, BACKOFF_FIRST_S * 2.0 ** min(tries, 20))
        jittered = backoff_s * (0.5 + self._bus.entropy.uniform() / 2)
        return self._bus.clock.now() + timedelta(seconds=max(at_least_s, jittered))

    async def _note(self, shard: Shard, run: RunColumns) -> None:
        """Keep how the sending stands; if the effect is over by then, nothing is kept."""
        rows = WriteSet()
        rows.runs.append(run)
        await shard.noted(rows)

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
