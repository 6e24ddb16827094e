"""What one fact makes happen elsewhere: a fact in, commands out, nothing else known.

Commands for several aggregates come in a fixed order, because a repeat is told by its ordinal. Which reaction hangs on
which fact is listed in `routes.py`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from tongdan.domain.catalog import facts as catalog
from tongdan.domain.fulfillment import commands as ship
from tongdan.domain.fulfillment import facts as stock
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.kernel.ids import parse, refund_id, shipment_id
from tongdan.domain.kernel.keys import PULL, waybill_alias
from tongdan.domain.kernel.messages import Command, EffectDied, EffectReplayed, EffectSkipped
from tongdan.domain.orders import commands as order
from tongdan.domain.orders import facts as told
from tongdan.domain.orders import refund_facts as refund
from tongdan.domain.orders.lines import Line, PlannedShipment, ReservedLine, Units
from tongdan.domain.orders.model import RESTORED_HOLD, refund_worry
from tongdan.domain.sync import facts as sync
from tongdan.domain.sync import kinds
from tongdan.domain.sync import pull_facts as pull
from tongdan.domain.sync.commands import ClaimAlias, RaiseTicket, ResolveTicket, StartPull
from tongdan.flow.routing import Recorded

Commands = Iterable[Command]

# ---- an order and its stock


def reserve_created(fact: told.OrderCreated, at: Recorded) -> Commands:
    return _reserve(at.aggregate, fact.lines, fact.region, fact.reserve_until)


def reserve_detailed(fact: told.OrderDetailed, at: Recorded) -> Commands:
    return _reserve(at.aggregate, fact.lines, fact.region, fact.reserve_until) if fact.reserve else ()


def _reserve(id: str, lines: tuple[Line, ...], region: str, until: datetime | None) -> Iterator[Command]:
    for line in [each for each in lines if each.sku]:
        yield ship.ReserveStock(
            sku=line.sku, order=id, line=line.no, attempt=1, units=line.units, region=region, until=until
        )


def reserve_again(fact: told.ReservationRetried, at: Recorded) -> Commands:
    for line, wanted in zip(fact.lines, fact.units, strict=True):
        yield ship.ReserveStock(
            sku=line.sku,
            order=at.aggregate,
            line=line.line,
            attempt=line.attempt,
            units=wanted.units,
            region=fact.region,
            until=fact.until,
        )


def keep_reserved(fact: told.OrderPaid, at: Recorded) -> Commands:
    for line in fact.reserved:
        yield ship.KeepReservation(sku=line.sku, order=at.aggregate, line=line.line, attempt=line.attempt)


def free_stopped(fact: told.LinesStopped, at: Recorded) -> Commands:
    return _free(at.aggregate, fact.freed)


def _free(id: str, lines: tuple[ReservedLine, ...]) -> Iterator[Command]:
    for line in lines:
        yield ship.ReleaseStock(sku=line.sku, order=id, line=line.line, attempt=line.attempt)


def note_reserved(fact: stock.StockReserved, at: Recorded) -> Commands:
    yield order.NoteReserved(
        order=fact.order,
        line=fact.line,
        attempt=fact.attempt,
        units=fact.units,
        warehouse=fact.warehouse,
    )


def note_shortage(fact: stock.StockShort, at: Recorded) -> Commands:
    yield order.NoteShortage(
        order=fact.order,
        line=fact.line,
        attempt=fact.attempt,
        units=fact.units,
        available=fact.available,
    )


def note_expired(fact: stock.ReservationExpired, at: Recorded) -> Commands:
    yield order.NoteReservationExpired(order=fact.order, line=fact.line, attempt=fact.attempt)


# ---- an order and the money that goes back


def refund_surplus(fact: told.PaymentDuplicated | told.PaidAfterCancel, at: Recorded) -> Commands:
    yield order.PayBack(order=at.aggregate, transaction=fact.transaction)


def refund_cancelled(fact: told.OrderCancelled, at: Recorded) -> Commands:
    if fact.refund_due_fen:
        yield order.PayBack(order=at.aggregate)


def refund_stopped(fact: told.LinesStopped, at: Recorded) -> Commands:
    if not fact.wanted:
        yield order.PayBack(order=at.aggregate)


# ---- an order and its shipments


def plan_shipments(fact: told.OrderReleased, at: Recorded) -> Commands:
    lines = {line.no: line for line in fact.lines}
    for planned in fact.shipments:
        yield ship.PlanShipment(
            shipment=shipment_id(at.aggregate, planned.no),
            order=at.aggregate,
            channel=fact.channel,
            shop=fact.shop,
            native=fact.native,
            warehouse=planned.warehouse,
            items=_items(planned, lines),
            placed_at=fact.placed_at,
            region=fact.region,
        )


def _items(planned: PlannedShipment, lines: dict[int, Line]) -> tuple[Item, ...]:
    """A part of a line carries its share of the line's amount, in fen, rounded down."""
    return tuple(
        Item(
            each.line,
            lines[each.line].sku,
            each.units,
            lines[each.line].amount_fen * each.units // lines[each.line].units,
        )
        for each in planned.units
    )


