"""How a system sees an order, field by field, so that two systems can be compared whatever their formats are.

A field that a system does not tell is None (a status: ""), and is not compared. Nobody's name or address is in it: of
a receiver there is a digest.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import msgspec

from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.status import NAMES, ORDINAL


class Field(StrEnum):
    """What systems can disagree on. PRESENCE: one of them does not know the order at all."""

    PRESENCE = "presence"
    STATUS = "status"
    AMOUNT = "amount"
    LINES = "lines"
    RECEIVER = "receiver"
    WAYBILL = "waybill"
    REFUND = "refund"


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`status` is canonical, `native` the system's own word. `units` by SKU; `receiver` a digest; sums in fen."""

    status: str = ""
    native: str = ""
    amount_fen: int | None = None
    units: dict[str, int] | None = None
    receiver: str | None = None
    waybills: tuple[str, ...] | None = None
    refunded_fen: int | None = None
    said_at: datetime | None = None


class OurStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order as we hold it. `reached`: every status it has come by, which is what others may have been told last.

    `changed_at`: since when it stands so, as far as others can know.
    """

    reached: frozenset[str] = frozenset()
    own: bool = False
    changed_at: datetime


def receiver_digest(person: Person) -> str:
    """What two receivers are compared by: blanks do not count, and nobody can be read from it."""
    said = [person.name, person.phone, person.province, person.city, person.district, person.detail]
    return hashlib.sha256("\n".join(["".join(each.split()) for each in said]).encode()).hexdigest()[:16]


def together(words: Collection[str]) -> str:
    """What the statuses of an order's shipments come to: that of the one that is least far. One that is cancelled
    counts only if all are; "" where one of them cannot be told."""
    if "" in words:
        return ""
    live = [each for each in words if each != "cancelled"]
    return min(live, key=lambda name: ORDINAL[NAMES[name]], default="cancelled" if words else "")
