"""Upkeep: what is done once a day so that the data do not grow for ever.

Chain heads are anchored outside the database, sealed days go into the archive, and keys of messages that came long ago
leave the inbox. The inbox has no index by age, because every message would pay for it: a slow walk over its keys finds
the old ones, reading beside the loop and deleting with its commits.
"""

import logging
from datetime import time, timedelta
from typing import Final

from tongdan.domain.kernel.policy import Deadlines
from tongdan.flow.archive import Archiver
from tongdan.flow.bus import Bus
from tongdan.flow.daily import Daily
from tongdan.flow.journal import to_us
from tongdan.flow.sealing import Unsound, day_of
from tongdan.flow.shard import Shard
from tongdan.ports import Anchors, StoreFailure, WriteSet

_log: Final = logging.getLogger(__name__)

AT: Final = time(3, 30)  # in UTC+8
SWEEP_KEYS: Final = 1_000  # keys of the inbox looked at at once
SWEEP_PAUSE_S: Final = 0.05
UNITS_A_NIGHT: Final = 10_000  # of the archive: a hundred million rows


class Upkeep:
    """Runs every night while the centre serves; each part may also be asked for by itself."""

    def __init__(self, bus: Bus, archiver: Archiver, anchors: Anchors, deadlines: Deadlines) -> None:
        self._bus = bus
        self._archiver = archiver
        self._anchors = anchors
        self._deadlines = deadlines
        self._daily: Final = Daily(bus, AT, self.night)

    def start(self) -> None:
        self._daily.start()

    def stop(self) -> None:
        self._daily.stop()

    async def night(self) -> None:
        """Everything once. What fails is logged and tried again the next night; the rest is done."""
        try:
            self.anchor()
            for shard in self._bus.shards:
                await self.forget(shard)
            until = self._archiver.newest()
            rows = await self._archiver.run(until, units=UNITS_A_NIGHT)
            _log.info("%d rows of the journal were archived, up to %s", rows, until)
        except Unsound as error:
            _log.critical("the journal is not archived, run `tongdan verify`: %s", error)
        except StoreFailure as failure:
            _log.error("the nightly upkeep is tried again tomorrow: %s", failure)

    def anchor(self) -> None:
        """Write down where the chains of this process's slots stand. Raises StoreFailure."""
        now = self._bus.clock.now()
        heads = {
            slot: f"{epoch}.{seq}:{hash_.hex()}"
            for shard in self._bus.shards
            for slot, (epoch, seq, hash_) in sorted(shard.reader.heads().items())
            if self._bus.placement.shard_of(slot) == shard.number
        }
        self._anchors.append(day_of(now), now, heads)

    async def forget(self, shard: Shard) -> int:
        """Delete the inbox keys that have reached their age; how many they were."""
        oldest_us = to_us(self._bus.clock.now() - timedelta(seconds=self._deadlines.forget_after_s))
        forgotten, last = 0, b""
        while not self._bus.stopping and (keys := shard.reader.inbox_after(last, SWEEP_KEYS)):
            last = keys[-1][0]
            rows = WriteSet()
            rows.forgotten = [(key,) for key, at_us in keys if at_us < oldest_us]
            if rows.forgotten:
                await shard.noted(rows)
                forgotten += len(rows.forgotten)
            await self._bus.clock.sleep(SWEEP_PAUSE_S)
        return forgotten
