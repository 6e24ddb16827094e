"""Promises of `order reissue`: it shows what would leave again and changes nothing; `--apply` does it; `--undo` too."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, Nowhere, _tell, tongdan

from tongdan.domain.fulfillment.commands import ConfirmDelivery, CountStock, Package, PackageItem
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.orders.model import Order
from tongdan.profile import embedded, reading


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


@pytest.fixture
def order(data: Path) -> str:
    """The own shop's order of two shirts, paid and shipped."""
    id = reading(data).find("MP", "mp-main", "M-1")
    assert id is not None
    shirts = Package("SF", "SF1", 500, (PackageItem("SHIRT", 2),))

    async def ship() -> None:
        centre = embedded(data, CONF, transport=Nowhere())
        warehouse = next(iter(centre.policy.warehouses))
        steps: list[Command] = [
            CountStock(sku="SHIRT", warehouse=warehouse, on_hand=5, counted_at=PLACED),
            RecordPayment(order=id, attempt=1, transaction="T-1", amount_fen=19_800, paid_at=PLACED),
            ConfirmDelivery(
                shipment=f"{id}-S1", warehouse=warehouse, packages=(shirts,), final=True, confirmed_at=PLACED
            ),
        ]
        await centre.relay.start()
        for step in steps:
            await _tell(centre, step, "mp-main")
            await centre.quiet()
        await centre.stop()

    asyncio.run(ship())
    return id


def test_it_is_shown_then_done_then_undone(data: Path, order: str) -> None:
    before = _rows(data)
    words = ("order", "reissue", order, "--lines", "1x1", "--reason", "lost", "--json", "--data", data)
    shown = json.loads(tongdan(*words).stdout)
    assert ([fact["fact"] for fact in shown["facts"]], _rows(data)) == (["UnitsReissued"], before)
    assert json.loads(tongdan(*words, "--apply").stdout)["applied"] is True
    state = reading(data).order(order)
    assert isinstance(state, Order)
    assert [(each.line.no, each.line.replaces, each.waiting) for each in state.lines[1:]] == [(2, 1, 1)]
    told = tongdan("order", "show", order, "--data", data).stdout
    assert "lost" in told
    undone = tongdan("order", "reissue", order, "--undo", "1", "--reason", "found", "--apply", "--data", data)
    assert undone.exit_code == 0, undone.output
    state = reading(data).order(order)
    assert isinstance(state, Order)
    assert state.lines[1].stopped == 1


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("--lines", "1x3"), 1),
        (("--lines", "7"), 1),
        (("--undo", "1"), 1),
        ((), 2),
        (("--lines", "1", "--undo", "1"), 2),
        (("--lines", "one"), 2),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    data: Path, order: str, words: tuple[str, ...], exit_code: int
) -> None:
    before = _rows(data)
    told = tongdan("order", "reissue", order, *words, "--reason", "why", "--apply", "--data", data)
    assert told.exit_code == exit_code
    assert _rows(data) == before
