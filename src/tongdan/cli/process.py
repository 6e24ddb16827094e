"""One process of a centre, as its supervisor starts it: `python -m tongdan.cli.process`. Not a command for people.

It says on standard output when it takes orders and when it has come to rest, and ends when its standard input does.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.transport import HttpTransport
from tongdan.adapters.wires_unix import UnixWires
from tongdan.cli.service import Service
from tongdan.cli.supervisor import AT_REST, READY, TOKEN_LOST
from tongdan.profile import Place, embedded


def main() -> None:
    read = argparse.ArgumentParser(prog="tongdan.cli.process", description=__doc__)
    for name in ("--data", "--conf", "--wires"):
        read.add_argument(name, type=Path, required=True)
    for name in ("--push-port", "--api-port", "--number", "--of"):
        read.add_argument(name, type=int, required=True)
    read.add_argument("--host", required=True)
    sys.exit(uvloop.run(_run(read.parse_args())))


async def _run(wanted: argparse.Namespace) -> int:
    entropy, clock = SystemEntropy(), SystemClock()
    lifeline, stop = await _lifeline(), asyncio.Event()
    async with HttpTransport() as transport:
        place = Place(wanted.number, wanted.of, UnixWires(wanted.wires, wanted.number, clock))
        centre = embedded(
            wanted.data, wanted.conf, clock=clock, entropy=entropy, transport=transport, place=place
        )
        lost: list[bool] = []

        def token_lost() -> None:
            lost.append(True)
            centre.bus.engine.hurried = True
            stop.set()

        def cut_off() -> None:
            centre.bus.engine.hurried = True  # nobody is left to answer
            stop.set()

        async def others_rest() -> None:
            _say(AT_REST)
            if not lost:
                await lifeline.wait()

        centre.bus.engine.lost_token = token_lost
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        lifeline.then = cut_off
        service = Service(
            centre, entropy, host=wanted.host, push_port=wanted.push_port, api_port=wanted.api_port
        )
        try:
            await service.start()
            _say(READY)
            await stop.wait()
        finally:
            await service.stop(others_rest)
    return TOKEN_LOST if lost else 0


class _Lifeline(asyncio.Protocol):
    """Standard input: nothing ever comes in, and its end is the end."""

    def __init__(self) -> None:
        self._over: Final = asyncio.Event()
        self.then: Callable[[], None] = lambda: None

    def connection_lost(self, error: Exception | None) -> None:
        self._over.set()
        self.then()

    async def wait(self) -> None:
        await self._over.wait()


async def _lifeline() -> _Lifeline:
    _, line = await asyncio.get_running_loop().connect_read_pipe(_Lifeline, sys.stdin)
    return line


def _say(word: bytes) -> None:
    """The supervisor may be gone; whoever reads the log has standard error."""
    try:
        os.write(sys.stdout.fileno(), word)
    except OSError:
        return


if __name__ == "__main__":
    main()
