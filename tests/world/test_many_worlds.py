"""Two hundred seeded worlds: every order born on any channel is in the centre once, with its lines, to the fen; every
parcel that left is told to its channel once; what is planted in a partner's books is found, and mended or a ticket,
while partners lose answers, are slow, lie, and are dead for a while."""

from pathlib import Path

import pytest
from tests.world.many import orders_of, run_many
from tests.world.planting import FORGOTTEN, MUTE, STRUCK, UNCONFIRMED, UNSHIPPED

from tongdan.adapters.policy_files import Conf
from tongdan.labs.world.troubles import DEAD, LOSSY, LYING, SLOW, STALE

pytestmark = pytest.mark.server  # it starts processes

SEEDS = range(1, 201)


def test_every_order_is_found_once_and_every_parcel_told_once_under_any_seed(
    provisioned: tuple[Conf, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = run_many(SEEDS, provisioned[1])
    with capsys.disabled():
        print(f"\n{outcome}")
    assert outcome.wrong == []
    assert (outcome.missing, outcome.doubled) == (0, 0)
    assert (outcome.worlds, outcome.orders) == (len(SEEDS), sum(map(orders_of, SEEDS)))
    assert (outcome.heartbeat.missed, outcome.heartbeat.false) == ([], [])
    assert outcome.heartbeat.found == outcome.heartbeat.by_itself + outcome.heartbeat.ticketed > len(SEEDS)
    assert outcome.heartbeat.ticketed == outcome.heartbeat.planted[STRUCK]
    assert outcome.heartbeat.by_itself == outcome.heartbeat.decided
    assert min(outcome.heartbeat.planted[kind] for kind in (MUTE, FORGOTTEN, UNSHIPPED, UNCONFIRMED)) > 0
    assert min(outcome.heartbeat.troubles[kind] for kind in (LOSSY, SLOW, LYING, STALE)) > 0
    assert outcome.heartbeat.troubles[DEAD] == len(SEEDS)
    assert min(outcome.faults[kind] for kind in ("lost", "never-told", "page-shifted", "limited")) > 0
