"""`tongdan export`: the audit trail as a file, in the order of the log.

The file appears under its name only when it is whole. Payloads as received hold personal data and stay sealed; what
is exported is what was concluded from them, with the hash that ties each row to the one before.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from tongdan.cli.language import t, teach
from tongdan.cli.output import err, fail, progress
from tongdan.cli.places import DATA, DataOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.cli.words import instant
from tongdan.surfaces.audit_trail import Form, lines_of

HELP = teach(
    """Write the audit trail to a file (or to stdout), one row an event.

JSON Lines carries everything; CSV opens in a spreadsheet. Names, phones, addresses and payloads are not in it.""",
    """把审计日志写成文件（或标准输出），每个事件一行。

JSON Lines 内容完整；CSV 可用表格软件打开。其中不含姓名、电话、地址和原始报文。""",
    "tongdan export --out audit.jsonl",
    "tongdan export --format csv --shop mp-main --since 2026-01-27 --out audit.csv",
    "tongdan export | head -3",
)


def export(
    data: DataOption = DATA,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help=t("Write here instead of stdout.", "写入文件而非标准输出。")
        ),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help=t("jsonl or csv.", "jsonl 或 csv。"))] = Form.JSONL,
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="TIME", help=t("Only what was recorded from then on.", "仅此后记录的。")
        ),
    ] = "",
    shop: ShopOption = "",
) -> None:
    start = instant(since) if since else None
    with open_reading(data) as reading, whole_file(to) as file, progress() as bar:
        total = None if start or shop else reading.reads.counts()["journal_rows"]
        task, count = bar.add_task(t("rows", "行"), total=total), 0
        rows = reading.reads.journal(since=start, shop=shop)
        for count, line in enumerate(lines_of(rows, form), 1):
            file.write(line)
            if count % 1_000 == 0:
                bar.update(task, completed=count)
    written = count - (form is Form.CSV)
    err.print(t(f"{written} rows", f"{written} 行") + (f" → {to}" if to else ""))


@contextmanager
def whole_file(to: Path | None) -> Iterator[IO[bytes]]:
    """stdout, or a file that is put in place when it is whole."""
    if to is None:
        yield sys.stdout.buffer
        return
    if not to.parent.is_dir():
        fail(t(f"There is no directory {to.parent}.", f"目录 {to.parent} 不存在。"))
    part = to.with_name(to.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
