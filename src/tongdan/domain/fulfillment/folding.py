"""How facts fold into the state of a shipment: one small function a fact. Nothing is decided here."""

from bisect import insort
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment import intercept_facts as i
from tongdan.domain.fulfillment.again_facts import WmsToldAgain
from tongdan.domain.fulfillment.shipment import (
    ACCEPTED,
    ASKED,
    MAX_TRACKS,
    REFUSED,
    SHIPMENT,
    SIGN,
    Departure,
    Node,
    Shipment,
    ShipmentStage,
    cut,
)
from tongdan.domain.fulfillment.track_folding import CHECKS
from tongdan.domain.fulfillment.waybill_folding import WAYBILLS
from tongdan.domain.kernel.messages import EFFECT_FACTS, Fact


def evolve(shipment: Shipment | None, fact: Fact) -> Shipment:
    """The state after `fact`. Raises KeyError for a fact that is none of a shipment's."""
    if type(fact) is f.ShipmentPlanned:
        return _on_planned(fact)
    assert shipment is not None
    if type(fact) in EFFECT_FACTS:
        return shipment
    return _EVOLVE[type(fact)](shipment, fact)


def _on_planned(fact: f.ShipmentPlanned) -> Shipment:
    return Shipment(
        order=fact.order,
        channel=fact.channel,
        shop=fact.shop,
        native=fact.native,
        warehouse=fact.warehouse,
        items=fact.items,
        placed_at=fact.placed_at,
        collect_fen=fact.collect_fen,
    )


def _on_accepted(shipment: Shipment, fact: f.WmsAccepted) -> Shipment:
    stage = SHIPMENT.step(shipment.stage, ShipmentStage.ACCEPTED)
    return replace(shipment, stage=stage, wms_order=fact.wms_order)


def _on_refused(shipment: Shipment, fact: f.WmsRefused) -> Shipment:
    return replace(shipment, stage=SHIPMENT.step(shipment.stage, ShipmentStage.REFUSED))


def _on_processed(shipment: Shipment, fact: f.WmsProcessed) -> Shipment:
    if fact.status == SIGN:
        shipment = replace(shipment, signed_at=fact.operated_at)
    if fact.stale:
        return shipment
    return replace(shipment, process=fact.status, process_at=fact.operated_at)


def _on_dispatched(shipment: Shipment, fact: f.ShipmentDispatched) -> Shipment:
    departure = Departure(
        dispatch=fact.dispatch,
        parcel=fact.parcel,
        carrier=fact.carrier,
        waybill=fact.waybill,
        items=fact.items,
        at=fact.dispatched_at,
    )
    stage = ShipmentStage.DISPATCHED if fact.complete else ShipmentStage.PARTLY_DISPATCHED
    if shipment.stage is not stage:
        stage = SHIPMENT.step(shipment.stage, stage)
    ask_at = fact.track_by or shipment.ask_at
    return replace(shipment, stage=stage, departures=(*shipment.departures, departure), ask_at=ask_at)


def _on_signed(shipment: Shipment, fact: f.ShipmentSigned) -> Shipment:
    departures = tuple(
        [replace(d, signed=True) if d.dispatch in fact.dispatches else d for d in shipment.departures]
    )
    shipment = replace(shipment, departures=departures, silent=False)
    if all(d.signed or d.dispatch in shipment.returned for d in departures) and (
        shipment.closed or not shipment.remaining()
    ):
        return replace(shipment, stage=SHIPMENT.step(shipment.stage, ShipmentStage.SIGNED))
    return shipment


def _on_tracked(shipment: Shipment, fact: f.ParcelTracked) -> Shipment:
    tracks = list(shipment.tracks)
    insort(tracks, Node(at=fact.at, waybill=fact.waybill, code=fact.code, status=fact.status))
    kept = tuple(tracks[-MAX_TRACKS:])
    return replace(shipment, tracks=kept, ask_at=fact.next_by, asked=0, silent=False)


def _on_asked(shipment: Shipment, fact: f.TracksAsked) -> Shipment:
    return replace(shipment, asked=fact.times, ask_at=fact.again_at)


