"""A storm over a centre of several processes: any of them killed at any point, slots that move killed at each step, the
supervisor killed, processes stopped for seconds, clocks set back, while the world goes on.

All is drawn from the seed. After the last fault everything drains, every order is read over the API, and the centre
stops in order.
"""

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from tests.flow.crash.company import Company
from tests.flow.crash.proof import Aftermath, aftermath
from tests.flow.crash.town import Stage, busy, drained, staged
from tests.leaks import bought, found_in, leaks, secrets_of

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.domain.kernel.slots import SLOTS
from tongdan.labs.world.chance import Stream
from tongdan.profile import API_KEYS, back_up, reading
from tongdan.surfaces.http.keys import ApiKeys, Scope

PROCESSES: Final = 4  # so that each owns one shard
# The points, and the latest passing at which each kills.
POINTS: Final = {"before-commit": 10, "after-commit": 10, "effect-done": 4, "relay": 5, "wake-up": 1}
KILLS: Final = 2  # of each process at each point
ANY_INSTANT: Final = "any instant"
ANY_INSTANT_KILLS: Final = 10  # of each process
# The steps of a move: those that the process passes that the slot leaves, and those of the one it comes to.
LEAVING: Final = ("move-sealed", "move-decided")
COMING: Final = ("move-incoming", "move-copied", "move-ready", "move-gone", "move-active")
DECIDED: Final = {"move-decided", "move-gone", "move-active"}  # from here on every crash leads on
VICTIMS: Final = (("source",), ("target",), ("source", "target"))
SUPERVISOR_KILLS: Final = 3
# One after another of the processes; the last stop is longer than others wait for an answer.
STOPS_S: Final = (1.0, 2.0, 4.0, 10.0)
BACK_FOR_S: Final = 3.0
READERS: Final = 8
LOOKED_FOR: Final = 20  # buyers; looking for all of them takes longer than the storm


class Moved(NamedTuple):
    """A move during which somebody was killed."""

    slot: int
    source: int
    to: int
    point: str


class Storm(NamedTuple):
    """What became of it. `faults` counts by what was done, `points` where a hand has killed. `lies`: slot → shard."""

    after: Aftermath
    faults: Counter[str]
    points: Counter[str]
    moved: list[Moved]
    lies: dict[int, int]
    read: int
    unread: set[str]
    leaked: dict[str, set[str]]


async def storm(folder: Path, seed: int) -> Storm:
    async with staged(folder, seed, centre_of=Company) as stage:
        company, faults = stage.centre, Counter[str]()
        assert isinstance(company, Company)
        await company.start()
        await company.tell(0, "stock")
        async with busy(stage, every_s=1.0, baskets=2):
            numbers = range(PROCESSES)
            await asyncio.gather(*(_kill(company, n, Stream(seed, "kills", n), faults) for n in numbers))
            moves = await asyncio.gather(
                *(_kill_movers(company, (n, n + 1), Stream(seed, "moves", n), faults) for n in numbers[::2])
            )
            await _kill_supervisor(company, Stream(seed, "supervisor"), faults)
            await _stop_for_seconds(company, faults)
        # A message that was taken without an answer must not come again while its time looks wrong: that is a 401.
        assert await drained(stage)
        async with busy(stage, every_s=1.0, baskets=2):
            await _set_clocks_back(company, Stream(seed, "clock"), faults)
        quiet = await drained(stage)
        read, unread = await read_all(stage, company.api)
        moved = [each for some in moves for each in some]
        leaked = await _leaked(stage, company, folder)
        lies = {each.slot: await company.tell(0, "shard_of", slot=each.slot) for each in moved}
        await company.stop()
    points = Counter(company.killed_inside())
    return Storm(aftermath(stage, quiet=quiet), faults, points, moved, lies, read, unread, leaked)


async def _kill(company: Company, number: int, draw: Stream, faults: Counter[str]) -> None:
    """One process again and again: at each point by its own hand, and at any instant, start-up included."""
    deaths = [*POINTS] * KILLS + [ANY_INSTANT] * ANY_INSTANT_KILLS
    for point in sorted(deaths, key=lambda _: draw.uniform()):
        pid = await company.pid_of(number)
        if point == ANY_INSTANT:
            await asyncio.sleep(draw.between(0.0, 1.0))
            os.kill(pid, signal.SIGKILL)
            faults["kill at any instant"] += 1
            continue  # the next death may come before it is ready again
        await company.tell(number, "arm", point=point, passing=draw.whole(1, POINTS[point]), victims=[pid])
        await company.reborn(number, pid)
        faults["kill at a point"] += 1
    await company.reborn(number)


