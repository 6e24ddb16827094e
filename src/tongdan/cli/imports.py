"""`tongdan import`: stock counts and orders from an ERP's CSV file, by a map of its columns.

The file is read whole and shown first; --apply writes it, and only if no row is wrong. What is written goes through the
bus like a push: the same file a second time changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
import typer

from tongdan.adapters.csv_table import MAX_BYTES, MAX_ROWS, Fault
from tongdan.adapters.partners.erp_csv import Read, read_file
from tongdan.adapters.partners.erp_map import ImportMap, needs_as_of
from tongdan.adapters.policy_files import ConfError, load_conf, load_import
from tongdan.cli.asking import operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, progress, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, conf_dir
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Accepted, Inbound, Reply
from tongdan.profile import Centre, DataInUse, embedded
from tongdan.surfaces.words import pick

AT_ONCE: Final = 200  # messages under way
SHOWN: Final = 50  # faults on the screen; --json has all

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Stock counts and orders from CSV files.", "从 CSV 文件导入库存与订单。")
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=t("The file.", "文件。"))
]
MapOption = Annotated[
    str, typer.Option("--map", help=t("NAME of conf/imports/NAME.yml.", "conf/imports/ 下映射的名称。"))
]
AsOfOption = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help=t(
            "The moment the file speaks of, in the map's zone, where it has no column for that.",
            "文件所述时刻（按映射声明的时区），用于没有时间列的文件。",
        ),
    ),
]
ApplyOption = Annotated[
    bool, typer.Option("--apply", help=t("Write it; without this nothing is.", "写入；不加则只检查。"))
]


class Outcome(msgspec.Struct, frozen=True):
    """What came of a file. `refused` counts refusals by name; `applied` False: nothing was written."""

    rows: int
    messages: int
    faults: list[Fault]
    applied: bool
    accepted: int = 0
    duplicates: int = 0
    refused: dict[str, int] = {}


_LIMITS = t(
    f"A file has at most {MAX_BYTES // 2**20} MiB and {MAX_ROWS} rows. Stop the centre before --apply.",
    f"文件上限 {MAX_BYTES // 2**20} MiB、{MAX_ROWS} 行。--apply 前请先停止订单中心。",
)


@app.command(
    help=teach(
        f"""Check a file of stock counts, and write them with --apply: each replaces what was on hand.

{_LIMITS}""",
        f"""检查库存盘点文件；加 --apply 写入，每行替换该仓在库数量。

{_LIMITS}""",
        "tongdan import stock count.csv --map stock-count",
        'tongdan import stock count.csv --map stock-count --as-of "2026-01-27 18:00:00" --apply',
    )
)
def stock(
    file: FileArgument,
    map: MapOption,
    as_of: AsOfOption = "",
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    _import("stock", file, map, as_of, apply, data, conf_dir(conf), json)


@app.command(
    help=teach(
        f"""Check a file of a platform shop's orders, and write them with --apply: new ones are made, known ones learn.

{_LIMITS}""",
        f"""检查平台店铺的订单文件；加 --apply 写入：新单建立，已有的订单按时间合并。

