"""HTTP/1.1 as cheap as it can be said: pipelined lines to a server, and a desk that answers at once.

Both ends of every exchange here are known and write a Content-Length, so a message is split off by two searches
instead of a parser. A line keeps many requests in flight; answers come back in order, each to whoever asked. A line
that breaks voids the run: what was lost with it could not be told from what the centre lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, cast

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"ength: "  # of Content-Length, in either spelling
_RETRY: Final = b"\r\nRetry-After: "


class Answer(NamedTuple):
    """`retry_after_s` is 0 where the server names no time."""

    status: int
    retry_after_s: float
    body: bytes


Make = Callable[[], bytes]
Done = Callable[[Answer], None]


class Broken(Exception):
    """A server closed a connection: the run is void."""


def split(buffer: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Take whole messages (head, body) off the front of `buffer`."""
    while (end := buffer.find(_END)) >= 0:
        at = buffer.find(_LENGTH, 0, end)
        body_bytes = int(buffer[at + len(_LENGTH) : buffer.find(b"\r", at)]) if at >= 0 else 0
        whole = end + 4 + body_bytes
        if len(buffer) < whole:
            return
        head, body = bytes(buffer[:end]), bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        yield head, body


class Line(asyncio.Protocol):
    """One connection to a server: requests go out as they come, answers return in the same order."""

    def __init__(self, pool: "Lines") -> None:
        self._pool = pool
        self._buffer = bytearray()
        self._going: list[bytes] = []
        self._transport: asyncio.Transport
        self.owed: deque[Done] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.lost(self)

    def send(self, request: bytes, done: Done) -> None:
        """What is sent within one turn of the loop goes out in one write."""
        self.owed.append(done)
        if not self._going:
            asyncio.get_running_loop().call_soon(self._write)
        self._going.append(request)

    def _write(self) -> None:
        self._transport.write(b"".join(self._going))
        self._going.clear()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for head, body in split(self._buffer):
            self.owed.popleft()(_answer(head, body))
            self._pool.free(self)

    def close(self) -> None:
        self._transport.close()


class Lines:
    """`connections` lines of at most `depth` requests each; what finds them all full waits for its turn."""

    def __init__(self, host: str, port: int, connections: int, depth: int) -> None:
        self._where = (host, port)
        self._count, self._depth = connections, depth
        self._lines: list[Line] = []
        self._next = 0
        self._open = connections * depth
        self._waiting: deque[tuple[Make, Done]] = deque()
        self._closing = False
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, line = await loop.create_connection(lambda: Line(self), *self._where)
            self._lines.append(line)

    def ask(self, make: Make, done: Done) -> None:
        """Send what `make` gives, made (and signed) in the moment it is sent."""
        if not self._open:
            self._waiting.append((make, done))
            return
        self._open -= 1
        line = self._lines[self._next]
        while len(line.owed) >= self._depth:
            self._next = (self._next + 1) % self._count
            line = self._lines[self._next]
        self._next = (self._next + 1) % self._count
        line.send(make(), done)

    def free(self, line: Line) -> None:
        if self._waiting:
            make, done = self._waiting.popleft()
            line.send(make(), done)
        else:
            self._open += 1

    def lost(self, line: Line) -> None:
        if not self._closing and not self.broken.done():
            self.broken.set_exception(
                Broken(f"the server closed a connection with {len(line.owed)} in flight")
            )

    def close(self) -> None:
        self._closing = True
        for line in self._lines:
            line.close()


class Desk(asyncio.Protocol):
    """A server's connection: `answer(head, body)` makes the whole response, at once."""

    def __init__(self, answer: Callable[[bytes, bytes], bytes]) -> None:
        self._answer = answer
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for head, body in split(self._buffer):
            self._transport.write(self._answer(head, body))


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: centre",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def response(status: str, headers: dict[str, str], body: bytes) -> bytes:
    """A response as bytes; `status` with its reason."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _answer(head: bytes, body: bytes) -> Answer:
    at = head.find(_RETRY)
    if at < 0:
        return Answer(int(head[9:12]), 0.0, body)
    end = head.find(b"\r", at + 2)
    return Answer(int(head[9:12]), float(head[at + len(_RETRY) : end if end > 0 else None]), body)
