"""Stock behind the lines, and the release that follows by itself.

An order is handed to the warehouses the moment it is paid, every unit is reserved and nothing holds it; whoever
brings the last of the three (a payment, a reservation, a lifted hold) ends with `advance`.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.ids import shipment_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp import push_to_erp
from tongdan.domain.orders.facts import (
    LineReservationExpired,
    LineReserved,
    LineShort,
    OrderReleased,
    ReservationRetried,
)
from tongdan.domain.orders.goods.commands import NoteReservationExpired, NoteReserved, NoteShortage
from tongdan.domain.orders.goods.delivery import apply_early
from tongdan.domain.orders.lines import PlannedShipment, ReservedLine, Units
from tongdan.domain.orders.model import WORRY_SHORT, LineState, Order

SIGNED: Final = ("signed", "completed")  # what a system says of an order all of which has come
MAX_RETRIES: Final = 100  # of one line's reservation: beyond it a person has to look


def note_reserved(order: Order, command: NoteReserved, ctx: Context) -> Decision | Refusal:
    line = order.line(command.line)
    if order.cancelled or line is None or line.attempt != command.attempt or line.waiting < command.units:
        return NOTHING
    last = line.short and not any(each.short for each in order.lines if each is not line)
    ends = (WORRY_SHORT,) if last and WORRY_SHORT in order.worries else ()
    draft = Draft(order)
    draft.tell(
        LineReserved(
            line=command.line,
            attempt=command.attempt,
            units=command.units,
            warehouse=command.warehouse,
            ends=ends,
        )
    )
    advance(draft, ctx)
    return draft.decision()


def note_shortage(order: Order, command: NoteShortage, ctx: Context) -> Decision | Refusal:
    line = order.line(command.line)
    if order.cancelled or line is None or line.attempt != command.attempt or line.short or not line.waiting:
        return NOTHING
    sold = not order.own or order.ships
    fact = LineShort(
        line=command.line,
        attempt=command.attempt,
        units=command.units,
        available=command.available,
        sold=sold,
    )
    return Decision((fact,))


def note_reservation_expired(
    order: Order, command: NoteReservationExpired, ctx: Context
) -> Decision | Refusal:
    line = order.line(command.line)
    if order.cancelled or line is None or line.attempt != command.attempt or not line.reserved:
        return NOTHING
    draft = Draft(order)
    draft.tell(LineReservationExpired(line=command.line, attempt=command.attempt))
    if order.ships:
        retry(draft, None)
    elif order.pay_by is not None and order.pay_by > ctx.now:
        retry(draft, order.pay_by)
    return draft.decision()


def retry(draft: Draft, until: datetime | None) -> None:
    """Ask again for stock behind lines whose reservation has expired."""
    lines = [line for line in draft.order.lines if lapsed(line) and line.attempt < MAX_RETRIES]
    if lines:
        again = tuple(
            ReservedLine(line=line.line.no, sku=line.line.sku, attempt=line.attempt + 1) for line in lines
        )
        units = tuple(Units(line.line.no, line.waiting) for line in lines)
        draft.tell(ReservationRetried(lines=again, units=units, region=draft.order.region, until=until))


def lapsed(line: LineState) -> bool:
    """Stock stood behind it once (`warehouse`), and no longer does."""
    return line.waiting > 0 and line.warehouse != "" and not line.short


def reserve_until(paid: bool, ctx: Context) -> datetime | None:
    """How long stock is held for an order that is not paid yet."""
    return None if paid else ctx.now + timedelta(seconds=ctx.policy.deadlines.reservation_s)


def asked_for(order: Order) -> tuple[ReservedLine, ...]:
    """The lines that stock stands behind, or was asked for."""
    return tuple(
        ReservedLine(line=line.line.no, sku=line.line.sku, attempt=line.attempt)
        for line in order.lines
        if line.line.sku and (line.waiting or line.reserved)
    )


def advance(draft: Draft, ctx: Context) -> None:
    """Do what has become possible: release the order, and apply news that waited for it."""
    if ready := _ready(draft.order):
        push_to_erp(draft, ctx)
        draft.tell(_release(draft.order, ready))
    apply_early(draft, ctx)


def _ready(order: Order) -> list[LineState]:
    """Lines that can go now: what was ordered goes together, and so does each reissue, but none waits for another."""
    if order.cancelled or not order.ships or order.holds:
        return []
    waiting = {order.reissue_of(line) for line in order.lines if line.waiting}
    return [line for line in order.lines if line.reserved and order.reissue_of(line) not in waiting]


def _release(order: Order, ready: list[LineState]) -> OrderReleased:
    assert order.placed_at is not None
    by_warehouse: dict[str, list[Units]] = {}
    for line in ready:
        by_warehouse.setdefault(line.warehouse, []).append(Units(line.line.no, line.reserved))
    first = len(order.shipments) + 1
    shipments = tuple(
        PlannedShipment(no=no, warehouse=warehouse, units=tuple(units))
        for no, (warehouse, units) in enumerate(by_warehouse.items(), first)
    )
    return OrderReleased(
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        placed_at=order.placed_at,
        region=order.region,
        lines=tuple(line.line for line in order.lines),
        shipments=shipments,
        collect_fen=order.amount_fen if order.paid is None and not order.shipments else 0,
    )


def called_signed(order: Order, id: str, status: str) -> tuple[str, ...]:
    """The shipments that a system speaks of when it gives the order this status, if it is one that signs for all."""
    return open_shipments(order, id) if status in SIGNED else ()


def open_shipments(order: Order, id: str) -> tuple[str, ...]:
    """Ids of the shipments the order was released to, and of those its lines were packed into since."""
    return (*[shipment_id(id, shipment.no) for shipment in order.shipments], *order.packed)
