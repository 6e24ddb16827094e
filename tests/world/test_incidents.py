"""Replays: Tongdan's column holds on every seed, the old one loses what it loses, and both are counted, not written."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world.stage import CONF

from tongdan.labs import incidents
from tongdan.labs.incidents.frozen_key import LIVE, TESTED
from tongdan.labs.incidents.outcome import Figure, Outcome, Row
from tongdan.labs.incidents.registry import INCIDENTS
from tongdan.labs.incidents.signed_without_track import before

SIDES: tuple[Callable[[Row], Figure], ...] = (lambda row: row.old, lambda row: row.tongdan)


def count(figure: Figure) -> float:
    return figure if isinstance(figure, int | float) else 0


def replayed(name: str, seed: int, place: Path) -> Outcome:
    return INCIDENTS[name].replay(seed, CONF, place)


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_parcels_buyer_is_told_or_known_not_to_be(data: Path, seed: int) -> None:
    outcome = replayed("never-notified", seed, data)
    assert (outcome.holds, outcome.offenders) == (True, ())
    old, ours = ({row.name: count(each) for row in outcome.rows for each in [pick(row)]} for pick in SIDES)
    assert ours["unknown"] == 0
    assert ours["delivered"] + ours["known"] == ours["shipped"] == old["shipped"]
    assert ours["told"] == ours["delivered"]
    # The old side: what it believes is more than what arrived, and what it does not know is most of the rest.
    assert old["delivered"] + old["known"] + old["unknown"] == old["shipped"]
    assert old["told"] > old["delivered"]
    assert (old["known"], old["unknown"] > 0) == (0, True)


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_order_that_finance_counts_otherwise_is_named_with_its_cause(data: Path, seed: int) -> None:
    outcome = replayed("seven-orders", seed, data)
    assert (outcome.holds, outcome.offenders) == (True, ())
    old, ours = ({row.name: count(each) for row in outcome.rows for each in [pick(row)]} for pick in SIDES)
    assert old["difference"] == ours["difference"] == 7
    assert ours["found"] == ours["named"] == ours["right"] == ours["planted"] > 7
    assert (ours["unexplained"], ours["missing"]) == (0, 0)
    # The old side: it finds them and knows why of the fewer part only, hours later, and nobody sends anything again.
    assert old["right"] < old["planted"] and old["unexplained"] > 0
    assert old["minutes"] > 60 and old["missing"] > 0


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_system_reverses_a_withdrawn_refund_and_what_left_is_owed_back(data: Path, seed: int) -> None:
    outcome = replayed("refund-withdrawn", seed, data)
    assert (outcome.holds, outcome.offenders) == (True, ())
    old, ours = ({row.name: count(each) for row in outcome.rows for each in [pick(row)]} for pick in SIDES)
    assert ours["reversed"] == ours["told"] > ours["withdrawn"] == ours["as_before"] == old["withdrawn"]
    assert (ours["on_one_word"], ours["followed_fen"]) == (0, ours["left_fen"])
    # The old side: the money is gone before anybody can withdraw it, and nobody follows it.
    assert old["left_fen"] > ours["left_fen"] > 0
    assert (old["on_one_word"], old["followed_fen"]) == (old["withdrawn"], 0)
    assert old["reversed"] < old["told"]


@pytest.mark.parametrize("seed", range(1, 3))
def test_a_frozen_key_costs_no_parcel_and_nothing_is_signed_that_never_moved(data: Path, seed: int) -> None:
    outcome = replayed("signed-without-track", seed, data)
    assert (outcome.holds, outcome.offenders) == (True, ())
    old, ours = ({row.name: row for row in outcome.rows}, {row.name: row.tongdan for row in outcome.rows})
    assert ours["false"] == ours["untold"] == ours["doubled"] == ours["test_key"] == ours["warm_frozen"] == 0
    assert ours["found"] == ours["said"] == ours["parcels"] == old["parcels"].old
    assert count(ours["found_minutes"]) <= 10
    assert ours["alarms"] == 1
    assert count(ours["alone_missed"]) > 0
    # The old side signs every parcel of the wave, and knows it a quarter of an hour later.
    assert old["false"].old == old["missed"].old == old["parcels"].old
    assert count(old["found_minutes"].old) > 10


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_figures_of_the_frozen_key_come_out_of_the_old_process_by_themselves(seed: int) -> None:
    """The source: 142 parcels, signed 14:05 to 14:18; alarm 14:22, spare 14:31, done 14:47."""
    old = before(seed, CONF)
    assert old.frozen_at == TESTED + timedelta(days=7)
    assert abs(old.false - 142) <= 142 * 0.05
    says = [old.refused_at, old.first_false, old.last_false, old.alarm_at, old.mended_at, old.done_at]
    minutes = [round((at - LIVE) / timedelta(minutes=1)) for at in says if at is not None]
    assert len(minutes) == len(says)
    for minute, source in zip(minutes, (0, 5, 18, 22, 31, 47), strict=True):
        assert abs(minute - source) <= 1


@pytest.mark.parametrize("seed", range(1, 4))
def test_every_drift_is_found_and_repaired_or_with_a_person(data: Path, seed: int) -> None:
    outcome = replayed("status-drift", seed, data)
    assert (outcome.holds, outcome.offenders) == (True, ())
    old, ours = ({row.name: count(each) for row in outcome.rows for each in [pick(row)]} for pick in SIDES)
    assert ours["found"] == ours["planted"] == ours["itself"] + ours["tickets"]
    assert ours["unshipped"] + ours["not-outbound"] + ours["unsettled"] == ours["planted"]
    assert (ours["missed"], ours["false"]) == (0, 0)
    assert (ours["interfaces"] >= 5, ours["formats"], ours["clocks"]) == (True, 3, 2)
    # The old side: it knows of nothing before the night, and a person looks at what differs only by its clocks.
    assert old["itself"] == 0 < old["false"]
    assert old["found_at_median"] > ours["found_at_median"]
    assert old["mended_at_median"] > ours["mended_at_median"]


def test_the_same_seed_gives_the_same_columns(data: Path) -> None:
    first, second = (replayed("never-notified", 2, data / name) for name in ("a", "b"))
    assert first == second


def test_no_figure_of_a_replay_is_written_down() -> None:
    """Rows are made of what was counted: no number stands where a column is printed."""
    folder = Path(incidents.__file__).parent
    for path in folder.glob("*.py"):
        for row in re.findall(r"Row\((.*?)\)", path.read_text(), re.DOTALL):
            assert not re.search(r"(?<![\w.])\d", re.sub(r'"[^"]*"', "", row)), f"{path.name}: {row}"
