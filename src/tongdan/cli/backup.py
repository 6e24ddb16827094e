"""`tongdan backup`: a consistent copy of the data, taken beside the centre that serves it, once or again and again."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.backup.folder import backups, thin_out
from tongdan.adapters.backup.manifest import Manifest
from tongdan.adapters.clock import SystemClock
from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, progress, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.ports import Clock, StoreFailure
from tongdan.profile import NoData, back_up

LIST: Final = "list"
SHORTEST_S: Final = 5.0
_SPAN: Final = re.compile(r"(\d{1,6})(s|m|h|d)", re.ASCII)
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

HELP: Final = teach(
    """Back the data up into a directory, beside whatever serves it; `tongdan restore` brings it back.

All shard files are locked for an instant, so the copy is of one moment; the centre goes on meanwhile. With --add or
--every only what is new since the last backup is written, and any of these moments can be restored. A backup gets its
name when it is whole and on the disk. It holds no key and no secret: keep master.key, credentials.json, api-keys.json
and erasures.jsonl elsewhere. --keep deletes all but the newest whole backups and what adds to them.""",
    """将数据备份到目录，不影响正在运行的服务；用 tongdan restore 恢复。

所有分片文件仅锁定一瞬间，副本属于同一时刻，服务照常运行。--add 或 --every 只写入上次备份以来的新增内容，
其中任一时刻都可恢复。备份完整落盘后才得名。备份不含密钥和凭据：master.key、credentials.json、
api-keys.json 和 erasures.jsonl 请另行保管。--keep 只保留最新的若干完整备份及其增量。""",
    "tongdan backup /backup/tongdan",
    "tongdan backup /backup/tongdan --every 60s --keep 7",
    "tongdan backup list /backup/tongdan",
)


def backup(
    where: Annotated[
        list[str], typer.Argument(metavar="[list] DIR", help=t("Where backups lie.", "备份目录。"))
    ],
    add: Annotated[
        bool, typer.Option("--add", help=t("Only what is new since the last one.", "只备份新增内容。"))
    ] = False,
    every: Annotated[
        str,
        typer.Option(
            "--every", help=t("Again and again, such as 60s, 5m, 1h.", "反复备份，如 60s、5m、1h。")
        ),
    ] = "",
    keep: Annotated[
        int,
        typer.Option(
            "--keep", min=0, help=t("Whole backups to keep; 0: all.", "保留的完整备份数；0 为全部。")
        ),
    ] = 0,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    if len(where) == 2 and where[0] == LIST:
        _list(Path(where[1]), json=json)
        return
    if len(where) != 1:
        fail(t("Expected one directory, or `list` and one.", "应为一个目录，或 list 加一个目录。"))
    folder, clock = Path(where[0]), SystemClock()
    if every:
        asyncio.run(_again_and_again(data, folder, keep, _span_s(every), clock))
        return
    try:
        made = _once(data, folder, keep, clock, add=add)
    except StoreFailure as failure:
        fail(t("No backup was made: ", "未能备份：") + str(failure), DOES_NOT_HOLD)
    if json:
        emit(_shown(made))
    else:
        _say(made)


def _once(data: Path, folder: Path, keep: int, clock: Clock, *, add: bool) -> Manifest:
    with progress() as bar:
        task = bar.add_task(t("copying", "复制"), total=None)
        try:
            made = back_up(
                data, folder, clock=clock, adding=add,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )  # fmt: skip
        except NoData:
            fail(t(f"{data} holds no data of an order centre.", f"{data} 里没有订单中心的数据。"))
    if keep:
        for name in thin_out(folder, keep):
            err.print(t(f"deleted {name}", f"已删除 {name}"), markup=False)
    return made


async def _again_and_again(data: Path, folder: Path, keep: int, every_s: float, clock: Clock) -> None:
    """Until it is stopped. One that fails is told of, and the next is tried in its turn."""
    while True:
        began_s = clock.monotonic()
        try:
            _say(_once(data, folder, keep, clock, add=True))
        except StoreFailure as failure:
            err.print(t("No backup was made: ", "未能备份：") + str(failure), style="red", markup=False)
        await clock.sleep(max(0.0, every_s - (clock.monotonic() - began_s)))


def _span_s(text: str) -> float:
    found = _SPAN.fullmatch(text)
    span_s = int(found[1]) * _UNIT_S[found[2]] if found else 0
    if span_s < SHORTEST_S or span_s > timedelta(days=30).total_seconds():
        fail(
            t(
                "Expected --every from 5s to 30d, such as 60s or 5m.",
                "--every 应为 5s 到 30d，例如 60s 或 5m。",
            )
        )
    return span_s


def _shown(made: Manifest) -> dict[str, object]:
    return {
        "name": made.name, "at": made.at, "adds_to": made.previous, "bytes": made.bytes, "rows": made.rows,
        "held_ms": made.held_ms, "took_s": made.took_s,
    }  # fmt: skip


def _say(made: Manifest) -> None:
    size = f"{made.bytes / 1e6:.1f} MB"
    kind = t("added to the last", "增量") if made.previous else t("whole", "完整")
    out.print(
        t(
            f"{made.name}: {kind}, {made.rows} rows, {size} in {made.took_s} s; writers waited {made.held_ms} ms",
            f"{made.name}：{kind}，{made.rows} 行，{size}，用时 {made.took_s} 秒；写入最多等待 {made.held_ms} 毫秒",
        ),
        markup=False,
    )


def _list(folder: Path, *, json: bool) -> None:
    try:
        known = backups(folder)
    except StoreFailure as failure:
        fail(str(failure), DOES_NOT_HOLD)
    if json:
        emit([_shown(each) for each in known])
        return
    numbers = (t("rows", "行"), "MB")
    shown = table(
        t("backup", "备份"),
        t("state of (UTC+8)", "时刻（UTC+8）"),
        t("adds to", "基于"),
        *numbers,
        right=numbers,
    )
    for each in known:
        at = each.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        add_row(shown, each.name, at, each.previous or "-", each.rows, f"{each.bytes / 1e6:.1f}")
    out.print(shown)
