"""Parcels packed anew: what a packing table, its sources, its parcels, the orders and the stock hear of each other.

table -> sources (call back) -> table (given, kept) -> shipments or other tables -> orders -> shipments (if unwanted).
"""

from tongdan.domain.fulfillment import commands as ship
from tongdan.domain.fulfillment import facts as told
from tongdan.domain.fulfillment.packing import MERGE, SPLIT, UNDO
from tongdan.domain.kernel.keys import packing_key
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.facts import LinesRepacked
from tongdan.domain.orders.goods.commands import NoteRepacked
from tongdan.domain.orders.lines import Units
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.flow.routing import Commands, Recorded


def call_back_sources(fact: told.PackingStarted, at: Recorded) -> Commands:
    if fact.what in (MERGE, SPLIT, UNDO):
        for source in fact.sources:
            yield ship.CallBack(shipment=source, packing=_table(at), job=fact.job, shop=fact.shop)


def note_given(fact: told.UnitsGiven, at: Recorded) -> Commands:
    yield ship.NoteGiven(
        order=fact.packing, job=fact.job, source=at.aggregate, warehouse=fact.warehouse, items=fact.items
    )


def note_kept(fact: told.CallBackRefused, at: Recorded) -> Commands:
    yield ship.NoteKept(order=fact.packing, job=fact.job, source=at.aggregate, reason=fact.reason)


def place_parcels(fact: told.ParcelsFormed, at: Recorded) -> Commands:
    """A parcel becomes a shipment here, or goes to the table of the one order that it is of."""
    for n, parcel in enumerate(fact.parcels):
        if parcel.shipment:
            yield _plan(fact, parcel)
        else:
            yield ship.TakeBack(
                order=parcel.lead.order, channel=fact.channel, shop=fact.shop, lead=parcel.lead,
                source=f"{_table(at)}/{fact.job}/{n}", warehouse=parcel.warehouse, items=parcel.items,
            )  # fmt: skip


def _plan(fact: told.ParcelsFormed, parcel: told.PackedParcel) -> Command:
    lead = parcel.lead
    return ship.PlanShipment(
        shipment=parcel.shipment, order=lead.order, channel=fact.channel, shop=fact.shop, native=lead.native,
        warehouse=parcel.warehouse, items=parcel.items, placed_at=lead.placed_at, region=lead.region,
    )  # fmt: skip


def move_reserved(fact: told.ParcelsFormed, at: Recorded) -> Commands:
    for n, each in enumerate(fact.moved):
        yield ship.MoveStock(
            sku=each.sku, order=each.order, line=each.line, units=each.units, origin=each.origin,
            warehouse=each.warehouse, key=f"{_table(at)}/{fact.job}/{n}",
        )  # fmt: skip


def note_repacked(fact: told.ShipmentPlanned, at: Recorded) -> Commands:
    """Hung on the plan, so that whatever an order asks of a shipment it hears of finds the shipment there."""
    for order in dict.fromkeys([item.order for item in fact.items if item.order]):
        units = tuple([Units(item.line, item.units) for item in fact.items if item.order == order])
        yield NoteRepacked(order=order, shipment=at.aggregate, units=units)


def recall_repacked(fact: LinesRepacked, at: Recorded) -> Commands:
    """It was cancelled before it knew of this shipment, or nothing in it is wanted any more."""
    if not fact.wanted:
        yield ship.RecallShipment(shipment=fact.shipment, reason="cancelled", order=at.aggregate)


def stock_overdrawn(fact: told.StockMoved, at: Recorded) -> Commands:
    if fact.missing:
        summary = f"{fact.sku} {fact.warehouse} -{fact.missing}"
        yield RaiseTicket(subject=fact.order, kind=kinds.STOCK_OVERDRAWN, summary=summary)


def _table(at: Recorded) -> str:
    """The order whose packing table a fact is of."""
    return at.aggregate.removeprefix(packing_key(""))
