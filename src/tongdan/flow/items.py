"""What travels through the bus: a command with all that its transaction has to know of it, and how it is made."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.keys import key_slot, kind_of
from tongdan.domain.kernel.messages import (
    NOTHING,
    Command,
    FinishEffect,
    RecordEffectFailure,
    Refusal,
    ReplayEffect,
    SkipEffect,
    WakeUp,
)
from tongdan.domain.kernel.slots import SLOTS, digest, slot_of
from tongdan.flow.aggregates import KINDS, WAKES
from tongdan.flow.routes import COMMANDS
from tongdan.flow.routing import Name, Route, Target
from tongdan.ports import Inbound, NotUnderstood

INTERNAL_SOURCES: Final = frozenset({"timer", "reaction", "operator"})


class Origin(NamedTuple):
    """Which fact a reaction's command comes from; it makes repeating the reaction harmless."""

    aggregate: str
    slot: int
    epoch: int
    seq: int
    reaction: str
    ordinal: int

    @property
    def parked_as(self) -> str:
        """What is parked when this one command fails: the reaction's others may have been carried out."""
        return f"{self.reaction}#{self.ordinal}"


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
    note: str = ""  # what the cause of an outcome says besides its effect
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


def item_of(message: Inbound | NotUnderstood) -> "Item | Quarantined | Refusal":
    """A message from outside on its way; refused at once when no aggregate can have the key that it names."""
    if type(message) is NotUnderstood:
        content = blake2b(message.raw, digest_size=16).hexdigest()
        return Quarantined(
            slot_of("quarantine", message.source), digest("quarantine", message.source, content), message.source,
            message.shop, message.reason, message.raw, None, 0, message.about,
        )  # fmt: skip
    assert type(message) is Inbound
    route = COMMANDS.get(type(message.command))
    if route is None:
        return _unrouted(message)
    try:
        target = route.target(message.command)
    except ValueError:
        return _unknown(message.command)
    return Item(
        message.command, route, target.slot, target.key, target.name, _name_key(target), digest(*message.key),
        message.source, message.shop, message.operator, message.happened_at, message.raw, None, "", None, 0,
    )  # fmt: skip


def _unrouted(message: Inbound) -> Item:
    command = message.command
    if not isinstance(command, SkipEffect | ReplayEffect):
        raise TypeError(f"{type(command).__name__} has no route")
    slot = _effect_slot(command.effect)
    return Item(
        command, None, slot, "", None, b"", digest(*message.key), message.source, message.shop, message.operator,
        message.happened_at, message.raw, None, "", None, 0,
    )  # fmt: skip


def internal_item(
    command: Command, *, source: str, shop: str = "", operator: str = "system", raw: bytes = b"",
    origin: Origin | None = None, effect: str = "", key: str = "", note: str = "",
) -> Item:  # fmt: skip
    """A command of the loop itself on its way. Raises ValueError when no aggregate can have the key that it names."""
    route: Route | None
    if (known := COMMANDS.get(type(command))) is not None:
        route, target = known, known.target(command)
    elif type(command) is WakeUp:
        kind = KINDS[kind_of(key)]
        route, target = Route(kind, _nowhere, WAKES[kind.name]), Target(key_slot(key), key)
    elif isinstance(command, SkipEffect | ReplayEffect | RecordEffectFailure):
        route, target = None, Target(_effect_slot(command.effect))
    else:
        assert type(command) is FinishEffect
        kind = KINDS[kind_of(key)]
        route, target = Route(kind, _nowhere, _nothing_learnt), Target(key_slot(key), key)
    return Item(
        command, route, target.slot, target.key, target.name, _name_key(target), b"", source, shop, operator,
        None, raw, origin, effect, None, 0, note,
    )  # fmt: skip


def _nothing_learnt(state: object, command: object, ctx: object) -> Any:
    return NOTHING


_NAMED: Final = ("order", "shipment", "after_sale")


def _unknown(command: Any) -> Refusal:
    """No aggregate can have the key that this command names."""
    return refusals.UNKNOWN_ID.of(
        id=str(next(filter(None, (getattr(command, name, "") for name in _NAMED)), ""))[:80]
    )


def _name_key(target: Target) -> bytes:
    return b"" if target.name is None else digest(*target.name)


def _nowhere(command: Command) -> Target:
    raise AssertionError("the key of this command is known")


def _effect_slot(effect: str) -> int:
    """The slot an effect id begins with; a malformed id leads to slot 0, where it is not found."""
    head = effect.partition(".")[0]
    return int(head) % SLOTS if head.isascii() and head.isdigit() else 0
