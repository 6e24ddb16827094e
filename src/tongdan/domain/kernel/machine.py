"""Transition tables: data that says from which state to which other an axis may move.

A table is walked when it is built, so a state that cannot be reached, an edge to nowhere or a dead end that was not
declared final stops the programme at start-up instead of an order at midnight.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Generic, TypeVar

S = TypeVar("S", bound=IntEnum)


class MachineError(Exception):
    """A transition table that cannot be meant; the message names the states."""


class Machine(Generic[S]):
    """One axis: its states in order of progress, where it starts, where it may end, and its edges.

    `allows(a, b)` tells whether the table has the edge; `step(a, b)` is b, or raises MachineError.
    """

    def __init__(self, name: str, start: S, finals: frozenset[S], edges: Mapping[S, frozenset[S]]) -> None:
        self.name: Final = name
        self.start: Final = start
        self.finals: Final = finals
        self._edges: Final = dict(edges)
        states = set(type(start))
        if stray := (set(edges) | {t for ts in edges.values() for t in ts} | set(finals)) - states:
            raise MachineError(f"{name}: edges name unknown states {sorted(stray)}")
        reached, todo = {start}, [start]
        while todo:
            for target in self._edges.get(todo.pop(), frozenset()) - reached:
                reached.add(target)
                todo.append(target)
        if lost := states - reached:
            raise MachineError(f"{name}: unreachable {sorted(s.name for s in lost)}")
        if stuck := {s for s in states - finals if not self._edges.get(s)}:
            raise MachineError(f"{name}: dead ends not declared final {sorted(s.name for s in stuck)}")

    def allows(self, at: S, to: S) -> bool:
        return to in self._edges.get(at, frozenset())

    def step(self, at: S, to: S) -> S:
        if not self.allows(at, to):
            raise MachineError(f"{self.name}: {at.name} does not lead to {to.name}")
        return to

    def edges(self) -> list[tuple[S, S]]:
        return [(a, b) for a, targets in self._edges.items() for b in sorted(targets)]
