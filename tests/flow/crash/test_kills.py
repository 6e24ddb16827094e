"""SIGKILL at every named point and at any instant: nothing acknowledged is lost, nothing happens twice."""

import asyncio
from collections.abc import Callable

import pytest
from tests.flow.crash.proof import (
    asked_again,
    effect_findings,
    reaction_findings,
    stock_findings,
    stuck,
    timer_findings,
)
from tests.flow.crash.storm import ANY_INSTANT_KILLS, KILLS, POINTS, Storm, storm

from tongdan.profile import verify_data

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory, seed: int, say: Callable[[str], None]) -> Storm:
    over = asyncio.run(storm(tmp_path_factory.mktemp("storm"), seed))
    line, kills = over.after.stage.line, sum(over.killed.values())
    say(f"{over.after.messages} ({kills} kills, {line.unanswered} requests unanswered and sent again)")
    say(f"{asked_again(over.after)} effects whose outcome nobody knew were looked up or asked for again")
    return over


def test_every_point_killed_as_often_as_it_should(over: Storm) -> None:
    assert over.killed == dict.fromkeys(POINTS, KILLS) | {"any instant": ANY_INSTANT_KILLS}


def test_every_acknowledged_message_is_stored_exactly_once(over: Storm) -> None:
    messages = over.after.messages
    assert messages.acknowledged > 1_000
    assert (messages.lost, messages.doubled) == (0, 0)
    assert over.after.stage.line.turned_away == {}


def test_everything_drains_and_the_partners_agree(over: Storm) -> None:
    assert over.after.ledger.quiet
    assert over.after.ledger.offenders == ()
    assert over.after.ledger.holds


def test_every_effect_took_place_once_at_the_partners_key(over: Storm) -> None:
    assert list(stuck(over.after)) == []
    assert list(effect_findings(over.after)) == []
    assert asked_again(over.after) > 0


def test_stock_is_what_was_counted_less_what_left(over: Storm) -> None:
    assert list(stock_findings(over.after)) == []


def test_every_fact_was_reacted_to_once(over: Storm) -> None:
    assert list(reaction_findings(over.after)) == []


def test_every_timer_fired_once_in_effect(over: Storm) -> None:
    assert list(timer_findings(over.after)) == []


def test_verify_is_clean(over: Storm) -> None:
    report = verify_data(over.after.stage.data)
    assert report.findings == []
    assert report.rows > 5_000
