"""The XML inside a workbook (ECMA-376), parsed as a stream: what is kept is bounded, however large a part unpacks to.

The parser is expat itself, as a tree would hold every element. A document type is refused before its entities are read,
texts are cut one character beyond the longest cell, and a row keeps no more cells than are read.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Final, NamedTuple, Protocol
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from tongdan.adapters.csv_table import MAX_CELL, FileRefused

MAX_COLUMNS: Final = 256
MAX_STRINGS: Final = 2_000_000
MAX_MERGED: Final = 10_000
MAX_SHEETS: Final = 255
MAX_STYLES: Final = 100_000
_CHUNK: Final = 2**16
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)
# Number formats that show a date or a time (ECMA-376 part 1, 18.8.30, with those of East Asian languages).
_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')  # what a number format shows as it stands
_DATE_LETTERS: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_DAYS_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # the file's own clock; its zone is said elsewhere
_DAYS_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_LEAP_BUG: Final = 60  # 29 February 1900, which never was: days before it count from one day later
_MAX_SERIAL: Final = 2_958_466  # 10000-01-01


class Handler(Protocol):
    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, text: str) -> None: ...


def parse(part: IO[bytes], handler: Handler) -> Iterator[None]:
    """Feed a part to `handler`, by local names; yields after each piece. Raises ValueError for what is no such XML."""
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: handler.start(_local(name), attributes)
    parser.EndElementHandler = lambda name: handler.end(_local(name))
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        while chunk := part.read(_CHUNK):
            parser.Parse(chunk, False)
            yield
        parser.Parse(b"", True)
    except ExpatError as error:
        raise ValueError(str(error)) from None
    yield


def _refuse_doctype(*_: object) -> None:
    raise FileRefused(
        "its XML declares a document type (entities), which no spreadsheet writes; save it anew as .xlsx",
        "其 XML 含 DOCTYPE（实体声明），正常表格不会如此；请另存为 .xlsx",
    )


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _attribute(attributes: dict[str, str], name: str) -> str:
    return next((text for key, text in attributes.items() if _local(key) == name), "")


class _Texts:
    """Gathers the text of `t` and `v` elements, cut beyond MAX_CELL; how a word is pronounced (rPh) is left out."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._open = False
        self._spoken = False

    def start(self, name: str) -> None:
        if name == "rPh":
            self._spoken = True
        elif name in ("t", "v"):
            self._open = not self._spoken

    def end(self, name: str) -> None:
        if name == "rPh":
            self._spoken = False
        elif name in ("t", "v"):
            self._open = False

    def add(self, text: str) -> None:
        room = MAX_CELL + 1 - self._length
        if self._open and room > 0:
            self._pieces.append(text[:room])
            self._length += len(self._pieces[-1])

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces, self._length = [], 0
        return text


# ---- the workbook: its sheets and its calendar


class Sheet(NamedTuple):
    name: str
    part: str


class Book(NamedTuple):
    """What is needed to read its cells. `dates` are the styles that show a date; `first` its day zero."""

    sheets: list[Sheet]
    strings: list[str]
    dates: frozenset[int]
    since_1904: bool


def read_book(book: ZipFile) -> Book:
    """Raises KeyError, ValueError or FileRefused when it is none."""
    names = set(book.namelist())
    listed, targets = _Workbook(), _Relations()
    _whole(book, "xl/workbook.xml", listed)
    _whole(book, "xl/_rels/workbook.xml.rels", targets)
    sheets = [Sheet(name, targets.found[relation]) for name, relation in listed.sheets]
    if not sheets:
        raise ValueError("no sheet")
    strings, styles = _Strings(), _Styles()
    if "xl/sharedStrings.xml" in names:
        _whole(book, "xl/sharedStrings.xml", strings)
    if "xl/styles.xml" in names:
        _whole(book, "xl/styles.xml", styles)
    return Book(sheets, strings.found, styles.dates(), listed.since_1904)


def _whole(book: ZipFile, name: str, handler: Handler) -> None:
    with book.open(name) as part:
        for _ in parse(part, handler):
            pass


class _Workbook:
    def __init__(self) -> None:
        self.sheets: Final[list[tuple[str, str]]] = []
        self.since_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet" and len(self.sheets) < MAX_SHEETS:
            self.sheets.append((attributes.get("name", "")[:40], _attribute(attributes, "id")))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


