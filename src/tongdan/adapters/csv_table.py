"""A CSV file as people export it from an ERP: which bytes, which heading, which row, and what is wrong with it.

Spreadsheets write GB18030, UTF-8, or (as "Unicode text") UTF-16 with tabs, wrap long numbers as `="123"`, and turn
longer ones into 4.78E+18, which is refused because the digits are gone. A row that cannot be read is named by the line
it begins on; the others are still read, so that one pass finds all that has to be mended. Nothing is held but the bytes
and the rows wanted, so a file of too many rows costs no more than a good one.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

MAX_BYTES: Final = 32 * 2**20
MAX_ROWS: Final = 200_000
MAX_CELL: Final = 1_000
MAX_FAULTS: Final = 10_000  # named one by one; beyond it the file is of another kind
ENCODINGS: Final = ("utf-8", "gb18030")
UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE_ANEW: Final = (
    "save it anew as CSV UTF-8 or as .xlsx",
    "请另存为 CSV UTF-8 或 .xlsx",
)
_CHUNK: Final = 2**20
_RISKY: Final = tuple("=+-@'\t\r")  # a spreadsheet would take what begins so for a formula, or eat it
_SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
_WRAPPED: Final = re.compile(r'="(.*)"', re.DOTALL)

Columns = Mapping[str, str | Sequence[str]]  # our name → its heading, or those it may have


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, where: `line` counts from 1 with the heading, 0 is the whole file; never a personal value.

    `column` is a heading, "" where it is not one column's.
    """

    line: int
    en: str
    zh: str
    column: str = ""


