"""What is loaded: the order centre (in `centre.py`) and its two references, each started fresh.

All listen on a free port of the loopback, check the same signatures (but for the log) and answer what is
durable and nothing else. What they keep is read from their files once they have ended.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from bench.processes import Process, python
from bench.wire import Keys

HOST: Final = "127.0.0.1"


class Kept(NamedTuple):
    """What a store holds: all items, the acknowledged among them, and those held more than once."""

    committed: int
    read_back: int
    doubled: int


class Service(Protocol):
    """One thing under load. `most_requests` is what it can be sent within a run's seconds, generously."""

    name: str
    connections: int
    most_requests: int

    def start(self, place: Path) -> tuple[Process, int]:
        """A process that listens, and its port. Raises processes.Failed."""

    def drain(self, process: Process) -> float:
        """Seconds until the work that answers left behind is done. Raises processes.Failed."""

    def kept(self, place: Path, acknowledged: Sequence[str]) -> Kept:
        """What is in the store; `acknowledged` are native numbers."""

    def more(self, place: Path) -> dict[str, Any]:
        """What else there is to tell of a run."""


class AppendFile:
    """The ceiling: `reference_log`. It can count what it keeps but not tell one from another."""

    name = "append_file"

    def __init__(self, connections: int, items: int) -> None:
        self.connections = connections
        self.most_requests = 150_000 if items == 1 else 8_000
        self._items = items

    def start(self, place: Path) -> tuple[Process, int]:
        process = Process(python("bench.reference_log", place / "log"), place / "errors.txt")
        return process, int(process.line("port"))

    def drain(self, process: Process) -> float:
        return 0.0

    def kept(self, place: Path, acknowledged: Sequence[str]) -> Kept:
        with (place / "log").open("rb") as lines:
            count = sum(1 for _ in lines) * self._items
        return Kept(count, min(count, len(acknowledged)), 0)

    def more(self, place: Path) -> dict[str, Any]:
        return {}


class PlainService:
    """`reference_plain`, with as many requests in flight as it has threads for: more would only queue."""

    name = "plain_service"

    def __init__(self, keys: Keys, items: int) -> None:
        self.connections = 32 if items == 1 else 2
        self.most_requests = 10_000 // items
        self._keys = keys

    def start(self, place: Path) -> tuple[Process, int]:
        command = python("bench.reference_plain", place / "plain.db", self._keys.secret)
        process = Process(command, place / "errors.txt")
        return process, int(process.line("port"))

    def drain(self, process: Process) -> float:
        return 0.0

    def kept(self, place: Path, acknowledged: Sequence[str]) -> Kept:
        with sqlite3.connect(f"file:{place / 'plain.db'}?mode=ro", uri=True) as db:
            rows = db.execute(
                "SELECT native || coalesce('/' || nullif(l.status, 'placed'), ''), count(*)"
                " FROM status_log l JOIN orders o ON o.id = l.order_id GROUP BY 1"
            ).fetchall()
        held = dict(rows)
        found = sum(1 for native in acknowledged if native in held)
        return Kept(sum(held.values()), found, sum(1 for n in held.values() if n > 1))

    def more(self, place: Path) -> dict[str, Any]:
        return {}


class PlainLife:
    """`reference_life`; it is only timed, for its own books prove nothing about ours."""

    name = "plain_life"
    connections = most_requests = 0

    def __init__(self, data: Path) -> None:
        self._data = data

    def start(self, place: Path) -> tuple[Process, int]:
        process = Process(python("bench.reference_life", place / "life.db", self._data), place / "errors.txt")
        return process, int(process.line("port"))

    def drain(self, process: Process) -> float:
        return 0.0

    def kept(self, place: Path, acknowledged: Sequence[str]) -> Kept:
        return Kept(len(acknowledged), len(acknowledged), 0)

    def more(self, place: Path) -> dict[str, Any]:
        return {}
