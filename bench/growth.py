"""What a growing centre costs: size on disk by table and an order, intake and verify rates on the way to N facts, and
what the archive changes of it.

Facts are written through the real bus, relay and timers in this process, on virtual time, so days pass in seconds:
own-shop orders come in, are reserved, are not paid, and are cancelled half an hour later. The load does not wait for
the disk (the intake benchmarks do): what counts here is how the cost of a fact changes with size, in CPU. References
are taken over the same files: `append_file` writes the same rows to a plain file with an fdatasync every 500, `scan`
reads and hashes every row once.
"""

import os
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from bench.baskets import Basket, read_baskets
from bench.conf import write_conf
from bench.intake import Settings, scratch
from bench.processes import machine
from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.transport import HttpTransport
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.lines import Line
from tongdan.flow.shard import commit_inline
from tongdan.ports import Accepted, Clock, Inbound
from tongdan.profile import Centre, embedded, verify_data

FACTS: Final = 1_000_000
QUICK_FACTS: Final = 50_000
_DAYS: Final = 20  # over which the facts are spread
_LIVE_DAYS: Final = 2  # that stay in the journal when the rest is archived
_AT_ONCE: Final = 2_000  # orders of one submit
_FACTS_AN_ORDER: Final = 14  # about
_BASKETS: Final = 20_000
_REFERENCE_ROWS: Final = 100_000
_FSYNC_ROWS: Final = 500
_START: Final = datetime(2026, 1, 1, 1, tzinfo=UTC)
_SHOP: Final = "mp-main"

Say = Callable[[str], None]


class Load:
    """Orders of many days, until there are so many facts."""

    def __init__(self, centre: Centre, clock: Clock, facts: int) -> None:
        self._centre = centre
        self._clock = clock
        self._facts = facts
        self._baskets: list[Basket] = read_baskets(_BASKETS).items
        self.orders = 0
        self.refused = 0
        self.windows: list[dict[str, float]] = []

    def facts(self) -> int:
        return sum(shard.heads.pos for shard in self._centre.bus.shards)

    async def run(self, say: Say) -> None:
        await self._count_stock()
        counted = self.facts()
        for day in range(1, _DAYS + 1):
            began, cpu_began, before = time.monotonic(), time.process_time(), self.facts()
            while (left := self._facts * day / _DAYS + counted - self.facts()) > 0:
                await self._submit(min(_AT_ONCE, max(1, int(left / _FACTS_AN_ORDER))))
                await self._clock.sleep(3_600)  # whoever has not paid by now never will
            await self._clock.sleep(3_600)
            await self._centre.quiet()
            done = self.facts()
            per_s = (done - before) / (time.monotonic() - began)
            cpu_us = (time.process_time() - cpu_began) / (done - before) * 1e6
            self.windows.append({"facts": done, "orders": self.orders, "per_s": per_s, "cpu_us": cpu_us})
            say(f"{done:,} facts, {self.orders:,} orders, {per_s:,.0f} facts/s, {cpu_us:,.0f} µs of CPU each")
            await self._clock.sleep((_START + timedelta(days=day) - self._clock.now()).total_seconds())

    async def _submit(self, orders: int) -> None:
        messages = [self._order(self.orders + n) for n in range(orders)]
        self.orders += len(messages)
        full = self._centre.bus.submit(messages, self._settled)
        assert full is None, full
        await self._centre.quiet()

    def _settled(self, replies: Any) -> None:
        self.refused += sum(not isinstance(reply, Accepted) for reply in replies)

    def _order(self, n: int) -> Inbound:
        basket, now = self._baskets[n % len(self._baskets)], self._clock.now()
        lines = tuple(
            Line(no=no, sku=line.sku, units=line.units, amount_fen=line.amount_fen, title=line.title)
            for no, line in enumerate(basket.lines, 1)
        )
        person = Person(
            name="张三丰", phone=f"138{n:08d}", province="浙江省", city="杭州市", detail=f"文三路 {n} 号"
        )
        command = PlaceOrder(
            channel="MP", shop=_SHOP, native=f"N-{n}", buyer=f"u-{n % 50_000}", lines=lines,
            amount_fen=sum(line.amount_fen for line in lines), placed_at=now, region="浙江", person=person,
        )  # fmt: skip
        return Inbound(
            command=command, key=("own", f"N-{n}"), source="channel/own", shop=_SHOP, happened_at=now,
            raw=msgspec.json.encode(command),
        )  # fmt: skip

    async def _count_stock(self) -> None:
        skus = sorted({line.sku for basket in self._baskets for line in basket.lines})
        warehouse, now = next(iter(self._centre.policy.warehouses)), self._clock.now()
        for start in range(0, len(skus), _AT_ONCE):
            counts = [
                Inbound(
                    command=CountStock(sku=sku, warehouse=warehouse, on_hand=10**8, counted_at=now),
                    key=("count", sku), source="count", shop="", happened_at=now, raw=b"{}",
                )
                for sku in skus[start : start + _AT_ONCE]
            ]  # fmt: skip
            self._centre.bus.submit(counts, self._settled)
            await self._centre.quiet()


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """Keys as of the other benchmarks, and `windows`, `tables`, `archived`; `missing`: facts verify did not see."""
    facts = settings.facts or (FACTS if settings.rounds > 1 else QUICK_FACTS)

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    with scratch("growth") as place:
        write_conf(place)
        _never_by_itself(place / "conf" / "deadlines.yml")
        load = run_virtual(lambda clock: _loaded(place, clock, facts, say), _START)
        tables = _tables(place / "data")
        say("verify")
        verified = _verified(place / "data", full=False)
        references = {"append_file": _append_file(place), "scan": _scan(place / "data")}
        say("archive")
        gone = run_virtual(lambda clock: _archived(place, clock, say), _START + timedelta(days=_DAYS + 1))
        after = _tables(place / "data")
        plain, full = _verified(place / "data", full=False), _verified(place / "data", full=True)
        shutil.rmtree(place / "data")
    total, rate = load.facts(), load.windows[-1]["per_s"]
    return {
        "name": name,
        "offered": load.orders,
        "acknowledged": load.orders - load.refused,
        "committed": total,
        "read_back": verified["rows"],
        "missing": total - verified["rows"] + load.refused,
        "doubled": max(0, verified["rows"] - total),
        "per_s": rate,
        **dict.fromkeys(("p50_ms", "p99_ms", "p999_ms", "kernel_us", "drain_s"), 0.0),
        "cpu_us": load.windows[-1]["cpu_us"],
        "cpu_us_by_stage": {},
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "windows": load.windows,
        "facts_an_order": total / load.orders,
        "tables": tables,
        "bytes_an_order": sum(tables.values()) / load.orders,
        "verify_per_s": verified["per_s"],
        "archived": gone | {
            "tables": after,
            "bytes_an_order": (sum(after.values()) + gone["file_bytes"]) / load.orders,
            "verify_s": plain["seconds"],
            "verify_full_s": full["seconds"],
            "verify_full_per_s": (plain["rows"] + gone["rows"]) / full["seconds"],
        },
        "references": {key: {"per_s": value} for key, value in references.items()},
        "ratios": {"append_file": rate / references["append_file"], "scan": verified["per_s"] / references["scan"]},
        "settings": settings._asdict() | {"facts": facts, "days": _DAYS},
        "machine": machine(),
    }  # fmt: skip


