"""What one fact makes happen elsewhere: a fact in, commands out, nothing else known.

Commands for several aggregates come in a fixed order, because a repeat is told by its ordinal. Which reaction hangs on
which fact is listed in `routes.py`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from tongdan.domain.fulfillment import commands as ship
from tongdan.domain.fulfillment import facts as stock
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.shipment import NODE_MEANS, STEP_MEANS
from tongdan.domain.kernel.ids import parse, shipment_id
from tongdan.domain.kernel.keys import AFTER_SALE, NOTICE, PULL, kind_of, pulled, waybill_alias
from tongdan.domain.kernel.messages import Command, EffectSkipped
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.notices.commands import RecordReceipt
from tongdan.domain.orders import commands as order
from tongdan.domain.orders import facts as told
from tongdan.domain.orders.goods import commands as goods
from tongdan.domain.orders.goods import reissue_facts as reissue
from tongdan.domain.orders.intake import AFTER_SALE as ABOUT_AFTER_SALE
from tongdan.domain.orders.intake import CHANGED
from tongdan.domain.orders.lines import Line, PlannedShipment, ReservedLine, Units
from tongdan.domain.orders.money.cod_facts import CashOnDelivery
from tongdan.domain.orders.money.presale_facts import DepositPaid
from tongdan.domain.orders.takeover_facts import LinesLeftElsewhere
from tongdan.domain.returns.commands import RecordReturnTracks
from tongdan.domain.sync import facts as sync
from tongdan.domain.sync import pull_facts as pull
from tongdan.domain.sync.commands import ClaimAlias, StartPull
from tongdan.flow.routing import Commands, Recorded

# ---- an order and its stock


def reserve_created(fact: told.OrderCreated, at: Recorded) -> Commands:
    return reserve(at.aggregate, fact.lines, fact.region, fact.reserve_until)


def reserve_detailed(fact: told.OrderDetailed, at: Recorded) -> Commands:
    return reserve(at.aggregate, fact.lines, fact.region, fact.reserve_until) if fact.reserve else ()


def reserve(id: str, lines: Iterable[Line], region: str, until: datetime | None) -> Iterator[Command]:
    """Stock is asked for under the first attempt of each line whose SKU is known."""
    for line in [each for each in lines if each.sku]:
        yield ship.ReserveStock(
            sku=line.sku, order=id, line=line.no, attempt=1, units=line.units, region=region, until=until
        )


def reserve_again(fact: told.ReservationRetried, at: Recorded) -> Commands:
    return asked_again(at.aggregate, fact.lines, fact.units, fact.region, fact.until)


def asked_again(
    id: str, lines: tuple[ReservedLine, ...], units: tuple[Units, ...], region: str, until: datetime | None
) -> Iterator[Command]:
    """Stock is asked for under the lines' new attempts."""
    for line, wanted in zip(lines, units, strict=True):
        yield ship.ReserveStock(
            sku=line.sku,
            order=id,
            line=line.line,
            attempt=line.attempt,
            units=wanted.units,
            region=region,
            until=until,
        )


def reserve_reissued(fact: reissue.UnitsReissued, at: Recorded) -> Commands:
    return reserve(at.aggregate, fact.lines, fact.region, None)


def keep_reserved(fact: told.OrderPaid | CashOnDelivery | DepositPaid, at: Recorded) -> Commands:
    for line in fact.reserved:
        yield ship.KeepReservation(sku=line.sku, order=at.aggregate, line=line.line, attempt=line.attempt)


def free_stopped(fact: told.LinesStopped, at: Recorded) -> Commands:
    return freed(at.aggregate, fact.freed)


def free_left_over(fact: told.LinesShipped, at: Recorded) -> Commands:
    return freed(at.aggregate, fact.freed)


def free_left_elsewhere(fact: LinesLeftElsewhere, at: Recorded) -> Commands:
    return freed(at.aggregate, fact.freed)


def freed(id: str, lines: tuple[ReservedLine, ...]) -> Iterator[Command]:
    """The reservations of these lines of an order end."""
    for line in lines:
        yield ship.ReleaseStock(sku=line.sku, order=id, line=line.line, attempt=line.attempt)


def note_reserved(fact: stock.StockReserved, at: Recorded) -> Commands:
    yield goods.NoteReserved(
        order=fact.order,
        line=fact.line,
        attempt=fact.attempt,
        units=fact.units,
        warehouse=fact.warehouse,
    )


def note_shortage(fact: stock.StockShort, at: Recorded) -> Commands:
    yield goods.NoteShortage(
        order=fact.order,
        line=fact.line,
        attempt=fact.attempt,
        units=fact.units,
        available=fact.available,
    )


