"""Five worlds over real sockets with differences planted in partners' books: each is found, and mended or a ticket,
while partners lose answers, are slow, lie, and refuse their callers for a while."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.world import planting
from tests.world.many import ids_of
from tests.world.over_http import Hastened, is_busy, meeting
from tests.world.planting import STRUCK

from tongdan.adapters.clock import SystemClock
from tongdan.labs.world.troubles import DEAD, LOSSY, LYING, SLOW, STALE
from tongdan.ports import Reads

pytestmark = pytest.mark.server

SPEED = 30  # of the clock: a minute is two seconds, while time-outs of sockets stay what they are
WORLD = 2_000  # of the world beside it
ORDERS = 14
STILL_S = 90
BEAT_S = 60
GRACE_S = 240
PULSE: dict[str, Any] = {
    "tiers": [{"rested_s": 0, "every_s": BEAT_S}],
    "try_again_s": 120,
    "partners": {
        partner: {"calls_per_minute": 300, "every_s": BEAT_S, "grace_else_s": GRACE_S, "owner": "finance"}
        for partner in ("finance", "channel", "wms", "carrier", "payment", "service")
    },
}
LISTED = {"every_s": 120, "behind_s": 30, "overlap_s": 150, "calls_per_minute": 60, "page_size": 20}
SHARES = {LOSSY: 0.02, SLOW: 0.005, LYING: 0.02, STALE: 0.02}
MOST_SLOW = 2  # each waits for ten real seconds
DEAD_S = (90.0, 180.0)
TROUBLED_S = 12.0
WITHIN_S = 45.0


@pytest.mark.parametrize("seed", range(1, 6))
async def test_what_is_planted_is_mended_or_a_ticket_whatever_partners_answer(
    data: Path, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with meeting(
        data,
        tmp_path / "conf",
        seed=seed,
        orders=ORDERS,
        speed=WORLD,
        faults=0.0,
        outages=0,
        clock=Hastened(SPEED),
        listed=LISTED,
        pulse=PULSE,
    ) as (centre, world):
        silent, troubles = planting.mute(world), planting.listen(world, SystemClock(), MOST_SLOW)
        assert await world.run(still_s=STILL_S, deadline_s=5_400, busy=lambda: is_busy(centre.reads))
        centre.views.flush()
        silenced = {ids_of(centre.reads)[native]: silent[native] for native in silent}
        planted = silenced | planting.tamper(world, centre.reads)
        planting.trouble(world, SHARES, DEAD_S)
        await asyncio.sleep(TROUBLED_S)
        troubles.shares = {}
        await _settled(centre.reads, planted, WITHIN_S)
        found = planting.judged(centre.reads, planted, troubles)
        with capsys.disabled():
            print(f"\nover HTTP, seed {seed}: {found}")
        assert (found.missed, found.false) == ([], [])
        assert found.found == len(planted) > 0
        assert (found.by_itself, found.ticketed) == (found.decided, found.planted[STRUCK])
        assert sum(troubles.met[kind] for kind in (LOSSY, LYING, STALE)) > 0 < troubles.met[DEAD]


async def _settled(reads: Reads, planted: dict[str, str], within_s: float) -> None:
    """Wait until no ticket is open but those that wait for a person."""
    waiting = {order for order, kind in planted.items() if kind == STRUCK}
    for _ in range(int(within_s)):
        await asyncio.sleep(1)
        told = planting.standing(reads)
        if planted.keys() <= told.keys() and {order for order, kinds in told.items() if kinds} == waiting:
            return
