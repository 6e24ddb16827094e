"""Outages of partners, from the first that fails as a whole until nothing waits any more of what it held up.

The runner says how each call went. An outage begins where the breaker's first probe has failed too; after it the lanes
go on by themselves, and only what died of the outage has to be sent again. Its process looks now and then whether
anything waits, and then records the report. All is read from what is committed, so a crash in between changes nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tongdan.domain.guard.outage import Outage, Outages, Sent, reckon
from tongdan.domain.guard.outage_facts import (
    Cause,
    OutageEnded,
    RecordCompensation,
    ReportPartnerBack,
    ReportPartnerOut,
)
from tongdan.domain.kernel.keys import key_slot, outage_key
from tongdan.domain.kernel.messages import Command, ReplayEffect
from tongdan.domain.sync.kinds import CREDENTIAL_UNUSABLE
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.journal import read_state, to_us
from tongdan.flow.missed import blocked_at, in_order, sent, unsent
from tongdan.flow.shard import Shard
from tongdan.ports import OUTAGE_LETTER, EffectColumns, Failed, Reply

FAILED_PROBES: Final = 2  # openings of the breaker, before it is an outage
LOOK_EVERY_S: Final = 0.5
LOOK_FIRST_S: Final = 1.0
LOOK_LONGEST_S: Final = 30.0
ERROR_LIMIT: Final = 300


def cause_of(failed: Failed) -> Cause:
    if failed.turned_away:
        return Cause.KEY_REFUSED
    if failed.ticket == CREDENTIAL_UNUSABLE:
        return Cause.KEY_UNUSABLE
    if failed.unreached:
        return Cause.UNREACHABLE
    return Cause.NO_ANSWER if failed.unknown else Cause.TROUBLE


class _Line:
    """How it goes with one partner; `told`: that it is out was reported, and that it is back not yet."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.told = False
        self.outage: Outage | None = None
        self.until_s = 0.0
        self.alarm: Callable[[], None] | None = None


class OutageDesk:
    def __init__(self, bus: Bus) -> None:
        self._bus: Final = bus
        self._lines: Final[dict[str, _Line]] = {}
        self._started = False
        bus.listeners.append(self)

    def start(self, partners: list[str]) -> None:
        self._started = True
        for partner in partners:
            outage = self.current(partner)
            if outage is not None:
                self._line(partner).told = outage.ended_at is None
                self._line(partner).since = outage.since
                self._watch(partner, LOOK_FIRST_S)

    def stop(self) -> None:
        self._started = False
        for line in self._lines.values():
            if line.alarm is not None:
                line.alarm()

    def _line(self, partner: str) -> _Line:
        return self._lines.setdefault(partner, _Line())

    # -- what the runner asks and says

    def heard(self, partner: str, failed: Failed | None, openings: int) -> None:
        """A call ended; `failed`: the partner as a whole did not take it."""
        line, now = self._line(partner), self._bus.clock.now()
        if failed is None:
            line.since = None
            if line.told:
                line.told = False
                self._report(ReportPartnerBack(partner=partner), line)
            return
        line.since = line.since or now
        if openings >= FAILED_PROBES and not line.told:
            line.told = True
            error = failed.error[:ERROR_LIMIT]
            out = ReportPartnerOut(partner=partner, cause=cause_of(failed), error=error, since=line.since)
            self._report(out, line)

    def of(self, row: EffectColumns) -> int:
        """The number of the outage that has held up this effect; 0: none."""
        outage = self.current(row.partner)
        if outage is None:
            return 0
        until = outage.ended_at or self._bus.clock.now()
        return outage.no if row.created_us <= to_us(until) else 0

    def current(self, partner: str) -> Outage | None:
        """The outage that is not over with all that follows from it, as of a moment ago."""
        line, now_s = self._line(partner), self._bus.clock.monotonic()
        if now_s >= line.until_s:
            line.outage, line.until_s = self._read(partner), now_s + LOOK_EVERY_S
        return line.outage

    def _read(self, partner: str) -> Outage | None:
        key = outage_key(partner)
        reader = self._bus.reader_of(key_slot(key))
        row = reader.states([key]).get(key)
        state = None if row is None else read_state(reader, row)
        return state.last if isinstance(state, Outages) else None

    def _report(self, command: Command, line: _Line) -> None:
        def told(_: int, reply: Reply) -> None:
            line.until_s = 0.0

        self._bus.again(command, (), told)

    # -- until nothing waits

    def committed(self, shard: Shard, batch: Batch) -> None:
        for each in batch.recorded:
            if type(each.fact) is OutageEnded and self._started:
                self._watch(each.fact.partner, LOOK_FIRST_S)

    def _watch(self, partner: str, wait_s: float) -> None:
        """One process does: the one that has the partner's outages."""
        if not self._started or not self._bus.owns(key_slot(outage_key(partner))):
            return
        line = self._line(partner)
        if line.alarm is not None:
            line.alarm()
        line.alarm = self._bus.clock.call_later(wait_s, lambda: self._ring(partner, wait_s))

    def _ring(self, partner: str, waited_s: float) -> None:
        if not self._bus.stopping:
            self._bus.spawn(self._look(partner, waited_s))

    async def _look(self, partner: str, waited_s: float) -> None:
        outage = self._read(partner)
        if outage is None or outage.ended_at is None:
            return
        readers, placement = self._bus.readers, self._bus.placement
        letters = [(row, run) for reader in readers for row, run in reader.dead() if row.partner == partner]
        for row, run in letters:
            if run.dead == OUTAGE_LETTER:
                await self._replay(row.id, f"outage {outage.no} of {partner} is over")
        until_us = to_us(outage.ended_at)
        if sum(reader.waiting_at(partner, until_us) for reader in readers):
            self._watch(partner, min(LOOK_LONGEST_S, 2 * waited_s))
            return
        parts: list[list[Sent]] = []
        for part in sent(readers, placement, partner, outage):
            parts.append(part)
            await self._bus.clock.sleep(0)
        blocked = unsent(blocked_at(readers, placement, partner))
        report = reckon(partner, outage, in_order(parts), blocked, self._bus.clock.now())
        last = max((each.at for each in report.effects if each.at is not None), default=outage.ended_at)
        command = RecordCompensation(
            partner=partner, no=outage.no, resent=report.outage.resent, found=report.outage.found,
            left=report.outage.left, lanes=report.outage.lanes, lanes_broken=report.outage.lanes_broken,
            done_at=max(last, outage.ended_at),
        )  # fmt: skip
        self._report(command, self._line(partner))

    async def _replay(self, letter: str, reason: str) -> None:
        done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bus.tend(
            ReplayEffect(effect=letter, reason=reason), "system", lambda _, reply: done.set_result(reply)
        )
        await done
