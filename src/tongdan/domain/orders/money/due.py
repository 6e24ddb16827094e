"""What of an order is still to be settled, and by when: so long after all was signed for, as its channel pays out."""

from datetime import datetime, timedelta

from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.model import Order


def unsettled_fen(order: Order) -> int | None:
    """What finance should still settle, in fen; None while no amount is known."""
    if order.settled_at is not None:
        return 0
    if order.own:
        return order.received_fen - order.owed_fen
    if order.paid is not None:
        return order.paid.amount_fen - order.platform_refunded_fen
    return order.amount_fen - order.platform_refunded_fen if order.known else None


def settle_by(order: Order, signed_at: datetime, ctx: Context) -> datetime | None:
    """None: the channel's map does not say when it pays out."""
    channel = ctx.policy.channels.get(order.channel)
    if channel is None or not channel.settles_within_s or order.settled_at is not None:
        return None
    return signed_at + timedelta(seconds=channel.settles_within_s)
