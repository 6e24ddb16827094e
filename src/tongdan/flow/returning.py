"""Orders that were lost with a restore come back when somebody names them.

A message that names one is told to come again later; meanwhile the order is made to exist, with a ticket that says
what is missing. What comes again then finds it, and what a platform or an own shop's client adds makes it whole.
"""

from tongdan.domain.orders.commands import ResurfaceOrder
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.shard import Shard
from tongdan.ports import Reply


class Returning:
    """Listens for ids that a batch did not know and that may have been given out before a restore."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        bus.listeners.append(self)

    def committed(self, shard: Shard, batch: Batch) -> None:
        for order in dict.fromkeys(batch.missed):
            self._bus.again(ResurfaceOrder(order=order), ("resurfaced", order), _nothing)


def _nothing(_: int, reply: Reply) -> None:
    """Whoever named it comes again."""
