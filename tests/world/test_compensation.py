"""A day on which finance is dead for hours and SF freezes its only key: all that they missed arrives once, and the
reports say what the partners' own books say."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.world.seeded import run_day
from tests.world.stage import START
from tests.world.test_frozen_key import MIDNIGHT, SPARE
from tests.world.test_waybills import books, seller_numbers

from tongdan.domain.guard.outage import Compensation
from tongdan.domain.guard.outage_facts import Cause
from tongdan.domain.kernel.keys import credential_key, outage_key
from tongdan.labs.world.in_process import Pair

DEAD_AFTER = timedelta(hours=3)
DEAD_FOR = timedelta(hours=6)
FROZEN_FOR = timedelta(hours=5)
SF = "carrier/SF"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return seller_numbers(tmp_path / "numbers")


def given(pair: Pair) -> int:
    """The numbers that SF has given."""
    return sum(carrier == "SF" for carrier, _ in pair.world.carrier.numbers.by_key)


class Troubled:
    """What finance has heard by its own book, and how many numbers SF had given when it froze and unfroze the key."""

    def __init__(self) -> None:
        self.heard: list[tuple[datetime, str, str]] = []
        self.numbers: list[int] = []

    def __call__(self, pair: Pair) -> None:
        world, clock = pair.world, pair.world.clock
        sf: Any = world.sf
        account = sf._account

        def hears(order: str, milestone: str) -> int:
            self.heard.append((clock.now(), order, milestone))
            return 0

        def known_as(**other: str) -> None:
            self.numbers.append(given(pair))
            sf._account = {**account, **other}

        world.finance.hears = hears
        begins_s, lasts_s = DEAD_AFTER.total_seconds(), DEAD_FOR.total_seconds()
        world.bustle.start(world.faults.suffer("finance", begins_s, lasts_s))
        frozen_s = (MIDNIGHT - START).total_seconds()
        clock.call_later(frozen_s, lambda: known_as(**SPARE))
        clock.call_later(frozen_s + FROZEN_FOR.total_seconds(), known_as)


def report_of(pair: Pair, partner: str) -> Compensation:
    found = pair.centre.reads.compensation(partner, 1, pair.world.clock.now())
    assert found is not None
    facts = [row.fact for row in pair.centre.reads.timeline(outage_key(partner))]
    assert facts == ["OutageBegan", "OutageEnded", "OutageCompensated"]
    assert found.missed == found.outage.resent + found.outage.found == len(found.effects) > 0
    assert (found.waiting, found.outage.left, found.outage.lanes_broken) == (0, 0, 0)
    return found


def check_finance(pair: Pair, heard: list[tuple[datetime, str, str]]) -> None:
    """Of each order the first that finance heard again are those of the report, each at its time."""
    found = report_of(pair, "finance")
    outage = found.outage
    assert outage.cause is Cause.UNREACHABLE and outage.back_at is not None
    silent = (outage.since, START + DEAD_AFTER + DEAD_FOR)
    assert [at for at, *_ in heard if silent[0] <= at < silent[1]] == []
    assert set(Counter((order, milestone) for _, order, milestone in heard).values()) == {1}
    after: dict[str, list[datetime]] = {}
    for at, order, _ in heard:
        if at >= silent[1]:
            after.setdefault(order, []).append(at)
    reported: dict[str, list[datetime]] = {}
    for each in found.effects:
        assert each.at is not None
        reported.setdefault(each.aggregate, []).append(each.at)
    assert len(reported) == outage.lanes
    for order, times in reported.items():
        first = after[order][: len(times)]
        assert len(first) == len(times)
        assert all(
            timedelta() <= told - at < timedelta(seconds=1) for at, told in zip(first, times, strict=True)
        )
    went_on = [
        row.fact
        for row in pair.centre.reads.journal()
        if row.fact in ("OrderAnnounced", "OrderReleased", "ShipmentDispatched", "ShipmentSigned")
        and START + DEAD_AFTER <= row.recorded_at < silent[1]
    ]
    assert went_on != []


def test_what_a_dead_finance_and_a_frozen_key_missed_arrives_once_and_the_reports_agree(
    data: Path, conf: Path
) -> None:
    troubled = Troubled()

    def look(pair: Pair) -> None:
        check_finance(pair, troubled.heard)
        sf = report_of(pair, SF)
        assert sf.outage.cause is Cause.KEY_REFUSED
        frozen, thawed = troubled.numbers
        got = sum(each.verb == "GetWaybill" for each in sf.effects)
        assert frozen == thawed and 0 < got <= given(pair) - thawed
        counted, wrong = books(pair)
        assert wrong == [] and counted["SF LIVE live"] == given(pair)  # each parcel has one number
        facts = [row.fact for row in pair.centre.reads.timeline(credential_key("sf/main"))]
        assert [fact for fact in facts if fact.startswith("Key")] == ["KeyFailed", "KeyRecovered"]
        tickets = [each for each in pair.centre.reads.tickets() if "credential" in each.kind]
        assert tickets == []

    day = run_day(
        data, seed=3, orders=24, faults=0.0, outages=0, conf=conf, before=troubled, after=look
    )  # fmt: skip
    assert day.ledger.holds
    assert day.counts["effects_outstanding"] == day.counts["dead_letters"] == 0
    assert day.findings == []
