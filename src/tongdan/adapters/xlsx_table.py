"""An XLSX workbook as people save it: its first sheet, read like a CSV file of the same rows (`csv_table.py`).

A workbook is a ZIP of XML (ECMA-376), so a small one may unpack to anything: sizes are checked before a byte is
unpacked, DTDs are refused, and rows are read one by one. A formula's value is only what a program once computed, and of
merged cells all but one are empty: both are told row by row instead of being guessed at.
"""

import io
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from tongdan.adapters.csv_table import (
    MAX_BYTES,
    MAX_ROWS,
    Fault,
    FileRefused,
    Row,
    Table,
    clean,
    places_of,
    wrong_with,
)

MAX_UNPACKED_BYTES: Final = 128 * 2**20
MAX_RATIO: Final = 100
MAX_ENTRIES: Final = 1_000
MAX_COLUMNS: Final = 256
MAX_MERGED: Final = 10_000
EXACT_BELOW: Final = 10**15  # a spreadsheet keeps fifteen digits of a number
MAGIC: Final = b"PK\x03\x04"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)
_BROKEN: Final = (
    BadZipFile, ParseError, DefusedXmlException, LookupError, ValueError, NotImplementedError, RuntimeError, EOFError,
    zlib.error,
)  # fmt: skip


class _Line:
    """A row of the sheet: its cells by column, from 0, and what is wrong with it."""

    def __init__(self, no: int) -> None:
        self.no: Final = no
        self.cells: dict[int, str] = {}
        self.wrong: tuple[str, str] | None = None

    def texts(self, width: int) -> list[str]:
        """All its cells from the first column on, at least `width`; empty ones at the end are only formatted."""
        used = max([at for at, text in self.cells.items() if text.strip()], default=-1) + 1
        return [self.cells.get(at, "").strip() for at in range(max(width, used))]


def read_xlsx(raw: bytes, columns: Mapping[str, str]) -> Table:
    """The rows of the first sheet, below its heading; `columns`: our name → its heading. Raises FileRefused."""
    if len(raw) > MAX_BYTES:
        raise FileRefused(f"larger than {MAX_BYTES} bytes; split it", f"超过 {MAX_BYTES} 字节，请拆分文件")
    try:
        with ZipFile(io.BytesIO(raw)) as book:
            _check_size(book, len(raw))
            merged: set[int] = set()
            return _table(_lines(book, _first_sheet(book), _strings(book), merged), merged, columns)
    except _BROKEN:
        raise FileRefused(
            "not an XLSX workbook that can be read; save it anew as .xlsx, without a password, or as CSV",
            "无法读取此 XLSX 文件；请另存为不带密码的 .xlsx 或 CSV",
        ) from None


def _check_size(book: ZipFile, packed_bytes: int) -> None:
    """By the directory of the ZIP; no more than it says is unpacked of an entry."""
    entries = book.infolist()
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked_bytes > min(MAX_UNPACKED_BYTES, MAX_RATIO * packed_bytes):
        raise FileRefused(
            f"unpacks to {unpacked_bytes} bytes in {len(entries)} parts; the limits are {MAX_UNPACKED_BYTES} bytes, "
            f"{MAX_RATIO} times the file, and {MAX_ENTRIES} parts; save it as CSV or split it",
            f"解压后为 {unpacked_bytes} 字节、{len(entries)} 个部分；上限为 {MAX_UNPACKED_BYTES} 字节、"
            f"文件的 {MAX_RATIO} 倍、{MAX_ENTRIES} 个部分；请另存为 CSV 或拆分",
        )


def _table(lines: Iterator[_Line], merged: set[int], columns: Mapping[str, str]) -> Table:
    heading = next(lines, _Line(1))
    titles = heading.texts(0)
    places = places_of(titles, columns)
    rows: list[Row] = []
    faults: list[Fault] = []
    for line in lines:
        cells = line.texts(len(titles))
        if line.wrong is None and not any(cells):
            continue
        if len(rows) + len(faults) >= MAX_ROWS:
            raise FileRefused(f"more than {MAX_ROWS} rows; split the file", f"超过 {MAX_ROWS} 行，请拆分文件")
        if wrong := line.wrong or wrong_with(cells, len(titles)):
            faults.append(Fault(line=line.no, en=wrong[0], zh=wrong[1]))
            continue
        named = {name: clean(cells[at]) for name, at in places.items()}
        rows.append(Row(line.no, named, msgspec.json.encode(cells)))
    if heading.wrong is not None or heading.no in merged:
        raise FileRefused(
            "the heading has merged cells, formulas or errors", "首行含合并单元格、公式或错误值"
        )
    faults += [Fault(line=row.line, en=_MERGED[0], zh=_MERGED[1]) for row in rows if row.line in merged]
    return Table([row for row in rows if row.line not in merged], sorted(faults, key=lambda each: each.line))


