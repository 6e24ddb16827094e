"""`tongdan catalog`: own SKUs, and which of them the platforms' SKUs are.

Reading looks at the data beside a running centre. A match is a command like any other: the centre that serves the data
is asked, or the data itself when nobody serves it.
"""

from itertools import islice
from typing import Annotated, Final

import typer

from tongdan.cli.asking import ask, granted
from tongdan.cli.language import t, teach
from tongdan.cli.output import add_row, emit, err, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption, ShopOption
from tongdan.cli.reading import Reading, open_reading
from tongdan.domain.catalog.commands import MatchOffer
from tongdan.domain.catalog.model import Offer, Sku
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.surfaces import catalog
from tongdan.surfaces.http.catalog import PATH
from tongdan.surfaces.http.keys import Scope

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Own SKUs, bundles, and what platforms call them.", "自有商品、组合装与平台商品匹配。"),
)

WHY: Final = {
    "same-code": t("same code", "编码相同"),
    "same-barcode": t("same bar code", "条码相同"),
    "similar-title": t("similar title", "名称相近"),
}

SkuArgument = Annotated[str, typer.Argument(metavar="SKU", help=t("An own SKU.", "自有商品编码。"))]
ProductOption = Annotated[
    str, typer.Option("--product", help=t("Only this product's SKUs.", "仅此款号。"), show_default=False)
]
TextOption = Annotated[
    str,
    typer.Option(
        "--text", help=t("In code, title or bar code.", "编码、名称或条码中的文字。"), show_default=False
    ),
]


@app.command(
    "list",
    help=teach(
        "List own SKUs by code.",
        "按编码列出自有商品。",
        "tongdan catalog list",
        "tongdan catalog list --text 茶杯 --json",
    ),
)
def list_skus(
    data: DataOption = DATA, product: ProductOption = "", text: TextOption = "", limit: LimitOption = 200,
    json: JsonOption = False,
) -> None:  # fmt: skip
    with open_reading(data) as reading:
        asked = (sku for sku in catalog.skus(reading.reads) if catalog.is_asked_for(sku, product, text))
        found = list(islice(asked, limit))
    if json:
        emit(found)
        return
    if not found:
        out.print(t("No own SKU is listed.", "没有符合条件的自有商品。"))
        return
    name = t("title", "名称")
    shown = table("SKU", name, t("variant", "规格"), t("product", "款号"), "", fold=(name,))
    for sku in found:
        said = sku.description
        kind = t("bundle", "组合装") if sku.parts else ""
        state = kind if said.active else t("no longer sold", "已停售")
        add_row(shown, sku.sku, said.title, said.variant, said.product, state)
    out.print(shown)


