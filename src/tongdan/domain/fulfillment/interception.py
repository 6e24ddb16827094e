"""Turning back what has left: the carrier is asked for parcels of which no order wants anything any more.

Each step is proven by what the other side says: the WMS could not stop it (it left), the carrier was asked, it agreed
or refused, the parcel came back. Only the last of these makes the goods safe. A parcel of several orders is turned back
when none of them wants it, and one that its carrier cannot turn back is a person's.
"""

from datetime import datetime
from typing import Final

from tongdan.domain.fulfillment import intercept_facts as f
from tongdan.domain.fulfillment.commands import RecordInterception
from tongdan.domain.fulfillment.shipment import (
    ACCEPTED,
    ASKED,
    Departure,
    ParcelStatus,
    Shipment,
)
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Effect, Fact, Refusal

RECALL_FAILED: Final = "recall-failed"
INTERCEPTION_REFUSED: Final = "interception-refused"


def ask_carriers(shipment: Shipment, ctx: Context) -> tuple[list[Fact], list[Effect]]:
    """Ask for every parcel that can be asked for and was not."""
    facts: list[Fact] = []
    effects: list[Effect] = []
    for each in shipment.departures:
        if _can_be_asked_for(shipment, each, ctx):
            asked = f.InterceptionAsked(
                order=shipment.order, dispatch=each.dispatch, carrier=each.carrier, waybill=each.waybill
            )
            facts.append(asked)
            effects.append(
                f.InterceptParcel(
                    partner=f"carrier/{each.carrier}",
                    shipment=ctx.id,
                    warehouse=shipment.warehouse,
                    dispatch=each.dispatch,
                    waybill=each.waybill,
                )
            )
    return facts, effects


def _can_be_asked_for(shipment: Shipment, departure: Departure, ctx: Context) -> bool:
    carrier = ctx.policy.carriers.get(departure.carrier)
    if carrier is None or not carrier.intercepts or not departure.waybill:
        return False
    over = departure.signed or departure.dispatch in shipment.returned
    unwanted = all(shipment.is_unwanted(shipment.owner(item)) for item in departure.items)
    return unwanted and not over and departure.dispatch not in shipment.intercepted


def record_interception(shipment: Shipment, command: RecordInterception, ctx: Context) -> Decision | Refusal:
    """The carrier's answer, whatever it is, ends the asking."""
    departure = next((each for each in shipment.departures if each.dispatch == command.dispatch), None)
    if departure is None or shipment.intercepted.get(command.dispatch) != ASKED:
        return NOTHING
    told: Fact
    if command.accepted:
        told = f.InterceptionAccepted(
            order=shipment.order, dispatch=departure.dispatch, waybill=departure.waybill
        )
    else:
        told = f.InterceptionRefused(
            order=shipment.order,
            dispatch=departure.dispatch,
            waybill=departure.waybill,
            reason=command.reason,
        )
    return Decision((told,))


def returns(shipment: Shipment) -> list[Fact]:
    """The parcels that are back: a signature after a node that says "returned" is the sender's own."""
    facts: list[Fact] = []
    for each in shipment.departures:
        at = back_at(shipment, each)
        if at is not None and not each.signed and each.dispatch not in shipment.returned:
            facts.append(
                f.ParcelReturned(
                    order=shipment.order,
                    dispatch=each.dispatch,
                    waybill=each.waybill,
                    items=each.items,
                    returned_at=at,
                    ends=(RECALL_FAILED, f"{INTERCEPTION_REFUSED}:{each.dispatch}")
                    if shipment.recall
                    else (),
                )
            )
    return facts


def back_at(shipment: Shipment, departure: Departure) -> datetime | None:
    """When the parcel was signed for where it came from."""
    nodes = [node for node in shipment.tracks if node.waybill == departure.waybill]
    turned = [node.at for node in nodes if node.status == ParcelStatus.RETURNED]
    signed = [node.at for node in nodes if node.status == ParcelStatus.SIGNED]
    return next((at for at in signed if turned and at > turned[0]), None)


def may_be_signed(shipment: Shipment, departure: Departure) -> bool:
    """Not one that turned back, nor one that its carrier has agreed to turn back."""
    return (
        back_at(shipment, departure) is None
        and departure.dispatch not in shipment.returned
        and shipment.intercepted.get(departure.dispatch) != ACCEPTED
    )
