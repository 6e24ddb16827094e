"""Purchase limits between the catalogue, stock, orders and what buyers have."""

from tongdan.domain.catalog.facts import SkuDescribed
from tongdan.domain.fulfillment.quota_commands import SetLimit
from tongdan.domain.fulfillment.quota_facts import LimitFound
from tongdan.domain.guard.limit_facts import CountPurchase, PurchaseRefused, ReturnPurchase
from tongdan.domain.orders.facts import OrderCancelled
from tongdan.domain.orders.goods.limit_facts import AskLimit, LimitAsked, NoteLimitExceeded
from tongdan.flow.routing import Commands, Recorded


def set_limit(fact: SkuDescribed, at: Recorded) -> Commands:
    yield SetLimit(sku=fact.sku, limit_units=fact.description.limit_units)


def ask_limit(fact: LimitFound, at: Recorded) -> Commands:
    yield AskLimit(
        order=fact.order, line=fact.line, sku=fact.sku, units=fact.units, limit_units=fact.limit_units
    )


def count_purchase(fact: LimitAsked, at: Recorded) -> Commands:
    yield CountPurchase(
        limit=fact.limit,
        order=at.aggregate,
        line=fact.line,
        sku=fact.sku,
        units=fact.units,
        limit_units=fact.limit_units,
    )


def note_exceeded(fact: PurchaseRefused, at: Recorded) -> Commands:
    yield NoteLimitExceeded(order=fact.order, sku=fact.sku, limit_units=fact.limit_units)


def return_cancelled(fact: OrderCancelled, at: Recorded) -> Commands:
    for limit in fact.limits:
        yield ReturnPurchase(limit=limit, order=at.aggregate)
