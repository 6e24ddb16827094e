"""Which systems say of an order what cannot be true together with what we hold: the odd cells of the board.

Systems are heard one after the other, so a lag is no disagreement; only pairs that no lag explains are listed.
"""

from tongdan.domain.kernel.status import IMPOSSIBLE, Status
from tongdan.domain.orders.model import Order, gone
from tongdan.domain.orders.status import status


def disagreeing(order: Order) -> tuple[str, ...]:
    """The names of these systems; a platform's cancellation of what has left here is one too."""
    ours = status(order)
    impossible = IMPOSSIBLE.get(ours, frozenset())
    if ours is Status.CANCELLED and gone(order):
        impossible = frozenset({"cancelled"})
    return tuple([system for system, said in order.said.items() if said.status in impossible])
