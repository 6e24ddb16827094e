"""The way in: a **door** turns a partner's request into commands and their replies into the partner's own answer.

Doors know nothing of transport, so the same code runs over real HTTP and, in a replay, in process on virtual time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from tongdan.domain.kernel.messages import Command, Refusal


class PushRequest(msgspec.Struct, frozen=True, gc=False):
    """A request as it stood on the wire. Header names are lower-case; `body` is untouched."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class PushAnswer(msgspec.Struct, frozen=True, gc=False):
    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after_s: int = 0


class Inbound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command a partner's message stands for.

    `key` names the message for the inbox: the same key is the same message. `raw` is this item's own bytes as
    received (of an array push the item, not the array). `source` is like `channel/douyin`.
    """

    command: Command
    key: tuple[str, ...]
    source: str
    shop: str
    happened_at: datetime
    raw: bytes
    operator: str = "system"


class NotUnderstood(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Authentic, but not understood: kept raw in quarantine, acknowledged, shown as a ticket.

    `about` is what besides `raw` the door needs to read it again: no secret, no personal data.
    """

    source: str
    reason: str
    raw: bytes
    shop: str = ""
    about: str = ""


class Unauthentic(Exception):
    """No valid signature or secret URL. The message says what was wrong, never the secret."""


class Mistake(Exception):
    """A client's mistake: a named 4xx, nothing is written."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The committed answer to a command: where in the log it stands. A repeat gets the same, marked `duplicate`."""

    aggregate: str
    slot: int
    epoch: int
    seq: int
    duplicate: bool = False


Reply = Accepted | Refusal


@runtime_checkable
class Translator(Protocol):
    """A door that may find a message not understood, and reads it again when that was mended."""

    source: str

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """What an authentic message stands for today; `about` as `NotUnderstood` had it. Raises Unauthentic."""


class Door(Protocol):
    """One entrance. `path` is its prefix on the push port, e.g. `/push/douyin/`; it is knocked at by POST, unless
    `methods` (a frozenset) names others too."""

    path: str
    source: str

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        """Authenticate, then translate. Raises Unauthentic or Mistake; an empty list is answered at once."""

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        """The native acknowledgement once everything is committed or quarantined (the latter has no reply)."""

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """The partner's own way of being told no: unauthentic, mistaken, or overloaded (429/503: try again)."""
