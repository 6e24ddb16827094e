"""A SKU that one buyer may have only so much of: its stock knows, and says so of every line that reserves it first.

So a line of a SKU without a limit pays nothing for it.
"""

from msgspec.structs import replace

from tongdan.domain.fulfillment.bundles import reserve
from tongdan.domain.fulfillment.commands import ReserveStock
from tongdan.domain.fulfillment.quota_commands import SetLimit
from tongdan.domain.fulfillment.quota_facts import LimitFound, LimitSet
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal


def set_limit(stock: Stock | None, command: SetLimit, ctx: Context) -> Decision | Refusal:
    if command.limit_units == (0 if stock is None else stock.limit_units):
        return NOTHING
    return Decision((LimitSet(sku=command.sku, limit_units=command.limit_units),))


def reserve_limited(stock: Stock | None, command: ReserveStock, ctx: Context) -> Decision | Refusal:
    decision = reserve(stock, command, ctx)
    if stock is None or not stock.limit_units or command.attempt > 1 or isinstance(decision, Refusal):
        return decision
    if not decision.facts:
        return decision
    found = LimitFound(
        sku=command.sku,
        order=command.order,
        line=command.line,
        units=command.units,
        limit_units=stock.limit_units,
    )
    return replace(decision, facts=(*decision.facts, found))
