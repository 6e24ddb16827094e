"""The one place where money is sent back: the provider is asked, under a number that takes effect once."""

from datetime import datetime, timedelta

from tongdan.domain.kernel.ids import payment_id, refund_id
from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.model import Payment
from tongdan.domain.orders.money.payments import PROVIDER
from tongdan.domain.orders.money.refund_facts import RefundPayment, RefundRequested


def send_back(
    draft: Draft, ctx: Context, no: int, payment: Payment, amount_fen: int, adds_fen: int, reason: str
) -> None:
    """Request the refund `no` of `payment`; `adds_fen` of it was not owed before."""
    draft.tell(
        RefundRequested(
            refund=no,
            attempt=payment.attempt,
            transaction=payment.transaction,
            amount_fen=amount_fen,
            adds_fen=adds_fen,
            reason=reason,
            check_at=next_check(ctx),
        )
    )
    draft.do(
        RefundPayment(
            partner=PROVIDER,
            shop=draft.order.shop,
            out_trade_no=payment_id(ctx.id, payment.attempt),
            transaction=payment.transaction,
            out_refund_no=refund_id(ctx.id, no),
            amount_fen=amount_fen,
            total_fen=payment.amount_fen,
        )
    )


def next_check(ctx: Context) -> datetime:
    """When the result is asked for, should nobody have told it."""
    return ctx.now + timedelta(seconds=ctx.policy.deadlines.refund_within_s)
