"""Promises of `tongdan order find`: it answers as the API does, says how it read a text and how many there are, writes
all of it into a file or nothing, and tells what it expected."""

import asyncio
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CONF, Nowhere, tongdan

from tongdan.adapters.xlsx_table import read_xlsx
from tongdan.profile import embedded


@pytest.fixture(scope="module")
def indexed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, with people in the index, as a running centre brings them there."""

    async def index(data: Path) -> None:
        centre = embedded(data, CONF, transport=Nowhere())
        await centre.tokens.catch_up()
        await centre.stop()

    data = Path(shutil.copytree(made, tmp_path_factory.mktemp("indexed") / "data"))
    asyncio.run(index(data))
    return data


def found(data: Path, *words: object) -> tuple[set[str], dict[str, Any]]:
    result = tongdan("order", "find", *words, "--json", "--data", data)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    return {row["native"] for row in said["orders"]}, said


@pytest.mark.parametrize(
    ("words", "native", "read_as"),
    [
        (("M-1",), {"M-1"}, "number"),
        (("1234",), {"M-1"}, "phone"),
        (("三丰",), {"M-1"}, "name"),
        (("Shirt",), {"M-1"}, "number"),
        (("--phone", "13812341234"), {"M-1"}, ""),
        (("--name", "张三丰"), {"M-1"}, ""),
        (("--sku", "SHIRT"), {"M-1"}, ""),
        (("--waybill", "69001"), {"69001"}, ""),
        (("--words", "shirt"), {"M-1"}, ""),
        (("--channel", "DY"), {"69001"}, ""),
        (("--shop", "mp-main", "--shop", "dy-main"), {"M-1", "69001"}, ""),
        (("--status", "created"), {"M-1"}, ""),
        (("--status", "待付款", "--status", "0"), {"M-1", "69001"}, ""),
        (("--since", "2026-01-27 15:00", "--until", "2026-01-27 15:01"), {"M-1"}, ""),
        (("--min", "198", "--max", "198.00"), {"M-1"}, ""),
        (("--max", "197.99", "--channel", "MP"), set(), ""),
        (("--held",), set(), ""),
        (("1234", "--channel", "DY"), set(), "number"),
    ],
)
def test_each_way_of_asking_finds(
    indexed: Path, words: tuple[str, ...], native: set[str], read_as: str
) -> None:
    natives, said = found(indexed, *words)
    assert natives == native
    assert (said["count"], said["more"], said["behind"]) == (len(native), False, 0)
    if native:
        assert said["read_as"] == read_as


def test_pages_end_where_the_limit_is_and_the_count_goes_on(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongdan.surfaces.order_file.PAGE", 1)
    assert found(indexed)[0] == {"M-1", "69001"}
    natives, said = found(indexed, "--limit", "1")
    assert (len(natives), said["count"]) == (1, 2)
    shown = tongdan("order", "find", "1234", "--data", indexed)
    assert "1 of 1 orders. Read as a phone" in shown.stderr
    assert "M-1" in shown.stdout
    assert "138" not in shown.output


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_has_all_of_them(indexed: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / f"orders.{form}"
    assert tongdan("order", "find", "--limit", "1", "--export", to, "--data", indexed).exit_code == 0
    if form == "csv":
        natives = [row["number"] for row in csv.DictReader(to.read_text("utf-8-sig").splitlines())]
    else:
        natives = [row.cells["native"] for row in read_xlsx(to.read_bytes(), {"native": "number"}).rows]
    assert sorted(natives) == ["69001", "M-1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--phone", "123"), "last four digits"),
        (("--name", "张"), "two to 20 characters"),
        (("--status", "gone"), "0 announced"),
        (("--min", "cheap"), "expected yuan"),
        (("--since", "yesterday"), "is no time"),
        (("--export", "orders.txt"), ".xlsx or .csv"),
    ],
)
def test_what_cannot_be_asked_so_is_said(indexed: Path, words: tuple[str, ...], expected: str) -> None:
    result = tongdan("order", "find", *words, "--data", indexed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr


def test_no_file_is_left_where_the_question_is_refused(indexed: Path, tmp_path: Path) -> None:
    to = tmp_path / "orders.csv"
    assert tongdan("order", "find", "--phone", "1", "--export", to, "--data", indexed).exit_code == 2
    assert list(tmp_path.glob("orders*")) == []


def test_an_index_that_is_behind_says_so(data: Path) -> None:
    shown = tongdan("order", "find", "1234", "--data", data)
    assert "0 of 0 orders." in shown.stderr
    assert "The index lacks the last" in shown.stderr
