"""`python -m bench.reconcile`: how long a day of 100,000 orders takes beside finance's list, and where the time goes.

The orders are told to a centre through its bus (not measured). Finance's list is theirs less the first `--differ`, and
as many strangers; it is compared as objects (what a file is after it was read), read through connections of its own.
Prints seconds and writes build/bench/reconcile.json.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.processes import ROOT, machine
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.policy_files import load_conf
from tongdan.domain.finance.books import Entry, Terms, compare
from tongdan.domain.finance.causes import wanted
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Person, Refusal
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line
from tongdan.flow.finance_desk import FinanceDesk
from tongdan.ports import Accepted, Inbound, Reply
from tongdan.profile import embedded, reading

CONF: Final = ROOT / "conf"
AT_ONCE: Final = 2_000
FEN: Final = 9_900


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reconcile", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--differ", type=int, default=7)
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        found = asyncio.run(_measure(Path(place), asked.orders, asked.differ))
    out = ROOT / "build" / "bench" / "reconcile.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0


async def _measure(data: Path, orders: int, differ: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    ids = await _told(data, orders, now)
    day, reads, clock = business_day(now), reading(data), SystemClock()
    entries = [Entry(name=id, day=day, amount_fen=FEN) for id in ids[differ:]]
    entries += [Entry(name=f"X{n}", day=day, amount_fen=FEN) for n in range(differ)]
    desk = FinanceDesk(reads, [], load_conf(CONF).policy, Terms(), clock, SystemEntropy())
    began = time.perf_counter()
    found = await desk.reconcile(day, entries=entries)
    whole_s = time.perf_counter() - began
    assert not isinstance(found, Refusal), found.en
    stages = await _stages(desk, day, entries)
    return {
        "machine": machine(),
        "orders": found.bridge.ours[0],
        "entries": found.bridge.theirs[0],
        "differences": len(found.findings),
        "unexplained": found.bridge.residue.found,
        "journal_rows": reads.counts()["journal_rows"],
        "seconds": round(whole_s, 2),
        "of_which": stages,
    }


async def _stages(desk: FinanceDesk, day: Any, entries: list[Entry]) -> dict[str, float]:
    """The same once more, step by step."""
    took: dict[str, float] = {}
    began = time.perf_counter()

    def done(name: str) -> None:
        nonlocal began
        took[name] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()

    ours = await desk._ours(day, "")
    done("walk the audit trail")
    theirs = await desk._named(entries)
    done("find whose numbers they are")
    compared = compare(day, ours, theirs)
    done("compare")
    await desk._evidence(wanted(compared))
    done("look at what differs")
    return took


async def _told(data: Path, orders: int, now: datetime) -> list[str]:
    centre = embedded(data, CONF)
    ids = list[str]()
    for at in range(0, orders, AT_ONCE):
        some = list(_orders(range(at, min(orders, at + AT_ONCE)), now))
        replies: list[Reply] = await asyncio.gather(*map(centre.bus.ask, some))
        ids += [reply.aggregate for reply in replies if isinstance(reply, Accepted)]
    await centre.stop()
    assert len(ids) == orders
    return ids


def _orders(numbers: range, now: datetime) -> Iterator[Inbound]:
    for n in numbers:
        at = now - timedelta(seconds=1)
        line = Line(no=1, sku=f"S{n % 200}", units=1, amount_fen=FEN, title="")
        detail = RecordDetail(
            channel="DY", shop="dy-main", native=f"{7_000_000_000 + n}", native_status="2", said_at=at, lines=(line,),
            amount_fen=FEN, placed_at=at, paid_at=at, region="浙江", person=Person(name="张三", phone="13800000000"),
        )  # fmt: skip
        yield Inbound(
            command=detail, key=("bench", str(n)), source="channel/DY", shop="dy-main", happened_at=at, raw=b"{}" * 400
        )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
