"""What the units of a parcel are to their order: can they move, were they wanted, whose stock do they end, what did the
channel sell in them."""

from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.lines import ReservedLine, Units
from tongdan.domain.orders.model import LineState, Order


def movable(order: Order, units: tuple[Units, ...], *stages: Stage) -> tuple[Units, ...]:
    """As many of `units` as are at one of `stages`; lines with none are left out."""
    found = []
    for wanted in units:
        line = order.line(wanted.line)
        ready = 0 if line is None else sum(line.at(stage) for stage in stages)
        if n := min(wanted.units, ready):
            found.append(Units(wanted.line, n))
    return tuple(found)


def all_called_back(order: Order, units: tuple[Units, ...]) -> bool:
    return all(line is not None and line.called_back >= n for line, n in lines_of(order, units))


def lines_of(order: Order, units: tuple[Units, ...]) -> list[tuple[LineState | None, int]]:
    return [(order.line(each.line), each.units) for each in units]


def done_with(order: Order, units: tuple[Units, ...]) -> tuple[ReservedLine, ...]:
    """The reservations of lines of which nothing is to leave any more once these units have stopped."""
    return tuple(
        [
            _reservation(line)
            for line, n in lines_of(order, units)
            if line is not None and (order.cancelled or line.released == n)
        ]
    )


def left_over(order: Order, units: tuple[Units, ...]) -> tuple[ReservedLine, ...]:
    """The reservations of lines of which these units are the last to leave, though not all were wanted."""
    return tuple(
        [
            _reservation(line)
            for line, n in lines_of(order, units)
            if line is not None and line.released == n and line.withdrawn and not line.held_back
        ]
    )


def _reservation(line: LineState) -> ReservedLine:
    return ReservedLine(line=line.line.no, sku=line.line.sku, attempt=line.attempt)


def sent_again(order: Order, units: Units) -> bool:
    line = order.line(units.line)
    return line is not None and line.line.replaces > 0


def withdrawn_among(order: Order, units: tuple[Units, ...]) -> tuple[Units, ...]:
    """What of a leaving parcel was not to leave: more goes than the line still had to send."""
    found = []
    for line, n in lines_of(order, units):
        wanted = 0 if line is None else line.released - line.called_back + line.held_back
        if line is not None and n > wanted:
            found.append(Units(line.line.no, n - wanted))
    return tuple(found)


def as_sold(line: LineState, leaving: int) -> int:
    """Units as the channel counts them: a bundle has left with the last piece of its first part."""
    each, gone = line.line.bundle_units or 1, line.shipped + line.signed
    return gone // each - (gone - leaving) // each
