"""What may be asked of an after-sale. `after_sale` is its id, `DY20260127000892-A1`."""

from datetime import datetime

from tongdan.domain.kernel.after_sales import AfterSaleReport
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.returns.facts import Answer, LineUnits


class LookAtAfterSale(Command, frozen=True, kw_only=True):
    """The channel has said that something happened to it at `said_at`; it begins with this, or with `RecordAfterSale`.

    `again`: a message of its own says so; without it a listing repeats what may be known.
    """

    after_sale: str
    channel: str
    shop: str
    native: str
    number: str
    said_at: datetime
    again: bool = False


class OpenAfterSale(Command, frozen=True, kw_only=True):
    """An own shop's buyer applies, or applies for something else under the same number."""

    after_sale: str
    channel: str
    shop: str
    native: str
    number: str
    report: AfterSaleReport


class RecordAfterSale(Command, frozen=True, kw_only=True):
    """What the channel says of it: the outcome of `FetchAfterSale`, or what an own shop's buyer does."""

    after_sale: str
    report: AfterSaleReport


class NoteMatch(Command, frozen=True, kw_only=True):
    """Which lines and units of the order it is about; `problem` is why that cannot be told."""

    after_sale: str
    units: tuple[LineUnits, ...] = ()
    problem: str = ""


class NotePaidBack(Command, frozen=True, kw_only=True):
    """The money of an own shop's after-sale: on its way, or (`problem`) not to be paid back."""

    after_sale: str
    problem: str = ""


class AnswerAfterSale(Command, frozen=True, kw_only=True):
    """A person answers. `reason` is one of the channel's codes for refusing, `evidence` where its proof can be seen."""

    after_sale: str
    answer: Answer
    reason: str = ""
    note: str = ""
    evidence: str = ""
    address: str = ""
    carrier: str = ""
    waybill: str = ""


class RecordAnswer(Command, frozen=True, kw_only=True):
    """What the platform said to answer `no` (0: the one under way); `error` "" if it took it."""

    after_sale: str
    no: int
    error: str = ""


class RecordReturnTracks(Command, frozen=True, kw_only=True):
    """Where the goods that come back are, in the carrier's words."""

    after_sale: str
    tracks: tuple[Track, ...]
