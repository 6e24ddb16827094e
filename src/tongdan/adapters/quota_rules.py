"""What a rule of `conf/quotas.yml` has to be, so that no platform is told a number that nobody meant."""

from collections.abc import Container, Mapping
from typing import Final

from tongdan.domain.catalog.skus import MAX_CODE, is_code
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.kernel.quotas import MAX_QUOTA_RULES, MAX_QUOTA_UNITS, QuotaPolicy, QuotaRule

FILE: Final = "quotas.yml"
MAX_EVERY_S: Final = 3_600
WHOLE: Final = 100


def mistake(
    policy: QuotaPolicy, shops: Mapping[str, Shop], warehouses: Container[str], told: Container[str]
) -> tuple[str, str] | None:
    """Where it is wrong, and what was expected there; None: nowhere. `told`: the channels that can be told."""
    if not 0 < policy.every_s <= MAX_EVERY_S:
        return "every_s", f"1 to {MAX_EVERY_S} seconds"
    if len(policy.rules) > MAX_QUOTA_RULES:
        return "rules", f"at most {MAX_QUOTA_RULES}"
    named: set[str] = set()
    for at, rule in enumerate(policy.rules):
        skus = rule.skus or ("",)
        if twice := sorted(named & set(skus)):
            what = f"{twice[0]!r} in one rule" if twice[0] else "one rule without skus"
            return f"rules[{at}].skus", f"{what} only, for the first would win"
        named |= set(skus)
        if wrong := _rule(rule, warehouses) or _shops(rule, shops, told):
            return f"rules[{at}].{wrong[0]}", wrong[1]
    return None


def _rule(rule: QuotaRule, warehouses: Container[str]) -> tuple[str, str] | None:
    if not all(is_code(sku) for sku in rule.skus):
        return "skus", f"SKUs of 1 to {MAX_CODE} printable characters, no blanks around them"
    if strange := [code for code in rule.warehouses if code not in warehouses]:
        return "warehouses", f"warehouses of warehouses.yml, got {strange[0]!r}"
    if not 0 <= rule.buffer_units <= MAX_QUOTA_UNITS:
        return "buffer_units", f"0 to {MAX_QUOTA_UNITS}"
    return None


def _shops(rule: QuotaRule, shops: Mapping[str, Shop], told: Container[str]) -> tuple[str, str] | None:
    if not rule.shops or len({each.shop for each in rule.shops}) < len(rule.shops):
        return "shops", "at least one, each once"
    for each in rule.shops:
        shop = shops.get(each.shop)
        if shop is None:
            return "shops", f"shops of shops.yml, got {each.shop!r}"
        if shop.channel not in told:
            return (
                "shops",
                f"shops of a channel that takes stock, which {shop.channel} ({each.shop}) does not",
            )
        if (each.units > 0) == (each.percent > 0):
            return "shops", f"units or percent above 0 of {each.shop}, one of them"
        if not (0 <= each.units <= MAX_QUOTA_UNITS and 0 <= each.percent <= WHOLE):
            return "shops", f"0 to {MAX_QUOTA_UNITS} units or {WHOLE} percent of {each.shop}"
    if not rule.shared and sum(each.percent for each in rule.shops) > WHOLE:
        return "shops", f"{WHOLE} percent in all, or shared: true"
    return None
