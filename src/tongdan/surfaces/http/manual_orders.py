"""Orders that a person enters, over the API: what may be chosen, a preview field by field, and the order itself.

What is entered is placed by the command of an own shop's buyer. The Idempotency-Key is the order's number where none is
given, so a request that is sent twice makes one order.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from tongdan.domain.kernel.keys import SKU, STOCK, sku_key, stock_key
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.entry import MAX_REASON, MAX_REFERENCE
from tongdan.domain.orders.entry_facts import Entry
from tongdan.domain.orders.intake import MAX_LINES, MAX_UNITS
from tongdan.domain.orders.lines import Line
from tongdan.ports import Accepted, Reads
from tongdan.surfaces import catalog
from tongdan.surfaces import manual_orders as manual
from tongdan.surfaces.http.access import ShopOperator
from tongdan.surfaces.http.actions import Body, IdempotencyKey
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.refusals import NOT_ALL_SHOPS
from tongdan.surfaces.words import sentence

PATH: Final = "/api/v1/orders/manual"
CHOICES: Final = 20
LOOKED_AT: Final = 2_000  # own SKUs whose titles are looked through for a choice

router: Final = APIRouter(prefix="/orders/manual", tags=["orders"])

Short = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True)]
Long = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Reference = Annotated[str, StringConstraints(pattern=r"^[!-~]{0,64}$")]
Fen = Annotated[int, Field(ge=0, le=MAX_FEN)]
Instant = Annotated[str, Field(max_length=40, examples=["2026-01-27T15:00:00+08:00"])]


class ManualLine(Body):
    """`amount_fen` is what the buyer pays for all units."""

    sku: Short = Field(examples=["TEA-250G"])
    units: int = Field(ge=1, le=MAX_UNITS)
    amount_fen: Fen
    title: Long = Field("", description="Without it: the catalogue's.")


class ManualReceiver(Body):
    name: Short = ""
    phone: Annotated[str, StringConstraints(max_length=32, strip_whitespace=True)] = ""
    province: Short = ""
    city: Short = ""
    district: Short = ""
    detail: Long = ""


class ManualBody(Body):
    """`payment`: cash, transfer, code or other for what was paid offline, cod, or none for what costs nothing."""

    shop: Short = Field(examples=["mp-main"])
    lines: list[ManualLine] = Field(max_length=MAX_LINES)
    receiver: ManualReceiver
    amount_fen: Fen = Field(description="Lines and freight less discount.")
    freight_fen: Fen = 0
    discount_fen: Fen = 0
    payment: Short = Field(examples=["transfer"])
    reference: str = Field("", max_length=MAX_REFERENCE, description="The number on the receipt or transfer.")
    paid_at: Instant = Field("", description="Without it: now.")
    reason: str = Field(
        max_length=MAX_REASON, description="Why by hand, for the audit trail. No personal data."
    )
    number: Reference = Field("", description="Your own number of the order; without it it gets one.")
    user: Reference = Field(
        "", description="The buyer's name in the shop; without it whoever has the same phone."
    )
    placed_at: Instant = Field("", description="Without it: now.")

    def placing(self, now: datetime, number: str) -> PlaceOrder:
        """What it says. Raises Refused for what is no time."""
        return PlaceOrder(
            channel="",
            shop=self.shop,
            native=self.number or number,
            buyer=self.user,
            lines=tuple([
                Line(no=no, sku=each.sku, units=each.units, amount_fen=each.amount_fen, title=each.title)
                for no, each in enumerate(self.lines, 1)
            ]),
            amount_fen=self.amount_fen,
            freight_fen=self.freight_fen,
            discount_fen=self.discount_fen,
            placed_at=_instant("placed_at", self.placed_at) or now,
            region="",
            person=Person(**self.receiver.model_dump(), buyer=self.user),
            entry=Entry(
                reason=self.reason,
                payment=self.payment,
                reference=self.reference,
                paid_at=_instant("paid_at", self.paid_at),
            ),
        )  # fmt: skip


class OwnShop(BaseModel):
    id: str
    name: str
    cash_on_delivery: bool


class SkuChoice(BaseModel):
    sku: str
    title: str
    variant: str
    available_units: int = Field(description="In all warehouses; of a bundle as many as its parts make.")
    limit_units: int = Field(description="What one buyer may have; 0: any number.")
    warehouses: dict[str, int] = Field(description="Units available in each.")


class ProblemShape(BaseModel):
    field: str = Field(description="`shop`, `lines.0.sku`, `receiver.city`, `amount_fen` …")
    error: str
    message: str
    message_zh: str


class ForeseenShape(BaseModel):
    """A rule that would hold the order, or give it something."""

    fact: str
    message: str
    message_zh: str


class ManualPreview(BaseModel):
    problems: list[ProblemShape]
    foreseen: list[ForeseenShape]
    short: list[str] = Field(description="SKUs of which more is wanted than is available now.")


@router.get("/shops")
async def shops(parts: PartsOf, who: ShopOperator) -> list[OwnShop]:
    """The own shops that orders may be entered for.

    可手工录单的自有店铺。
    """
    return [
        OwnShop(id=shop.id, name=shop.name, cash_on_delivery=shop.cash_on_delivery)
        for shop in manual.own_shops(parts.policy)
        if who.sees(shop.id)
    ]


@router.get("/skus")
async def skus(
    parts: PartsOf, who: ShopOperator, text: Annotated[str, Query(max_length=64)] = ""
) -> list[SkuChoice]:
    """What may be sold: SKUs whose code begins so, or whose title holds it, with what is available.

    可选商品：编码以此开头或名称包含此文字，含可售数量。
    """
    found = islice(_choices(parts.reads, text.strip()), CHOICES)
    return [SkuChoice.model_validate(each, from_attributes=True) for each in found]


@router.post("/preview")
async def preview(parts: PartsOf, who: ShopOperator, body: ManualBody) -> ManualPreview:
    """Everything that is wrong with an order, and what rules would make of it. Changes nothing.

    预览：列出全部错误字段，以及将触发的审单与赠品规则；不做任何更改。
    """
    return preview_of(parts.reads, parts.policy, _checked(parts, who, body, ""), parts.clock.now())


@router.post("")
async def enter(
    parts: PartsOf,
    who: ShopOperator,
    request: Request,
    body: ManualBody,
    idempotency_key: IdempotencyKey = "",
) -> Done:
    """Place the order, under the rules of any order: holds, limits, gifts, stock, warehouses.

    录入订单，适用与其他订单相同的规则：审单、限购、赠品、库存、分仓。
    """
    key = idempotency_key or parts.entropy.token(16).hex()
    found = _checked(parts, who, body, key)
    if found.problems:
        raise Refused(found.problems[0].refusal)
    reply = await parts.bus.ask(manual.message(found.command, await request.body(), who.name, key))
    if not isinstance(reply, Accepted):
        raise Refused(reply)
    position = f"{reply.slot}.{reply.epoch}.{reply.seq}"
    return Done(aggregate=reply.aggregate, position=position, duplicate=reply.duplicate)


def preview_of(reads: Reads, policy: Policy, found: manual.Checked, now: datetime) -> ManualPreview:
    facts = [] if found.problems else manual.foreseen(found.command, manual.context(policy, now))
    wanted: dict[str, int] = {}
    for line in found.command.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.units
    return ManualPreview(
        problems=[
            ProblemShape(
                field=each.field, error=each.refusal.name, message=each.refusal.en, message_zh=each.refusal.zh
            )
            for each in found.problems
        ],
        foreseen=[_foreseen(type(fact).__name__, msgspec.structs.asdict(fact)) for fact in facts],
        short=[sku for sku, units in wanted.items() if manual.available(reads, sku) < units],
    )


def _checked(parts: Parts, who: Principal, body: ManualBody, key: str) -> manual.Checked:
    if not who.sees(body.shop):
        raise Refused(NOT_ALL_SHOPS.of(name=who.name))
    now = parts.clock.now()
    said = body.placing(now, manual.number_of(who.name, key))
    return manual.check(parts.reads, parts.policy, said, manual.context(parts.policy, now))


def _foreseen(fact: str, fields: dict[str, object]) -> ForeseenShape:
    return ForeseenShape(
        fact=fact, message=sentence(fact, fields, "en"), message_zh=sentence(fact, fields, "zh")
    )


def _instant(field: str, text: str) -> datetime | None:
    return read_instant(field, text) if text else None


def _choices(reads: Reads, text: str) -> Iterator[manual.Choice]:
    """The SKU of that code, those whose code begins so, then those whose title holds it; each once."""
    seen = set[str]()
    for code in _codes(reads, text):
        if (
            code not in seen
            and (found := manual.choice(reads, code, catalog.find_sku(reads, code))) is not None
        ):
            seen.add(code)
            yield found


def _codes(reads: Reads, text: str) -> Iterator[str]:
    yield text
    for name, key in ((SKU, sku_key(text)), (STOCK, stock_key(text))):
        for found, _ in reads.under(name, key if text else ""):
            if not found.startswith(key):
                break
            yield found.partition("/")[2]
    for sku in islice(catalog.skus(reads), LOOKED_AT):
        if catalog.is_asked_for(sku, "", text):
            yield sku.sku
