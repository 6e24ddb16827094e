"""The load generator: a process that keeps a window of requests in flight and counts what comes back.

Plain sockets under epoll with one request outstanding a connection: a loop of three system calls
a request, because every microsecond spent here is missing in the centre on a small machine. It is a closed
loop, so the rate it reaches is the sustained one, and latencies are those under full load. A refusal to be
retried (429, 503) is sent again later and counted.
"""

import gc
import json
import select
import socket
import sys
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.baskets import read_baskets
from bench.wire import WORKLOADS, Keys, requests

MOST_BASKETS: Final = 20_000  # then the first comes again
_READ_BYTES: Final = 65_536
_ACCEPT_S: Final = 0.5
_LAST_ANSWER_S: Final = 30.0  # how long the last answers are waited for
_MOST_RETRIES: Final = (
    100_000  # of one run; a centre that refuses more than that is not sustaining the window
)


@dataclass
class Tally:
    """What one run saw. `answered` holds a byte a request: 1 acknowledged, 2 refused for good, 0 neither."""

    answered: bytearray
    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    sent: int = 0
    measured: int = 0
    retried: int = 0
    refusals: list[str] = field(default_factory=list)


class Broken(Exception):
    """The server closed a connection or did not answer: the run is void."""


def whole(data: bytes) -> bool:
    """Whether `data` is one whole response; both spellings of Content-Length end alike."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = data.find(b"ength: ", 0, end)
    return at > 0 and len(data) >= end + 4 + int(data[at + 7 : data.index(b"\r", at)])


class Load:
    """Sends `wire` over `connections` sockets for `seconds`; figures leave out the first `warm_s` seconds."""

    def __init__(self, address: tuple[str, int], wire: list[bytes], connections: int, marker: bytes) -> None:
        self._wire = wire
        self._marker = marker
        self._poll = select.epoll()
        self._socks: dict[int, socket.socket] = {}
        self._doing: dict[int, int] = {}
        self._sent_at: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self._again: deque[int] = deque()
        self.tally = Tally(bytearray(len(wire)))
        for _ in range(min(connections, len(wire))):
            sock = socket.create_connection(address, timeout=10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(
                None
            )  # with one, Python polls before every call; epoll has already said it is ready
            self._poll.register(sock.fileno(), select.EPOLLIN)
            self._socks[sock.fileno()] = sock
        # libuv accepts one connection a turn of its loop: wait for that before the load makes turns long.
        time.sleep(_ACCEPT_S)

    def run(self, seconds: float, warm_s: float) -> float:
        """The measured seconds: from the end of the warm-up to the last request sent."""
        start = time.perf_counter()
        warm, stop = start + warm_s, start + seconds
        for fd in self._socks:
            self._next(fd, start)
        enough = len(self._wire) // 5  # of a run so fast that its requests are used up during the warm-up
        while self._doing and time.perf_counter() < warm and self.tally.sent < enough:
            self._turn(measure=False)
        warm = time.perf_counter()
        while self._doing and time.perf_counter() < stop and self.tally.sent < len(self._wire):
            self._turn(measure=True)
        end = time.perf_counter()
        while self._doing and time.perf_counter() < end + _LAST_ANSWER_S:
            self._turn(measure=False, send=False)
        if self._doing:
            raise Broken(f"{len(self._doing)} requests were not answered in {_LAST_ANSWER_S:.0f} s")
        return end - warm

    def close(self) -> None:
        self._poll.close()
        for sock in self._socks.values():
            sock.close()

    def _turn(self, *, measure: bool, send: bool = True) -> None:
        """One round over the sockets that have an answer."""
        clock, tally, partial, marker = time.perf_counter, self.tally, self._partial, self._marker
        for fd, _ in self._poll.poll(1.0):
            data = self._socks[fd].recv(_READ_BYTES)
            now = clock()
            if not data:
                raise Broken("the server closed a connection")
            if fd in partial:
                data = partial.pop(fd) + data
            if not whole(data):
                partial[fd] = data
                continue
            number = self._doing.pop(fd)
            if data.startswith(b"HTTP/1.1 2") and marker in data:
                tally.answered[number] = 1
                if measure:
                    tally.measured += 1
                    tally.latencies_s.append(now - self._sent_at[fd])
            else:
                self._refused(number, data)
            if send:
                self._next(fd, now)

    def _next(self, fd: int, now: float) -> None:
        if self._again:
            number = self._again.popleft()
        elif self.tally.sent < len(self._wire):
            number = self.tally.sent
            self.tally.sent += 1
        else:
            return
        self._doing[fd] = number
        self._sent_at[fd] = now
        request = self._wire[number]
        done = self._socks[fd].send(request)
        if done < len(request):
            self._socks[fd].sendall(request[done:])

    def _refused(self, number: int, data: bytes) -> None:
        tally = self.tally
        if data[9:12] in (b"429", b"503") and tally.retried < _MOST_RETRIES:
            tally.retried += 1
            self._again.append(number)
            return
        tally.answered[number] = 2
        if len(tally.refusals) < 5:
            tally.refusals.append(data[:400].decode("utf-8", "replace"))


def report(load: Load, measured_s: float, cpu_s: float, items: int) -> dict[str, Any]:
    tally = load.tally
    ordered = sorted(tally.latencies_s)

    def quantile_ms(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3 if ordered else 0.0

    return {
        "offered": tally.sent * items,
        "acknowledged": tally.answered.count(1) * items,
        "refused": tally.answered.count(2) * items,
        "retried": tally.retried * items,
        "measured_s": measured_s,
        "refusals": tally.refusals,
        "per_s": tally.measured * items / measured_s if measured_s > 0 else 0.0,
        "p50_ms": quantile_ms(0.5),
        "p99_ms": quantile_ms(0.99),
        "p999_ms": quantile_ms(0.999),
        "generator_cpu_us": cpu_s / max(1, tally.sent * items) * 1e6,
    }


def main() -> int:
    """`python -m bench.generator PLAN.json`: prepare the requests, say `ready`, run each target from stdin.

    A target is a JSON line (host, port, connections, seconds, warm_s, most, answered); its report is another.
    """
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_bytes())
    work = WORKLOADS[plan["workload"]]
    baskets = read_baskets(min(plan["count"] * work.items, MOST_BASKETS))
    wire = list(requests(work, plan["count"], baskets.items, Keys(**plan["keys"]), plan["run"]))
    mean_bytes = sum(map(len, wire)) // max(1, len(wire))
    gc.disable()  # nothing here is cyclic, and a pause would be booked on the centre
    print("ready", json.dumps({"baskets": baskets.source, "request_bytes": mean_bytes}), flush=True)
    for line in sys.stdin:
        target: dict[str, Any] = json.loads(line)
        load = Load(
            (target["host"], target["port"]), wire[: target["most"]], target["connections"], work.acknowledged
        )
        cpu = time.process_time()
        measured_s = load.run(target["seconds"], target["warm_s"])
        found = report(load, measured_s, time.process_time() - cpu, work.items)
        load.close()
        Path(target["answered"]).write_bytes(load.tally.answered)
        print("report", json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
