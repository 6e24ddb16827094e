"""Time and chance: the system's own, and a virtual pair under which months pass in seconds and repeat.

Virtual time is an event loop whose selector never waits: when nothing is ready to run, it moves the loop's
time to the next timer. So everything that waits through asyncio or a Clock moves together, the clock stands
still while anything is in flight, and the same seed gives the same order of events. No threads take part:
executor jobs run inline.
"""

import asyncio
import os
import random
import selectors
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from tongdan.ports import Clock

PAGE_BYTES: Final = 4_096

T = TypeVar("T")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def monotonic(self) -> float:
        return time.monotonic()

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        return asyncio.get_running_loop().call_later(seconds, then).cancel


class SystemEntropy:
    """The operating system's randomness, asked for by the page: a system call a token costs more than its use."""

    def __init__(self) -> None:
        self._random: Final = random.SystemRandom()
        self._page = b""
        self._used = 0

    def token(self, size: int) -> bytes:
        begin, end = self._used, self._used + size
        if end > len(self._page):
            if size > PAGE_BYTES:
                return os.urandom(size)
            self._page, begin, end = os.urandom(PAGE_BYTES), 0, size
        self._used = end
        return self._page[begin:end]

    def uniform(self) -> float:
        return self._random.random()


class SeededEntropy:
    """Randomness that a seed repeats. Not for keys that protect anything real."""

    def __init__(self, seed: str) -> None:
        self._random: Final = random.Random(seed)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self) -> float:
        return self._random.random()


class Stalled(RuntimeError):
    """Virtual time cannot go on: everything waits, and nothing is left that could end the wait."""


class _LeapingSelector(selectors.SelectSelector):
    """Asks for what is ready; instead of waiting for more it tells `leap` how long it would have waited."""

    def __init__(self, leap: Callable[[float], None]) -> None:
        super().__init__()
        self._leap: Final = leap

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stalled("every task waits and no timer is set: virtual time cannot go on")
        if not ready and timeout:
            self._leap(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which begins at 0 s."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        super().__init__(_LeapingSelector(self._leap))

    def _leap(self, seconds: float) -> None:
        self._virtual_s += seconds

    def time(self) -> float:
        return self._virtual_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func` here and now: a thread would let time leap while it works, and end when it likes."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class VirtualClock:
    """The clock of a VirtualLoop, whose 0 s is the instant `start` (aware)."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("expected an aware start, got a naive one")
        self._loop: Final = loop
        self._start: Final = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(microseconds=round(self._loop.time() * 1_000_000))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def monotonic(self) -> float:
        return self._loop.time()

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        return self._loop.call_later(seconds, then).cancel


def run_virtual(main: Callable[[Clock], Awaitable[T]], start: datetime) -> T:
    """Run `main` to its end on virtual time that begins at `start`. Raises Stalled when it can never end."""

    async def whole() -> T:
        return await main(VirtualClock(loop, start))

    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(whole())


class PacedClock:
    """Lets one party live faster: its seconds last 1/`speed` of everybody's, its time of day is everybody's.

    Under it a simulated world does in a minute what would take it an hour, while signatures stay fresh,
    because both sides read the same clock.
    """

    def __init__(self, clock: Clock, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"expected a speed above 0, got {speed}")
        self._clock: Final = clock
        self._speed: Final = speed

    def now(self) -> datetime:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds / self._speed)

    def monotonic(self) -> float:
        return self._clock.monotonic() * self._speed

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        return self._clock.call_later(seconds / self._speed, then)
