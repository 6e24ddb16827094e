"""A CSV file as people export it from an ERP: which bytes, which heading, which row, and what is wrong with it.

Spreadsheets write GB18030 or UTF-8, wrap long numbers as `="123"`, and turn longer ones into 4.78E+18, which is refused
because the digits are gone. A row that cannot be read is named by the line it begins on; the others are still read, so
that one pass finds all that has to be mended.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

MAX_BYTES: Final = 32 * 2**20
MAX_ROWS: Final = 200_000
MAX_CELL: Final = 1_000
ENCODINGS: Final = ("utf-8", "gb18030")
_SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
_WRAPPED: Final = re.compile(r'="(.*)"', re.DOTALL)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, where: `line` counts from 1 with the heading, 0 is the whole file; never a personal value."""

    line: int
    en: str
    zh: str


class FileRefused(Exception):
    """The file as a whole cannot be read; nothing of it is."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.fault: Final = Fault(line=0, en=en, zh=zh)


class HeadingRefused(FileRefused):
    """The first line is not the heading that was asked for."""


class Row(NamedTuple):
    """`cells` by our names of the columns, stripped; `raw` is the record as it stood, in UTF-8."""

    line: int
    cells: Mapping[str, str]
    raw: bytes


class Table(NamedTuple):
    rows: list[Row]
    faults: list[Fault]


def read_table(raw: bytes, encoding: str, columns: Mapping[str, str]) -> Table:
    """The rows of a file whose first line is a heading; `columns`: our name → its heading. Raises FileRefused."""
    lines = list(io.StringIO(_text(raw, encoding), newline=""))
    records = _records(lines)
    _, heading = next(records, (0, []))
    places = places_of([cell.strip() for cell in heading], columns)
    rows: list[Row] = []
    faults: list[Fault] = []
    for (begin, end), cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) + len(faults) >= MAX_ROWS:
            raise FileRefused(f"more than {MAX_ROWS} rows; split the file", f"超过 {MAX_ROWS} 行，请拆分文件")
        said = wrong_with(cells, len(heading))
        if said is not None:
            faults.append(Fault(line=begin + 1, en=said[0], zh=said[1]))
            continue
        named = {name: clean(cells[at]) for name, at in places.items()}
        rows.append(Row(begin + 1, named, "".join(lines[begin:end]).encode()))
    return Table(rows, faults)


def _text(raw: bytes, encoding: str) -> str:
    if len(raw) > MAX_BYTES:
        raise FileRefused(f"larger than {MAX_BYTES} bytes; split it", f"超过 {MAX_BYTES} 字节，请拆分文件")
    for name in ENCODINGS if encoding == "auto" else (encoding,):
        try:
            text = raw.decode("utf-8-sig" if name == "utf-8" else name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    tried = " / ".join(ENCODINGS) if encoding == "auto" else encoding
    raise FileRefused(f"not text in {tried}", f"不是 {tried} 编码的文本")


def _records(lines: list[str]) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """Each record with the lines (from, to) it covers. Raises FileRefused where quotes cannot be told apart."""
    reader = csv.reader(lines, strict=True)
    begin = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileRefused(f"line {begin + 1}: {error}", f"第 {begin + 1} 行：引号或分隔有误") from None
        yield (begin, reader.line_num), cells
        begin = reader.line_num


def places_of(heading: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    if missing := [title for title in columns.values() if heading.count(title) != 1]:
        names = ", ".join(missing)
        raise HeadingRefused(
            f"the first line must have these headings once each: {names}", f"首行须各有一列：{names}"
        )
    return {name: heading.index(title) for name, title in columns.items()}


def wrong_with(cells: list[str], width: int) -> tuple[str, str] | None:
    if len(cells) != width:
        return f"expected {width} columns, got {len(cells)}", f"应有 {width} 列，实有 {len(cells)} 列"
    if any(len(cell) > MAX_CELL for cell in cells):
        return f"a cell is longer than {MAX_CELL} characters", f"有单元格超过 {MAX_CELL} 个字符"
    if any(_SCIENTIFIC.fullmatch(cell.strip()) for cell in cells):
        return (
            "a number was rounded by the spreadsheet (4.78E+18); export that column as text",
            "有数字被表格软件改成科学计数法（4.78E+18），请将该列导出为文本",
        )
    return None


def clean(cell: str) -> str:
    text = cell.strip()
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].strip()
    return text.removeprefix("'")
