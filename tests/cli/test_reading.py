"""Promises of the reading commands: they show what is committed, mask people unless asked, find an order by any of its
numbers, keep stdout pure under --json, and tell "there is none" (1) from "that is no way to ask" (2).
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import tongdan

from tongdan.profile import reading
from tongdan.surfaces.http.members import Role


def _json(*words: object) -> Any:
    result = tongdan(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _ids(data: Path) -> dict[str, str]:
    return {row["native"]: row["id"] for row in _json("order", "list", "--data", data)}


def test_orders_are_listed_by_shop_and_status(data: Path) -> None:
    assert set(_ids(data)) == {"M-1", "69001"}
    assert [row["native"] for row in _json("order", "list", "--shop", "mp-main", "--data", data)] == ["M-1"]
    assert [row["native"] for row in _json("order", "list", "--status", "0", "--data", data)] == ["69001"]
    assert _json("order", "list", "--status", "5", "--data", data) == []


def test_an_order_is_found_by_its_id_and_by_the_channels_number(data: Path) -> None:
    key = _ids(data)["M-1"]
    by_id, by_number = (
        _json("order", "show", key, "--data", data),
        _json("order", "show", "M-1", "--data", data),
    )
    assert by_id == by_number
    assert (by_id["id"], by_id["status"], by_id["order"]["amount_fen"]) == (key, 1, 19_800)
    assert _json("order", "show", "M-1", "--shop", "mp-main", "--data", data)["id"] == key


def test_people_are_masked_unless_asked_for(data: Path) -> None:
    masked = tongdan("order", "show", "M-1", "--data", data)
    assert "张**" in masked.stdout
    assert "13812341234" not in masked.output
    assert "张三丰" not in masked.output
    revealed = tongdan("order", "show", "M-1", "--reveal", "--data", data)
    assert "张三丰" in revealed.stdout
    assert "13812341234" in revealed.stdout


def test_a_timeline_holds_every_row_of_the_order(data: Path) -> None:
    key = _ids(data)["M-1"]
    rows = _json("order", "timeline", key, "--data", data)
    assert [row["seq"] for row in rows] == [row.seq for row in reading(data).timeline(key)]
    assert rows[0]["fact"] == "OrderCreated"
    shown = tongdan("order", "timeline", key, "--data", data)
    assert "order placed, 198.00 yuan" in shown.stdout


def test_payloads_are_shown_masked_on_request_and_open_on_another(data: Path) -> None:
    plain = tongdan("order", "timeline", "M-1", "--data", data)
    assert "order_no" not in plain.stdout
    masked = _json("order", "timeline", "M-1", "--raw", "--data", data)[0]["raw"]
    assert "order_no" in masked
    assert "13812341234" not in masked
    opened = _json("order", "timeline", "M-1", "--raw", "--reveal", "--data", data)[0]["raw"]
    assert json.loads(opened)["receiver"]["phone"] == "13812341234"


def test_an_order_is_shown_as_it_was_recorded_at_an_instant(data: Path) -> None:
    first = _json("order", "timeline", "M-1", "--data", data)[0]
    then = _json("order", "timeline", "M-1", "--as-of", first["recorded_at"], "--data", data)
    assert (then["status"], then["order"]["native"]) == (1, "M-1")
    before = tongdan("order", "timeline", "M-1", "--as-of", "2000-01-01", "--data", data)
    assert before.exit_code == 1
    assert tongdan("order", "timeline", "M-1", "--as-of", "yesterday", "--data", data).exit_code == 2


@pytest.mark.parametrize("number", ["DY20260127000892", "nothing-of-ours", "M-1 "])
def test_what_is_not_there_is_told_as_such(data: Path, number: str) -> None:
    result = tongdan("order", "show", number, "--data", data)
    assert result.exit_code == 1
    assert "no order" in result.stderr
    assert result.stdout == ""


def test_an_unknown_shop_is_a_wrong_use(data: Path) -> None:
    assert tongdan("order", "show", "M-1", "--shop", "none", "--data", data).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("order", "list"),
        ("order", "show", "X"),
        ("tickets",),
        ("dead-letters", "list"),
        ("compensation", "list"),
        ("verify",),
        ("export",),
    ],
)
def test_where_there_is_no_data_none_is_made(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = tongdan(*words, "--data", tmp_path / "none")
    assert result.exit_code == 2
    assert "holds no data" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_tickets_are_listed_once_each(data: Path) -> None:
    rows = _json("tickets", "--data", data)
    assert len(rows) == len({row["id"] for row in rows}) == len(reading(data).tickets())
    by_owner = [_json("tickets", "--owner", role, "--data", data) for role in Role]
    assert sum(len(each) for each in by_owner) == len(rows) > 0
    assert _json("tickets", "--overdue", "--data", data) == []


def test_repairs_are_counted_over_the_days_asked_for(data: Path) -> None:
    found = _json("pulse", "repairs", "--days", "30", "--data", data)
    assert found["found"] == sum(found[by] for by in ("by_itself", "by_person", "by_time", "open"))
    assert "by itself" in tongdan("pulse", "repairs", "--data", data).stdout


def test_the_audit_trail_is_exported_whole_or_not_at_all(data: Path, tmp_path: Path) -> None:
    rows = reading(data).counts()["journal_rows"]
    target = tmp_path / "audit.jsonl"
    assert tongdan("export", "--out", target, "--data", data).exit_code == 0
    exported = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(exported) == rows
    assert not any(row["raw"] for row in exported)
    assert "13812341234" not in target.read_text()
    lines = tongdan("export", "--data", data).stdout.splitlines()
    assert [json.loads(line) for line in lines] == exported
    nowhere = tongdan("export", "--out", tmp_path / "none" / "audit.jsonl", "--data", data)
    assert nowhere.exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.jsonl", "data"]


def test_csv_opens_in_a_spreadsheet(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "audit.csv"
    assert (
        tongdan("export", "--format", "csv", "--shop", "mp-main", "--out", target, "--data", data).exit_code
        == 0
    )
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["shop"] for row in rows} == {"mp-main"}
    assert json.loads(rows[0]["body"])["native"] == "M-1"
