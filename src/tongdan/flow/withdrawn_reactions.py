"""What follows when units of an order are not wanted any more: stock, shipments, and what a person has to see."""

from tongdan.domain.fulfillment import commands as ship
from tongdan.domain.orders import facts as told
from tongdan.domain.orders.goods import withdrawn_facts as withdrawn
from tongdan.domain.orders.lines import Units
from tongdan.domain.sync import kinds
from tongdan.flow.reactions import asked_again, freed
from tongdan.flow.routing import Commands, Recorded
from tongdan.flow.ticket_reactions import ticket


def free_withdrawn(fact: withdrawn.UnitsWithdrawn, at: Recorded) -> Commands:
    return freed(at.aggregate, fact.freed)


def reserve_fewer(fact: withdrawn.UnitsWithdrawn, at: Recorded) -> Commands:
    return asked_again(at.aggregate, fact.again, fact.again_units, fact.region, fact.until)


def call_back(fact: withdrawn.UnitsWithdrawn, at: Recorded) -> Commands:
    for shipment in fact.shipments:
        yield ship.RecallShipment(shipment=shipment, reason=fact.reason, order=at.aggregate)


def in_parcel(fact: withdrawn.UnitsWithdrawn, at: Recorded) -> Commands:
    if fact.apart:
        yield from ticket(at, kinds.WITHDRAWN_IN_PARCEL, _named(fact.apart))


def left_though_withdrawn(fact: told.LinesShipped, at: Recorded) -> Commands:
    if fact.withdrawn and fact.wanted:
        said = f"{fact.shipment} {fact.carrier} {fact.waybill} {_named(fact.withdrawn)}"
        yield from ticket(at, kinds.LEFT_THOUGH_WITHDRAWN, said)


def refund_of_unknown(fact: withdrawn.LinesRefunded, at: Recorded) -> Commands:
    if fact.unknown:
        yield from ticket(at, kinds.REFUND_OF_UNKNOWN, f"{fact.reference} {', '.join(fact.unknown)}")


def _named(units: tuple[Units, ...]) -> str:
    return ", ".join(f"#{each.line} ×{each.units}" for each in units)
