"""How facts about purchase limits fold into the state of an order."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.goods import limit_facts as f
from tongdan.domain.orders.model import Order


def _asked(order: Order, fact: f.LimitAsked) -> Order:
    return order if fact.limit in order.limits else replace(order, limits=(*order.limits, fact.limit))


def _exceeded(order: Order, _: f.LimitExceeded) -> Order:
    return order


LIMITS: Final[dict[type[Fact], Callable[..., Order]]] = {f.LimitAsked: _asked, f.LimitExceeded: _exceeded}
