"""How units that another system sent fold into the state of an order: they leave from where they wait."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.axes import FULFILLMENT, Stage
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import LineState, Order, Parcel
from tongdan.domain.orders.takeover_facts import LinesLeftElsewhere


def _left(order: Order, fact: LinesLeftElsewhere) -> Order:
    leaving = {each.line: each for each in fact.units}
    lines = [_leave(line, leaving[line.line.no]) if line.line.no in leaving else line for line in order.lines]
    parcel = Parcel(
        dispatch=fact.dispatch,
        shipment="",
        carrier=fact.carrier,
        waybill=fact.waybill,
        units=fact.units,
        shipped_at=fact.shipped_at,
    )
    return replace(
        order,
        lines=tuple(lines),
        parcels=(*order.parcels, parcel),
        worries=tuple([worry for worry in order.worries if worry not in fact.ends]),
    )


def _leave(line: LineState, leaving: Units) -> LineState:
    """What is reserved waits again, as its stock is freed; a unit that was stopped has left all the same."""
    FULFILLMENT.step(Stage.WAITING, Stage.SHIPPED)
    line = line.moved(Stage.RESERVED, Stage.WAITING, line.reserved)
    here = min(leaving.units, line.waiting)
    line = line.moved(Stage.WAITING, Stage.SHIPPED, here)
    return line.moved(Stage.STOPPED, Stage.SHIPPED, leaving.units - here)


TAKEOVER: Final[dict[type[Fact], Callable[..., Order]]] = {LinesLeftElsewhere: _left}
