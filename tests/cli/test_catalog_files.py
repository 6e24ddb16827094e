"""`tongdan catalog import | export`: checked whole, written only if chosen, and what goes out comes in again."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, tongdan
from tests.contracts.test_catalog_file import CUP, ZH, table

from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.catalog.model import Sku
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import sku_key, stock_key
from tongdan.domain.kernel.parts import Part
from tongdan.profile import reading

POT = ["POT", *CUP[1:]]
SET = ["SET", *CUP[1:9], "CUP*2@10.00; POT*1", ""]
NEST = ["NEST", *CUP[1:9], "SET*1", ""]
ORPHAN = ["ORPHAN", *CUP[1:9], "NOTHING*1", ""]
BAD = ["BAD", *CUP[1:4], "heavy", *CUP[5:]]


def rows(data: Path) -> int:
    return sum(1 for _ in reading(data).journal())


def imported(data: Path, file: Path, *options: str) -> tuple[int, dict[str, object], str]:
    """Exit code, the outcome, and what was said."""
    result = tongdan("catalog", "import", file, "--data", data, "--conf", CONF, "--json", *options)
    return result.exit_code, json.loads(result.stdout), result.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.csv"
    path.write_bytes(table(SET, CUP, POT))
    return path


def test_without_apply_nothing_is_written(data: Path, file: Path) -> None:
    before = rows(data)
    code, outcome, _ = imported(data, file)
    assert (code, outcome) == (0, {"rows": 3, "good": 3, "faults": [], "applied": False})
    assert rows(data) == before


def test_a_file_is_written_once_and_a_bundle_reaches_its_stock(data: Path, file: Path) -> None:
    assert imported(data, file, "--apply")[:2] == (0, {"rows": 3, "good": 3, "faults": [], "applied": True})
    stock, sku = reading(data).order(stock_key("SET")), reading(data).order(sku_key("SET"))
    assert isinstance(stock, Stock) and isinstance(sku, Sku)
    assert stock.parts == sku.parts == (Part("CUP", 2, 1_000), Part("POT", 1))
    cup = reading(data).order(sku_key("CUP"))
    assert isinstance(cup, Sku) and (cup.cost_fen, sku.cost_fen) == (1_250, None)
    written = rows(data)
    assert imported(data, file, "--apply")[0] == 0
    assert rows(data) == written
    assert tongdan("verify", "--data", data).exit_code == 0


def test_one_bad_row_and_nothing_is_written_unless_the_good_rows_are_chosen(data: Path, file: Path) -> None:
    file.write_bytes(write_xlsx([ZH, SET, CUP, BAD, POT, NEST, ORPHAN]))
    before = rows(data)
    code, outcome, _ = imported(data, file, "--apply")
    faults = outcome["faults"]
    assert isinstance(faults, list)
    assert (code, outcome["good"], outcome["applied"]) == (1, 3, False)
    assert [fault["line"] for fault in faults] == [4, 6, 7]
    assert rows(data) == before
    said = tongdan("catalog", "import", file, "--data", data, "--conf", CONF, "--apply")
    assert "Nothing was written: mend the file, or say --good-rows." in said.stderr
    code, outcome, _ = imported(data, file, "--apply", "--good-rows")
    assert (code, outcome["applied"]) == (1, True)
    found = {sku.sku for _, sku in reading(data).under("sku")}
    assert found == {"SET", "CUP", "POT"}


@pytest.mark.parametrize("raw", [b"PK\x03\x04", b"\xff\xfe\x00", b"a,b\n1,2\n"])
def test_what_is_no_catalogue_says_why_and_writes_nothing(data: Path, file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    before = rows(data)
    code, outcome, _ = imported(data, file, "--apply", "--good-rows")
    faults = outcome["faults"]
    assert isinstance(faults, list)
    assert (code, outcome["applied"], [fault["line"] for fault in faults]) == (1, False, [0])
    assert rows(data) == before


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_is_imported_as_it_is(data: Path, file: Path, tmp_path: Path, form: str) -> None:
    imported(data, file, "--apply")
    exported = tmp_path / f"out.{form}"
    assert tongdan("catalog", "export", exported, "--data", data).exit_code == 0
    written = rows(data)
    assert imported(data, exported, "--apply")[:2] == (
        0,
        {"rows": 3, "good": 3, "faults": [], "applied": True},
    )
    assert rows(data) == written
    again = tongdan("catalog", "export", exported, "--data", data)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    other = tongdan("catalog", "export", tmp_path / "out.pdf", "--data", data)
    assert (other.exit_code, "expected a name with .csv or .xlsx" in other.stderr) == (2, True)
