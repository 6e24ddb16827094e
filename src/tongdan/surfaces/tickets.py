"""Tickets as an inbox needs them: how far the repair of each side is, what a person may choose, and why not the rest.

What may be chosen is asked of the deciders as everything is (`permitted`), and decided anew when it is chosen.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.commands import TellAgain
from tongdan.domain.sync.compare import UNKNOWN
from tongdan.domain.sync.dispute import CHOICES, PERSON, READ, TELL
from tongdan.domain.sync.ticket import Side
from tongdan.ports import Reads
from tongdan.surfaces.permitted import decided

NOTHING_TO_READ: Final = RefusalKind(
    "nothing-to-take-over",
    409,
    en="{partner} does not know the order: there is nothing to take over.",
    zh="{partner} 查无此单，没有可采用的内容。",
)
NOT_RETOLD: Final = RefusalKind(
    "cannot-be-told",
    409,
    en="{partner} takes nothing of this from us: mend it there, or leave it.",
    zh="{partner} 不接收我方的此类通知：请在对方系统处理，或保持现状。",
)


class Stage(StrEnum):
    """`WAITING`: a repair is under way, and a later heartbeat is to prove it."""

    CHOOSE = "choose"
    WAITING = "waiting"
    LEFT = "left"


class Choice(NamedTuple):
    """`refusal` None: it may be chosen."""

    choice: str
    refusal: Refusal | None


def stage_of(side: Side) -> Stage:
    if side.left:
        return Stage.LEFT
    return Stage.CHOOSE if side.given_up or side.repair == PERSON else Stage.WAITING


def choices_of(reads: Reads, policy: Policy, order: str, side: Side, now: datetime) -> list[Choice]:
    """In the order of `dispute.CHOICES`."""
    why = {READ: _not_read(side), TELL: _not_told(reads, policy, order, side, now)}
    return [Choice(choice, why.get(choice)) for choice in CHOICES]


def _not_read(side: Side) -> Refusal | None:
    return NOTHING_TO_READ.of(partner=side.partner) if side.theirs == UNKNOWN else None


def _not_told(reads: Reads, policy: Policy, order: str, side: Side, now: datetime) -> Refusal | None:
    found = decided(reads, policy, TellAgain(order=order, partner=side.partner), now)
    if isinstance(found, Refusal):
        return found
    return None if found.facts else NOT_RETOLD.of(partner=side.partner)