async def _kill_movers(
    company: Company, pair: tuple[int, int], draw: Stream, faults: Counter[str]
) -> list[Moved]:
    """Slots move to and fro between two processes; at each step one of them is killed, or both."""
    moved: list[Moved] = []
    slots = [slot for slot in range(SLOTS) if slot % PROCESSES in pair]
    slots.sort(key=lambda _: draw.uniform())
    steps = [(point, victims) for point in (*LEAVING, *COMING) for victims in VICTIMS]
    for point, victims in sorted(steps, key=lambda _: draw.uniform()):
        slot = slots.pop()
        source, to = slot % PROCESSES, sum(pair) - slot % PROCESSES
        numbers = [{"source": source, "target": to}[each] for each in victims]
        pids = {number: await company.pid_of(number) for number in numbers}
        passes = source if point in LEAVING else to
        await company.tell(passes, "arm", point=point, passing=1, victims=[*pids.values()])
        await _begin(company, slot, to)
        moved.append(Moved(slot, source, to, point))
        for number, pid in pids.items():
            await company.reborn(number, pid)
            faults["kill in a move"] += 1
    return moved


async def _begin(company: Company, slot: int, to: int) -> None:
    """Ask once for the move; the answer may die with the process."""
    with suppress(OSError):
        assert await company.tell_once(to, "move", slot=slot, to=to) == ""


async def _kill_supervisor(company: Company, draw: Stream, faults: Counter[str]) -> None:
    for _ in range(SUPERVISOR_KILLS):
        await asyncio.sleep(draw.between(0.5, 2.0))
        await company.kill()
        faults["supervisor killed"] += 1
        await company.start()


async def _stop_for_seconds(company: Company, faults: Counter[str]) -> None:
    """One process after another stands still, and the last so long that the others give up on it."""
    for number, stop_s in enumerate(STOPS_S):
        pid = await company.pid_of(number)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(stop_s)
        os.kill(pid, signal.SIGCONT)
        faults["stopped for seconds"] += 1


async def _set_clocks_back(company: Company, draw: Stream, faults: Counter[str]) -> None:
    """An hour, in one process and then in all."""
    for numbers in ([draw.whole(0, PROCESSES - 1)], list(range(PROCESSES))):
        for hours in (-1, 0):
            for number in numbers:
                await company.tell(number, "set_clock", hours=hours)
            await asyncio.sleep(BACK_FOR_S)
        faults["clock set back"] += 1


async def _leaked(stage: Stage, company: Company, folder: Path) -> dict[str, set[str]]:
    """Who of some buyers stands in clear in files of all processes, their log, a backup beside them, or metrics."""
    buyers = sorted(bought(stage.town).values(), key=lambda buyer: buyer.id)[:LOOKED_FOR]
    secrets = secrets_of(stage.town.seed, buyers)
    await asyncio.to_thread(back_up, stage.data, folder / "backup")
    metrics = "".join(await company.each("metrics"))
    found = {"metrics": found_in(secrets, metrics.encode())} | leaks(secrets, folder)
    return {where: who for where, who in found.items() if who}


async def read_all(stage: Stage, api: str) -> tuple[int, set[str]]:
    """How many orders there are, and those that whoever answers does not show; each on a connection of its own."""
    orders = {row.id for row in reading(stage.data).orders(limit=10_000)}
    token = ApiKeys(stage.data / API_KEYS).issue("crash", [Scope.READ], SystemEntropy(), SystemClock().now())
    headers, left, unread = (
        {"Authorization": f"Bearer {token}", "Connection": "close"},
        set(orders),
        set[str](),
    )

    async def read() -> None:
        async with httpx.AsyncClient(base_url=f"{api}/api/v1", headers=headers, trust_env=False) as client:
            while left:
                id = left.pop()
                answer = await client.get(f"/orders/{id}", timeout=30.0)
                if answer.status_code != 200 or answer.json()["id"] != id:
                    unread.add(id)

    await asyncio.gather(*(read() for _ in range(READERS)))
    return len(orders), unread
