"""An XLSX workbook as people save it: its first sheet, read like a CSV file of the same rows (`csv_table.py`).

A workbook is a ZIP of XML (ECMA-376), so a small one may unpack to anything: sizes are checked before a byte is
unpacked, and rows are read one by one. A formula's value is only what a program once computed, of merged cells all but
one are empty, and a date where none is expected was a code that the spreadsheet took for one: all are told row by row
instead of being guessed at.
"""

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from tongdan.adapters.csv_table import (
    Columns,
    Fault,
    FileRefused,
    Gathering,
    HeadingRefused,
    Table,
    as_record,
    check_bytes,
    places_of,
)
from tongdan.adapters.xlsx_parts import (
    MAX_COLUMNS,
    Book,
    Cell,
    SheetRows,
    moment,
    parse,
    read_book,
)

MAX_UNPACKED_BYTES: Final = 128 * 2**20
MAX_RATIO: Final = 100
MAX_ENTRIES: Final = 1_000
EXACT_BELOW: Final = 10**15  # a spreadsheet keeps fifteen digits of a number
MAGIC: Final = b"PK\x03\x04"
_BROKEN: Final = (
    BadZipFile, LookupError, ValueError, NotImplementedError, RuntimeError, EOFError, OverflowError, zlib.error,
)  # fmt: skip
_FORMULA: Final = ("a formula; paste its value instead", "为公式，请粘贴为数值")
_ERROR: Final = ("an error of the spreadsheet", "为表格错误值")
_ROUNDED: Final = (
    "a number of more than 15 digits was rounded by the spreadsheet; write it as text",
    "超过 15 位的数字已被表格软件舍入，请改为文本",
)
_NO_DAY: Final = ("shows a date that is none", "显示的日期不存在")
_A_DATE: Final = (
    "a date where none is expected: the spreadsheet took a code for one; write it as text",
    "此列不应为日期：表格软件把编码当成了日期，请改为文本",
)
_MERGED: Final = ("cells are merged; unmerge them and fill in each", "含合并单元格，请取消合并并逐格填写")


class _Line(NamedTuple):
    """A row of the sheet: its cells by column, from 0, those of them that are dates, and what is wrong with it."""

    no: int
    cells: Mapping[int, str]
    dates: Mapping[int, str]
    wrong: tuple[str, str] | None

    def texts(self, width: int) -> list[str]:
        """All its cells from the first column on, at least `width`; empty ones at the end are only formatted."""
        used = max([at for at, text in self.cells.items() if text.strip()], default=-1) + 1
        return [self.cells.get(at, "").strip() for at in range(max(width, used))]


