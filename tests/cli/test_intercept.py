"""Promises of `shipment intercept`: it shows who would be asked, `--apply` asks, a shipment that is none is named."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, Nowhere, _tell, tongdan

from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.orders.commands import RecordPayment
from tongdan.profile import embedded, reading


@pytest.fixture
def shipment(data: Path) -> str:
    """The own shop's order, handed to a warehouse that nobody can reach."""
    order = reading(data).find("MP", "mp-main", "M-1")
    assert order is not None

    async def sell() -> None:
        centre = embedded(data, CONF, transport=Nowhere())
        await centre.relay.start()
        await _tell(centre, CountStock(sku="SHIRT", warehouse="WH-EAST", on_hand=9, counted_at=PLACED), "")
        paid = RecordPayment(order=order, attempt=1, transaction="T-1", amount_fen=19_800, paid_at=PLACED)
        await _tell(centre, paid, "mp-main")
        await centre.quiet()
        await centre.stop()

    asyncio.run(sell())
    return f"{order}-S1"


def _state(data: Path, shipment: str) -> Shipment:
    state = reading(data).order(shipment)
    assert isinstance(state, Shipment)
    return state


def test_it_is_shown_then_done_once(data: Path, shipment: str) -> None:
    words = ("shipment", "intercept", shipment, "--reason", "wrong address", "--data", data)
    shown = tongdan(*words)
    assert shown.exit_code == 0, shown.output
    assert "wrong address" in shown.stdout and "--apply" in shown.stderr
    assert _state(data, shipment).recall == ""
    done = json.loads(tongdan(*words, "--apply", "--json").stdout)
    assert done["applied"] is True
    assert _state(data, shipment).recall == "wrong address"
    assert json.loads(tongdan(*words, "--apply", "--json").stdout)["facts"] == []


@pytest.mark.parametrize("name", ["MP20260127000892-S1", "nonsense", "MP20260127000892"])
def test_a_shipment_that_is_none_is_named(data: Path, name: str) -> None:
    said = tongdan("shipment", "intercept", name, "--reason", "r", "--data", data)
    assert said.exit_code == 1
    assert name in said.stderr
