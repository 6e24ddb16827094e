"""What travels through the bus: a command with all that its transaction has to know of it."""

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from tongdan.domain.kernel.messages import Command
from tongdan.flow.routing import Name, Route

INTERNAL_SOURCES: Final = frozenset({"timer", "reaction", "operator"})


class Origin(NamedTuple):
    """Which fact a reaction's command comes from; it makes repeating the reaction harmless."""

    aggregate: str
    slot: int
    epoch: int
    seq: int
    reaction: str
    ordinal: int


class Item(msgspec.Struct, gc=False):
    """A command on its way through the bus. `settle(index, reply)` is called once, after the commit."""

    command: Command
    route: Route | None
    slot: int
    key: str
    name: Name | None
    name_key: bytes
    inbox_key: bytes
    source: str
    shop: str
    operator: str
    happened_at: datetime | None
    raw: bytes
    origin: Origin | None
    effect: str
    settle: Any
    index: int
    failed: str = ""  # a reaction that could not be staged: only that it failed is to be recorded

    @property
    def internal(self) -> bool:
        """Made by the loop itself: nobody outside would send it again."""
        return bool(self.origin is not None or self.effect or self.source in INTERNAL_SOURCES)

    @property
    def lane(self) -> tuple[int, str, int] | None:
        """Which watermark the command moves: (source slot, reaction, target slot)."""
        return None if self.origin is None else (self.origin.slot, self.origin.reaction, self.slot)


class Quarantined(msgspec.Struct, gc=False):
    """A message that is authentic but not understood, on its way into the quarantine table."""

    slot: int
    inbox_key: bytes
    source: str
    shop: str
    reason: str
    raw: bytes
    settle: Any
    index: int
    about: str = ""
