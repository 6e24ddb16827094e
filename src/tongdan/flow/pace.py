"""No more calls to a partner than its rate allows, however many of them one question takes."""

from typing import Final

from tongdan.ports import Clock


class Pace:
    """`await turn()` before each call; `calls` counts them."""

    def __init__(self, clock: Clock, calls_per_minute: int) -> None:
        self.calls = 0
        self._clock: Final = clock
        self._apart_s: Final = 60 / calls_per_minute
        self._next_s = 0.0

    async def turn(self) -> None:
        now_s = self._clock.monotonic()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + self._apart_s
        self.calls += 1
        if at_s > now_s:
            await self._clock.sleep(at_s - now_s)
