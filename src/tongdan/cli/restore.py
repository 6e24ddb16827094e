"""`tongdan restore`: data rebuilt from a backup, ready to be served, and what has to be asked of partners then."""

import asyncio
import csv
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.backup.manifest import Manifest
from tongdan.adapters.policy_files import ConfError
from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, emit, err, fail, out, progress
from tongdan.cli.places import ConfOption, JsonOption, conf_dir
from tongdan.domain.kernel.ids import SHANGHAI, parse
from tongdan.flow.reopening import Reopened
from tongdan.ports import StoreFailure
from tongdan.profile import DataInUse, verify_data
from tongdan.profile import restore as restore_data

MAX_KNOWN: Final = 200_000

HELP: Final = teach(
    """Rebuild the data from the last backup at or before an instant, into an empty directory.

Put master.key there first (unless it is in the environment), and credentials.json, api-keys.json and erasures.jsonl:
whoever was erased since the backup is erased again. What was told since the backup is lost here, but partners know it:
ids are given out beyond what may have been lost, and a lost id that a partner names exists again. --until says when
the centre that was lost stopped. --known is a CSV file of two columns, our id (or its shipment) and the platform's
number, as warehouses can list them: these orders come back under the ids they had. At the end the data are verified.
docs/operations.md says what to ask partners for.""",
    """用某一时刻或之前的最后一个备份，在空目录中重建数据。

请先放入 master.key（除非来自环境变量），以及 credentials.json、api-keys.json、erasures.jsonl：
备份之后删除过的个人信息会再次删除。备份之后的内容在此已丢失，但合作方仍知道：新单号会跳过可能丢失的范围，
合作方提到的丢失单号会重新出现。--until 是原订单中心停止的时刻。--known 是两列的 CSV：同单号（或发货单号）与平台单号，
可由仓库导出；这些订单将沿用原单号。最后自动校验。恢复后的步骤见 docs/operations.md。""",
    "tongdan restore /backup/tongdan --to /srv/tongdan-2",
    "tongdan restore /backup/tongdan --to /srv/tongdan-2 --at 2026-11-22T10:00:00+08:00",
    "tongdan restore /backup/tongdan --to /srv/tongdan-2 --until 2026-11-22T10:05:00+08:00 --known wms.csv",
)


def restore(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", file_okay=False, exists=True, help=t("Where backups lie.", "备份目录。")
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help=t("Directory of the new data.", "新的数据目录。"))],
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="TIME", help=t("State as of then; default: the last.", "恢复到的时刻；默认最新。")
        ),
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="TIME",
            help=t("When the lost centre stopped; default: now.", "原中心停止的时刻；默认现在。"),
        ),
    ] = "",
    jump: Annotated[
        int,
        typer.Option(
            "--jump",
            min=0,
            help=t(
                "Ids to pass over in each slot; 0: by the time lost.",
                "每槽跳过的单号数；0 为按丢失时长计算。",
            ),
        ),
    ] = 0,
    known: Annotated[
        Path | None,
        typer.Option(
            "--known",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help=t("Orders partners know.", "合作方已知的订单。"),
        ),
    ] = None,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    as_of, stopped = _instant("--at", at), _instant("--until", until)
    orders = _known(known) if known is not None else []
    with progress() as bar:
        task = bar.add_task(t("rebuilding", "重建"), total=None)
        try:
            backup, reopened = asyncio.run(
                restore_data(
                    folder, to, conf_dir(conf), at=as_of, until=stopped, jump=jump or None, known=orders,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
            )  # fmt: skip
        except DataInUse:
            fail(t(f"Another process serves {to}.", f"{to} 正由另一进程使用。"))
        except (ValueError, OSError) as error:
            fail(t(f"That cannot be: {error}", f"无法执行：{error}"))
        except (ConfError, StoreFailure) as error:
            fail(t("Not restored: ", "未能恢复：") + str(error), DOES_NOT_HOLD)
        bar.update(task, description=t("checking", "检查"), total=None)
        clean = verify_data(to).clean
    if json:
        emit({"backup": backup.name, "at": backup.at, "reopened": reopened, "clean": clean})
    else:
        _say(backup, reopened, clean=clean)
    raise typer.Exit(HOLDS if clean and not reopened.unfit else DOES_NOT_HOLD)


def _instant(option: str, text: str) -> datetime | None:
    if not text:
        return None
    with suppress(ValueError):
        read = datetime.fromisoformat(text)
        if read.tzinfo is not None:
            return read
    expected = t(f"{option}: expected a time with its zone, such as", f"{option}：应为带时区的时间，例如")
    fail(f"{expected} 2026-11-22T10:00:00+08:00")


def _known(file: Path) -> list[tuple[str, str]]:
    """(order id, platform's number) by line; the first line may be names of columns."""
    found = []
    with file.open(encoding="utf-8-sig", newline="") as text:
        for line, row in enumerate(csv.reader(text), 1):
            parsed = parse(row[0].strip()) if len(row) > 1 else None
            if parsed is not None and row[1].strip():
                found.append((parsed.order, row[1].strip()))
            elif line > 1 and row:
                fail(
                    t(
                        f"{file}, line {line}: expected an id of ours and the platform's number.",
                        f"{file} 第 {line} 行：应为同单号和平台单号。",
                    )
                )
            if line > MAX_KNOWN:
                fail(t(f"{file}: at most {MAX_KNOWN} lines.", f"{file}：最多 {MAX_KNOWN} 行。"))
    return list(dict.fromkeys(found))


def _say(backup: Manifest, reopened: Reopened, *, clean: bool) -> None:
    since, until = (
        each.astimezone(SHANGHAI).isoformat(timespec="seconds") for each in (reopened.since, reopened.until)
    )
    out.print(
        t(
            f"Restored from {backup.name}: the state of {since}.",
            f"已由 {backup.name} 恢复：{since} 的状态。",
        ),
        markup=False,
    )
    out.print(
        t(
            f"Until {until} ids may have been lost: in each slot {reopened.jump} are passed over. "
            f"Orders back under their ids: {reopened.back}. Erased again: {reopened.erased}.",
            f"至 {until} 的单号可能丢失：每槽跳过 {reopened.jump} 个。"
            f"沿用原单号的订单：{reopened.back}。再次删除：{reopened.erased}。",
        ),
        markup=False,
    )
    if reopened.unfit:
        err.print(
            t("These cannot have been lost: ", "以下单号不可能丢失：") + ", ".join(reopened.unfit[:50]),
            markup=False,
        )
    if clean:
        out.print(t("Everything agrees. `tongdan serve` may start.", "全部一致，可以启动 tongdan serve。"))
    else:
        err.print(
            t("Something does not agree: run `tongdan verify`.", "有不一致：请运行 tongdan verify。"),
            style="red",
        )
