"""The push port over real sockets: order, limits, garbage and endings, one promise a test."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
import uvloop
from tests.surfaces.conftest import SmallBus, SmallDoor

from tongdan.adapters.clock import SystemClock
from tongdan.flow.meters import Meters
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.intake import Limits, PushPort

pytestmark = pytest.mark.server

WITHIN_S = 5.0


@pytest.fixture(
    params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """The same promises on both loops."""
    policy: asyncio.AbstractEventLoopPolicy = request.param
    return policy


class Client:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WITHIN_S)).decode()
        status = int(head.split(" ", 2)[1])
        headers = {k.lower(): v for k, v in re.findall(r"(?m)^([^:\r\n]+): ([^\r]*)", head)}
        length = int(headers.get("content-length", "0"))
        return status, headers, await asyncio.wait_for(self.reader.readexactly(length), WITHIN_S)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), WITHIN_S)


@asynccontextmanager
async def client(port: PushPort) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*port.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until `holds()`, and fail if it never does."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def post(native: str = "A1", *, extra: str = "", path: str = "/push/small/") -> bytes:
    body = f'["{native}"]'
    return (
        f"POST {path} HTTP/1.1\r\nHost: t\r\nX-Sign: right\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def error_of(body: bytes) -> str:
    found: dict[str, str] = msgspec.json.decode(body)
    assert set(found) == {"error", "message", "message_zh"}
    return found["error"]


# -- order


async def test_a_connection_is_kept_and_serves_one_request_after_another(
    port: PushPort, bus: SmallBus
) -> None:
    async with client(port) as c:
        for n in range(3):
            await c.send(post(f"A{n}"))
            status, headers, body = await c.answer()
            assert (status, body) == (200, f'{{"code":0,"orders":["order-{n + 1}"]}}'.encode())
            assert headers["content-type"] == "application/json" and headers["date"].endswith("GMT")
    assert len(bus.committed) == 3


async def test_pipelined_requests_are_answered_in_their_order_though_committed_in_another(
    port: PushPort, bus: SmallBus
) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(post("A1") + post("A2", path="/nowhere/at/all") + post("A3"))
        await eventually(lambda: len(bus.held) == 2)
        bus.held.reverse()
        bus.release()
        answers = [await c.answer() for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 404, 200]
    assert [b"order-2" in answers[0][2], b"order-1" in answers[2][2]] == [True, True]


async def test_a_request_in_single_bytes_is_one_request(port: PushPort, bus: SmallBus) -> None:
    async with client(port) as c:
        for byte in post("A1", extra="X-Long: abcdefgh\r\n"):
            await c.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await c.answer())[0] == 200
    assert [m.raw for m in bus.committed] == [b"A1"]


async def test_a_chunked_body_is_put_together_and_its_trailers_are_no_headers(
    port: PushPort, bus: SmallBus
) -> None:
    head = b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nX-Sign: right\r\n\r\n"
    async with client(port) as c:
        await c.send(head + b'2\r\n["\r\n3\r\nA1"\r\n1\r\n]\r\n0\r\nX-Sign: wrong\r\n\r\n' + post("A2"))
        assert [(await c.answer())[0] for _ in range(2)] == [200, 200]
    assert [m.raw for m in bus.committed] == [b"A1", b"A2"]


async def test_eight_connections_with_copies_of_one_push_get_one_effect_and_one_answer(
    port: PushPort, bus: SmallBus
) -> None:
    async def one() -> bytes:
        async with client(port) as c:
            await c.send(post())
            return (await c.answer())[2]

    assert set(await asyncio.gather(*[one() for _ in range(8)])) == {b'{"code":0,"orders":["order-1"]}'}
    assert len(bus.committed) == 1


async def test_a_header_given_twice_reaches_the_door_as_both(port: PushPort, bus: SmallBus) -> None:
    async with client(port) as c:
        await c.send(post(extra="X-Sign: right\r\n"))
        assert (await c.answer())[0] == 401
    assert bus.committed == []


async def test_expect_continue_is_answered_before_the_body(port: PushPort) -> None:
    head, body = post(extra="Expect: 100-continue\r\n").split(b"\r\n\r\n")
    async with client(port) as c:
        await c.send(head + b"\r\n\r\n")
        assert (await c.answer())[0] == 100
        await c.send(body)
        assert (await c.answer())[0] == 200


async def test_an_offer_of_http_2_is_declined_by_answering_in_http_1(port: PushPort, bus: SmallBus) -> None:
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    async with client(port) as c:
        await c.send(post("A1", extra=offer) + post("A2", extra=offer) + post("A3"))
        assert [(await c.answer())[0] for _ in range(3)] == [200, 200, 200]
    assert [m.raw for m in bus.committed] == [b"A1", b"A2", b"A3"]


async def test_an_absolute_address_is_as_good_as_a_path(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(post(path="http://centre.example:8080/push/small/?wait=x"))
        assert (await c.answer())[0] == 200


# -- endings


async def test_connection_close_is_honoured(port: PushPort, bus: SmallBus) -> None:
    async with client(port) as c:
        await c.send(post("A1", extra="Connection: close\r\n") + post("A2"))
        status, headers, _ = await c.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await c.rest() == b""
    assert len(bus.committed) == 1


async def test_http_1_0_is_answered_and_closed(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(post(extra="Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (await c.answer())[0] == 200
        assert await c.rest() == b""


async def test_a_half_closed_connection_still_gets_its_answers(port: PushPort, bus: SmallBus) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(post("A1") + post("A2"))
        c.writer.write_eof()
        await eventually(lambda: len(bus.held) == 2)
        bus.release()
        assert [(await c.answer())[0] for _ in range(2)] == [200, 200]
        assert await c.rest() == b""


async def test_a_client_that_leaves_before_its_answer_takes_nothing_with_it(
    port: PushPort, bus: SmallBus
) -> None:
    bus.holding = True
    async with client(port) as gone:
        await gone.send(post("A1"))
        await eventually(lambda: bool(bus.held))
        reset = struct.pack("ii", 1, 0)
        gone.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    await eventually(lambda: not port.connections)
    bus.holding = False
    bus.release()
    async with client(port) as c:
        await c.send(post("A1"))
        assert b"order-1" in (await c.answer())[2]
    assert len(bus.committed) == 1


async def test_head_gets_no_body(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(b"HEAD /push/small/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        head = await c.rest()
    assert head.startswith(b"HTTP/1.1 405 ") and b"\r\nAllow: POST\r\n" in head and head.endswith(b"\r\n\r\n")


async def test_stopping_answers_what_was_accepted_and_then_closes(port: PushPort, bus: SmallBus) -> None:
    bus.holding = True
    address = port.address
    async with client(port) as busy, client(port) as idle:
        await busy.send(post("A1"))
        await eventually(lambda: bool(bus.held))
        stopped = asyncio.create_task(port.stop(grace_s=2.0))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*address)
        bus.release()
        status, headers, _ = await busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await busy.rest() == b""
        assert await stopped is True
    assert len(bus.committed) == 1


async def test_stopping_cuts_what_cannot_be_answered_within_its_grace(port: PushPort, bus: SmallBus) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(post("A1"))
        await eventually(lambda: bool(bus.held))
        assert await port.stop(grace_s=0.05) is False
        assert await c.rest() == b""


# -- limits


async def test_a_body_too_large_is_413_before_it_is_sent(
    port: PushPort, bus: SmallBus, meters: Meters
) -> None:
    async with client(port) as c:
        await c.send(b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nContent-Length: 70000\r\n\r\n")
        status, headers, body = await c.answer()
        assert (status, error_of(body), headers["connection"]) == (413, "body-too-large", "close")
    assert bus.committed == []
    assert meters.turned_away["stranger", "body-too-large"] == 1


async def test_a_client_that_sends_its_large_body_all_the_same_still_reads_the_413(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(
            b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000
        )
        assert (await c.answer())[0] == 413
        assert await c.rest() == b""


async def test_a_chunked_body_ends_at_the_limit_too(port: PushPort, bus: SmallBus) -> None:
    async with client(port) as c:
        await c.send(b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        await c.send(b"10001\r\n" + b"x" * 0x10001 + b"\r\n")
        assert error_of((await c.answer())[2]) == "body-too-large"
    assert bus.committed == []


async def test_chunks_that_are_mostly_not_body_end_at_a_limit(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            await c.send(b"1;" + b"e" * 4_000 + b"\r\nx\r\n")
        assert error_of((await c.answer())[2]) == "body-too-large"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /push/small/?" + b"q" * 5_000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nX-Long: " + b"v" * 5_000,
        b"POST /push/small/ HTTP/1.1\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(30)) + b"\r\n",
    ],
    ids=["path", "value without end", "many headers"],
)
async def test_a_head_too_large_is_431(port: PushPort, head: bytes) -> None:
    async with client(port) as c:
        for start in range(0, len(head), 500):
            await c.send(head[start : start + 500])
            await asyncio.sleep(0.001)
        status, _, body = await c.answer()
        assert (status, error_of(body)) == (431, "head-too-large")


async def test_more_connections_than_the_limit_are_told_so(port: PushPort, limits: Limits) -> None:
    kept = [await asyncio.open_connection(*port.address) for _ in range(limits.connections)]
    await eventually(lambda: port.connections == limits.connections)
    async with client(port) as c:
        await c.send(post())
        status, headers, body = await c.answer()
        assert (status, error_of(body)) == (503, "too-many-connections")
        assert headers["retry-after"] == "1"
    kept[0][1].close()
    await eventually(lambda: port.connections < limits.connections)
    async with client(port) as c:
        await c.send(post())
        assert (await c.answer())[0] == 200
    for _, writer in kept:
        writer.close()


async def test_requests_in_flight_are_bounded_and_the_surplus_is_told_so_in_its_turn(
    port: PushPort, bus: SmallBus, limits: Limits
) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(b"".join(post(f"A{n}") for n in range(limits.in_flight + 5)))
        await eventually(lambda: len(bus.held) == limits.in_flight)
        bus.release()
        answers = [await c.answer() for _ in range(limits.in_flight + 5)]
        assert [status for status, _, _ in answers] == [200] * limits.in_flight + [503] * 5
        bus.holding = False
        await c.send(post("B1"))
        assert (await c.answer())[0] == 200
    assert len(bus.committed) == limits.in_flight + 1


async def test_a_slow_request_is_408(port: PushPort, bus: SmallBus) -> None:
    async with client(port) as c:
        await c.send(post()[:40])
        status, _, body = await c.answer()
        assert (status, error_of(body)) == (408, "too-slow")
    assert bus.committed == []


async def test_an_idle_connection_is_closed_without_a_word(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(post())
        assert (await c.answer())[0] == 200
        assert await c.rest() == b""


async def test_who_waits_for_a_commit_is_not_idle(port: PushPort, bus: SmallBus, limits: Limits) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(post())
        await asyncio.sleep(limits.idle_s + 3 * limits.sweep_s)
        bus.release()
        assert (await c.answer())[0] == 200


async def test_a_client_that_does_not_read_is_cut_and_costs_bounded_memory(
    bus: SmallBus, limits: Limits
) -> None:
    class Wordy(SmallDoor):
        def answer(self, request: object, replies: object) -> object:  # type: ignore[override]
            return msgspec.structs.replace(super().answer(request, []), body=b"w" * 1_000_000)  # type: ignore[arg-type]

    port = PushPort(FrontDoor([Wordy()], bus, SystemClock(), Meters()), SystemClock(), limits)  # type: ignore[list-item]
    await port.start("127.0.0.1", 0)
    async with client(port) as c:
        c.writer.write(b"".join(post(f"A{n}") for n in range(20)))
        await eventually(lambda: bool(port.connections))
        await eventually(lambda: not port.connections)
    await port.stop()


# -- garbage


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /push/small/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nBad Header: v\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"POST /push/small/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=[
        "tls",
        "half a line",
        "http/2",
        "two lengths",
        "lengths differ",
        "negative",
        "huge",
        "space",
        "nul",
        "chunk",
    ],
)
async def test_garbage_is_400_and_closed_and_hurts_nobody(
    port: PushPort, bus: SmallBus, garbage: bytes
) -> None:
    async with client(port) as other, client(port) as c:
        await c.send(garbage)
        status, headers, body = await c.answer()
        assert (status, error_of(body), headers["connection"]) == (400, "malformed-http", "close")
        await other.send(post())
        assert (await other.answer())[0] == 200
    assert len(bus.committed) == 1


async def test_garbage_behind_a_request_does_not_cost_the_request_its_answer(
    port: PushPort, bus: SmallBus
) -> None:
    bus.holding = True
    async with client(port) as c:
        await c.send(post() + b"\x00\x01\x02")
        await eventually(lambda: bool(bus.held))
        bus.release()
        assert [(await c.answer())[0] for _ in range(2)] == [200, 400]
    assert len(bus.committed) == 1


async def test_connect_is_refused(port: PushPort) -> None:
    async with client(port) as c:
        await c.send(b"CONNECT centre:443 HTTP/1.1\r\nHost: centre\r\n\r\n")
        assert (await c.answer())[0] == 405
