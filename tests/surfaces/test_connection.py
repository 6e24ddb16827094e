"""However the bytes of a connection arrive, they mean the same; whatever they are, the connection bears them."""

import asyncio
import re
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.surfaces.conftest import SmallBus, SmallDoor

from tongdan.adapters.clock import SystemClock
from tongdan.flow.meters import Meters
from tongdan.surfaces.connection import Limits, Port, PushConnection
from tongdan.surfaces.front_door import FrontDoor

HEAD = b"POST /push/small/ HTTP/1.1\r\nHost: t\r\nX-Sign: right\r\n"
STREAM = (
    HEAD + b'Content-Length: 6\r\n\r\n["A1"]'
    + HEAD + b'Transfer-Encoding: chunked\r\n\r\n3\r\n["A\r\n3\r\n2"]\r\n0\r\nX-Trailer: t\r\n\r\n'
    + HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    + b'Content-Length: 6\r\n\r\n["A3"]'
    + b"GET /push/small/ HTTP/1.1\r\nHost: t\r\n\r\n"
    + HEAD + b'Content-Length: 6\r\n\r\n["A4"]'
)  # fmt: skip
STATUSES = [b"200", b"200", b"200", b"405", b"200"]


class Line(asyncio.Transport):
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def write_eof(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def connect() -> tuple[PushConnection, Line, SmallBus]:
    bus, line = SmallBus(), Line()
    front = FrontDoor([SmallDoor()], bus, SystemClock(), Meters())
    connection = PushConnection(Port(front, SystemClock(), Limits(head_bytes=4_096, body_bytes=4_096)))
    connection.connection_made(line)
    return connection, line, bus


def statuses(line: Line) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d\d\d) ", line.written)


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_way_to_cut_a_stream_of_requests_gives_the_same_answers(cuts: list[int]) -> None:
    connection, line, bus = connect()
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        if start < end:
            connection.data_received(STREAM[start:end])
    assert statuses(line) == STATUSES
    assert [message.raw for message in bus.committed] == [b"A1", b"A2", b"A3", b"A4"]
    assert not line.closed


@given(st.binary(max_size=600), st.integers(0, len(STREAM)))
def test_garbage_anywhere_is_borne_and_costs_no_answer_before_it(garbage: bytes, at: int) -> None:
    connection, line, _ = connect()
    connection.data_received(STREAM[:at])
    before = statuses(line)
    connection.data_received(garbage)
    connection.data_received(STREAM[at:])
    connection.eof_received()
    after = statuses(line)
    assert after[: len(before)] == before
    assert set(after) <= {b"200", b"400", b"401", b"404", b"405", b"413", b"431", b"500"}


@given(st.lists(st.tuples(st.integers(0, len(STREAM) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_bytes_never_break_a_connection_and_every_answer_is_whole(
    flips: list[tuple[int, int]],
) -> None:
    mutated = bytearray(STREAM)
    for place, byte in flips:
        mutated[place] = byte
    connection, line, _ = connect()
    connection.data_received(bytes(mutated))
    rest = line.written
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        assert head.startswith(b"HTTP/1.1 ")
        if found is not None:
            assert len(rest) >= int(found[1])
            rest = rest[int(found[1]) :]
