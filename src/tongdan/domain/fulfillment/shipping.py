"""What is decided about a shipment: hand it to its warehouse, understand the reports, call it back.

Reports are never refused. A recall withdraws the push if it has not been sent and asks the WMS to cancel in any case,
because nobody can know that it was not sent; units that had left already are reported as such.
"""

from bisect import insort
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    Package,
    PlanShipment,
    RecallShipment,
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsProcess,
    RecordWmsRefused,
)
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.shipment import (
    SHIPMENT,
    WORRY_SILENT,
    Departure,
    Node,
    ParcelStatus,
    Shipment,
    ShipmentStage,
)
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

SIGN: Final = "SIGN"
ENDED_BY_WMS: Final = frozenset({"REJECT", "CANCELED", "CLOSED"})
MAX_TRACKS: Final = 300


# ---- out


def plan_shipment(shipment: Shipment | None, command: PlanShipment, ctx: Context) -> Decision | Refusal:
    if shipment is not None:
        return NOTHING
    items = tuple([Item(each.line, each.sku, each.units, each.amount_fen) for each in command.items])
    planned = f.ShipmentPlanned(
        order=command.order,
        channel=command.channel,
        shop=command.shop,
        native=command.native,
        warehouse=command.warehouse,
        items=items,
        region=command.region,
    )
    push = f.PushToWms(
        partner=_partner(command.warehouse),
        shipment=ctx.id,
        order=command.order,
        channel=command.channel,
        shop=command.shop,
        native=command.native,
        warehouse=command.warehouse,
        items=items,
        placed_at=command.placed_at,
    )
    return Decision((planned,), (push,))


def _partner(warehouse: str) -> str:
    return f"wms/{warehouse}"


def recall_shipment(shipment: Shipment, command: RecallShipment, ctx: Context) -> Decision | Refusal:
    if shipment.recall or shipment.stage in (ShipmentStage.RECALLED, ShipmentStage.REFUSED):
        return NOTHING
    remaining = () if shipment.closed else shipment.remaining()
    facts: list[Fact] = [f.RecallRequested(reason=command.reason)]
    if shipment.departures:
        facts.append(f.RecallFailed(order=shipment.order, reason="units have left already"))
    if not remaining:
        return Decision(tuple(facts))
    cancel = f.CancelAtWms(
        partner=_partner(shipment.warehouse),
        shipment=ctx.id,
        warehouse=shipment.warehouse,
        reason=command.reason,
    )
    return Decision(tuple(facts), (cancel,), supersedes=("PushToWms",))


def record_recall(shipment: Shipment, command: RecordRecall, ctx: Context) -> Decision | Refusal:
    if command.stopped:
        return _recalled(shipment, command.reason)
    if shipment.recall_failed:
        return NOTHING
    return Decision((f.RecallFailed(order=shipment.order, reason=command.reason),))


def _recalled(shipment: Shipment, reason: str) -> Decision:
    remaining = _still_to_leave(shipment)
    if not remaining:
        return NOTHING
    return Decision((f.ShipmentRecalled(order=shipment.order, items=remaining, reason=reason),))


def _still_to_leave(shipment: Shipment) -> tuple[Item, ...]:
    over = shipment.closed or shipment.stage in (ShipmentStage.RECALLED, ShipmentStage.REFUSED)
    return () if over else shipment.remaining()


# ---- in


def record_wms_accepted(shipment: Shipment, command: RecordWmsAccepted, ctx: Context) -> Decision | Refusal:
    if not SHIPMENT.allows(shipment.stage, ShipmentStage.ACCEPTED):
        return NOTHING
    return Decision((f.WmsAccepted(wms_order=command.wms_order),))


def record_wms_refused(shipment: Shipment, command: RecordWmsRefused, ctx: Context) -> Decision | Refusal:
    return _refused(shipment, command.reason)


def _refused(shipment: Shipment, reason: str) -> Decision:
    remaining = _still_to_leave(shipment)
    if not remaining or not SHIPMENT.allows(shipment.stage, ShipmentStage.REFUSED):
        return NOTHING
    return Decision((f.WmsRefused(order=shipment.order, items=remaining, reason=reason),))


def record_wms_process(shipment: Shipment, command: RecordWmsProcess, ctx: Context) -> Decision | Refusal:
    """A step of the WMS: evidence. Only a signature and the WMS giving up have consequences."""
    signs = command.status == SIGN
    if signs and shipment.signed_at is not None and command.operated_at <= shipment.signed_at:
        return NOTHING
    last = shipment.process_at
    if (command.operated_at, command.status) == (last, shipment.process):
        return NOTHING
    step = f.WmsProcessed(
        status=command.status,
        operated_at=command.operated_at,
        info=command.info,
        stale=last is not None and (command.operated_at, command.status) < (last, shipment.process),
    )
    after = evolve(shipment, step)
    more: tuple[Fact, ...] = ()
    if signs:
        more = signatures(after)
    elif command.status in ENDED_BY_WMS:
        ended = _recalled if shipment.recall else _refused
        more = ended(after, f"{command.status} {command.info}".strip()).facts
    return Decision((step, *more))


