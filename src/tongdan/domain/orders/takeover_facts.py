"""What has happened to an order in the system that was used before this one."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import ReservedLine, Units


class LinesLeftElsewhere(Fact, frozen=True, kw_only=True):
    """`system` has sent these units: they have left, and nothing is told to the channel, which it has told.

    `complete`: no unit of the order is left here. The stock of the `freed` lines is freed.
    """

    system: str
    dispatch: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime
    complete: bool
    freed: tuple[ReservedLine, ...] = ()
    ends: tuple[str, ...] = ()
