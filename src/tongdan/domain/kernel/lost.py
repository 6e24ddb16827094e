"""Ids that may have been given out and are not remembered: what a restore from a backup leaves behind.

Between the instant of a backup and the end of the centre that was lost, each slot may have given out ids that partners
know and the restored data does not. Nobody can list them, but a range that holds them all can be stated per channel
and day. Counters go on beyond it, and an id within it that a partner names exists again from that moment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tongdan.domain.kernel.ids import business_day, parse
from tongdan.domain.kernel.slots import SLOTS

MAX_LOST_DAYS: Final = 400
Counter = tuple[int, str, str]  # slot, channel, day (YYYYMMDD, UTC+8)


class Lost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one slot lost with one restore: all that came between `since` (the backup) and `until` (the loss).

    `ranges`: channel and day ("DY20260127") → the first n that may be lost, and the first that cannot.
    """

    since: datetime
    until: datetime
    ranges: dict[str, tuple[int, int]]

    def covers(self, order: str) -> bool:
        """Whether this order id (of this slot) may have been given out in that time."""
        parsed = parse(order)
        if parsed is None or parsed.part:
            return False
        first, after = self.ranges.get(order[:10], (0, 0))
        return first <= int(order[10:]) // SLOTS < after

    def spans(self, at: datetime) -> bool:
        return self.since <= at <= self.until


def is_lost(losses: Iterable[Lost], order: str) -> bool:
    return any(lost.covers(order) for lost in losses)


def check_span(since: datetime, until: datetime) -> None:
    """Raises ValueError for a span of more than MAX_LOST_DAYS, or one that ends before it begins."""
    if until < since or until - since > timedelta(days=MAX_LOST_DAYS):
        raise ValueError(f"from {since.isoformat()} to {until.isoformat()}")


def lost_by(
    counters: Mapping[Counter, int],
    slot: int,
    channels: Iterable[str],
    since: datetime,
    until: datetime,
    jump: int,
) -> Lost:
    """What `slot` lost when its counters stood like this at `since`: at most `jump` ids a channel and day.

    Raises what `check_span` raises.
    """
    check_span(since, until)
    days = (business_day(until) - business_day(since)).days
    ranges = {}
    for n in range(days + 1):
        day = (business_day(since) + timedelta(days=n)).strftime("%Y%m%d")
        for channel in sorted(channels):
            first = counters.get((slot, channel, day), 0)
            ranges[f"{channel}{day}"] = (first, first + jump)
    return Lost(since=since, until=until, ranges=ranges)
