"""Which partners may know an order, under which names they know it, and how we see what they can know of it."""

from collections.abc import Callable, Mapping, Set
from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.fulfillment.shipment import Shipment, wms
from tongdan.domain.kernel.ids import payment_id, refund_id
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.pulse import head
from tongdan.domain.kernel.standing import OurStanding, together
from tongdan.domain.orders.goods.delivery import FINANCE, SERVICE, channel_partner
from tongdan.domain.orders.goods.reservation import open_shipments
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.standing import at_the_till, by_parcels, in_the_house, on_the_road, standing
from tongdan.ports import Subject, Watched

PAYMENT: Final = "payment/wechat"
RELEASED, SHIPPED, CANCELLED = "released", "shipped", "cancelled"


def watched(id: str, order: Order, changed_at: datetime, witnesses: Set[str], policy: Policy) -> Watched:
    """An order that is lost or not known yet is asked about nowhere."""
    partners = [] if order.lost or not order.known else sorted(_partners(order, policy) & witnesses)
    return Watched(id, tuple(partners), changed_at)


def is_over(order: Order, policy: Policy, now: datetime) -> bool:
    """Closed so long ago that nobody asks about it any more."""
    closed_at = order.cancelled_at if order.cancelled else order.completed_at
    return closed_at is not None and now - closed_at > timedelta(days=policy.pulse.closed_within_days)


def handed_over(
    id: str, order: Order, partner: str, read: Callable[[str], object | None]
) -> Mapping[str, Shipment]:
    """The shipments with lines of the order that this warehouse was given."""
    if head(partner) != "wms":
        return {}
    found = {each: read(each) for each in dict.fromkeys(open_shipments(order, id))}
    return {
        each: state
        for each, state in found.items()
        if isinstance(state, Shipment) and wms(state.warehouse) == partner and not state.unpushed
    }


def subject(
    id: str,
    order: Order,
    partner: str,
    shipments: Mapping[str, Shipment],
    person: Callable[[], Person | None],
) -> Subject:
    """`shipments` only of the warehouse that is asked, `parcels` only of the carrier, `refunds` only of the price."""
    price = {each.transaction for each in order.payments if order.counts(each)}
    off = [each for each, state in shipments.items() if _word(state) == CANCELLED]
    return Subject(
        id=id,
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        shipments=tuple(shipments),
        parcels=tuple(
            [
                (each.shipment, each.waybill)
                for each in order.parcels
                if each.waybill and partner == f"carrier/{each.carrier}"
            ]
        ),
        payments=tuple([payment_id(id, each.no) for each in order.attempts if each.no]),
        refunds=tuple([refund_id(id, each.no) for each in order.refunds if each.transaction in price]),
        off=(*([id] if order.cancelled else []), *off),
        person=person,
    )


def ours(order: Order, partner: str, shipments: Mapping[str, Shipment], changed_at: datetime) -> OurStanding:
    if head(partner) == "wms":
        words = [_word(each) for each in shipments.values()]
        waybills = [left.waybill for each in shipments.values() for left in each.departures if left.waybill]
        return in_the_house(order, together(words), waybills, changed_at)
    if head(partner) == "carrier":
        return on_the_road(order, partner, changed_at)
    if partner == SERVICE:
        return by_parcels(order, changed_at)
    return at_the_till(order, changed_at) if partner == PAYMENT else standing(order, changed_at)


def _word(shipment: Shipment) -> str:
    """A shipment is shipped when all that leaves has left."""
    if shipment.still_to_leave():
        return RELEASED
    return SHIPPED if shipment.departures or shipment.closed else CANCELLED


def _partners(order: Order, policy: Policy) -> set[str]:
    partners = {FINANCE} if order.ships or order.cancelled else set[str]()
    if not order.own:
        partners.add(channel_partner(order))
    elif any(each.no for each in order.attempts):
        partners.add(PAYMENT)
    partners |= {f"wms/{each.warehouse}" for each in order.shipments}
    partners |= {f"carrier/{each.carrier}" for each in order.parcels if each.waybill}
    shop = policy.shops.get(order.shop)
    if shop is not None and shop.erp and order.shipments:
        partners.add(f"erp/{shop.erp}")
    if order.shop in policy.notices.tells_service and any(each.waybill for each in order.parcels):
        partners.add(SERVICE)
    return partners
