"""A crowd of honest clients: orders come at a rate that is not theirs to choose, whatever the centre says.

An order that is due is sent as soon as a line has room. A 429 or 503 is obeyed: the client waits for what Retry-After
says, twice as long after each further refusal (at most LONGEST_S), and sends the same order again, signed anew. When
no more orders come it goes on until the last one is acknowledged. Latencies count from the moment an order was due, so
all the waiting is in them. Orders are put together while they are sent: a burst's worth of them would not fit memory.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from bench.baskets import read_baskets
from bench.line import Answer, Lines, post
from bench.partners import signed
from bench.tally import Seconds, quantile_ms
from bench.wire import own_native, receiver_of

MOST_BASKETS: Final = 20_000
TICK_S: Final = 0.002
LONGEST_S: Final = 30.0  # between two attempts
SPREAD: Final = 0.25  # of a wait, added by an order's number, so that not all come back in one moment
_ERROR: Final = re.compile(rb'"error":"([^"]+)"')


class Burst(NamedTuple):
    """`last_s`: how long after the burst the last acknowledgement is waited for."""

    port: int
    run: str
    per_s: float
    seconds: float
    last_s: float
    connections: int
    depth: int
    acknowledged: str


class Crowd:
    """One burst. `answered` holds a byte an order: 1 acknowledged, 2 refused for good, 0 neither."""

    def __init__(self, burst: Burst, bodies: list[bytes], path: str, secret: bytes) -> None:
        self._burst = burst
        self._bodies = bodies
        self._path, self._secret = path, secret
        self._offered = self._over = 0
        self._answered = bytearray()
        self._refused: Counter[str] = Counter()
        self._fatal: list[str] = []
        self._seconds = Seconds()
        self._all_s = 0.0

    async def run(self) -> dict[str, Any]:
        """Raises line.Broken when the server closes a connection."""
        burst = self._burst
        self._lines = Lines("127.0.0.1", burst.port, burst.connections, burst.depth)
        await self._lines.connect()
        cpu_s, self._began_s = time.process_time(), time.monotonic()
        coming = asyncio.create_task(self._come())
        await asyncio.wait({coming, self._lines.broken}, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            coming.result()  # its mistake, if it made one
        coming.cancel()
        took_s = self._since()
        self._lines.close()
        if self._lines.broken.done():
            self._lines.broken.result()
        return self._report(took_s, time.process_time() - cpu_s)

    def _since(self) -> float:
        return time.monotonic() - self._began_s

    async def _come(self) -> None:
        burst, told = self._burst, 0
        while (since_s := self._since()) < burst.seconds + burst.last_s:
            due = int(min(since_s, burst.seconds) * burst.per_s)
            while self._offered < due:
                self._answered.append(0)
                self._seconds.count(self._offered / burst.per_s, "offered")
                self._send(self._offered, 0)
                self._offered += 1
            if since_s >= burst.seconds and self._over >= self._offered:
                return
            if int(since_s) > told:
                told = int(since_s)
                print("second", json.dumps(self._progress(told)), flush=True)
            await asyncio.sleep(TICK_S)

    def _progress(self, second: int) -> dict[str, int]:
        acknowledged = self._over - len(self._fatal)
        refused = self._refused.total()
        return {"second": second, "offered": self._offered, "acknowledged": acknowledged, "refusals": refused}

    def _send(self, number: int, tries: int) -> None:
        def done(answer: Answer) -> None:
            if 200 <= answer.status < 300:
                self._acknowledged(number)
            else:
                self._turned_away(number, tries + 1, answer)

        self._lines.ask(lambda: self._order(number, tries), done)

    def _order(self, number: int, tries: int) -> bytes:
        native = own_native(number, self._burst.run)
        body = b'{"order_no":"%b",%b' % (native.encode(), self._bodies[number % len(self._bodies)])
        return post(self._path, signed(self._secret, f"{native}-{tries}", body), body)

    def _acknowledged(self, number: int) -> None:
        due_s, self._all_s = number / self._burst.per_s, self._since()
        self._over += 1
        self._answered[number] = 1
        self._seconds.observe(due_s, "due", self._all_s - due_s)
        self._seconds.count(self._all_s, "acknowledged")

    def _turned_away(self, number: int, tries: int, answer: Answer) -> None:
        error = _ERROR.search(answer.body)
        kind = f"{answer.status} {error[1].decode() if error else ''}".strip()
        self._refused[kind] += 1
        self._seconds.count(self._since(), "refused")
        if answer.status not in (429, 503):
            self._over += 1
            self._answered[number] = 2
            self._fatal.append(f"{kind} {answer.body[:300].decode('utf-8', 'replace')}")
            return
        wait_s = min(LONGEST_S, (answer.retry_after_s or 1.0) * 2 ** (tries - 1))
        wait_s *= 1 + SPREAD * (number % 100) / 100
        asyncio.get_running_loop().call_later(wait_s, self._send, number, tries)

    def _report(self, took_s: float, cpu_s: float) -> dict[str, Any]:
        burst = self._burst
        whole = int(burst.seconds + burst.last_s) + 1
        waits_s = self._seconds.samples("due", 0, whole)
        Path(burst.acknowledged).write_bytes(self._answered)
        return {
            "offered": self._offered,
            "offered_per_s": burst.per_s,
            "acknowledged": self._answered.count(1),
            "refused": len(self._fatal),
            "refusals": self._fatal[:5],
            "turned_away": dict(self._refused),
            "acknowledged_after_s": max(0.0, self._all_s - burst.seconds),
            "per_s": self._answered.count(1) / max(self._all_s, burst.seconds),
            "p50_ms": quantile_ms(waits_s, 0.5),
            "p99_ms": quantile_ms(waits_s, 0.99),
            "p999_ms": quantile_ms(waits_s, 0.999),
            "took_s": took_s,
            "generator_cores": cpu_s / took_s,
            "generator_cpu_us": cpu_s / max(1, self._offered) * 1e6,
            "by_second": self._seconds.table(("offered", "acknowledged", "refused", "due")),
        }


def bodies(count: int) -> list[bytes]:
    """Everything of an order behind its number, for `count` baskets."""
    placed_at = datetime.now(UTC).isoformat(timespec="seconds")
    found = []
    for at, basket in enumerate(read_baskets(count).items):
        order = {
            "user": basket.buyer,
            "placed_at": placed_at,
            "amount_fen": basket.amount_fen,
            "lines": [line._asdict() for line in basket.lines],
            "receiver": receiver_of(at),
        }
        found.append(json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()[1:])
    return found


def main() -> None:
    """`python -m bench.crowd PATH SECRET`: `ready`, then a report for each burst (a JSON line) of the input."""
    path, secret = sys.argv[1], sys.argv[2].encode()
    made = bodies(MOST_BASKETS)
    print("ready", flush=True)
    for line in sys.stdin:
        burst = Burst(**json.loads(line))
        print("report", json.dumps(uvloop.run(Crowd(burst, made, path, secret).run())), flush=True)


if __name__ == "__main__":
    main()
