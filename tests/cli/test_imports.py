"""`tongdan import`: nothing is written unless asked and good; written once, however often."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, Nowhere, tongdan
from tests.contracts.partners.test_erp_csv import COUNTS, HEADING, OTHER, SHIRTS
from tests.contracts.partners.test_erp_csv import HAT as HAT_ROW
from tests.contracts.partners.test_erp_open_orders import HAT, JST, SENT

from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.table_file import read_table_file
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.cli.service import Service
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
    path.write_text(HEADING + SHIRTS + HAT_ROW + OTHER)
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
        "rows": 2, "messages": 2, "preview": [], "over": {}, "applied": True, "accepted": 2, "duplicates": 0,
        "refused": [],
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
    assert "4 订单状态 status: expected a value of the map" in " ".join(result.stdout.split())
    assert "Nothing was written: mend the file, or say --good-rows." in result.stderr
    assert rows(data) == before


def test_the_rest_is_written_if_it_is_chosen_and_what_is_refused_goes_to_a_file(
    data: Path, orders: Path, tmp_path: Path
) -> None:
    orders.write_text(orders.read_text().replace("¥198.00", "=198"))
    words = (
        "import",
        "orders",
        orders,
        "--map",
        "erp-orders",
        "--data",
        data,
        "--conf",
        CONF,
        "--apply",
        "--good-rows",
    )
    bad = tmp_path / "bad.csv"
    result = tongdan(*words, "--errors", bad, "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["accepted"], told["applied"]) == (1, 1, True)
    assert reading(data).find("DY", "dy-main", "6900002") is not None
    assert reading(data).find("DY", "dy-main", "6900001") is None
    heading, first, second = csv.reader(io.StringIO(bad.read_text("utf-8-sig")))
    assert heading[-1] == "why" and first[:2] == ["6900001", "待发货"]
    assert "'=198" in first and "amount: expected yuan" in first[-1]
    assert second[-1] == "line 3: refused with another row of its order"
    again = tongdan(*words, "--errors", bad)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_refused_rows_mended_are_a_file_for_import(
    data: Path, orders: Path, tmp_path: Path, suffix: str
) -> None:
    orders.write_text(orders.read_text().replace("衬衫,2,", "衬衫,０,"))
    bad = tmp_path / f"bad.{suffix}"
    words = ("--map", "erp-orders", "--data", data, "--conf", CONF)
    assert tongdan("import", "orders", orders, *words, "--errors", bad).exit_code == 1
    why = read_table_file(bad.read_bytes(), {"why": "why", "units": "数量", "native": "平台单号"})
    mended = [list(row.cells.values())[1:] for row in why.rows]
    assert mended == [["０", "6900001"], ["1", "6900001"]]
    assert "units: expected a whole number" in why.rows[0].cells["why"]


# ---- open orders


@pytest.fixture
def jushuitan(tmp_path: Path) -> Path:
    """An order to be sent, one half sent, one held."""
    path = tmp_path / "jushuitan.xlsx"
    rows = [
        JST,
        {**JST, **SENT, "内部订单号": "1002", "线上订单号": "6900002"},
        {**JST, **HAT, "内部订单号": "1003", "线上订单号": "6900002", "运费": "", "抵扣金额": ""},
        {**JST, "内部订单号": "1004", "线上订单号": "6900003", "状态": "异常"},
        {**JST, "内部订单号": "1005", "线上订单号": "6900004", "状态": "取消"},
    ]
    titles = list(dict.fromkeys([title for row in rows for title in row]))
    path.write_bytes(write_xlsx([titles, *[[row.get(title, "") for title in titles] for row in rows]]))
    return path


def test_open_orders_are_shown_by_shop_and_state(data: Path, jushuitan: Path) -> None:
    before = rows(data)
    result = tongdan(
        "import", "orders", jushuitan, "--map", "jushuitan-orders", "--data", data, "--conf", CONF, "--json"
    )
    told = json.loads(result.stdout)
    assert (result.exit_code, told["over"], told["faults"]) == (0, {"取消": 1}, [])
    assert told["preview"] == [
        {"shop": "dy-main", "state": "held", "orders": 1, "lines": 1, "amount_fen": 20_000},
        {"shop": "dy-main", "state": "partly sent", "orders": 1, "lines": 2, "amount_fen": 23_000},
        {"shop": "dy-main", "state": "to send", "orders": 1, "lines": 1, "amount_fen": 20_000},
    ]
    shown = tongdan(
        "import", "orders", jushuitan, "--map", "jushuitan-orders", "--data", data, "--conf", CONF
    )
    assert "Left out as no longer open: 取消 1 rows." in shown.stderr
    assert rows(data) == before


def test_open_orders_are_taken_over_once(data: Path, jushuitan: Path) -> None:
    words = ("import", "orders", jushuitan, "--map", "jushuitan-orders", "--data", data, "--apply")
    assert outcome(*words)["accepted"] == 3
    reads = reading(data)
    id = reads.find("DY", "dy-main", "6900002")
    assert id is not None
    order = reads.order(id)
    assert isinstance(order, Order)
    assert ([line.shipped for line in order.lines], order.parcels[0].waybill) == ([2, 0], "SF1")
    written = rows(data)
    assert outcome(*words)["duplicates"] == 3
    assert rows(data) == written
    assert tongdan("verify", "--data", data).exit_code == 0


@pytest.mark.server
async def test_a_serving_centre_is_told_over_its_api(data: Path, jushuitan: Path, counts: Path) -> None:
    """In parts, and with the same keys as on the files."""
    centre = embedded(data, CONF, transport=Nowhere())
    service = Service(centre, SystemEntropy(), host="127.0.0.1", push_port=0, api_port=0)
    await service.start()
    try:
        for kind, file, map, count in (
            ("orders", jushuitan, "jushuitan-orders", 3),
            ("stock", counts, "stock-count", 2),
        ):
            words = ("import", kind, file, "--map", map, "--data", data, "--conf", CONF, "--apply", "--json")
            for accepted, duplicates in ((count, 0), (0, count)):
                result = await asyncio.to_thread(tongdan, *words)
                told = json.loads(result.stdout)
                assert (result.exit_code, told["accepted"], told["duplicates"]) == (0, accepted, duplicates)
    finally:
        await service.stop()
    again = ("import", "orders", jushuitan, "--map", "jushuitan-orders", "--data", data, "--apply")
    assert (await asyncio.to_thread(outcome, *again))["duplicates"] == 3


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


async def test_data_in_use_that_nobody_serves_are_left_alone(data: Path, counts: Path) -> None:
    centre = embedded(data, CONF)
    try:
        words = ("import", "stock", counts, "--map", "stock-count", "--data", data, "--conf", CONF, "--apply")
        result = await asyncio.to_thread(tongdan, *words)
    finally:
        await centre.stop()
    assert result.exit_code == 2
    assert "is in use" in result.stderr
