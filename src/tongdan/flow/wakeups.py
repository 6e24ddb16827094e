"""Timers: each aggregate has one row with its earliest deadline, and a due row is a command like any other.

Nothing waits in memory but the next due instant of each shard, so all waiting ("cancel in 30 minutes unless paid")
survives a restart.
"""

import logging
from collections.abc import Callable
from typing import Final

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.gate import Gate
from tongdan.flow.journal import to_us
from tongdan.flow.shard import Shard
from tongdan.ports import Reply

_log: Final = logging.getLogger(__name__)

CHUNK: Final = 500  # due aggregates woken at once
LONGEST_SLEEP_S: Final = 60.0  # so that a clock set forward is noticed
IN_A_ROW: Final = 100  # wake-ups of one aggregate, which may let go a part of what is due each time
SICK_PAUSE_S: Final = 60.0  # before an aggregate whose wake-up does not help is woken again


class Wakeups:
    """Wakes what is due, shard by shard."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._timers: dict[int, tuple[int, Callable[[], None]]] = {}
        self._running: set[int] = set()
        self._sick: dict[str, float] = {}
        self._started = False
        bus.listeners.append(self)

    def start(self) -> None:
        self._started = True
        for shard in self._bus.shards:
            self._arm(shard)

    def stop(self) -> None:
        self._started = False
        for _, cancel in self._timers.values():
            cancel()

    def committed(self, shard: Shard, batch: Batch) -> None:
        if batch.rows.wakeups:
            self._arm(shard)

    def _arm(self, shard: Shard) -> None:
        """Set the shard's timer to its next due instant, unless an earlier one is set."""
        due_us = shard.next_due_us
        if not self._started or due_us is None or shard.number in self._running:
            return
        armed = self._timers.get(shard.number)
        if armed is not None:
            if armed[0] <= due_us:
                return
            armed[1]()
        wait_s = max(0.0, (due_us - to_us(self._bus.clock.now())) / 1e6)
        cancel = self._bus.clock.call_later(min(wait_s, LONGEST_SLEEP_S), lambda: self._ring(shard))
        self._timers[shard.number] = (due_us, cancel)

    def _ring(self, shard: Shard) -> None:
        due_us, _ = self._timers.pop(shard.number)
        if not self._started or self._bus.stopping:
            return
        if due_us > to_us(self._bus.clock.now()):  # only the longest sleep is over, nothing is due
            self._arm(shard)
            return
        self._running.add(shard.number)
        self._bus.spawn(self._wake_due(shard))

    async def _wake_due(self, shard: Shard) -> None:
        times: dict[str, int] = {}
        try:
            while self._started and not self._bus.stopping and (due := self._due(shard)):
                gate, quiet = Gate(), set[str]()
                for agg in due:
                    gate.open()
                    self._bus.wake_up(agg, _settled(agg, quiet, gate))
                await gate.passed()
                self._bus.probe("wake-up")
                times = {agg: times.get(agg, 0) + 1 for agg in due}
                # A wake-up that leaves its deadline standing would ring for ever.
                for agg in self._due(shard):
                    if agg in quiet or times.get(agg, 0) >= IN_A_ROW:
                        _log.error("the wake-up of %s does not help; it is tried again in a while", agg)
                        self._sick[agg] = self._bus.clock.monotonic() + SICK_PAUSE_S
        finally:
            self._running.discard(shard.number)
            now_s = self._bus.clock.monotonic()
            self._sick = {agg: until_s for agg, until_s in self._sick.items() if until_s > now_s}
            shard.next_due_us = shard.reader.next_due_us()
            if self._sick and shard.next_due_us is not None:
                shard.next_due_us = max(shard.next_due_us, to_us(self._bus.clock.now()) + 1_000_000)
            self._arm(shard)

    def _due(self, shard: Shard) -> list[str]:
        found = shard.reader.due(to_us(self._bus.clock.now()), CHUNK + len(self._sick))
        return [agg for agg in found if self._fit(agg)]

    def _fit(self, agg: str) -> bool:
        return self._bus.clock.monotonic() >= self._sick.get(agg, 0.0)


def _settled(agg: str, quiet: set[str], gate: Gate) -> Callable[[int, Reply], None]:
    def settled(_: int, reply: Reply) -> None:
        if type(reply) is Refusal:
            quiet.add(agg)
        gate.close()

    return settled
