"""The ceiling: an intake that does nothing but make the same bytes durable before it answers.

The same HTTP technique as the centre's push port (uvloop, httptools, no task a request) in front of an
append-only file: bodies gather while one fdatasync is under way, then go out together. It authenticates
nothing, understands nothing and can find nothing again, so no order centre in this language on this machine
can be faster.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final, cast

import httptools
import uvloop

_BODY: Final = b'{"code":0,"msg":"success"}'
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class Log:
    """Group commit: whoever arrives while the disk is busy goes with the next write."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._gathered: list[tuple[bytes, asyncio.Transport]] = []
        self._busy = False

    def add(self, body: bytes, who: asyncio.Transport) -> None:
        self._gathered.append((body, who))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        batch, self._gathered = self._gathered, []
        work = asyncio.get_running_loop().run_in_executor(
            None, self._write, b"\n".join(b for b, _ in batch) + b"\n"
        )
        work.add_done_callback(lambda done: self._finish(done, batch))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        os.fdatasync(self._fd)

    def _finish(self, done: "asyncio.Future[None]", batch: list[tuple[bytes, asyncio.Transport]]) -> None:
        done.result()
        for _, who in batch:
            who.write(_ANSWER)
        if self._gathered:
            self._start()
        else:
            self._busy = False


class Intake(asyncio.Protocol):
    def __init__(self, log: Log) -> None:
        self._log = log
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's transports do not inherit from asyncio's

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._log.add(b"".join(self._body), self._transport)
        self._body.clear()


async def serve(path: Path) -> None:
    log = Log(path)
    server = await asyncio.get_running_loop().create_server(lambda: Intake(log), "127.0.0.1", 0, backlog=1024)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
