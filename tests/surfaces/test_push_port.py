"""The push port over real sockets: the order of answers, and how connections end."""

import asyncio
import socket
import struct

import pytest
import uvloop
from tests.surfaces.conftest import SmallBus, client, eventually, post

from tongdan.surfaces.intake import PushPort

pytestmark = pytest.mark.server


@pytest.fixture(
    params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """The same promises on both loops."""
    policy: asyncio.AbstractEventLoopPolicy = request.param
    return policy


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
