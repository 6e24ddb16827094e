"""What a rule of `conf/holds.yml` has to be, so that it holds what was meant and nothing by mistake."""

from collections.abc import Container
from typing import Final

from tongdan.domain.guard.risk import MARKS, MAX_SEEN
from tongdan.domain.kernel.policy import HoldRule

ACTIONS: Final = ("review", "risk")
MAX_NAME: Final = 24
MAX_WINDOW_S: Final = 30 * 86_400
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def mistake(
    rule: HoldRule, shops: Container[str], channels: Container[str], provinces: Container[str]
) -> tuple[str, str] | None:
    """The field that is wrong, and what was expected there; None: nothing is."""
    if not 0 < len(rule.name) <= MAX_NAME or not set(rule.name) <= _NAME:
        return "name", f"1 to {MAX_NAME} small letters, digits and hyphens"
    if rule.action not in ACTIONS:
        return "action", f"one of {', '.join(ACTIONS)}"
    known = {"shops": shops, "channels": channels, "regions": provinces, "by": MARKS}
    for field, names in known.items():
        if strange := [name for name in getattr(rule, field) if name not in names]:
            return field, f"names that are known, got {strange[0]!r}"
    return _buyer(rule) or _limits(rule)


def _buyer(rule: HoldRule) -> tuple[str, str] | None:
    if (rule.orders_at_least > 0) != (rule.within_s > 0):
        return "within_s", "orders_at_least and within_s together"
    if rule.orders_at_least and not 2 <= rule.orders_at_least <= MAX_SEEN:
        return "orders_at_least", f"2 to {MAX_SEEN} orders"
    if rule.within_s and not 0 < rule.within_s <= MAX_WINDOW_S:
        return "within_s", f"1 to {MAX_WINDOW_S} seconds"
    if rule.first_order and (rule.blacklisted or rule.orders_at_least):
        return "first_order", "no other condition about the buyer beside it"
    if rule.by and not rule.of_buyer:
        return "by", "a condition about the buyer beside it: blacklisted, orders_at_least or first_order"
    return None


def _limits(rule: HoldRule) -> tuple[str, str] | None:
    if rule.amount_above_fen is not None and rule.amount_above_fen < 0:
        return "amount_above_fen", "0 fen or more"
    if rule.lift_after_s is not None and rule.lift_after_s <= 0:
        return "lift_after_s", "a positive number of seconds"
    conditions = (
        rule.skus, rule.regions, rule.amount_above_fen is not None, rule.incomplete_address, rule.address_changed,
        rule.of_buyer, rule.shops, rule.channels,
    )  # fmt: skip
    return None if any(conditions) else ("name", "at least one condition, or every order would be held")