def note_shipped(fact: stock.ShipmentDispatched, at: Recorded) -> Commands:
    for whose, items in _by_order(fact.order, fact.items):
        yield order.NoteShipped(
            order=whose,
            shipment=at.aggregate,
            dispatch=fact.dispatch,
            carrier=fact.carrier,
            waybill=fact.waybill,
            units=_units(items),
            shipped_at=fact.dispatched_at,
        )


def deduct_dispatched(fact: stock.ShipmentDispatched, at: Recorded) -> Commands:
    for item in fact.items:
        yield ship.DeductStock(
            sku=item.sku,
            order=item.order or fact.order,
            line=item.line,
            warehouse=fact.warehouse,
            units=item.units,
            dispatch=fact.dispatch,
        )


def note_signed(fact: stock.ShipmentSigned, at: Recorded) -> Commands:
    for whose, dispatches in fact.by_order or ((fact.order, fact.dispatches),):
        yield order.NoteSigned(
            order=whose,
            shipment=at.aggregate,
            dispatches=dispatches,
            signed_at=fact.signed_at,
        )


def note_stopped(fact: stock.WmsRefused | stock.ShipmentRecalled, at: Recorded) -> Commands:
    return _stopped(at.aggregate, fact.order, fact.items, fact.reason)


def note_short(fact: stock.ShipmentShort, at: Recorded) -> Commands:
    return _stopped(at.aggregate, fact.order, fact.items, "short")


def _stopped(shipment: str, lead: str, items: tuple[Item, ...], reason: str) -> Iterator[Command]:
    for whose, theirs in _by_order(lead, items):
        yield order.NoteShipmentStopped(order=whose, shipment=shipment, units=_units(theirs), reason=reason)


def note_wms_said(fact: stock.WmsProcessed, at: Recorded) -> Commands:
    return _said("wms", at.aggregate, fact.also, fact.status, fact.operated_at)


def note_carrier_said(fact: stock.ParcelTracked, at: Recorded) -> Commands:
    return _said("carrier", at.aggregate, fact.also, fact.code, fact.at)


def _said(
    system: str, aggregate: str, also: tuple[str, ...], status: str, said_at: datetime
) -> Iterator[Command]:
    shipment = parse(aggregate)
    assert shipment is not None
    for whose in (shipment.order, *also):
        name = f"{shipment.part}{shipment.part_no}" if whose == shipment.order else aggregate
        yield order.NoteSystemStatus(
            order=whose, system=f"{system}/{name}", native_status=status, said_at=said_at
        )


def _by_order(lead: str, items: tuple[Item, ...]) -> Iterable[tuple[str, tuple[Item, ...]]]:
    """The items of each order in a parcel, in the order of its lines."""
    found: dict[str, tuple[Item, ...]] = {}
    for item in items:
        whose = item.order or lead
        found[whose] = (*found.get(whose, ()), item)
    return found.items()


def _units(items: tuple[Item, ...]) -> tuple[Units, ...]:
    return tuple(Units(item.line, item.units) for item in items)


def undo_cancelled(fact: told.OrderCancelled, at: Recorded) -> Commands:
    yield from _free(at.aggregate, fact.reserved)
    for shipment in fact.shipments:
        yield ship.RecallShipment(shipment=shipment, reason=fact.reason or "cancelled", order=at.aggregate)


