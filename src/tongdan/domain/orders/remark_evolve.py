"""How remarks, and what finance is told again, fold into the state of an order: they leave it as it is."""

from collections.abc import Callable
from typing import Final

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders import remark_facts as f
from tongdan.domain.orders.entry_facts import OrderEntered
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.telling_facts import MilestoneRetold


def _as_it_is(order: Order, _: Fact) -> Order:
    return order


REMARKS: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.OrderCommented: _as_it_is,
    f.PersonRevealed: _as_it_is,
    OrderEntered: _as_it_is,
    MilestoneRetold: _as_it_is,
    f.ToldAgain: _as_it_is,
}
