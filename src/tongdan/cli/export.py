"""`tongdan export`: the audit trail as a file, in the order of the log.

The file appears under its name only when it is whole. Payloads as received hold personal data and stay sealed; what
is exported is what was concluded from them, with the hash that ties each row to the one before.
"""

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Final

import msgspec
import typer

from tongdan.cli.language import t, teach
from tongdan.cli.output import err, fail, progress
from tongdan.cli.places import DATA, DataOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.cli.words import instant
from tongdan.ports import JournalRow

HELP = teach(
    """Write the audit trail to a file (or to stdout), one row an event.

JSON Lines carries everything; CSV opens in a spreadsheet. Names, phones, addresses and payloads are not in it.""",
    """把审计日志写成文件（或标准输出），每个事件一行。

JSON Lines 内容完整；CSV 可用表格软件打开。其中不含姓名、电话、地址和原始报文。""",
    "tongdan export --out audit.jsonl",
    "tongdan export --format csv --shop mp-main --since 2026-01-27 --out audit.csv",
    "tongdan export | head -3",
)
COLUMNS: Final = (
    "slot", "epoch", "seq", "aggregate", "version", "fact", "fact_version", "status_before", "status_after",
    "happened_at", "recorded_at", "operator", "source", "shop", "owned", "command", "cause", "revision", "hash", "body",
)  # fmt: skip
Write = Callable[[JournalRow], None]


class Format(StrEnum):
    jsonl = "jsonl"
    csv = "csv"


def export(
    data: DataOption = DATA,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help=t("Write here instead of stdout.", "写入文件而非标准输出。")
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help=t("jsonl or csv.", "jsonl 或 csv。"))
    ] = Format.jsonl,
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="TIME", help=t("Only what was recorded from then on.", "仅此后记录的。")
        ),
    ] = "",
    shop: ShopOption = "",
) -> None:
    start: datetime | None = instant(since) if since else None
    with open_reading(data) as reading, _target(to, form) as stream:
        total = None if start or shop else reading.reads.counts()["journal_rows"]
        write = _jsonl(stream) if form is Format.jsonl else _csv(stream)
        count = 0
        with progress() as bar:
            task = bar.add_task(t("rows", "行"), total=total)
            for row in reading.reads.journal(since=start, shop=shop):
                write(row)
                count += 1
                if count % 1_000 == 0:
                    bar.update(task, completed=count)
    err.print(t(f"{count} rows", f"{count} 行") + (f" → {to}" if to else ""))


@contextmanager
def _target(to: Path | None, form: Format) -> Iterator[IO[str]]:
    """stdout, or a file that is put in place when it is whole."""
    if to is None:
        yield sys.stdout
        return
    if not to.parent.is_dir():
        fail(t(f"There is no directory {to.parent}.", f"目录 {to.parent} 不存在。"))
    part = to.with_name(to.name + ".part")
    encoding = (
        "utf-8-sig" if form is Format.csv else "utf-8"
    )  # spreadsheets tell Chinese from mojibake by the mark
    try:
        with part.open("w", encoding=encoding, newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _jsonl(stream: IO[str]) -> Write:
    def write(row: JournalRow) -> None:
        stream.write(msgspec.json.encode(row).decode() + "\n")

    return write


def _csv(stream: IO[str]) -> Write:
    sheet = csv.writer(stream)
    sheet.writerow(COLUMNS)

    def write(row: JournalRow) -> None:
        cells: dict[str, object] = msgspec.to_builtins(row)
        cells["body"] = msgspec.json.encode(row.body).decode()
        sheet.writerow([cells[name] for name in COLUMNS])

    return write