# ---- names


def claim_client_number(fact: told.OrderCreated, at: Recorded) -> Commands:
    yield ClaimAlias(alias=f"client-order/{fact.shop}/{fact.native}", order=at.aggregate)


def claim_waybill(fact: stock.ShipmentDispatched, at: Recorded) -> Commands:
    if fact.track_by is not None:
        yield ClaimAlias(alias=waybill_alias(fact.carrier, fact.waybill), order=at.aggregate)


def deliver_letter(fact: sync.LetterDelivered, at: Recorded) -> Commands:
    yield ship.RecordTracks(shipment=fact.to, tracks=(fact.letter,))


def note_listed(fact: pull.PageListed, at: Recorded) -> Commands:
    _, channel, shop = at.aggregate.split("/", 2)
    for each in fact.orders:
        yield order.NoteChannelEvent(
            channel=channel,
            shop=shop,
            native=each.native,
            event="changed",
            native_status="",
            said_at=each.said_at,
        )


def go_on_pulling(fact: EffectSkipped, at: Recorded) -> Commands:
    kind, _, rest = at.aggregate.partition("/")
    if kind == PULL:
        channel, _, shop = rest.partition("/")
        yield StartPull(channel=channel, shop=shop, given_up=True)


# ---- tickets


def _ticket(at: Recorded, kind: str, summary: str, subject: str = "") -> Iterator[Command]:
    yield RaiseTicket(subject=subject or at.aggregate, kind=kind, summary=summary)


def order_lost(fact: told.OrderResurfaced, at: Recorded) -> Commands:
    return _ticket(at, kinds.ORDER_LOST, fact.channel)


def held_after_restore(fact: told.HeldAfterRestore, at: Recorded) -> Commands:
    return _ticket(at, kinds.HELD_AFTER_RESTORE, at.shop)


def lifted_after_restore(fact: told.HoldLifted, at: Recorded) -> Commands:
    if fact.hold == RESTORED_HOLD:
        yield ResolveTicket(subject=at.aggregate, kind=kinds.HELD_AFTER_RESTORE, evidence=type(fact).__name__)


def detail_overdue(fact: told.DetailOverdue, at: Recorded) -> Commands:
    return _ticket(at, kinds.DETAIL_OVERDUE, at.shop)


def payment_duplicated(fact: told.PaymentDuplicated, at: Recorded) -> Commands:
    return _ticket(at, kinds.PAYMENT_DUPLICATED, f"{fact.transaction} {fact.amount_fen} fen")


def payment_mismatched(fact: told.PaymentMismatched, at: Recorded) -> Commands:
    summary = f"{fact.transaction} {fact.amount_fen} ≠ {fact.expected_fen} fen"
    return _ticket(at, kinds.PAYMENT_MISMATCHED, summary)


def paid_after_cancel(fact: told.PaidAfterCancel, at: Recorded) -> Commands:
    return _ticket(at, kinds.PAID_AFTER_CANCEL, f"{fact.transaction} {fact.amount_fen} fen")


def refund_abnormal(fact: refund.RefundAbnormal, at: Recorded) -> Commands:
    return _refund_ticket(at, kinds.REFUND_ABNORMAL, fact.refund, f"{fact.amount_fen} fen")


def refund_failed(fact: refund.RefundFailed, at: Recorded) -> Commands:
    return _refund_ticket(at, kinds.REFUND_FAILED, fact.refund, f"{fact.amount_fen} fen, {fact.reason}")


def refund_overdue(fact: refund.RefundAsked, at: Recorded) -> Commands:
    if fact.check_at is None:
        yield from _refund_ticket(at, kinds.REFUND_OVERDUE, fact.refund, f"×{fact.times}")


def refund_contradicted(fact: refund.RefundContradicted, at: Recorded) -> Commands:
    said = f"{fact.stage}, {fact.amount_fen} fen, P{fact.attempt} {fact.transaction}"
    return _refund_ticket(at, kinds.REFUND_CONTRADICTED, fact.refund, said)


def _refund_ticket(at: Recorded, kind: str, no: int, said: str) -> Commands:
    return _ticket(at, refund_worry(kind, no), f"{refund_id(at.aggregate, no)} {said}")


