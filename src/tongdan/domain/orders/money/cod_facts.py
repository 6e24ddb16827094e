"""Cash on delivery (货到付款): what has happened to an order whose price is collected at the door."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import ReservedLine


class CashOnDelivery(Fact, frozen=True, kw_only=True):
    """Its price is collected at the door, so it ships before it is paid.

    `reserved` are the lines whose stock was only held for a payment and now stays.
    """

    reserved: tuple[ReservedLine, ...]
    ship_by: datetime


class CashOverdue(Fact, frozen=True, kw_only=True):
    """All was signed for, and by `cash_by` nobody has told of the money."""

    amount_fen: int
    cash_by: datetime
