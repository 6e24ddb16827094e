"""Which systems say of an order what cannot be true together with what we hold: the odd cells of the board.

Systems are heard one after the other, so a lag is no disagreement; only pairs that no lag explains are listed
(`kernel.status.IMPOSSIBLE`). A WMS and a carrier speak of one shipment, of which other things can be true than of the
order; finance and payment are heard through what the order knows of its money.
"""

from typing import Final

from tongdan.domain.kernel.status import IMPOSSIBLE, Status
from tongdan.domain.orders.model import CHANNEL, Order, Parcel, gone
from tongdan.domain.orders.status import status

FINANCE: Final = "finance"
PAYMENT: Final = "payment"


def disagreeing(order: Order) -> tuple[str, ...]:
    """The names of these systems; a platform's cancellation of what has left here is one too."""
    ours = status(order)
    found = [system for system, said in order.said.items() if _cannot_be(order, ours, system, said.status)]
    if order.settled_at is not None and not order.cancelled and "settled" in IMPOSSIBLE.get(ours, ()):
        found.append(FINANCE)
    if order.questioned is not None and order.paid is None:
        found.append(PAYMENT)
    return tuple(found)


def _cannot_be(order: Order, ours: Status, system: str, word: str) -> bool:
    _, _, shipment = system.partition("/")
    if shipment and (parcels := _parcels(order, shipment)):
        out = any(parcel.returned_at is None for parcel in parcels)
        if word == "cancelled" or not out:  # what has come back had left, whatever it says of that
            return out
    elif shipment and word == "cancelled":
        return False  # the others of the order may have left
    if ours is Status.CANCELLED and gone(order):
        return system == CHANNEL and word == "cancelled"
    return word in IMPOSSIBLE.get(ours, ())


def _parcels(order: Order, shipment: str) -> list[Parcel]:
    """Of a shipment as `said` calls it: S1, or by its whole name where its lead is another order."""
    return [each for each in order.parcels if each.shipment.endswith(shipment)]
