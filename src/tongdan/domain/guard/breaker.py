"""A circuit breaker as a value: it hears how calls to a partner went and says whether to try.

After `TRIP_AFTER` failures in a row it opens; then one call at a time is let through as a probe, after pauses that
double up to `PAUSE_LONGEST_S`. It reads no clock: `now` is given, so its behaviour is tested by moving `now`.
"""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

import msgspec

TRIP_AFTER: Final = 5
PAUSE_FIRST_S: Final = 1.0
PAUSE_LONGEST_S: Final = 60.0
PROBE_PATIENCE_S: Final = 60.0  # a probe that has not reported by then is taken for lost


class BreakerState(IntEnum):
    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


class Breaker(msgspec.Struct, frozen=True):
    """`until`: when an open breaker lets a probe through, or when a probe is taken for lost."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    openings: int = 0
    until: datetime | None = None

    def may_try(self, now: datetime) -> bool:
        """Whether a call may be made at `now`. A pause longer than any means that the clock was set back."""
        if self.state is BreakerState.CLOSED or self.until is None:
            return True
        return not now < self.until <= now + timedelta(seconds=max(PAUSE_LONGEST_S, PROBE_PATIENCE_S))

    def trying(self, now: datetime) -> "Breaker":
        """A call is being made at `now`: if the breaker is not closed, it is the probe, and the only one."""
        if self.state is BreakerState.CLOSED:
            return self
        return msgspec.structs.replace(
            self, state=BreakerState.HALF_OPEN, until=now + timedelta(seconds=PROBE_PATIENCE_S)
        )

    def record(self, now: datetime, ok: bool) -> "Breaker":
        """A call ended: `ok` False only when the partner as a whole failed."""
        if ok:
            return Breaker()
        failures = self.failures + 1
        if self.state is BreakerState.CLOSED and failures < TRIP_AFTER:
            return msgspec.structs.replace(self, failures=failures)
        if self.state is BreakerState.OPEN:  # a call made before it opened reports late
            return msgspec.structs.replace(self, failures=failures)
        pause_s = min(PAUSE_LONGEST_S, PAUSE_FIRST_S * 2.0 ** min(self.openings, 30))
        return Breaker(BreakerState.OPEN, failures, self.openings + 1, now + timedelta(seconds=pause_s))

    def wait_s(self, now: datetime) -> float:
        """Seconds until the next call may be made; 0 when it may be made now."""
        return 0.0 if self.may_try(now) or self.until is None else (self.until - now).total_seconds()
