"""Promises of reading workbooks: what people save is read, what cannot be trusted is refused by row or as a whole."""

import io
import zlib
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongdan.adapters import csv_table
from tongdan.adapters.csv_table import FileRefused, Table
from tongdan.adapters.xlsx_table import read_xlsx
from tongdan.adapters.xlsx_writer import write_xlsx

COLUMNS = {"sku": "商品编码", "title": "名称"}
HEADING = '<row r="1"><c r="A1" t="inlineStr"><is><t>商品编码</t></is></c><c r="B1" t="s"><v>0</v></c></row>'
STRINGS = "<sst><si><t>名称</t></si><si><r><t>青瓷</t></r><r><t>茶杯</t></r><rPh><t>qing</t></rPh></si></sst>"


def book(rows: str, *, after: str = "", strings: str = STRINGS, more: dict[str, str] | None = None) -> bytes:
    """A workbook with `rows` below the heading, as spreadsheets write it (ECMA-376)."""
    whole = io.BytesIO(write_xlsx([]))
    parts = {
        "xl/sharedStrings.xml": strings,
        "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{HEADING}{rows}</sheetData>{after}</worksheet>",
        **(more or {}),
    }
    made = io.BytesIO()
    with ZipFile(whole) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, text in parts.items():
            new.writestr(name, text)
    return made.getvalue()


def row(no: int, sku: str, title: str) -> str:
    return f'<row r="{no}">{sku.replace("@", f"A{no}")}{title.replace("@", f"B{no}")}</row>'


TEXT = '<c r="@" t="s"><v>1</v></c>'


def read(raw: bytes) -> Table:
    return read_xlsx(raw, COLUMNS)


def told(raw: bytes) -> list[tuple[int, str]]:
    """The faults; every one is said in Chinese too."""
    faults = read(raw).faults
    assert not any(fault.zh.isascii() for fault in faults)
    return [(fault.line, fault.en) for fault in faults]


def test_texts_numbers_and_gaps_are_read_as_they_look() -> None:
    raw = book(
        row(2, '<c r="@"><v>100200</v></c>', TEXT)
        + '<row r="3"/>'
        + row(5, '<c r="@" t="str"><v>C-1</v></c>', '<c r="@"><v>10.5</v></c>')
        + '<row r="6"><c r="B6" t="inlineStr"><is><t>x</t></is></c><c r="ZZ6" s="1"/></row>'
    )
    table = read(raw)
    assert table.faults == []
    found = [(each.line, each.cells["sku"], each.cells["title"]) for each in table.rows]
    assert found == [(2, "100200", "青瓷茶杯"), (5, "C-1", "10.5"), (6, "", "x")]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c r="@"><f>A1&amp;"x"</f><v>7</v></c>', "A3: a formula; paste its value instead"),
        ('<c r="@" t="e"><v>#N/A</v></c>', "A3: an error of the spreadsheet"),
        (
            '<c r="@"><v>6901234567890123</v></c>',
            "A3: a number of more than 15 digits was rounded by the spreadsheet; write it as text",
        ),
    ],
)
def test_what_a_spreadsheet_computed_is_named_by_row_and_the_others_are_read(cell: str, said: str) -> None:
    raw = book(row(2, TEXT, TEXT) + row(3, cell, TEXT) + row(4, TEXT, TEXT))
    assert told(raw) == [(3, said)]
    assert [each.line for each in read(raw).rows] == [2, 4]


def test_merged_cells_are_named_by_row() -> None:
    rows = "".join([row(no, TEXT, TEXT) for no in range(2, 6)])
    merged = '<mergeCells><mergeCell ref="A3:A4"/></mergeCells>'
    wrong = "cells are merged; unmerge them and fill in each"
    assert told(book(rows, after=merged)) == [(3, wrong), (4, wrong)]


def test_a_cell_beyond_the_heading_is_a_mistake_of_its_row() -> None:
    raw = book('<row r="2"><c r="A2"><v>1</v></c><c r="D2"><v>1</v></c></row>')
    assert told(raw) == [(2, "expected 2 columns, got 4")]
    assert told(book('<row r="2"><c r="ZZ2"><v>1</v></c></row>')) == [
        (2, "ZZ2: beyond the 256 columns that are read")
    ]


ENTITY = '<!DOCTYPE x [<!ENTITY a "b">]>'


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"PK\x03\x04 not a zip", "not an XLSX workbook"),
        (book("")[:-30], "not an XLSX workbook"),
        (book("<row"), "not an XLSX workbook"),
        (book('<row r="2"><c r="A2" t="s"><v>99</v></c></row>'), "not an XLSX workbook"),
        (book("", strings=f"{ENTITY}{STRINGS}"), "declares a document type"),
        (book("", more={"xl/workbook.xml": "<workbook/>"}), "not an XLSX workbook"),
        (book("", after='<mergeCell ref="A1:B1"/>'), "the heading has merged cells"),
        (book("", after='<mergeCell ref="A1:A1048576"/>'), "more than 10000 rows have merged cells"),
        (write_xlsx([["Wrong", "heading"]]), "the first line must have these headings"),
        (write_xlsx([]), "the first line must have these headings"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(raw: bytes, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(raw)
    assert said in refused.value.fault.en
    assert refused.value.fault.line == 0


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = book("", more={"xl/bomb.bin": "0" * 20_000_000})
    assert len(bomb) < 100_000
    monkeypatch.setattr(ZipFile, "open", None)  # nothing may be unpacked
    with pytest.raises(FileRefused) as refused:
        read(bomb)
    assert "100 times the file" in refused.value.fault.en


def test_rows_and_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["商品编码", "名称"], *[[f"S{no}", "杯"] for no in range(4)]]
    monkeypatch.setattr(csv_table, "MAX_ROWS", 3)
    with pytest.raises(FileRefused, match="more than 3 rows"):
        read(write_xlsx(rows))
    monkeypatch.setattr(csv_table, "MAX_BYTES", 100)
    with pytest.raises(FileRefused, match="larger than 100 bytes"):
        read(write_xlsx(rows))


TEXTS = st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), max_size=30).filter(
    lambda text: not text.startswith(("'", '="'))
)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20))
def test_what_is_written_is_read_again(pairs: list[tuple[str, str]]) -> None:
    table = read(write_xlsx([["商品编码", "名称"], *pairs]))
    good = [pair for pair in pairs if any(pair)]
    found = {(each.cells["sku"], each.cells["title"]) for each in table.rows}
    assert len(table.rows) + len(table.faults) == len(good)
    assert found <= set(good)
    assert all("rounded" in fault.en for fault in table.faults)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_workbook_is_read_or_refused_and_never_fails(data: st.DataObject) -> None:
    raw = bytearray(book(row(2, TEXT, TEXT)))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(raw))
    except FileRefused as refusal:
        assert refusal.fault.zh
    except zlib.error:
        pytest.fail("a broken stream is no refusal")
