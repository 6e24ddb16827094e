"""The push port over real sockets: whatever a stranger sends ends at a limit, is told so, and hurts nobody."""

import asyncio

import msgspec
import pytest
import uvloop
from tests.surfaces.conftest import SmallBus, SmallDoor, client, error_of, eventually, post

from tongdan.adapters.clock import SystemClock
from tongdan.flow.meters import Meters
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.intake import Limits, PushPort

pytestmark = pytest.mark.server


@pytest.fixture(
    params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """The same promises on both loops."""
    policy: asyncio.AbstractEventLoopPolicy = request.param
    return policy


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
