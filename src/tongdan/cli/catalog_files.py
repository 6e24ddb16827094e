"""`tongdan catalog import | export`: the catalogue as a CSV or XLSX file.

A file is read and checked whole, against itself and against what is there, before anything is written; with a mistake
in it only --good-rows writes, and only the rest. The centre that serves the data is told over its API, a chunk of SKUs
at a time; when nobody serves it, the data itself.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from tongdan.adapters.catalog_file import HEADINGS, Read, read_catalog, write_catalog
from tongdan.adapters.csv_table import MAX_BYTES, MAX_ROWS, Fault, FileRefused
from tongdan.adapters.xlsx_table import MAX_RATIO, MAX_UNPACKED_BYTES
from tongdan.cli.asking import ask_service, inbound, on_files
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, progress, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.domain.catalog.commands import DefineSku, SetCost
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.profile import Centre
from tongdan.surfaces import catalog
from tongdan.surfaces.http.catalog import MAX_SKUS, PATH
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import pick

SHOWN: Final = 50  # faults on the screen; --json has all

_MIB: Final = MAX_BYTES // 2**20
_UNPACKED_MIB: Final = MAX_UNPACKED_BYTES // 2**20
_TITLES: Final = " · ".join([pick(titles, LANGUAGE) for titles in HEADINGS.values()])
IMPORT: Final = teach(
    f"""Check a file of own SKUs, and write them with --apply: each row is the whole description of its SKU.

The first line has the headings {_TITLES}. Parts of a bundle are written CUP*2@10.00; POT*1@70.00: SKU, units, and the
price in yuan by which the bundle's money is shared. An export is the template.

At most {_MIB} MiB and {MAX_ROWS} rows; a workbook unpacks to at most {_UNPACKED_MIB} MiB and {MAX_RATIO} times its
size.""",
    f"""检查自有商品文件；加 --apply 写入，每行为一个商品编码的完整资料。

首行为列名：{_TITLES}。组合装的单品写作 CUP*2@10.00; POT*1@70.00，即编码、件数与分摊金额所用的单价（元）。
导出的文件即为模板。

上限 {_MIB} MiB、{MAX_ROWS} 行；工作簿解压后不超过 {_UNPACKED_MIB} MiB 且不超过文件的 {MAX_RATIO} 倍。""",
    "tongdan catalog import catalog.xlsx",
    "tongdan catalog import catalog.csv --apply",
    "tongdan catalog import catalog.csv --apply --good-rows",
)
EXPORT: Final = teach(
    "Write all own SKUs to a file: .csv or .xlsx, by its name.",
    "将全部自有商品导出到文件，按扩展名为 .csv 或 .xlsx。",
    "tongdan catalog export catalog.xlsx",
    "tongdan catalog export catalog.csv",
)


class Outcome(msgspec.Struct, frozen=True):
    """What came of a file. `applied` False: nothing was written."""

    rows: int
    good: int
    faults: list[Fault]
    applied: bool


def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=t("The file.", "文件。"))
    ],
    apply: Annotated[
        bool, typer.Option("--apply", help=t("Write it; without this nothing is.", "写入；不加则只检查。"))
    ] = False,
    good_rows: Annotated[
        bool,
        typer.Option(
            "--good-rows",
            help=t("Write the good rows of a file that has bad ones.", "有错误行时仍写入其余行。"),
        ),
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    read = _checked(raw, data)
    # Ordinary ones first: a bundle is refused while its parts are not there.
    wanted = sorted([command for _, command in read.found], key=lambda each: bool(each.parts))
    writes = apply and bool(wanted) and (good_rows or not read.faults)
    if writes:
        costs = [
            SetCost(sku=each.sku, cost_fen=read.costs[each.sku]) for each in wanted if each.sku in read.costs
        ]
        _write(wanted, costs, data, conf)
    outcome = Outcome(read.rows, len(wanted), read.faults, applied=writes)
    if json:
        emit(outcome)
    else:
        _print(outcome, apply)
    if read.faults:
        raise typer.Exit(DOES_NOT_HOLD)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=t("A new file.", "新文件。"))],
    data: DataOption = DATA,
) -> None:
    form = file.suffix.lower()
    if form not in (".csv", ".xlsx"):
        fail(
            t(f"{file.name}: expected a name with .csv or .xlsx.", f"{file.name}：扩展名应为 .csv 或 .xlsx。")
        )
    if file.exists():
        fail(t(f"{file} is there already; name another.", f"{file} 已存在，请换一个文件名。"))
    with open_reading(data) as reading:
        skus = list(catalog.skus(reading.reads))
    file.write_bytes(write_catalog(skus, "csv" if form == ".csv" else "xlsx", LANGUAGE))
    err.print(t(f"{len(skus)} SKUs written to {file}.", f"已将 {len(skus)} 个商品编码写入 {file}。"))


def _checked(raw: bytes, data: Path) -> Read:
    """The file's good rows, and its mistakes: in a row, or between rows and what is there."""
    try:
        read = read_catalog(raw)
    except FileRefused as refused:
        return Read([], [refused.fault], 0)
    with open_reading(data) as reading:
        known = {sku.sku: sku.parts for sku in catalog.skus(reading.reads)}
    refusals = catalog.misbundled(known, [command for _, command in read.found])
    told = list(zip(read.found, refusals, strict=True))
    faults = [Fault(line=line, en=wrong.en, zh=wrong.zh) for (line, _), wrong in told if wrong is not None]
    good = [found for found, wrong in told if wrong is None]
    return Read(good, sorted([*read.faults, *faults], key=lambda each: each.line), read.rows, read.costs)


