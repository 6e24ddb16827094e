"""What is decided about a shipment: hand it to its warehouse, understand the reports. Calling it back: `recalling.py`.

Reports are never refused. Whatever a warehouse says of a parcel, its units move once, and those of every order with
lines in it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    Package,
    PlanShipment,
    RecordWmsAccepted,
    RecordWmsProcess,
    RecordWmsRefused,
)
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.folding import evolve
from tongdan.domain.fulfillment.interception import ask_carriers, may_be_signed
from tongdan.domain.fulfillment.recalling import stopped
from tongdan.domain.fulfillment.shipment import (
    SHIPMENT,
    SIGN,
    WORRY_SILENT,
    Departure,
    ParcelStatus,
    Shipment,
    ShipmentStage,
    cut,
)
from tongdan.domain.fulfillment.waybills import set_out
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Fact, Refusal

ENDED_BY_WMS: Final = frozenset({"REJECT", "CANCELED", "CLOSED"})


# ---- out


def plan_shipment(shipment: Shipment | None, command: PlanShipment, ctx: Context) -> Decision | Refusal:
    if shipment is not None:
        return NOTHING
    planned = f.ShipmentPlanned(
        order=command.order,
        channel=command.channel,
        shop=command.shop,
        native=command.native,
        warehouse=command.warehouse,
        items=command.items,
        region=command.region,
        placed_at=command.placed_at,
        collect_fen=command.collect_fen,
    )
    begun = set_out(evolve(None, planned), ctx)
    return Decision((planned, *begun.facts), begun.effects)


# ---- in


def record_wms_accepted(shipment: Shipment, command: RecordWmsAccepted, ctx: Context) -> Decision | Refusal:
    if not SHIPMENT.allows(shipment.stage, ShipmentStage.ACCEPTED):
        return NOTHING
    return Decision((f.WmsAccepted(wms_order=command.wms_order),))


def record_wms_refused(shipment: Shipment, command: RecordWmsRefused, ctx: Context) -> Decision | Refusal:
    return _refused(shipment, command.reason)


def _refused(shipment: Shipment, reason: str) -> Decision:
    remaining = shipment.still_to_leave()
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
        also=shipment.also(),
    )
    after = evolve(shipment, step)
    more: tuple[Fact, ...] = ()
    if signs:
        more = signatures(after)
    elif command.status in ENDED_BY_WMS:
        ended = stopped if shipment.asked_back else _refused
        more = ended(after, f"{command.status} {command.info}".strip()).facts
    return Decision((step, *more))


def confirm_delivery(shipment: Shipment, command: ConfirmDelivery, ctx: Context) -> Decision | Refusal:
    facts: list[Fact] = []
    for parcel, packages in _parcels(command).items():
        for fact in _depart(shipment, parcel, packages, command, ctx):
            facts.append(fact)
            shipment = evolve(shipment, fact)
    if command.final and (short := shipment.still_to_leave()):
        facts.append(f.ShipmentShort(order=shipment.order, items=short))
        shipment = evolve(shipment, facts[-1])
    if not facts:
        return NOTHING
    for fact in signatures(shipment):
        facts.append(fact)
        shipment = evolve(shipment, fact)
    asked, effects = ask_carriers(shipment, ctx)
    return Decision((*facts, *asked), tuple(effects))


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
    carrier = ctx.policy.carriers.get(package.carrier)
    followed = package.waybill and carrier is not None and carrier.is_followed
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
            matched.append(cut(item, n)[0])
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
    for departure in [each for each in shipment.departures if may_be_signed(shipment, each)]:
        at = by_carrier.get(departure.waybill)
        if at is None and said_at is not None and (only or departure.at <= said_at):
            at = said_at
        if at is not None and not departure.signed:
            signed.setdefault(at, []).append(departure)
    return tuple([_signed(shipment, at, signed[at]) for at in sorted(signed)])


def _signed(shipment: Shipment, at: datetime, signed: list[Departure]) -> f.ShipmentSigned:
    items: dict[tuple[str, int], Item] = {}
    whose: dict[str, tuple[str, ...]] = {}
    for departure in signed:
        for item in departure.items:
            old = items.get(item.of)
            items[item.of] = item if old is None else replace(item, units=item.units + old.units)
            theirs = whose.get(item.order, ())
            if item.order and departure.dispatch not in theirs:
                whose[item.order] = (*theirs, departure.dispatch)
    return f.ShipmentSigned(
        order=shipment.order,
        items=tuple(items.values()),
        signed_at=at,
        dispatches=tuple([departure.dispatch for departure in signed]),
        ends=(WORRY_SILENT,) if shipment.silent else (),
        by_order=tuple(whose.items()),
    )
