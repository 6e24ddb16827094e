"""Gift rules over the API: those in force, and what rules that are only meant would give. Nothing is changed."""

from collections.abc import Container
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from tongdan.adapters.gift_rules import mistake
from tongdan.domain.kernel.gifts import MAX_GIFTS, MAX_RULES, GiftRule
from tongdan.surfaces.gifts import given, placed_since, preview
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import OrderId
from tongdan.surfaces.looking import PAGE
from tongdan.surfaces.refusals import INVALID_FIELD

router: Final = APIRouter(prefix="/api/v1/gifts", tags=["gifts"])

Code = Annotated[str, Field(min_length=1, max_length=64)]


class PresentShape(Body):
    sku: Code
    units: int = Field(1, ge=1, le=1_000)


class RuleShape(Body):
    """As `conf/gifts.yml` has it; times are RFC 3339 with an offset, "" for none."""

    name: str = Field(max_length=40)
    name_en: str = Field(max_length=200)
    name_zh: str = Field(max_length=200)
    gifts: list[PresentShape] = Field(min_length=1, max_length=MAX_GIFTS)
    active: bool = True
    shops: list[Code] = Field([], max_length=200)
    since: str = Field("", max_length=40, examples=["2026-11-01T00:00:00+08:00"])
    until: str = Field("", max_length=40)
    skus: list[Code] = Field([], max_length=1_000)
    units_from: int = Field(0, ge=0, le=1_000_000)
    amount_from_fen: int = Field(0, ge=0, le=10**13)
    repeats: bool = False
    at_most_times: int = Field(1, ge=1, le=1_000)
    exclusive: bool = False
    priority: int = Field(0, ge=-1_000, le=1_000)
    when_short: str = Field("drop", pattern="^(drop|wait)$")
    limit_times: int = Field(0, ge=0, le=10_000)


class InForce(BaseModel):
    rule: RuleShape
    given: int | None = Field(description="How often it has given, of a limited rule.")


class Rules(BaseModel):
    rules: list[InForce]


class PreviewBody(Body):
    rules: list[RuleShape] | None = Field(
        None, max_length=MAX_RULES, description="Without them: those in force."
    )
    orders: list[OrderId] = Field([], max_length=PAGE, description="Without them: those of the last days.")
    days: int = Field(7, ge=1, le=90)
    shop: str = Field("", max_length=64)


class GiftShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    sku: str
    units: int


class WouldShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    order: str
    rule: str
    times: int
    gifts: list[GiftShape]
    has: bool = Field(description="It has been given gifts by a rule of that name, and keeps them.")


class PreviewShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    orders: int = Field(description=f"Orders that were tried; at most {PAGE}, the last changed ones.")
    would: list[WouldShape]
    units: dict[str, int] = Field(description="Units of each gift, of all orders together.")
    untold: int = Field(description="Orders whose lines are not known or not matched yet.")


@router.get("")
async def in_force(parts: PartsOf, who: Reader) -> Rules:
    """The gift rules in force, and how often the limited ones have given.

    生效中的赠品规则，以及限量规则已赠次数。
    """
    shown = []
    for rule in parts.policy.gifts:
        count = given(parts.reads, rule) if rule.limit_times else None
        shown.append(InForce(rule=_shape(rule), given=count))
    return Rules(rules=shown)


@router.post("/preview")
async def try_rules(parts: PartsOf, who: Reader, body: PreviewBody) -> PreviewShape:
    """What rules would give to orders. Orders keep the gifts they have, and rules stay as they are.

    试算赠品规则对订单的效果；不改变任何订单和规则。
    """
    rules = (
        parts.policy.gifts if body.rules is None else [_rule(each, parts.policy.shops) for each in body.rules]
    )
    if body.orders:
        found = [(id, parts.find_order(id)) for id in dict.fromkeys(body.orders)]
    else:
        since = parts.clock.now() - timedelta(days=body.days)
        found = placed_since(parts.reads, since, body.shop, PAGE)
    return PreviewShape.model_validate(preview(found, rules))


def _rule(shape: RuleShape, shops: Container[str]) -> GiftRule:
    """Raises Refused naming the field that cannot be meant."""
    said: dict[str, Any] = shape.model_dump()
    for field in ("since", "until"):
        said[field] = read_instant(f"rules.{field}", said[field]) if said[field] else None
    rule = msgspec.convert(said, GiftRule)
    if wrong := mistake(rule, shops):
        field, expected = wrong
        raise Refused(
            INVALID_FIELD.of(field=f"rules.{field}", en=f"expected {expected}", zh=f"不合规则：{expected}")
        )
    return rule


def _shape(rule: GiftRule) -> RuleShape:
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rule))
    return RuleShape(**said | {field: said[field] or "" for field in ("since", "until")})
