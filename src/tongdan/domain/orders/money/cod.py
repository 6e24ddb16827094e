"""Cash on delivery (货到付款): released before it is paid, the money comes with the carrier or the settlement.

A platform says so by its status, an own shop by asking for this way of paying. From then on everything goes as if it
were paid; the warehouse is told what to collect. What was signed for and not paid by a deadline is a person's.
"""

from datetime import timedelta
from typing import Final

from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.reservation import asked_for, retry
from tongdan.domain.orders.model import COD
from tongdan.domain.orders.money.cod_facts import CashOnDelivery, CashOverdue

METHOD: Final = "cod"  # what an own shop's buyer chooses instead of wechat


def note_status(draft: Draft, ctx: Context, status: str) -> None:
    """The channel's word that the price is collected at the door."""
    if status == COD:
        agree(draft, ctx)


def agree(draft: Draft, ctx: Context) -> None:
    order = draft.order
    if order.ships or order.cancelled:
        return
    promise = timedelta(seconds=ctx.policy.deadlines.ship_within_s)
    draft.tell(CashOnDelivery(reserved=asked_for(order), ship_by=ctx.now + promise))
    retry(draft, None)


def tell_overdue(draft: Draft) -> None:
    order = draft.order
    assert order.cash_by is not None
    draft.tell(CashOverdue(amount_fen=order.amount_fen, cash_by=order.cash_by))
