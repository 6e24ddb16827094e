"""How much of a SKU each shop may sell: rules as `conf/quotas.yml` says them.

A rule keeps a buffer back, because what a platform sells is known here only a moment later, and divides the rest. Parts
are exclusive unless a rule says that its shops share, which sells more and can oversell by what is on its way.
"""

from typing import Final

import msgspec

MAX_QUOTA_RULES: Final = 500
MAX_QUOTA_UNITS: Final = 999_999  # the least that all platforms take


class ShopQuota(msgspec.Struct, frozen=True, kw_only=True):
    """`units` at most, or `percent` of what is left when all fixed units are taken. One of the two."""

    shop: str
    units: int = 0
    percent: int = 0


class QuotaRule(msgspec.Struct, frozen=True, kw_only=True):
    """`skus` (): all that no rule before names. `warehouses` (): all. `buffer_units` are offered nowhere."""

    shops: tuple[ShopQuota, ...]
    skus: tuple[str, ...] = ()
    warehouses: tuple[str, ...] = ()
    buffer_units: int = 0
    shared: bool = False


class QuotaPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU's stock is looked at once in `every_s` at most, however often it changes."""

    every_s: int = 10
    rules: tuple[QuotaRule, ...] = ()

    def rule_of(self, sku: str) -> QuotaRule | None:
        """The first that names the SKU, or else the first for all."""
        named = [rule for rule in self.rules if sku in rule.skus]
        return next(iter([*named, *[rule for rule in self.rules if not rule.skus]]), None)
