"""What an own shop may have its answer wait for: `?wait=reserved` on a new order."""

from typing import Final

from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.model import Order
from tongdan.ports import Inbound
from tongdan.surfaces.front_door import Wait


def _places_an_order(message: Inbound) -> bool:
    return isinstance(message.command, PlaceOrder)


def stock_is_decided(order: object) -> bool:
    """Every line either has its stock, or will not get it by waiting."""
    if not isinstance(order, Order):
        return False
    return order.cancelled or all(line.short or not line.at(Stage.WAITING) for line in order.lines)


def stock_stands(order: object) -> bool:
    return isinstance(order, Order) and not order.cancelled and not order.units(Stage.WAITING)


WAITS: Final = {"reserved": Wait(applies=_places_an_order, over=stock_is_decided, met=stock_stands)}