@app.command(
    help=teach(
        "Show an own SKU: its description, its parts if it is a bundle, and what may still be sold.",
        "显示单个自有商品：资料、组合内容与可售数量。",
        "tongdan catalog show CUP-WHITE",
        "tongdan catalog show CUP-WHITE --json",
    )
)
def show(sku: SkuArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        found = _sku(reading, sku)
        units = catalog.available_units(reading.reads, found)
    said = found.description
    if json:
        emit({"sku": found, "available_units": units, "low_stock": units <= said.low_stock_units})
        return
    shown = table("", "")
    add_row(shown, t("title", "名称"), f"{said.title} {said.variant}".strip())
    add_row(shown, t("product", "款号"), said.product)
    add_row(shown, t("bar code", "条码"), said.barcode)
    add_row(shown, t("weight, g", "重量（克）"), said.weight_g)
    add_row(shown, t("available", "可售"), units)
    add_row(shown, t("low at", "库存预警"), said.low_stock_units)
    add_row(shown, t("one buyer may buy", "限购"), said.limit_units or t("any number", "不限"))
    for part in found.parts:
        price = f" @ {yuan_from_fen(part.price_fen)}" if part.price_fen else ""
        add_row(shown, t("part", "单品"), f"{part.sku} × {part.units}{price}")
    out.print(shown)


@app.command(
    help=teach(
        """List what platforms sell and nobody has matched, with the own SKUs that may be meant.

Orders of these are held until `tongdan catalog match` says which they are.""",
        """列出尚未匹配的平台商品，以及推荐的自有商品。

相关订单会一直冻结，直到用 tongdan catalog match 指定。""",
        "tongdan catalog unmatched",
        "tongdan catalog unmatched --shop dy-main --json",
    )
)
def unmatched(
    data: DataOption = DATA, shop: ShopOption = "", limit: LimitOption = 200, json: JsonOption = False
) -> None:
    with open_reading(data) as reading:
        all_offers = (offer for _, offer in catalog.offers(reading.reads))
        found = list(islice((o for o in all_offers if not o.sku and shop in ("", o.shop)), limit))
        ranking = catalog.Ranking(found)
        for sku in catalog.skus(reading.reads) if found else ():
            ranking.see(sku)
    best = ranking.best()
    if json:
        emit([{"offer": offer, "suggestions": few} for offer, few in zip(found, best, strict=True)])
    elif not found:
        out.print(t("Everything is matched.", "全部已匹配。"))
    else:
        _print(found, best)


def _print(found: list[Offer], best: list[list[catalog.Suggestion]]) -> None:
    name, maybe, waiting = t("title", "名称"), t("perhaps", "推荐"), t("lines waiting", "等待行数")
    shown = table(
        t("shop", "店铺"), t("platform's SKU", "平台商品"), t("its code", "商家编码"), name, waiting, maybe,
        fold=(name, maybe), right=(waiting,),
    )  # fmt: skip
    for offer, few in zip(found, best, strict=True):
        words = "; ".join(f"{each.sku} ({WHY[each.why]} {each.likeness_percent} %)" for each in few)
        add_row(shown, offer.shop, offer.offer, offer.outer, offer.title, len(offer.waiting), words)
    out.print(shown)


@app.command(
    help=teach(
        """Say which own SKU a platform's is. It holds for all orders to come, and those that wait go on.

An empty SKU takes the match apart; lines that have their answer keep it.""",
        """指定平台商品对应的自有商品。对以后的全部订单有效，等待中的订单随即继续。

编码留空则解除匹配；已匹配的订单行不变。""",
        "tongdan catalog match dy-main 3456789 CUP-WHITE",
        "tongdan catalog match tb-main 3456789 CUP-WHITE --product 6754321",
        'tongdan catalog match dy-main 3456789 ""',
    )
)
def match(
    shop: Annotated[str, typer.Argument(metavar="SHOP", help=t("A shop.", "店铺。"))],
    offer: Annotated[str, typer.Argument(metavar="OFFER", help=t("The platform's SKU.", "平台商品编号。"))],
    sku: SkuArgument,
    product: Annotated[
        str,
        typer.Option(
            help=t(
                "The platform's number of the goods, which quotas need.",
                "平台商品（SPU）编号，库存配额需要。",
            ),
            show_default=False,
        ),
    ] = "",
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    with open_reading(data) as reading:
        known = granted(catalog.shop_of(reading.policy().shops, shop))
        if sku:
            _sku(reading, sku)
    body = {"shop": shop, "offer": offer, "sku": sku, "product": product}
    command = MatchOffer(channel=known.channel, shop=shop, offer=offer, sku=sku, product=product)
    ask(data, conf, f"{PATH}/offers/match", body, Scope.WRITE, command, shop)
    err.print(t("Done; orders that waited go on.", "已完成；等待中的订单随即继续。"))


def _sku(reading: Reading, code: str) -> Sku:
    """Exits with 1 when there is none."""
    found = catalog.find_sku(reading.reads, code)
    return granted(catalog.NO_SUCH_SKU.of(sku=code) if found is None else found)
