"""What may be asked about a refund that two parties have to mark."""

from datetime import datetime

from tongdan.domain.kernel.confirmation import Marker
from tongdan.domain.kernel.messages import Command


class ConfirmRefund(Command, frozen=True, kw_only=True):
    """A party marks it. `amount_fen` None: whatever its sum is; otherwise it has to be that."""

    order: str
    refund: int
    marker: Marker
    amount_fen: int | None = None


class WithdrawRefund(Command, frozen=True, kw_only=True):
    order: str
    refund: int
    marker: Marker
    reason: str


class DisputeRefund(Command, frozen=True, kw_only=True):
    """Finance withdraws a refund that a platform has made, by the platform's number of it."""

    order: str
    reference: str
    by: str
    reason: str


class RecordRefundTold(Command, frozen=True, kw_only=True):
    """A system has answered what it was told."""

    order: str
    refund: int
    partner: str
    word: str


class RecordRepayment(Command, frozen=True, kw_only=True):
    """Recovered money came in; `reference` names the payment, and the same one counts once."""

    order: str
    refund: int
    amount_fen: int
    reference: str
    repaid_at: datetime


class WriteOffRecovery(Command, frozen=True, kw_only=True):
    order: str
    refund: int
    by: str
    reason: str
