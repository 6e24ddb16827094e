"""Purchase limits (限购) of own shops: what one buyer may have of a SKU, counted for all their orders in turn.

An order asks when its stock is reserved; one that is refused is cancelled by name, and what came in goes back as
always. A cancelled order gives its units back. A platform has sold already, and its buyers are not known here.
"""

from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.limit_facts import AskLimit, LimitAsked, LimitExceeded, NoteLimitExceeded
from tongdan.domain.orders.lifecycle import cancel
from tongdan.domain.orders.model import Order, gone

PURCHASE_LIMIT: Final = "purchase-limit"


def ask_limit(order: Order, command: AskLimit, ctx: Context) -> Decision | Refusal:
    sold = next((each.line for each in order.lines if each.line.no == command.line), None)
    if order.cancelled or not order.own or not order.buyer or sold is None:
        return NOTHING
    if sold.gift or sold.replaces or sold.part_of not in (0, sold.no):
        return NOTHING
    asked = LimitAsked(
        limit=f"{order.shop}/{order.buyer}/{command.sku}",
        line=command.line,
        sku=command.sku,
        units=command.units,
        limit_units=command.limit_units,
    )
    return Decision((asked,))


def note_limit_exceeded(order: Order, command: NoteLimitExceeded, ctx: Context) -> Decision | Refusal:
    """What has left stays sold."""
    if order.cancelled or gone(order):
        return NOTHING
    draft = Draft(order)
    draft.tell(LimitExceeded(sku=command.sku, limit_units=command.limit_units))
    reason = f"{PURCHASE_LIMIT}: {command.sku} ≤ {command.limit_units}"
    cancel(draft, ctx, by=PURCHASE_LIMIT, reason=reason, at=ctx.now)
    return draft.decision()
