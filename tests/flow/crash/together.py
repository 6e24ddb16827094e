"""`tongdan serve` as it is, with a hand of the tests in each of its processes: what the storms over several kill.

`together.py serve …` is the command itself, but that it starts its children from this file. A child listens on a
socket in the folder that TONGDAN_CRASH_HANDS names, and does what one line of JSON tells it: kill whom it is told at
a named point, set its clock, move a slot, say how it stands. Everything else in it is production.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.flow.crash.centre import SteppedClock, count_stock

from tongdan import profile
from tongdan.cli import process, service, supervisor
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow import leaving, wakeups
from tongdan.profile import Centre
from tongdan.surfaces.http.metrics import exposition

HANDS: Final = "TONGDAN_CRASH_HANDS"
KILLED: Final = "killed"  # in that folder: a line for each kill from inside, written before it


class Hand:
    """What the tests have of a process from inside."""

    def __init__(self, folder: Path, number: int) -> None:
        self.clock: Final = SteppedClock()
        self.centre: Centre | None = None
        self.ready = False
        self.folder: Final = folder
        self.number: Final = number
        self._fatal = ""
        self._left = 0
        self._victims: list[int] = []
        self._ear: asyncio.Server | None = None

    def probe(self, point: str) -> None:
        """Kill the victims at the n-th passing of the point; whoever is among them dies last."""
        self._left -= point == self._fatal
        if not self._fatal or self._left:
            return
        self._fatal = ""
        note = os.open(self.folder / KILLED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(note, f"{point}\n".encode())
        os.close(note)
        for pid in sorted(self._victims, key=lambda pid: pid == os.getpid()):
            os.kill(pid, signal.SIGKILL)

    async def listen(self) -> None:
        path = self.folder / f"{self.number}.sock"
        path.unlink(missing_ok=True)
        self._ear = await asyncio.start_unix_server(self._hear, path)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            told = json.loads(await reader.readline())
            answer = await getattr(self, told.pop("do"))(**told)
            writer.write(json.dumps(answer).encode())
        finally:
            writer.close()

    # -- what it can be told

    async def stands(self) -> Mapping[str, Any]:
        return {"pid": os.getpid(), "ready": self.ready}

    async def arm(self, point: str, passing: int, victims: list[int]) -> None:
        self._fatal, self._left, self._victims = point, passing, victims

    async def set_clock(self, hours: int) -> None:
        self.clock.set_by(hours)

    async def stock(self) -> None:
        assert self.centre is not None
        await count_stock(self.centre)

    async def shard_of(self, slot: int) -> int:
        assert self.centre is not None
        return self.centre.bus.placement.shard_of(slot)

    async def move(self, slot: int, to: int) -> str:
        """The name of the refusal, "" when it has begun."""
        assert self.centre is not None
        said = await self.centre.mover.move(slot, to)
        return said.name if isinstance(said, Refusal) else ""

    async def metrics(self) -> str:
        assert self.centre is not None
        return exposition(self.centre.meters, self.centre.reads.counts()).decode()


def child() -> None:
    """`tongdan.cli.process`, whose centre has a probe and a clock that can be set."""
    hand = Hand(Path(os.environ[HANDS]), int(sys.argv[sys.argv.index("--number") + 1]))

    def embedded(*given: Any, **named: Any) -> Centre:
        hand.centre = profile.embedded(*given, **named | {"clock": hand.clock, "probe": hand.probe})
        hand.centre.bus.spawn(hand.listen())
        return hand.centre

    class Service(service.Service):
        async def start(self) -> None:
            await super().start()
            hand.ready = True

    vars(process).update(embedded=embedded, Service=Service)
    vars(wakeups)["LONGEST_SLEEP_S"] = 2.0  # how soon a clock set forward is noticed; in production a minute
    vars(leaving)["SEALED_S"] = (
        3.0  # how long who has died in a move is waited for; in production half a minute
    )
    process.main()


def serve() -> None:
    """`tongdan`, whose processes are started from this file, and again at once however young they die."""
    from tongdan.cli.main import app  # noqa: PLC0415 (the commands are nothing to a child)

    vars(supervisor).update(PROCESS=(sys.executable, __file__), STEADY_S=0.0)
    app()


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else child()
