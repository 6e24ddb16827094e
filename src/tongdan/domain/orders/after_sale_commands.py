"""What may be asked of an order about its after-sales."""

from datetime import datetime

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.lines import Units


class NoteAfterSale(Command, frozen=True, kw_only=True):
    """How the after-sale `…-A{no}` stands, as its own aggregate knows it. `sold`: lines as the channel names them."""

    order: str
    no: int
    kind: AfterSaleKind
    stage: AfterSaleStage
    sold: tuple[tuple[str, int], ...]
    amount_fen: int
    said_at: datetime


class RequestAfterSale(Command, frozen=True, kw_only=True):
    """An own shop's buyer applies for an after-sale, under the client's own `number` of it."""

    order: str
    number: str
    kind: AfterSaleKind
    units: tuple[Units, ...]
    amount_fen: int
    reason: str = ""


class TellAfterSale(Command, frozen=True, kw_only=True):
    """An own shop's buyer withdraws an after-sale (closed), or has sent the goods (returning)."""

    order: str
    number: str
    stage: AfterSaleStage
    carrier: str = ""
    waybill: str = ""


class SettleAfterSales(Command, frozen=True, kw_only=True):
    """A refund has succeeded: what waited for it is over."""

    order: str