def _write(wanted: Sequence[DefineSku], costs: Sequence[SetCost], data: Path, conf: Path | None) -> None:
    """Exits with 1 when a chunk is refused; what was written before it stays, and does no harm when written again."""
    chunks: list[tuple[str, Scope, dict[str, Any]]] = [
        (f"{PATH}/skus", Scope.WRITE, {"skus": [_shape(each) for each in wanted[at : at + MAX_SKUS]]})
        for at in range(0, len(wanted), MAX_SKUS)
    ] + [
        (
            f"{PATH}/costs",
            Scope.COST,
            {"costs": [msgspec.to_builtins(each) for each in costs[at : at + MAX_SKUS]]},
        )
        for at in range(0, len(costs), MAX_SKUS)
    ]
    with progress() as bar:
        task = bar.add_task(t("writing", "写入"), total=len(chunks))
        for at, (path, scope, body) in enumerate(chunks, 1):
            if ask_service(data, path, body, scope) is None:
                _write_files([*wanted, *costs], data, conf)
                return
            bar.update(task, completed=at)


def _shape(command: DefineSku) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(command.description)
    parts = [{"sku": part.sku, "units": part.units, "price_fen": part.price_fen} for part in command.parts]
    return {"sku": command.sku, **said, "parts": parts}


def _write_files(wanted: Sequence[Command], data: Path, conf: Path | None) -> None:
    async def tell(centre: Centre) -> Refusal | None:
        """Commit everything and what follows from it."""
        refused: list[Refusal] = []
        await centre.relay.start()
        for at in range(0, len(wanted), MAX_SKUS):
            asked = [centre.bus.ask(inbound(centre, each, each)) for each in wanted[at : at + MAX_SKUS]]
            refused += [reply for reply in await asyncio.gather(*asked) if isinstance(reply, Refusal)]
        await centre.quiet()
        return refused[0] if refused else None

    on_files(data, conf, tell)


def _print(outcome: Outcome, apply: bool) -> None:
    if outcome.faults:
        shown = table(t("line", "行"), t("what is wrong", "问题"), right=(t("line", "行"),))
        for fault in outcome.faults[:SHOWN]:
            add_row(shown, fault.line or "", pick((fault.en, fault.zh), LANGUAGE))
        out.print(shown)
        if (more := len(outcome.faults) - SHOWN) > 0:
            out.print(t(f"… and {more} more; --json has all.", f"……另有 {more} 处，--json 可看全部。"))
    read = t(
        f"{outcome.rows} rows, {outcome.good} good, {len(outcome.faults)} mistakes.",
        f"共 {outcome.rows} 行，可导入 {outcome.good} 行，错误 {len(outcome.faults)} 处。",
    )
    if outcome.applied:
        done = t(f"Written: {outcome.good}.", f"已写入 {outcome.good} 行。")
    elif apply:
        done = t(
            "Nothing was written: mend the file, or say --good-rows.",
            "未写入任何内容：请修正文件，或加 --good-rows。",
        )
    else:
        done = t("Nothing was written: --apply does.", "未写入任何内容：加 --apply 写入。")
    err.print(f"{read} {done}")
