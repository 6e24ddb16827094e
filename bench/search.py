"""`python -m bench.search --orders N`: how long finding takes in an index of N generated orders.

Twelve kinds of question over many random arguments, and counts beside them, first alone and then while a centre takes
orders at half its rate into the same index; the same questions to a shard's table of states; how soon an order is
found. The orders are written by the index's own `put`; people go into the book of tokens. Prints tables, writes
build/bench/search-N.json. With --keep the files stay in --folder, and the next run begins with them.
"""

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from bench.processes import ROOT, busy_cpu_s, machine
from bench.search_intake import NAME, Intake, beside_intake
from bench.search_kinds import Kind, kinds_of
from bench.search_orders import CHUNK, doc, tokens_of
from bench.search_tables import ShardTable
from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.adapters.tokens_sqlite import SqliteTokens
from tongdan.ports import OrderQuery, TooWide
from tongdan.surfaces.searching import PEOPLE_LIMIT

AIM_MS: Final = 20.0
LIMIT_MS: Final = 62.0
REFERENCED: Final = 3  # questions of each kind that the shard's table is asked
# `busy` is the processor's time alone: what is above it is waiting for one of the machine's cores or its disk.
_COLUMNS: Final = (
    ("p50 ms", "p50_ms", 9), ("p99", "p99_ms", 9), ("busy p99", "busy_p99_ms", 10), ("rows", "rows", 7),
    ("count p50", "count_p50_ms", 11), ("busy p99", "count_busy_p99_ms", 10), ("asked", "asked", 8),
)  # fmt: skip
T = TypeVar("T")


class Took(NamedTuple):
    whole_s: float
    busy_s: float


