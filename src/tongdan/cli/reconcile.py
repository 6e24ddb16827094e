"""`tongdan reconcile`: a day's orders beside finance's, with the cause of every one that stands on one side only."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan import profile
from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.policy_files import ConfError
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.ports import StoreFailure
from tongdan.surfaces.reconciling import Sheet, rows_of, sheet_of
from tongdan.surfaces.words import pick

SHOWN_FAULTS: Final = 20
FINANCE: Final = "finance"

HELP: Final = teach(
    """Compare a business day (UTC+8) with finance's own list: both counts, and each order that differs, and why.

Finance is asked for its list of the day and of those beside it (conf/partners.yml, finance.books), or --file gives it
(CSV or XLSX, headings in finance.books.file). Each cause follows from rows of the audit trail, which --json names; what
nothing explains is said so. Nothing is changed. Exit code 1 when something stays unexplained.""",
    """将某一营业日（UTC+8）的订单与财务清单比对：给出双方单数、金额，以及每一张不一致订单的原因。

向财务查询当日及前后各一日的清单（conf/partners.yml 的 finance.books），
或用 --file 提供（CSV 或 XLSX，列名见 finance.books.file）。
每个原因都由审计日志的记录推出（--json 列出所在行）；无法解释的会如实说明。不作任何改动。
有未解释的差异时退出码为 1。""",
    "tongdan reconcile --with finance --date 2026-01-27",
    "tongdan reconcile --date 2026-01-27 --file finance.xlsx --export difference.xlsx",
    "tongdan reconcile --shop dy-main --json",
)


def reconcile(
    with_: Annotated[
        str, typer.Option("--with", help=t("Whose list: finance.", "与谁比对：finance。"))
    ] = FINANCE,
    on: Annotated[
        str,
        typer.Option(
            "--date", help=t("YYYY-MM-DD; default yesterday.", "日期，默认昨天。"), show_default=False
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help=t("Finance's list.", "财务清单文件。")),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help=t("Write what differs to this XLSX file.", "导出差异到 XLSX。")),
    ] = None,
    shop: ShopOption = "",
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    if with_ != FINANCE:
        fail(
            t(
                f"There is no list of {with_}. Expected --with finance.",
                f"没有 {with_} 的清单。应为 --with finance。",
            )
        )
    with open_reading(data):
        pass  # exits with 2 unless there is data
    raw = file.read_bytes() if file is not None else None
    try:
        found, faults = asyncio.run(profile.reconcile(data, conf_dir(conf), _day(on), shop, raw))
    except FileRefused as refused:
        fail(pick((refused.fault.en, refused.fault.zh), LANGUAGE))
    except (ConfError, StoreFailure) as error:
        fail(t("It cannot be compared: ", "无法比对：") + str(error), DOES_NOT_HOLD)
    if isinstance(found, Refusal):
        fail(pick((found.en, found.zh), LANGUAGE), DOES_NOT_HOLD)
    sheet = sheet_of(found)
    if export is not None:
        export.write_bytes(write_xlsx(rows_of(sheet)))
    if json:
        emit({"sheet": sheet, "faults": faults})
    else:
        _print(sheet)
    for fault in faults[:SHOWN_FAULTS]:
        where = t(f"line {fault.line}: ", f"第 {fault.line} 行：")
        err.print(where + pick((fault.en, fault.zh), LANGUAGE), markup=False)
    raise typer.Exit(DOES_NOT_HOLD if sheet.residue or faults else 0)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(t(f"Expected a date such as 2026-01-27, got {text}.", f"日期应形如 2026-01-27，收到 {text}。"))


def _print(sheet: Sheet) -> None:
    orders, amount = t("orders", "单数"), t("yuan", "金额（元）")
    shown = table(sheet.day.isoformat(), orders, amount, right=(orders, amount))
    add_row(shown, t("ours", "我方"), sheet.ours, yuan_from_fen(sheet.ours_fen))
    for step in sheet.steps:
        title = pick((step.title, step.title_zh), LANGUAGE)
        add_row(shown, f"  {title}", f"{step.orders:+d}", yuan_from_fen(step.amount_fen))
    add_row(shown, t("finance", "财务"), sheet.theirs, yuan_from_fen(sheet.theirs_fen))
    add_row(shown, t("not explained", "未解释"), sheet.residue, yuan_from_fen(sheet.residue_fen))
    out.print(shown)
    if not sheet.differences:
        return
    words = {step.cause: pick((step.title, step.title_zh), LANGUAGE) for step in sheet.steps}
    why, ours, theirs = t("why", "说明"), t("ours", "我方"), t("finance", "财务")
    listed = table(
        t("order", "订单"), t("cause", "原因"), ours, theirs, why, right=(ours, theirs), fold=(why,)
    )
    for each in sheet.differences:
        sums = ["-" if fen is None else yuan_from_fen(fen) for fen in (each.ours_fen, each.theirs_fen)]
        add_row(
            listed, each.order or each.name, words[each.cause], *sums, pick((each.why, each.why_zh), LANGUAGE)
        )
    out.print(listed)
