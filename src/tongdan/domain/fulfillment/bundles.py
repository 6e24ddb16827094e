"""Stock of a bundle (组合装): there is none. Whoever asks for it is told its parts, and asks for those.

So a line that names a bundle is opened whichever shop it comes from, and a line that names an ordinary SKU pays
nothing for it.
"""

from tongdan.domain.fulfillment.commands import ReserveStock, SetParts
from tongdan.domain.fulfillment.facts import BundleAsked, PartsSet
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.fulfillment.stocking import reserve_stock
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal


def set_parts(stock: Stock | None, command: SetParts, ctx: Context) -> Decision | Refusal:
    if command.parts == (() if stock is None else stock.parts):
        return NOTHING
    return Decision((PartsSet(sku=command.sku, parts=command.parts),))


def reserve(stock: Stock | None, command: ReserveStock, ctx: Context) -> Decision | Refusal:
    """What was reserved before it became a bundle stays, and so does what waits for that."""
    if stock is None or not stock.parts:
        return reserve_stock(stock, command, ctx)
    bucket = stock.bucket(command.order)
    held = bucket.reservation(command.order, command.line)
    if held is not None or bucket.last_ended(command.order, command.line) >= command.attempt:
        return reserve_stock(stock, command, ctx)
    asked = BundleAsked(
        sku=command.sku, order=command.order, line=command.line, attempt=command.attempt, parts=stock.parts
    )
    return Decision((asked,))