def confirm_delivery(shipment: Shipment, command: ConfirmDelivery, ctx: Context) -> Decision | Refusal:
    facts: list[Fact] = []
    for parcel, packages in _parcels(command).items():
        for fact in _depart(shipment, parcel, packages, command, ctx):
            facts.append(fact)
            shipment = evolve(shipment, fact)
    if command.final and (short := _still_to_leave(shipment)):
        facts.append(f.ShipmentShort(order=shipment.order, items=short))
        shipment = evolve(shipment, facts[-1])
    if facts:
        facts.extend(signatures(shipment))
    return Decision(tuple(facts))


def _parcels(command: ConfirmDelivery) -> dict[str, list[Package]]:
    """Packages by what tells a parcel: its waybill or, where that is blank, the number of the confirmation."""
    parcels: dict[str, list[Package]] = {}
    for package in command.packages:
        parcels.setdefault(package.waybill or f"@{command.out_biz_code}", []).append(package)
    return parcels


def _depart(
    shipment: Shipment, parcel: str, packages: list[Package], command: ConfirmDelivery, ctx: Context
) -> list[Fact]:
    """What this parcel carries beyond what it was reported with before."""
    fresh: dict[str, int] = {}
    for each in (item for package in packages for item in package.items):
        fresh[each.sku] = fresh.get(each.sku, 0) + max(0, each.units)
    for sku, units in _reported(shipment, parcel):
        fresh[sku] = fresh.get(sku, 0) - units
    items = _match(shipment, fresh)
    facts: list[Fact] = []
    if items:
        facts.append(
            f.ShipmentDispatched(
                order=shipment.order,
                warehouse=command.warehouse or shipment.warehouse,
                dispatch=f"{ctx.id}.{len(shipment.departures) + 1}",
                parcel=parcel,
                carrier=packages[0].carrier,
                waybill=packages[0].waybill,
                weight_g=sum(package.weight_g for package in packages),
                items=items,
                dispatched_at=command.confirmed_at,
                complete=_units(shipment.remaining()) == _units(items),
                track_by=_track_by(packages[0], ctx),
            )
        )
    if surplus := tuple([Item(0, sku, units) for sku, units in fresh.items() if units > 0]):
        facts.append(f.ShipmentSurplus(order=shipment.order, parcel=parcel, items=surplus))
    return facts


def _track_by(package: Package, ctx: Context) -> datetime | None:
    followed = package.waybill and package.carrier in ctx.policy.carriers
    return ctx.now + timedelta(seconds=ctx.policy.deadlines.track_within_s) if followed else None


def _reported(shipment: Shipment, parcel: str) -> Iterator[tuple[str, int]]:
    """SKUs and units that this parcel was reported with before."""
    for departure in shipment.departures:
        if departure.parcel == parcel:
            yield from ((item.sku, item.units) for item in departure.items)
    yield from ((sku, units) for name, sku, units in shipment.surplus if name == parcel)


def _match(shipment: Shipment, units: dict[str, int]) -> tuple[Item, ...]:
    """Spread units of SKUs over the planned lines in order; takes what fits out of `units`."""
    matched = []
    for item in shipment.remaining():
        n = min(item.units, units.get(item.sku, 0))
        if n > 0:
            units[item.sku] -= n
            matched.append(replace(item, units=n))
    return tuple(matched)


def _units(items: tuple[Item, ...]) -> int:
    return sum(item.units for item in items)


def signatures(shipment: Shipment) -> tuple[Fact, ...]:
    """Signatures that can be given now: by the carrier for its parcel, or by the WMS; what is signed stays so.

    The WMS's covers what had left by then. A warehouse may confirm late, under a later time than the signature's
    own; if only one departure is known, it is the one that was signed for.
    """
    said_at, only = shipment.signed_at, len(shipment.departures) == 1
    by_carrier = {
        node.waybill: node.at for node in reversed(shipment.tracks) if node.status == ParcelStatus.SIGNED
    }
    signed: dict[datetime, list[Departure]] = {}
    for departure in shipment.departures:
        at = by_carrier.get(departure.waybill)
        if at is None and said_at is not None and (only or departure.at <= said_at):
            at = said_at
        if at is not None and not departure.signed:
            signed.setdefault(at, []).append(departure)
    return tuple([_signed(shipment, at, signed[at]) for at in sorted(signed)])


def _signed(shipment: Shipment, at: datetime, signed: list[Departure]) -> f.ShipmentSigned:
    items: dict[int, Item] = {}
    for item in (item for departure in signed for item in departure.items):
        old = items.get(item.line)
        items[item.line] = item if old is None else replace(item, units=item.units + old.units)
    return f.ShipmentSigned(
        order=shipment.order,
        items=tuple(items.values()),
        signed_at=at,
        dispatches=tuple([departure.dispatch for departure in signed]),
        ends=(WORRY_SILENT,) if shipment.silent else (),
    )


# ---- folding


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
    if all(d.signed for d in departures) and (shipment.closed or not shipment.remaining()):
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
    return replace(shipment, recall=fact.reason or "recalled")


def _on_recalled(shipment: Shipment, fact: f.ShipmentRecalled) -> Shipment:
    if SHIPMENT.allows(shipment.stage, ShipmentStage.RECALLED):
        return replace(shipment, stage=ShipmentStage.RECALLED)
    return replace(shipment, closed=True)


def _on_recall_failed(shipment: Shipment, fact: f.RecallFailed) -> Shipment:
    return replace(shipment, recall_failed=True)


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
}
