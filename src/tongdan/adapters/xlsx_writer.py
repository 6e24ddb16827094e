"""A sheet of texts as an XLSX workbook, as small as the format allows: what is exported is written as text, so that no
spreadsheet rounds a bar code or reads a title as a formula. The same rows give the same bytes.
"""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARED: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_RELATIONS}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def write_xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet."""
    writer = XlsxWriter()
    return writer.rows(rows) + writer.end()


class XlsxWriter:
    """A workbook of one sheet, a few rows at a time: what is returned is the next piece of the file."""

    def __init__(self) -> None:
        self._pieces: Final = _Pieces()
        self._book: Final = ZipFile(self._pieces, "w", ZIP_DEFLATED)
        for name, text in _PARTS.items():
            self._book.writestr(_entry(name), _DECLARED + text)
        self._sheet: Final = self._book.open(_entry("xl/worksheets/sheet1.xml"), "w")
        self._sheet.write(f'{_DECLARED}<worksheet xmlns="{_SHEET}"><sheetData>'.encode())
        self._written = 0

    def rows(self, rows: Iterable[Sequence[str]]) -> bytes:
        for cells in rows:
            self._written += 1
            self._sheet.write(_row(self._written, cells).encode())
        return self._pieces.taken()

    def end(self) -> bytes:
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._book.close()
        return self._pieces.taken()


class _Pieces(io.RawIOBase):
    """A file that cannot be rewound: what was written to it is taken away."""

    def __init__(self) -> None:
        self._written: Final = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.extend(data)
        return len(data)

    def taken(self) -> bytes:
        piece = bytes(self._written)
        self._written.clear()
        return piece


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    return entry


def _row(no: int, cells: Sequence[str]) -> str:
    texts = [escape(_NOT_XML.sub("", cell)) for cell in cells]
    return f'<row r="{no}">{"".join([_cell(text) for text in texts])}</row>'


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' if text else "<c/>"
