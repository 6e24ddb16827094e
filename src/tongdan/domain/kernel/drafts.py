"""The draft in which a decision of several steps takes shape.

Every fact told is folded at once, so the next step decides on what it leads to, and the bus will fold the same facts to
the same state.
"""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from tongdan.domain.kernel.messages import Decision, Effect, Fact, Person

S = TypeVar("S")


class Draft(Generic[S]):
    """A decision in the making; `state` is what its facts have led to so far, beginning with those already `told`."""

    __slots__ = ("_effects", "_evolve", "_facts", "_supersedes", "state")

    def __init__(self, evolve: Callable[[Any, Fact], S], state: S, *told: Fact) -> None:
        self.state = state
        self._evolve: Final = evolve
        self._facts: Final = list(told)
        self._effects: Final[list[Effect]] = []
        self._supersedes: tuple[str, ...] = ()

    def tell(self, fact: Fact) -> None:
        self._facts.append(fact)
        self.state = self._evolve(self.state, fact)

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def withdraw(self, *verbs: str) -> None:
        """Effects of these verbs that have not been sent are not to be sent."""
        self._supersedes += verbs

    def decision(self, person: Person | None = None) -> Decision:
        if not self._facts:
            return Decision()
        return Decision(tuple(self._facts), tuple(self._effects), person, self._supersedes)
