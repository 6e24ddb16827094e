"""Several processes of one centre in one loop, on virtual time, over wires that can be cut; one of them can be killed.

Each process is a `Rig` of its own on the shared files, so all that two real processes share is shared here: the
files and the wires, nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.flow.parties import Partner, everybody
from tests.flow.rig import Rig

from tongdan.adapters.wires_local import Exchange, LocalWires
from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.messages import Command
from tongdan.ports import Accepted, Clock, Inbound, Reply
from tongdan.profile import Place


class Company:
    """`rigs[i]` is process i; `partners` are the same for all of them, as they are outside."""

    def __init__(self, data: Path, clock: Clock, processes: int, seed: str = "seed", **more: Any) -> None:
        self.data = data
        self.clock = clock
        self.processes = processes
        self.partners: list[Partner] = everybody(clock)
        self._seed = seed
        self._more = more
        self._exchange = Exchange(clock)
        self.deadly = ""
        self.killed: list[tuple[int, str]] = []
        self._reviving: list[asyncio.Task[None]] = []
        self.wires = [LocalWires(self._exchange, n) for n in range(processes)]
        self.rigs = [self._rig(n) for n in range(processes)]

    def _rig(self, number: int) -> Rig:
        place = Place(number, self.processes, self.wires[number])
        seed = f"{self._seed}/{number}"
        return Rig(
            self.data, self.clock, actors=self.partners, seed=seed, place=place, probe=self._probe(number),
            **self._more,
        )  # fmt: skip

    # -- killing

    def kill_at(self, point: str) -> None:
        """The first process that comes to this point dies there, and is started again a moment later."""
        self.deadly = point

    def _probe(self, number: int) -> Callable[[str], None]:
        def probe(point: str) -> None:
            if point == self.deadly:
                self.deadly = ""
                self.killed.append((number, point))
                asyncio.get_running_loop().call_soon(self.kill, number)
                raise asyncio.CancelledError  # whoever came here goes no further

        return probe

    def kill(self, number: int) -> None:
        """As `kill -9`: nothing is finished, nothing is written, the wires break. The supervisor starts it again."""
        rig, wires = self.rigs[number], self.wires[number]
        rig.bus.stopping = True
        rig.wakeups.stop()
        rig.runner.stop()
        rig.bus.engine.spawn = rig.bus.spawn = _never  # type: ignore[method-assign]
        rig.bus.engine.kill()
        self._exchange.forget(wires)
        for store in rig.stores:
            store.rollback()
        self.wires[number] = LocalWires(self._exchange, number)
        self._reviving.append(asyncio.create_task(self._revive(number)))

    async def _revive(self, number: int) -> None:
        await self.clock.sleep(0.3)
        old = self.rigs[number]
        for shard in (*old.stores, *old.readers):
            shard.close()
        old.overview.close()
        old.search.close()
        self.rigs[number] = self._rig(number)
        await self.rigs[number].start()

    async def start(self) -> None:
        for rig in self.rigs:
            await rig.start()
        await self.clock.sleep(0.01)  # until everybody has dialled everybody

    async def stop(self) -> None:
        self.deadly = ""
        await self.clock.sleep(0.01)  # who is dying is dead
        await asyncio.gather(*self._reviving)
        for rig in self.rigs:
            rig.wakeups.stop()
            rig.runner.stop()
            await rig.bus.stop()
        for rig in self.rigs:
            await rig.stop()

    async def quiet(self, within_s: float = 20.0) -> None:
        """Until nothing is queued anywhere, every fact has had its reactions, and partners had half a second."""
        await asyncio.gather(*self._reviving)
        until, calm = self.clock.monotonic() + within_s, 0
        while calm < 10:
            assert self.clock.monotonic() < until, "the loop does not come to rest"
            await self.clock.sleep(0.05)
            calm = 0 if any(rig.bus.backlog() or rig.relay.lag() for rig in self.rigs) else calm + 1

    def cut(self, number: int) -> None:
        """All wires of a process break; they are dialled again at once."""
        for wires in self.wires if number < 0 else (self.wires[number],):
            wires.cut()

    async def ask(self, at: int, command: Command, *key: str) -> Reply:
        """Send a command to process `at`, again and again while it is told to come again."""
        inbound = self.rigs[at % self.processes].inbound(command, *key)
        for _ in range(400):
            reply = await self._try(at % self.processes, inbound)
            if isinstance(reply, Accepted) or reply.status < 429 or reply.status == 500:
                return reply
            await self.clock.sleep(0.05)
        raise AssertionError(f"never taken: {reply}")

    async def _try(self, number: int, inbound: Inbound) -> Reply:
        """Who asks a process that dies gets no answer."""
        asked = asyncio.ensure_future(self.rigs[number].bus.ask(inbound))
        rig = self.rigs[number]
        while not asked.done():
            if self.rigs[number] is not rig or rig.bus.stopping:
                asked.cancel()
                return refusals.OWNER_AWAY.of()
            await self.clock.sleep(0.01)
        return asked.result()


def _never(work: Coroutine[Any, Any, None]) -> None:
    """What a dead process begins."""
    work.close()


@asynccontextmanager
async def company(data: Path, clock: Clock, processes: int, **more: Any) -> AsyncIterator[Company]:
    made = Company(data, clock, processes, **more)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
