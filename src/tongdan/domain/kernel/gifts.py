"""Gift rules (赠品): buy X, get Y. Which gifts an order gets is a pure function of what was bought, and when.

The rules are part of the policy and shared: orders are given their gifts by them, the catalogue counts what limited
ones have given, and a preview tries rules that are not in force. What was bought is counted as it was sold: of a bundle
the bundles, never its parts; gifts and what is sent again count for nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

DROP: Final = "drop"
WAIT: Final = "wait"
MAX_RULES: Final = 500
MAX_GIFTS: Final = 20  # kinds that one rule gives
MAX_GIFT_UNITS: Final = 1_000  # of one kind at a time
MAX_TIMES: Final = 1_000  # that a rule gives to one order
MAX_LIMIT_TIMES: Final = 10_000  # that a limited rule gives in all: each is remembered by its order
MAX_GIFT_LINES: Final = 50  # of one order


class Present(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    units: int = 1


class GiftRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who buys `units_from` units, and for `amount_from_fen`, of `skus` (none: of anything) gets `gifts`.

    With `repeats` once for every such quantity, at most `at_most_times` to one order. In `shops` (none: in all), placed
    from `since` to before `until`. `exclusive`: gives only where no rule of higher `priority` (or the same, and an
    earlier name) gave, and then no other gives. `when_short`: DROP or WAIT. `limit_times` in all; 0 without limit.
    """

    name: str
    name_en: str
    name_zh: str
    gifts: tuple[Present, ...]
    active: bool = True
    shops: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    skus: tuple[str, ...] = ()
    units_from: int = 0
    amount_from_fen: int = 0
    repeats: bool = False
    at_most_times: int = 1
    exclusive: bool = False
    priority: int = 0
    when_short: str = DROP
    limit_times: int = 0


class Bought(NamedTuple):
    """Goods of an order as they were sold; `amount_fen` is what its line says the buyer pays for them."""

    sku: str
    units: int
    amount_fen: int


class Given(NamedTuple):
    rule: GiftRule
    times: int


def gifts(bought: Sequence[Bought], rules: Iterable[GiftRule], shop: str, at: datetime) -> list[Given]:
    """What the rules give for an order that was placed in `shop` at `at`, in the order they are tried."""
    given: list[Given] = []
    lines = 0
    for rule in sorted(rules, key=lambda each: (-each.priority, each.name)):
        if (rule.exclusive and given) or lines + len(rule.gifts) > MAX_GIFT_LINES:
            continue
        if not _applies(rule, shop, at) or not (times := _times(rule, bought)):
            continue
        given.append(Given(rule, times))
        lines += len(rule.gifts)
        if rule.exclusive:
            break
    return given


def _applies(rule: GiftRule, shop: str, at: datetime) -> bool:
    if not rule.active or (rule.shops and shop not in rule.shops):
        return False
    return (rule.since is None or rule.since <= at) and (rule.until is None or at < rule.until)


def _times(rule: GiftRule, bought: Sequence[Bought]) -> int:
    counted = [each for each in bought if not rule.skus or each.sku in rule.skus]
    reached = [
        have // wanted
        for have, wanted in (
            (sum(each.units for each in counted), rule.units_from),
            (sum(each.amount_fen for each in counted), rule.amount_from_fen),
        )
        if wanted
    ]
    return min([*reached, rule.at_most_times if rule.repeats else 1])
