"""Calling a shipment back before it leaves: for good, or to be packed anew.

A call-back withdraws the push if it has not been sent and asks the WMS to cancel in any case, because nobody can know
that it was not sent. The WMS answers once for the whole parcel: what an order no longer wants is stopped, the rest goes
to the packing table that called for it (or, if none had, to that of the parcel's own order). What has left is its
carrier's to turn back (`interception.py`).
"""

from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment.commands import CallBack, RecallShipment, RecordRecall
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.folding import evolve
from tongdan.domain.fulfillment.intercept_facts import InterceptionAsked
from tongdan.domain.fulfillment.interception import ask_carriers
from tongdan.domain.fulfillment.shipment import Shipment, ShipmentStage, wms
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Fact, Refusal

PUSH: Final = f.PushToWms.__name__
PACKED_ANEW: Final = "packed anew"
LEFT: Final = "units have left already"
NOTHING_LEFT: Final = "nothing of it is still to leave"
OTHER_SHOP: Final = "it is of another shop"
COLLECTED: Final = "its price is collected at the door"
BEING_PACKED: Final = "it is being packed anew already"
BEING_LEFT: Final = "an order is leaving it"


def recall_shipment(shipment: Shipment, command: RecallShipment, ctx: Context) -> Decision | Refusal:
    wanting = [order for order in shipment.orders() if not shipment.is_unwanted(order)]
    fresh = [order for order in wanting if command.order in ("", order)]
    if not fresh or shipment.stage in (ShipmentStage.RECALLED, ShipmentStage.REFUSED):
        return NOTHING
    orders = () if len(fresh) == len(shipment.orders()) else tuple(fresh)
    requested = f.RecallRequested(reason=command.reason, orders=orders)
    asked, effects = ask_carriers(evolve(shipment, requested), ctx)
    facts: list[Fact] = [requested, *asked]
    if _left(shipment, fresh) - {each.dispatch for each in asked if type(each) is InterceptionAsked}:
        facts.append(f.RecallFailed(order=shipment.order, reason=LEFT))
    here = any(shipment.owner(item) in fresh for item in shipment.still_to_leave())
    if shipment.unpushed and here:
        return _not_handed_over(shipment, facts, command.reason)
    if shipment.asked_back or not here:
        return Decision(tuple(facts), tuple(effects))
    return Decision(tuple(facts), (cancel(shipment, ctx, command.reason), *effects), supersedes=(PUSH,))


def _left(shipment: Shipment, orders: list[str]) -> set[str]:
    """The departures with something of `orders` in them that are not back."""
    return {
        each.dispatch
        for each in shipment.departures
        if each.dispatch not in shipment.returned
        and any(shipment.owner(item) in orders for item in each.items)
    }


def call_back(shipment: Shipment, command: CallBack, ctx: Context) -> Decision | Refusal:
    """Answered in any case: at once when it cannot be, else when the WMS has answered."""
    if shipment.called == (command.packing, command.job):
        return NOTHING
    if why_not := not_callable(shipment, command.shop):
        return Decision((_kept(command.packing, command.job, why_not),))
    called = f.CalledBack(packing=command.packing, job=command.job)
    if shipment.unpushed:
        return _not_handed_over(shipment, [called], PACKED_ANEW)
    return Decision((called,), (cancel(shipment, ctx, PACKED_ANEW),), supersedes=(PUSH,))


def _not_handed_over(shipment: Shipment, facts: list[Fact], reason: str) -> Decision:
    """The warehouse has not heard of it (its number is waited for), so nobody has to be asked."""
    for fact in facts:
        shipment = evolve(shipment, fact)
    return Decision((*facts, *stopped(shipment, reason).facts))


def not_callable(shipment: Shipment, shop: str) -> str:
    """Why a shipment cannot be packed anew; "" when it can."""
    if shipment.shop != shop:
        return OTHER_SHOP
    if shipment.departures:
        return LEFT
    if not shipment.still_to_leave():
        return NOTHING_LEFT
    if shipment.collect_fen:
        return COLLECTED
    if shipment.called is not None:
        return BEING_PACKED
    return BEING_LEFT if shipment.recall else ""


def record_recall(shipment: Shipment, command: RecordRecall, ctx: Context) -> Decision | Refusal:
    if command.stopped:
        return stopped(shipment, command.reason)
    facts: list[Fact] = []
    if shipment.called is not None:
        facts.append(_kept(*shipment.called, command.reason))
    if not shipment.recall_failed and (shipment.recall or shipment.called is None):
        facts.append(f.RecallFailed(order=shipment.order, reason=command.reason))
    return Decision(tuple(facts))


def stopped(shipment: Shipment, reason: str) -> Decision:
    """The WMS will not send what is left of it. If nobody had asked for that, all of it is stopped."""
    remaining, called = shipment.still_to_leave(), shipment.called
    asked = called is not None or shipment.recall != ""
    rest = tuple([item for item in remaining if asked and not shipment.is_unwanted(shipment.owner(item))])
    gone = tuple([item for item in remaining if item not in rest])
    facts: list[Fact] = []
    if gone:
        facts.append(f.ShipmentRecalled(order=shipment.order, items=gone, reason=reason))
    if rest:
        packing, job = called or (shipment.order, 0)
        given = tuple([_named(shipment, item) for item in rest])
        facts.append(f.UnitsGiven(packing=packing, job=job, warehouse=shipment.warehouse, items=given))
    elif called is not None:
        facts.append(_kept(*called, NOTHING_LEFT))
    return Decision(tuple(facts))


def _named(shipment: Shipment, item: Item) -> Item:
    """The item with its order's name on it: it leaves the order it was planned for."""
    return item if item.order else replace(item, order=shipment.order, native=shipment.native)


def _kept(packing: str, job: int, reason: str) -> f.CallBackRefused:
    return f.CallBackRefused(packing=packing, job=job, reason=reason)


def cancel(shipment: Shipment, ctx: Context, reason: str) -> f.CancelAtWms:
    return f.CancelAtWms(
        partner=wms(shipment.warehouse), shipment=ctx.id, warehouse=shipment.warehouse, reason=reason
    )
