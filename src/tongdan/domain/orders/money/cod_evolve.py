"""How facts about cash on delivery fold into the state of an order; what is decided is in `cod.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.model import WORRY_CASH, Order
from tongdan.domain.orders.money import cod_facts as f


def _agreed(order: Order, fact: f.CashOnDelivery) -> Order:
    return replace(order, cod=True, ship_by=order.ship_by or fact.ship_by)


def _overdue(order: Order, _: f.CashOverdue) -> Order:
    return replace(order, worries=(*order.worries, WORRY_CASH))


CASH: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.CashOnDelivery: _agreed,
    f.CashOverdue: _overdue,
}
