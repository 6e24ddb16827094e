"""A storm: a centre that is killed again and again while the world goes on buying, paying, packing and telling.

Every kill is drawn from the seed: which of the named points, and at its how-manyth passing; then some at any instant,
start-up included. After the last one the centre may live, everything drains, and it stops in order.
"""

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from tests.flow.crash.proof import Aftermath, aftermath
from tests.flow.crash.town import Stage, busy, drained, staged

from tongdan.labs.world.chance import Stream

KILLS: Final = 10  # at each point
ANY_INSTANT_KILLS: Final = 10
# The points, and the latest passing at which each kills: some are passed far more often than others.
POINTS: Final = {"before-commit": 40, "after-commit": 40, "effect-done": 20, "relay": 20, "wake-up": 2}
DIES_WITHIN_S: Final = 40.0


class Storm(NamedTuple):
    """What became of it; `killed` counts by point."""

    after: Aftermath
    killed: Counter[str]


async def storm(folder: Path, seed: int) -> Storm:
    async with staged(folder, seed) as stage:
        async with busy(stage):
            killed = await _kill(stage, Stream(seed, "kills"))
        await stage.centre.start()
        quiet = await drained(stage)
        await stage.centre.stop()
    return Storm(aftermath(stage, quiet=quiet), killed)


async def _kill(stage: Stage, draw: Stream) -> Counter[str]:
    killed, centre = Counter[str](), stage.centre
    for point in sorted(list(POINTS) * KILLS, key=lambda _: draw.uniform()):
        code = await centre.live_until(f"{point}:{draw.whole(1, POINTS[point])}", DIES_WITHIN_S)
        assert code == -signal.SIGKILL, f"ended with {code}\n{centre.log()}"
        killed[point] += 1
    for _ in range(ANY_INSTANT_KILLS):
        await centre.spawn()
        centre.up.set()
        await asyncio.sleep(draw.between(0.2, 1.5))
        await centre.kill()
        killed["any instant"] += 1
    return killed
