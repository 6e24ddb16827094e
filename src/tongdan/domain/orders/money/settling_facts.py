"""What has not happened to the money of an order."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact


class SettlementOverdue(Fact, frozen=True, kw_only=True):
    """All was signed for, and by `settle_by` nobody has told that the price was paid out."""

    expected_fen: int
    settle_by: datetime
