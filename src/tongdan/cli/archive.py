"""`tongdan archive`: old days of the journal go into Parquet files, and their rows out of the database.

A serving centre does so by itself every night; asked for by hand it is done a little at a time, through the centre's
API, or by opening the data when nobody serves them.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Self

import typer

from tongdan.cli.asking import ask_service, on_files
from tongdan.cli.language import t, teach
from tongdan.cli.output import emit, out, progress
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.profile import Centre, due_for_archive
from tongdan.surfaces.http.keys import Scope

API: Final = "/api/v1/archive"
ASK_WITHIN_S: Final = 120.0

HELP: Final = teach(
    """Move old days of the journal into Parquet files under `archive/` in the data directory.

A day goes when it lies as far back as `archive_after_s` in conf/deadlines.yml says (30 days), and everything that
happened on it was reacted to. Each file is proven before and read back after it is written; only then are its rows
deleted. Timelines, exports and `verify --full` read the files, so keep them with the data. A serving centre does this
every night at 03:30 (UTC+8); the command may be run beside it, stopped, and run again.""",
    """将旧日期的日志移入数据目录 archive/ 下的 Parquet 文件。

当某日距今达到 conf/deadlines.yml 中 archive_after_s（30 天）且其全部后续处理已完成时才归档。
每个文件写入前先校验、写入后再读回核对，之后才删除对应行。
时间线、导出和 verify --full 会读取这些文件，请与数据一同保存。
运行中的服务每天 03:30（UTC+8）自动归档；本命令可在服务运行时执行，可中断后重来。""",
    "tongdan archive --dry-run",
    "tongdan archive",
    "tongdan archive --until 2026-01-27 --json",
)


def archive(
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", formats=["%Y-%m-%d"], metavar="DAY",
            help=t("Up to the end of this day (UTC+8).", "截至此日（UTC+8）。"), show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t("Only say how much would go.", "只显示可归档的数量。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    with open_reading(data):
        pass  # exits with 2 unless there is data
    day = None if until is None else until.date()
    if dry_run:
        newest, left = due_for_archive(data, conf_dir(conf), day)
        told = {"until": newest, "rows": 0, "left": left}
    else:
        told = _by_service(data, day) or _offline(data, conf, day)
    if json:
        emit(told)
        return
    out.print(
        t(
            f"Up to {told['until']}: {told['rows']} rows archived, about {told['left']} left.",
            f"截至 {told['until']}：已归档 {told['rows']} 行，约剩 {told['left']} 行。",
        )
    )


def _by_service(data: Path, until: date | None) -> dict[str, Any] | None:
    """By the centre that serves the data, step by step; None when none does."""
    body = {} if until is None else {"until": until.isoformat()}
    with _Bar() as bar:
        while told := ask_service(data, API, body, Scope.OPERATE, within_s=ASK_WITHIN_S):
            bar.add(told["rows"], told["left"])
            if not told["rows"]:
                return {**told, "rows": bar.rows}
    return None


def _offline(data: Path, conf: Path | None, until: date | None) -> dict[str, Any]:
    async def work(centre: Centre) -> dict[str, Any] | Refusal:
        day = until or centre.archiver.newest()
        with _Bar() as bar:
            while True:
                done = await centre.archiver.step(day)
                if isinstance(done, Refusal):
                    return done
                bar.add(done.rows, done.left)
                if not done.rows:
                    return {"until": day, "rows": bar.rows, "left": done.left}

    return on_files(data, conf, work, t("Cannot archive: ", "无法归档："))


class _Bar:
    """Progress on stderr; `rows` is how many went so far."""

    def __init__(self) -> None:
        self.rows = 0
        self._progress: Final = progress()
        self._task: Final = self._progress.add_task(t("archiving", "归档"), total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, rows: int, left: int) -> None:
        self.rows += rows
        self._progress.update(self._task, completed=self.rows, total=self.rows + left)
