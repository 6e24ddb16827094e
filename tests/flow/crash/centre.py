"""An order centre as a process of its own that can be made to die: what the crash tests start, kill and start again.

It is put together as in production (uvloop, push port, SQLite files, commits in threads, HTTP to its partners). The
tests' own are a probe that kills the process at the n-th passing of a named point, and a clock that signals set back by
an hour (SIGUSR1) and right again (SIGUSR2). It says "ready" when it listens, "stopped" when it has ended in order.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvloop

from tongdan.adapters.clock import SystemClock
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.keys import stock_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow import wakeups
from tongdan.flow.shard import Probe, no_probe
from tongdan.ports import Inbound
from tongdan.profile import Centre, DataInUse, embedded
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.intake import PushPort
from tongdan.surfaces.waits import WAITS

ARTICLES: Final = 200  # what the seeded retail model sells: A0000 to A0199
ON_HAND: Final = 1_000_000  # of each article in each warehouse
COUNTED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
IN_USE: Final = 3  # exit code: the data directory belongs to another process


class SteppedClock(SystemClock):
    """The machine's clock, which can be set while it runs. Durations are not touched, as on a real machine."""

    def __init__(self) -> None:
        self._set_by = timedelta()

    def now(self) -> datetime:
        return super().now() + self._set_by

    def set_by(self, hours: int) -> None:
        self._set_by = timedelta(hours=hours)


def die_at(spec: str) -> Probe:
    """`"relay:3"`: a probe that kills its own process at the third passing of the point; "" never does."""
    if not spec:
        return no_probe
    fatal, _, passing = spec.rpartition(":")
    left = int(passing)

    def probe(point: str) -> None:
        nonlocal left
        left -= point == fatal
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return probe


def count_key(warehouse: str, article: int) -> tuple[str, ...]:
    return ("crash-test", "count", warehouse, str(article))


async def count_stock(centre: Centre) -> None:
    """Tell it, once, what lies in the warehouses."""
    if centre.reads.order(stock_key(f"A{ARTICLES - 1:04d}")) is not None:
        return
    counts = [
        Inbound(
            command=CountStock(sku=f"A{n:04d}", warehouse=code, on_hand=ON_HAND, counted_at=COUNTED_AT),
            key=count_key(code, n),
            source="wms/qimen",
            shop="",
            happened_at=COUNTED_AT,
            raw=b"",
        )
        for n in range(ARTICLES)
        for code in centre.policy.warehouses
    ]
    for reply in await asyncio.gather(*map(centre.bus.ask, counts)):
        if isinstance(reply, Refusal):
            raise RuntimeError(f"a stock count was refused: {reply.name}")


async def serve(data: Path, conf: Path, port: int, probe: Probe) -> None:
    clock, told_to_stop, loop = SteppedClock(), asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told_to_stop.set)
    loop.add_signal_handler(signal.SIGUSR1, clock.set_by, -1)
    loop.add_signal_handler(signal.SIGUSR2, clock.set_by, 0)
    vars(wakeups)["LONGEST_SLEEP_S"] = 2.0  # how soon a clock set forward is noticed; in production a minute
    centre = embedded(data, conf, clock=clock, probe=probe)
    await centre.start()
    await count_stock(centre)
    push_port = PushPort(FrontDoor(centre.doors, centre.bus, clock, centre.meters, WAITS), clock)
    await push_port.start("127.0.0.1", port)
    print("ready", flush=True)
    await told_to_stop.wait()
    in_time = await push_port.stop()
    await centre.stop()
    print("stopped" if in_time else "stopped with connections left", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("conf", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--die-at", default="", metavar="POINT:PASSING")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    try:
        uvloop.run(serve(given.data, given.conf, given.port, die_at(given.die_at)))
    except DataInUse as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return IN_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
