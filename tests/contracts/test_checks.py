"""The book of the heartbeat: what is due, what was checked, and what is left when it is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.adapters.checks_sqlite import SqliteChecks
from tongdan.ports import Beat, Checked, Watched

NOON = datetime(2026, 1, 27, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def checks(tmp_path: Path) -> SqliteChecks:
    return SqliteChecks(tmp_path / "checks.sqlite")


def due(checks: SqliteChecks, partner: str, minutes: float) -> list[str]:
    return [each.order for each in checks.due(partner, at(minutes), 100)]


def test_a_changed_order_is_due_at_once_with_all_its_partners_longest_overdue_first(
    checks: SqliteChecks,
) -> None:
    checks.put([Watched("B", ("finance", "wms/A"), at(1)), Watched("A", ("finance",), at(2))], {0: 7})
    assert due(checks, "finance", 2) == ["B", "A"]
    assert due(checks, "wms/A", 2) == ["B"]
    assert due(checks, "finance", 0) == []
    assert checks.positions() == {0: 7}


def test_one_that_changes_while_it_is_checked_stays_due(checks: SqliteChecks) -> None:
    checks.put([Watched("A", ("finance",), at(1))], {})
    checks.put([Watched("A", ("finance",), at(3))], {})
    checks.done("finance", [Checked("A", at(60), ("status",))], at(2))
    assert due(checks, "finance", 3) == ["A"]
    checks.done("finance", [Checked("A", at(60))], at(4))
    assert due(checks, "finance", 59) == []
    (check,) = checks.due("finance", at(60), 1)
    assert (check.checked_at, check.odd, check.changed_at) == (at(4), (), at(3))


def test_partners_that_no_longer_know_it_and_orders_that_are_over_are_dropped(checks: SqliteChecks) -> None:
    checks.put([Watched("A", ("finance", "wms/A"), at(1))], {})
    checks.put([Watched("A", ("finance",), at(2))], {})
    assert checks.partners() == ["finance"]
    checks.done("finance", [Checked("A", None)], at(3))
    assert checks.backlog("finance", at(9)).orders == 0


def test_the_backlog_tells_what_is_due_and_what_was_not_checked_for_longest(checks: SqliteChecks) -> None:
    checks.put([Watched("A", ("finance",), at(0)), Watched("B", ("finance",), at(5))], {})
    checks.done("finance", [Checked("A", at(30), ("status", "amount"))], at(10))
    found = checks.backlog("finance", at(20))
    assert (found.orders, found.due, found.odd, found.due_since, found.oldest) == (2, 1, 1, at(5), at(5))
    empty = checks.backlog("nobody", at(20))
    assert (empty.orders, empty.due, empty.due_since, empty.oldest) == (0, 0, None, None)


def test_a_check_is_hastened_and_never_delayed(checks: SqliteChecks) -> None:
    checks.put([Watched("A", ("finance",), at(0))], {})
    checks.done("finance", [Checked("A", at(30))], at(1))
    checks.hasten("A", at(2))
    checks.hasten("A", at(90))
    assert due(checks, "finance", 2) == ["A"]


def test_the_last_beat_of_a_partner_is_kept(checks: SqliteChecks) -> None:
    beat = Beat(partner="finance", began_at=at(0), ended_at=at(1), asked=2, heard_at=at(1), mean_s=60.0)
    checks.keep(beat)
    assert checks.beat("finance") == beat
    assert checks.beat("wms/A") is None


def test_a_lost_file_begins_empty_at_no_position(tmp_path: Path) -> None:
    path = tmp_path / "checks.sqlite"
    first = SqliteChecks(path)
    first.put([Watched("A", ("finance",), at(0))], {0: 9})
    first.close()
    path.write_bytes(b"no database" * 1_000)
    second = SqliteChecks(path)
    assert (second.partners(), second.positions()) == ([], {})


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 50)), max_size=30))
def test_whatever_changes_every_order_is_due_from_its_first_unchecked_change_on(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int]]
) -> None:
    checks = SqliteChecks(tmp_path_factory.mktemp("book") / "checks.sqlite")
    first: dict[str, int] = {}
    for order, minute in changes:
        checks.put([Watched(order, ("finance",), at(minute))], {})
        first[order] = min(minute, first.get(order, minute))
    found = {each.order: each.due for each in checks.due("finance", at(100), 100)}
    assert found == {order: at(minute) for order, minute in first.items()}
    checks.close()
