"""A centre that takes orders at half the rate it sustains, and writes them into the index that is being asked.

The index is moved into the centre's directory and back. How soon an order is found: from its instant in the journal
until a reader in another process sees it; nobody flushes.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from bench.centre import Centre, shards
from bench.crowd import Burst
from bench.intake import Settings, preparing, run_once, scratch
from bench.processes import Process, python
from bench.wire import WORKLOADS
from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.ports import OrderQuery

HALF: Final = 0.5
SUSTAINED_S: Final = 4.0
WATCHED: Final = 20  # orders that are waited for at a time
LOOK_EVERY_S: Final = 0.01
NAME: Final = "search.sqlite"
_PARTS: Final = (NAME, f"{NAME}-wal", f"{NAME}-shm")
_NEWEST: Final = "SELECT agg, recorded_us FROM journal WHERE fact = 'OrderCreated' ORDER BY pos DESC LIMIT 1"


class Watch(threading.Thread):
    """Waits for the newest orders of the journal to be found; `fresh_s` are the delays that it saw."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.fresh_s: Final[list[float]] = []
        self._home = home
        self._over = threading.Event()

    def run(self) -> None:
        search = SqliteSearch(self._home / "data" / NAME, readonly=True)
        journals = [
            apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) for path in shards(self._home)
        ]
        waited, known = dict[str, float](), set[str]()
        while not self._over.wait(LOOK_EVERY_S):
            if waited:
                for row in search.find(OrderQuery(ids=tuple(waited)), limit=WATCHED):
                    self.fresh_s.append(time.time() - waited.pop(row.id))
            for journal in journals:
                id, recorded_us = journal.execute(_NEWEST).fetchone() or ("", 0)
                if id and id not in known and len(waited) < WATCHED:
                    known.add(id)
                    waited[id] = recorded_us / 1e6
        for journal in journals:
            journal.close()
        search.close()

    def end(self) -> None:
        self._over.set()
        self.join()


class Intake(NamedTuple):
    """What runs beside the questions, which `search` answers."""

    per_s: float
    search: SqliteSearch
    watch: Watch
    crowd: Process

    def report(self) -> dict[str, Any]:
        """What the crowd says when it is done."""
        found: dict[str, Any] = json.loads(self.crowd.line("report", 600))
        return {name: found[name] for name in ("offered", "acknowledged", "p50_ms", "p99_ms", "per_s")}


@contextmanager
def beside_intake(folder: Path, seconds: float) -> Iterator[Intake]:
    """Orders come in for `seconds`, at half the rate that the same run found sustained. Raises Failed."""
    settings = Settings(rounds=1, seconds=SUSTAINED_S)
    centre = Centre(WORKLOADS["intake-own"], settings.connections, int(SUSTAINED_S * 26_000))
    with scratch("prepared") as prepared, scratch("crowd") as place, scratch("centre") as home:
        centre.prepare(prepared)
        with preparing(WORKLOADS["intake-own"], [centre], centre.keys, "s1") as generator:
            per_s = HALF * run_once(centre, generator, settings)["per_s"]
        for leftover in (prepared / "data").glob(f"{NAME}*"):
            leftover.unlink()
        _move(folder, prepared / "data")
        service: Process | None = None
        crowd = Process(
            python("bench.crowd", f"/own/{centre.keys.id}/orders", centre.keys.secret), place / "crowd.txt"
        )
        try:
            shutil.copytree(prepared, home, dirs_exist_ok=True, copy_function=os.rename)
            service, port = centre.start_at(home)
            crowd.line("ready", 60)
            burst = Burst(port, "b1", per_s, seconds, 60.0, 256, 1, str(place / "answered"))
            crowd.say(json.dumps(burst._asdict()))
            intake = Intake(per_s, SqliteSearch(home / "data" / NAME, readonly=True), Watch(home), crowd)
            intake.watch.start()
            yield intake
            intake.search.close()
        finally:
            crowd.stop()
            if service is not None:
                service.stop()
            _move(home / "data", folder)


def _move(here: Path, there: Path) -> None:
    for part in _PARTS:
        if (here / part).exists():
            shutil.move(here / part, there / part)
