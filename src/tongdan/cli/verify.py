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
it may be run while the centre serves. Rows that were archived are taken as what was kept of them; `--full` reads their
files and begins at the first row of all. Exit code 0: everything agrees; 1: something does not.""",
    """由日志重算全部数据，并指出所有不一致之处。

逐槽检查：哈希链不断、序号无缺；由事实重放得到的状态、未完成的外部动作和定时与存储一致。
各分片并行检查，每片基于同一快照，服务运行时也可执行。
已归档的行以留存的摘要为准；--full 会读取归档文件，从第一行起校验。退出码 0：全部一致；1：有不一致。""",
    "tongdan verify",
    "tongdan verify --data /srv/tongdan --workers 4 --json",
    "tongdan verify --full",
)


def verify(
    data: DataOption = DATA,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=0, max=64, help=t("Processes; 0: one a core.", "进程数；0 为每核一个。")
        ),
    ] = 0,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help=t("Also read the archive, from the first row on.", "连同归档文件，从第一行起校验。"),
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    with progress() as bar:
        task = bar.add_task(t("checking", "检查"), total=None)
        try:
            report = verify_data(
                data,
                workers=workers,
                full=full,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        except NoData:
            fail(t(f"{data} holds no data of an order centre.", f"{data} 里没有订单中心的数据。"))
    if json:
        told = {"archived": report.archived, "full": report.full, "across": report.across}
        emit({"clean": report.clean, **told, "heads": report.heads, "shards": report.shards})
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
        place = "" if finding.shard is None else f"{t('shard', '分片')} {finding.shard}: "
        err.print(Text(f"{place}{finding.where}: {finding.what}", style="red"))
    if more := sum(shard.more for shard in report.shards):
        err.print(Text(t(f"... and {more} more", f"……另有 {more} 处"), style="red"))
    if report.archived:
        out.print(_about_archive(report))
    if report.clean:
        out.print(t("Everything agrees.", "全部一致。"))


def _about_archive(report: Report) -> str:
    n, unfolded = report.archived, sum(shard.unfolded for shard in report.shards)
    if report.full:
        return t(f"{n} archived rows were read too.", f"已同时读取 {n} 行归档日志。")
    return t(
        f"{n} rows lie in the archive: what was kept of them was taken as given"
        f" ({unfolded} aggregates not folded); --full reads them.",
        f"{n} 行在归档中：以归档时留存的摘要为准（{unfolded} 个聚合未重放）；--full 可一并读取。",
    )