async def _loaded(place: Path, clock: Clock, facts: int, say: Say) -> Load:
    centre = _opened(place, clock)
    for shard in centre.bus.shards:
        shard.store._db.pragma("synchronous", "off")  # type: ignore[attr-defined]
    await centre.start()
    load = Load(centre, clock, facts)
    await load.run(say)
    centre.views.flush()
    await centre.tokens.catch_up()
    await centre.stop()
    return load


async def _archived(place: Path, clock: Clock, say: Say) -> dict[str, float]:
    """Archive all but the last days."""
    centre = _opened(place, clock)
    await centre.start()
    await clock.sleep(60)
    until = business_day(_START) + timedelta(days=_DAYS - _LIVE_DAYS - 1)
    began, rows = time.monotonic(), 0
    while done := await centre.archiver.run(until, units=20):
        rows += done
        say(f"{rows:,} rows archived")
    seconds = time.monotonic() - began
    await centre.stop()
    files = [path.stat().st_size for path in (place / "data" / "archive").rglob("*.parquet")]
    return {
        "rows": rows, "per_s": rows / seconds if rows else 0.0, "files": len(files), "file_bytes": sum(files),
        "bytes_a_row": sum(files) / max(1, rows),
    }  # fmt: skip


def _opened(place: Path, clock: Clock) -> Centre:
    return embedded(
        place / "data", place / "conf", clock=clock, entropy=SeededEntropy("growth"), transport=HttpTransport(),
        committer=commit_inline,
    )  # fmt: skip


def _never_by_itself(deadlines: Path) -> None:
    """The nightly upkeep archives nothing here and forgets nothing: both are measured apart."""
    kept = [
        line for line in deadlines.read_text().splitlines() if not line.startswith(("archive_", "forget_"))
    ]
    deadlines.write_text("\n".join([*kept, "archive_after_s: 999999999", "forget_after_s: 999999999", ""]))


def _verified(data: Path, *, full: bool) -> dict[str, Any]:
    began = time.monotonic()
    report = verify_data(data, full=full)
    seconds = time.monotonic() - began
    assert report.clean, report.findings[:5]
    return {"rows": report.rows, "seconds": seconds, "per_s": report.rows / seconds}


def _tables(data: Path) -> dict[str, int]:
    """Bytes by table and index, over all shards, free pages too; and the files beside the shards."""
    sizes = Counter[str]()
    for db in _shards(data):
        sizes.update(dict(db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")))
        sizes["free pages"] += db.pragma("freelist_count") * db.pragma("page_size")
    for name in ("overview.sqlite", "search.sqlite", "tokens.sqlite", "anchors.jsonl"):
        sizes[name] += (data / name).stat().st_size if (data / name).exists() else 0
    return dict(sizes.most_common())


def _append_file(place: Path) -> float:
    """Rows a second of the journal appended to one file, synced every 500."""
    rows = [row for _, row in zip(range(_REFERENCE_ROWS), _rows(place / "data"), strict=False)]
    encode, began = msgspec.msgpack.Encoder().encode, time.monotonic()
    with (place / "reference").open("wb") as file:
        for start in range(0, len(rows), _FSYNC_ROWS):
            file.write(b"".join(map(encode, rows[start : start + _FSYNC_ROWS])))
            file.flush()
            os.fdatasync(file.fileno())
    return len(rows) / (time.monotonic() - began)


def _scan(data: Path) -> float:
    """Rows a second read and hashed by one core."""
    encode, last, n, began = msgspec.msgpack.Encoder().encode, b"", 0, time.monotonic()
    for row in _rows(data):
        last = blake2b(last + encode(row), digest_size=32).digest()
        n += 1
    return n / (time.monotonic() - began)


def _rows(data: Path) -> Iterator[tuple[Any, ...]]:
    for db in _shards(data):
        yield from db.execute("SELECT * FROM journal ORDER BY pos")


def _shards(data: Path) -> Iterator[apsw.Connection]:
    for path in sorted(data.glob("shard-*.sqlite")):
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            yield db
