"""Several processes: whoever dies, stands still or is wrong about the time, wherever slots are on their way to, nothing
acknowledged is lost, nothing happens twice, and everybody reads every order.
"""

import asyncio
from collections.abc import Callable

import pytest
from tests.flow.crash.proof import effect_findings, findings, reaction_findings, stock_findings
from tests.flow.crash.storm_of_many import (
    ANY_INSTANT_KILLS,
    COMING,
    DECIDED,
    KILLS,
    LEAVING,
    POINTS,
    PROCESSES,
    STOPS_S,
    SUPERVISOR_KILLS,
    VICTIMS,
    Storm,
    storm,
)

from tongdan.profile import verify_data

pytestmark = pytest.mark.server

PAIRS = PROCESSES // 2  # between whose processes slots move


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory, seed: int, say: Callable[[str], None]) -> Storm:
    over = asyncio.run(storm(tmp_path_factory.mktemp("many"), seed))
    turned_away = sum(over.after.stage.line.turned_away.values())
    said = ", ".join(f"{what} {times}" for what, times in sorted(over.faults.items()))
    say(f"{over.after.messages} ({PROCESSES} processes, {sum(over.faults.values())} faults: {said})")
    say(f"{turned_away} requests told to come again, {over.after.stage.line.unanswered} unanswered")
    return over


def test_everybody_was_killed_everywhere(over: Storm) -> None:
    steps = len(LEAVING) + len(COMING)
    assert over.faults == {
        "kill at a point": KILLS * PROCESSES * len(POINTS),
        "kill at any instant": ANY_INSTANT_KILLS * PROCESSES,
        "kill in a move": PAIRS * steps * sum(map(len, VICTIMS)),
        "supervisor killed": SUPERVISOR_KILLS,
        "stopped for seconds": len(STOPS_S),
        "clock set back": 2,
    }
    in_moves = dict.fromkeys((*LEAVING, *COMING), PAIRS * len(VICTIMS))
    assert over.points == dict.fromkeys(POINTS, KILLS * PROCESSES) | in_moves


def test_every_acknowledged_message_is_stored_exactly_once(over: Storm) -> None:
    messages = over.after.messages
    assert messages.acknowledged > 1_000
    assert (messages.lost, messages.doubled) == (0, 0)
    assert set(over.after.stage.line.turned_away) <= {503}


def test_a_move_that_was_not_decided_is_taken_back_and_one_that_was_is_finished(over: Storm) -> None:
    assert len(over.moved) == PAIRS * len(VICTIMS) * (len(LEAVING) + len(COMING))
    for each in over.moved:
        assert over.lies[each.slot] == (each.to if each.point in DECIDED else each.source), each


def test_effects_stock_and_reactions_are_whole(over: Storm) -> None:
    assert list(effect_findings(over.after)) == []
    assert list(stock_findings(over.after)) == []
    assert list(reaction_findings(over.after)) == []


def test_every_order_is_read_from_whoever_answers(over: Storm) -> None:
    assert over.read > 200
    assert over.unread == set()


def test_nobody_stands_in_clear_in_files_log_backup_or_metrics(over: Storm) -> None:
    assert over.leaked == {}


def test_nothing_else_is_found(over: Storm) -> None:
    assert findings(over.after) == []
    assert verify_data(over.after.stage.data).rows > 5_000
