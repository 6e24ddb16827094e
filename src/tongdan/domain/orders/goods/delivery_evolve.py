"""How facts about stock and parcels fold into the state of an order; what is decided about them is in `reservation.py`
and `delivery.py`.

Whether a unit may move was decided when the fact was made: a move that its table does not allow is an error.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders import facts as f
from tongdan.domain.orders.axes import FULFILLMENT, Stage
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import (
    WORRY_SHIP,
    WORRY_SHORT,
    LineState,
    Order,
    Parcel,
)

AnyFact = Any


def _reserved(order: Order, fact: f.LineReserved) -> Order:
    order = _move(order, [Units(fact.line, fact.units)], Stage.WAITING, Stage.RESERVED)
    order = _on_line(order, fact.line, warehouse=fact.warehouse, short=False)
    worries = (
        order.worries if any(line.short for line in order.lines) else _without(order.worries, WORRY_SHORT)
    )
    return replace(order, worries=worries)


def _short(order: Order, fact: f.LineShort) -> Order:
    order = _on_line(order, fact.line, short=True)
    return replace(order, worries=_with(order.worries, WORRY_SHORT)) if fact.sold else order


def _reservation_expired(order: Order, fact: f.LineReservationExpired) -> Order:
    line = order.line(fact.line)
    held = line.reserved if line is not None else 0
    return _move(order, [Units(fact.line, held)], Stage.RESERVED, Stage.WAITING)


def _reservation_retried(order: Order, fact: f.ReservationRetried) -> Order:
    for wanted in fact.lines:
        order = _on_line(order, wanted.line, attempt=wanted.attempt, warehouse="")
    return order


def _released(order: Order, fact: f.OrderReleased) -> Order:
    for shipment in fact.shipments:
        order = _move(order, shipment.units, Stage.RESERVED, Stage.RELEASED)
    return replace(order, shipments=order.shipments + fact.shipments)


def _shipped(order: Order, fact: f.LinesShipped) -> Order:
    for gone in fact.withdrawn:
        line = order.line(gone.line)
        assert line is not None
        back = min(gone.units, line.called_back)
        order = _put(order, line.without(back, gone.units))
    for units in fact.units:
        line = order.line(units.line)
        ready = min(units.units, line.released) if line is not None else 0
        order = _move(order, [Units(units.line, ready)], Stage.RELEASED, Stage.SHIPPED)
        order = _move(order, [Units(units.line, units.units - ready)], Stage.STOPPED, Stage.SHIPPED)
    parcel = Parcel(
        dispatch=fact.dispatch,
        shipment=fact.shipment,
        carrier=fact.carrier,
        waybill=fact.waybill,
        units=fact.units,
        shipped_at=fact.shipped_at,
    )
    worries = _without(order.worries, WORRY_SHIP) if fact.complete else order.worries
    worries = tuple([worry for worry in worries if worry not in fact.ends])
    return replace(
        order, parcels=(*order.parcels, parcel), worries=worries, early=_heard(order, fact.dispatch)
    )


def _signed(order: Order, fact: f.LinesSigned) -> Order:
    order = _move(order, fact.units, Stage.SHIPPED, Stage.SIGNED)
    parcels = [
        replace(parcel, signed_at=fact.signed_at) if parcel.dispatch in fact.dispatches else parcel
        for parcel in order.parcels
    ]
    return replace(
        order,
        parcels=tuple(parcels),
        complete_at=fact.complete_at or order.complete_at,
        cash_by=fact.cash_by or order.cash_by,
        settle_by=fact.settle_by or order.settle_by,
        early=_heard(order, fact.key),
    )


def _stopped(order: Order, fact: f.LinesStopped) -> Order:
    order = _move(order, fact.units, Stage.RELEASED, Stage.STOPPED)
    for stopped in fact.units:
        line = order.line(stopped.line)
        if line is not None and line.called_back:
            order = _put(order, line.without(min(stopped.units, line.called_back), 0))
    worries = tuple([worry for worry in order.worries if worry not in fact.ends])
    complete_at = fact.complete_at or order.complete_at
    return replace(order, early=_heard(order, fact.key), complete_at=complete_at, worries=worries)


def _returned(order: Order, fact: f.LinesReturned) -> Order:
    order = _move(order, fact.units, Stage.SHIPPED, Stage.STOPPED)
    parcels = [
        replace(each, returned_at=fact.returned_at) if each.dispatch == fact.dispatch else each
        for each in order.parcels
    ]
    return replace(order, parcels=tuple(parcels), early=_heard(order, fact.key))


def _wanted_back(order: Order, _: f.ParcelsWantedBack) -> Order:
    return replace(order, wanted_back=True)


def _repacked(order: Order, fact: f.LinesRepacked) -> Order:
    for packed in () if fact.wanted else fact.units:
        line = order.line(packed.line)
        if line is not None:
            order = _put(order, replace(line, apart=max(0, line.apart - packed.units)))
    worries = tuple([worry for worry in order.worries if worry not in fact.ends])
    return replace(order, packed=(*order.packed, fact.shipment), worries=worries)


def _came_early(order: Order, fact: f.NewsCameEarly) -> Order:
    return replace(order, early=(*order.early, fact.news))


def _heard(order: Order, key: str) -> AnyFact:
    return tuple([news for news in order.early if news.key != key])


def _move(order: Order, units: Iterable[Units], start: Stage, to: Stage) -> Order:
    FULFILLMENT.step(start, to)
    moving = {each.line: each.units for each in units if each.units}
    if not moving:
        return order
    lines = [
        line.moved(start, to, moving[line.line.no]) if line.line.no in moving else line
        for line in order.lines
    ]
    return replace(order, lines=tuple(lines))


def _put(order: Order, line: LineState) -> Order:
    return replace(
        order, lines=tuple([line if each.line.no == line.line.no else each for each in order.lines])
    )


def _on_line(order: Order, no: int, **changes: object) -> Order:
    lines = [replace(line, **changes) if line.line.no == no else line for line in order.lines]
    return replace(order, lines=tuple(lines))


def _ship_overdue(order: Order, _: f.ShipmentOverdue) -> Order:
    return replace(order, worries=_with(order.worries, WORRY_SHIP))


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple([each for each in names if each != name])


DELIVERY: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.LineReserved: _reserved,
    f.LineShort: _short,
    f.LineReservationExpired: _reservation_expired,
    f.ReservationRetried: _reservation_retried,
    f.OrderReleased: _released,
    f.LinesShipped: _shipped,
    f.LinesSigned: _signed,
    f.LinesStopped: _stopped,
    f.LinesReturned: _returned,
    f.ParcelsWantedBack: _wanted_back,
    f.LinesRepacked: _repacked,
    f.NewsCameEarly: _came_early,
    f.ShipmentOverdue: _ship_overdue,
}
