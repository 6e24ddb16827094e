"""One client's connection to the push port: bytes in, requests to the front door, answers out in the same order.

llhttp parses; its callbacks gather one request at a time. Whatever a stranger can make grow (head, body, requests in
flight, time) ends at a limit with a named refusal. A refused client is let finish sending for a moment before the
connection is closed, for a reset would take the refusal away from it.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections import deque
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NoReturn, cast

import httptools
import msgspec

from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Clock, PushAnswer, PushRequest
from tongdan.surfaces.front_door import STRANGER, FrontDoor, plain_refusal
from tongdan.surfaces.refusals import (
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    MALFORMED,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_IN_FLIGHT,
    TOO_SLOW,
    WRONG_METHOD,
)

OVERFLOW: Final = 128  # connections beyond the limit that are still told so; the rest is cut


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one push port bears. Bodies held at one time are bounded by connections × body_bytes."""

    connections: int = 1_024
    backlog: int = 1_024
    head_bytes: int = 16_384
    headers: int = 64
    body_bytes: int = 1_048_576
    in_flight: int = 256  # unanswered requests of one connection; reading rests at half of it
    request_s: float = 30.0  # from a request's first byte to its last
    idle_s: float = 75.0  # without a request, or without the client taking its answers
    linger_s: float = 2.0  # how long a refused client may go on sending before the connection is cut
    sweep_s: float = 1.0


class Port:
    """What the connections of one port share."""

    def __init__(self, front: FrontDoor, clock: Clock, limits: Limits) -> None:
        self.front: Final = front
        self.clock: Final = clock
        self.limits: Final = limits
        self.connections: Final[set[PushConnection]] = set()
        self.stopping = False
        self.tick()

    def tick(self) -> None:
        """Read the clock for what need not be exact: time-outs and the Date of answers."""
        self.now_s = self.clock.monotonic()
        self.date = format_datetime(self.clock.now(), usegmt=True).encode()

    def leave(self, connection: "PushConnection") -> None:
        self.connections.discard(connection)


class _Stop(Exception):
    """Leaves a parser callback: the request is refused, and nothing behind it is read."""


class _Exchange:
    """A request's place in the order of answers; called with the answer when there is one."""

    __slots__ = ("bodiless", "connection", "last", "payload")

    def __init__(self, connection: "PushConnection", last: bool, bodiless: bool = False) -> None:
        self.connection = connection
        self.last = last
        self.bodiless = bodiless
        self.payload: bytes | None = None

    def __call__(self, answer: PushAnswer) -> None:
        self.connection.answer(self, answer)


