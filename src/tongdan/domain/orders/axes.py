"""The axes an order moves on, each with its own transition table, and the canonical status they add up to.

No axis knows another: money may come in before the lines are known, and a warehouse may ship what a platform has just
cancelled. What a reader calls "the status" is computed from the axes (`status.status`), never stored and never set.
"""

from enum import IntEnum, IntFlag
from typing import Final

from tongdan.domain.kernel.machine import Machine


class Partly(IntFlag):
    """What holds for some of an order's units, or of its price, but not for all; AFTER_SALE: one stands open."""

    NO = 0
    SHIPPED = 1
    SIGNED = 2
    STOPPED = 4
    REFUNDED = 8
    AFTER_SALE = 16


class AttemptStage(IntEnum):
    """One payment attempt (`…-P1`)."""

    REQUESTED = 0
    OPEN = 1
    FAILED = 2
    PAID = 3


# A failed attempt may still be paid: the provider's word that money came in outweighs an earlier "failed".
ATTEMPT: Final = Machine(
    "payment attempt",
    AttemptStage.REQUESTED,
    finals=frozenset({AttemptStage.FAILED, AttemptStage.PAID}),
    edges={
        AttemptStage.REQUESTED: frozenset({AttemptStage.OPEN, AttemptStage.FAILED, AttemptStage.PAID}),
        AttemptStage.OPEN: frozenset({AttemptStage.FAILED, AttemptStage.PAID}),
        AttemptStage.FAILED: frozenset({AttemptStage.PAID}),
    },
)


class RefundStage(IntEnum):
    """One refund (`…-R1`). ACCEPTED: the provider is at it; ABNORMAL: the buyer's account did not take it. HELD: it
    waits for its confirmation, and WITHDRAWN is one that was withdrawn then; of neither the provider has heard."""

    REQUESTED = 0
    ACCEPTED = 1
    ABNORMAL = 2
    SUCCEEDED = 3
    FAILED = 4
    HELD = 5
    WITHDRAWN = 6


_BY_PROVIDER: Final = (RefundStage.ACCEPTED, RefundStage.ABNORMAL, RefundStage.SUCCEEDED, RefundStage.FAILED)
# What is abnormal may still succeed, once a person has named another account. Only one that failed, or was withdrawn
# before it was sent, sets its money free.
REFUND: Final = Machine(
    "refund",
    RefundStage.HELD,
    finals=frozenset({RefundStage.SUCCEEDED, RefundStage.FAILED, RefundStage.WITHDRAWN}),
    edges={
        RefundStage.HELD: frozenset({RefundStage.REQUESTED, RefundStage.WITHDRAWN}),
        RefundStage.REQUESTED: frozenset(_BY_PROVIDER),
        RefundStage.ACCEPTED: frozenset({RefundStage.ABNORMAL, RefundStage.SUCCEEDED, RefundStage.FAILED}),
        RefundStage.ABNORMAL: frozenset({RefundStage.SUCCEEDED, RefundStage.FAILED}),
    },
)


class Stage(IntEnum):
    """Where a unit of a line is. Every unit is at exactly one stage, so units cannot get lost."""

    WAITING = 0
    RESERVED = 1
    RELEASED = 2
    SHIPPED = 3
    SIGNED = 4
    STOPPED = 5


# A stopped unit may turn out to have left: a parcel in the street outweighs the word that it was held back. One that
# was shipped and came back unsigned is stopped again. A waiting one has left where the system used before had sent it.
# A stopped one waits again when the refund that had taken it back was withdrawn.
FULFILLMENT: Final = Machine(
    "fulfillment of a unit",
    Stage.WAITING,
    finals=frozenset({Stage.SIGNED, Stage.STOPPED}),
    edges={
        Stage.WAITING: frozenset({Stage.RESERVED, Stage.SHIPPED, Stage.STOPPED}),
        Stage.RESERVED: frozenset({Stage.WAITING, Stage.RELEASED, Stage.STOPPED}),
        Stage.RELEASED: frozenset({Stage.SHIPPED, Stage.STOPPED}),
        Stage.STOPPED: frozenset({Stage.SHIPPED, Stage.WAITING}),
        Stage.SHIPPED: frozenset({Stage.SIGNED, Stage.STOPPED}),
    },
)


class AfterSale(IntEnum):
    """What is owed to the buyer afterwards. Returns and exchanges will grow here."""

    NONE = 0
    REFUND_DUE = 1
    REFUNDED = 2


# More may come to be owed after all that was owed has gone back.
AFTER_SALE: Final = Machine(
    "after-sale",
    AfterSale.NONE,
    finals=frozenset({AfterSale.NONE, AfterSale.REFUNDED}),
    edges={
        AfterSale.NONE: frozenset({AfterSale.REFUND_DUE}),
        AfterSale.REFUND_DUE: frozenset({AfterSale.REFUNDED}),
        AfterSale.REFUNDED: frozenset({AfterSale.REFUND_DUE}),
    },
)


class Closing(IntEnum):
    """How the order ends."""

    OPEN = 0
    COMPLETED = 1
    CANCELLED = 2


# A platform may close an order it had completed (a refund of everything), never the other way round.
CLOSING: Final = Machine(
    "closing",
    Closing.OPEN,
    finals=frozenset({Closing.COMPLETED, Closing.CANCELLED}),
    edges={
        Closing.OPEN: frozenset({Closing.COMPLETED, Closing.CANCELLED}),
        Closing.COMPLETED: frozenset({Closing.CANCELLED}),
    },
)
