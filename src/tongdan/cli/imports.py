"""`tongdan import`: stock counts and orders from an ERP's file, by a map of its columns.

The file is read whole and shown first; --apply writes it, and with a mistake in it only what --good-rows leaves. What
is written goes through the bus like a push: the same file a second time changes nothing. The centre that serves the
data is told over its API, a part of the file at a time, cut where orders end; when nobody serves it, the data itself.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
import typer

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.csv_table import MAX_BYTES, MAX_ROWS, cells_of, write_csv
from tongdan.adapters.partners.erp_csv import Read, read_file
from tongdan.adapters.partners.erp_map import ImportMap, Kind, needs_as_of
from tongdan.adapters.policy_files import ConfError, load_conf, load_import
from tongdan.adapters.xlsx_table import MAX_RATIO, MAX_UNPACKED_BYTES
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.imports_table import Outcome, print_outcome
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, emit, fail, progress
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.instants import from_local
from tongdan.ports import Inbound
from tongdan.profile import Centre
from tongdan.surfaces.http.errors import MAX_IMPORT_BYTES
from tongdan.surfaces.http.imports import PATH
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.imports import Refused, Told, checked, preview, tell
from tongdan.surfaces.words import pick

AT_A_TIME: Final = 500  # orders or counts in one request
WITHIN_S: Final = 120.0
_CUT_BYTES: Final = MAX_IMPORT_BYTES // 4

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Stock counts and orders from files.", "从文件导入库存与订单。")
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
GoodRowsOption = Annotated[
    bool,
    typer.Option(
        "--good-rows", help=t("Write the rest of a file that has bad rows.", "有错误行时仍写入其余部分。")
    ),
]
ErrorsOption = Annotated[
    Path | None,
    typer.Option(
        "--errors",
        metavar="FILE",
        help=t(
            "A new .csv or .xlsx for the rows that are refused, with the column why.",
            "将被拒绝的行写入新文件（.csv 或 .xlsx），并附“原因”列。",
        ),
    ),
]


_LIMITS = t(
    f"A file (CSV or XLSX) has at most {MAX_BYTES // 2**20} MiB and {MAX_ROWS} rows; a workbook unpacks to at most "
    f"{MAX_UNPACKED_BYTES // 2**20} MiB and {MAX_RATIO} times its size.",
    f"文件（CSV 或 XLSX）上限 {MAX_BYTES // 2**20} MiB、{MAX_ROWS} 行；工作簿解压后不超过 "
    f"{MAX_UNPACKED_BYTES // 2**20} MiB 且不超过文件的 {MAX_RATIO} 倍。",
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
    good_rows: GoodRowsOption = False,
    errors: ErrorsOption = None,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    _import(("stock",), file, map, as_of, _Choice(apply, good_rows, errors, json), data, conf)


@app.command(
    help=teach(
        f"""Check a file of platform shops' orders, and write them with --apply: new ones are made, known ones learn.

The maps jushuitan-orders and wangdiantong-orders take open orders over from those systems at cut-over: what had been
sent does not leave again, what was held stays held, and the platform's own news finds the same order.

{_LIMITS}""",
        f"""检查平台店铺的订单文件；加 --apply 写入：新单建立，已有的订单按时间合并。

映射 jushuitan-orders、wangdiantong-orders 用于切换时承接聚水潭、旺店通的未完结订单：已发出的不再发货，
被挂起的保持挂起，平台后续消息对应到同一订单。

{_LIMITS}""",
        "tongdan import orders orders.xlsx --map jushuitan-orders",
        "tongdan import orders orders.xlsx --map jushuitan-orders --errors bad.xlsx",
        "tongdan import orders orders.csv --map erp-orders --apply --json",
    )
)
def orders(
    file: FileArgument,
    map: MapOption,
    as_of: AsOfOption = "",
    apply: ApplyOption = False,
    good_rows: GoodRowsOption = False,
    errors: ErrorsOption = None,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    choice = _Choice(apply, good_rows, errors, json)
    _import(("orders", "open-orders"), file, map, as_of, choice, data, conf)


@app.command(
    help=teach(
        f"""Check a file of orders that people enter (phone, fair, group), and place them with --apply.

The map manual-orders says what its columns are called. Each order is checked like one that is entered by hand: shop,
SKUs, receiver, sums, payment, limits. A mistake is told by row and column.

{_LIMITS}""",
        f"""检查手工订单文件（电话、展会、团购等）；加 --apply 录入。

列名见映射 manual-orders；逐单校验店铺、商品、地址、金额、付款和限购，按行列报告错误。

