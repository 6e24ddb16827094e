"""Finance is told again that an order counts, because a comparison has shown that it does not have it.

It is the milestone as it was: finance keeps the first of each, so one that it has after all is not counted twice.
"""

from typing import Final

from tongdan.domain.kernel.messages import Command, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.telling_facts import MilestoneRetold

PAID: Final = "paid"


class TellFinanceAgain(Command, frozen=True, kw_only=True):
    """`reason`: what the comparison found."""

    order: str
    reason: str


def tell_again(order: Order, command: TellFinanceAgain, ctx: Context) -> Decision | Refusal:
    if order.paid is None:
        return refusals.NOT_COUNTED_YET.of(order=ctx.id)
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    draft = Draft(order)
    draft.tell(MilestoneRetold(milestone=PAID, reason=command.reason))
    tell_finance(draft, ctx, PAID, order.paid.paid_at)
    return draft.decision()
