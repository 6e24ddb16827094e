"""What each shop may sell of a SKU: stock that is available less a buffer, divided as a rule says.

Pure arithmetic, and the state it is done on. `promised` is the most that a platform may be offering: what it confirmed,
or anything on its way to it that nobody knows the end of.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tongdan.domain.fulfillment.quota_facts import Outlet
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.quotas import MAX_QUOTA_UNITS, QuotaRule, ShopQuota

MAX_OUTLETS: Final = 200  # of one SKU


class Available(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a stock told last: units by warehouse, and units that lines wait for."""

    no: int
    levels: dict[str, int]
    waiting_units: int


class Asked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`units` are on their way to an outlet; `peak` is the most that was since it last confirmed."""

    units: int
    peak: int
    sequence: int


class Quota(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The quotas of one own SKU. With `parts` it is a bundle. Outlets are known by their keys."""

    sku: str
    outlets: tuple[Outlet, ...] = ()
    parts: tuple[Part, ...] = ()
    available: dict[str, Available] = {}
    asked: dict[str, Asked] = {}
    published: dict[str, int] = {}
    sequence: int = 0
    follows: bool = False

    def promised(self, outlet: str) -> int | None:
        """None: nothing was ever said there."""
        asked, confirmed = self.asked.get(outlet), self.published.get(outlet)
        if asked is None:
            return confirmed
        return asked.peak if confirmed is None else max(asked.peak, confirmed)


def to_promise(quota: Quota, rule: QuotaRule) -> int | None:
    """Units that may be sold in all shops: available in the rule's warehouses, less what lines wait for already, less
    the buffer. Of a bundle as many as its scarcest part makes. None while a part has told nothing yet."""
    parts = quota.parts or (Part(sku=quota.sku, units=1),)
    if any(part.sku not in quota.available for part in parts):
        return None
    made = [_free(quota.available[part.sku], rule) // part.units for part in parts]
    return max(0, min(made) - rule.buffer_units)


def _free(told: Available, rule: QuotaRule) -> int:
    counted = [units for code, units in told.levels.items() if not rule.warehouses or code in rule.warehouses]
    return max(0, sum(counted) - told.waiting_units)


def divided(units: int, rule: QuotaRule, outlets: Sequence[Outlet]) -> dict[str, int]:
    """How many of `units` each outlet offers, by its key; an outlet of a shop that the rule does not name is left out.

    Unless the rule's shops share, all of them together offer at most `units`. Outlets of one shop never share.
    """
    by_shop = {each.shop: [one.key for one in outlets if one.shop == each.shop] for each in rule.shops}
    quotas = _shared(units, rule) if rule.shared else _exclusive(units, rule)
    found: dict[str, int] = {}
    for shop, keys in by_shop.items():
        whole = min(quotas[shop], MAX_QUOTA_UNITS)
        for at, key in enumerate(keys):
            found[key] = (whole + len(keys) - 1 - at) // len(keys)
    return found


def _shared(units: int, rule: QuotaRule) -> dict[str, int]:
    return {
        each.shop: units * each.percent // 100 if each.percent else min(each.units, units)
        for each in rule.shops
    }


def _exclusive(units: int, rule: QuotaRule) -> dict[str, int]:
    """Fixed units first, as listed; then shares, what division leaves over going to those that lost most by it."""
    left, found = units, dict[str, int]()
    for each in rule.shops:
        if not each.percent:
            found[each.shop] = min(each.units, left)
            left -= found[each.shop]
    shares = [each for each in rule.shops if each.percent]
    found |= {each.shop: left * each.percent // 100 for each in shares}
    over = left * sum(each.percent for each in shares) // 100 - sum(found[each.shop] for each in shares)

    def lost(each: ShopQuota) -> int:
        return left * each.percent % 100

    for each in sorted(shares, key=lost, reverse=True)[:over]:
        found[each.shop] += 1
    return found