def _on_silent(shipment: Shipment, fact: f.ParcelsSilent) -> Shipment:
    return replace(shipment, ask_at=None, silent=True)


def _on_surplus(shipment: Shipment, fact: f.ShipmentSurplus) -> Shipment:
    more = tuple([(fact.parcel, item.sku, item.units) for item in fact.items])
    return replace(shipment, surplus=shipment.surplus + more)


def _on_short(shipment: Shipment, fact: f.ShipmentShort) -> Shipment:
    return replace(shipment, closed=True)


def _on_recall(shipment: Shipment, fact: f.RecallRequested) -> Shipment:
    return replace(shipment, recall=fact.reason or "recalled", unwanted=(*shipment.unwanted, *fact.orders))


def _on_called_back(shipment: Shipment, fact: f.CalledBack) -> Shipment:
    return replace(shipment, called=(fact.packing, fact.job))


def _on_call_back_refused(shipment: Shipment, fact: f.CallBackRefused) -> Shipment:
    answered = shipment.called == (fact.packing, fact.job)
    return replace(shipment, called=None) if answered else shipment


def _on_given(shipment: Shipment, fact: f.UnitsGiven) -> Shipment:
    """What it gave is no longer its own; what had left, or was stopped, stays."""
    given = {item.of: item.units for item in fact.items}
    kept = [cut(i, given.get((shipment.owner(i), i.line), 0))[1] for i in shipment.items]
    items = tuple([item for item in kept if item.units])
    return replace(_no_longer_here(shipment), items=items, called=None)


def _on_recalled(shipment: Shipment, fact: f.ShipmentRecalled) -> Shipment:
    return _no_longer_here(shipment)


def _no_longer_here(shipment: Shipment) -> Shipment:
    if SHIPMENT.allows(shipment.stage, ShipmentStage.RECALLED):
        return replace(shipment, stage=ShipmentStage.RECALLED)
    return replace(shipment, closed=True)


def _as_it_is(shipment: Shipment, fact: Fact) -> Shipment:
    return shipment


def _on_recall_failed(shipment: Shipment, fact: f.RecallFailed) -> Shipment:
    return replace(shipment, recall_failed=True)


def _on_interception_asked(shipment: Shipment, fact: i.InterceptionAsked) -> Shipment:
    return _intercepted(shipment, fact.dispatch, ASKED)


def _on_interception_accepted(shipment: Shipment, fact: i.InterceptionAccepted) -> Shipment:
    return _intercepted(shipment, fact.dispatch, ACCEPTED)


def _on_interception_refused(shipment: Shipment, fact: i.InterceptionRefused) -> Shipment:
    return _intercepted(shipment, fact.dispatch, REFUSED)


def _intercepted(shipment: Shipment, dispatch: str, stands: str) -> Shipment:
    return replace(shipment, intercepted={**shipment.intercepted, dispatch: stands})


def _on_returned(shipment: Shipment, fact: i.ParcelReturned) -> Shipment:
    return replace(shipment, returned=(*shipment.returned, fact.dispatch), silent=False)


_EVOLVE: Final[dict[type[Fact], Callable[..., Shipment]]] = {
    f.WmsAccepted: _on_accepted,
    f.WmsRefused: _on_refused,
    f.WmsProcessed: _on_processed,
    f.ShipmentDispatched: _on_dispatched,
    f.ShipmentSigned: _on_signed,
    f.ParcelTracked: _on_tracked,
    f.TracksAsked: _on_asked,
    f.ParcelsSilent: _on_silent,
    f.ShipmentShort: _on_short,
    f.ShipmentSurplus: _on_surplus,
    f.RecallRequested: _on_recall,
    f.ShipmentRecalled: _on_recalled,
    f.RecallFailed: _on_recall_failed,
    WmsToldAgain: _as_it_is,
    f.CalledBack: _on_called_back,
    f.CallBackRefused: _on_call_back_refused,
    f.UnitsGiven: _on_given,
    i.InterceptionAsked: _on_interception_asked,
    i.InterceptionAccepted: _on_interception_accepted,
    i.InterceptionRefused: _on_interception_refused,
    i.ParcelReturned: _on_returned,
    **WAYBILLS,
    **CHECKS,
}
