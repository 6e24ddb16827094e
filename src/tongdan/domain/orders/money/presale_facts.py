"""Presale (预售) of an own shop: a deposit (定金) first, the balance (尾款) later."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import ReservedLine


class PresaleAgreed(Fact, frozen=True, kw_only=True):
    """The price comes in two sums: it is held until the second is paid, which may be until `balance_by`."""

    deposit_fen: int
    balance_by: datetime


class DepositPaid(Fact, frozen=True, kw_only=True):
    """`reserved` are the lines whose stock stays for the order from here on."""

    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime
    reserved: tuple[ReservedLine, ...]


class BalancePaid(Fact, frozen=True, kw_only=True):
    """The rest of the price has come in; `OrderPaid` tells of the whole."""

    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime
