"""How a partner tells the centre something: again and again on its schedule, until it is acknowledged.

Every message travels by itself, so later ones overtake it; what faults do to it (lose it, delay it, repeat
it) is done here, on the way. A partner that pushes arrays puts messages that come at about the same time
into one request.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from tongdan.labs.world.faults import ACK_LOST, LATE, LOST, OVERTAKEN, REPEATED
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer, Unreachable

T = TypeVar("T")

ON_THE_WAY: Final = (LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN)
COPIES: Final = 3
IN_FLIGHT: Final = 16  # requests of one partner that wait for their answers at one time
AGAIN_AFTER_S: Final = 0.2  # of everybody's time: no partner repeats itself faster, however fast it lives
OVERTAKEN_WITHIN_S: Final = 4 * 86_400.0


class GivenUp(NamedTuple):
    """A message whose whole schedule passed without an acknowledgement."""

    where: str
    order: str


class Outbox(Generic[T]):
    """`wrap` makes the (freshly signed) request of some messages, `accepted` reads the acknowledgement.

    `retries_s` are the waits between attempts; `together` is how many messages one request may carry,
    `linger_s` how long the first waits for company. `withholds`: what is never sent.
    """

    def __init__(
        self,
        setting: Setting,
        wrap: Callable[[Sequence[T]], HttpRequest],
        accepted: Callable[[HttpResponse], bool],
        retries_s: Sequence[float],
        together: int = 1,
        linger_s: float = 0.0,
    ) -> None:
        self.given_up: Final[list[GivenUp]] = []
        self.sent = 0
        self.withholds: Callable[[str, str], bool] = lambda where, order: False
        self._setting: Final = setting
        self._wrap: Final = wrap
        self._accepted: Final = accepted
        self._retries_s: Final = retries_s
        self._together: Final = together
        self._linger_s: Final = linger_s
        self._gathering: list[tuple[T, asyncio.Future[HttpResponse | None]]] = []
        self._lines: Final = asyncio.Semaphore(IN_FLIGHT)
        self._passing: Final[dict[str, asyncio.Event]] = {}

    def post(self, message: T, where: str, order: str) -> None:
        """Begin to deliver `message`; `where` and `order` are what faults know it by."""
        if self.withholds(where, order):
            return
        self._setting.bustle.start(self._carry(message, where, order))

    def whisper(self, message: T) -> None:
        """Send `message` once, whatever is answered."""
        self._setting.bustle.start(self._copy(message))

    async def _carry(self, message: T, where: str, order: str) -> None:
        await self.deliver(message, where, order)

    async def deliver(self, message: T, where: str, order: str) -> HttpResponse | None:
        """Deliver `message`; returns the accepted answer, None when the whole schedule passed without."""
        clock = self._setting.clock
        fault = self._setting.faults.meet(where, order, ON_THE_WAY)
        if fault == LATE:
            await clock.sleep(self._setting.stream("late", where, order).between(1_200, 10_800))
        elif fault == OVERTAKEN:
            await self._overtaken(order)
        elif fault == REPEATED:
            for _ in range(COPIES - 1):
                self._setting.bustle.start(self._copy(message))
        for attempt, wait_s in enumerate((0.0, *self._retries_s)):
            await self._setting.wait(wait_s, at_least_s=AGAIN_AFTER_S if attempt else 0)
            if attempt == 0 and fault == LOST:
                continue
            alone = bool(fault) or attempt > 0 or self._together == 1
            heard = await (self._send([message]) if alone else self._gather(message))
            if heard is not None and not (attempt == 0 and fault == ACK_LOST):
                self._passed(order)
                return heard
        self.given_up.append(GivenUp(where, order))
        return None

    async def _copy(self, message: T) -> None:
        await self._send([message])

    async def _send(self, messages: Sequence[T]) -> HttpResponse | None:
        self.sent += len(messages)
        try:
            async with self._lines:
                answer = await self._setting.centre.send(self._wrap(messages))
        except (Unreachable, NoAnswer):
            return None
        return answer if self._accepted(answer) else None

    async def _gather(self, message: T) -> HttpResponse | None:
        """Wait for company, then travel together; the acknowledgement is everybody's."""
        heard: asyncio.Future[HttpResponse | None] = asyncio.get_running_loop().create_future()
        self._gathering.append((message, heard))
        if len(self._gathering) == 1:
            self._setting.bustle.start(self._depart())
        return await heard

    async def _depart(self) -> None:
        await self._setting.clock.sleep(self._linger_s)
        while company := self._gathering[: self._together]:
            del self._gathering[: self._together]
            heard = await self._send([message for message, _ in company])
            for _, waiting in company:
                if not waiting.done():
                    waiting.set_result(heard)

    async def _overtaken(self, order: str) -> None:
        """Wait until another message about `order` has passed, but no longer than OVERTAKEN_WITHIN_S."""
        passing = self._passing.setdefault(order, asyncio.Event())
        waited = asyncio.ensure_future(self._setting.clock.sleep(OVERTAKEN_WITHIN_S))
        passed = asyncio.ensure_future(passing.wait())
        await asyncio.wait({waited, passed}, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        passed.cancel()

    def _passed(self, order: str) -> None:
        if passing := self._passing.pop(order, None):
            passing.set()
