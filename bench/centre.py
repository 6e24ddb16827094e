"""The order centre under load: `tongdan serve` on a fresh directory, its partners configured out of reach.

Effects are recorded and wait (no partner is called), so what drains after the load is the reactions: facts
turned into commands of other aggregates. What is kept is read with SQL of our own from the journal itself,
not through the product: native numbers are counted in the facts that tell of them. That only some of a shard's
slots may lie in a file, or positions have gaps, changes none of these counts.
"""

import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from bench.conf import write_conf, write_credentials
from bench.processes import Failed, Process, python
from bench.sampler import environment, spent
from bench.services import Kept
from bench.wire import Keys, Workload

_PREPARE_S: Final = 120.0
_DRAIN_S: Final = 1_800.0
_TELL_S: Final = 10.0
_POLL_S: Final = 0.1
_OWN: Final = Keys("mp-main", "bench-own-shop-secret-0123456789abcdef")
_DOUYIN: Final = Keys("main", "bench-douyin-secret-0123456789abcdef", "3409409348479354011", 323423)


class Centre:
    """`tongdan serve` in a process of its own; `sampled` gives one that tells where its CPU goes."""

    name = "centre"

    def __init__(self, work: Workload, connections: int, most_requests: int, processes: int = 0) -> None:
        """`processes` 0: as many as `tongdan serve` takes by itself."""
        self.connections = connections
        self.most_requests = most_requests
        self.keys = _OWN if work.name == "intake-own" else _DOUYIN
        self._work = work
        self._processes = processes
        self._sampler = False
        self._prepared = self._place = Path()

    def sampled(self) -> Self:
        centre = copy(self)
        centre._sampler = True
        return centre

    def prepare(self, place: Path) -> None:
        """Lay out in `place` what every run starts from: configuration, credentials, stock. Raises Failed."""
        write_conf(place)
        write_credentials(place, own=_OWN, douyin=_DOUYIN)
        self._count_stock(place, self._work.name == "intake-own")

    def _count_stock(self, place: Path, wanted: bool) -> None:
        if wanted:
            counting = Process(python("bench.stock", place), place / "stock.txt")
            counting.wait(_PREPARE_S)
        self._prepared = place

    def start(self, place: Path) -> tuple[Process, int]:
        shutil.copytree(self._prepared, place, dirs_exist_ok=True)
        return self.start_at(place)

    def start_at(self, place: Path) -> tuple[Process, int]:
        """In a place that was laid out already."""
        self._place = place
        env = environment(place) if self._sampler else None
        process = Process(self._command(place), place / "errors.txt", env)
        try:
            port = int(process.line("pushes").rpartition(":")[2])
        except BaseException:
            process.stop()
            raise
        self._mark(process)
        return process, port

    def _command(self, place: Path) -> list[str]:
        options: list[object] = ["--push-port", 0, "--api-port", 0]
        if self._processes:
            options += ["--processes", self._processes]
        return python(
            "bench.cli", "--lang", "en", "serve", "--data", place / "data", "--conf", place / "conf", *options
        )

    def drain(self, process: Process) -> float:
        self._mark(process)
        began = time.monotonic()
        told = began
        while (now := time.monotonic()) < began + _DRAIN_S:
            if not (lag := self.lag()):
                return now - began
            if now - told >= _TELL_S:
                told = now
                print(
                    f"    {now - began:.0f} s after the load: {lag:,} facts without their reactions",
                    flush=True,
                )
            time.sleep(_POLL_S)
        raise Failed(f"reactions were not done in {_DRAIN_S:.0f} s")

    def lag(self) -> int:
        """Facts of the running centre that have not had their reactions."""
        return sum(_behind(path) for path in shards(self._place))

    def outstanding(self) -> int:
        """Effects of the running centre that are not over."""
        return sum(_one(path, "SELECT count(*) FROM effects") for path in shards(self._place))

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
        return {"stages": spent(place, "load"), "drain_stages": spent(place, "drain")}


def shards(place: Path) -> list[Path]:
    return sorted((place / "data").rglob("shard-*.sqlite"))


def reading(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True))


def _behind(path: Path) -> int:
    """How many facts this shard's relay has before it, as long as no slot moves."""
    last = _one(path, "SELECT max(pos) FROM journal")
    return max(0, last - _one(path, "SELECT max(pos) FROM cursors WHERE subscriber = 'reactions'"))


def _one(path: Path, query: str) -> int:
    with reading(path) as db:
        return db.execute(query).fetchone()[0] or 0


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
