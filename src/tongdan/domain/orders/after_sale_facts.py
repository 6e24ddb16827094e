"""What has happened to an order by its after-sales (`no` n is the after-sale `…-An`)."""

from datetime import datetime

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import Units


class AfterSaleNoted(Fact, frozen=True, kw_only=True):
    """The platform speaks of an after-sale, by its `number`. `again`: in a message of its own, not in a listing."""

    no: int
    number: str
    channel: str
    shop: str
    native: str
    said_at: datetime
    again: bool = False


class AfterSaleRequested(Fact, frozen=True, kw_only=True):
    """An own shop's buyer applies, or applies for something else under the same number."""

    no: int
    number: str
    channel: str
    shop: str
    native: str
    kind: AfterSaleKind
    sold: tuple[tuple[str, int], ...]
    amount_fen: int
    reason: str
    said_at: datetime


class AfterSaleToldByBuyer(Fact, frozen=True, kw_only=True):
    """An own shop's buyer withdraws an after-sale, or has sent the goods."""

    no: int
    kind: AfterSaleKind
    stage: AfterSaleStage
    sold: tuple[tuple[str, int], ...]
    amount_fen: int
    said_at: datetime
    carrier: str = ""
    waybill: str = ""


class AfterSaleMoved(Fact, frozen=True, kw_only=True):
    """How it stands."""

    no: int
    kind: AfterSaleKind
    stage: AfterSaleStage
    sold: tuple[tuple[str, int], ...]
    amount_fen: int
    said_at: datetime


class AfterSalePlaced(Fact, frozen=True, kw_only=True):
    """Which units of which lines it is about. `problem` (line, units or amount): it does not fit the order."""

    no: int
    units: tuple[Units, ...]
    problem: str = ""


class AfterSalePaidBack(Fact, frozen=True, kw_only=True):
    """An own shop's money for it is on its way as `refunds`; `problem` is the refusal that kept it from going."""

    no: int
    refunds: tuple[int, ...] = ()
    problem: str = ""


class AfterSaleSettled(Fact, frozen=True, kw_only=True):
    """All of an own shop's money for it is back."""

    no: int