def main() -> int:
    options = _options()
    folder = Path(options.folder or ROOT / "build" / "bench" / f"search-{options.orders}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = measure(folder, options.orders, options.seconds)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    out = ROOT / "build" / "bench" / f"search-{options.orders}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    late = [each["kind"] for each in found["kinds"] if each["p99_ms"] > LIMIT_MS]
    if late:
        print(f"beyond {LIMIT_MS:.0f} ms: {', '.join(late)}", file=sys.stderr)
    return int(bool(late))


def measure(folder: Path, orders: int, seconds: float) -> dict[str, Any]:
    """`seconds`: how long each kind is asked, alone and again beside intake. Raises Failed."""
    loaded = {} if (folder / NAME).exists() else load(folder, orders)
    book, kinds = SqliteTokens(folder / "tokens.sqlite", readonly=True), kinds_of(orders)
    (folder / "shard.sqlite").unlink(missing_ok=True)
    table = ShardTable(folder / "shard.sqlite", orders)
    search = SqliteSearch(folder / NAME, readonly=True)
    for file in (NAME, "tokens.sqlite"):
        _warm(folder / file)
    _head(f"alone; 'shard' is the median of walking {table.orders:,} orders' states", "shard p50", "busy p50")
    alone = []
    for kind in kinds:
        alone.append(_asked(search, book, kind, seconds) | _referenced(table, book, kind))
        _print(alone[-1], alone[-1]["shard_p50_ms"], alone[-1]["shard_busy_p50_ms"])
    search.close()
    table.close()
    began_s, busy_s = time.monotonic(), busy_cpu_s()
    with beside_intake(folder, seconds * len(kinds)) as intake:
        beside = _beside(intake, book, kinds, seconds)
    cores = (busy_cpu_s() - busy_s) / (time.monotonic() - began_s)
    return {"orders": orders, **loaded, "kinds": alone, **beside, "busy_cores": cores, "machine": machine()}


def _warm(file: Path) -> None:
    """Bring a file into memory, as it is where a centre has been running for a while."""
    with file.open("rb") as read:
        while read.read(2**20):
            pass


def _beside(intake: Intake, book: SqliteTokens, kinds: list[Kind], seconds: float) -> dict[str, Any]:
    _head(f"while {intake.per_s:,.0f} orders/s come in")
    found = []
    for kind in kinds:
        found.append(_asked(intake.search, book, kind, seconds))
        _print(found[-1])
    intake.watch.end()
    delays = intake.watch.fresh_s
    said, fresh = intake.report(), {"p50_ms": _at(delays, 0.5), "p99_ms": _at(delays, 0.99)}
    print(
        f"committed → found: p50 {fresh['p50_ms']:.0f} ms, p99 {fresh['p99_ms']:.0f} ms of {len(delays)} orders"
    )
    print(f"{said['acknowledged']:,} of {said['offered']:,} orders came in")
    return {"beside_intake": found, "intake": said, "freshness": fresh | {"orders": len(delays)}}


def load(folder: Path, orders: int) -> dict[str, float]:
    """Write the index and the book of tokens; a chunk of orders is in memory at a time."""
    index, book = SqliteSearch(folder / NAME), SqliteTokens(folder / "tokens.sqlite")
    begun_s, in_index_s = time.perf_counter(), 0.0
    for begin in range(0, orders, CHUNK):
        numbers = range(begin, min(begin + CHUNK, orders))
        docs = [doc(n, orders) for n in numbers]
        before_s = time.thread_time()
        index.put(docs, {})
        in_index_s += time.thread_time() - before_s
        tokens = [(token, each.id) for n, each in zip(numbers, docs, strict=True) for token in tokens_of(n)]
        book.put(sorted(tokens), 0, 1)
    took_s = time.perf_counter() - begun_s
    index.close()
    book.close()
    size = (folder / NAME).stat().st_size
    print(f"{orders:,} orders in {took_s:.0f} s, of which {in_index_s:.0f} s were the index's CPU "
          f"({orders / in_index_s:,.0f}/s); {size / orders:.0f} bytes an order")  # fmt: skip
    return {"orders_per_cpu_s": orders / in_index_s, "took_s": took_s, "bytes_per_order": size / orders}


# ---- asked


def _asked(search: SqliteSearch, book: SqliteTokens, kind: Kind, seconds: float) -> dict[str, Any]:
    """Questions of one kind for `seconds`; every tenth is counted too."""
    dice = random.Random(kind.name)
    finds, counts, rows, wide = [], [], 0, 0
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        asked = kind.asked(dice)
        took, found = _timed(lambda: search.find(_of(book, asked)))  # noqa: B023
        finds.append(took)
        rows, wide = rows + len(found or ()), wide + (found is None)
        if len(finds) % 10 == 1:
            query = _of(book, asked)
            took, counted = _timed(lambda: search.count(query))  # noqa: B023
            counts.append(took)
            wide += counted is None
    return {
        "kind": kind.name, "asked": len(finds), "rows": rows / len(finds), "too_wide": wide, **_spread("", finds),
        **_spread("count_", counts),
    }  # fmt: skip


def _timed(call: Callable[[], T]) -> tuple[Took, T | None]:
    """None: refused as too wide."""
    begun_s, busy_s = time.perf_counter(), time.thread_time()
    try:
        found: T | None = call()
    except TooWide:
        found = None
    return Took(time.perf_counter() - begun_s, time.thread_time() - busy_s), found


def _of(book: SqliteTokens, asked: OrderQuery | bytes) -> OrderQuery:
    if isinstance(asked, OrderQuery):
        return asked
    # Whom more orders fit is refused; here as many are looked for as would still be answered.
    return OrderQuery(ids=tuple(book.holders(asked, PEOPLE_LIMIT)))


def _referenced(table: ShardTable, book: SqliteTokens, kind: Kind) -> dict[str, float]:
    dice = random.Random(kind.name)
    queries = [_of(book, kind.asked(dice)) for _ in range(REFERENCED)]
    return _spread("shard_", [_timed(lambda: table.find(query))[0] for query in queries])  # noqa: B023


# ---- told


def _spread(prefix: str, took: list[Took]) -> dict[str, float]:
    return {
        f"{prefix}p50_ms": _at([each.whole_s for each in took], 0.5),
        f"{prefix}p99_ms": _at([each.whole_s for each in took], 0.99),
        f"{prefix}busy_p50_ms": _at([each.busy_s for each in took], 0.5),
        f"{prefix}busy_p99_ms": _at([each.busy_s for each in took], 0.99),
    }


def _at(took_s: list[float], part: float) -> float:
    return round(sorted(took_s)[min(len(took_s) - 1, int(part * len(took_s)))] * 1_000, 3)


def _head(what: str, *more: str) -> None:
    print(f"\n{what}\n{'question':24}" + "".join([f"{title:>{width}}" for title, _, width in _COLUMNS])
          + "".join([f"{each:>10}" for each in more]))  # fmt: skip


def _print(one: dict[str, Any], *more: float) -> None:
    late = one["p99_ms"]
    mark = "" if late <= AIM_MS else "  above the aim" if late <= LIMIT_MS else "  BEYOND THE LIMIT"
    wide = f"  {one['too_wide']} refused as too wide" if one["too_wide"] else ""
    figures = "".join([f"{one[name]:{width},.{0 if name == 'asked' else 2}f}" for _, name, width in _COLUMNS])
    print(f"{one['kind']:24}{figures}{''.join([f'{each:10,.1f}' for each in more])}{mark}{wide}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind, twice (default 5)")
    parser.add_argument("--folder", help="where the files lie meanwhile (about 0.7 kB an order)")
    parser.add_argument("--keep", action="store_true", help="leave the files there")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
