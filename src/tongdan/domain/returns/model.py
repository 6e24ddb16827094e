"""The state of an after-sale (售后单): what its channel last said, which lines it is about, how it was answered.

It moves by the channel's own time: what was said earlier changes nothing, however late it comes, and what has ended in
money or goods stays ended. It holds no personal data; a buyer's own words stay in the sealed raw payload.
"""

from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.kernel.after_sales import ENDED, AfterSaleKind, AfterSaleStage
from tongdan.domain.returns.facts import Answer, Case, LineUnits

WORRY_UNMATCHED: Final = "after-sale-unmatched"
WORRY_OVERDUE: Final = "after-sale-overdue"
WORRY_NOT_TAKEN: Final = "after-sale-not-taken"
WORRY_UNKNOWN: Final = "unknown-status"

# The seller is to act: the platform waits for an answer, for goods to be confirmed, for a replacement to be sent.
WAITING: Final = frozenset({AfterSaleStage.APPLIED, AfterSaleStage.RECEIVED, AfterSaleStage.RESENDING})


class Given(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An answer. `taken` is None while the platform has said nothing to it."""

    no: int
    answer: Answer
    stage: AfterSaleStage
    taken: bool | None = None
    error: str = ""


class AfterSale(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An after-sale. `own`: of an own shop, whose buyers apply to us, so that nobody else decides.

    `seen_at` is the latest that was heard of it, `said_at` that of what is known; `stage` and `kind` are None until the
    channel's answer is here. `tracked` is what the carrier says of the goods that come back.
    """

    channel: str
    shop: str
    native: str
    number: str
    own: bool = False
    seen_at: datetime | None = None
    said_at: datetime | None = None
    kind: AfterSaleKind | None = None
    stage: AfterSaleStage | None = None
    native_kind: str = ""
    native_stage: str = ""
    amount_fen: int = 0
    sold: tuple[tuple[str, int], ...] = ()
    units: tuple[LineUnits, ...] = ()
    applied_at: datetime | None = None
    decide_by: datetime | None = None
    reason: str = ""
    carrier: str = ""
    waybill: str = ""
    tracked: str = ""
    tracked_at: datetime | None = None
    mark: str = ""
    answers: tuple[Given, ...] = ()
    worries: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.stage not in ENDED

    @property
    def waits(self) -> bool:
        """The seller is to act."""
        return self.stage in WAITING

    @property
    def pending(self) -> Given | None:
        """The answer that the platform has said nothing to yet."""
        return next((each for each in self.answers if each.taken is None), None)


def wake_at(after_sale: AfterSale) -> datetime | None:
    """When the platform decides by itself, as long as that matters."""
    told = WORRY_OVERDUE in after_sale.worries
    return after_sale.decide_by if after_sale.waits and not told else None


def case_of(after_sale: AfterSale) -> Case:
    """The after-sale as its channel knows it. Its kind and stage must be known."""
    assert after_sale.kind is not None and after_sale.stage is not None
    return Case(
        channel=after_sale.channel,
        shop=after_sale.shop,
        native=after_sale.native,
        number=after_sale.number,
        kind=after_sale.kind,
        stage=after_sale.stage,
        amount_fen=after_sale.amount_fen,
        mark=after_sale.mark,
    )


def partner_of(after_sale: AfterSale) -> str:
    return f"channel/{after_sale.channel}/{after_sale.shop}"
