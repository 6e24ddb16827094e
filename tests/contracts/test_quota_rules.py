"""`conf/quotas.yml` says what somebody meant, or the start stops with its place and what was expected there."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tongdan.adapters.policy_files import ConfError, load_conf
from tongdan.domain.kernel.quotas import QuotaPolicy

CONF = Path(__file__).parents[2] / "conf"
DY = {"shop": "dy-main", "units": 5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CONF, tmp_path / "conf")
    return tmp_path / "conf"


def load(folder: Path, *rules: dict[str, Any], every_s: int = 10) -> QuotaPolicy:
    text = yaml.safe_dump({"every_s": every_s, "rules": list(rules)})
    (folder / "quotas.yml").write_text(text)
    return load_conf(folder).policy.quotas


def test_the_first_rule_that_names_a_sku_counts_and_then_the_one_for_all(folder: Path) -> None:
    rest, cups = {"shops": [DY]}, {"skus": ["CUP"], "shops": [DY], "warehouses": ["WH-EAST"]}
    quotas = load(folder, rest, cups)
    assert quotas.rule_of("CUP") == quotas.rules[1]
    assert quotas.rule_of("HAT") == quotas.rules[0]
    assert load(folder, cups).rule_of("HAT") is None
    (folder / "quotas.yml").unlink()
    assert load_conf(folder).policy.quotas.rules == ()


@pytest.mark.parametrize(
    ("rules", "place", "expected"),
    [
        ([{"shops": []}], "rules[0].shops", "at least one"),
        ([{"shops": [DY, DY]}], "rules[0].shops", "each once"),
        ([{"shops": [{"shop": "no", "units": 1}]}], "rules[0].shops", "got 'no'"),
        ([{"shops": [{"shop": "mp-main", "units": 1}]}], "rules[0].shops", "which MP (mp-main) does not"),
        ([{"shops": [{"shop": "dy-main"}]}], "rules[0].shops", "one of them"),
        ([{"shops": [DY | {"percent": 5}]}], "rules[0].shops", "one of them"),
        ([{"shops": [{"shop": "dy-main", "percent": 101}]}], "rules[0].shops", "100 percent of dy-main"),
        (
            [{"shops": [{"shop": "dy-main", "percent": 60}, {"shop": "pd-main", "percent": 50}]}],
            "rules[0].shops",
            "100 percent in all",
        ),
        ([{"shops": [DY], "buffer_units": -1}], "rules[0].buffer_units", "0 to 999999"),
        ([{"shops": [DY], "warehouses": ["WH-MOON"]}], "rules[0].warehouses", "got 'WH-MOON'"),
        ([{"shops": [DY], "skus": [" A"]}], "rules[0].skus", "printable"),
        ([{"shops": [DY]}, {"shops": [DY]}], "rules[1].skus", "one rule without skus only"),
        (
            [{"shops": [DY], "skus": ["A"]}, {"shops": [DY], "skus": ["A"]}],
            "rules[1].skus",
            "'A' in one rule",
        ),
    ],
)
def test_a_mistake_is_named(folder: Path, rules: list[dict[str, Any]], place: str, expected: str) -> None:
    with pytest.raises(ConfError) as refused:
        load(folder, *rules)
    assert (refused.value.file, refused.value.place) == ("quotas.yml", place)
    assert expected in refused.value.expected


def test_shops_that_share_may_have_all_of_it_each(folder: Path) -> None:
    shops = [{"shop": "dy-main", "percent": 100}, {"shop": "pd-main", "percent": 100}]
    assert load(folder, {"shops": shops, "shared": True}).rules[0].shared


@pytest.mark.parametrize("every_s", [0, -1, 3_601])
def test_how_often_has_limits(folder: Path, every_s: int) -> None:
    with pytest.raises(ConfError) as refused:
        load(folder, every_s=every_s)
    assert refused.value.place == "every_s"
