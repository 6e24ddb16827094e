"""What is done once a day, at an hour of the sellers' clock."""

from collections.abc import Callable, Coroutine
from datetime import datetime, time, timedelta
from typing import Any, Final

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.flow.bus import Bus


class Daily:
    """Does `work` at `at` o'clock in UTC+8; with a `slot`, in the one process that has it."""

    def __init__(
        self, bus: Bus, at: time, work: Callable[[], Coroutine[Any, Any, None]], slot: int | None = None
    ) -> None:
        self._bus: Final = bus
        self._at: Final = at
        self._work: Final = work
        self._slot: Final = slot
        self._cancel: Callable[[], None] | None = None

    def start(self) -> None:
        if self._slot is None or self._bus.owns(self._slot):
            wait_s = seconds_until(self._at, self._bus.clock.now())
            self._cancel = self._bus.clock.call_later(wait_s, self._ring)

    def stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _ring(self) -> None:
        if not self._bus.stopping:
            self.start()
            self._bus.spawn(self._work())


def seconds_until(at: time, now: datetime) -> float:
    """How long until it is `at` o'clock in UTC+8 the next time."""
    here = now.astimezone(SHANGHAI)
    then = datetime.combine(here.date(), at, SHANGHAI)
    return ((then if then > here else then + timedelta(days=1)) - here).total_seconds()
