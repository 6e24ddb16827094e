"""The centre's process as a test holds it: start, watch it die, kill it, stop it, start it again on the same port.

`up` tells partners when it is worth calling. What the process writes to its standard error is kept in one log file,
whose end is shown when something does not go as it should.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

CENTRE: Final = Path(__file__).with_name("centre.py")
SPEAKS_WITHIN_S: Final = 60.0
LOG_TAIL: Final = 4_000  # characters of the log that a failure shows


class CentreProcess:
    """One data directory, one port, any number of lives one after another."""

    def __init__(self, data: Path, conf: Path, port: int, log: Path) -> None:
        self.up: Final = asyncio.Event()
        self.lives = 0
        self._command: Final = (sys.executable, str(CENTRE), str(data), str(conf), str(port))
        self._log: Final = log
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Begin a life and wait until it listens."""
        await self.spawn()
        assert await self.said() == "ready", self.log()
        self.up.set()

    async def live_until(self, die_at: str, within_s: float) -> int:
        """A life that ends at `die_at` (POINT:PASSING), perhaps while it starts; returns the exit code."""
        await self.spawn(die_at)
        if await self.said() == "ready":
            self.up.set()
        return await self.dead(within_s)

    async def spawn(self, die_at: str = "") -> None:
        """Begin a life; it will take a moment until it listens."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, "--die-at", die_at, stdout=PIPE, stderr=log
            )
        self.lives += 1

    async def dead(self, within_s: float) -> int:
        """Wait for its end; returns the exit code (negative: the signal). Raises TimeoutError."""
        assert self._process is not None
        code = await asyncio.wait_for(self._process.wait(), within_s)
        self.up.clear()
        return code

    async def kill(self) -> None:
        """SIGKILL: no chance to tidy up anything."""
        self.send(signal.SIGKILL)
        assert await self.dead(10) == -signal.SIGKILL

    async def stop(self, within_s: float = 20.0) -> None:
        """SIGTERM, and an end in order."""
        self.send(signal.SIGTERM)
        assert await self.said() == "stopped", self.log()
        code = await self.dead(within_s)
        assert code == 0, f"ended with {code}\n{self.log()}"

    async def end(self) -> None:
        """However things stand: leave no process behind."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_TAIL:] if self._log.exists() else ""

    async def said(self) -> str:
        """The next line it prints, "" when it ended without a word."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), SPEAKS_WITHIN_S)
        return line.decode().strip()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