class _Relations:
    def __init__(self) -> None:
        self.found: Final[dict[str, str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and len(self.found) < 2 * MAX_SHEETS:
            target = attributes["Target"]
            self.found[attributes["Id"]] = target[1:] if target.startswith("/") else f"xl/{target}"

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


class _Strings:
    def __init__(self) -> None:
        self.found: Final[list[str]] = []
        self._texts: Final = _Texts()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._texts.start(name)

    def end(self, name: str) -> None:
        self._texts.end(name)
        if name != "si":
            return
        if len(self.found) >= MAX_STRINGS:
            raise FileRefused(
                f"more than {MAX_STRINGS} different texts; split the file",
                f"不同文字超过 {MAX_STRINGS} 个，请拆分文件",
            )
        self.found.append(self._texts.take())

    def text(self, text: str) -> None:
        self._texts.add(text)


class _Styles:
    """Which cell styles show a date."""

    def __init__(self) -> None:
        self._custom: Final[dict[str, str]] = {}
        self._formats: Final[list[str]] = []
        self._cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt" and len(self._custom) < MAX_STYLES:
            self._custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._cells = True
        elif name == "xf" and self._cells and len(self._formats) < MAX_STYLES:
            self._formats.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._cells = False

    def text(self, text: str) -> None:
        pass

    def dates(self) -> frozenset[int]:
        return frozenset([at for at, form in enumerate(self._formats) if self._is_date(form)])

    def _is_date(self, form: str) -> bool:
        code = self._custom.get(form)
        if code is None:
            return form.isascii() and form.isdigit() and int(form) in _DATES
        return _DATE_LETTERS.search(_LITERAL.sub("", code.partition(";")[0])) is not None


def moment(serial: float, since_1904: bool) -> str:
    """What a date cell shows: `2026-01-27`, with a time `2026-01-27 18:00:00`. Raises ValueError for what is no day."""
    if not 1 <= serial < _MAX_SERIAL:
        raise ValueError("no day")
    first = _DAYS_1904 if since_1904 else _DAYS_1900
    days = serial if since_1904 or serial >= _LEAP_BUG else serial + 1
    at = first + timedelta(seconds=round(days * 86_400))
    return at.strftime("%Y-%m-%d" if serial == int(serial) else "%Y-%m-%d %H:%M:%S")


# ---- a sheet


class Cell(NamedTuple):
    """A cell as the file has it; `kind` is its type, `style` its style, `formula` whether it is computed."""

    place: str
    column: int
    kind: str
    style: int
    text: str
    formula: bool


class SheetRows:
    """Gathers the rows of a sheet; `ready` are those that are whole, `merged` the numbers of rows with merged cells."""

    def __init__(self) -> None:
        self.ready: list[tuple[int, list[Cell]]] = []
        self.merged: Final[set[int]] = set()
        self._no = 0
        self._column = -1
        self._cells: list[Cell] = []
        self._cell: dict[str, str] = {}
        self._formula = False
        self._texts: Final = _Texts()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._no, self._column = int(attributes.get("r", self._no + 1)), -1
        elif name == "c":
            self._cell, self._formula = attributes, False
            place = attributes.get("r", "")
            self._column = column(place) if place else self._column + 1
        elif name == "f":
            self._formula = True
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))
        self._texts.start(name)

    def end(self, name: str) -> None:
        self._texts.end(name)
        if name == "c":
            self._keep(self._texts.take())
        elif name == "row":
            self.ready.append((self._no, self._cells))
            self._cells = []

    def text(self, text: str) -> None:
        self._texts.add(text)

    def _keep(self, text: str) -> None:
        """A row keeps one cell beyond those that are read, so that it is told of."""
        if (text or self._formula) and len(self._cells) <= MAX_COLUMNS:
            style = self._cell.get("s", "")
            self._cells.append(
                Cell(
                    self._cell.get("r", ""), self._column, self._cell.get("t", "n"),
                    int(style) if style.isdigit() else 0, text, self._formula,
                )
            )  # fmt: skip

    def _merge(self, area: str) -> None:
        self.merged.update(_rows_of(area))
        if len(self.merged) > MAX_MERGED:
            raise FileRefused(
                f"more than {MAX_MERGED} rows have merged cells; unmerge them",
                f"超过 {MAX_MERGED} 行含合并单元格，请先取消合并",
            )


def column(place: str) -> int:
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
