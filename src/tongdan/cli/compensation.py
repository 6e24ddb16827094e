"""`tongdan compensation`: outages of partners, and how far what they held up has been sent."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.csv_table import write_csv
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.cli.reading import Reading, open_reading
from tongdan.domain.guard.outage import Compensation
from tongdan.surfaces.outages import (
    SHOWN,
    UNKNOWN_OUTAGE,
    WAYS,
    OutageView,
    first_left,
    outage_list,
    outage_rows,
    outage_view,
)
from tongdan.surfaces.words import local_time, pick

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Outages of partners, and what is sent after them.", "合作方中断与恢复后的补发。"),
)

PartnerArgument = Annotated[
    str, typer.Argument(metavar="PARTNER", help=t("As `list` shows it.", "见 list。"))
]
NoArgument = Annotated[
    int, typer.Argument(metavar="[NO]", help=t("Which outage; 0: the last.", "第几次中断；0 为最近一次。"))
]


@app.command(
    "list",
    help=teach(
        """List the outages of partners: since when and why, and of what each held up how much was sent again, was there
already, still waits, or is left to a person.""",
        """列出合作方中断：起始时间与原因，以及积压推送中已补发、对方已有、待补发、转人工的数量。""",
        "tongdan compensation list",
        "tongdan compensation list --json",
    ),
)
def list_outages(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        rows = outage_list(reading.reads, SystemClock().now())
    if json:
        emit(rows)
        return
    if not rows:
        out.print(t("No partner was out.", "没有合作方中断。"))
        return
    shown = table(
        t("partner", "合作方"), t("no.", "序号"), t("cause", "原因"), t("since", "自"), t("until", "至"),
        t("missed", "积压"), *[t(*words) for words in WAYS.values()], t("done at", "完成于"),
    )  # fmt: skip
    for each in rows:
        add_row(shown, each.partner, each.no, *_cells(each))
    out.print(shown)


@app.command(
    help=teach(
        """Show the report of one outage: progress, and each effect it held up, those left to a person first.

Exits with 1 while something waits or is left to a person.""",
        """显示一次中断的补发报告：进度与各推送的结果，转人工的在前。

仍有待补发或转人工时退出码为 1。""",
        "tongdan compensation show finance",
        "tongdan compensation show carrier/SF 2 --json",
    )
)
def show(
    partner: PartnerArgument, no: NoArgument = 0, data: DataOption = DATA, json: JsonOption = False
) -> None:
    with open_reading(data) as reading:
        report = _report(reading, partner, no, SystemClock().now())
    view = outage_view(report)
    if json:
        emit({"outage": view, "effects": first_left(report)})
    else:
        _print(report, view)
    raise typer.Exit(DOES_NOT_HOLD if view.waiting or view.left else 0)


@app.command(
    help=teach(
        "Write all that an outage held up to a CSV file: what became of each, when, and why it is left.",
        "将一次中断的全部推送及其结果导出为 CSV 文件。",
        "tongdan compensation export finance --out missed.csv",
    )
)
def export(
    partner: PartnerArgument,
    to: Annotated[Path, typer.Option("--out", metavar="FILE", help=t("The file.", "文件。"))],
    no: NoArgument = 0,
    data: DataOption = DATA,
) -> None:
    with open_reading(data) as reading:
        report = _report(reading, partner, no, SystemClock().now())
    try:
        to.write_bytes(write_csv(outage_rows(report)))
    except OSError as error:
        fail(t(f"{to} cannot be written: {error.strerror}.", f"无法写入 {to}：{error.strerror}。"))
    err.print(t(f"{len(report.effects)} effects in {to}.", f"{len(report.effects)} 条推送已写入 {to}。"))


def _report(reading: Reading, partner: str, no: int, now: datetime) -> Compensation:
    """Exits with 1 when there is no such outage."""
    last = max((each.no for name, each in reading.reads.outages() if name == partner), default=0)
    report = reading.reads.compensation(partner, no or last, now)
    if report is None:
        refusal = UNKNOWN_OUTAGE.of(partner=partner, no=no or last)
        fail(pick((refusal.en, refusal.zh), LANGUAGE), DOES_NOT_HOLD)
    return report


def _cells(view: OutageView) -> tuple[object, ...]:
    until = local_time(view.ended_at) if view.ended_at else "—"
    done = local_time(view.compensated_at) if view.compensated_at else "—"
    cause = pick((view.cause_en, view.cause_zh), LANGUAGE)
    counts = (view.missed, view.resent, view.found, view.waiting, view.left)
    return cause, local_time(view.since), until, *counts, done


def _print(report: Compensation, view: OutageView) -> None:
    cause = pick((view.cause_en, view.cause_zh), LANGUAGE)
    lanes, broken = report.outage.lanes, report.outage.lanes_broken
    through = view.missed - view.waiting
    share = 100 * through // view.missed if view.missed else 100
    took = "—" if view.took_s is None else f"{view.took_s} s"
    out.print(f"{view.partner} #{view.no}  {cause}: {view.error}")
    out.print(
        t(
            f"{through} of {view.missed} ({share} %), {took} since it was back; in order in "
            f"{lanes - broken} of {lanes} lanes",
            f"进度 {through}/{view.missed}（{share}%），恢复后用时 {took}；{lanes} 个队列中 "
            f"{lanes - broken} 个保持顺序",
        )
    )
    why = t("why", "原因")
    shown = table(
        t("outcome", "结果"), t("order", "对象"), t("verb", "动词"), t("effect", "动作"), t("at", "时间"), why,
        fold=(why,),
    )  # fmt: skip
    for each in first_left(report):
        at = "" if each.at is None else local_time(each.at)
        add_row(shown, pick(WAYS[each.how], LANGUAGE), each.aggregate, each.verb, each.effect, at, each.why)
    out.print(shown)
    if len(report.effects) > SHOWN:
        err.print(t(f"The first {SHOWN}; `export` has all.", f"仅显示前 {SHOWN} 条，全部见 export。"))