{_LIMITS}""",
        "tongdan import manual orders.xlsx",
        "tongdan import manual orders.xlsx --errors bad.xlsx",
        "tongdan import manual orders.xlsx --apply",
    )
)
def manual(
    file: FileArgument,
    map: MapOption = "manual-orders",
    apply: ApplyOption = False,
    good_rows: GoodRowsOption = False,
    errors: ErrorsOption = None,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    choice = _Choice(apply, good_rows, errors, json)
    _import(("manual-orders",), file, map, "", choice, data, conf)


class _Choice(msgspec.Struct, frozen=True):
    apply: bool
    good_rows: bool
    errors: Path | None
    json: bool


def _import(
    kinds: tuple[Kind, ...], file: Path, name: str, as_of: str, choice: _Choice, data: Path, conf: Path | None
) -> None:
    _check_new(choice.errors)
    read, moment = _read(kinds, file, name, as_of, data, conf_dir(conf))
    writes = choice.apply and bool(read.messages) and (choice.good_rows or not read.faults)
    if choice.errors is not None and read.faults:
        choice.errors.write_bytes(_refused_rows(read, choice.errors.suffix.lower()))
    scopes = (Scope.WRITE, Scope.OPERATE) if "manual-orders" in kinds else (Scope.WRITE,)
    told = _write(read, name, moment, data, conf, scopes) if writes else Told(0, 0, [])
    outcome = Outcome(
        read.rows, len(read.messages), read.faults, preview(read.messages), dict(read.over), writes, *told
    )
    if choice.json:
        emit(outcome)
    else:
        print_outcome(outcome, asked=choice.apply)
    if outcome.faults or outcome.refused:
        raise typer.Exit(DOES_NOT_HOLD)


def _check_new(errors: Path | None) -> None:
    if errors is None:
        return
    if errors.suffix.lower() not in (".csv", ".xlsx"):
        fail(
            t(
                f"{errors.name}: expected a name with .csv or .xlsx.",
                f"{errors.name}：扩展名应为 .csv 或 .xlsx。",
            )
        )
    if errors.exists():
        fail(t(f"{errors} is there already; name another.", f"{errors} 已存在，请换一个文件名。"))


def _read(
    kinds: tuple[Kind, ...], file: Path, name: str, as_of: str, data: Path, conf: Path
) -> tuple[Read, datetime | None]:
    """Exits with 2 when map and file do not go together."""
    try:
        policy = load_conf(conf).policy
        how = load_import(conf, name, policy)
    except ConfError as error:
        fail(str(error))
    if how.kind not in kinds:
        fail(
            t(
                f"The map {name} is for {how.kind}, not {kinds[0]}.",
                f"映射 {name} 用于 {how.kind}，不是 {kinds[0]}。",
            )
        )
    moment = _moment(as_of, how)
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    read = read_file(raw, how, policy, moment)
    if how.kind == "manual-orders":
        with open_reading(data) as reading:
            read = checked(read, reading.reads, policy, how, SystemClock().now())
    return read, moment


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


def _refused_rows(read: Read, form: str) -> bytes:
    """The rows as they stood, each with what is wrong with it or with the order it belongs to."""
    why = {fault.line: pick((fault.en, fault.zh), LANGUAGE) for fault in read.faults}
    also = t("refused with another row of its order", "因同单其他行有误而一并拒绝")
    rows = [
        [*cells_of(raw), t(f"line {line}: ", f"第 {line} 行：") + why.get(line, also)]
        for line, raw in sorted(read.refused.items())
    ]
    heading = [*cells_of(read.heading), t("why", "原因")]
    return write_xlsx([heading, *rows]) if form == ".xlsx" else write_csv([heading, *rows])


# ---- writing


def _write(
    read: Read,
    name: str,
    moment: datetime | None,
    data: Path,
    conf: Path | None,
    scopes: tuple[Scope, ...],
) -> Told:
    """Exits with 1 when the centre refuses a part; what was written before it stays, and does no harm again."""
    whole = Told(0, 0, [])
    query = {"apply": "true", **({"as_of": moment.isoformat()} if moment is not None else {})}
    path = f"{PATH}/{name}?{urlencode(query)}"
    with progress() as bar:
        task = bar.add_task(t("writing", "写入"), total=len(read.messages))
        for at, some in _parts(read):
            body = read.heading + b"".join([message.raw for message in some])
            said = ask_service(data, path, body, scopes, within_s=WITHIN_S)
            if said is None:
                rest = read.messages[at:]
                return _plus(whole, _write_files(rest, data, conf, partial(bar.update, task)))
            if not said["applied"]:
                _unlike(said)
            refused = [
                Refused(each["what"], each["error"], each["message"], each["message_zh"])
                for each in said["refused"]
            ]
            whole = _plus(whole, Told(said["accepted"], said["duplicates"], refused))
            bar.update(task, advance=len(some))
    return whole


def _parts(read: Read) -> Iterator[tuple[int, list[Inbound]]]:
    """The messages in parts that are small enough for a request, each with where it begins."""
    cuts = [*read.cuts, len(read.messages)]
    begin, size = 0, 0
    for at, after in pairwise(cuts):
        more = sum([len(message.raw) for message in read.messages[at:after]])
        if at > begin and (size + more > _CUT_BYTES or after - begin > AT_A_TIME):
            yield begin, read.messages[begin:at]
            begin, size = at, 0
        size += more
    if begin < len(read.messages):
        yield begin, read.messages[begin:]


def _unlike(said: dict[str, list[dict[str, str]]]) -> None:
    """The centre was started with another configuration than the one the file was checked with."""
    first = said["faults"][0] if said["faults"] else {"message": "?", "message_zh": "?"}
    why = pick((first["message"], first["message_zh"]), LANGUAGE)
    fail(
        t(
            f"The centre reads the file otherwise, so restart it with this configuration: {why}",
            f"订单中心对文件的解读不同，请用当前配置重启：{why}",
        ),
        DOES_NOT_HOLD,
    )


def _plus(one: Told, other: Told) -> Told:
    return Told(one.accepted + other.accepted, one.duplicates + other.duplicates, one.refused + other.refused)


def _write_files(messages: list[Inbound], data: Path, conf: Path | None, done: Callable[..., object]) -> Told:
    async def written(centre: Centre) -> Told:
        """Commit everything and what follows from it; effects are sent by the centre when it next serves."""
        await centre.relay.start()
        told = await tell(centre.bus, centre.clock, messages, operator(), lambda n: done(advance=n))
        await centre.quiet()
        return told

    return on_files(data, conf, written)
