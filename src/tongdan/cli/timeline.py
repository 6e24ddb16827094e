"""`tongdan order timeline`: everything that happened to an order, row by row of the audit trail.

The payload that a row came from is shown as it was received, masked unless asked for in the open.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from tongdan.cli.language import t, teach
from tongdan.cli.orders import IdArgument, RevealOption, find_order, heading, lines_table
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption, ShopOption
from tongdan.cli.reading import Reading, open_reading
from tongdan.cli.words import instant, sentence, status_word
from tongdan.domain.kernel.keys import ORDER, kind_of
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import partly, status
from tongdan.ports import JournalRow
from tongdan.surfaces.masking import mask_raw
from tongdan.surfaces.words import local_time

HELP = teach(
    """Show everything that happened to an order, its shipments and tickets, oldest first.

Each line is a row of the audit trail: when, what, the status before and after, who said so, and under which number it
stands in the log. --as-of shows the order as it was recorded at an instant (UTC+8 unless an offset is given).""",
    """按时间顺序显示订单及其发货单、工单发生过的一切。

每行对应审计日志的一行：时间、事件、前后状态、来源及其在日志中的编号。
--as-of 显示订单在某一时刻的记录（默认 UTC+8）。""",
    "tongdan order timeline DY20260127000892",
    'tongdan order timeline DY20260127000892 --as-of "2026-01-27 15:00"',
    "tongdan order timeline DY20260127000892 --raw",
)


def timeline(
    id: IdArgument,
    data: DataOption = DATA,
    shop: ShopOption = "",
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="TIME", help=t("The order as recorded then.", "当时所记录的订单。")),
    ] = "",
    raw: Annotated[
        bool,
        typer.Option("--raw", help=t("Also the payloads as received, masked.", "同时显示打码后的原始报文。")),
    ] = False,
    reveal: RevealOption = False,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        key, _ = find_order(reading, id, shop)
        if as_of:
            _print_as_of(reading, key, as_of, json)
            return
        rows = reading.reads.timeline(key, with_raw=raw)
    payloads = [_payload(row, reveal) for row in rows]
    if json:
        emit([{**msgspec.to_builtins(row), "raw": text} for row, text in zip(rows, payloads, strict=True)])
        return
    _print(rows, payloads)


def _print_as_of(reading: Reading, key: str, as_of: str, json: bool) -> None:
    at = instant(as_of)
    then = reading.reads.as_of(key, at)
    if not isinstance(then, Order):
        fail(t(f"{key} was not recorded by then.", f"{key} 当时尚无记录。"), DOES_NOT_HOLD)
    if json:
        emit({"id": key, "as_of": at, "status": status(then), "partly": partly(then), "order": then})
        return
    out.print(heading(key, then))
    out.print(lines_table(then))


def _print(rows: Sequence[JournalRow], payloads: Sequence[str | None]) -> None:
    what, source = t("what", "事件"), t("source", "来源")
    shown = table(
        t("recorded", "记录时间"), what, t("status", "状态"), source, t("log", "日志"), fold=(what, source)
    )
    for row, payload in zip(rows, payloads, strict=True):
        text = _what(row)
        if payload:
            text.append(f"\n{payload}", style="dim")
        place = f"{row.slot}.{row.epoch}.{row.seq}"
        add_row(shown, local_time(row.recorded_at), text, _change(row), _origin(row), place)
    out.print(shown)


def _what(row: JournalRow) -> Text:
    """Rows of shipments and tickets say whose they are."""
    text = Text(sentence(row.fact, row.body))
    return text if kind_of(row.aggregate) == ORDER else Text(f"{row.aggregate}: ", style="cyan").append(text)


def _change(row: JournalRow) -> str:
    changed = kind_of(row.aggregate) == ORDER and row.status_before != row.status_after
    return status_word(row.status_after) if changed else ""


def _origin(row: JournalRow) -> str:
    return row.source if row.operator in ("", "system") else f"{row.source} ({row.operator})"


def _payload(row: JournalRow, reveal: bool) -> str | None:
    if row.raw is None:
        return None
    return row.raw.decode(errors="replace") if reveal else mask_raw(row.raw)
