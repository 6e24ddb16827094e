"""Parcels that turn back: orders have them asked for, and are told when they are there."""

from collections.abc import Iterator

from tongdan.domain.fulfillment.commands import RecallShipment
from tongdan.domain.fulfillment.intercept_facts import ParcelReturned
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.commands import PayBack
from tongdan.domain.orders.facts import LinesReturned, ParcelsWantedBack
from tongdan.domain.orders.goods.commands import NoteReturned
from tongdan.flow.reactions import by_order, units_of
from tongdan.flow.routing import Recorded


def turn_back(fact: ParcelsWantedBack, at: Recorded) -> Iterator[Command]:
    for shipment in fact.shipments:
        yield RecallShipment(shipment=shipment, reason=fact.reason, order=at.aggregate)


def note_returned(fact: ParcelReturned, at: Recorded) -> Iterator[Command]:
    for whose, items in by_order(fact.order, fact.items):
        yield NoteReturned(
            order=whose,
            shipment=at.aggregate,
            dispatch=fact.dispatch,
            units=units_of(items),
            returned_at=fact.returned_at,
        )


def refund_returned(fact: LinesReturned, at: Recorded) -> Iterator[Command]:
    if not fact.wanted:
        yield PayBack(order=at.aggregate)
