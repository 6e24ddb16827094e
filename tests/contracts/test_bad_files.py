"""Bad files of every kind, for every importer: each is refused by row or as a whole, with the limit and how to mend it.

What a person can send by mistake, and what somebody can send on purpose. Nothing of it may take more memory than a good
file of the largest size allowed.
"""

import csv
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Sequence

import pytest
from tests.contracts.importers import IMPORTERS, Importer

from tongdan.adapters import csv_table, xlsx_parts
from tongdan.adapters.csv_table import MAX_BYTES, MAX_ROWS, Fault, read_table, write_csv
from tongdan.adapters.table_file import read_table_file
from tongdan.adapters.xlsx_table import MAX_UNPACKED_BYTES
from tongdan.adapters.xlsx_writer import write_xlsx

Make = Callable[[Importer], bytes]


@pytest.fixture(params=IMPORTERS, ids=[each.name for each in IMPORTERS])
def importer(request: pytest.FixtureRequest) -> Importer:
    each: Importer = request.param
    return each


def rows(importer: Importer, count: int = 3) -> list[list[str]]:
    return [list(importer.heading), *[importer.row(n) for n in range(count)]]


def as_csv(table: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(table)
    return text.getvalue()


def csv_of(importer: Importer) -> str:
    return as_csv(rows(importer))


def book_of(importer: Importer, **parts: str) -> bytes:
    """A workbook of good rows in which parts are replaced (`/` and `.` are written `__` and `_`) or added."""
    named = {name.replace("__", "/").replace("_xml", ".xml"): text for name, text in parts.items()}
    return rezip(write_xlsx(rows(importer)), named)


def rezip(raw: bytes, parts: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, text in parts.items():
            new.writestr(name, text)
    return made.getvalue()


def sheet(importer: Importer) -> str:
    with zipfile.ZipFile(io.BytesIO(write_xlsx(rows(importer)))) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def sheet_with(importer: Importer, change: Callable[[str], str]) -> bytes:
    return book_of(importer, xl__worksheets__sheet1_xml=change(sheet(importer)))


def merged(importer: Importer, area: str) -> bytes:
    return sheet_with(
        importer, lambda text: text.replace("</sheetData>", f'</sheetData><mergeCell ref="{area}"/>')
    )


def with_cell(importer: Importer, cell: str, *, row: int = 3, **parts: str) -> bytes:
    """The code of the given row of the sheet is `cell`, which goes without a place."""
    before, found, after = sheet(importer).partition(f'<row r="{row}">')
    cells = after.split("</c>")
    assert found
    cells[importer.code] = cell.removesuffix("</c>")
    return book_of(importer, xl__worksheets__sheet1_xml=before + found + "</c>".join(cells), **parts)


def two_sheets(importer: Importer) -> bytes:
    return book_of(
        importer,
        xl__workbook_xml='<workbook xmlns:r="r"><sheets><sheet name="说明" r:id="rId2"/>'
        '<sheet name="订单" r:id="rId1"/></sheets></workbook>',
        **{
            "xl___rels__workbook_xml.rels": '<Relationships><Relationship Id="rId1" '
            'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="worksheets/sheet2.xml"/>'
            "</Relationships>",
            "xl__worksheets__sheet2_xml": "<worksheet><sheetData/></worksheet>",
        },
    )


def bomb(importer: Importer) -> bytes:
    """130 MiB of blanks inside a sheet, packed to less than 200 kB."""
    return sheet_with(importer, lambda text: text.replace("</worksheet>", " " * 136_314_880 + "</worksheet>"))


def lying_bomb(importer: Importer) -> bytes:
    """The directory says one byte for what unpacks to 20 MiB."""
    raw = bytearray(book_of(importer, xl__sharedStrings_xml="<sst>" + " " * 20_971_520 + "</sst>"))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = -1
        while (start := raw.find(mark, start + 1)) >= 0:
            if struct.unpack_from("<I", raw, start + at)[0] > 20_000_000:
                struct.pack_into("<I", raw, start + at, 1)
    return bytes(raw)


LONG = "".join([f"{n:x}" for n in range(400_000)])
LAUGHS = "".join([f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(9)])
CODES_OF_DATES = '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'

# kind → how it comes about, the line that is named (0: the file) and what is said
WHOLE: dict[str, tuple[Make, str]] = {
    "empty": (lambda _: b"", "is empty; export it again"),
    "blanks": (lambda _: b" \r\n\r\n", "is empty"),
    "only a byte order mark": (lambda _: b"\xef\xbb\xbf", "the first line must have these headings"),
    "no text": (lambda _: bytes(range(128, 256)) * 9, "not text in utf-8 / gb18030; save it anew as CSV UTF-8"),
    "utf-16 without its mark": (lambda it: csv_of(it).encode("utf-16-le"), "line 1: a NUL byte"),
    "half a utf-16 file": (lambda it: csv_of(it).encode("utf-16")[:-1], "not text in utf-16"),
    "a NUL byte": (lambda it: csv_of(it).encode().replace(b"\r\n", b"\r\n\0", 2), "line 2: a NUL byte"),
    "another encoding": (lambda it: as_csv([["編號"] * 9]).encode("shift-jis"), "must have these headings"),
    "no heading": (lambda it: as_csv(rows(it)[1:]).encode(), "the first line must have these headings once each"),
    "a doubled heading": (
        lambda it: as_csv([[*row, row[0]] for row in rows(it)]).encode(),
        "(twice)",
    ),
    "an open quote": (lambda it: csv_of(it).encode() + b'"x,y\n', "line 5: a quote is never closed"),
    "an open quote, long ago": (
        lambda it: csv_of(it).encode() + b'"x' + b",y\n" * 99_999,
        "line 5: a quote is never closed, or a cell is longer than 1000 characters",
    ),
    "text after a quote": (lambda it: csv_of(it).encode() + b'"x"y,z\n', "line 5: text follows a closing quote"),
    "too many bytes": (lambda it: csv_of(it).encode() + b"x" * MAX_BYTES, f"larger than {MAX_BYTES} bytes"),
    "too many rows": (
        lambda it: (as_csv(rows(it, 0)) + "a,b\n" * 1_000_000).encode(),
        f"more than {MAX_ROWS} rows; split the file",
    ),
    "a web page": (lambda _: b"\xef\xbb\xbf\r\n<html><table><tr><td>1</td></tr></table></html>", "a web page (HTML)"),
    "a web page of meta": (lambda _: b'<meta charset="gbk"><table>', "a web page (HTML)"),
    "a web archive": (lambda _: b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "a web archive (MHTML)"),
    "xml of 2003": (
        lambda _: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "an XML spreadsheet of 2003",
    ),
    "an old .xls": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old .xls workbook; open it"),
    "a password": (
        lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password; take the password off",
    ),
    "a truncated workbook": (lambda it: write_xlsx(rows(it))[:-40], "that can be read, or not whole"),
    "half a workbook": (lambda it: write_xlsx(rows(it))[:600], "not whole; save it anew"),
    "a zip of something": (lambda it: rezip(write_xlsx(rows(it)), {"xl/workbook.xml": "{}"}), "not an XLSX workbook"),
    "a workbook without a heading": (lambda it: write_xlsx(rows(it)[1:]), "the first line must have these headings"),
    "an empty workbook": (lambda _: write_xlsx([]), "the first line must have these headings"),
    "the wrong sheet": (two_sheets, "the heading stands on sheet '订单'"),
    "a merged heading": (
        lambda it: merged(it, "A1:B1"),
        "the heading has merged cells",
    ),
    "everything merged": (
        lambda it: merged(it, "A2:A99999"),
        "more than 10000 rows have merged cells",
    ),
    "a zip bomb": (bomb, f"the limits are {MAX_UNPACKED_BYTES} bytes, 100 times the file, and 1000 parts"),
    "a zip bomb that lies": (lying_bomb, "not an XLSX workbook"),
    "a billion laughs": (
        lambda it: sheet_with(it, lambda text: text.replace("<worksheet", f"<!DOCTYPE x [{LAUGHS}]><worksheet", 1)),
        "declares a document type",
    ),
    "a file from outside": (
        lambda it: book_of(it, xl__workbook_xml='<!DOCTYPE x SYSTEM "file:///etc/passwd"><workbook/>'),
        "declares a document type",
    ),
}  # fmt: skip

ROW: dict[str, tuple[Make, str]] = {
    "a rounded number": (
        lambda it: changed(it, it.code, "1.2E+18"),
        "a number was rounded by the spreadsheet (4.78E+18); export that column as text",
    ),
    "a huge cell": (lambda it: changed(it, it.code, "x" * 5_000), "a cell is longer than 1000 characters"),
    "a missing column": (lambda it: as_csv(with_row(it, it.row(1)[:-1])).encode(), "columns, got"),
    "the heading again": (lambda it: as_csv(with_row(it, it.heading)).encode(), "the heading stands here again"),
    "a formula": (
        lambda it: with_cell(it, '<c><f>HYPERLINK("http://evil")</f><v>7</v></c>'),
        "a formula; paste its value instead",
    ),
    "an error": (lambda it: with_cell(it, '<c t="e"><v>#REF!</v></c>'), "an error of the spreadsheet"),
    "a long number": (lambda it: with_cell(it, "<c><v>1.2345678901234568E+18</v></c>"), "more than 15 digits"),
    "a huge text in a workbook": (
        lambda it: with_cell(it, f'<c t="inlineStr"><is><t>{LONG}</t></is></c>'),
        "a cell is longer than 1000 characters",
    ),
    "a date for a code": (
        lambda it: with_cell(it, '<c s="1"><v>46049</v></c>', xl__styles_xml=CODES_OF_DATES),
        "a date where none is expected",
    ),
    "a date that is none": (
        lambda it: with_cell(it, '<c s="1"><v>-4</v></c>', xl__styles_xml=CODES_OF_DATES),
        "shows a date that is none",
    ),
    "merged cells": (
        lambda it: merged(it, "A3:B3"),
        "cells are merged; unmerge them and fill in each",
    ),
}  # fmt: skip


def with_row(importer: Importer, row: Sequence[str]) -> list[Sequence[str]]:
    good = rows(importer)
    return [*good[:2], row, good[3]]


def changed(importer: Importer, column: int, text: str) -> bytes:
    row = importer.row(1)
    row[column] = text
    return as_csv(with_row(importer, row)).encode()


def told(faults: Sequence[Fault]) -> list[tuple[int, str]]:
    """Lines and English words; the Chinese ones are there too."""
    assert not any(fault.zh.isascii() for fault in faults)
    return [(fault.line, fault.en) for fault in faults]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_cannot_be_read_is_refused_whole(importer: Importer, kind: str) -> None:
    make, said = WHOLE[kind]
    found = importer.read(make(importer))
    ((line, words),) = told(found.faults)
    assert (found.good, line) == (0, 0)
    assert said in words


@pytest.mark.parametrize("kind", ROW)
def test_a_bad_row_is_named_and_the_others_are_good(importer: Importer, kind: str) -> None:
    make, said = ROW[kind]
    found = importer.read(make(importer))
    ((line, words),) = told(found.faults)
    assert (found.good, line) == (2, 3)
    assert said in words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_whatever_a_spreadsheet_writes_is_read(importer: Importer, encoding: str, delimiter: str) -> None:
    assert importer.read(as_csv(rows(importer), delimiter).encode(encoding)) == (3, [])
    assert importer.read(write_xlsx(rows(importer))) == (3, [])


@pytest.mark.parametrize(("first", "day"), [("0", 46049.75), ("1", 46049.75 - 1462)])
@pytest.mark.parametrize("form", ["22", "165"])
def test_dates_of_both_calendars_are_read(first: str, day: float, form: str) -> None:
    """1462 days lie between the two (ECMA-376 part 1, 18.17.4.1)."""
    raw = rezip(
        write_xlsx([["商品编码", "时间"]]),
        {
            "xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>商品编码</t></is></c>'
            '<c t="inlineStr"><is><t>时间</t></is></c></row><row r="2"><c><v>7</v></c>'
            f'<c s="1"><v>{day}</v></c></row></sheetData></worksheet>',
            "xl/workbook.xml": f'<workbook xmlns:r="r"><workbookPr date1904="{first}"/><sheets>'
            '<sheet name="1" r:id="rId1"/></sheets></workbook>',
            "xl/styles.xml": '<styleSheet><numFmts><numFmt numFmtId="165" formatCode="yyyy&quot;年&quot;m/d h:mm"/>'
            f'</numFmts><cellXfs><xf/><xf numFmtId="{form}"/></cellXfs></styleSheet>',
        },
    )
    table = read_table_file(raw, {"sku": "商品编码", "at": "时间"}, times=frozenset({"at"}))
    assert [dict(row.cells) for row in table.rows] == [{"sku": "7", "at": "2026-01-27 18:00:00"}]


@pytest.mark.parametrize(
    ("serial", "shown"),
    [
        (1, "1900-01-01"),
        (59, "1900-02-28"),
        (61, "1900-03-01"),
        (46049, "2026-01-27"),
        (46049.5, "2026-01-27 12:00:00"),
    ],
)
def test_the_leap_day_that_never_was_is_known(serial: float, shown: str) -> None:
    assert xlsx_parts.moment(serial, since_1904=False) == shown


@pytest.mark.parametrize("form", ["0", "General", "0.00E+00", '"days" 0', "[Red]0;[Yellow]-0", "#,##0.00"])
def test_a_number_is_no_date_because_of_its_colour(form: str) -> None:
    styles = xlsx_parts._Styles()
    styles.start("numFmt", {"numFmtId": "200", "formatCode": form})
    styles.start("cellXfs", {})
    styles.start("xf", {"numFmtId": "200"})
    assert styles.dates() == frozenset()


def test_a_price_is_read_as_it_was_typed() -> None:
    sheet1 = (
        '<worksheet><sheetData><row><c t="inlineStr"><is><t>a</t></is></c></row>'
        "<row><c><v>19.899999999999999</v></c></row></sheetData></worksheet>"
    )
    made = rezip(write_xlsx([]), {"xl/worksheets/sheet1.xml": sheet1})
    assert [row.cells["a"] for row in read_table_file(made, {"a": "a"}).rows] == ["19.9"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'x"])
def test_what_is_exported_is_no_formula_and_comes_back(text: str) -> None:
    raw = write_csv([["名称"], [text]])
    assert f"'{text}" in raw.decode("utf-8-sig")
    assert [row.cells["a"] for row in read_table(raw, "auto", {"a": "名称"}).rows] == [text]


def test_mistakes_without_end_are_one_refusal(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "MAX_FAULTS", 10)
    raw = (as_csv(rows(importer)) + "x\n" * 20).encode()
    ((line, words),) = told(importer.read(raw).faults)
    assert line == 0 and "more than 10 rows have mistakes, the last: expected" in words


@pytest.mark.parametrize(
    "kind", ["too many rows", "a zip bomb", "a huge text in a workbook", "a billion laughs"]
)
def test_a_refusal_takes_little_memory(kind: str) -> None:
    """Less than thrice the largest file; the bytes themselves are the caller's."""
    make, _ = {**WHOLE, **ROW}[kind]
    raw = make(IMPORTERS[0])
    tracemalloc.start()
    IMPORTERS[0].read(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{kind}: {len(raw):,} bytes refused with a peak of {peak:,} bytes")
    assert peak < 3 * MAX_BYTES


def test_a_damaged_stream_is_a_refusal(importer: Importer) -> None:
    raw = bytearray(write_xlsx(rows(importer, 500)))
    for at in range(2_000, len(raw) - 400, 97):
        raw[at] ^= 0xFF
    try:
        found = importer.read(bytes(raw))
    except zlib.error:
        pytest.fail("a broken stream is no refusal")
    assert [line for line, _ in told(found.faults)] == [0]
