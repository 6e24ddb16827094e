"""The order centre under load: `tongdan serve` on a fresh data directory, its partners configured out of reach.

Effects are recorded and wait (no partner is called), so what drains after the load is the reactions: facts turned into
commands of other aggregates. What is kept is read with SQL of our own from the journal itself, not through the
product: native numbers are counted in the facts that tell of them.
"""

import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.conf import write_conf
from bench.processes import Failed, Process, python
from bench.services import Kept
from bench.wire import Keys, Workload

_DRAIN_S: Final = 600.0
_POLL_S: Final = 0.1
_OWN: Final = Keys("mp-main", "bench-own-shop-secret-0123456789abcdef")
_DOUYIN: Final = Keys("main", "bench-douyin-secret-0123456789abcdef", "3409409348479354011", 323423)


class Centre:
    """`tongdan serve` in a process of its own; `sampled` gives one that tells where its CPU goes."""

    name = "centre"

    def __init__(
        self, work: Workload, connections: int, most_requests: int, *, sampler: bool = False
    ) -> None:
        self.connections = connections
        self.most_requests = most_requests
        self.keys = _OWN if work.name == "intake-own" else _DOUYIN
        self._work = work
        self._sampler = sampler
        self._place = Path()

    def sampled(self) -> "Centre":
        return Centre(self._work, self.connections, self.most_requests, sampler=True)

    def start(self, place: Path) -> tuple[Process, int]:
        self._place = place
        write_conf(place, own=_OWN, douyin=_DOUYIN)
        serve = ["serve", "--data", place / "data", "--conf", place / "conf", "--push-port", 0, "--port", 0]
        module = ["bench.sampler", place / "stages.json"] if self._sampler else ["bench.cli"]
        process = Process(python(str(module[0]), *module[1:], *serve), place / "errors.txt")
        try:
            port = int(process.line("push port").rpartition(":")[2])
        except BaseException:
            process.stop()
            raise
        self._mark(process)
        return process, port

    def drain(self, process: Process) -> float:
        self._mark(process)
        began = time.monotonic()
        while time.monotonic() < began + _DRAIN_S:
            if not any(_behind(path) for path in shards(self._place)):
                return time.monotonic() - began
            time.sleep(_POLL_S)
        raise Failed(f"reactions were not done in {_DRAIN_S:.0f} s")

    def _mark(self, process: Process) -> None:
        """Begin the sampler's next phase."""
        if self._sampler:
            process.send(signal.SIGUSR2)

    def kept(self, place: Path, acknowledged: Sequence[str]) -> Kept:
        held = Counter(native for path in shards(place) for native in _natives(path, self._work))
        found = sum(1 for native in acknowledged if held[native])
        return Kept(len(held), found, sum(1 for times in held.values() if times > 1))

    def more(self, place: Path) -> dict[str, Any]:
        if not self._sampler:
            return {"disk_mb": sum(path.stat().st_size for path in shards(place)) / 2**20}
        phases: dict[str, Any] = json.loads((place / "stages.json").read_bytes())
        return {"stages": phases["load"]["cpu_s"], "drain_stages": phases["drain"]["cpu_s"]}


def shards(place: Path) -> list[Path]:
    return sorted((place / "data").rglob("shard-*.sqlite"))


def reading(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True))


def _behind(path: Path) -> bool:
    """Whether this shard's relay has facts before it that it has not digested."""
    with reading(path) as db:
        (last,) = db.execute("SELECT max(pos) FROM journal").fetchone()
        (done,) = db.execute("SELECT max(pos) FROM cursors WHERE subscriber = 'reactions'").fetchone()
    return (last or 0) > (done or 0)


def _natives(path: Path, work: Workload) -> Iterator[str]:
    """The native number of every item that the journal tells of: once for each time it does."""
    decode = msgspec.msgpack.Decoder().decode
    with reading(path) as db:
        if work.name == "intake-own":
            for (body,) in db.execute("SELECT body FROM journal WHERE fact = 'OrderCreated'"):
                yield decode(body)["native"]
            return
        announced = db.execute("SELECT agg, body FROM journal WHERE fact = 'OrderAnnounced'")
        orders = {agg: decode(body)["native"] for agg, body in announced}
        for agg, body in db.execute("SELECT agg, body FROM journal WHERE fact = 'ChannelReported'"):
            yield f"{orders[agg]}/{decode(body)['event']}"
