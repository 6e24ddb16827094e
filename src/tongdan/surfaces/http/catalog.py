"""The catalogue over the API: own SKUs and products, and the platforms' offers that are matched to them.

Own SKUs are read in the order of their codes, straight from committed state; looking through many of them lets intake
have the thread in between.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.catalog.commands import DefineSku, MatchOffer, SetCost
from tongdan.domain.catalog.model import Description, Offer, Sku
from tongdan.domain.catalog.skus import cost_mistake, mistake
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.parts import Part
from tongdan.ports import Inbound
from tongdan.surfaces import catalog
from tongdan.surfaces.http.access import Coster, Reader, SellerWriter
from tongdan.surfaces.http.actions import Body, Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal
from tongdan.surfaces.http.orders import SOURCE
from tongdan.surfaces.http.parts import Parts, PartsOf, gently
from tongdan.surfaces.http.shapes import Done

PATH: Final = "/api/v1/catalog"
MAX_SKUS: Final = 200  # in one request
MAX_OFFERS: Final = 50  # on one page: each is compared with every own SKU

router: Final = APIRouter(prefix=PATH, tags=["catalog"])

Text = Annotated[str, Query(max_length=200)]


class PartShape(Body):
    """`price_fen` of one unit weighs its share of what a bundle costs; where no part has a price, units weigh."""

    sku: str = Field(examples=["CUP"])
    units: int = Field(examples=[2])
    price_fen: int = 0


class SkuBody(Body):
    """The whole description: what is left out is no longer so."""

    title: str = Field(examples=["青瓷茶杯"])
    product: str = Field("", description="The code that its variants share.")
    variant: str = Field("", examples=["白 / 300 ml"])
    weight_g: int = 0
    low_stock_units: int = Field(0, description="At or below it stock is low.")
    limit_units: int = Field(0, description="What one buyer may buy; 0 for any number.")
    barcode: str = ""
    active: bool = Field(True, description="False: no longer sold.")
    parts: list[PartShape] = Field([], description="With parts it is a bundle, and has no stock of its own.")


class SkuShape(SkuBody):
    sku: str = Field(examples=["CUP-WHITE"])


class SkuSeen(SkuShape):
    cost_fen: int | None = Field(
        None, description="What a unit costs the seller; null: nobody has said, or it is not for the caller."
    )


class CostBody(Body):
    sku: str = Field(max_length=64)
    cost_fen: int | None = Field(description="Of one unit; null: not known.")


class CostsBody(Body):
    costs: list[CostBody] = Field(min_length=1, max_length=MAX_SKUS)


class SkusBody(Body):
    skus: list[SkuShape] = Field(min_length=1, max_length=MAX_SKUS)


class Defined(BaseModel):
    defined: int


class SkuDetail(SkuSeen):
    """`low_stock`: `available_units` is not above the threshold."""

    available_units: int
    low_stock: bool


class SkuPage(BaseModel):
    skus: list[SkuSeen]
    next: str | None = Field(description="Pass as `after` for the next page; null on the last.")


class ProductShape(BaseModel):
    """The SKUs that share a product's code."""

    product: str
    skus: list[SkuDetail]


class SuggestionShape(BaseModel):
    """`why`: same-code, same-barcode or similar-title."""

    model_config = ConfigDict(from_attributes=True)

    sku: str
    title: str
    why: str
    likeness_percent: int


class OfferShape(BaseModel):
    """What a shop on a platform sells. `sku` "": not matched, and `waiting_lines` of orders wait for that."""

    channel: str
    shop: str
    offer: str = Field(description="The platform's own number of the SKU.")
    outer: str = Field(description="The code the shop gave it there.")
    title: str
    sku: str
    waiting_lines: int
    suggestions: list[SuggestionShape]


class OfferPage(BaseModel):
    offers: list[OfferShape]
    next: str | None = Field(description="Pass as `after` for the next page; null on the last.")