{_LIMITS}""",
        "tongdan import orders orders.csv --map erp-orders",
        "tongdan import orders orders.csv --map erp-orders --apply --json",
    )
)
def orders(
    file: FileArgument,
    map: MapOption,
    as_of: AsOfOption = "",
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    _import("orders", file, map, as_of, apply, data, conf_dir(conf), json)


def _import(
    kind: str, file: Path, name: str, as_of: str, apply: bool, data: Path, conf: Path, json: bool
) -> None:
    read = _read(kind, file, name, as_of, conf)
    outcome = Outcome(read.rows, len(read.messages), read.faults, applied=False)
    if apply and not read.faults:
        outcome = _apply(read, data, conf)
    if json:
        emit(outcome)
    else:
        _print(outcome, apply)
    if outcome.faults or outcome.refused:
        raise typer.Exit(DOES_NOT_HOLD)


def _read(kind: str, file: Path, name: str, as_of: str, conf: Path) -> Read:
    """Exits with 2 when map and file do not go together."""
    try:
        policy = load_conf(conf).policy
        how = load_import(conf, name, policy)
    except ConfError as error:
        fail(str(error))
    if how.kind != kind:
        fail(
            t(f"The map {name} is for {how.kind}, not {kind}.", f"映射 {name} 用于 {how.kind}，不是 {kind}。")
        )
    moment = _moment(as_of, how)
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    return read_file(raw, how, policy, moment)


def _moment(as_of: str, how: ImportMap) -> datetime | None:
    if not as_of:
        if needs_as_of(how):
            fail(
                t(
                    "The map names no column for the moment the file speaks of; say --as-of.",
                    "映射中没有时间列，请用 --as-of 指明文件所述时刻。",
                )
            )
        return None
    try:
        return from_local(as_of, ZoneInfo(how.zone))
    except ValueError:
        fail(
            t(
                f"--as-of: expected a time such as 2026-01-27 18:00:00, got {as_of!r}",
                f"--as-of 应为时间，如 2026-01-27 18:00:00，实为 {as_of!r}",
            )
        )


def _apply(read: Read, data: Path, conf: Path) -> Outcome:
    """Exits with 2 while a centre serves the data."""
    try:
        replies = asyncio.run(_tell(read.messages, data, conf))
    except DataInUse:
        fail(
            t(
                f"{data} is being served; stop the centre, import, and start it again. Nothing was written.",
                f"{data} 正在被使用；请停止订单中心，导入后再启动。未写入任何内容。",
            )
        )
    accepted = [reply for reply in replies if isinstance(reply, Accepted)]
    duplicates = sum(reply.duplicate for reply in accepted)
    refused = Counter(reply.name for reply in replies if isinstance(reply, Refusal))
    return Outcome(
        read.rows,
        len(read.messages),
        [],
        applied=True,
        accepted=len(accepted) - duplicates,
        duplicates=duplicates,
        refused=dict(sorted(refused.items())),
    )


async def _tell(messages: Sequence[Inbound], data: Path, conf: Path) -> list[Reply]:
    """Commit everything and what follows from it; effects are sent by the centre when it next serves."""
    who = operator()
    centre = embedded(data, conf)
    replies: list[Reply] = []
    try:
        await centre.relay.start()
        with progress() as bar:
            task = bar.add_task(t("writing", "写入"), total=len(messages))
            for at in range(0, len(messages), AT_ONCE):
                replies += await _some(centre, messages[at : at + AT_ONCE], who)
                bar.update(task, completed=len(replies))
        await centre.quiet()
    finally:
        await centre.stop()
    return replies


async def _some(centre: Centre, messages: Sequence[Inbound], who: str) -> list[Reply]:
    asked = [centre.bus.ask(msgspec.structs.replace(message, operator=who)) for message in messages]
    return list(await asyncio.gather(*asked))


def _print(outcome: Outcome, apply: bool) -> None:
    if outcome.faults:
        shown = table(t("line", "行"), t("what is wrong", "问题"), right=(t("line", "行"),))
        for fault in outcome.faults[:SHOWN]:
            add_row(shown, fault.line or "", pick((fault.en, fault.zh), LANGUAGE))
        out.print(shown)
        if (more := len(outcome.faults) - SHOWN) > 0:
            out.print(t(f"… and {more} more; --json has all.", f"……另有 {more} 处，--json 可看全部。"))
    read = t(
        f"{outcome.rows} rows, {outcome.messages} good, {len(outcome.faults)} mistakes.",
        f"共 {outcome.rows} 行，可导入 {outcome.messages} 条，错误 {len(outcome.faults)} 处。",
    )
    if outcome.applied:
        refused = ", ".join(f"{name} {count}" for name, count in outcome.refused.items()) or "0"
        done = t(
            f"Written: {outcome.accepted}, known before: {outcome.duplicates}, refused: {refused}.",
            f"已写入 {outcome.accepted}，此前已有 {outcome.duplicates}，拒绝 {refused}。",
        )
    elif apply:
        done = t("Nothing was written: mend the file first.", "未写入任何内容：请先修正文件。")
    else:
        done = t("Nothing was written: --apply does.", "未写入任何内容：加 --apply 写入。")
    err.print(f"{read} {done}")
