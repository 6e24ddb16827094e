"""How requests reach partners: over HTTP, or in process to handlers that stand where the partners would be.

Both raise exactly two errors, because an effect needs to know exactly one thing of a failure: whether the
request certainly did not arrive (`Unreachable`) or may have (`NoAnswer`). Everything else is an answer.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import certifi
from yarl import URL

from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Unreachable

MAX_CONNECTIONS: Final = 64
MAX_ANSWER_BYTES: Final = 4 * 2**20
CONNECT_WITHIN_S: Final = 5.0

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class HttpTransport:
    """Real HTTP(S). Follows no redirects, reads no proxy settings, takes at most MAX_ANSWER_BYTES.

    URLs are sent as they are written, for a signature may cover them. Use as an async context manager, or call `close`.
    """

    def __init__(self) -> None:
        # Whoever comes while all connections are busy waits here, where its wait does not count as the partner's.
        self._turn: Final = asyncio.Semaphore(MAX_CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        client = self._client()
        try:
            async with self._turn, asyncio.timeout(request.timeout_s):
                return await _exchange(client, request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(_said(error)) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise Unreachable(_said(error)) from error
        except TimeoutError as error:
            raise NoAnswer(f"no whole answer within {request.timeout_s:g} s") from error
        except aiohttp.ClientError as error:
            raise NoAnswer(_said(error)) from error

    def _client(self) -> aiohttp.ClientSession:
        """Made with the first request: it belongs to the loop that is running then, and costs 20 ms of certificates."""
        if self._session is None:
            trusted = ssl.create_default_context()
            trusted.load_verify_locations(
                certifi.where()
            )  # a bare machine may have no authorities of its own
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=trusted),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept-Encoding", "Content-Type"),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> "HttpTransport":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class InProcessTransport:
    """Carries requests to `handlers` by the host (and port) of their URL, `latency_s` each way.

    A request that is given up after its time-out is still carried out by its handler, as on a real network. A
    handler may raise Unreachable or NoAnswer to play a broken line. `overheard` is shown each exchange that took place.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        clock: Clock,
        latency_s: Callable[[str], float] = lambda host: 0.0,
        overheard: Callable[[HttpRequest, HttpResponse], None] = lambda request, response: None,
    ) -> None:
        self._overheard: Final = overheard
        self._handlers: Final = handlers
        self._clock: Final = clock
        self._latency_s: Final = latency_s
        self._given_up: Final[set[asyncio.Task[HttpResponse]]] = set()

    async def send(self, request: HttpRequest) -> HttpResponse:
        host = urlsplit(request.url).netloc
        handler = self._handlers.get(host)
        if handler is None:
            raise Unreachable(f"no such host: {host[:80]}")
        exchange = asyncio.ensure_future(self._exchange(host, handler, request))
        try:
            return await asyncio.wait_for(asyncio.shield(exchange), request.timeout_s)
        except TimeoutError:
            self._given_up.add(exchange)
            exchange.add_done_callback(self._end)
            raise NoAnswer(f"no whole answer within {request.timeout_s:g} s") from None

    async def _exchange(self, host: str, handler: Handler, request: HttpRequest) -> HttpResponse:
        await self._clock.sleep(self._latency_s(host))
        response = await handler(request)
        self._overheard(request, response)
        await self._clock.sleep(self._latency_s(host))
        return response

    def _end(self, exchange: asyncio.Task[HttpResponse]) -> None:
        """Nobody waits for this answer any more; its errors were the asker's time-out."""
        self._given_up.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()


async def _exchange(client: aiohttp.ClientSession, request: HttpRequest) -> HttpResponse:
    async with client.request(
        request.method, URL(request.url, encoded=True), headers=request.headers, data=request.body or None,
        allow_redirects=False,
    ) as response:  # fmt: skip
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise NoAnswer(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, headers, bytes(body))


def _said(error: Exception) -> str:
    """What a transport error may say in a log: its kind, never the URL or the headers."""
    return type(error).__name__
