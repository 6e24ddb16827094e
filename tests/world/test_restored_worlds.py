"""A day in which the centre is lost: partners know orders, payments and parcels that its backup does not.

In the end nothing is missing, nothing was sent twice, money and stock agree, and who was erased stays erased.
"""

import asyncio
import random
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.world.restoring import Town, doubled, town
from tests.world.seeded import findings
from tests.world.stage import CONF, START

from tongdan.adapters.clock import run_virtual
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import stock_key
from tongdan.flow.erasure import Erased
from tongdan.flow.shard import commit_inline
from tongdan.labs.world.report import Ledger, report
from tongdan.ports import Clock
from tongdan.profile import Centre, back_up, restore

HOUR_S = 3_600.0
ORDERS = 40


class Outcome(NamedTuple):
    """`lost` orders were in the centre before the loss and not in its backup; `known` of them partners named."""

    ledger: Ledger
    lost: set[str]
    after: set[str]
    told_again: int
    lifted: int
    readable: set[str]
    doubled: list[str]
    stock: dict[str, tuple[int, int]]
    findings: list[str]


def _on_hand(centre: Centre, skus: set[str]) -> dict[str, int]:
    stocks = {sku: centre.reads.order(stock_key(sku)) for sku in skus}
    return {
        sku: sum(level.on_hand for level in stock.levels.values())
        for sku, stock in stocks.items()
        if isinstance(stock, Stock)
    }


def _left(built: Town) -> Counter[str]:
    """Units that left the warehouses, by SKU."""
    left = Counter[str]()
    for delivery in built.world.warehouses.deliveries.values():
        for item in delivery.items:
            left[item.code] += item.left
    return left


async def _ids(centre: Centre) -> set[str]:
    centre.views.flush()
    return {row.id for row in centre.reads.orders(limit=10_000)}


async def _live(data: Path, clock: Clock, seed: int, faults: float, minutes: int, listed: bool) -> Outcome:
    first, second, backups = data / "first", data / "second", data / "backups"
    async with town(first, clock, seed=seed, orders=ORDERS, faults=faults) as built:
        assert built.centre is not None
        skus = {line.sku for basket in built.world.baskets for line in basket.lines}
        counted = _on_hand(built.centre, skus)
        day = asyncio.ensure_future(built.world.run())
        await clock.sleep(9 * HOUR_S)
        backup = back_up(first, backups, clock=clock)
        for _ in range(minutes):
            await clock.sleep(60)
            backup = back_up(first, backups, clock=clock, adding=True)
            assert backup.previous
        await clock.sleep(5 * HOUR_S - 60 * minutes)
        before = await _ids(built.centre)
        forgotten = sorted(before)[::5]
        assert isinstance(await built.centre.erasure.erase(forgotten, "ops"), Erased)
        lost_at = clock.now()
        await built.lose(first, second)
        await clock.sleep(HOUR_S / 2)
        known = built.warehouse_list() if listed else []
        at = backup.at + timedelta(seconds=30)
        await restore(
            backups, second, CONF, at=at, until=lost_at, known=known, clock=clock, committer=commit_inline
        )
        centre = await built.open(second, "second")
        lost = before - await _ids(centre)
        told_again = await built.tell_again(backup.at)
        lifted = 0
        while not day.done() and clock.now() < START + timedelta(days=4):
            await clock.sleep(HOUR_S)
            lifted += await built.lift_holds() if listed else 0
        quiet = await day
        await centre.quiet()
        after = await _ids(centre)
        left = _left(built)
        return Outcome(
            ledger=report(built.world, centre.reads, quiet=quiet), lost=lost, after=after, told_again=told_again,
            lifted=lifted, readable={id for id in forgotten if centre.reads.person(id) is not None},
            doubled=list(doubled(built)),
            stock={sku: (n + left[sku], counted[sku]) for sku, n in _on_hand(centre, skus).items()}, findings=[],
        )  # fmt: skip


def live(data: Path, *, seed: int, faults: float = 0.0, minutes: int = 0, listed: bool = True) -> Outcome:
    """A day that loses its centre after 14 hours; its last backup is of the ninth, plus `minutes` increments."""
    outcome = run_virtual(lambda clock: _live(data, clock, seed, faults, minutes, listed), START)
    return outcome._replace(findings=findings(data / "second"))


def _unexplained(outcome: Outcome) -> list[str]:
    """Without what belongs to the time that was lost: faults that a partner played then, and what a warehouse said of
    shipments of orders that were cancelled before the restored centre could plan them."""
    return [
        f"{each.what}: {each.order} {each.detail}"
        for each in outcome.ledger.offenders
        if each.what
        not in ("a fault neither healed nor has a ticket", "a partner gave up telling the centre")
    ]


@pytest.mark.parametrize(("seed", "minutes"), [(1, 0), (2, 3), (4, 20)])
def test_a_day_that_loses_its_centre_ends_like_one_that_does_not(
    tmp_path: Path, seed: int, minutes: int
) -> None:
    outcome = live(tmp_path, seed=seed, minutes=minutes)
    ledger = outcome.ledger
    assert _unexplained(outcome) == []
    assert ledger.quiet
    assert ledger.in_centre + sum(ledger.refused.values()) == ORDERS
    assert outcome.lost
    assert outcome.told_again > len(outcome.lost)
    assert outcome.doubled == []
    assert outcome.readable == set()
    assert {sku: pair for sku, pair in outcome.stock.items() if pair[0] != pair[1]} == {}
    assert outcome.findings == []


@pytest.mark.parametrize("seed", [5])
def test_faults_make_no_difference(tmp_path: Path, seed: int) -> None:
    outcome = live(tmp_path, seed=seed, minutes=5, faults=1.0)
    assert _unexplained(outcome) == []
    assert outcome.doubled == []
    assert outcome.readable == set()
    assert outcome.findings == []


def test_without_a_warehouse_list_what_may_have_been_sent_waits(tmp_path: Path) -> None:
    """Nobody has told which ids the warehouse knows: the platform's orders come back under new ones, and are held."""
    outcome = live(tmp_path, seed=1, listed=False)
    assert outcome.lifted == 0
    assert outcome.doubled == []
    assert _unexplained(outcome) == []
    assert outcome.findings == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_backup_in_the_middle_of_slot_moves_is_restored_clean(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    first, backups = tmp_path / "first", tmp_path / "backups"

    async def main(clock: Clock) -> None:
        async with town(first, clock, seed=seed, orders=20, faults=0.0) as built:
            day = asyncio.ensure_future(built.world.run())
            await clock.sleep(9 * HOUR_S)
            assert built.centre is not None
            for n in range(5):
                mover = built.centre.mover
                moves = [asyncio.ensure_future(mover.move(chance.randrange(256), n % 4)) for _ in range(3)]
                await clock.sleep(chance.choice([0.001, 0.003, 0.01, 0.05]))
                back_up(first, backups, clock=clock, adding=True)
                _keys_of(first, tmp_path / f"r{n}")
                await restore(backups, tmp_path / f"r{n}", CONF, clock=clock, committer=commit_inline)
                await asyncio.gather(*moves)
            day.cancel()

    run_virtual(main, START)
    assert [findings(tmp_path / f"r{n}") for n in range(5)] == [[]] * 5


def _keys_of(data: Path, to: Path) -> None:
    to.mkdir()
    shutil.copy2(data / "master.key", to)
