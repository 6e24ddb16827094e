"""`tongdan verify`: recompute everything from the journal and name whatever does not agree."""

from typing import Annotated

import typer
from rich.text import Text

from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, add_row, emit, err, fail, out, progress, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.flow.verify import Report
from tongdan.profile import NoData, verify_data

HELP = teach(
    """Recompute the data from its journal and name everything that does not agree.

Checked for every slot: the hash chain is unbroken and its sequence gapless; folding the facts gives every state; the
outstanding effects and wake-ups are those the journal leaves. Shards are checked in parallel, each on one snapshot, so
it may be run while the centre serves. Exit code 0: everything agrees; 1: something does not.""",
    """由日志重算全部数据，并指出所有不一致之处。

逐槽检查：哈希链不断、序号无缺；由事实重放得到的状态、未完成的外部动作和定时与存储一致。
各分片并行检查，每片基于同一快照，服务运行时也可执行。退出码 0：全部一致；1：有不一致。""",
    "tongdan verify",
    "tongdan verify --data /srv/tongdan --workers 4 --json",
)


def verify(
    data: DataOption = DATA,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=0, max=64, help=t("Processes; 0: one a core.", "进程数；0 为每核一个。")
        ),
    ] = 0,
    json: JsonOption = False,
) -> None:
    with progress() as bar:
        task = bar.add_task(t("checking", "检查"), total=None)
        try:
            report = verify_data(
                data,
                workers=workers,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        except NoData:
            fail(t(f"{data} holds no data of an order centre.", f"{data} 里没有订单中心的数据。"))
    if json:
        emit({"clean": report.clean, "heads": report.heads, "shards": report.shards})
    else:
        _print(report)
    raise typer.Exit(HOLDS if report.clean else DOES_NOT_HOLD)


def _print(report: Report) -> None:
    counted = (t("rows", "行"), t("aggregates", "聚合"), t("effects", "未完成动作"), t("wake-ups", "定时"))
    shown = table(t("shard", "分片"), *counted, t("findings", "问题"), right=counted)
    for shard in report.shards:
        found = len(shard.findings) + shard.more
        add_row(shown, shard.shard, shard.rows, shard.aggregates, shard.effects, shard.wakeups, found)
    out.print(shown)
    for finding in report.findings:
        err.print(Text(f"{t('shard', '分片')} {finding.shard}: {finding.where}: {finding.what}", style="red"))
    if more := sum(shard.more for shard in report.shards):
        err.print(Text(t(f"... and {more} more", f"……另有 {more} 处"), style="red"))
    if report.clean:
        out.print(t("Everything agrees.", "全部一致。"))
