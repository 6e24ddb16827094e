"""Processes under measurement: started, asked for their port, read from /proc, stopped in order.

CPU is what the kernel booked on the process with all its threads; memory is the resident set at its highest.
Nothing is read from inside the process, so what is measured does not change what it measures.
"""

import os
import platform
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
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
        assert self._child.stdout is not None
        end, read = time.monotonic() + within_s, b""
        while (left := end - time.monotonic()) > 0 and self._child.poll() is None:
            if not select.select([self._child.stdout], [], [], min(left, 1.0))[0]:
                continue
            read += os.read(self._child.stdout.fileno(), 4_096)
            for line in read.split(b"\n")[:-1]:
                if line.startswith(start.encode()):
                    return line[len(start) :].decode().strip()
        raise Failed(f"{self._name} did not say {start!r}:\n{self._tail(read)}")

    def say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line.encode() + b"\n")
        self._child.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

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
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return Usage(int(fields[11]) / _TICKS_PER_S, int(fields[12]) / _TICKS_PER_S)

    def peak_mb(self) -> float:
        """The highest resident set so far."""
        for line in Path(f"/proc/{self._child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def _tail(self, output: bytes = b"") -> str:
        text = output + self._log.read_bytes()
        return text[-3_000:].decode("utf-8", "replace")


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
