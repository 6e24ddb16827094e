"""The audit trail as the lines of a file, the same over the API and on the command line.

JSON Lines carries every field. CSV is for spreadsheets: it begins with the mark by which they know UTF-8, and a fact's
own fields stand in one cell as JSON. Payloads are not in either, whoever asks.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from tongdan.ports import JournalRow

COLUMNS: Final = (
    "slot", "epoch", "seq", "aggregate", "version", "fact", "fact_version", "status_before", "status_after",
    "happened_at", "recorded_at", "operator", "source", "shop", "owned", "command", "cause", "revision", "hash", "body",
)  # fmt: skip
MARK: Final = b"\xef\xbb\xbf"


class Form(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def lines_of(rows: Iterable[JournalRow], form: Form) -> Iterator[bytes]:
    """One line a row, each with its end; CSV begins with a line of column names."""
    if form is Form.CSV:
        yield MARK + _csv_line(COLUMNS)
    for row in rows:
        yield _csv_row(row) if form is Form.CSV else msgspec.json.encode(row) + b"\n"


def _csv_row(row: JournalRow) -> bytes:
    cells: dict[str, object] = msgspec.to_builtins(row)
    cells["body"] = msgspec.json.encode(row.body).decode()
    return _csv_line([cells[name] for name in COLUMNS])


def _csv_line(cells: Iterable[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
