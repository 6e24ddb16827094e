"""`tongdan tickets`: what needs eyes."""

from typing import Annotated

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.language import t, teach
from tongdan.cli.output import add_row, emit, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption, LimitOption
from tongdan.cli.reading import open_reading
from tongdan.domain.sync.kinds import words_of
from tongdan.ports import TicketQuery
from tongdan.surfaces.words import local_time

HELP = teach(
    """List tickets: what the order centre could not settle by itself.

A ticket names what it is about, why it was raised and how often. It closes by itself when its cause is gone.""",
    """列出工单：系统自己无法了结、需要人看的事。

每张工单写明对象、原因和次数；原因消失后自动关闭。""",
    "tongdan tickets",
    "tongdan tickets --owner finance --overdue",
    "tongdan tickets --all --json",
)


def tickets(
    data: DataOption = DATA,
    closed: Annotated[bool, typer.Option("--all", help=t("Closed ones too.", "包括已关闭的。"))] = False,
    owner: Annotated[
        str, typer.Option("--owner", help=t("Only what waits for this role.", "仅由该角色处理的。"))
    ] = "",
    order: Annotated[str, typer.Option("--order", help=t("Only of this order.", "仅此订单的。"))] = "",
    overdue: Annotated[
        bool, typer.Option("--overdue", help=t("Only what should be closed by now.", "仅已逾期的。"))
    ] = False,
    limit: LimitOption = 200,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        query = TicketQuery(
            open=None if closed else True,
            owner=owner,
            order=order,
            overdue_at=SystemClock().now() if overdue else None,
        )
        rows = reading.reads.find_tickets(query, limit=limit)
    if json:
        emit(rows)
        return
    if not rows:
        out.print(t("No open tickets.", "没有未关闭的工单。"))
        return
    kind, what = t("matter", "事项"), t("details", "说明")
    shown = table(
        t("about", "对象"), kind, what, t("times", "次数"), t("since", "自"), t("owner", "负责"), "",
        fold=(kind, what),
    )  # fmt: skip
    for row in rows:
        state = "" if row.open else t("closed", "已关闭")
        title = t(*words_of(row.kind))
        add_row(
            shown, row.subject, title, row.summary, row.times, local_time(row.raised_at), row.owner, state
        )
    out.print(shown)
