"""A table in a file of any kind that people send: CSV and XLSX are read, whatever else is refused by its name.

The kind is told by the first bytes, never by the file's name: exports called .xls are often web pages.
"""

import re
from typing import Final

from tongdan.adapters.csv_table import Columns, FileRefused, Table, check_bytes, read_table
from tongdan.adapters.xlsx_table import MAGIC, read_xlsx

_LOOKED_AT: Final = 4_096
# [MS-CFB] 2.2: what .xls files are, and .xlsx files with a password ([MS-OFFCRYPTO] 2.3.4.4).
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_BIFF: Final = (
    b"\x09\x08",
    b"\x09\x04",
    b"\x09\x02",
    b"\x09\x00",
)  # .xls of the nineties, without a container
_WEB_PAGE: Final = re.compile(rb"<\s*(!doctype\s+html|html|head|meta|body|table|style|div)\b", re.IGNORECASE)
_SPREADSHEET_XML: Final = b"urn:schemas-microsoft-com:office:spreadsheet"
_MHTML: Final = b"mime-version:"


def read_table_file(
    raw: bytes,
    columns: Columns,
    *,
    encoding: str = "auto",
    optional: frozenset[str] = frozenset(),
    times: frozenset[str] = frozenset(),
) -> Table:
    """The rows below the heading; `encoding` is that of a CSV file. Columns in `optional` may be missing, those in
    `times` may hold dates. Raises FileRefused.
    """
    check_bytes(raw)
    if raw.startswith(MAGIC):
        return read_xlsx(raw, columns, optional, times)
    if (kind := _foreign(raw)) is not None:
        en, zh = kind
        raise FileRefused(
            f"{en}; open it in a spreadsheet and save it as .xlsx or CSV UTF-8",
            f"{zh}；请用表格软件打开后另存为 .xlsx 或 CSV UTF-8",
        )
    return read_table(raw, encoding, columns, optional)


def _foreign(raw: bytes) -> tuple[str, str] | None:
    begin = raw[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")
    if raw.startswith(_COMPOUND):
        if _ENCRYPTED in raw:
            return (
                "a workbook protected by a password; take the password off",
                "工作簿有密码保护；请先取消密码",
            )
        return "an old .xls workbook", "旧版 .xls 工作簿"
    if raw.startswith(_BIFF):
        return "an old .xls workbook", "旧版 .xls 工作簿"
    if _SPREADSHEET_XML in begin:
        return "an XML spreadsheet of 2003", "2003 版 XML 表格"
    if begin.startswith(b"<") and _WEB_PAGE.search(begin):
        return "a web page (HTML), whatever its name says", "实为网页（HTML），与扩展名无关"
    if begin.lower().startswith(_MHTML):
        return "a web archive (MHTML), whatever its name says", "实为网页归档（MHTML），与扩展名无关"
    return None