class PushConnection(Protocol):
    """One client's connection: a parser, the request it is at, and the answers that are owed, in order."""

    __slots__ = (
        "_began_s", "_begun", "_body", "_body_bytes", "_closing", "_cut_s", "_headers", "_in_body",
        "_linger", "_now", "_owed", "_parser", "_parsing", "_peer", "_port", "_quiet_since_s", "_raw_bytes",
        "_reading", "_refusal", "_stuck", "_transport", "_url",
    )  # fmt: skip

    def __init__(self, port: Port) -> None:
        self._port = port
        self._transport: Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._owed: deque[_Exchange] = deque()
        self._peer = ""
        self._now = port.clock.now()
        self._quiet_since_s = port.now_s
        self._parsing = False
        self._reading = True
        self._stuck = False  # the client does not take its answers
        self._closing = False  # nothing more is read; the connection ends after the last answer
        self._linger = False  # the client may still be sending when it ends
        self._cut_s = 0.0
        self._refusal: Refusal | None = None
        # The request it is at.
        self._begun = False
        self._began_s = 0.0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = self._raw_bytes = 0
        self._in_body = False

    # -- from the transport

    def connection_made(self, transport: BaseTransport) -> None:
        transport = cast(Transport, transport)  # uvloop's is one in all but name
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        connections, limit = self._port.connections, self._port.limits.connections
        connections.add(self)
        if self._port.stopping or len(connections) > limit + OVERFLOW:
            transport.abort()
        elif len(connections) > limit:
            self._end(TOO_MANY_CONNECTIONS.of(limit=limit))

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._now = self._port.clock.now()
        self._quiet_since_s = self._port.now_s
        self._raw_bytes += len(data)
        self._parsing = True
        try:
            self._feed(data)
            if self._begun:
                self._check_unfinished()
        except (_Stop, httptools.HttpParserError):
            if not self._closing:  # else: something behind a last request, which nobody reads
                self._end(self._refusal or MALFORMED.of())
        finally:
            self._parsing = False
        self.flush()
        self._regulate()

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                return self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
                self._decline_offer()

    def _decline_offer(self) -> None:
        """An offer to speak another protocol is declined by answering in this one (RFC 9110, 7.8).

        The parser stops reading at such an offer, so another one hears the same head again without it.
        """
        method, url = self._parser.get_method(), self._url
        if method == b"CONNECT":
            self._stop(WRONG_METHOD.of(allowed="POST"))
        offer = ("connection", "upgrade", "http2-settings")
        kept = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items() if name not in offer)
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, kept.encode("latin-1")))

    def _check_unfinished(self) -> None:
        """Bound what a request may cost that is not complete: the time since it began, and the bytes held for it."""
        limits = self._port.limits
        self._began_s = self._began_s or self._port.now_s
        if not self._in_body and self._raw_bytes > limits.head_bytes:
            self._stop(self._head_too_large())
        if self._raw_bytes > limits.head_bytes + 2 * limits.body_bytes:  # chunks of which most is not body
            self._stop(BODY_TOO_LARGE.of(limit_bytes=limits.body_bytes))

    def eof_received(self) -> bool:
        """The client sends no more. True keeps the way back open for the answers that are owed."""
        self._closing = True
        return bool(self._owed)

    def pause_writing(self) -> None:
        self._stuck = True
        self._regulate()

    def resume_writing(self) -> None:
        self._stuck = False
        self._regulate()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._closing = True
        self._owed.clear()
        self._port.leave(self)

    # -- from the parser

    def on_message_begin(self) -> None:
        self._begun = True
        self._began_s = 0.0
        self._url = b""
        self._headers = {}
        self._body = []
        self._body_bytes = self._raw_bytes = 0
        self._in_body = False

    def on_url(self, part: bytes) -> None:
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            return  # trailers: nobody signs them, nobody reads them
        key, headers = name.decode("latin-1").lower(), self._headers
        if key not in headers:
            headers[key] = value.decode("latin-1")
        elif len(headers[key]) <= self._port.limits.head_bytes:
            headers[key] += ", " + value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_body = True
        headers, limits = self._headers, self._port.limits
        head_bytes = len(self._url) + sum(map(len, headers)) + sum(map(len, headers.values()))
        if head_bytes > limits.head_bytes or len(headers) > limits.headers:
            self._stop(self._head_too_large())
        if (length := headers.get("content-length")) and int(length) > limits.body_bytes:
            self._stop(BODY_TOO_LARGE.of(limit_bytes=limits.body_bytes))
        if "expect" in headers and headers["expect"].lower() == "100-continue" and not self._owed:
            assert self._transport is not None
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._body.append(part)
        self._body_bytes += len(part)
        if self._body_bytes > self._port.limits.body_bytes:
            self._stop(BODY_TOO_LARGE.of(limit_bytes=self._port.limits.body_bytes))

    def on_message_complete(self) -> None:
        parser = self._parser
        if parser.should_upgrade():
            return None  # heard again in a moment, without its offer
        self._begun = False
        headers = self._headers
        keep = parser.should_keep_alive()
        if keep and "connection" in headers and parser.get_http_version() == "1.0":
            keep = False  # HTTP/1.0 would have to be told; it is not worth a header of its own
        method = parser.get_method().decode("latin-1")
        exchange = _Exchange(self, not keep, method == "HEAD")
        self._owed.append(exchange)
        self._closing = not keep
        limits, front = self._port.limits, self._port.front
        if len(self._owed) > limits.in_flight:
            return self._turn_away(exchange, TOO_MANY_IN_FLIGHT.of(limit=limits.in_flight))
        path, _, query = self._url.decode("latin-1").partition("?")
        if path.startswith("http://"):  # a proxy's way of naming it
            path = "/" + path.split("/", 3)[-1]
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return front.handle(PushRequest(method, path, query, headers, body, self._now), exchange, self._peer)

    def _stop(self, refusal: Refusal) -> NoReturn:
        self._refusal = refusal
        raise _Stop

    def _head_too_large(self) -> Refusal:
        limits = self._port.limits
        return HEAD_TOO_LARGE.of(limit_bytes=limits.head_bytes, limit_headers=limits.headers)

    # -- answers

    def answer(self, exchange: _Exchange, answer: PushAnswer) -> None:
        if exchange.payload is not None or self._transport is None:
            return
        if self._closing and exchange is self._owed[-1]:
            exchange.last = True
        head = _head(answer.status, answer.content_type, answer.retry_after_s, exchange.last)
        exchange.payload = _whole(head, self._port.date, answer, exchange.bodiless)
        self.flush()

    def flush(self) -> None:
        """Write every answer whose turn it is, and end the connection if that was the last."""
        owed, transport = self._owed, self._transport
        if self._parsing or transport is None or transport.is_closing():
            return
        if owed and owed[0].payload is not None:
            ready = []
            while owed and (payload := owed[0].payload) is not None:
                owed.popleft()
                ready.append(payload)
            transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
            self._quiet_since_s = self._port.now_s
            if not self._reading:
                self._regulate()
        if self._closing and not owed:
            self._finish(transport)

    def _turn_away(self, exchange: _Exchange, refusal: Refusal) -> None:
        meters = self._port.front.meters
        meters.turned_away.add(STRANGER, refusal.name)
        meters.pushes.add(STRANGER, str(refusal.status))
        exchange(plain_refusal(refusal))

    # -- limits and endings

    def _regulate(self) -> None:
        """Read on only while the client takes its answers and not too many are owed."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        full = len(self._owed) > self._port.limits.in_flight // (2 if self._reading else 4)
        if self._reading and (full or self._stuck):
            self._reading = False
            transport.pause_reading()
        elif not self._reading and not full and not self._stuck:
            self._reading = True
            transport.resume_reading()

    def check(self, now_s: float) -> None:
        """The sweep's call: end what has taken longer than its limit."""
        transport, limits = self._transport, self._port.limits
        if transport is None:
            return
        quiet_s = now_s - self._quiet_since_s
        if self._cut_s:
            if now_s >= self._cut_s:
                transport.abort()
        elif self._owed:
            if self._stuck and quiet_s >= limits.idle_s:
                transport.abort()
        elif self._begun and not self._closing:
            if now_s - self._began_s >= limits.request_s:
                self._end(TOO_SLOW.of(within_s=f"{limits.request_s:g}"))
        elif quiet_s >= limits.idle_s:
            if transport.is_closing():
                transport.abort()
            transport.close()

    def retire(self) -> None:
        """Take no more requests; end when what was taken is answered."""
        self._closing = True
        self.flush()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _end(self, refusal: Refusal) -> None:
        """Refuse what is on the wire and read no further: where the next request would begin is not known."""
        self._closing = self._linger = True
        exchange = _Exchange(self, last=True)
        self._owed.append(exchange)
        self._turn_away(exchange, refusal)

    def _finish(self, transport: Transport) -> None:
        """Close. A client still sending would lose its answer to a reset: it is let finish, within `linger_s`."""
        if not self._linger:
            transport.close()
        elif not self._cut_s:
            self._cut_s = self._port.now_s + self._port.limits.linger_s
            self._regulate()
            transport.write_eof()


@lru_cache(maxsize=256)
def _head(status: int, content_type: str, retry_after_s: int, last: bool) -> bytes:
    """Everything of an answer's head that its like have in common, up to its date."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {phrase}", f"Content-Type: {content_type}"]
    if retry_after_s:
        lines.append(f"Retry-After: {retry_after_s}")
    if status == 405:
        lines.append("Allow: POST")
    if last:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "Date: "]).encode()


def _whole(head: bytes, date: bytes, answer: PushAnswer, bodiless: bool) -> bytes:
    if answer.status == 204:
        return b"%b%b\r\n\r\n" % (head, date)
    body = answer.body
    return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, date, len(body), b"" if bodiless else body)
