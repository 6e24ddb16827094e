"""`tongdan incident`: the list, a replay's columns as JSON and as a table, and names that are none."""

import json

import pytest
from tests.cli.conftest import tongdan


def test_the_list_names_each_replay() -> None:
    listed = json.loads(tongdan("incident", "list", "--json").stdout)
    assert [each["name"] for each in listed] == [
        "never-notified", "refund-withdrawn", "seven-orders", "signed-without-track", "status-drift",
    ]  # fmt: skip
    assert "never-notified" in tongdan("incident", "list").stdout


@pytest.mark.world
def test_a_replay_ends_with_0_when_the_column_holds() -> None:
    result = tongdan("incident", "run", "never-notified", "--seed", "2", "--json")
    outcome = json.loads(result.stdout)
    assert (result.exit_code, outcome["holds"], outcome["seed"]) == (0, True, 2)
    unknown = next(row for row in outcome["rows"] if row["name"] == "unknown")
    assert unknown["tongdan"] == 0
    assert unknown["old"] > 0
    assert all(row["en"].isascii() and not row["zh"].isascii() for row in outcome["rows"])


def test_a_name_that_is_none_is_wrong_use() -> None:
    result = tongdan("incident", "run", "no-such-thing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "never-notified" in result.stderr
