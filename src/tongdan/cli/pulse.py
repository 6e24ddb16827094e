"""`tongdan pulse`: how the comparison with every other system stands."""

from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.text import Text

from tongdan.adapters.clock import SystemClock
from tongdan.cli.language import t, teach
from tongdan.cli.output import add_row, emit, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.ports import EVERY_TICKET
from tongdan.profile import read_checks
from tongdan.surfaces.pulse import PulseRow, pulse_rows
from tongdan.surfaces.words import local_time

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("The heartbeat: orders compared with other systems.", "心跳:订单与各系统的核对。"),
)


@app.command(
    "status",
    help=teach(
        """Show for every partner: how many orders are compared with it, how many are due and since when, how long the
one waits that waits longest, and how many it sees differently. What differs is a ticket (`tongdan tickets`).

Green: it answers in its usual rhythm; yellow: suspected; red: taken to be down. Rates, tiers and grace periods stand in
conf/pulse.yml.""",
        """按合作方显示:参与核对的订单数、到期未核对数及滞后、最久未核对时长、不一致数。差异见 tongdan tickets。

绿:按其惯常节奏应答;黄:可疑;红:视为不可用。频率、分级与宽限期见 conf/pulse.yml。""",
        "tongdan pulse status",
        "tongdan pulse status --json",
    ),
)
def status(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading, read_checks(data) as checks:
        rows = pulse_rows(checks, reading.policy().pulse, SystemClock().now())
    if json:
        emit(rows)
        return
    if not rows:
        out.print(
            t(
                "No order is compared with anybody yet: conf/pulse.yml says who is asked.",
                "尚无订单参与核对;询问哪些合作方见 conf/pulse.yml。",
            )
        )
        return
    shown = table(
        t("partner", "合作方"), t("orders", "订单"), t("due", "到期"), t("oldest unchecked", "最久未核对"),
        t("lag", "滞后"), t("differ", "不一致"), t("last beat", "上次心跳"), "",
    )  # fmt: skip
    for row in rows:
        add_row(shown, *_cells(row))
    out.print(shown)


@app.command(
    "repairs",
    help=teach(
        """Count the differences that were found in the last days: how many mended themselves, how many a person mended,
how many are open, and how long it took.

"time": both sides came to agree before anything was tried. A difference that came back counts again.""",
        """统计近期发现的差异:自行修复、人工修复、未关闭的数量,以及修复用时。

"自然一致"指尚未尝试修复双方即已一致。再次出现的差异重新计数。""",
        "tongdan pulse repairs",
        "tongdan pulse repairs --days 30 --json",
    ),
)
def repairs(
    days: Annotated[
        int, typer.Option("--days", min=1, max=366, help=t("So many days back.", "最近若干天。"))
    ] = 7,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    now = SystemClock().now()
    with open_reading(data) as reading:
        found = reading.reads.repaired(EVERY_TICKET, now - timedelta(days=days), now)
    if json:
        emit(found)
        return
    shown = table(
        t("found", "发现"), t("by itself", "自行修复"), t("by a person", "人工修复"), t("time", "自然一致"),
        t("open", "未关闭"), t("median", "中位用时"), t("90 %", "九成在内"),
    )  # fmt: skip
    took = ["—" if s is None else f"{s} s" for s in (found.median_s, found.p90_s)]
    count = f"{found.found}{'+' if found.more else ''}"
    add_row(shown, count, found.by_itself, found.by_person, found.by_time, found.open, *took)
    out.print(shown)


def _cells(row: PulseRow) -> tuple[object, ...]:
    beat = "—" if row.beat_at is None else local_time(row.beat_at)
    partner = Text.assemble(("● ", row.colour), row.partner)
    return partner, row.orders, row.due, f"{row.oldest_s} s", f"{row.lag_s} s", row.odd, beat, row.error