_MERGED: Final = (
    "cells are merged; unmerge them and fill in each",
    "含合并单元格，请取消合并并逐格填写",
)


# ---- the parts of a workbook


def _first_sheet(book: ZipFile) -> str:
    """The name of the part that holds the first sheet. Raises KeyError or ValueError when there is none."""
    with book.open("xl/workbook.xml") as part:
        wanted = next((each.get(_RELATION) for each in _ended(part) if _name(each) == "sheet"), None)
    with book.open("xl/_rels/workbook.xml.rels") as part:
        for each in _ended(part):
            if _name(each) == "Relationship" and each.get("Id") == wanted:
                target = each.attrib["Target"]
                return target[1:] if target.startswith("/") else f"xl/{target}"
    raise ValueError("no sheet")


def _strings(book: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    found: list[str] = []
    with book.open("xl/sharedStrings.xml") as part:
        for each in _ended(part):
            if _name(each) == "si":
                found.append(_text(each))
                each.clear()
    return found


def _lines(book: ZipFile, sheet: str, strings: list[str], merged: set[int]) -> Iterator[_Line]:
    """The rows of a sheet; `merged` is filled, after the last, with the numbers of those that have merged cells."""
    no = 0
    with book.open(sheet) as part:
        for each in _ended(part):
            if _name(each) == "row":
                no = int(each.get("r", no + 1))
                yield _line(no, each, strings)
                each.clear()
            elif _name(each) == "mergeCell":
                merged.update(_rows_of(each.get("ref", "")))
                if len(merged) > MAX_MERGED:
                    raise FileRefused(
                        f"more than {MAX_MERGED} rows have merged cells", f"超过 {MAX_MERGED} 行含合并单元格"
                    )


def _line(no: int, row: Element, strings: list[str]) -> _Line:
    line, at = _Line(no), -1
    for cell in row:
        place = cell.get("r", "")
        at = _column(place) if place else at + 1
        text, wrong = _value(cell, strings)
        if at < MAX_COLUMNS:
            line.cells[at] = text
        elif text:
            wrong = (f"beyond the {MAX_COLUMNS} columns that are read", f"超出可读的 {MAX_COLUMNS} 列")
        if wrong is not None and line.wrong is None:
            line.wrong = (f"{place}: {wrong[0]}", f"{place}：{wrong[1]}")
    return line


def _value(cell: Element, strings: list[str]) -> tuple[str, tuple[str, str] | None]:
    """What a cell says, and what is wrong with it."""
    parts = {_name(part): part for part in cell}
    kind, text = cell.get("t", "n"), (parts["v"].text or "" if "v" in parts else "")
    if "f" in parts:
        return text, ("a formula; paste its value instead", "为公式，请粘贴为数值")
    if kind == "e":
        return text, ("an error of the spreadsheet", "为表格错误值")
    if kind == "inlineStr":
        return (_text(parts["is"]) if "is" in parts else ""), None
    if kind == "s":
        return strings[int(text)], None
    if kind != "n" or not text:
        return text, None
    number = float(text)
    if abs(number) >= EXACT_BELOW:
        return text, (
            "a number of more than 15 digits was rounded by the spreadsheet; write it as text",
            "超过 15 位的数字已被表格软件舍入，请改为文本",
        )
    return (str(int(number)) if number.is_integer() else text), None


def _text(element: Element) -> str:
    """A text with its formatted runs; how a word is pronounced (rPh) is left out."""
    runs = [element, *[run for run in element if _name(run) == "r"]]
    return "".join([part.text or "" for run in runs for part in run if _name(part) == "t"])


def _ended(part: IO[bytes]) -> Iterator[Element]:
    events: Iterator[tuple[str, Any]] = iterparse(part, events=("end",), forbid_dtd=True)
    for _, element in events:
        yield element


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _column(place: str) -> int:
    """`B7` → 1. Raises ValueError for what is no cell."""
    found = _CELL.fullmatch(place)
    if found is None:
        raise ValueError(place)
    at = 0
    for letter in found[1]:
        at = at * 26 + ord(letter) - 64
    return at - 1


def _rows_of(area: str) -> range:
    """`A2:B4` → 2, 3, 4; at most MAX_MERGED + 1 of them, which is too many. Raises ValueError for what is no area."""
    first, _, last = area.partition(":")
    ends = [found for place in (first, last or first) if (found := _CELL.fullmatch(place))]
    if len(ends) < 2:
        raise ValueError(area)
    start, end = int(ends[0][2]), int(ends[1][2])
    return range(start, min(end, start + MAX_MERGED) + 1)
