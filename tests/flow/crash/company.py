"""A centre of several processes as a test holds it: `tongdan serve`, and the hand in each of its children.

A child is known by its number; each of its lives has another pid. Killing the supervisor must end all of them. Calls
of a hand are repeated until somebody answers, because between two lives nobody does.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

from tests.flow.crash.process import CentreProcess, free_ports
from tests.flow.crash.together import HANDS, KILLED

from tongdan.profile import DataInUse, lock

ENTRY: Final = Path(__file__).with_name("together.py")
ROOT: Final = str(Path(__file__).parents[3])  # of the tests, which the entry is one of
ALIVE_WITHIN_S: Final = 60.0  # after a kill, on a busy machine
ENDED_WITHIN_S: Final = 30.0
PAUSE_S: Final = 0.05


class Company(CentreProcess):
    """`CentreProcess` whose process is the supervisor of `processes` others."""

    def __init__(self, data: Path, conf: Path, port: int, log: Path, processes: int = 4) -> None:
        super().__init__(data, conf, port, log)
        (api_port,) = free_ports(1)
        self.processes = processes
        self.api: Final = f"http://127.0.0.1:{api_port}"
        self.hands: Final = log.with_suffix(".hands")
        self.hands.mkdir()
        self._data: Final = data
        self._serve: Final = (
            sys.executable, str(ENTRY), "serve", "--data", str(data), "--conf", str(conf), "--push-port", str(port),
            "--api-port", str(api_port),
        )  # fmt: skip

    # -- the whole

    async def spawn(self, die_at: str = "") -> None:
        assert not die_at, "one of several is told by its hand"
        command = (*self._serve, "--processes", str(self.processes))
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), ROOT)))
        env = os.environ | {
            HANDS: str(self.hands),
            "PYTHONPATH": path,
            "TONGDAN_LANG": "en",
            "PYTHONFAULTHANDLER": "1",
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=log, env=env)
        self.lives += 1

    async def start(self) -> None:
        await self.spawn()
        if not (said := await self.said()).startswith("pushes"):
            raise AssertionError(f"said {said!r}, ended with {await self.dead(10)}\n{self.log()}")
        self.up.set()

    async def stop(self, within_s: float = 60.0) -> None:
        self.send(signal.SIGTERM)
        code = await self.dead(within_s)
        assert code == 0, f"ended with {code}\n{self.log()}"

    async def kill(self) -> None:
        """Kill the supervisor; its children end by themselves."""
        await super().kill()
        await until_free(self._data)

    # -- one of them

    async def tell(self, number: int, do: str, **words: Any) -> Any:
        """Have something done by a child, in this life or the next. Raises TimeoutError."""
        async with asyncio.timeout(ALIVE_WITHIN_S):
            while True:
                try:
                    return await self.tell_once(number, do, **words)
                except OSError:
                    await asyncio.sleep(PAUSE_S)

    async def tell_once(self, number: int, do: str, **words: Any) -> Any:
        """Raises OSError when it is dead, or dies of it."""
        reader, writer = await asyncio.open_unix_connection(self.hands / f"{number}.sock")
        try:
            writer.write(json.dumps({"do": do, **words}).encode() + b"\n")
            answer = await reader.read()
        finally:
            writer.close()
        if not answer:
            raise ConnectionResetError
        return json.loads(answer)

    async def pid_of(self, number: int) -> int:
        return int((await self.tell(number, "stands"))["pid"])

    async def reborn(self, number: int, pid: int = 0) -> None:
        """Wait until a child has ended the life `pid`, and takes orders in its next one. Raises TimeoutError."""
        async with asyncio.timeout(ALIVE_WITHIN_S):
            while True:
                stands = await self.tell(number, "stands")
                if stands["ready"] and stands["pid"] != pid:
                    return
                await asyncio.sleep(PAUSE_S)

    async def each(self, do: str, **words: Any) -> list[Any]:
        return await asyncio.gather(*(self.tell(number, do, **words) for number in range(self.processes)))

    def killed_inside(self) -> list[str]:
        """At which points a hand has killed, in order."""
        note = self.hands / KILLED
        return note.read_text().split() if note.exists() else []


async def until_free(data: Path, within_s: float = ENDED_WITHIN_S) -> None:
    """Wait until no process has the data any more. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                lock(data).close()
                return
            except DataInUse:
                await asyncio.sleep(PAUSE_S)
