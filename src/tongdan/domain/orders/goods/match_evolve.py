"""How facts about the SKUs of lines fold into the state of an order; what is decided is in `matching.py`.

Opening a bundle replaces its line by one for each part. All of it still waits then, so no unit is on its way.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.goods import match_facts as f
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import UNMATCHED_HOLD, LineState, Order


def _unmatched(order: Order, _: f.LinesUnmatched) -> Order:
    if UNMATCHED_HOLD in order.holds:
        return order
    return replace(order, holds=(*order.holds, UNMATCHED_HOLD))


def _matched(order: Order, fact: f.LineMatched) -> Order:
    lines = [
        replace(each, line=replace(each.line, sku=fact.sku)) if each.line.no == fact.line else each
        for each in order.lines
    ]
    return replace(order, lines=tuple(lines))


def _opened(order: Order, fact: f.BundleOpened) -> Order:
    bundles = order.line(fact.line)
    assert bundles is not None
    first, *others = [_part(bundles, line, fact.attempt) for line in fact.lines]
    lines = [first if each.line.no == fact.line else each for each in order.lines]
    return replace(order, lines=(*lines, *others))


def _part(bundles: LineState, line: Line, attempt: int) -> LineState:
    """A part of the bundles, of which some may have been withdrawn."""
    each = line.units // bundles.line.units
    return LineState(
        line=line,
        attempt=attempt,
        waiting=bundles.waiting * each,
        stopped=bundles.stopped * each,
        withdrawn=bundles.withdrawn * each,
        refunded=bundles.refunded * each,
    )


MATCHING: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.LinesUnmatched: _unmatched,
    f.LineMatched: _matched,
    f.BundleOpened: _opened,
}
