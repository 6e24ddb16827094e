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

    def forget(self, wires: "LocalWires") -> None:
        """A process is gone from one moment to the next."""
        if self.listening.get(wires.number) is wires:
            del self.listening[wires.number]
        wires.vanish()


class LocalWires:
    """`ports.Wires` of process `number`."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self._exchange = exchange
        self.number = number
        self._welcome: Callable[[], End] | None = None
        self._dialling: list[asyncio.Task[None]] = []
        self._wires: list[tuple[_Half, _Half, End, End]] = []  # that lead here
        self._dialled: list[tuple[LocalWires, _Half]] = []

    async def start(self, welcome: Callable[[], End], ends: Mapping[int, End]) -> None:
        self._welcome = welcome
        self._exchange.listening[self.number] = self
        self._dialling = [asyncio.create_task(self._dial(number, end)) for number, end in ends.items()]

    async def _dial(self, number: int, end: End) -> None:
        wire: _Half | None = None
        while True:
            other = self._exchange.listening.get(number)
            if other is not None and (wire is None or not wire.whole):
                wire = other.connect(end)
                self._dialled.append((other, wire))
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
        """Every wire that leads here or was dialled here breaks: frames on their way are lost."""
        for other, wire in self._dialled:
            other.break_off(wire)
        self._dialled = []
        for wire, *_ in list(self._wires):
            self.break_off(wire)

    def break_off(self, wire: _Half) -> None:
        for each in self._wires:
            there, back, own, end = each
            if there is wire:
                there.whole = back.whole = False
                self._wires.remove(each)
                own.broken()
                end.broken()
                return

    def vanish(self) -> None:
        for task in self._dialling:
            task.cancel()
        self.cut()

    async def stop(self) -> None:
        self._exchange.forget(self)
