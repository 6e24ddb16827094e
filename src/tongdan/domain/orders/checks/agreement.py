"""Which systems say of an order what cannot be true together with what we hold: the odd cells of the board.

Systems are heard one after the other, so a lag is no disagreement; only pairs that no lag explains are listed.
"""

from typing import Final

from tongdan.domain.orders.axes import Status
from tongdan.domain.orders.model import Order, gone, status

_S: Final = Status
_LEFT: Final = frozenset({"shipped", "signed", "settled", "completed"})
_OVER: Final = frozenset({"cancelled", "refunded"})
# Our status → what a system cannot be saying.
_IMPOSSIBLE: Final[dict[Status, frozenset[str]]] = {
    _S.CREATED: _LEFT,
    _S.PAID: _LEFT,
    _S.RELEASED: _OVER | _LEFT - {"shipped"},
    _S.SHIPPED: _OVER | {"created"},
    _S.SIGNED: _OVER | {"created", "paid"},
    _S.SETTLED: _OVER | {"created", "paid"},
    _S.COMPLETED: _OVER | {"created", "paid"},
    _S.CANCELLED: _LEFT,
}


def disagreeing(order: Order) -> tuple[str, ...]:
    """The names of these systems; a platform's cancellation of what has left here is one too."""
    ours = status(order)
    impossible = _IMPOSSIBLE.get(ours, frozenset())
    if ours is Status.CANCELLED and gone(order):
        impossible = frozenset({"cancelled"})
    return tuple([system for system, said in order.said.items() if said.status in impossible])
