"""Tickets that were found as a file, page by page; the same over the API and on the command line."""

from collections.abc import Iterator
from typing import Final

from tongdan.adapters.csv_table import CsvWriter
from tongdan.adapters.xlsx_writer import XlsxWriter
from tongdan.domain.sync.kinds import words_of
from tongdan.ports import Reads, TicketQuery, TicketRow
from tongdan.surfaces.order_file import LIMIT, PAGE, TYPES, Form
from tongdan.surfaces.words import Language, local_time, pick

__all__ = ["TYPES", "Form", "in_file"]

_HEADING: Final = {
    "en": ("matter", "kind", "about", "order", "channel", "shop", "number", "details", "partners", "owner",
           "raised (UTC+8)", "due (UTC+8)", "closed (UTC+8)", "by", "times"),
    "zh": ("事项", "类型", "对象", "同单号", "渠道", "店铺", "渠道单号", "说明", "对方系统", "负责角色", "发现时间",
           "截止时间", "关闭时间", "修复方式", "次数"),
}  # fmt: skip
_CUT: Final = {
    "en": f"More than {LIMIT} tickets: the others are not in this file. Narrow the question.",
    "zh": f"工单超过 {LIMIT} 张，其余未导出，请缩小查询范围。",
}


def in_file(reads: Reads, query: TicketQuery, form: Form, language: Language) -> Iterator[bytes]:
    """The pieces of the file, a page of tickets each. Raises TooWide."""
    writer = XlsxWriter() if form == "xlsx" else CsvWriter()
    yield writer.rows([_HEADING[language]])
    before, written = "", 0
    while rows := reads.find_tickets(query, before=before, limit=PAGE):
        yield writer.rows([_cells(row, language) for row in rows])
        before, written = rows[-1].cursor, written + len(rows)
        if written >= LIMIT:
            yield writer.rows([(_CUT[language],)])
            break
    yield writer.end()


def _cells(row: TicketRow, language: Language) -> tuple[str, ...]:
    place = row.place
    of_order = ("", "", "", "") if place is None else (place.order, place.channel, place.shop, place.native)
    times = ["" if at is None else local_time(at) for at in (row.raised_at, row.repair_by, row.closed_at)]
    return (
        pick(words_of(row.kind), language), row.kind, row.subject, *of_order, row.summary, " ".join(row.partners),
        row.owner, *times, row.by, str(row.times),
    )  # fmt: skip
