"""Which partners may know an order, under which names they know it, and how we see what they can know of it."""

from collections.abc import Callable, Set
from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.ids import payment_id, refund_id
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.pulse import head
from tongdan.domain.kernel.standing import OurStanding
from tongdan.domain.orders.goods.delivery import FINANCE, channel_partner
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.standing import at_the_till, on_the_road, standing
from tongdan.ports import Subject, Watched

PAYMENT: Final = "payment/wechat"
ON_THE_ROAD: Final = ("wms", "carrier")


def watched(id: str, order: Order, changed_at: datetime, witnesses: Set[str]) -> Watched:
    """An order that is lost or not known yet is asked about nowhere."""
    partners = [] if order.lost or not order.known else sorted(_partners(order) & witnesses)
    return Watched(id, tuple(partners), changed_at)


def is_over(order: Order, policy: Policy, now: datetime) -> bool:
    """Closed so long ago that nobody asks about it any more."""
    closed_at = order.cancelled_at if order.cancelled else order.completed_at
    return closed_at is not None and now - closed_at > timedelta(days=policy.pulse.closed_within_days)


def subject(id: str, order: Order, partner: str, person: Callable[[], Person | None]) -> Subject:
    """`shipments` only of the warehouse that is asked, `parcels` only of the carrier, `refunds` only of the price."""
    price = {each.transaction for each in order.payments if order.counts(each)}
    return Subject(
        id=id,
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        shipments=tuple(
            [f"{id}-S{each.no}" for each in order.shipments if partner == f"wms/{each.warehouse}"]
        ),
        parcels=tuple(
            [
                (each.shipment, each.waybill)
                for each in order.parcels
                if each.waybill and partner == f"carrier/{each.carrier}"
            ]
        ),
        payments=tuple([payment_id(id, each.no) for each in order.attempts if each.no]),
        refunds=tuple([refund_id(id, each.no) for each in order.refunds if each.transaction in price]),
        person=person,
    )


def ours(order: Order, partner: str, changed_at: datetime) -> OurStanding:
    if head(partner) in ON_THE_ROAD:
        return on_the_road(order, partner, changed_at)
    return at_the_till(order, changed_at) if partner == PAYMENT else standing(order, changed_at)


def _partners(order: Order) -> set[str]:
    partners = {FINANCE} if order.ships or order.cancelled else set[str]()
    if not order.own:
        partners.add(channel_partner(order))
    elif any(each.no for each in order.attempts):
        partners.add(PAYMENT)
    partners |= {f"wms/{each.warehouse}" for each in order.shipments}
    partners |= {f"carrier/{each.carrier}" for each in order.parcels if each.waybill}
    return partners
