"""What has happened to an after-sale, and what is asked of its channel.

What a channel reports is kept in its own words and in ours, so that a map that is mended later changes nothing that
was. An answer is asked for first, and taken or not by the platform afterwards; both are facts.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.messages import Effect, Fact


class Answer(StrEnum):
    AGREE = "agree"  # to the application: the buyer may send the goods
    REFUND = "refund"  # pay the money back
    REFUSE = "refuse"
    SEND = "send"  # a replacement has left


class LineUnits(msgspec.Struct, frozen=True, gc=False):
    """Some units of one line of the order."""

    line: int
    units: int


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An after-sale as its channel knows it: `native` is the order's number, `number` its own.

    `mark` is the state that is answered; an answer to an older one is refused by the platform.
    """

    channel: str
    shop: str
    native: str
    number: str
    kind: AfterSaleKind
    stage: AfterSaleStage
    amount_fen: int
    mark: str = ""


class AfterSaleAsked(Fact, frozen=True, kw_only=True):
    """The channel says that something happened at `said_at`, and is asked what."""

    channel: str
    shop: str
    native: str
    number: str
    said_at: datetime


class AfterSaleOpened(Fact, frozen=True, kw_only=True):
    """An own shop's buyer has applied."""

    channel: str
    shop: str
    native: str
    number: str
    said_at: datetime


class AfterSaleReported(Fact, frozen=True, kw_only=True):
    """What the channel says. `decide_by`: the seller is to answer until then, or the platform does."""

    native_kind: str
    native_stage: str
    kind: AfterSaleKind
    stage: AfterSaleStage
    said_at: datetime
    amount_fen: int
    sold: tuple[tuple[str, int], ...] = ()
    applied_at: datetime | None = None
    decide_by: datetime | None = None
    reason: str = ""
    carrier: str = ""
    waybill: str = ""
    mark: str = ""
    ends: tuple[str, ...] = ()


class AfterSaleNotUnderstood(Fact, frozen=True, kw_only=True):
    """The channel's map does not know the kind, or the status."""

    native_kind: str
    native_stage: str
    said_at: datetime


class AfterSaleContradicted(Fact, frozen=True, kw_only=True):
    """It had ended otherwise before; what was first stands."""

    native_stage: str
    stage: AfterSaleStage
    said_at: datetime
    amount_fen: int


class AfterSaleMatched(Fact, frozen=True, kw_only=True):
    units: tuple[LineUnits, ...]
    ends: tuple[str, ...] = ()


class AfterSaleUnmatched(Fact, frozen=True, kw_only=True):
    """It fits no line, or asks for more than there is: `problem` is line, units or amount."""

    problem: str


class AfterSaleOverdue(Fact, frozen=True, kw_only=True):
    """Nobody has answered in time: a platform has decided by now."""

    decide_by: datetime


class AnswerAsked(Fact, frozen=True, kw_only=True):
    """A person answers."""

    no: int
    answer: Answer
    stage: AfterSaleStage
    amount_fen: int
    reason: str = ""
    note: str = ""
    evidence: str = ""
    address: str = ""
    carrier: str = ""
    waybill: str = ""


class AnswerTaken(Fact, frozen=True, kw_only=True):
    no: int
    answer: Answer


class AnswerNotTaken(Fact, frozen=True, kw_only=True):
    """The platform would not have it: it is too late, or it had been answered. `error` is its code."""

    no: int
    answer: Answer
    error: str


class PayBackFailed(Fact, frozen=True, kw_only=True):
    """The money of an own shop's after-sale could not be sent back, by the refusal `problem`."""

    problem: str


class ReturnTracked(Fact, frozen=True, kw_only=True):
    """A carrier on the goods that come back. `status` "" if its map does not know the code."""

    carrier: str
    waybill: str
    code: str
    status: str
    at: datetime


class FetchAfterSale(Effect, frozen=True, kw_only=True):
    """Ask for all that the channel knows of it. A read: natural."""

    channel: str
    shop: str
    native: str
    number: str


class AgreeToReturn(Effect, frozen=True, kw_only=True):
    """Let the buyer send the goods, to the address of this number in the platform's book. Can be taken back by talking
    to the buyer only."""

    no: int
    case: Case
    address: str


class AgreeToRefund(Effect, frozen=True, kw_only=True):
    """Let the platform pay back `case.amount_fen`. Cannot be undone."""

    no: int
    case: Case


class RefuseAfterSale(Effect, frozen=True, kw_only=True):
    """Say no, with one of the platform's reasons. A later agreement undoes it."""

    no: int
    case: Case
    reason: str
    note: str
    evidence: str


class SendReplacement(Effect, frozen=True, kw_only=True):
    """Tell the waybill of a replacement; `carrier` is the WMS's code. A parcel in the street cannot be unsaid."""

    no: int
    case: Case
    carrier: str
    waybill: str
