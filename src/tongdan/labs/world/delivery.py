"""A delivery order as the simulated WMS keeps it: what was planned, what has left, and how far it is."""

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Item:
    """A line of a delivery order; `native` is its order's number at the channel.

    `left` are the units that went out, `back` those of them whose parcel was turned round on its way.
    """

    no: str
    code: str
    planned: int
    native: str
    left: int = 0
    back: int = 0

    @property
    def gone(self) -> int:
        return self.left - self.back


class Sent(NamedTuple):
    """A parcel that left, with units by article."""

    waybill: str
    carrier: str
    units: list[tuple[str, int]]


@dataclass
class Delivery:
    """What the WMS knows of one delivery order. `times_created` counts how often it was asked for.

    `sent` are the parcels, and `touched_at` is when it last moved, by the clock on the wall.
    `express` is the number it came with, if the seller took one, and `carrier` whose it is; it is for the first parcel.
    """

    code: str
    warehouse: str
    native: str
    receiver: str
    items: list[Item]
    stage: str = "NEW"
    times_created: int = 1
    waybills: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    touched_at: str = ""
    signed: bool = False
    carrier: str = "SF"
    express: str = ""

    @property
    def gone(self) -> bool:
        return self.stage in ("PACKAGE", "WEIGH", "PARTDELIVERED", "DELIVERED", "SIGN")
