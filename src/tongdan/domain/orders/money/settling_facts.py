"""What becomes of the money of an order beyond its settlement: it is late, or finance books what a bill has shown."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact


class SettlementOverdue(Fact, frozen=True, kw_only=True):
    """All was signed for, and by `settle_by` nobody has told that the price was paid out."""

    expected_fen: int
    settle_by: datetime


class SettlementBooked(Fact, frozen=True, kw_only=True):
    """Finance has settled too what a bill had shown to be paid out; `reference` is finance's."""

    reference: str
    settled_at: datetime
