"""How withdrawn units and refunded lines fold into the state of an order; what is decided is in `withdrawing.py`.

`withdrawn` counts units that are not to leave: those that are stopped, and those that are still in a parcel.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.goods import withdrawn_facts as f
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import WORRY_APART, LineState, Order, PlatformRefund


def _withdrawn(order: Order, fact: f.UnitsWithdrawn) -> Order:
    wanted, stopped, apart = _by_line(fact.units), _by_line(fact.stopped), _by_line(fact.apart)
    again = {each.line: each.attempt for each in fact.again}
    lines = []
    for line in order.lines:
        no = line.line.no
        if no in wanted:
            back = max(0, wanted[no] - stopped.get(no, 0) - line.held_back)
            line = replace(
                _stopped(line, stopped.get(no, 0)),
                withdrawn=line.withdrawn + wanted[no],
                called_back=line.called_back + back,
            )
        line = replace(line, apart=apart.get(no, 0))
        if no in again:
            line = line.moved(Stage.RESERVED, Stage.WAITING, line.reserved)
            line = replace(line, attempt=again[no], warehouse="")
        if no in stopped:
            line = replace(line, short=False)
        lines.append(line)
    return replace(
        order,
        lines=tuple(lines),
        complete_at=fact.complete_at or order.complete_at,
        worries=_worries(order, fact),
    )


def _worries(order: Order, fact: f.UnitsWithdrawn) -> tuple[str, ...]:
    worries = tuple([each for each in order.worries if each not in fact.ends])
    return (*worries, WORRY_APART) if fact.apart and WORRY_APART not in worries else worries


def _stopped(line: LineState, units: int) -> LineState:
    waiting = min(units, line.waiting)
    return line.moved(Stage.WAITING, Stage.STOPPED, waiting).moved(
        Stage.RESERVED, Stage.STOPPED, units - waiting
    )


def _wanted_again(order: Order, fact: f.UnitsWantedAgain) -> Order:
    wanted, again = _by_line(fact.units), {each.line: each.attempt for each in fact.again}
    stays = _by_line(fact.stays)
    lines = []
    for line in order.lines:
        no = line.line.no
        line = line.without(stays.get(no, 0), stays.get(no, 0))
        if no in wanted:
            line = line.moved(Stage.STOPPED, Stage.WAITING, wanted[no])
            line = replace(
                line, withdrawn=line.withdrawn - wanted[no], attempt=again.get(no, line.attempt), warehouse=""
            )
        lines.append(line)
    worries = tuple([each for each in order.worries if each not in fact.ends])
    return replace(order, lines=tuple(lines), worries=worries)


def _refunded(order: Order, fact: f.LinesRefunded) -> Order:
    units = _by_line(fact.units)
    lines = [replace(line, refunded=line.refunded + units.get(line.line.no, 0)) for line in order.lines]
    order = _of_confirmation(replace(order, lines=tuple(lines)), fact)
    if not fact.reference:
        return order
    known = [each for each in order.platform_refunds if each.reference != fact.reference]
    told = PlatformRefund(reference=fact.reference, amount_fen=fact.counts_fen, sold=fact.sold)
    return replace(order, platform_refunds=(*known, told))


def _of_confirmation(order: Order, fact: f.LinesRefunded) -> Order:
    """The last of its refunds stands for the goods: they come back with it, should it be withdrawn."""
    last = max(fact.refunds, default=0)
    its = [replace(each, units=fact.units) if each.refund == last else each for each in order.confirmations]
    return replace(order, confirmations=tuple(its))


def _by_line(units: tuple[Units, ...]) -> dict[int, int]:
    return {each.line: each.units for each in units}


WITHDRAWN: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.UnitsWithdrawn: _withdrawn,
    f.UnitsWantedAgain: _wanted_again,
    f.LinesRefunded: _refunded,
}
