"""`tongdan catalog`: what is there is shown, what a platform sells is matched, and wrong use says how to mend it."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, _tell, tongdan

from tongdan.domain.catalog.commands import DefineSku, FindMatch
from tongdan.domain.catalog.model import Description, Offer
from tongdan.domain.kernel.keys import offer_key
from tongdan.domain.kernel.parts import Part
from tongdan.profile import embedded, reading

CUP = Description(
    title="青瓷茶杯", product="CUP", variant="白", weight_g=300, low_stock_units=5, limit_units=2
)


async def _stock_up(data: Path) -> None:
    centre = embedded(data, CONF)
    await centre.relay.start()
    for sku, parts in (("CUP-W", ()), ("SET", (Part("CUP-W", 2, 1_000),))):
        await _tell(centre, DefineSku(sku=sku, description=CUP, parts=parts), sku)
    asked = FindMatch(
        channel="DY",
        shop="dy-main",
        offer="900",
        outer="",
        title="青瓷茶杯 白色",
        order="DY20260127000892",
        line=1,
    )
    await _tell(centre, asked, "dy-main")
    await centre.quiet()
    await centre.stop()


@pytest.fixture
def filled(data: Path) -> Path:
    asyncio.run(_stock_up(data))
    return data


def test_skus_are_listed_and_shown(filled: Path) -> None:
    listed = tongdan("catalog", "list", "--data", filled)
    assert ("CUP-W" in listed.stdout, "SET" in listed.stdout, "bundle" in listed.stdout) == (True, True, True)
    found = json.loads(tongdan("catalog", "list", "--data", filled, "--text", "cup-", "--json").stdout)
    assert [sku["sku"] for sku in found] == ["CUP-W"]
    shown = json.loads(tongdan("catalog", "show", "SET", "--data", filled, "--json").stdout)
    assert (shown["available_units"], shown["low_stock"]) == (0, True)
    assert "CUP-W × 2 @ 10.00" in tongdan("catalog", "show", "SET", "--data", filled).stdout
    missing = tongdan("catalog", "show", "NOTHING", "--data", filled)
    assert (missing.exit_code, missing.stdout) == (1, "")


def test_what_nobody_has_matched_is_listed_until_it_is(filled: Path) -> None:
    shown = tongdan("catalog", "unmatched", "--data", filled)
    assert "CUP-W (similar title 88 %)" in " ".join(shown.stdout.split())
    listed = json.loads(tongdan("catalog", "unmatched", "--data", filled, "--json").stdout)
    assert [each["offer"]["offer"] for each in listed] == ["900"]
    done = tongdan("catalog", "match", "dy-main", "900", "CUP-W", "--data", filled, "--conf", CONF)
    assert done.exit_code == 0, done.output
    offer = reading(filled).order(offer_key("DY", "dy-main", "900"))
    assert isinstance(offer, Offer) and offer.sku == "CUP-W"
    assert "Everything is matched." in tongdan("catalog", "unmatched", "--data", filled).stdout


@pytest.mark.parametrize("words", [("nowhere", "900", "CUP-W"), ("dy-main", "900", "NOTHING")])
def test_a_match_with_what_is_not_there_writes_nothing(filled: Path, words: tuple[str, ...]) -> None:
    before = sum(1 for _ in reading(filled).journal())
    refused = tongdan("catalog", "match", *words, "--data", filled, "--conf", CONF)
    assert refused.exit_code == 1
    assert "There is no" in refused.stderr
    assert sum(1 for _ in reading(filled).journal()) == before
