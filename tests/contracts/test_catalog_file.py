"""Promises of catalogue files: what is exported comes in again as it was; what is wrong is told by row, both ways."""

import csv
import io
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.adapters.catalog_file import HEADINGS, read_catalog, write_catalog
from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.catalog.model import Description, Sku
from tongdan.domain.kernel.parts import Part

ZH = [zh for _, zh in HEADINGS.values()]
CUP = ["CUP", "青瓷茶杯", "CUP", "白", "300", "5", "2", "6901", "是", "", "12.50"]


def table(*rows: list[str], heading: list[str] = ZH) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([heading, *rows])
    return text.getvalue().encode()


def test_a_row_describes_a_sku_in_either_language_encoding_and_form() -> None:
    said = Description(
        title="青瓷茶杯",
        product="CUP",
        variant="白",
        weight_g=300,
        low_stock_units=5,
        limit_units=2,
        barcode="6901",
    )
    english = [en for en, _ in HEADINGS.values()]
    forms = [
        table(CUP),
        table(CUP).decode().encode("gb18030"),
        table(CUP, heading=english),
        write_xlsx([ZH, CUP]),
        write_xlsx([english, CUP]),
    ]
    for raw in forms:
        read = read_catalog(raw)
        assert (read.faults, read.rows) == ([], 1)
        ((line, command),) = read.found
        assert read.costs == {"CUP": 1_250}
        assert (line, command.sku, command.description, command.parts) == (2, "CUP", said, ())


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [
        ("sku", "", "`sku`: expected 1 to 64 printable characters"),
        ("title", "", "`title`: expected at most 200 printable characters"),
        ("weight_g", "-3", "Weight (g): expected a whole number, got '-3'"),
        ("weight_g", "1.5", "Weight (g): expected a whole number, got '1.5'"),
        ("limit_units", "99999999", "`limit_units`: expected a whole number from 0 to 1000000"),
        ("active", "maybe", "Sold: expected yes or no, got 'maybe'"),
        ("barcode", "6.9E+12", "rounded by the spreadsheet"),
        ("parts", "POT", "Parts: expected CUP*2@10.00; POT*1, got 'POT'"),
        ("parts", "POT*1@x", "Parts: expected CUP*2@10.00; POT*1"),
        ("parts", "CUP*1", "names CUP twice, or itself"),
        ("cost", "x", "Cost (yuan): expected an amount such as 12.50, got 'x'"),
        ("cost", "1.005", "Cost (yuan): expected an amount"),
        ("parts", "POT*0", "`parts.units`: expected a whole number from 1 to 1000"),
    ],
)
def test_what_is_wrong_is_named_by_its_row_and_the_others_are_good(column: str, text: str, said: str) -> None:
    wrong = list(CUP)
    wrong[list(HEADINGS).index(column)] = text
    read = read_catalog(table(["POT", *CUP[1:]], wrong))
    assert [fault.line for fault in read.faults] == [3]
    assert said in read.faults[0].en
    assert not read.faults[0].zh.isascii()
    assert [command.sku for _, command in read.found] == ["POT"]


def test_a_sku_stands_in_one_row() -> None:
    read = read_catalog(table(CUP, CUP))
    assert [(fault.line, fault.en) for fault in read.faults] == [(3, "'CUP' stands in line 2 already")]


@pytest.mark.parametrize("raw", ["商品编码\n1".encode(), table(CUP, heading=CUP)])
def test_what_is_no_catalogue_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(FileRefused):
        read_catalog(raw)


CODES = st.from_regex(r"[A-Z0-9][A-Z0-9_-]{0,9}", fullmatch=True).filter(lambda code: "E" not in code)
TITLES = (
    st.text(st.sampled_from("青瓷茶杯=+-@'\"<&, a1"), min_size=1, max_size=20)
    .map(str.strip)
    .filter(lambda text: bool(text) and not text.startswith(("'", '="')))
)
SKUS = st.builds(
    Sku,
    sku=CODES,
    description=st.builds(
        Description,
        title=TITLES,
        product=st.just("") | CODES,
        weight_g=st.integers(0, 1_000_000),
        low_stock_units=st.integers(0, 1_000_000),
        limit_units=st.integers(0, 1_000_000),
        active=st.booleans(),
    ),
    parts=st.lists(
        st.builds(Part, st.sampled_from(["a1", "b2", "c3"]), st.integers(1, 1_000), st.integers(0, 10**9)),
        max_size=3,
        unique_by=lambda part: part.sku,
    ).map(tuple),
    cost_fen=st.none() | st.integers(0, 10**9),
)


@given(
    st.lists(SKUS, max_size=5, unique_by=lambda sku: sku.sku),
    st.sampled_from(["csv", "xlsx"]),
    st.sampled_from(["en", "zh"]),
)
def test_what_is_exported_is_imported_as_it_was(
    skus: list[Sku], form: Literal["csv", "xlsx"], language: Literal["en", "zh"]
) -> None:
    read = read_catalog(write_catalog(skus, form, language))
    assert read.faults == []
    found = [c for _, c in read.found]
    again = [
        Sku(sku=c.sku, description=c.description, parts=c.parts, cost_fen=read.costs[c.sku]) for c in found
    ]
    assert again == skus


def test_a_file_without_the_column_says_nothing_of_costs() -> None:
    read = read_catalog(table(CUP[:-1], heading=ZH[:-1]))
    assert (read.faults, len(read.found), read.costs) == ([], 1, {})


def test_a_large_export_is_no_bomb_to_its_own_reader() -> None:
    skus = [Sku(sku=f"S{n}", description=Description(title="青瓷茶杯")) for n in range(20_000)]
    assert len(read_catalog(write_catalog(skus, "xlsx", "zh")).found) == 20_000
