"""What may be asked of a notice. `sending` names one sending of it, as providers were told."""

from datetime import datetime

from tongdan.domain.kernel.messages import Command


class PlanNotice(Command, frozen=True, kw_only=True):
    """Something happened to an order that its buyer may have to be told; `about` says of which of its things."""

    order: str
    shop: str
    kind: str
    about: str
    happened_at: datetime
    carrier: str = ""
    waybill: str = ""
    amount_fen: int = 0


class ResendNotice(Command, frozen=True, kw_only=True):
    """A person has a notice sent again, under the rules of today."""

    notice: str
    reason: str


class RecordNoticeSent(Command, frozen=True, kw_only=True):
    """The provider took it; `reference` is its own number."""

    sending: str
    reference: str


class RecordNoticeRefused(Command, frozen=True, kw_only=True):
    """The provider will not send it, and has not."""

    sending: str
    reason: str


class RecordNobodyThere(Command, frozen=True, kw_only=True):
    """There is nobody to tell: the buyer was erased."""

    sending: str


class RecordReceipt(Command, frozen=True, kw_only=True):
    """The provider's last word: it arrived, or it did not, for the reason `code`."""

    sending: str
    delivered: bool
    code: str
    said_at: datetime
