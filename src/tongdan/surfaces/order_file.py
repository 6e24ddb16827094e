"""Orders that were found as a file, page by page, without personal data; the same over the API and on the command
line."""

from collections.abc import Iterator
from typing import Final, Literal

from tongdan.adapters.csv_table import CsvWriter
from tongdan.adapters.xlsx_writer import XlsxWriter
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.ports import OrderRow, Reads
from tongdan.surfaces.searching import Asked, Found, search
from tongdan.surfaces.words import Language, local_time, status_name

Form = Literal["csv", "xlsx"]

LIMIT: Final = 50_000  # orders in one file; one that is cut says so in its last row
PAGE: Final = 500
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_HEADING: Final = {
    "en": ("id", "channel", "shop", "number", "status", "yuan", "placed (UTC+8)", "changed (UTC+8)", "odd", "held"),
    "zh": ("同单号", "渠道", "店铺", "渠道单号", "状态", "金额（元）", "下单时间", "变更时间", "状态不一致", "挂起"),
}  # fmt: skip
_CUT: Final = {
    "en": f"More than {LIMIT} orders: the others are not in this file. Narrow the question.",
    "zh": f"订单超过 {LIMIT} 张，其余未导出，请缩小查询范围。",
}


def in_file(reads: Reads, asked: Asked, first: Found, form: Form, language: Language) -> Iterator[bytes]:
    """The pieces of the file, a page of orders each; `first` is the page of PAGE orders that the question begins with.

    Raises ValueError where a later page is refused, as when a person's orders have become too many meanwhile.
    """
    writer = XlsxWriter() if form == "xlsx" else CsvWriter()
    yield writer.rows([_HEADING[language]])
    found, written = first, 0
    while True:
        yield writer.rows([_cells(row, language) for row in found.rows])
        written += len(found.rows)
        if found.next is None:
            break
        if written >= LIMIT:
            yield writer.rows([(_CUT[language],)])
            break
        further = search(reads, asked, found.next, PAGE)
        if isinstance(further, Refusal):
            raise ValueError(further.name)
        found = further
    yield writer.end()


def _cells(row: OrderRow, language: Language) -> tuple[str, ...]:
    yes = {"zh": "是", "en": "yes"}[language]
    return (
        row.id, row.channel, row.shop, row.native, status_name(row.status, language), yuan_from_fen(row.amount_fen),
        local_time(row.at), local_time(row.updated_at), yes if row.odd else "", yes if row.held else "",
    )  # fmt: skip
