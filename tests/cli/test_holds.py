"""Promises of `holds`: what is held is listed with its why; many are let go or cancelled as was shown; nobody's phone
is kept; a rule can be tried before it is in force.
"""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PERSON, PLACED, Nowhere, _tell, tongdan

from tongdan.domain.orders.commands import PlaceHold
from tongdan.domain.orders.model import Order
from tongdan.profile import embedded, reading


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def _order(data: Path, id: str) -> Order:
    order = reading(data).order(id)
    assert isinstance(order, Order)
    return order


@pytest.fixture
def held(data: Path) -> str:
    """The own shop's order, held for review; nobody has paid."""
    id = reading(data).find("MP", "mp-main", "M-1")
    assert id is not None

    async def hold() -> None:
        centre = embedded(data, CONF, transport=Nowhere())
        await _tell(centre, PlaceHold(order=id, hold="review-large"), "mp-main")
        await centre.stop()

    asyncio.run(hold())
    return id


def test_the_list_says_what_is_held_and_why(data: Path, held: str) -> None:
    assert held in tongdan("holds", "list", "--data", data).stdout
    assert "20,000" in tongdan("holds", "list", "--data", data).stdout
    (row,) = json.loads(tongdan("holds", "list", "--hold", "review", "--json", "--data", data).stdout)
    assert (row["id"], row["holds"]) == (held, ["review-large"])
    assert json.loads(tongdan("holds", "list", "--hold", "risk", "--json", "--data", data).stdout) == []
    assert json.loads(tongdan("holds", "list", "--shop", "dy-main", "--json", "--data", data).stdout) == []


def test_many_are_let_go_as_was_shown(data: Path, held: str) -> None:
    before = _rows(data)
    words = ("holds", "release", "--hold", "review-large", "--json", "--data", data)
    shown = json.loads(tongdan(*words).stdout)
    assert [each["what"] for each in shown["outcomes"]] == ["waiting"]
    assert _rows(data) == before
    done = json.loads(tongdan(*words, "--apply").stdout)
    assert done == shown | {"applied": True}
    assert _order(data, held).holds == ()
    assert json.loads(tongdan(*words, "--apply").stdout)["outcomes"] == []


def test_what_is_not_held_so_is_refused_and_nothing_is_written(data: Path, held: str) -> None:
    before = _rows(data)
    said = tongdan("holds", "release", held, "--hold", "risk-none", "--apply", "--data", data)
    assert said.exit_code == 1
    assert "risk-none" in said.stdout
    assert tongdan("holds", "release", "--data", data).exit_code == 2
    assert tongdan("holds", "release", "DY20260127000001", "--hold", "x", "--data", data).exit_code == 1
    assert _rows(data) == before


def test_held_orders_are_cancelled_by_a_person(data: Path, held: str) -> None:
    words = ("holds", "cancel", "--hold", "review", "--reason", "fraud", "--data", data)
    assert _order(data, held).cancelled is False
    tongdan(*words)
    assert _order(data, held).cancelled is False
    assert tongdan(*words, "--apply").exit_code == 0
    assert _order(data, held).cancelled is True


def test_the_blacklist_knows_tokens_only(data: Path) -> None:
    words = ("holds", "blacklist", "add", "phone", PERSON.phone, "--reason", "never pays", "--data", data)
    added = tongdan(*words)
    assert added.exit_code == 0, added.output
    mark = added.stdout.strip()
    assert "conf/holds.yml" in added.stderr  # no rule that is delivered looks at it
    (row,) = json.loads(tongdan("holds", "blacklist", "list", "--json", "--data", data).stdout)
    assert (row["mark"], row["why"]) == (mark, "never pays")
    assert not any(PERSON.phone.encode() in file.read_bytes() for file in data.glob("*.sqlite*"))
    gone = tongdan(
        "holds", "blacklist", "remove", "phone", "138 1234 1234", "--reason", "mistaken", "--data", data
    )
    assert gone.exit_code == 0, gone.output
    assert json.loads(tongdan("holds", "blacklist", "list", "--json", "--data", data).stdout) == []


@pytest.mark.parametrize(("kind", "value"), [("phone", "138****1234"), ("face", "x"), ("buyer", " ")])
def test_what_marks_nobody_is_refused(data: Path, kind: str, value: str) -> None:
    before = _rows(data)
    said = tongdan("holds", "blacklist", "add", kind, value, "--reason", "r", "--data", data)
    assert said.exit_code == 2
    assert _rows(data) == before


def test_a_rule_is_tried_on_recent_orders_before_it_is_in_force(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    rules = conf / "holds.yml"
    rules.write_text(rules.read_text().replace("2000000", "19799").replace("active: false", "active: true"))
    monkeypatch.setattr("tongdan.cli.holds.SystemClock", lambda: _At())
    before = _rows(data)
    tried = json.loads(tongdan("holds", "preview", "--conf", conf, "--json", "--data", data).stdout)
    assert tried["orders"] == 1
    assert [(hit["rule"], hit["hold"]) for hit in tried["hits"]] == [("large", "review-large")]
    assert tried["untried"] == ["moved"]
    assert "review-large" in tongdan("holds", "preview", "--conf", conf, "--data", data).stdout
    assert _rows(data) == before


class _At:
    def now(self) -> object:
        return PLACED