class MatchBody(Body):
    shop: str = Field(max_length=64)
    offer: str = Field(max_length=64, description="The platform's own number of the SKU.")
    sku: str = Field(max_length=64, description='An own SKU; "" takes the match apart.')
    product: str = Field(
        "",
        max_length=64,
        description="The platform's number of the goods that the SKU is a variant of; quotas need it.",
    )


@router.get("/skus")
async def list_skus(
    parts: PartsOf, who: Reader, product: Text = "", text: Text = "", after: Text = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SkuPage:  # fmt: skip
    """Own SKUs by code; of one product, or with a text in code, title or bar code.

    自有商品，按编码排序；可按款号，或编码、名称、条码中的文字筛选。
    """
    found: list[Sku] = []
    async for sku in gently(parts, catalog.skus(parts.reads, after)):
        if catalog.is_asked_for(sku, product, text):
            found.append(sku)
        if len(found) > limit:
            break
    more = found[limit - 1].sku if len(found) > limit else None
    return SkuPage(skus=[SkuSeen.model_validate(_shown(sku)) for sku in found[:limit]], next=more)


@router.get("/skus/{sku:path}")
async def show_sku(parts: PartsOf, who: Reader, sku: str) -> SkuDetail:
    """One own SKU with what may still be sold of it.

    单个自有商品及可售数量。
    """
    return _detail(parts, _sku(parts, sku))


@router.put("/skus/{sku:path}")
async def define_sku(parts: PartsOf, asking: Writing, sku: str, body: SkuBody) -> Done:
    """Describe an own SKU, as a whole; with parts it is a bundle.

    建立或更新自有商品（整体替换）；带 parts 即为组合装。
    """
    command = _command(sku, body)
    if command.parts:
        _refuse((await _misbundled(parts, [command]))[0])
    return await asking.of(command)


@router.post("/skus")
async def define_skus(parts: PartsOf, who: SellerWriter, body: SkusBody) -> Defined:
    """Describe many own SKUs: all are looked at first, and one that is wrong keeps out all.

    批量建立或更新自有商品：先整体校验，有一个不合格则全部不写入。
    """
    wanted = [_command(each.sku, each) for each in body.skus]
    for refusal in [*[mistake(each) for each in wanted], *await _misbundled(parts, wanted)]:
        _refuse(refusal)
    await _commit(parts, who, wanted)
    return Defined(defined=len(wanted))


@router.post("/costs")
async def set_costs(parts: PartsOf, who: Coster, body: CostsBody) -> Defined:
    """Say what units of own SKUs cost; one that is wrong keeps out all. Only scope `cost` is shown it.

    设置自有商品的单位成本：有一个不合格则全部不写入；仅有 cost 权限者可见。
    """
    for each in body.costs:
        _refuse(cost_mistake(each.cost_fen))
        _sku(parts, each.sku)
    await _commit(parts, who, [SetCost(sku=each.sku, cost_fen=each.cost_fen) for each in body.costs])
    return Defined(defined=len(body.costs))


@router.get("/products/{product:path}")
async def show_product(parts: PartsOf, who: Reader, product: str) -> ProductShape:
    """A product: its SKUs with stock, stock threshold and purchase limit.

    商品详情：同一款号的全部商品编码，含可售数量、库存预警与限购。
    """
    own = gently(parts, catalog.skus(parts.reads))
    found = [_detail(parts, sku) async for sku in own if sku.description.product == product]
    if not found or not product:
        raise Refused(catalog.NO_SUCH_PRODUCT.of(product=product[:64]))
    return ProductShape(product=product, skus=found)


@router.get("/offers")
async def list_offers(
    parts: PartsOf, who: Reader, shop: Text = "", unmatched: bool = True,
    after: Annotated[str, Query(max_length=400)] = "", limit: Annotated[int, Query(ge=1, le=MAX_OFFERS)] = 20,
) -> OfferPage:  # fmt: skip
    """What platforms sell and nobody has matched, each with the own SKUs that may be meant; or all offers.

    平台在售而尚未匹配的商品及推荐的自有商品；unmatched=false 列出全部。
    """
    found: list[tuple[str, Offer]] = []
    async for key, offer in gently(parts, catalog.offers(parts.reads, after)):
        if shop in ("", offer.shop) and not (unmatched and offer.sku):
            found.append((key, offer))
        if len(found) > limit:
            break
    shown = [offer for _, offer in found[:limit]]
    ranking = catalog.Ranking([offer for offer in shown if not offer.sku])
    async for sku in gently(parts, catalog.skus(parts.reads)):
        ranking.see(sku)
    best = iter(ranking.best())
    shapes = [_offer(offer, [] if offer.sku else next(best)) for offer in shown]
    return OfferPage(offers=shapes, next=found[limit - 1][0] if len(found) > limit else None)


@router.post("/offers/match")
async def match(parts: PartsOf, asking: Writing, body: MatchBody) -> Done:
    """Say which own SKU a platform's is, for all its orders; those that wait go on.

    将平台商品匹配到自有商品，对全部订单生效；等待中的订单随即继续。
    """
    shop = catalog.shop_of(parts.policy.shops, body.shop)
    if isinstance(shop, Refusal):
        raise Refused(shop)
    if body.sku:
        _sku(parts, body.sku)
    command = MatchOffer(
        channel=shop.channel, shop=shop.id, offer=body.offer, sku=body.sku, product=body.product
    )
    return await asking.of(command, shop.id)


async def _commit(parts: Parts, who: Principal, wanted: Sequence[DefineSku | SetCost]) -> None:
    """All of them, as one person's word. Raises Refused."""
    now = parts.clock.now()
    asked = [
        parts.bus.ask(
            Inbound(
                command=each,
                key=(SOURCE, who.name, PATH, parts.entropy.token(16).hex()),
                source=SOURCE,
                shop="",
                happened_at=now,
                raw=msgspec.json.encode(each),
                operator=who.name,
            )
        )
        for each in wanted
    ]
    for reply in await asyncio.gather(*asked):
        _refuse(reply if isinstance(reply, Refusal) else None)


def _command(sku: str, body: SkuBody) -> DefineSku:
    made_of = tuple([Part(part.sku, part.units, part.price_fen) for part in body.parts])
    said = {name: getattr(body, name) for name in Description.__struct_fields__}
    return DefineSku(sku=sku, description=Description(**said), parts=made_of)


async def _misbundled(parts: Parts, wanted: Sequence[DefineSku]) -> list[Refusal | None]:
    known = {sku.sku: sku.parts async for sku in gently(parts, catalog.skus(parts.reads))}
    return catalog.misbundled(known, wanted)


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)


def _sku(parts: Parts, code: str) -> Sku:
    found = catalog.find_sku(parts.reads, code)
    if found is None:
        raise Refused(catalog.NO_SUCH_SKU.of(sku=code[:64]))
    return found


def _shown(sku: Sku) -> dict[str, object]:
    said = sku.description
    parts = [{"sku": part.sku, "units": part.units, "price_fen": part.price_fen} for part in sku.parts]
    told = {name: getattr(said, name) for name in said.__struct_fields__}
    return {"sku": sku.sku, **told, "parts": parts, "cost_fen": sku.cost_fen}


def _detail(parts: Parts, sku: Sku) -> SkuDetail:
    units = catalog.available_units(parts.reads, sku)
    low = units <= sku.description.low_stock_units
    return SkuDetail.model_validate({**_shown(sku), "available_units": units, "low_stock": low})


def _offer(offer: Offer, suggested: list[catalog.Suggestion]) -> OfferShape:
    return OfferShape(
        channel=offer.channel, shop=offer.shop, offer=offer.offer, outer=offer.outer, title=offer.title,
        sku=offer.sku, waiting_lines=len(offer.waiting),
        suggestions=[SuggestionShape.model_validate(each) for each in suggested],
    )  # fmt: skip
