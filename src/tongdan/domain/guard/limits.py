"""A purchase limit: what one buyer has of one SKU, by order and line; two orders of a moment are counted in turn.

The limit is the one that the order was asked under, so a repeated question has the answer it had.
"""

from typing import Final

import msgspec

from tongdan.domain.guard.limit_facts import (
    CountPurchase,
    PurchaseCounted,
    PurchaseRefused,
    PurchaseReturned,
    ReturnPurchase,
)
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

MAX_REFUSED: Final = 100  # refused orders that are remembered


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`units` by order and line; `refused` are orders that were told no, or have given back: the latest of them."""

    limit: str
    units: dict[str, dict[int, int]] = {}
    refused: tuple[str, ...] = ()

    @property
    def counted_units(self) -> int:
        return sum(n for lines in self.units.values() for n in lines.values())


def count_purchase(limit: Limit | None, command: CountPurchase, ctx: Context) -> Decision | Refusal:
    limit = limit or Limit(limit=command.limit)
    if command.line in limit.units.get(command.order, {}) or command.order in limit.refused:
        return NOTHING
    had = limit.counted_units
    if had + command.units > command.limit_units:
        refused = PurchaseRefused(
            limit=command.limit,
            order=command.order,
            sku=command.sku,
            units=command.units,
            had_units=had,
            limit_units=command.limit_units,
        )
        return Decision((refused,))
    counted = PurchaseCounted(
        limit=command.limit, order=command.order, line=command.line, units=command.units
    )
    return Decision((counted,))


def return_purchase(limit: Limit | None, command: ReturnPurchase, ctx: Context) -> Decision | Refusal:
    """The order was cancelled."""
    if limit is None or command.order not in limit.units:
        return NOTHING
    return Decision((PurchaseReturned(limit=command.limit, order=command.order),))


def evolve(limit: Limit | None, fact: Fact) -> Limit:
    """The state after `fact`. Raises KeyError for a fact that is none of a limit's."""
    if isinstance(fact, PurchaseCounted):
        limit = limit or Limit(limit=fact.limit)
        lines = {**limit.units.get(fact.order, {}), fact.line: fact.units}
        return msgspec.structs.replace(limit, units={**limit.units, fact.order: lines})
    if isinstance(fact, PurchaseRefused):
        limit = limit or Limit(limit=fact.limit)
        return msgspec.structs.replace(limit, refused=(*limit.refused, fact.order)[-MAX_REFUSED:])
    if limit is not None and isinstance(fact, PurchaseReturned):
        units = {order: lines for order, lines in limit.units.items() if order != fact.order}
        refused = (*limit.refused, fact.order)[-MAX_REFUSED:]
        return msgspec.structs.replace(limit, units=units, refused=refused)
    if limit is not None and type(fact) in EFFECT_FACTS:
        return limit
    raise KeyError(type(fact).__name__)
