"""Own SKUs: how they are described, and what bundles are made of.

A description replaces the one before as a whole, so a file that is imported twice changes nothing. Whether the parts
of a bundle exist, and are no bundles themselves, is for the one who defines it to look up: a SKU knows only itself.
"""

from collections import Counter
from typing import Final

from msgspec.structs import replace

from tongdan.domain.catalog import refusals
from tongdan.domain.catalog.commands import DefineSku, SetCost
from tongdan.domain.catalog.facts import BundleDefined, SkuCosted, SkuDescribed
from tongdan.domain.catalog.model import Description, Sku
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.parts import MAX_PARTS, MAX_UNITS_OF_PART, Part

MAX_CODE: Final = 64
MAX_WORDS: Final = 200
MAX_WEIGHT_G: Final = 1_000_000
MAX_UNITS: Final = 1_000_000


def define_sku(sku: Sku | None, command: DefineSku, ctx: Context) -> Decision | Refusal:
    if refusal := mistake(command):
        return refusal
    facts: list[Fact] = []
    if sku is None or sku.description != command.description:
        facts.append(SkuDescribed(sku=command.sku, description=command.description))
    if command.parts != (() if sku is None else sku.parts):
        facts.append(BundleDefined(sku=command.sku, parts=command.parts))
    return Decision(tuple(facts))


def set_cost(sku: Sku, command: SetCost, ctx: Context) -> Decision | Refusal:
    if refusal := cost_mistake(command.cost_fen):
        return refusal
    if command.cost_fen == sku.cost_fen:
        return NOTHING
    return Decision((SkuCosted(sku=command.sku, cost_fen=command.cost_fen),))


def cost_mistake(cost_fen: int | None) -> Refusal | None:
    return None if cost_fen is None else _out_of_range("cost_fen", cost_fen, 0, MAX_FEN)


def mistake(command: DefineSku) -> Refusal | None:
    """What is wrong with it in itself, so that a file may be checked before anything of it is written."""
    if not is_code(command.sku):
        return refusals.BAD_CODE.of(field="sku", limit=MAX_CODE)
    return _misdescribed(command.description) or _misbundled(command.sku, command.parts)


def is_code(text: str) -> bool:
    return 0 < len(text) <= MAX_CODE and text.isprintable() and text == text.strip()


def _misdescribed(said: Description) -> Refusal | None:
    for field, text in (("product", said.product), ("barcode", said.barcode)):
        if text and not is_code(text):
            return refusals.BAD_CODE.of(field=field, limit=MAX_CODE)
    for field, text in (("title", said.title), ("variant", said.variant)):
        if len(text) > MAX_WORDS or not text.isprintable() or not (text.strip() or field == "variant"):
            return refusals.BAD_WORDS.of(field=field, limit=MAX_WORDS)
    return (
        _out_of_range("weight_g", said.weight_g, 0, MAX_WEIGHT_G)
        or _out_of_range("low_stock_units", said.low_stock_units, 0, MAX_UNITS)
        or _out_of_range("limit_units", said.limit_units, 0, MAX_UNITS)
    )


def _misbundled(sku: str, parts: tuple[Part, ...]) -> Refusal | None:
    if len(parts) > MAX_PARTS:
        return refusals.TOO_MANY_PARTS.of(limit=MAX_PARTS, got=len(parts))
    times = Counter([sku, *[part.sku for part in parts]])
    for part in parts:
        if not is_code(part.sku):
            return refusals.BAD_CODE.of(field="parts.sku", limit=MAX_CODE)
        if times[part.sku] > 1:
            return refusals.BAD_BUNDLE.of(sku=sku, part=part.sku)
        refusal = _out_of_range("parts.units", part.units, 1, MAX_UNITS_OF_PART) or _out_of_range(
            "parts.price_fen", part.price_fen, 0, MAX_FEN
        )
        if refusal:
            return refusal
    return None


def _out_of_range(field: str, got: int, least: int, most: int) -> Refusal | None:
    if least <= got <= most:
        return None
    return refusals.OUT_OF_RANGE.of(field=field, least=least, most=most, got=got)


def evolve(sku: Sku | None, fact: Fact) -> Sku:
    """The state after `fact`. Raises KeyError for a fact that is none of a SKU's."""
    if type(fact) is SkuDescribed:
        return (
            Sku(sku=fact.sku, description=fact.description)
            if sku is None
            else replace(sku, description=fact.description)
        )
    if sku is not None and type(fact) is BundleDefined:
        return replace(sku, parts=fact.parts)
    if sku is not None and type(fact) is SkuCosted:
        return replace(sku, cost_fen=fact.cost_fen)
    if sku is not None and type(fact) in EFFECT_FACTS:
        return sku
    raise KeyError(type(fact).__name__)
