"""How we see an order, in the words in which systems are compared, narrowed to what a partner can know of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.standing import OurStanding
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import RefundStage, Stage
from tongdan.domain.orders.model import Order, bought, gone, here
from tongdan.domain.orders.money.settling import told_by_bill
from tongdan.domain.orders.status import status

_S: Final = Status


def standing(order: Order, changed_at: datetime) -> OurStanding:
    """The whole order, as a channel, a payment provider, an ERP or finance may see it. The receiver is added by who may
    open it."""
    now = status(order)
    return OurStanding(
        status=_name(now),
        reached=frozenset(map(_name, _reached(order, now))),
        amount_fen=order.amount_fen if order.known else None,
        units=_sold(order),
        waybills=_waybills(order),
        refunded_fen=_refunded_fen(order),
        own=order.own,
        changed_at=changed_at,
    )


def at_the_till(order: Order, changed_at: datetime) -> OurStanding:
    """The money alone, as who collected it sees it: any that came in is paid, whatever we think of the sum."""
    whole = standing(order, changed_at)
    paid = {_name(_S.PAID)} if order.payments else set[str]()
    return replace(whole, reached=frozenset({_name(_S.CREATED)} | paid))


def in_the_house(order: Order, stands: str, waybills: Iterable[str], changed_at: datetime) -> OurStanding:
    """What of an order a warehouse was given: `stands` is what its shipments come to ("": it was given none)."""
    reached = {_name(_S.RELEASED), stands} if stands else set[str]()
    return OurStanding(
        status=_name(status(order)),
        reached=frozenset(reached),
        waybills=tuple(sorted(set(waybills))),
        own=order.own,
        changed_at=changed_at,
    )


def by_parcels(order: Order, changed_at: datetime) -> OurStanding:
    """The parcels alone, as who answers the buyer's questions is told of them: also of those that came back."""
    waybills = _waybills(order)
    return OurStanding(
        status=_name(status(order)),
        reached=frozenset({_name(_S.SHIPPED)} if waybills else ()),
        waybills=waybills,
        own=order.own,
        changed_at=changed_at,
    )


def on_the_road(order: Order, partner: str, changed_at: datetime) -> OurStanding:
    """What of an order a carrier has had in its hands: parcels, and nothing of money."""
    parcels = [each for each in order.parcels if each.waybill and partner == f"carrier/{each.carrier}"]
    reached = {_name(_S.RELEASED)} if order.shipments else set[str]()
    if parcels:
        reached.add(_name(_S.SHIPPED))
    if parcels and all(parcel.signed_at is not None for parcel in parcels):
        reached.add(_name(_S.SIGNED))
    return OurStanding(
        status=_name(status(order)),
        reached=frozenset(reached),
        waybills=tuple(sorted({parcel.waybill for parcel in parcels})),
        own=order.own,
        changed_at=changed_at,
    )


def _waybills(order: Order) -> tuple[str, ...]:
    return tuple(sorted({parcel.waybill for parcel in order.parcels if parcel.waybill}))


def _reached(order: Order, now: Status) -> set[Status]:
    reached = {_S.ANNOUNCED, now}
    if order.known:
        reached.add(_S.CREATED)
    if order.paid is not None:
        reached.add(_S.PAID)
    if order.shipments:
        reached.add(_S.RELEASED)
    if gone(order):
        reached.add(_S.SHIPPED)
    if gone(order) and not here(order) and not order.due(Stage.SHIPPED):
        reached.add(_S.SIGNED)
    if order.settled_at is not None:
        reached.add(_S.SETTLED)
    if told_by_bill(order.settlement):  # no other system has seen that bill
        reached.discard(_S.SETTLED)
    if order.cancelled:
        reached.add(_S.CANCELLED)
    if order.paid is None:  # what goes back was never the price, and no book has it as such
        reached -= {_S.REFUND_PENDING, _S.REFUNDED}
    return reached


def _refunded_fen(order: Order) -> int:
    """What went back of the price; sums that came in twice are no part of it."""
    if not order.own:
        return order.platform_refunded_fen
    price = {each.transaction for each in order.payments if order.counts(each)}
    return sum(
        [
            each.amount_fen
            for each in order.refunds
            if each.stage is RefundStage.SUCCEEDED and each.transaction in price
        ]
    )


def _sold(order: Order) -> dict[str, int] | None:
    """Units by the channel's name of the line; None where it has named none."""
    sold = {
        line.line.native: line.line.units // (line.line.bundle_units or 1)
        for line in bought(order)
        if line.line.native
    }
    return sold or None


def _name(status: Status) -> str:
    return status.name.lower()
