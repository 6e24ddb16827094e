"""Wires between several processes of a centre that a test or a replay runs in one loop, on virtual time."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from tongdan.ports import Clock, End

LATENCY_S: Final = 0.0005
REDIAL_S: Final = 0.01


class _Half:
    """One direction of a wire: what is sent here is heard at the other end a moment later, in order."""

    def __init__(self, clock: Clock, other: End) -> None:
        self._clock = clock
        self._other = other
        self.whole = True

    def send(self, frame: bytes) -> None:
        self._clock.call_later(LATENCY_S, lambda: self._arrive(frame))

    def _arrive(self, frame: bytes) -> None:
        if self.whole:
            self._other.heard(frame)


class Exchange:
    """What the processes of one centre dial each other through."""

    def __init__(self, clock: Clock) -> None:
        self.clock: Final = clock
        self.listening: Final[dict[int, LocalWires]] = {}


class LocalWires:
    """`ports.Wires` of process `number`."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self._exchange = exchange
        self._number = number
        self._welcome: Callable[[], End] | None = None
        self._dialling: list[asyncio.Task[None]] = []
        self._wires: list[tuple[_Half, _Half, End, End]] = []

    async def start(self, welcome: Callable[[], End], ends: Mapping[int, End]) -> None:
        self._welcome = welcome
        self._exchange.listening[self._number] = self
        self._dialling = [asyncio.create_task(self._dial(number, end)) for number, end in ends.items()]

    async def _dial(self, number: int, end: End) -> None:
        wire: _Half | None = None
        while True:
            other = self._exchange.listening.get(number)
            if other is not None and (wire is None or not wire.whole):
                wire = other.connect(end)
            await self._exchange.clock.sleep(REDIAL_S)

    def connect(self, end: End) -> _Half:
        """Somebody dials this process."""
        assert self._welcome is not None
        own = self._welcome()
        there, back = _Half(self._exchange.clock, own), _Half(self._exchange.clock, end)
        self._wires.append((there, back, own, end))
        own.opened(back)
        end.opened(there)
        return there

    def cut(self) -> None:
        """Every wire that leads here breaks: frames on their way are lost."""
        wires, self._wires = self._wires, []
        for there, back, own, end in wires:
            there.whole = back.whole = False
            own.broken()
            end.broken()

    async def stop(self) -> None:
        self._exchange.listening.pop(self._number, None)
        for task in self._dialling:
            task.cancel()
        self.cut()
