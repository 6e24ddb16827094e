"""How fast `tongdan verify` proves a store, beside two references over the same files.

`scan` reads every column of every journal row once and hashes it in one plain loop: it proves only that the
bytes can be read, and is the ceiling of one core. `integrity_check` is what SQLite itself offers, which
proves the structure of the files and knows nothing of what stands in them. Rows of the journal are what is
counted.
"""

import json
import resource
import sqlite3
import statistics
import subprocess
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.centre import Centre, reading, shards
from bench.intake import Settings, preparing, run_at, scratch
from bench.processes import Failed, Usage, machine, python
from bench.wire import WORKLOADS

_ORDERS: Final = 40_000
_QUICK_ORDERS: Final = 8_000
_VERIFY_S: Final = 600.0


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """Fill a centre with own-shop orders, end it, verify its files; keys as of the intake benchmarks.

    `missing` counts journal rows that verify did not look at; latencies are those of whole runs.
    """
    work = WORKLOADS["intake-own"]
    orders = _ORDERS if settings.rounds > 1 else _QUICK_ORDERS
    centre = Centre(work, settings.connections, orders, settings.processes)
    with scratch("prepared") as prepared, scratch("verify") as place:
        centre.prepare(prepared)
        with preparing(work, [centre], centre.keys, "v0") as generator:
            run_at(place, centre, generator, settings._replace(seconds=120.0))
        files = shards(place)
        rows = sum(_rows(path) for path in files)
        runs = [_verify(place, rows) for _ in range(settings.rounds)]
        scans = [_timed(_scan, files) for _ in range(settings.rounds)]
        checks = [_timed(_integrity_check, files) for _ in range(settings.rounds)]
    seconds = statistics.median(run["seconds"] for run in runs)
    references = {"scan": statistics.median(scans), "integrity_check": statistics.median(checks)}
    counted = min(int(run["rows"]) for run in runs)
    return {
        "name": name,
        "offered": rows,
        "acknowledged": counted,
        "committed": rows,
        "read_back": counted,
        "missing": rows - counted,
        "doubled": max(int(run["rows"]) for run in runs) - counted,
        "per_s": rows / seconds,
        **dict.fromkeys(("p50_ms", "p99_ms", "p999_ms"), seconds * 1e3),
        "cpu_us": statistics.median(run["cpu_us"] for run in runs),
        "kernel_us": statistics.median(run["kernel_us"] for run in runs),
        "cpu_us_by_stage": {},
        "rss_mb": max(run["rss_mb"] for run in runs),
        "drain_s": 0.0,
        "references": {key: {"per_s": rows / value} for key, value in references.items()},
        "ratios": {key: value / seconds for key, value in references.items()},
        "settings": settings._asdict() | {"orders": orders},
        "machine": machine(),
    }


def verified(place: Path) -> dict[str, Any]:
    """What `tongdan verify`, run by itself, reports of a store. Raises Failed when it finds anything."""
    command = python("bench.cli", "verify", "--data", place / "data", "--json")
    done = subprocess.run(command, capture_output=True, timeout=_VERIFY_S, check=False)
    if done.returncode:
        raise Failed(f"verify ended with {done.returncode}: {(done.stdout + done.stderr)[-2_000:].decode()}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _verify(place: Path, rows: int) -> dict[str, float]:
    before = _children()
    began = time.monotonic()
    report = verified(place)
    seconds = time.monotonic() - began
    used = _children().since(before)
    return {
        "seconds": seconds,
        "rows": sum(shard["rows"] for shard in report["shards"]),
        "cpu_us": used.cpu_s / rows * 1e6,
        "kernel_us": used.kernel_s / rows * 1e6,
        "rss_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def _children() -> Usage:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(used.ru_utime, used.ru_stime)


def _timed(reads: Any, files: list[Path]) -> float:
    began = time.monotonic()
    for path in files:
        with reading(path) as db:
            reads(db)
    return time.monotonic() - began


def _rows(path: Path) -> int:
    with reading(path) as db:
        return int(db.execute("SELECT count(*) FROM journal").fetchone()[0])


def _scan(db: sqlite3.Connection) -> None:
    encode, last = msgspec.msgpack.Encoder().encode, b""
    for row in db.execute("SELECT * FROM journal ORDER BY pos"):
        last = blake2b(last + encode(row), digest_size=32).digest()


def _integrity_check(db: sqlite3.Connection) -> None:
    if (said := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        raise Failed(f"integrity_check says {said}")
