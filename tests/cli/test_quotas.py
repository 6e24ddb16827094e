"""`tongdan stock` and `tongdan quotas`: what lies where and what platforms may sell is shown, tried, and told again."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, _tell, tongdan

from tongdan.domain.catalog.commands import DefineSku, MatchOffer
from tongdan.domain.catalog.model import Description
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.profile import embedded, reading

RULE = "every_s: 5\nrules: [{skus: [CUP], buffer_units: 4, shops: [{shop: dy-main, percent: %d}]}]\n"


async def _stock_up(data: Path, conf: Path) -> None:
    centre = embedded(data, conf)
    await centre.relay.start()
    await _tell(centre, DefineSku(sku="CUP", description=Description(title="杯")), "define")
    count = CountStock(sku="CUP", warehouse="WH-EAST", on_hand=24, counted_at=PLACED)
    await _tell(centre, count, "count")
    match = MatchOffer(channel="DY", shop="dy-main", offer="900", sku="CUP", product="77")
    await _tell(centre, match, "dy-main")
    await centre.quiet()
    await centre.stop()


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(CONF, tmp_path / "conf"))
    (folder / "quotas.yml").write_text(RULE % 50)
    return folder


@pytest.fixture
def filled(data: Path, conf: Path) -> Path:
    asyncio.run(_stock_up(data, conf))
    return data


def rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_stock_is_shown_by_warehouse(filled: Path) -> None:
    shown = json.loads(tongdan("stock", "show", "CUP", "--data", filled, "--json").stdout)
    assert shown == {
        "sku": "CUP",
        "warehouses": [{"warehouse": "WH-EAST", "on_hand": 24, "reserved": 0, "available": 24}],
        "waiting_units": 0,
        "parts": {},
    }
    assert "WH-EAST" in tongdan("stock", "show", "CUP", "--data", filled).stdout
    assert tongdan("stock", "show", "NOTHING", "--data", filled).exit_code == 1


def test_quotas_are_shown_and_other_rules_tried_without_writing(filled: Path, tmp_path: Path) -> None:
    before = rows(filled)
    shown = json.loads(tongdan("quotas", "show", "CUP", "--data", filled, "--json").stdout)
    (outlet,) = shown["outlets"]
    assert (shown["units"], shown["buffer_units"]) == (20, 4)
    assert (outlet["offer"], outlet["product"], outlet["due"], outlet["asked"], outlet["published"]) == (
        "900", "77", 10, 10, None,
    )  # fmt: skip
    assert "dy-main" in tongdan("quotas", "show", "CUP", "--data", filled).stdout
    rules = tmp_path / "meant.yml"
    rules.write_text(RULE % 100)
    words = ("quotas", "preview", "CUP", "--rules", rules, "--data", filled)
    (tried,) = json.loads(tongdan(*words, "--json").stdout)["outlets"]
    assert (tried["due"], tried["asked"]) == (20, 10)
    rules.write_text(RULE % 101)
    assert tongdan(*words).exit_code == 2
    assert tongdan("quotas", "show", "SHIRT", "--data", filled).exit_code == 1
    assert rows(filled) == before


def test_a_changed_rule_is_pushed(filled: Path, conf: Path) -> None:
    (conf / "quotas.yml").write_text(RULE % 25)
    assert tongdan("quotas", "push", "CUP", "--data", filled, "--conf", conf).exit_code == 0
    (outlet,) = json.loads(tongdan("quotas", "show", "CUP", "--data", filled, "--json").stdout)["outlets"]
    assert (outlet["due"], outlet["asked"]) == (5, 5)
    before = rows(filled)
    refused = tongdan("quotas", "push", "SHIRT", "--data", filled, "--conf", conf)
    assert (refused.exit_code, rows(filled)) == (1, before)
