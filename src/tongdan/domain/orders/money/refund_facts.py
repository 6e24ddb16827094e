"""What has happened to money on its way back, and what is asked of the payment provider for it.

A refund takes from one payment, goes by its own number (`…-R1`), and holds its sum until it has failed for good: so the
same fen cannot go back twice, whatever is lost or repeated on the way.
"""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect, Fact


class RefundRequested(Fact, frozen=True, kw_only=True):
    """Money of the payment `transaction` is to go back. `adds_fen` is what of it was not owed before; `check_at` is
    when its fate is asked for, should nobody have told it."""

    refund: int
    attempt: int
    transaction: str
    amount_fen: int
    adds_fen: int
    reason: str
    check_at: datetime


class RefundAccepted(Fact, frozen=True, kw_only=True):
    """The provider is at it, under a number of its own; its result is asked for at `check_at` unless it comes."""

    refund: int
    reference: str
    check_at: datetime


class RefundAsked(Fact, frozen=True, kw_only=True):
    """The result did not come, so it was asked for. `check_at` None: for the last time; a person has to look."""

    refund: int
    times: int
    check_at: datetime | None


class RefundSucceeded(Fact, frozen=True, kw_only=True):
    """The buyer has the money. `ends` names the tickets whose cause is gone."""

    refund: int
    amount_fen: int
    succeeded_at: datetime
    ends: tuple[str, ...] = ()


class RefundAbnormal(Fact, frozen=True, kw_only=True):
    """The buyer's account did not take it: at the provider a person has to name another; then it may still succeed."""

    refund: int
    amount_fen: int
    check_at: datetime


class RefundFailed(Fact, frozen=True, kw_only=True):
    """Refused or closed for good: the money has not left and is still owed."""

    refund: int
    amount_fen: int
    reason: str


class RefundContradicted(Fact, frozen=True, kw_only=True):
    """The provider says what cannot be (a refund nobody asked for, another sum, an end after the end): not believed."""

    refund: int
    attempt: int
    transaction: str
    amount_fen: int
    stage: str


class RefundPayment(Effect, frozen=True, kw_only=True):
    """Send back `amount_fen` of a payment of `total_fen`. Natural: `out_refund_no` takes place once."""

    shop: str
    out_trade_no: str
    transaction: str
    out_refund_no: str
    amount_fen: int
    total_fen: int


class QueryRefund(Effect, frozen=True, kw_only=True):
    """Ask what became of a refund. A read: natural. It comes after its refund in the lane, so one that was not
    `accepted` and is not there was given up before it was sent."""

    shop: str
    out_refund_no: str
    accepted: bool


class ClosePayment(Effect, frozen=True, kw_only=True):
    """Nobody is to pay this attempt any more. Natural: what is closed stays closed."""

    shop: str
    out_trade_no: str
