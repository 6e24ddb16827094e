"""What WeChat Pay writes down: trades, refunds, and the notices it owes the merchant about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tongdan.domain.kernel import ids

NOTPAY, SUCCESS, CLOSED = "NOTPAY", "SUCCESS", "CLOSED"
PROCESSING, ABNORMAL = "PROCESSING", "ABNORMAL"


@dataclass
class Trade:
    """One payment (`out_trade_no`) as the provider knows it; `paid_fen` is what the buyer really gave."""

    out_trade_no: str
    amount_fen: int
    openid: str
    notify_url: str
    prepay_id: str
    state: str = NOTPAY
    transaction_id: str = ""
    paid_fen: int = 0
    paid_at: datetime | None = None


@dataclass
class Refund:
    """Money of a trade on its way back (`out_refund_no`)."""

    out_refund_no: str
    refund_id: str
    trade: Trade
    amount_fen: int
    notify_url: str
    created_at: datetime
    status: str = PROCESSING
    ended_at: datetime | None = None


class Notice(NamedTuple):
    """`said` is what the merchant finds when it has opened the seal."""

    id: str
    event: str
    said: Mapping[str, object]
    notify_url: str
    created_at: datetime


class Refused(Exception):
    """A no: HTTP status, code and message of the API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status: Final = status
        self.code: Final = code
        self.message: Final = message


def rfc3339(at: datetime) -> str:
    return at.astimezone(ids.SHANGHAI).isoformat(timespec="seconds")
