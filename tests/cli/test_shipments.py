"""Promises of `tongdan shipment`: it shows what would happen and changes nothing; `--apply` does it, here or at the
centre that serves; what cannot be is refused with exit code 1, what cannot be read with 2.
"""

import asyncio
import getpass
import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PERSON, PLACED, Nowhere, _tell, tongdan
from tests.cli.test_serving import centre  # noqa: F401 (a fixture)

from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.orders.commands import PlaceOrder, RecordPayment
from tongdan.domain.orders.lines import Line
from tongdan.profile import embedded, reading


async def _sell(data: Path) -> list[str]:
    """Two more orders of the same receiver, paid and handed to a warehouse that nobody can reach; their ids."""
    here = embedded(data, CONF, transport=Nowhere())
    await here.relay.start()
    warehouse = next(iter(here.policy.warehouses))
    await _tell(here, CountStock(sku="HAT", warehouse=warehouse, on_hand=9, counted_at=PLACED), "")
    orders = []
    for native in ("M-2", "M-3"):
        line = Line(no=1, sku="HAT", units=2, amount_fen=5_000)
        order = PlaceOrder(
            channel="MP", shop="mp-main", native=native, buyer=native, lines=(line,), amount_fen=5_000,
            placed_at=PLACED, region="浙江", person=PERSON,
        )  # fmt: skip
        orders.append((await _tell(here, order, "mp-main", native.encode())).aggregate)
        await here.quiet()
        paid = RecordPayment(
            order=orders[-1], attempt=1, transaction=native, amount_fen=5_000, paid_at=PLACED
        )
        await _tell(here, paid, "mp-main", native.encode())
    await here.quiet()
    await here.stop()
    return orders


@pytest.fixture
def orders(data: Path) -> list[str]:
    return asyncio.run(_sell(data))


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def _shipment(data: Path, *words: object) -> "tuple[int, dict[str, object]]":
    result = tongdan("shipment", *words, "--json", "--data", data, "--conf", CONF)
    return result.exit_code, json.loads(result.stdout)


def test_a_merge_is_shown_and_changes_nothing_until_it_is_applied(data: Path, orders: list[str]) -> None:
    a, b = orders
    before = _rows(data)
    shown = tongdan("shipment", "merge", a, b, "--data", data, "--conf", CONF)
    assert shown.exit_code == 0, shown.output
    assert f"{a}-S1001" in shown.stdout
    assert "--apply" in shown.stderr
    assert _rows(data) == before
    code, told = _shipment(data, "merge", a, b, "--apply")
    assert (code, told["applied"]) == (0, True)
    (row,) = [row for row in reading(data).journal() if row.fact == "PackingStarted"]
    assert (row.operator, row.source, row.aggregate) == (getpass.getuser(), "cli", f"packing/{a}")
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0


def test_lines_are_read_with_units_order_and_warehouse(data: Path, orders: list[str]) -> None:
    a, _ = orders
    code, told = _shipment(data, "split", f"{a}-S1", "--lines", f"{a}/1x1")
    assert code == 0
    parcels = told["preview"]["parcels"]  # type: ignore[index]
    assert [[each["units"] for each in parcel["lines"]] for parcel in parcels] == [[1], [1]]
    code, told = _shipment(data, "split", f"{a}-S1", "--lines", "1@NOWHERE")
    assert code == 1
    assert [each["error"] for each in told["preview"]["refused"]] == ["no-such-warehouse"]  # type: ignore[index]


@pytest.mark.parametrize("lines", ["", "x", "1x", "0", "1xx2", "1,,2", "-1", "①"])
def test_lines_that_cannot_be_read_are_explained(data: Path, orders: list[str], lines: str) -> None:
    result = tongdan("shipment", "split", f"{orders[0]}-S1", "--lines", lines, "--data", data)
    assert result.exit_code == 2
    assert "1x2,3" in result.stderr


def test_what_cannot_be_is_refused_by_name_and_nothing_is_written(data: Path, orders: list[str]) -> None:
    before = _rows(data)
    for words, name in (
        (("merge", orders[0]), "nothing-to-merge"),
        (("merge", orders[0], "MP20260127999999"), "unknown-id"),
        (("undo", f"{orders[0]}-S1"), "unknown-id"),
    ):
        result = tongdan("shipment", *words, "--apply", "--data", data, "--conf", CONF)
        assert result.exit_code == 1, result.output
        assert name in result.stderr
    assert _rows(data) == before


@pytest.mark.server
def test_a_centre_that_serves_is_asked_and_carries_it_out(
    data: Path,
    orders: list[str],
    centre: "subprocess.Popen[str]",  # noqa: F811 (the fixture)
) -> None:
    a, b = orders
    code, shown = _shipment(data, "merge", a, b)
    assert (code, shown["applied"]) == (0, False)
    before = _rows(data)
    code, told = _shipment(data, "merge", a, b, "--apply")
    assert (code, told["applied"]) == (0, True)
    assert told["preview"] == shown["preview"]
    again = tongdan("shipment", "merge", a, b, "--apply", "--data", data, "--conf", CONF)
    assert again.exit_code == 1
    assert _rows(data) > before
    assert centre.poll() is None
    (row,) = [row for row in reading(data).journal() if row.fact == "PackingStarted"]
    assert row.source == "api"
    assert row.operator.startswith("cli-")
