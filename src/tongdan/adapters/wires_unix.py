"""Wires between the processes of one centre: Unix sockets in the data directory, a length before each frame.

Only who may read the data may connect, and nothing leaves the machine. A wire that breaks is dialled again until the
other process is back.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

from tongdan.ports import Clock, End

_log: Final = logging.getLogger(__name__)

REDIAL_S: Final = 0.05
LENGTH_BYTES: Final = 4
FRAME_LIMIT: Final = 256 << 20  # bytes; more is not a frame but a mistake


class _Line(asyncio.Protocol):
    """One connection: cuts the bytes into frames."""

    def __init__(self, end: End, lost: Callable[["_Line"], None]) -> None:
        self._end = end
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._end.opened(self)

    def send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.writelines((len(frame).to_bytes(LENGTH_BYTES, "big"), frame))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        begin = 0
        while len(buffer) - begin >= LENGTH_BYTES:
            size = int.from_bytes(buffer[begin : begin + LENGTH_BYTES], "big")
            end = begin + LENGTH_BYTES + size
            if size > FRAME_LIMIT:
                self.cut()
                return
            if len(buffer) < end:
                break
            self._hear(bytes(buffer[begin + LENGTH_BYTES : end]))
            begin = end
        del buffer[:begin]

    def _hear(self, frame: bytes) -> None:
        try:
            self._end.heard(frame)
        except Exception:  # whatever it was: both sides begin anew with a new wire
            _log.exception("a frame of another process could not be understood")
            self.cut()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._end.broken()
        self._lost(self)

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class UnixWires:
    """`ports.Wires` of process `number`; every process of the centre names the same `folder`."""

    def __init__(self, folder: Path, number: int, clock: Clock) -> None:
        self._folder = folder
        self._number = number
        self._clock = clock
        self._server: asyncio.AbstractServer | None = None
        self._dialling: list[asyncio.Task[None]] = []
        self._lines: set[_Line] = set()

    async def start(self, welcome: Callable[[], End], ends: Mapping[int, End]) -> None:
        """Raises OSError when the socket cannot be made."""
        loop = asyncio.get_running_loop()
        path = socket_path(self._folder, self._number)
        path.unlink(missing_ok=True)  # of a process that was killed
        self._server = await loop.create_unix_server(lambda: self._line(welcome(), lambda line: None), path)
        path.chmod(0o600)
        self._dialling = [asyncio.create_task(self._dial(number, end)) for number, end in ends.items()]

    def _line(self, end: End, lost: Callable[[_Line], None]) -> _Line:
        def forget(line: _Line) -> None:
            self._lines.discard(line)
            lost(line)

        line = _Line(end, forget)
        self._lines.add(line)
        return line

    async def _dial(self, number: int, end: End) -> None:
        loop = asyncio.get_running_loop()
        path = str(socket_path(self._folder, number))
        while True:
            gone = asyncio.Event()
            try:
                await loop.create_unix_connection(lambda: self._line(end, lambda line: gone.set()), path)  # noqa: B023
            except OSError:
                await self._clock.sleep(REDIAL_S)
                continue
            await gone.wait()

    async def stop(self) -> None:
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            socket_path(self._folder, self._number).unlink(missing_ok=True)
        for line in list(self._lines):
            line.cut()


def socket_path(folder: Path, number: int) -> Path:
    return folder / f"process-{number}.sock"
