"""Telling the seller's own systems how a refund stands, so that each of them can be shown to know, and to have undone.

A word is announced by a fact and proven by another; who may be told which when is decided by whoever calls this.
"""

from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.confirmation.facts import RefundAnnounced, TellRefund
from tongdan.domain.orders.draft import Draft


def announce(draft: Draft, ctx: Context, no: int, partner: str, word: str, reason: str = "") -> None:
    """Tell `partner`, and remember that its answer is awaited."""
    draft.tell(RefundAnnounced(refund=no, partner=partner, word=word))
    tell(draft, ctx, no, partner, word, reason)


def tell(draft: Draft, ctx: Context, no: int, partner: str, word: str, reason: str = "") -> None:
    """Tell `partner`; nothing depends on its answer."""
    order, refund, its = draft.order, draft.order.refund(no), draft.order.confirmation(no)
    assert refund is not None
    assert its is not None
    draft.do(
        TellRefund(
            partner=partner,
            order=ctx.id,
            channel=order.channel,
            shop=order.shop,
            native=order.native,
            refund=refund_id(ctx.id, no),
            amount_fen=refund.amount_fen,
            word=word,
            at=ctx.now,
            cause=its.cause,
            reason=reason,
        )
    )
