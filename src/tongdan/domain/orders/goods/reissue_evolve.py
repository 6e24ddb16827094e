"""How facts about reissues fold into the state of an order; what is decided about them is in `reissues.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.goods import reissue_facts as f
from tongdan.domain.orders.model import LineState, Order, Reissue


def _reissued(order: Order, fact: f.UnitsReissued) -> Order:
    lines = [LineState(line=line, waiting=line.units) for line in fact.lines]
    reissue = Reissue(no=fact.reissue, lines=tuple([line.no for line in fact.lines]), reason=fact.reason)
    return replace(order, lines=(*order.lines, *lines), reissues=(*order.reissues, reissue))


def _undone(order: Order, _: f.ReissueUndone) -> Order:
    """Its units are withdrawn by a fact of their own."""
    return order


REISSUES: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.UnitsReissued: _reissued,
    f.ReissueUndone: _undone,
}
