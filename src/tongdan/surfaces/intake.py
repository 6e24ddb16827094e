"""The push port: HTTP/1.1 for partners and own shops, answered by the batch that committed.

No task and no future is made for a request: a connection's parser gathers it, the front door takes it, and the batch
that commits it calls back. Stopping means: accept nothing more, answer what was accepted, then close. TLS belongs to
the proxy before it.
"""

import asyncio
import socket
from functools import partial
from typing import Final

from tongdan.ports import Clock
from tongdan.surfaces.connection import Limits, Port, PushConnection
from tongdan.surfaces.front_door import FrontDoor

__all__ = ["FrontDoor", "Limits", "PushPort"]


class PushPort:
    """Listens, sweeps its connections for what takes too long, and ends them in order."""

    def __init__(self, front: FrontDoor, clock: Clock, limits: Limits | None = None) -> None:
        self._port: Final = Port(front, clock, limits or Limits())
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int | socket.socket, *, reuse_port: bool = False) -> None:
        """Listen on `host`:`port` (0: any free one), or on a socket. Raises OSError when that cannot be had."""
        listen = partial(asyncio.get_running_loop().create_server, lambda: PushConnection(self._port))
        backlog = self._port.limits.backlog
        if isinstance(port, int):
            self._server = await listen(host, port, backlog=backlog, reuse_port=reuse_port or None)
        else:
            self._server = await listen(sock=port, backlog=backlog)
        self._sweeper = asyncio.create_task(self._sweep())

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        assert self._server is not None
        host, port, *_ = self._server.sockets[0].getsockname()
        return host, port

    @property
    def connections(self) -> int:
        return len(self._port.connections)

    async def stop(self, grace_s: float = 10.0) -> bool:
        """Accept nothing more, answer what was accepted, close. False when `grace_s` was not enough for that."""
        port = self._port
        port.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(port.connections):
            connection.retire()
        until_s = port.clock.monotonic() + grace_s
        while port.connections and port.clock.monotonic() < until_s:
            await port.clock.sleep(0.01)
        if self._sweeper is not None:
            self._sweeper.cancel()
        in_time = not port.connections
        for connection in list(port.connections):
            connection.cut()
        return in_time

    async def _sweep(self) -> None:
        port = self._port
        while True:
            await port.clock.sleep(port.limits.sweep_s)
            port.tick()
            for connection in list(port.connections):
                connection.check(port.now_s)