def read_xlsx(
    raw: bytes,
    columns: Columns,
    optional: frozenset[str] = frozenset(),
    times: frozenset[str] = frozenset(),
) -> Table:
    """The rows of the first sheet, below its heading. Columns in `optional` may be missing, those in `times` may hold
    dates. Raises FileRefused.
    """
    check_bytes(raw)
    try:
        with ZipFile(io.BytesIO(raw)) as book:
            _check_size(book, len(raw))
            known = read_book(book)
            return _table(book, known, columns, optional, times)
    except _BROKEN:
        raise FileRefused(
            "not an XLSX workbook that can be read, or not whole; save it anew as .xlsx, without a password, or as CSV",
            "无法读取此 XLSX 文件或文件不完整；请另存为不带密码的 .xlsx 或 CSV",
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


def _table(
    book: ZipFile, known: Book, columns: Columns, optional: frozenset[str], times: frozenset[str]
) -> Table:
    sheet = SheetRows()
    lines = _lines(book, known, 0, sheet)
    heading = next(lines, _Line(1, {}, {}, None))
    titles = heading.texts(0)
    try:
        places = places_of(titles, columns, optional)
    except HeadingRefused as refused:
        raise _other_sheet(book, known, columns, optional) or refused from None
    table = Gathering(titles, places)
    plain = {at for name, at in places.items() if name not in times}
    for line in lines:
        cells = line.texts(len(titles))
        if line.wrong is not None or any(cells):
            misdated = next((_at(place, _A_DATE) for at, place in line.dates.items() if at in plain), None)
            table.take(line.no, cells, as_record(cells).encode(), line.wrong or misdated)
    if heading.wrong is not None or heading.no in sheet.merged:
        raise FileRefused(
            "the heading has merged cells, formulas or errors; write each heading into a cell of its own",
            "首行含合并单元格、公式或错误值；请逐格写明列名",
        )
    return _without_merged(table, sheet.merged, as_record(titles).encode())


def _without_merged(table: Gathering, merged: set[int], heading: bytes) -> Table:
    for row in [row for row in table.rows if row.line in merged]:
        table.refuse(row.line, row.raw, _MERGED)
    faults: list[Fault] = sorted(table.faults, key=lambda each: each.line)
    return Table([row for row in table.rows if row.line not in merged], faults, heading, table.refused)


def _other_sheet(
    book: ZipFile, known: Book, columns: Columns, optional: frozenset[str]
) -> HeadingRefused | None:
    """The heading stands on a sheet that is not the first: which."""
    for at in range(1, len(known.sheets)):
        first = next(_lines(book, known, at, SheetRows()), None)
        try:
            places_of(first.texts(0) if first is not None else [], columns, optional)
        except HeadingRefused:
            continue
        name = known.sheets[at].name
        return HeadingRefused(
            f"the heading stands on sheet {name!r}, and only the first sheet is read; move it to the front",
            f"列名在工作表 {name!r} 中，而只读取第一张工作表；请将其移到最前",
        )
    return None


def _lines(book: ZipFile, known: Book, sheet: int, rows: SheetRows) -> Iterator[_Line]:
    """The rows of a sheet; `rows.merged` is whole after the last."""
    with book.open(known.sheets[sheet].part) as part:
        for _ in parse(part, rows):
            ready, rows.ready = rows.ready, []
            for no, cells in ready:
                yield _line(no, cells, known)


def _line(no: int, row: Sequence[Cell], known: Book) -> _Line:
    cells: dict[int, str] = {}
    dates: dict[int, str] = {}
    wrong: tuple[str, str] | None = None
    if not all(one.column < other.column for one, other in pairwise(row)):
        raise ValueError("cells out of order")
    for cell in row:
        text, mistake = _value(cell, known, dates)
        if cell.column < MAX_COLUMNS:
            cells[cell.column] = text
        elif text:
            mistake = (f"beyond the {MAX_COLUMNS} columns that are read", f"超出可读的 {MAX_COLUMNS} 列")
        if mistake is not None and wrong is None:
            wrong = _at(cell.place, mistake)
    return _Line(no, cells, dates, wrong)


def _at(place: str, wrong: tuple[str, str]) -> tuple[str, str]:
    return (f"{place}: {wrong[0]}", f"{place}：{wrong[1]}")


def _value(cell: Cell, known: Book, dates: dict[int, str]) -> tuple[str, tuple[str, str] | None]:
    """What a cell says, and what is wrong with it; one that is a date is noted in `dates`."""
    text = cell.text
    if cell.formula:
        return text, _FORMULA
    if cell.kind == "e":
        return text, _ERROR
    if cell.kind == "s":
        if not text.isdigit():
            raise ValueError("no number of a text")
        return known.strings[int(text)], None
    if cell.kind == "d":
        dates[cell.column] = cell.place
        return text.replace("T", " ").partition(".")[0], None
    if cell.kind != "n" or not text:
        return text, None
    number = float(text)
    if cell.style in known.dates:
        dates[cell.column] = cell.place
        try:
            return moment(number, known.since_1904), None
        except ValueError:
            return text, _NO_DAY
    if abs(number) >= EXACT_BELOW:
        return text, _ROUNDED
    return (str(int(number)) if number.is_integer() else f"{number:.15g}"), None
