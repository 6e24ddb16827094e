"""What is known of the confirmation of one refund: who has marked it, who was told of it, how far it is undone.

It stands beside the refund of the same number. `Step`s are in the order in which systems were first told, and are
undone in the reverse order, each only when the partner's answer has proven the one before.
"""

from datetime import datetime
from enum import IntEnum

import msgspec

from tongdan.domain.kernel.confirmation import PARTIES
from tongdan.domain.orders.lines import Units


class Undo(IntEnum):
    NO = 0
    ASKED = 1
    PROVEN = 2


class Mark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    party: str
    by: str
    at: datetime


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A system that was told. `said` is the last word it was told, `proven` whether its answer to that came."""

    partner: str
    said: str
    proven: bool = False
    undo: Undo = Undo.NO


class Recovery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money that left although it was withdrawn. Open until it has all come back, or was written off.
    `references` are the payments that brought it back."""

    amount_fen: int
    repaid_fen: int = 0
    written_off: bool = False
    references: tuple[str, ...] = ()

    @property
    def left_fen(self) -> int:
        """What is still to be recovered."""
        return 0 if self.written_off else self.amount_fen - self.repaid_fen

    @property
    def is_open(self) -> bool:
        return self.left_fen > 0


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`due_at`: when it is executed, once both have marked it; None before, and when it was. `adds_fen` is what of it
    was not owed before, `units` are lines whose price goes back by it."""

    refund: int
    cause: str
    reason: str
    adds_fen: int
    cooling_s: int
    proposed_at: datetime
    partners: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    due_at: datetime | None = None
    executed: bool = False
    withdrawn: Mark | None = None
    undone: bool = False
    steps: tuple[Step, ...] = ()
    units: tuple[Units, ...] = ()
    recovery: Recovery | None = None

    def mark_of(self, party: str) -> Mark | None:
        return next((each for each in self.marks if each.party == party), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parties whose mark is waited for."""
        if self.executed or self.withdrawn is not None:
            return ()
        return tuple([party for party in PARTIES if self.mark_of(party) is None])
