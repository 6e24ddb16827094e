"""The ERP's copy of an order: pushed when it first goes to the warehouses, taken back when it is cancelled.

Which shop's orders go to which ERP is said by `conf/shops.yml`. The lane keeps the two in order, and a push that has
not been sent when the order is cancelled never is.
"""

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp_facts import CancelAtErp, PushToErp
from tongdan.domain.orders.model import Order


def push_to_erp(draft: Draft, ctx: Context) -> None:
    """Of an order that is about to be released."""
    order, partner = draft.order, partner_of(draft.order, ctx)
    if not partner or order.shipments or order.placed_at is None:
        return
    wanted = [(each.line, each.line.units - each.stopped) for each in order.lines]
    draft.do(
        PushToErp(
            partner=partner,
            order=ctx.id,
            channel=order.channel,
            shop=order.shop,
            native=order.native,
            lines=tuple([replace(line, units=units) for line, units in wanted if units]),
            amount_fen=order.amount_fen,
            freight_fen=order.freight_fen,
            discount_fen=order.discount_fen,
            placed_at=order.placed_at,
            paid_at=order.paid.paid_at if order.paid is not None else None,
        )
    )


def cancel_at_erp(draft: Draft, ctx: Context, reason: str) -> None:
    """Of an order that is cancelled. One that was never released is not known there."""
    partner = partner_of(draft.order, ctx)
    if partner and draft.order.shipments:
        draft.withdraw("PushToErp")
        draft.do(CancelAtErp(partner=partner, order=ctx.id, shop=draft.order.shop, reason=reason))


def partner_of(order: Order, ctx: Context) -> str:
    """The ERP that hears of the order's shop; "" for none."""
    shop = ctx.policy.shops.get(order.shop)
    return f"erp/{shop.erp}" if shop is not None and shop.erp else ""
