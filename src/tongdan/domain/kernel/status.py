"""The canonical statuses of an order, how they compare, and which pairs of them cannot both be true.

Codes are announced to the outside and never change; to compare what two systems say use `ORDINAL`.
"""

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """Canonical status. The numbers are part of the interface (signed = 5)."""

    ANNOUNCED = 0
    CREATED = 1
    PAID = 2
    RELEASED = 3
    SHIPPED = 4
    SIGNED = 5
    SETTLED = 6
    COMPLETED = 7
    CANCELLED = 8
    REFUND_PENDING = 9
    REFUNDED = 10
    RETURNING = 11
    EXCHANGED = 12


# How far along a status is. Gaps leave room for statuses to come.
ORDINAL: Final[dict[Status, int]] = {
    Status.ANNOUNCED: 0,
    Status.CREATED: 10,
    Status.PAID: 20,
    Status.RELEASED: 30,
    Status.SHIPPED: 40,
    Status.SIGNED: 50,
    Status.SETTLED: 60,
    Status.COMPLETED: 70,
    Status.RETURNING: 80,
    Status.EXCHANGED: 90,
    Status.REFUND_PENDING: 100,
    Status.CANCELLED: 110,
    Status.REFUNDED: 120,
}

NAMES: Final[dict[str, Status]] = {each.name.lower(): each for each in Status}

_LEFT: Final = frozenset({"shipped", "signed", "settled", "completed"})
_OVER: Final = frozenset({"cancelled", "refunded"})
# Our status → what another system cannot be saying, however late its news come.
IMPOSSIBLE: Final[dict[Status, frozenset[str]]] = {
    Status.CREATED: _LEFT,
    Status.PAID: _LEFT,
    Status.RELEASED: _OVER | _LEFT - {"shipped"},
    Status.SHIPPED: _OVER | {"created"},
    Status.SIGNED: _OVER | {"created", "paid"},
    Status.SETTLED: _OVER | {"created", "paid"},
    Status.COMPLETED: _OVER | {"created", "paid"},
    Status.CANCELLED: _LEFT,
}