class FileRefused(Exception):
    """The file as a whole cannot be read; nothing of it is."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.fault: Final = Fault(line=0, en=en, zh=zh)


class HeadingRefused(FileRefused):
    """The first line is not the heading that was asked for."""


class Row(NamedTuple):
    """`cells` by our names of the columns, stripped; `raw` is the record in UTF-8, as a CSV file has it."""

    line: int
    cells: Mapping[str, str]
    raw: bytes


class Table(NamedTuple):
    """`heading` is the raw record of the first line; `refused` the raw records of rows with a fault, by line."""

    rows: list[Row]
    faults: list[Fault]
    heading: bytes = b""
    refused: Mapping[int, bytes] = {}


class Gathering:
    """The rows of a table as they are read, kept or refused one by one. `take` raises FileRefused beyond a limit."""

    def __init__(self, titles: Sequence[str], places: Mapping[str, int]) -> None:
        self.rows: Final[list[Row]] = []
        self.faults: Final[list[Fault]] = []
        self.refused: Final[dict[int, bytes]] = {}
        self._titles: Final = list(titles)
        self._places: Final = places
        self._texts: Final[dict[str, str]] = {}  # what stands in many rows is held once

    def take(self, line: int, cells: Sequence[str], raw: bytes, wrong: tuple[str, str] | None = None) -> None:
        check_count(len(self.rows) + len(self.faults) + 1)
        if wrong := wrong or wrong_with(cells, self._titles):
            self.refuse(line, raw, wrong)
            return
        named = {name: self._text(clean(cells[at])) for name, at in self._places.items()}
        self.rows.append(Row(line, named, raw))

    def refuse(self, line: int, raw: bytes, wrong: tuple[str, str]) -> None:
        if len(self.faults) >= MAX_FAULTS:
            raise FileRefused(
                f"more than {MAX_FAULTS} rows have mistakes, the last: {wrong[0]}",
                f"超过 {MAX_FAULTS} 行有错误，最后一处：{wrong[1]}",
            )
        self.faults.append(Fault(line=line, en=wrong[0], zh=wrong[1]))
        self.refused[line] = raw

    def _text(self, text: str) -> str:
        if len(self._texts) >= MAX_ROWS:
            self._texts.clear()
        return self._texts.setdefault(text, text)


def read_table(raw: bytes, encoding: str, columns: Columns, optional: frozenset[str] = frozenset()) -> Table:
    """The rows of a file whose first line is a heading; columns in `optional` may be missing. Raises FileRefused."""
    check_bytes(raw)
    written = _encoding_of(raw, encoding)
    delimiter = _delimiter_of(raw, written)
    check_count(max(0, _count(raw, written, delimiter) - 1))
    records = _records(raw, written, delimiter)
    _, heading, heading_raw = next(records, (0, [], ""))
    titles = [cell.strip() for cell in heading]
    table = Gathering(titles, places_of(titles, columns, optional))
    for line, cells, record in records:
        if any(cell.strip() for cell in cells):
            table.take(line, cells, record.encode())
    return Table(table.rows, table.faults, heading_raw.encode(), table.refused)


def check_bytes(raw: bytes) -> None:
    """Raises FileRefused."""
    if len(raw) > MAX_BYTES:
        raise FileRefused(f"larger than {MAX_BYTES} bytes; split it", f"超过 {MAX_BYTES} 字节，请拆分文件")
    if not raw.strip(b"\0 \t\r\n"):
        raise FileRefused("is empty; export it again", "文件为空，请重新导出")


def check_count(rows: int) -> None:
    """Raises FileRefused."""
    if rows > MAX_ROWS:
        raise FileRefused(f"more than {MAX_ROWS} rows; split the file", f"超过 {MAX_ROWS} 行，请拆分文件")


def _encoding_of(raw: bytes, encoding: str) -> str:
    """What to decode it with: the one declared, or the first that fits. Raises FileRefused."""
    tried = ENCODINGS if encoding == "auto" else (encoding,)
    if encoding == "auto" and raw.startswith(UTF_16):
        tried = ("utf-16",)
    elif (at := raw.find(b"\0")) >= 0:
        line = raw.count(b"\n", 0, at) + 1
        raise FileRefused(
            f"line {line}: a NUL byte, so it is damaged or no text; {SAVE_ANEW[0]}",
            f"第 {line} 行含 NUL 字节，文件已损坏或不是文本；{SAVE_ANEW[1]}",
        )
    for name in tried:
        if _decodes(raw, "utf-8-sig" if name == "utf-8" else name):
            return "utf-8-sig" if name == "utf-8" else name
    names = " / ".join(tried)
    raise FileRefused(f"not text in {names}; {SAVE_ANEW[0]}", f"不是 {names} 编码的文本；{SAVE_ANEW[1]}")


def _decodes(raw: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(0, len(raw), _CHUNK):
            decoder.decode(raw[at : at + _CHUNK], final=at + _CHUNK >= len(raw))
    except UnicodeDecodeError:
        return False
    return True


def _lines(raw: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(raw), encoding, newline="")


def _delimiter_of(raw: bytes, encoding: str) -> str:
    first = _lines(raw, encoding).readline()
    return "\t" if "\t" in first and "," not in first else ","


def _count(raw: bytes, encoding: str, delimiter: str) -> int:
    """How many records there are that are not blank, as far as they can be told apart."""
    reader, found = csv.reader(_lines(raw, encoding), strict=True, delimiter=delimiter), 0
    try:
        for cells in islice(reader, 2 * MAX_ROWS + 1):
            found += any(map(str.strip, cells))
    except csv.Error:
        pass  # it is named where it is read
    return found


def _records(raw: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Each record: the line it begins on, its cells, its text. Raises FileRefused where cells cannot be told apart."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for text in _lines(raw, encoding):
            taken.append(text)
            yield text

    reader = csv.reader(lines(), strict=True, delimiter=delimiter)
    begin = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _unreadable(begin, str(error)) from None
        yield begin, cells, "".join(taken) if delimiter == "," else as_record(cells)
        begin = reader.line_num + 1
        taken.clear()


def _unreadable(line: int, error: str) -> FileRefused:
    if "expected after" in error:
        return FileRefused(
            f'line {line}: text follows a closing quote; double each quote inside a cell (""), or {SAVE_ANEW[0]}',
            f'第 {line} 行：引号之后还有文字；单元格内的引号须写成两个（""），或{SAVE_ANEW[1]}',
        )
    return FileRefused(
        f"line {line}: a quote is never closed, or a cell is longer than {MAX_CELL} characters; {SAVE_ANEW[0]}",
        f"第 {line} 行：引号未闭合，或单元格超过 {MAX_CELL} 个字符；{SAVE_ANEW[1]}",
    )


# ---- what every table has in common


def places_of(
    heading: Sequence[str], columns: Columns, optional: frozenset[str] = frozenset()
) -> dict[str, int]:
    """Where each column stands. Raises HeadingRefused, which names what is missing and what stands there twice."""
    places: dict[str, int] = {}
    missing: list[str] = []
    for name, titles in columns.items():
        known = (titles,) if isinstance(titles, str) else titles
        found = [title for title in known if title in heading]
        if found:
            places[name] = heading.index(found[0])
        elif name not in optional:
            missing.append("/".join(known))
    doubled = [heading[at] for at in dict.fromkeys(places.values()) if heading.count(heading[at]) > 1]
    if missing or doubled:
        raise HeadingRefused(*_heading_wrong(missing, doubled))
    return places


def _heading_wrong(missing: Sequence[str], doubled: Sequence[str]) -> tuple[str, str]:
    en, zh = "the first line must have these headings once each:", "首行须各有一列："
    told = []
    if missing:
        told.append((f"{en} {', '.join(missing)}", f"{zh}{', '.join(missing)}"))
    if doubled:
        told.append((f"{en} {', '.join(doubled)} (twice)", f"{zh}{', '.join(doubled)}（重复）"))
    return "; ".join([each[0] for each in told]), "；".join([each[1] for each in told])


def wrong_with(cells: Sequence[str], titles: Sequence[str]) -> tuple[str, str] | None:
    if len(cells) != len(titles):
        return (
            f"expected {len(titles)} columns, got {len(cells)}",
            f"应有 {len(titles)} 列，实有 {len(cells)} 列",
        )
    if any(len(cell) > MAX_CELL for cell in cells):
        return f"a cell is longer than {MAX_CELL} characters", f"有单元格超过 {MAX_CELL} 个字符"
    if any("\0" in cell for cell in cells):
        return "a cell has a NUL character; write it anew", "有单元格含 NUL 字符，请重新填写"
    if any(_SCIENTIFIC.fullmatch(cell.strip()) for cell in cells):
        return (
            "a number was rounded by the spreadsheet (4.78E+18); export that column as text",
            "有数字被表格软件改成科学计数法（4.78E+18），请将该列导出为文本",
        )
    if [cell.strip() for cell in cells] == titles:
        return "the heading stands here again; delete this row", "此行重复了列名，请删除"
    return None


def clean(cell: str) -> str:
    text = cell.strip()
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].strip()
    return text.removeprefix("'")


def as_record(cells: Iterable[str]) -> str:
    """One record of a CSV file, with its line end."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def cells_of(record: bytes) -> list[str]:
    """The cells of a raw record, stripped."""
    return [cell.strip() for cell in next(csv.reader(io.StringIO(record.decode(), newline="")), [])]


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know it; no cell is taken for a formula."""
    return CsvWriter().rows(rows)


class CsvWriter:
    """A file like `write_csv`'s, a few rows at a time."""

    def __init__(self) -> None:
        self._begin = codecs.BOM_UTF8

    def rows(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerows([[f"'{cell}" if cell.startswith(_RISKY) else cell for cell in row] for row in rows])
        begin, self._begin = self._begin, b""
        return begin + text.getvalue().encode()

    def end(self) -> bytes:
        return b""
