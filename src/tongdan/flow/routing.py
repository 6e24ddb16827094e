"""What a route is: the vocabulary that `routes.py` is written in.

An aggregate kind knows how its state is folded from facts and when it wants to be woken; a route says which kind a
command concerns, how its key is found, and which pure function decides; a reaction turns a fact into commands.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from tongdan.domain.kernel.messages import Command, Decide, Fact


class Name(NamedTuple):
    """A name outside our ids that means exactly one order: channel, shop, and the platform's or client's number."""

    channel: str
    shop: str
    native: str


class Target(NamedTuple):
    """Where a command goes. Either `key` is known, or `name` is looked up in `slot` (and, if new, gets an id)."""

    slot: int
    key: str = ""
    name: Name | None = None


def never(state: object) -> datetime | None:
    """The deadline of what waits for nothing."""
    return None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """An aggregate kind.

    `evolve(state | None, fact) -> state` folds; `wake_at(state)` is its earliest deadline (None: nothing to wait
    for); `status(state)` its numeric status code (orders: the canonical code; others: 0).
    `schema` counts the shapes of the state: a row with another number is rebuilt from its facts.
    """

    name: str
    state: type[Any]
    evolve: Callable[[Any, Any], Any]
    wake_at: Callable[[Any], datetime | None] = never
    status: Callable[[Any], int] = lambda state: 0
    shop: Callable[[Any], str] = lambda state: ""
    schema: int = 1


class Route(msgspec.Struct, frozen=True):
    """One command: the kind it concerns, the way to its key, the pure function that decides."""

    kind: Kind
    target: Callable[[Any], Target]
    decide: Decide
    creates: bool = False


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A fact as it stands in the journal, for reactions and views."""

    aggregate: str
    slot: int
    epoch: int
    seq: int
    shop: str
    owned: bool
    happened_at: datetime
    fact: Fact


Commands = Iterable[Command]


class Reaction(msgspec.Struct, frozen=True):
    """`to` turns one fact into commands; `name` is durable (cursors and watermarks are kept under it)."""

    name: str
    on: type[Fact]
    to: Callable[[Any, Recorded], Commands]
