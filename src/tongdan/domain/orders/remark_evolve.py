"""How remarks fold into the state of an order: they leave it as it is."""

from collections.abc import Callable
from typing import Final

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders import remark_facts as f
from tongdan.domain.orders.entry_facts import OrderEntered
from tongdan.domain.orders.model import Order


def _as_it_is(order: Order, _: Fact) -> Order:
    return order


REMARKS: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.OrderCommented: _as_it_is,
    f.PersonRevealed: _as_it_is,
    OrderEntered: _as_it_is,
}
