"""Partners as real HTTP servers on loopback ports, for runs in which the centre speaks over the network.

The same handlers serve in process and here. A handler that raises Unreachable or NoAnswer has its
connection cut without an answer, which is what the other side of a broken line sees.
"""

import asyncio
import socket
from email.utils import formatdate
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

from tongdan.adapters.transport import Handler
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer, Unreachable

MAX_BODY_BYTES: Final = 4 * 2**20
_REASONS: Final = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class Hosted:
    """Handlers listening on loopback ports; `urls` tells where, by the name they were given."""

    def __init__(self) -> None:
        self.urls: Final[dict[str, str]] = {}
        self._servers: Final[dict[str, asyncio.Server]] = {}
        self._connections: Final[set[_Connection]] = set()

    async def add(self, name: str, handler: Handler, port: int | socket.socket = 0) -> str:
        """Serve `handler` on 127.0.0.1:`port` (0: any free one), or on a socket; returns its base URL."""
        listening = socket.create_server(("127.0.0.1", port)) if isinstance(port, int) else port
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(handler, name, self._connections), sock=listening
        )
        self._servers[name] = server
        self.urls[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self.urls[name]

    async def leave(self, name: str) -> socket.socket:
        """Refuse whoever calls there; returns a socket that keeps the port, with which it can be `add`ed again."""
        port = self._servers[name].sockets[0].getsockname()[1]
        await self._end([self._servers.pop(name)], [each for each in self._connections if each.name == name])
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        return held

    async def close(self) -> None:
        await self._end(list(self._servers.values()), list(self._connections))

    async def _end(self, servers: "list[asyncio.Server]", connections: "list[_Connection]") -> None:
        for server in servers:
            server.close()
        for connection in connections:
            connection.cut()
        for server in servers:
            await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One connection: requests are answered in the order they came."""

    def __init__(self, handler: Handler, name: str, connections: "set[_Connection]") -> None:
        self._handler: Final = handler
        self.name: Final = name
        self._connections: Final = connections
        self._transport: asyncio.Transport | None = None
        self._parser: Final = httptools.HttpRequestParser(self)
        self._requests: Final[asyncio.Queue[HttpRequest]] = asyncio.Queue(maxsize=1_000)
        self._worker: asyncio.Task[None] | None = None
        self._busy = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._connections.add(self)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        idle = not self._busy and self._requests.empty()  # what was asked is carried out, heard or not
        if self._worker is not None and idle:
            self._worker.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, asyncio.QueueFull, ValueError):
            self.cut()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # what httptools calls

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY_BYTES:
            raise ValueError("the body is too large")

    def on_message_complete(self) -> None:
        url = f"http://{self._headers.get('host', self.name)}{self._url.decode('latin-1')}"
        method = self._parser.get_method().decode()
        self._requests.put_nowait(
            HttpRequest(method=method, url=url, headers=self._headers, body=bytes(self._body))
        )
        self._begin()

    async def _work(self) -> None:
        assert self._transport is not None
        while not (self._transport.is_closing() and self._requests.empty()):
            self._busy = False
            request = await self._requests.get()
            self._busy = True
            try:
                self._write(await self._answered(request))
            except (Unreachable, NoAnswer):
                self.cut()

    async def _answered(self, request: HttpRequest) -> HttpResponse:
        """What a health check asks of any server is nothing that a partner has."""
        if request.method == "GET" and urlsplit(request.url).path == "/":
            return HttpResponse(404, {}, b"")
        return await self._handler(request)

    def _write(self, response: HttpResponse) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        reason = _REASONS.get(response.status, "Status")
        lines = [f"HTTP/1.1 {response.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        lines += [f"date: {formatdate(usegmt=True)}", f"content-length: {len(response.body)}", "", ""]
        self._transport.write("\r\n".join(lines).encode("latin-1") + response.body)
