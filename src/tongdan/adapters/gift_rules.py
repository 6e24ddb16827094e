"""What a rule of `conf/gifts.yml` has to be, so that it gives what was meant and nothing by mistake.

A period is written in the rule's own `zone` and kept as UTC instants, half-open.
"""

from collections.abc import Container
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from tongdan.domain.catalog.skus import MAX_CODE, is_code
from tongdan.domain.kernel.gifts import (
    DROP,
    MAX_GIFT_UNITS,
    MAX_GIFTS,
    MAX_LIMIT_TIMES,
    MAX_TIMES,
    WAIT,
    GiftRule,
)
from tongdan.domain.kernel.money import MAX_FEN

MAX_NAME: Final = 40
MAX_UNITS: Final = 1_000_000
MAX_PRIORITY: Final = 1_000
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class WrittenRule(GiftRule, frozen=True, kw_only=True):
    """A rule as a person writes it: times without an offset are those of `zone`."""

    zone: str = "Asia/Shanghai"


def rule_of(written: WrittenRule) -> GiftRule:
    """`zone` has been checked."""
    zone = ZoneInfo(written.zone)
    fields = {name: getattr(written, name) for name in GiftRule.__struct_fields__}
    return GiftRule(**fields | {"since": _utc(written.since, zone), "until": _utc(written.until, zone)})


def _utc(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    if at is None:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def mistake(rule: GiftRule, shops: Container[str]) -> tuple[str, str] | None:
    """The field that is wrong, and what was expected there; None: nothing is."""
    if not 0 < len(rule.name) <= MAX_NAME or not set(rule.name) <= _NAME:
        return "name", f"1 to {MAX_NAME} small letters, digits and hyphens"
    if not (rule.name_en.strip() and rule.name_zh.strip()):
        return "name_en", "what people call it, in both languages"
    if strange := [shop for shop in rule.shops if shop not in shops]:
        return "shops", f"shops of shops.yml, got {strange[0]!r}"
    if rule.since is not None and rule.until is not None and rule.since >= rule.until:
        return "until", "an instant after since"
    return _gifts(rule) or _conditions(rule)


def _gifts(rule: GiftRule) -> tuple[str, str] | None:
    if not 0 < len(rule.gifts) <= MAX_GIFTS:
        return "gifts", f"1 to {MAX_GIFTS} of them"
    if len({gift.sku for gift in rule.gifts}) < len(rule.gifts):
        return "gifts", "each SKU once, with all its units"
    for field, skus in (("gifts", [gift.sku for gift in rule.gifts]), ("skus", rule.skus)):
        if not all(is_code(sku) for sku in skus):
            return field, f"SKUs of 1 to {MAX_CODE} printable characters, no blanks around them"
    if not all(0 < gift.units <= MAX_GIFT_UNITS for gift in rule.gifts):
        return "gifts", f"1 to {MAX_GIFT_UNITS} units of each"
    if rule.when_short not in (DROP, WAIT):
        return "when_short", f"{DROP} or {WAIT}"
    return None


def _conditions(rule: GiftRule) -> tuple[str, str] | None:
    limits = {
        "units_from": (0, MAX_UNITS),
        "amount_from_fen": (0, MAX_FEN),
        "at_most_times": (1, MAX_TIMES),
        "limit_times": (0, MAX_LIMIT_TIMES),
        "priority": (-MAX_PRIORITY, MAX_PRIORITY),
    }
    for field, (least, most) in limits.items():
        if not least <= getattr(rule, field) <= most:
            return field, f"{least} to {most}"
    if not (rule.units_from or rule.amount_from_fen):
        return "units_from", "units_from, amount_from_fen or both, or every order would get it"
    if rule.at_most_times > 1 and not rule.repeats:
        return "at_most_times", "repeats: true beside it, or it gives once"
    return None
