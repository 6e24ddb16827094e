"""Parcels that are signed for and were never scanned: found by two sources, and never by one that cannot be reached."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.world.seeded import Day, run_day

from tongdan.domain.fulfillment.facts import ShipmentSigned
from tongdan.domain.fulfillment.track_facts import SignedWithoutTrack
from tongdan.domain.fulfillment.untracked import MANY
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.world import DAY_S, TRACKS

NOT_SCANNED = "signed-without-track"


class Seen(NamedTuple):
    facts: Counter[str]
    tickets: Counter[str]
    minutes: list[float]
    parcels: int


def tickets(pair: Pair) -> Counter[str]:
    """The open ones, by kind."""
    pair.centre.views.flush()
    return Counter(each.kind.partition(":")[0] for each in pair.centre.reads.tickets(limit=1_000))


def seen(pair: Pair) -> Seen:
    facts = Counter[str]()
    signed, found = dict[str, datetime](), dict[str, datetime]()
    for row in pair.centre.reads.journal():
        facts[row.fact] += 1
        if row.fact == ShipmentSigned.__name__:
            signed.setdefault(row.aggregate, row.recorded_at)
        if row.fact == SignedWithoutTrack.__name__:
            found.setdefault(row.aggregate, row.recorded_at)
    minutes = [(found[each] - signed[each]) / timedelta(minutes=1) for each in found]
    return Seen(facts, tickets(pair), minutes, len(pair.world.carrier._parcels))


def unscanned(pair: Pair) -> None:
    pair.world.carrier.scans = False


def live(data: Path, before: Any, seed: int = 4) -> tuple[Day, Seen]:
    kept: list[Seen] = []
    day = run_day(
        data, seed=seed, orders=12, faults=0.0, outages=0, before=before, after=lambda pair: kept.append(seen(pair))
    )  # fmt: skip
    assert day.findings == []
    return day, kept[0]


def test_every_parcel_without_a_scan_is_found_within_ten_minutes_and_all_are_one_alarm(data: Path) -> None:
    day, at_end = live(data, unscanned)
    assert at_end.parcels == at_end.facts["SignedWithoutTrack"] >= MANY
    assert at_end.tickets[NOT_SCANNED] == at_end.parcels
    assert at_end.tickets["many-signed-without-track"] == 1
    assert max(at_end.minutes) <= 10
    assert day.counts["effects_outstanding"] == day.counts["dead_letters"] == 0


def test_a_day_of_scanned_parcels_raises_nothing(data: Path) -> None:
    _, at_end = live(data, lambda pair: None)
    assert at_end.parcels >= MANY
    assert at_end.facts["SignedWithoutTrack"] == at_end.facts["TrackCheckOpened"] == 0


@pytest.mark.parametrize("partner", ["sf", TRACKS])
def test_a_source_that_is_down_is_unknown_and_the_verdict_follows_when_it_is_back(
    data: Path, partner: str
) -> None:
    meanwhile: list[Counter[str]] = []

    def down(pair: Pair) -> None:
        unscanned(pair)
        world = pair.world
        world.bustle.start(world.faults.suffer(partner, 0, 3 * DAY_S))
        world.clock.call_later(3 * DAY_S - 60, lambda: meanwhile.append(tickets(pair)))

    _, at_end = live(data, down)
    assert meanwhile[0][NOT_SCANNED] == 0
    assert meanwhile[0]["track-source-silent"] == 1
    assert at_end.tickets[NOT_SCANNED] == at_end.parcels == at_end.facts["SignedWithoutTrack"]
    assert at_end.tickets["track-source-silent"] == 0


def test_a_key_that_is_not_taken_is_unknown_too_and_stands_as_the_cause_afterwards(data: Path) -> None:
    meanwhile: list[Counter[str]] = []

    def frozen(pair: Pair) -> None:
        unscanned(pair)
        sf: Any = pair.world.sf
        account = sf._account
        sf._account = {**account, "partner_id": "FROZEN"}

        def thaw() -> None:
            meanwhile.append(tickets(pair))
            sf._account = account

        pair.world.clock.call_later(3 * DAY_S, thaw)

    _, at_end = live(data, frozen)
    assert meanwhile[0][NOT_SCANNED] == 0
    assert (meanwhile[0]["track-source-silent"], meanwhile[0]["credential-failed"]) == (1, 1)
    assert at_end.tickets[NOT_SCANNED] == at_end.parcels
    assert at_end.tickets["many-signed-without-track"] == 1
    assert (at_end.tickets["track-source-silent"], at_end.tickets["credential-failed"]) == (0, 0)
