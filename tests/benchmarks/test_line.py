"""The benchmarks' own HTTP: whole messages come off the front, whatever pieces they arrive in; waiting is in order."""

import asyncio
from functools import partial

import pytest
from bench.line import Answer, Desk, Lines, post, response, split
from bench.tally import Seconds, quantile_ms

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok"
BARE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


def test_messages_are_whole_in_whatever_pieces_they_come() -> None:
    wire = ANSWER + BARE + ANSWER.replace(b"Content-Length", b"content-length")
    for size in (1, 7, len(ANSWER), len(wire)):
        buffer = bytearray()
        found: list[tuple[bytes, bytes]] = []
        for at in range(0, len(wire), size):
            buffer += wire[at : at + size]
            found += split(buffer)
        assert [body for _, body in found] == [b"ok", b"", b"ok"]
        assert not buffer


@pytest.mark.server
def test_answers_come_back_to_whoever_asked_and_requests_are_made_when_they_are_sent() -> None:
    async def exchange() -> tuple[list[tuple[int, Answer]], list[int]]:
        made: list[int] = []
        got: list[tuple[int, Answer]] = []
        all_are_there = asyncio.Event()

        def answer(head: bytes, body: bytes) -> bytes:
            return response("503 Busy", {"Retry-After": "3"}, b"again " + body)

        def make(n: int) -> bytes:
            made.append(n)
            return post("/", {}, b"%d" % n)

        def hear(n: int, said: Answer) -> None:
            got.append((n, said))
            if len(got) == 9:
                all_are_there.set()

        server = await asyncio.get_running_loop().create_server(lambda: Desk(answer), "127.0.0.1", 0)
        lines = Lines("127.0.0.1", server.sockets[0].getsockname()[1], connections=2, depth=2)
        await lines.connect()
        for n in range(9):
            lines.ask(partial(make, n), partial(hear, n))
        at_once = list(made)
        await all_are_there.wait()
        lines.close()
        server.close()
        return got, at_once

    got, at_once = asyncio.run(asyncio.wait_for(exchange(), 10))
    assert at_once == [0, 1, 2, 3]  # two lines of two: the rest is made when there is room
    assert sorted(got) == [(n, Answer(503, 3.0, b"again %d" % n)) for n in range(9)]


def test_figures_by_second() -> None:
    seconds = Seconds()
    for at_s, took_s in ((0.1, 0.010), (0.9, 0.030), (1.5, 0.020)):
        seconds.observe(at_s, "due", took_s)
    seconds.count(1.2, "refused")
    assert seconds.between("due", 0, 1) == 2
    assert [row["due"] for row in seconds.table(("due", "refused"))] == [2, 1]
    assert [row["refused"] for row in seconds.table(("due", "refused"))] == [0, 1]
    assert quantile_ms(seconds.samples("due", 0, 2), 0.5) == 20.0
    assert quantile_ms([], 0.99) == 0.0
