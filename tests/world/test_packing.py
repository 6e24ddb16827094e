"""People who order twice and somebody who packs it together, with the faults of every day: each unit leaves once, and
its channel knows of it once.
"""

from pathlib import Path

import pytest
from tests.world.seeded import Day, run_day

from tongdan.flow.repacking import Repacking
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.packing import PackingRoom

PAIRS = 8


def packed(data: Path, *, seed: int, faults: float) -> tuple[Day, PackingRoom, list[str]]:
    """A day of a few orders and PAIRS of packed ones; what the room still waits for at its end."""
    rooms = list[PackingRoom]()
    waits = list[str]()

    def open_room(pair: Pair) -> None:
        centre = pair.centre
        repacking = Repacking(centre.reads, centre.policy, centre.clock)
        rooms.append(PackingRoom(pair.world, repacking, centre.bus, centre.reads, PAIRS))
        rooms[0].open()

    day = run_day(
        data, seed=seed, orders=4, faults=faults, before=open_room, after=lambda _: waits.extend(rooms[0].left_open())
    )  # fmt: skip
    return day, rooms[0], waits


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_is_packed_together_leaves_once_and_is_told_once(data: Path, seed: int) -> None:
    day, room, waits = packed(data, seed=seed, faults=0.4)
    assert day.ledger.offenders == ()
    assert day.ledger.holds
    assert day.ledger.born == 4 + 2 * PAIRS
    assert room.done["merge"] > 0
    assert waits == []
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"], day.counts["parked"]) == (0, 0, 0)
    assert day.findings == []
