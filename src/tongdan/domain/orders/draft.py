"""The draft in which a decision about an order takes shape.

A decision may have several steps (a payment comes in, so the order is released). Every fact told is folded at once,
so the next step decides on what it leads to, and the bus will fold the same facts to the same state.
"""

from tongdan.domain.kernel.messages import Decision, Effect, Fact, Person
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.model import Order


class Draft:
    """A decision in the making; `order` is the state that its facts have led to so far."""

    __slots__ = ("_effects", "_facts", "_supersedes", "order")

    def __init__(self, order: Order) -> None:
        self.order = order
        self._facts: list[Fact] = []
        self._effects: list[Effect] = []
        self._supersedes: tuple[str, ...] = ()

    @classmethod
    def begin(cls, fact: Fact) -> "Draft":
        """A draft of an order that begins with `fact`."""
        draft = cls(evolve(None, fact))
        draft._facts.append(fact)
        return draft

    def tell(self, fact: Fact) -> None:
        self._facts.append(fact)
        self.order = evolve(self.order, fact)

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def withdraw(self, *verbs: str) -> None:
        """Effects of these verbs that have not been sent are not to be sent."""
        self._supersedes += verbs

    def decision(self, person: Person | None = None) -> Decision:
        if not self._facts:
            return Decision()
        return Decision(tuple(self._facts), tuple(self._effects), person, self._supersedes)
