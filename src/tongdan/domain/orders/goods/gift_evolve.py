"""How facts about gifts fold into the state of an order; what is decided about them is in `gifts.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.goods import gift_facts as f
from tongdan.domain.orders.model import LineState, Order


def _awaited(order: Order, _: f.GiftsAwaited) -> Order:
    return replace(order, gifts_due=True)


def _given(order: Order, fact: f.GiftGiven) -> Order:
    lines = [LineState(line=line, waiting=line.units) for line in fact.lines]
    limited = (*order.limited_gifts, fact.rule) if fact.limit_times else order.limited_gifts
    return replace(order, lines=(*order.lines, *lines), limited_gifts=limited)


def _dropped(order: Order, fact: f.GiftDropped) -> Order:
    if not fact.returned:
        return order
    return replace(order, limited_gifts=tuple([each for each in order.limited_gifts if each != fact.rule]))


GIFTS: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.GiftsAwaited: _awaited,
    f.GiftGiven: _given,
    f.GiftDropped: _dropped,
}
