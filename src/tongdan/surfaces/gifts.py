"""What gift rules would give: rules that are in force or only meant to be, tried on orders that are there.

The gifts are found by the function that gives them. An order that has its gifts keeps them, whatever a preview says.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from tongdan.domain.catalog.model import GiftCount
from tongdan.domain.kernel.gifts import GiftRule, gifts
from tongdan.domain.kernel.keys import gift_key
from tongdan.domain.orders.goods.gifts import bought
from tongdan.domain.orders.model import Order, unmatched
from tongdan.ports import Reads
from tongdan.surfaces.looking import MAX_READ, of_shop, orders_of


class GiftLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    units: int


class Would(msgspec.Struct, frozen=True, kw_only=True):
    """What one order would get by one rule, `times` over. `has`: it has been given gifts by a rule of that name."""

    order: str
    rule: str
    times: int
    gifts: tuple[GiftLine, ...]
    has: bool


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What rules would give to `orders` orders; `units` by SKU of all gifts together. `untold`: orders whose lines are
    not known or not all matched, so that no rule can be asked."""

    orders: int
    would: tuple[Would, ...]
    units: dict[str, int]
    untold: int


def preview(found: Iterable[tuple[str, Order]], rules: Sequence[GiftRule]) -> Preview:
    """Limited rules are tried as if nothing had been given yet, to the orders as they were placed."""
    orders, untold = [], 0
    for id, order in found:
        if order.placed_at is None or unmatched(order):
            untold += 1
        elif not order.cancelled:
            orders.append((order.placed_at, id, order))
    left = {rule.name: rule.limit_times for rule in rules if rule.limit_times}
    would: list[Would] = []
    for placed_at, id, order in sorted(orders, key=lambda each: each[:2]):
        has = {each.line.rule for each in order.lines}
        for given in gifts(bought(order), rules, order.shop, placed_at):
            name = given.rule.name
            if name in left:
                if left[name] < given.times:
                    continue
                left[name] -= given.times
            lines = tuple([GiftLine(sku=one.sku, units=one.units * given.times) for one in given.rule.gifts])
            would.append(Would(order=id, rule=name, times=given.times, gifts=lines, has=name in has))
    units = Counter[str]()
    for each in would:
        for line in each.gifts:
            units[line.sku] += line.units
    return Preview(orders=len(orders), would=tuple(would), units=dict(sorted(units.items())), untold=untold)


def placed_since(reads: Reads, since: datetime, shop: str, limit: int = MAX_READ) -> list[tuple[str, Order]]:
    """Orders placed since then, or announced since and not known yet; at most `limit`, the newest first."""
    return list(orders_of(reads, replace(of_shop(shop), since=since), limit))


def given(reads: Reads, rule: GiftRule) -> int:
    """How often a limited rule has given; 0 for one without limit, which nobody counts."""
    count = reads.order(gift_key(rule.name)) if rule.limit_times else None
    return count.given if isinstance(count, GiftCount) else 0
