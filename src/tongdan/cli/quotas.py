"""`tongdan quotas` and `tongdan stock`: what lies where, what platforms may sell, and telling them again."""

from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.policy_files import ConfError, load_quotas
from tongdan.cli.asking import ask, granted
from tongdan.cli.language import t, teach
from tongdan.cli.output import add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.cli.stock_compare import HELP, compare_command
from tongdan.domain.fulfillment.quota_commands import PushQuotas
from tongdan.domain.kernel.quotas import QuotaPolicy
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.quotas import PATH
from tongdan.surfaces.quotas import QuotasView, quotas_of, stock_of

app: Final = typer.Typer(
    no_args_is_help=True, help=t("What platforms may sell of a SKU.", "各平台的库存配额。")
)
stock: Final = typer.Typer(no_args_is_help=True, help=t("What lies in the warehouses.", "各仓库存。"))

stock.command("compare", help=HELP)(compare_command)

SkuArgument = Annotated[str, typer.Argument(metavar="SKU", help=t("An own SKU.", "自有商品编码。"))]


@stock.command(
    "show",
    help=teach(
        "Show a SKU's stock in each warehouse: on hand, reserved, available.",
        "显示单个商品在各仓的库存：在库、占用、可用。",
        "tongdan stock show CUP-WHITE",
        "tongdan stock show CUP-WHITE --json",
    ),
)
def show_stock(sku: SkuArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        found = granted(stock_of(reading.reads, sku))
    if json:
        emit(found)
        return
    numbers = (t("on hand", "在库"), t("reserved", "占用"), t("available", "可用"))
    shown = table(t("warehouse", "仓库"), *numbers, right=numbers)
    for each in found.warehouses:
        add_row(shown, each.warehouse, each.on_hand, each.reserved, each.available)
    for part, units in found.parts.items():
        add_row(shown, t(f"part {part} × {units}", f"单品 {part} × {units}"), "", "", "")
    out.print(shown)
    if found.waiting_units:
        n = found.waiting_units
        err.print(t(f"{n} units more are wanted by orders.", f"订单另缺 {n} 件。"))


@app.command(
    help=teach(
        "Show what each platform was told it may sell of a SKU, and what the rules in force say.",
        "显示单个商品在各平台的配额：按现行规则应发布、发布中与已发布数量。",
        "tongdan quotas show CUP-WHITE",
        "tongdan quotas show CUP-WHITE --json",
    )
)
def show(sku: SkuArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        found = granted(quotas_of(reading.reads, reading.policy().quotas, sku))
    _print(found, json)


@app.command(
    help=teach(
        "Show what platforms would be told under the rules of a file. Nothing is changed or sent.",
        "按指定规则文件试算配额；不改变也不发布。",
        "tongdan quotas preview CUP-WHITE --rules new-quotas.yml",
    )
)
def preview(
    sku: SkuArgument,
    rules: Annotated[Path, typer.Option("--rules", help=t("A file of rules.", "规则文件。"))],
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        policy = reading.policy()
        try:
            meant: QuotaPolicy = load_quotas(rules, policy.shops, policy.warehouses)
        except ConfError as error:
            fail(str(error))
        found = granted(quotas_of(reading.reads, meant, sku))
    _print(found, json)


@app.command(
    help=teach(
        "Tell all platforms again what they may sell of a SKU, under the rules in force.",
        "按现行规则重新向各平台发布单个商品的配额。",
        "tongdan quotas push CUP-WHITE",
    )
)
def push(sku: SkuArgument, data: DataOption = DATA, conf: ConfOption = None) -> None:
    ask(data, conf, f"{PATH}/{sku}", {}, Scope.WRITE, PushQuotas(sku=sku), "")
    err.print(t("Done; platforms are being told.", "已完成；正在向各平台发布。"))


def _print(found: QuotasView, json: bool) -> None:
    if json:
        emit(found)
        return
    numbers = (t("due", "应发布"), t("on its way", "发布中"), t("published", "已发布"))
    shown = table(
        t("shop", "店铺"),
        t("platform's SKU", "平台商品"),
        t("goods", "平台商品（SPU）"),
        *numbers,
        right=numbers,
    )
    for each in found.outlets:
        units = ["" if n is None else n for n in (each.due, each.asked, each.published)]
        add_row(shown, each.shop, each.offer, each.product, *units)
    out.print(shown)
    if found.units is None:
        err.print(t("No rule, or nothing known of its stock yet.", "没有规则，或尚无库存信息。"))
    else:
        n, kept = found.units, found.buffer_units
        err.print(t(f"{n} units in all, {kept} kept back.", f"共可售 {n} 件，预留 {kept} 件。"))
