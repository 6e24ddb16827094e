"""The parent of a centre's processes: it starts them, starts a dead one again, and ends them together.

It holds the lock of the data and hands it down, so a second centre cannot begin before the last process of this one
is gone. Each child's standard input is its lifeline: when it closes, the parent is gone or everybody has come to rest,
and the child ends. The parent touches no order: killing it costs nothing but the service.
"""

import asyncio
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from tongdan.adapters.clock import SystemClock
from tongdan.cli.places import SERVING, note_serving, url_of
from tongdan.profile import DataInUse, apply_erasures, lock

_log: Final = logging.getLogger(__name__)

PROCESS: Final = (sys.executable, "-m", "tongdan.cli.process")
READY: Final = b"ready\n"  # what a child says on its standard output: it takes orders
AT_REST: Final = b"at rest\n"  # it was told to stop, and nothing is under way in it any more
TOKEN_LOST: Final = 4  # a child's exit code: another centre has taken the data
AGAIN_FIRST_S: Final = 0.05  # before a child that died is started again
AGAIN_LONGEST_S: Final = 10.0
STEADY_S: Final = 10.0  # after so long a run the next start does not wait
STILLBORN_LIMIT: Final = 10  # deaths in a row, by a signal, of a child that never was ready
START_WITHIN_S: Final = 120.0
STOP_WITHIN_S: Final = 60.0
LOCK_WITHIN_S: Final = 5.0  # the children of a parent that was killed take a moment to end
LOCK_PAUSE_S: Final = 0.1


class Wanted(NamedTuple):
    """What is to be served, and by how many processes. Port 0: any."""

    data: Path
    conf: Path
    host: str
    push_port: int
    api_port: int
    processes: int


class CannotGoOn(Exception):
    """A child ended in a way that starting it again does not mend; its own words are on standard error."""


class Child:
    """One process of the centre, through all its lives."""

    def __init__(self, command: list[str], lock_file: IO[str]) -> None:
        self.ready: Final = asyncio.Event()
        self.at_rest: Final = asyncio.Event()
        self._command: Final = command
        self._keep: Final = lock_file.fileno()
        self._process: asyncio.subprocess.Process | None = None

    async def live(self) -> tuple[int, bool]:
        """One life: (exit code, whether it ever was ready)."""
        pipe = asyncio.subprocess.PIPE
        # In a session of its own: Ctrl-C reaches the parent alone, which ends the children in order.
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, pass_fds=(self._keep,), start_new_session=True
        )
        assert process.stdout is not None
        async for line in process.stdout:
            if line == READY:
                self.ready.set()
            elif line == AT_REST:
                self.at_rest.set()
        code, was_ready = await process.wait(), self.ready.is_set()
        self.ready.clear()
        return code, was_ready

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


class Supervisor:
    """`run` once. Raises DataInUse, CannotGoOn, OSError on a taken port, TimeoutError, and whatever the data or the
    configuration is refused with."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted: Final = wanted
        self._clock: Final = SystemClock()
        self._children: list[Child] = []
        self._stopping = False

    async def run(
        self, told_to_stop: Callable[[], Awaitable[None]], serving: Callable[[str, str], None]
    ) -> None:
        """Serve until `told_to_stop` returns; `serving(push url, api url)` is called when all processes are ready."""
        wanted = self._wanted
        if wanted.data.exists():
            (await self._lock()).close()  # until the last process of a parent that was killed is gone
        # Makes what a first start makes, and erases again whom a restored backup has brought back.
        await asyncio.to_thread(apply_erasures, wanted.data, wanted.conf)
        with (
            await self._lock() as lock_file,
            _reserved(wanted.host, wanted.push_port) as push,
            _reserved(wanted.host, wanted.api_port) as api,
            tempfile.TemporaryDirectory(prefix="tongdan-") as wires,
        ):
            ports = push.getsockname()[1], api.getsockname()[1]
            self._children = [
                Child(_command(wanted, number, ports, wires), lock_file) for number in range(wanted.processes)
            ]
            lives = [asyncio.create_task(self._keep_alive(child)) for child in self._children]
            try:
                await _unless_one_ends(lives, self._all_ready())
                urls = url_of(wanted.host, ports[0]), url_of(wanted.host, ports[1])
                note_serving(wanted.data, *urls)
                serving(*urls)
                await _unless_one_ends(lives, told_to_stop())
            finally:
                (wanted.data / SERVING).unlink(missing_ok=True)
                await self._end(lives)

    async def _lock(self) -> IO[str]:
        for left in range(int(LOCK_WITHIN_S / LOCK_PAUSE_S), -1, -1):
            try:
                return lock(self._wanted.data)
            except DataInUse:
                if not left:
                    raise
                await self._clock.sleep(LOCK_PAUSE_S)
        raise AssertionError("unreachable")

    async def _all_ready(self) -> None:
        async with asyncio.timeout(START_WITHIN_S):
            for child in self._children:
                await child.ready.wait()

    async def _keep_alive(self, child: Child) -> None:
        """Start a child again whenever it dies. Raises CannotGoOn."""
        clock, pause_s, stillborn = self._clock, AGAIN_FIRST_S, 0
        while True:
            began_s = clock.monotonic()
            code, was_ready = await child.live()
            if self._stopping:
                return
            stillborn = 0 if was_ready else stillborn + 1
            # Who ends by its own will before it is ready would do so again; who was killed then would not.
            if code == TOKEN_LOST or (stillborn and code >= 0) or stillborn > STILLBORN_LIMIT:
                raise CannotGoOn(f"exit code {code}")
            pause_s = (
                AGAIN_FIRST_S if clock.monotonic() - began_s > STEADY_S else min(2 * pause_s, AGAIN_LONGEST_S)
            )
            _log.error("a process ended with %d and is started again", code)
            await self._clock.sleep(pause_s)

    async def _end(self, lives: list[asyncio.Task[None]]) -> None:
        """Tell all to stop; when each has come to rest or is gone, let go of them. What does not end is killed."""
        self._stopping = True
        for child in self._children:
            child.signal(signal.SIGTERM)
        resting = [asyncio.create_task(child.at_rest.wait()) for child in self._children]
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                for rest, life in zip(resting, lives, strict=True):
                    await asyncio.wait((rest, life), return_when=asyncio.FIRST_COMPLETED)
        for child in self._children:
            child.let_go()
        _, left = await asyncio.wait(lives, timeout=STOP_WITHIN_S)
        for child in self._children if left else ():
            child.signal(signal.SIGKILL)
        for task in (*resting, *left):
            task.cancel()


async def _unless_one_ends(lives: list[asyncio.Task[None]], wait: Awaitable[None]) -> None:
    """Wait; a child that cannot go on ends the wait with its exception."""
    waiting = asyncio.ensure_future(wait)
    done, _ = await asyncio.wait((waiting, *lives), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done:
        task.result()


def _reserved(host: str, port: int) -> socket.socket:
    """A port held for the children, who listen on it: bound, so that nobody else gets it. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Another centre shares its port with whoever asks to share it, so ask for it alone first.
    with socket.socket(family) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind((host, port))
    held = socket.socket(family)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held


def _command(wanted: Wanted, number: int, ports: tuple[int, int], wires: str) -> list[str]:
    return [
        *PROCESS, "--data", str(wanted.data), "--conf", str(wanted.conf),
        "--host", wanted.host, "--push-port", str(ports[0]), "--api-port", str(ports[1]),
        "--number", str(number), "--of", str(wanted.processes), "--wires", wires,
    ]  # fmt: skip
