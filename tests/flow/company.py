"""Several processes of one centre in one loop, on virtual time, over wires that can be cut; one of them can be killed.

Each process is a `Rig` of its own on the shared files, so all that two real processes share is shared here: the
files and the wires, nothing else.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.flow.parties import Partner, everybody
from tests.flow.rig import SHARDS, Rig

from tongdan.adapters.wires_local import Exchange, LocalWires
from tongdan.domain.kernel.messages import Command
from tongdan.ports import Accepted, Clock, Reply
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
        self.wires = [LocalWires(self._exchange, n) for n in range(processes)]
        self.rigs = [self._rig(n) for n in range(processes)]

    def _rig(self, number: int) -> Rig:
        place = Place(number, self.processes, self.wires[number])
        seed = f"{self._seed}/{number}"
        return Rig(self.data, self.clock, actors=self.partners, seed=seed, place=place, **self._more)

    async def start(self) -> None:
        for rig in self.rigs:
            await rig.start()
        await self.clock.sleep(0.01)  # until everybody has dialled everybody

    async def stop(self) -> None:
        for rig in self.rigs:
            rig.wakeups.stop()
            rig.runner.stop()
            await rig.bus.stop()
        for rig in self.rigs:
            await rig.stop()

    async def quiet(self, within_s: float = 20.0) -> None:
        """Until nothing is queued anywhere, every fact has had its reactions, and partners had half a second."""
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
        for _ in range(200):
            reply = await self.rigs[at % self.processes].bus.ask(inbound)
            if isinstance(reply, Accepted) or reply.status < 429 or reply.status == 500:
                return reply
            await self.clock.sleep(0.05)
        raise AssertionError(f"never taken: {reply}")


@asynccontextmanager
async def company(data: Path, clock: Clock, processes: int, **more: Any) -> AsyncIterator[Company]:
    made = Company(data, clock, processes, **more)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def outcome(rigs: list[Rig], keys: Callable[[Rig], list[str]]) -> dict[str, Any]:
    """The states of these aggregates, read through one process."""
    return {key: rigs[0].reads.order(key) for key in keys(rigs[0])}


__all__ = ["SHARDS", "Company", "company", "outcome"]
