"""`tongdan settlement`: bill files laid beside the orders, and what is signed for and has not been paid out."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
import typer

from tongdan import profile
from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.policy_files import ConfError
from tongdan.cli.asking import ApplyOption, ask_service, on_files, operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption, ShopOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.ports import Failed
from tongdan.profile import Centre
from tongdan.surfaces import settlements
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.settlements import PATH
from tongdan.surfaces.words import local_time, pick

SHOWN: Final = 50
WITHIN_S: Final = 300.0

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Bills and what is still to be paid out.", "账单与结算。")
)

IMPORT_HELP: Final = teach(
    """Lay a bill file beside the orders, to the fen: every row is matched, a fee, explained, or open.

With --apply orders whose rows add up to what is due are settled, and each open row becomes a ticket; the same file
twice adds nothing. A file with rows that cannot be read, or with totals that are not those of its rows, is not written.
--as wechat reads trade and fund bills of WeChat Pay, --as alipay its account entries, --as NAME what
conf/bills/NAME.yml describes.""",
    """将账单文件与订单核对，精确到分：每一行要么匹配，要么是手续费，要么有说明，要么待查。

加 --apply 后，各行合计等于应结金额的订单登记为已结算，待查行生成工单；同一文件重复导入不会重复登记。
有无法读取的行或汇总与明细不符的文件不会写入。
--as wechat 读取微信支付交易账单和资金账单，--as alipay 读取支付宝账务明细，--as NAME 按 conf/bills/NAME.yml 读取。""",
    "tongdan settlement import 2026-01-27.csv --as wechat",
    "tongdan settlement import douyin.xlsx --as douyin --apply",
)
FETCH_HELP: Final = teach(
    """Fetch WeChat Pay's bill of a day into a file; its hash has to be the one that was announced.""",
    """下载微信支付某日账单到文件，并核对哈希。""",
    "tongdan settlement fetch --shop mp-main --date 2026-01-27 --to trade.csv",
    "tongdan settlement fetch --shop mp-main --date 2026-01-27 --fund --to fund.csv",
)
DUE_HELP: Final = teach(
    """List orders that are signed for and have not been paid out, longest due first.""",
    """列出已签收尚未结算的订单，最早应结算的在前。""",
    "tongdan settlement due",
    "tongdan settlement due --shop dy-main --json",
)


@app.command("import", help=IMPORT_HELP)
def import_bill(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=t("The bill.", "账单文件。"))],
    form: Annotated[
        str, typer.Option("--as", help=t("wechat, alipay, or a map.", "wechat、alipay 或映射名。"))
    ],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    """Exits with 1 when rows are open or cannot be read."""
    with open_reading(data):
        pass  # exits with 2 unless there is data
    raw = file.read_bytes()
    asked = urlencode({"as": form} | ({"apply": "true"} if apply else {}))
    said = ask_service(data, f"{PATH}/bills?{asked}", raw, Scope.WRITE, within_s=WITHIN_S)
    if said is None:
        said = on_files(data, conf, lambda centre: _here(centre, conf_dir(conf), raw, form, apply))
    if json:
        emit(said)
    else:
        _print(said)
    raise typer.Exit(DOES_NOT_HOLD if said["open"] or said["faults"] else 0)


async def _here(centre: Centre, conf: Path, raw: bytes, form: str, apply: bool) -> dict[str, Any]:
    """As the API says it."""
    try:
        read = settlements.read_bill(raw, form, conf)
    except FileRefused as refused:
        fail(pick((refused.fault.en, refused.fault.zh), LANGUAGE), DOES_NOT_HOLD)
    except ConfError as error:
        fail(str(error))
    found = await settlements.lay_beside(
        centre.reads, centre.policy, centre.bus, centre.clock, read, form, operator(), apply=apply
    )
    said: dict[str, Any] = msgspec.to_builtins(found)
    return said


def _print(said: dict[str, Any]) -> None:
    yuan = t("yuan", "金额（元）")
    shown = table("", yuan, right=(yuan,))
    for name, title in (
        ("matched_fen", t("matched", "已匹配")), ("fees_fen", t("fees", "手续费")),
        ("explained_fen", t("explained", "已说明")), ("open_fen", t("open", "待查")),
        ("total_fen", t("the bill", "账单合计")),
    ):  # fmt: skip
        add_row(shown, title, yuan_from_fen(said[name]))
    out.print(shown)
    n, settles = said["rows"], said["settles"]
    err.print(t(f"{n} rows; {settles} orders are settled by them.", f"共 {n} 行；结算 {settles} 个订单。"))
    for each in said["open"][:SHOWN]:
        why = pick((each["why"], each["why_zh"]), LANGUAGE)
        line, name = each["line"], each["name"]
        err.print(t(f"line {line}: {name} {why}", f"第 {line} 行：{name} {why}"), markup=False)
    for each in said["faults"][:SHOWN]:
        what = pick((each["en"], each["zh"]), LANGUAGE)
        err.print(t(f"line {each['line']}: {what}", f"第 {each['line']} 行：{what}"), markup=False)
    if said["applied"]:
        err.print(t(f"{said['accepted']} written.", f"已写入 {said['accepted']} 项。"))


@app.command("fetch", help=FETCH_HELP)
def fetch(
    shop: Annotated[str, typer.Option("--shop", help=t("Whose merchant account.", "哪个店铺的商户号。"))],
    on: Annotated[str, typer.Option("--date", help=t("YYYY-MM-DD.", "账单日期。"))],
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help=t("Where the file goes.", "保存到。"))],
    fund: Annotated[bool, typer.Option("--fund", help=t("The fund bill.", "资金账单。"))] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    try:
        day = date.fromisoformat(on)
        found = asyncio.run(profile.fetch_bill(data, conf_dir(conf), shop, day, fund=fund))
    except (ValueError, ConfError) as error:
        fail(str(error))
    if isinstance(found, Failed):
        fail(t(f"There is no bill: {found.error}", f"未取得账单：{found.error}"), DOES_NOT_HOLD)
    to.write_bytes(found)
    err.print(t(f"{len(found)} bytes, their hash is the one announced.", f"{len(found)} 字节，哈希已核对。"))


@app.command("due", help=DUE_HELP)
def due(
    shop: ShopOption = "", limit: LimitOption = 500, data: DataOption = DATA, json: JsonOption = False
) -> None:
    with open_reading(data) as reading:
        found = settlements.due(reading.reads, reading.policy(), shop, limit)
    if json:
        emit(found)
        return
    yuan = t("yuan", "金额（元）")
    shown = table(
        t("order", "订单"), t("shop", "店铺"), yuan, t("signed", "签收"), t("due", "应结算"), right=(yuan,)
    )
    for each in found:
        by = local_time(each.due_at) if each.due_at is not None else "–"
        add_row(shown, each.order, each.shop, yuan_from_fen(each.amount_fen), local_time(each.signed_at), by)
    out.print(shown)
