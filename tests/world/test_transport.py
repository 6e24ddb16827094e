"""Two transports, one promise: an answer, or Unreachable (did not arrive), or NoAnswer (may have)."""

import asyncio
from datetime import UTC, datetime

import pytest

from tongdan.adapters import transport
from tongdan.adapters.clock import run_virtual
from tongdan.adapters.transport import HttpTransport, InProcessTransport
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Unreachable

START = datetime(2026, 1, 27, tzinfo=UTC)


def test_in_process_requests_go_by_host_and_take_their_time() -> None:
    async def main(clock: Clock) -> None:
        async def echo(request: HttpRequest) -> HttpResponse:
            return HttpResponse(200, {}, request.body + b"!")

        carry = InProcessTransport({"a.example:8080": echo}, clock, lambda host: 0.25)
        answer = await carry.send(HttpRequest(method="POST", url="http://a.example:8080/x?y=1", body=b"hi"))
        assert answer == HttpResponse(200, {}, b"hi!")
        assert clock.monotonic() == 0.5
        with pytest.raises(Unreachable):
            await carry.send(HttpRequest(method="GET", url="http://b.example/"))

    run_virtual(main, START)


def test_a_request_given_up_in_process_is_still_carried_out() -> None:
    async def main(clock: Clock) -> None:
        took_place = []

        async def slow(request: HttpRequest) -> HttpResponse:
            await clock.sleep(30)
            took_place.append(request.body)
            return HttpResponse(200, {}, b"")

        carry = InProcessTransport({"a.example": slow}, clock)
        with pytest.raises(NoAnswer):
            await carry.send(HttpRequest(method="POST", url="http://a.example/", body=b"1", timeout_s=10))
        assert (clock.monotonic(), took_place) == (10.0, [])
        await clock.sleep(30)
        assert took_place == [b"1"]

    run_virtual(main, START)


def test_a_handler_may_play_a_broken_line() -> None:
    async def main(clock: Clock) -> None:
        async def broken(request: HttpRequest) -> HttpResponse:
            raise NoAnswer("the line broke")

        with pytest.raises(NoAnswer, match="the line broke"):
            await InProcessTransport({"a": broken}, clock).send(HttpRequest(method="GET", url="http://a/"))

    run_virtual(main, START)


async def _serve(answer: bytes, *, hold_s: float = 0.0) -> tuple[asyncio.Server, str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(hold_s)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.server
async def test_http_answers_come_back_whole_and_redirects_are_answers() -> None:
    server, url = await _serve(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 2\r\n\r\nno")
    async with server, HttpTransport() as http:
        answer = await http.send(HttpRequest(method="GET", url=url))
        assert (answer.status, answer.body, answer.headers["location"]) == (302, b"no", "/other")


@pytest.mark.server
async def test_a_refused_connection_is_unreachable() -> None:
    server, url = await _serve(b"")
    server.close()
    await server.wait_closed()
    async with HttpTransport() as http:
        with pytest.raises(Unreachable):
            await http.send(HttpRequest(method="GET", url=url))


@pytest.mark.server
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", b"not HTTP at all\r\n\r\n"]
)
async def test_an_answer_that_breaks_off_is_no_answer(answer: bytes) -> None:
    server, url = await _serve(answer)
    async with server, HttpTransport() as http:
        with pytest.raises(NoAnswer):
            await http.send(HttpRequest(method="POST", url=url, body=b"x"))


@pytest.mark.server
async def test_silence_is_no_answer_after_the_time_out() -> None:
    server, url = await _serve(b"", hold_s=5)
    async with server, HttpTransport() as http:
        with pytest.raises(NoAnswer, match=r"0\.2 s"):
            await http.send(HttpRequest(method="GET", url=url, timeout_s=0.2))


@pytest.mark.server
async def test_an_answer_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 8)
    server, url = await _serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")
    async with server, HttpTransport() as http:
        with pytest.raises(NoAnswer, match="larger than 8 bytes"):
            await http.send(HttpRequest(method="GET", url=url))
