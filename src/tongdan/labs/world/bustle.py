"""What the world has under way, so that it knows when it is quiet.

Everything a simulated party does by itself (a buyer's evening, a redelivery in ten minutes) is a task
started here, and every request of the centre is noted here. Quiet is when no task is left and nobody has
asked for a while. A task that fails fails the world: a simulation with a hole in it proves nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tongdan.ports import Clock

MAX_TASKS: Final = 200_000
LEAST_S: Final = 0.001


class Bustle:
    """`clock` is the one that runs at everybody's pace, not the world's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._failure: BaseException | None = None
        self._last = clock.monotonic()
        self._empty: Final = asyncio.Event()
        self._empty.set()

    def start(self, doing: Coroutine[Any, Any, None]) -> None:
        """Begin something that ends by itself. Raises RuntimeError beyond MAX_TASKS at one time."""
        if len(self._tasks) >= MAX_TASKS:
            doing.close()
            raise RuntimeError(f"the world has more than {MAX_TASKS} things under way")
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        self._empty.clear()
        task.add_done_callback(self._ended)

    def note(self) -> None:
        """Somebody stirred."""
        self._last = self._clock.monotonic()

    async def quiet(self, still_s: float, deadline_s: float, busy: Callable[[], bool]) -> bool:
        """Wait until nothing is under way, nobody stirred for `still_s`, and `busy` says no.

        False: `deadline_s` passed before. Raises what a failed task raised.
        """
        until = self._clock.monotonic() + deadline_s
        while (now := self._clock.monotonic()) < until:
            if self._failure is not None:
                raise self._failure
            if self._tasks:
                await self._until_empty(max(LEAST_S, until - now))
            elif (rest_s := still_s - (now - self._last)) > 0:
                # Not shorter than a clock can tell: a rest below that would be waited for for ever.
                await self._clock.sleep(max(LEAST_S, min(rest_s, until - now)))
            elif busy():
                await self._clock.sleep(min(still_s, until - now))
            else:
                return True
        return False

    async def stop(self) -> None:
        """End whatever is still under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_empty(self, within_s: float) -> None:
        try:
            await asyncio.wait_for(self._empty.wait(), within_s)
        except TimeoutError:
            return

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.note()
        if not task.cancelled() and (error := task.exception()) is not None and self._failure is None:
            self._failure = error
        if not self._tasks or self._failure is not None:
            self._empty.set()
