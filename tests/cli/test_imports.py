"""`tongdan import`: nothing is written unless asked and good; written once, however often."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, tongdan
from tests.contracts.partners.test_erp_csv import COUNTS, HAT, HEADING, OTHER, SHIRTS

from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import stock_key
from tongdan.domain.orders.model import Order
from tongdan.profile import embedded, reading


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_bytes(COUNTS.encode("gb18030"))
    return path


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(HEADING + SHIRTS + HAT + OTHER)
    return path


def rows(data: Path) -> int:
    return sum(1 for _ in reading(data).journal())


def outcome(*words: object) -> dict[str, object]:
    result = tongdan(*words, "--conf", CONF, "--json")
    assert result.exit_code == 0, result.output
    return {name: value for name, value in json.loads(result.stdout).items() if name != "faults"}


def test_without_apply_nothing_is_written(data: Path, counts: Path) -> None:
    before = rows(data)
    result = tongdan("import", "stock", counts, "--map", "stock-count", "--data", data, "--conf", CONF)
    assert result.exit_code == 0
    assert "2 rows, 2 good, 0 mistakes. Nothing was written: --apply does." in result.stderr
    assert rows(data) == before


def test_a_count_is_written_once(data: Path, counts: Path) -> None:
    words = ("import", "stock", counts, "--map", "stock-count", "--data", data, "--apply")
    assert outcome(*words) == {
        "rows": 2, "messages": 2, "applied": True, "accepted": 2, "duplicates": 0, "refused": {},
    }  # fmt: skip
    stock = reading(data).order(stock_key("00123"))
    assert isinstance(stock, Stock)
    written = rows(data)
    assert outcome(*words)["duplicates"] == 2
    assert rows(data) == written


def test_orders_are_written_with_their_people_and_react(data: Path, orders: Path) -> None:
    words = ("import", "orders", orders, "--map", "erp-orders", "--data", data, "--apply")
    assert outcome(*words)["accepted"] == 2
    reads = reading(data)
    id = reads.find("DY", "dy-main", "6900001")
    assert id is not None
    order = reads.order(id)
    assert isinstance(order, Order)
    assert order.paid is not None and len(order.lines) == 2
    person = reads.person(id)
    assert person is not None and person.name == "陈小明"
    assert reads.order(stock_key("SHIRT")) is not None  # its stock was asked for
    written = rows(data)
    assert outcome(*words)["duplicates"] == 2
    assert rows(data) == written
    assert tongdan("verify", "--data", data).exit_code == 0


def test_one_bad_row_and_nothing_is_written(data: Path, orders: Path) -> None:
    before = rows(data)
    orders.write_text(orders.read_text().replace("待付款", "没听说过"))
    result = tongdan(
        "import", "orders", orders, "--map", "erp-orders", "--data", data, "--conf", CONF, "--apply"
    )
    assert result.exit_code == 1
    assert "4 status: expected a value of the map" in " ".join(result.stdout.split())
    assert "Nothing was written: mend the file first." in result.stderr
    assert rows(data) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stock", "--map", "erp-orders"), "is for orders, not stock"),
        (("stock", "--map", "nothing"), "imports/nothing.yml"),
        (("stock", "--map", "../shops"), "small letters, digits and hyphens"),
        (("stock", "--map", "stock-count", "--as-of", "yesterday"), "--as-of: expected a time"),
    ],
)
def test_wrong_use_is_exit_code_2(data: Path, counts: Path, words: tuple[str, ...], said: str) -> None:
    kind, *options = words
    result = tongdan("import", kind, counts, *options, "--data", data, "--conf", CONF)
    assert result.exit_code == 2
    assert said in result.stderr


async def test_a_served_directory_is_left_alone(data: Path, counts: Path) -> None:
    centre = embedded(data, CONF)
    try:
        words = ("import", "stock", counts, "--map", "stock-count", "--data", data, "--conf", CONF, "--apply")
        result = await asyncio.to_thread(tongdan, *words)
    finally:
        await centre.stop()
    assert result.exit_code == 2
    assert "Nothing was written" in result.stderr
