"""Words about after-sales (售后) that channels, orders and returns share: kinds, stages, and what a platform reports.

A platform runs its own workflow; its statuses read in this closed set by the map in `conf/channels/*.yml`. Kinds and
stages stand in the kernel because an after-sale is an aggregate of its own, yet moves the lines and money of an order.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

AFTER_SALES: Final = "after-sales"  # the listing that reads them; a shop's orders are read by another


class AfterSaleKind(StrEnum):
    REFUND_ONLY = "refund_only"  # 仅退款
    RETURN_REFUND = "return_refund"  # 退货退款
    EXCHANGE = "exchange"  # 换货
    REISSUE = "reissue"  # 补寄
    REPAIR = "repair"  # 维修
    PRICE_PROTECTION = "price_protection"  # 价保


class AfterSaleStage(StrEnum):
    """In order of progress, which decides between two reports of one instant."""

    APPLIED = "applied"  # the seller is to answer
    REFUSED = "refused"  # the buyer may change it, withdraw it or call the platform
    INTERVENED = "intervened"  # the platform decides
    AWAITING_RETURN = "awaiting_return"  # agreed: the buyer is to send the goods
    RETURNING = "returning"  # on their way, by the waybill told
    RECEIVED = "received"  # back: the seller is to confirm
    RESENDING = "resending"  # the seller is to send a replacement
    RESENT = "resent"  # it is on its way
    REFUNDING = "refunding"  # money is on its way
    CLOSED = "closed"  # withdrawn, lost or timed out: nothing comes of it
    EXCHANGED = "exchanged"
    REFUNDED = "refunded"


ENDED: Final = frozenset({AfterSaleStage.CLOSED, AfterSaleStage.EXCHANGED, AfterSaleStage.REFUNDED})
_ORDINAL: Final = {stage: n for n, stage in enumerate(AfterSaleStage)}


def further(stage: AfterSaleStage) -> int:
    """How far along a stage is, for comparing."""
    return _ORDINAL[stage]


class AfterSaleReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a channel says of an after-sale at `said_at`, its kind and stage in its own words.

    `sold` names lines and units as the channel does (a line as `Line.native`; 0 units: none are named), () for the
    order as a whole. `decide_by` is when the platform decides by itself, `carrier` the channel's code of who brings the
    return. `mark` is what the platform wants to be shown with an answer, so that it answers this very state.
    """

    kind: str
    stage: str
    said_at: datetime
    amount_fen: int
    sold: tuple[tuple[str, int], ...] = ()
    applied_at: datetime | None = None
    decide_by: datetime | None = None
    reason: str = ""
    carrier: str = ""
    waybill: str = ""
    mark: str = ""
