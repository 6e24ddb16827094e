"""How what has not been paid out folds into the state of an order."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.model import WORRY_UNSETTLED, Order
from tongdan.domain.orders.money.settling_facts import SettlementBooked, SettlementOverdue


def _overdue(order: Order, _: SettlementOverdue) -> Order:
    return replace(order, worries=(*order.worries, WORRY_UNSETTLED))


def _booked(order: Order, fact: SettlementBooked) -> Order:
    return replace(order, settlement=fact.reference)


SETTLING: Final[dict[type[Fact], Callable[..., Order]]] = {
    SettlementBooked: _booked,
    SettlementOverdue: _overdue,
}
