"""After-sales on five platforms, with lost, late and repeated pushes and answers that nobody hears of: each is in the
centre once, on its line, in its units, to the fen, as its platform has it; each answer did something once.
"""

from pathlib import Path

import pytest
from tests.world.seeded import Day, run_day

from tongdan.labs.world.after_sale_desk import AfterSaleDesk
from tongdan.labs.world.in_process import Pair


def applied(data: Path, *, seed: int, orders: int, faults: float) -> tuple[Day, AfterSaleDesk, list[str]]:
    desks = list[AfterSaleDesk]()
    differences = list[str]()

    def open_desk(pair: Pair) -> None:
        desks.append(AfterSaleDesk(pair.world, pair.centre.bus, pair.centre.reads, share=0.7))
        desks[0].open()

    day = run_day(
        data,
        seed=seed,
        orders=orders,
        faults=faults,
        before=open_desk,
        after=lambda _: differences.extend(desks[0].differences()),
    )
    return day, desks[0], differences


@pytest.mark.parametrize("seed", range(1, 7))
def test_each_is_there_once_as_its_platform_has_it(data: Path, seed: int) -> None:
    day, desk, differences = applied(data, seed=seed, orders=16, faults=0.5 * (seed % 3))
    assert differences == []
    assert desk.cases and desk.answered.total()
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"], day.counts["parked"]) == (0, 0, 0)
    assert day.findings == []
    assert day.ledger.offenders == ()
