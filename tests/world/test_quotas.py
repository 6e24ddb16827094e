"""A rush for a few articles on five platforms that limit calls and lose answers: what they offer at the end is
what the rule says, and nobody bought what is not there.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from tests.world.seeded import findings
from tests.world.stage import START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.domain.fulfillment.quota import Quota, divided, to_promise
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import quota_key, stock_key
from tongdan.domain.kernel.policy import Policy
from tongdan.labs.world.in_process import together
from tongdan.labs.world.report import Ledger, report
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.rush import CHANNELS, Rush
from tongdan.ports import Clock, Reads

SKUS = ("KETTLE", "LAMP", "MUG")
ON_HAND, LATER, BUYERS, LASTS_S = 30, 20, 130, 7_200.0
BUFFER = 5


class Rushed(NamedTuple):
    """For each channel and SKU what it offers and what it should; lines that were short; units left; faults met."""

    rush: Rush
    offered: dict[tuple[str, str], int]
    due: dict[tuple[str, str], int]
    short: int
    left: dict[str, int]
    met: int
    ledger: Ledger
    counts: dict[str, int]


@pytest.fixture
def conf(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "conf"
    shutil.copytree(unhurried(), folder)
    shops = [{"shop": f"{code.lower()}-main", "percent": 20} for code in CHANNELS]
    rule = {"skus": list(SKUS), "buffer_units": BUFFER, "shops": shops}
    (folder / "quotas.yml").write_text(yaml.safe_dump({"every_s": 10, "rules": [rule]}))
    yield folder


def rushed(data: Path, conf: Path, *, seed: int, shelf_faults: float, faults: float = 0.0) -> Rushed:
    async def main(clock: Clock) -> Rushed:
        async with together(
            data, conf, clock=clock, seed=seed, orders=10, faults=faults, outages=0, most_lines=2,
            retail=SeededRetail(seed),
        ) as pair:  # fmt: skip
            centre, world = pair
            rush = Rush(world, centre.bus, SKUS, BUYERS, LASTS_S)
            await rush.open(ON_HAND, LATER, shelf_faults)
            quiet = await world.run()
            await centre.quiet()
            centre.views.flush()
            shelves = {code: world.platforms.gateways[code].shelf for code in CHANNELS}
            short = sum(
                row.fact == "StockShort" and row.body["sku"] in SKUS for row in centre.reads.journal()
            )
            return Rushed(
                rush,
                {(code, sku): shelf.facings[sku].units for code, shelf in shelves.items() for sku in SKUS},
                _due(centre.reads, centre.policy),
                short,
                {sku: _left(centre.reads, sku) for sku in SKUS},
                sum(shelf.met.total() for shelf in shelves.values()),
                report(world, centre.reads, quiet=quiet),
                centre.reads.counts(),
            )

    return run_virtual(main, START)


def _left(reads: Reads, sku: str) -> int:
    stock = reads.order(stock_key(sku))
    assert isinstance(stock, Stock)
    return sum(stock.available()[0].values())


def _due(reads: Reads, policy: Policy) -> dict[tuple[str, str], int]:
    """What the rule says of the stock as it is."""
    found = dict[tuple[str, str], int]()
    for sku in SKUS:
        quota, rule = reads.order(quota_key(sku)), policy.quotas.rule_of(sku)
        assert isinstance(quota, Quota)
        assert rule is not None
        numbers = divided(max(0, _left(reads, sku) - BUFFER), rule, quota.outlets)
        assert to_promise(quota, rule) == max(0, _left(reads, sku) - BUFFER)
        found |= {(each.channel, sku): numbers[each.key] for each in quota.outlets}
    return found


@pytest.mark.parametrize("seed", range(1, 3))
def test_what_platforms_offer_is_what_the_rule_says_and_nothing_is_oversold(
    data: Path, conf: Path, seed: int
) -> None:
    day = rushed(data, conf, seed=seed, shelf_faults=0.3)
    assert day.met > 20
    assert sum(day.rush.turned_away.values()) > 0
    assert day.short == 0
    assert day.offered == day.due
    assert all(units >= 0 for units in day.left.values())
    assert day.ledger.holds
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"]) == (0, 0)
    assert findings(data) == []
