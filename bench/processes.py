"""Processes under measurement: started, asked for their port, read from /proc, stopped in order.

CPU is what the kernel booked on the process with all its threads and on its children, the ended ones too; memory is
the sum of their resident sets, each at its highest. Nothing is read from inside a process, so what is measured does
not change what it measures.
"""

import os
import platform
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_START_S: Final = 60.0
_STOP_S: Final = 60.0
ROOT: Final = Path(__file__).resolve().parents[1]


class Usage(NamedTuple):
    user_s: float
    kernel_s: float

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.kernel_s

    def since(self, before: "Usage") -> "Usage":
        return Usage(self.user_s - before.user_s, self.kernel_s - before.kernel_s)


def busy_cpu_s() -> float:
    """CPU seconds that all cores have spent on anything so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICKS_PER_S


class Failed(Exception):
    """A process did not start, or ended with an error; the message holds the last lines it wrote."""


class Process:
    """A child process with its output in a file; end it with `stop`, also when something went wrong."""

    def __init__(self, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._name = " ".join(arguments[1:3])
        self._said = b""
        with log.open("wb") as errors:
            self._child = subprocess.Popen(
                arguments,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            )

    def line(self, start: str, within_s: float = _START_S) -> str:
        """The rest of the first line that begins with `start`. Raises Failed."""
        for line in self.lines(within_s):
            if line.startswith(start):
                return line[len(start) :].strip()
        raise Failed(f"{self._name} did not say {start!r}:\n{self._tail(self._said)}")

    def lines(self, within_s: float) -> Iterator[str]:
        """Its output line by line, until it ends or `within_s` have passed."""
        assert self._child.stdout is not None
        end = time.monotonic() + within_s
        while (left := end - time.monotonic()) > 0:
            line, found, rest = self._said.partition(b"\n")
            if found:
                self._said = rest
                yield line.decode()
            elif select.select([self._child.stdout], [], [], min(left, 1.0))[0]:
                if not (read := os.read(self._child.stdout.fileno(), 65_536)):
                    return
                self._said += read

    def say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line.encode() + b"\n")
        self._child.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        """To it and to all its descendants."""
        for pid in list(_tree(self._child.pid)):
            os.kill(pid, number)

    def wait(self, within_s: float) -> None:
        """Raises Failed when it ends with an error or not in time."""
        try:
            code = self._child.wait(within_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self._name} did not end within {within_s:.0f} s") from None
        if code:
            raise Failed(f"{self._name} ended with {code}:\n{self._tail()}")

    def stop(self) -> None:
        """Ask it to end, insist after a while. A second call does nothing."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def usage(self) -> Usage:
        user = kernel = 0
        for pid in _tree(self._child.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # its parent has its times by then
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                user += int(fields[11]) + int(fields[13])
                kernel += int(fields[12]) + int(fields[14])
        return Usage(user / _TICKS_PER_S, kernel / _TICKS_PER_S)

    def peak_mb(self) -> float:
        """The highest resident sets so far."""
        return sum(map(_peak_mb, _tree(self._child.pid)))

    def processes(self) -> int:
        return len(list(_tree(self._child.pid)))

    def _tail(self, output: bytes = b"") -> str:
        text = output + self._log.read_bytes()
        return text[-3_000:].decode("utf-8", "replace")


def _tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _peak_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def python(*module: object) -> list[str]:
    """The command that runs a module, with its arguments, under this Python."""
    return [sys.executable, "-m", *map(str, module)]


def machine() -> dict[str, Any]:
    """What the figures were made on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1m": os.getloadavg()[0],
    }