def line_short(fact: told.LineShort, at: Recorded) -> Commands:
    if fact.sold:
        yield from _ticket(at, kinds.LINE_SHORT, f"#{fact.line} {fact.units} > {fact.available}")


def lines_stopped(fact: told.LinesStopped, at: Recorded) -> Commands:
    if fact.wanted:
        yield from _ticket(at, kinds.LINES_STOPPED, f"{fact.shipment} {fact.reason}")


def left_after_cancel(fact: told.LinesShipped, at: Recorded) -> Commands:
    if not fact.wanted:
        yield from _ticket(at, kinds.LEFT_AFTER_CANCEL, f"{fact.shipment} {fact.carrier} {fact.waybill}")


def unknown_track(fact: stock.ParcelTracked, at: Recorded) -> Commands:
    if not fact.status:
        yield from _ticket(at, kinds.UNKNOWN_TRACK, f"{fact.carrier} {fact.waybill} {fact.code}")


def parcel_silent(fact: stock.ParcelsSilent, at: Recorded) -> Commands:
    return _ticket(at, kinds.PARCEL_SILENT, ", ".join(fact.waybills))


def claim_overdue(fact: sync.ClaimOverdue, at: Recorded) -> Commands:
    return _ticket(at, kinds.CLAIM_OVERDUE, f"×{fact.letters}")


def alias_contested(fact: sync.AliasContested, at: Recorded) -> Commands:
    return _ticket(at, kinds.ALIAS_CONTESTED, f"{fact.alias} → {fact.holder}", subject=fact.order)


def settlement_mismatched(fact: told.SettlementMismatched, at: Recorded) -> Commands:
    summary = f"{fact.reference} {fact.amount_fen} ≠ {fact.expected_fen} fen"
    return _ticket(at, kinds.SETTLEMENT_MISMATCHED, summary)


def channel_said_oddly(fact: told.ChannelReported, at: Recorded) -> Commands:
    if fact.native_status and not fact.status:
        yield from _ticket(at, kinds.UNKNOWN_STATUS, f"{fact.event} {fact.native_status}")
    if fact.contradicts:
        yield from _ticket(at, kinds.CHANNEL_CONTRADICTS, f"{fact.event} {fact.native_status} {fact.status}")


def address_too_late(fact: told.AddressChangeTooLate, at: Recorded) -> Commands:
    return _ticket(at, kinds.ADDRESS_TOO_LATE, fact.region)


def recall_failed(fact: stock.RecallFailed, at: Recorded) -> Commands:
    return _ticket(at, kinds.RECALL_FAILED, fact.reason)


def shipment_surplus(fact: stock.ShipmentSurplus, at: Recorded) -> Commands:
    return _ticket(at, kinds.SHIPMENT_SURPLUS, ", ".join(f"{item.sku} ×{item.units}" for item in fact.items))


def shipment_overdue(fact: told.ShipmentOverdue, at: Recorded) -> Commands:
    return _ticket(at, kinds.SHIPMENT_OVERDUE, fact.ship_by.isoformat())


def dead_letter(fact: EffectDied, at: Recorded) -> Commands:
    return _ticket(at, f"{kinds.DEAD_LETTER}:{fact.effect}", f"{fact.verb} → {fact.partner}: {fact.error}")


def dead_letter_tended(fact: EffectSkipped | EffectReplayed, at: Recorded) -> Commands:
    yield ResolveTicket(
        subject=at.aggregate, kind=f"{kinds.DEAD_LETTER}:{fact.effect}", evidence=type(fact).__name__
    )


Healing = (
    told.OrderDetailed
    | told.OrderRecovered
    | told.LineReserved
    | told.LinesShipped
    | told.OrderSettled
    | told.OrderCancelled
    | refund.RefundSucceeded
    | stock.ParcelTracked
    | stock.ShipmentSigned
    | sync.AliasClaimed
    | catalog.OfferMatched
)


def healed(fact: Healing, at: Recorded) -> Commands:
    for worry in fact.ends:
        yield ResolveTicket(subject=at.aggregate, kind=worry, evidence=type(fact).__name__)