def note_expired(fact: stock.ReservationExpired, at: Recorded) -> Commands:
    yield goods.NoteReservationExpired(order=fact.order, line=fact.line, attempt=fact.attempt)


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
    for planned, collect in zip(fact.shipments, _collected(fact, lines), strict=True):
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
            collect_fen=collect,
        )


def _collected(fact: told.OrderReleased, lines: dict[int, Line]) -> list[int]:
    """What each shipment collects: its goods, the first also what is left of the price (freight, discount, fen)."""
    if not fact.collect_fen:
        return [0] * len(fact.shipments)
    goods = [sum(item.amount_fen for item in _items(planned, lines)) for planned in fact.shipments[1:]]
    rest, shares = fact.collect_fen, []
    for goods_fen in goods:
        shares.append(min(goods_fen, rest))
        rest -= shares[-1]
    return [rest, *shares]


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
    for whose, items in by_order(fact.order, fact.items):
        yield goods.NoteShipped(
            order=whose,
            shipment=at.aggregate,
            dispatch=fact.dispatch,
            carrier=fact.carrier,
            waybill=fact.waybill,
            units=units_of(items),
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
        yield goods.NoteSigned(
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
    for whose, theirs in by_order(lead, items):
        yield goods.NoteShipmentStopped(order=whose, shipment=shipment, units=units_of(theirs), reason=reason)


def note_wms_said(fact: stock.WmsProcessed, at: Recorded) -> Commands:
    means = STEP_MEANS.get(fact.status, "")
    return _said("wms", at.aggregate, fact.also, fact.status, means, fact.operated_at)


def note_carrier_said(fact: stock.ParcelTracked, at: Recorded) -> Commands:
    means = NODE_MEANS.get(fact.status, "")
    return _said("carrier", at.aggregate, fact.also, fact.code, means, fact.at)


def _said(
    system: str, aggregate: str, also: tuple[str, ...], native: str, means: str, said_at: datetime
) -> Iterator[Command]:
    shipment = parse(aggregate)
    assert shipment is not None
    for whose in (shipment.order, *also):
        name = f"{shipment.part}{shipment.part_no}" if whose == shipment.order else aggregate
        yield order.NoteSystemStatus(
            order=whose, system=f"{system}/{name}", native_status=native, said_at=said_at, status=means
        )


def by_order(lead: str, items: tuple[Item, ...]) -> Iterable[tuple[str, tuple[Item, ...]]]:
    """The items of each order in a parcel, in the order of its lines."""
    found: dict[str, tuple[Item, ...]] = {}
    for item in items:
        whose = item.order or lead
        found[whose] = (*found.get(whose, ()), item)
    return found.items()


def units_of(items: tuple[Item, ...]) -> tuple[Units, ...]:
    return tuple(Units(item.line, item.units) for item in items)


def undo_cancelled(fact: told.OrderCancelled, at: Recorded) -> Commands:
    yield from freed(at.aggregate, fact.reserved)
    for shipment in fact.shipments:
        yield ship.RecallShipment(shipment=shipment, reason=fact.reason or "cancelled", order=at.aggregate)


# ---- names


def claim_client_number(fact: told.OrderCreated, at: Recorded) -> Commands:
    yield ClaimAlias(alias=f"client-order/{fact.shop}/{fact.native}", order=at.aggregate)


def claim_waybill(fact: stock.ShipmentDispatched, at: Recorded) -> Commands:
    if fact.track_by is not None:
        yield ClaimAlias(alias=waybill_alias(fact.carrier, fact.waybill), order=at.aggregate)


def deliver_letter(fact: sync.LetterDelivered, at: Recorded) -> Commands:
    letter = fact.letter
    if isinstance(letter, Receipt):
        sending = fact.to.removeprefix(f"{NOTICE}/")
        yield RecordReceipt(sending=sending, delivered=letter.delivered, code=letter.code, said_at=letter.at)
    elif kind_of(fact.to) == AFTER_SALE:
        yield RecordReturnTracks(after_sale=fact.to, tracks=(letter,))
    else:
        yield ship.RecordTracks(shipment=fact.to, tracks=(letter,))


def note_listed(fact: pull.PageListed, at: Recorded) -> Commands:
    channel, shop, _ = pulled(at.aggregate)
    for each in fact.orders:
        yield order.NoteChannelEvent(
            channel=channel,
            shop=shop,
            native=each.native,
            event=ABOUT_AFTER_SALE if each.after_sale else CHANGED,
            native_status="",
            said_at=each.said_at,
            after_sale=each.after_sale,
            listed=True,
        )


def go_on_pulling(fact: EffectSkipped, at: Recorded) -> Commands:
    if kind_of(at.aggregate) == PULL:
        channel, shop, what = pulled(at.aggregate)
        yield StartPull(channel=channel, shop=shop, what=what, given_up=True)
