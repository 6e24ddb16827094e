"""A SKU's stock by warehouse, and its quotas: what each outlet was told, and what a rule says it should be told."""

from typing import Final

import msgspec

from tongdan.domain.fulfillment.quota import Quota, divided, to_promise
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import quota_key, stock_key
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.kernel.quotas import QuotaPolicy
from tongdan.ports import Reads

NO_STOCK: Final = RefusalKind(
    "no-such-stock",
    404,
    en="Nothing was ever counted or reserved of {sku!r}. Look the code up with `tongdan catalog list`.",
    zh="{sku!r} 没有任何库存记录。请用 `tongdan catalog list` 核对编码。",
)
NO_QUOTAS: Final = RefusalKind(
    "no-quotas",
    404,
    en="{sku!r} is matched with no platform SKU. Match it with `tongdan catalog match`.",
    zh="{sku!r} 未匹配任何平台商品。请用 `tongdan catalog match` 匹配。",
)


class InWarehouse(msgspec.Struct, frozen=True, kw_only=True):
    warehouse: str
    on_hand: int
    reserved: int
    available: int


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """`waiting_units` are wanted by orders and not there; a bundle has `parts` and no stock."""

    sku: str
    warehouses: tuple[InWarehouse, ...]
    waiting_units: int
    parts: dict[str, int]


class OutletView(msgspec.Struct, frozen=True, kw_only=True):
    """`due`: what the rule says. `asked`: on its way. `published`: what the platform confirmed last. None: nothing."""

    channel: str
    shop: str
    offer: str
    product: str
    due: int | None
    asked: int | None
    published: int | None


class QuotasView(msgspec.Struct, frozen=True, kw_only=True):
    """`units` may be sold in all; None: no rule, or nothing is known of its stock yet."""

    sku: str
    units: int | None
    buffer_units: int
    shared: bool
    outlets: tuple[OutletView, ...]


def stock_of(reads: Reads, sku: str) -> StockView | Refusal:
    stock = reads.order(stock_key(sku))
    if not isinstance(stock, Stock):
        return NO_STOCK.of(sku=sku[:64])
    levels = [
        InWarehouse(warehouse=code, on_hand=one.on_hand, reserved=one.reserved, available=one.available)
        for code, one in stock.levels.items()
    ]
    return StockView(
        sku=sku,
        warehouses=tuple(levels),
        waiting_units=sum(each.units for each in stock.waiting),
        parts={part.sku: part.units for part in stock.parts},
    )


def quotas_of(reads: Reads, policy: QuotaPolicy, sku: str) -> QuotasView | Refusal:
    """What would be told under `policy`, beside what was."""
    quota = reads.order(quota_key(sku))
    if not isinstance(quota, Quota) or not quota.outlets:
        return NO_QUOTAS.of(sku=sku[:64])
    rule = policy.rule_of(sku)
    units = None if rule is None else to_promise(quota, rule)
    due = {} if rule is None or units is None else divided(units, rule, quota.outlets)
    outlets = [
        OutletView(
            channel=each.channel,
            shop=each.shop,
            offer=each.offer,
            product=each.product,
            due=due.get(each.key),
            asked=asked.units if (asked := quota.asked.get(each.key)) is not None else None,
            published=quota.published.get(each.key),
        )
        for each in quota.outlets
    ]
    return QuotasView(
        sku=sku,
        units=units,
        buffer_units=0 if rule is None else rule.buffer_units,
        shared=rule is not None and rule.shared,
        outlets=tuple(outlets),
    )
