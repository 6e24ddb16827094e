"""Promises of `gifts`: what is in force is listed, what rules would give is shown, and nothing is written."""

import asyncio
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.cli.conftest import CONF, PERSON, Nowhere, _tell, tongdan

from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order
from tongdan.profile import embedded, reading

RULE = """
- name: pair
  name_en: a pair of socks with two shirts
  name_zh: 两件衬衫送袜子
  units_from: 2
  skus: [SHIRT]
  gifts: [{sku: SOCKS, units: 2}]
"""


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "new-gifts.yml"
    file.write_text(RULE)
    return file


def test_the_rules_in_force_are_listed(data: Path) -> None:
    (listed,) = json.loads(tongdan("gifts", "list", "--data", data, "--json").stdout)
    assert (listed["rule"]["name"], listed["rule"]["active"], listed["given"]) == ("socks", False, None)
    told = tongdan("gifts", "list", "--data", data)
    assert (told.exit_code, "SOCKS × 2" in told.stdout) == (0, True)


def test_a_candidate_is_tried_on_an_order_and_nothing_is_written(data: Path, rules: Path) -> None:
    before = _rows(data)
    words = ("gifts", "preview", "M-1", "--rules", rules, "--data", data)
    shown = json.loads(tongdan(*words, "--json").stdout)
    (would,) = shown["would"]
    assert (would["rule"], would["times"], would["gifts"], would["has"]) == (
        "pair", 1, [{"sku": "SOCKS", "units": 2}], False,
    )  # fmt: skip
    assert (shown["orders"], shown["units"], shown["untold"]) == (1, {"SOCKS": 2}, 0)
    told = tongdan(*words)
    assert (told.exit_code, "SOCKS × 2" in told.stdout, _rows(data)) == (0, True, before)


def test_recent_orders_are_looked_through_those_not_known_yet_are_told(data: Path, rules: Path) -> None:
    """The own order was placed long ago, the platform's is only announced."""
    shown = json.loads(tongdan("gifts", "preview", "--rules", rules, "--data", data, "--json").stdout)
    assert (shown["orders"], shown["untold"], shown["would"]) == (0, 1, [])


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [
        (RULE.replace("units_from: 2", "units_from: -1"), 1),
        ("- [", 1),
        (RULE.replace("gifts", "presents"), 1),
    ],
)
def test_a_rule_that_cannot_be_meant_is_named(data: Path, rules: Path, text: str, exit_code: int) -> None:
    rules.write_text(text)
    told = tongdan("gifts", "preview", "M-1", "--rules", rules, "--data", data)
    assert (told.exit_code, "new-gifts.yml" in told.stderr) == (exit_code, True)
    assert tongdan("gifts", "preview", "--rules", rules.with_name("none.yml"), "--data", data).exit_code == 2


def test_a_limited_rule_gives_in_a_whole_centre_and_the_journal_verifies(
    data: Path, rules: Path, tmp_path: Path
) -> None:
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    (conf / "gifts.yml").write_text(RULE + "  limit_times: 1\n")
    now = datetime(2026, 1, 28, 7, tzinfo=UTC)
    shirts = Line(no=1, sku="SHIRT", units=2, amount_fen=19_800)

    async def sell() -> list[Order]:
        centre = embedded(data, conf, transport=Nowhere())
        await centre.relay.start()
        warehouse = next(iter(centre.policy.warehouses))
        for sku in ("SHIRT", "SOCKS"):
            await _tell(centre, CountStock(sku=sku, warehouse=warehouse, on_hand=9, counted_at=now), sku)
        order = PlaceOrder(
            channel="MP", shop="mp-main", native="", buyer="u-2", lines=(shirts,), amount_fen=19_800, placed_at=now,
            region="浙江", person=PERSON,
        )  # fmt: skip
        found = []
        for native in ("G-1", "G-2"):
            placed = await _tell(centre, replace(order, native=native), native)
            await centre.quiet()
            state = centre.reads.order(placed.aggregate)
            assert isinstance(state, Order)
            found.append(state)
        await centre.stop()
        return found

    first, second = asyncio.run(sell())
    assert [(each.line.sku, each.reserved, each.stopped) for each in first.lines] == [
        ("SHIRT", 2, 0),
        ("SOCKS", 2, 0),
    ]
    assert [(each.line.sku, each.reserved, each.stopped) for each in second.lines] == [
        ("SHIRT", 2, 0),
        ("SOCKS", 0, 2),
    ]
    (listed,) = json.loads(tongdan("gifts", "list", "--data", data, "--json").stdout)
    assert (listed["rule"]["limit_times"], listed["given"]) == (1, 1)
    checked = tongdan("verify", "--data", data)
    assert checked.exit_code == 0, checked.output
