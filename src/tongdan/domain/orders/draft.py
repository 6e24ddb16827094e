"""The draft in which a decision about an order takes shape: a payment comes in, so the order is released."""

from tongdan.domain.kernel import drafts
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.model import Order


class Draft(drafts.Draft[Order]):
    """`order` is the state that its facts have led to so far."""

    __slots__ = ()

    def __init__(self, order: Order, *told: Fact) -> None:
        super().__init__(evolve, order, *told)

    @classmethod
    def begin(cls, fact: Fact) -> "Draft":
        """A draft of an order that begins with `fact`."""
        return cls(evolve(None, fact), fact)

    @property
    def order(self) -> Order:
        return self.state
