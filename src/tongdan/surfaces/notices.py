"""What buyers were told, as people look at it: the notices of an order, those that failed, and those that never were.

A notice is missing where a parcel left or was signed for under a rule that tells of it, and no notice of that was ever
made: because the rule is younger than the parcel, say. Sending one again, or for the first time, is a person's word.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import NOTICE, notice_key
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.notices import KINDS
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.kernel.status import Status
from tongdan.domain.notices.commands import PlanNotice, ResendNotice
from tongdan.domain.notices.model import Notice, NoticeStage
from tongdan.domain.notices.refusals import NO_RULE
from tongdan.domain.orders.model import Order, Parcel
from tongdan.ports import Reads
from tongdan.surfaces.looking import of_shop, orders_of

MISSED: Final = frozenset({NoticeStage.FAILED, NoticeStage.UNKNOWN})
GONE: Final = (Status.SHIPPED, Status.SIGNED, Status.SETTLED, Status.COMPLETED)
MISSING: Final = "missing"


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as lists show it. `stage` is MISSING for one that was never made; `sendings` counts the tries."""

    notice: str
    order: str
    shop: str
    kind: str
    stage: str
    means: str = ""
    sendings: int = 0
    reason: str = ""
    waybill: str = ""
    happened_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None


def of_order(reads: Reads, order: str) -> list[NoticeRow]:
    """What the buyer of this order was told, oldest event first."""
    rows = [_row(key, notice) for key, notice in reads.under(f"{NOTICE}/{order}")]
    return sorted(
        rows, key=lambda row: (row.happened_at is not None and row.happened_at.timestamp(), row.notice)
    )


def every(reads: Reads, limit: int, *, failed: bool, shop: str = "") -> list[NoticeRow]:
    """Notices of all orders, by the order's id; `failed`: only those that did not arrive, or of which nobody knows."""
    found = (
        _row(key, notice)
        for key, notice in reads.under(NOTICE)
        if (not failed or notice.stage in MISSED) and shop in ("", notice.shop)
    )
    return list(islice(found, limit))


def missing(reads: Reads, policy: Policy, limit: int, shop: str = "") -> list[NoticeRow]:
    """Parcels that left or were signed for, and whose notice was never made although a rule tells of it."""
    return list(islice(_missing(reads, policy, shop), limit))


def _missing(reads: Reads, policy: Policy, shop: str) -> Iterator[NoticeRow]:
    for id, order in _gone(reads, shop):
        made: Mapping[str, object] | None = None
        for kind, parcel, at in _events(order):
            if policy.notices.rule(kind, order.channel, order.shop) is None:
                continue
            made = dict(reads.under(f"{NOTICE}/{id}")) if made is None else made
            key = notice_key(id, kind, parcel.dispatch)
            if key not in made:
                yield NoticeRow(
                    notice=key, order=id, shop=order.shop, kind=kind, stage=MISSING, waybill=parcel.waybill,
                    happened_at=at,
                )  # fmt: skip


def _gone(reads: Reads, shop: str) -> Iterator[tuple[str, Order]]:
    """The orders that left and whose people are still known, newest first."""
    for id, order in orders_of(reads, of_shop(shop, *map(int, GONE))):
        if order.erased_at is None:
            yield id, order


def _events(order: Order) -> Iterator[tuple[str, Parcel, datetime]]:
    """What left from here: of parcels that the system used before had sent, that one told its buyers."""
    for parcel in [each for each in order.parcels if each.shipment]:
        yield "shipped", parcel, parcel.shipped_at
        if parcel.signed_at is not None:
            yield "signed", parcel, parcel.signed_at


def sending(reads: Reads, policy: Policy, notice: str, reason: str) -> tuple[Command, str] | Refusal:
    """What sends this notice again, or a missing one for the first time, and the shop it concerns."""
    _, _, rest = notice.partition("/")
    parts = rest.split("/")
    if (
        not notice.startswith(f"{NOTICE}/")
        or len(parts) != 3
        or parts[1] not in KINDS
        or parse(parts[0]) is None
    ):
        return UNKNOWN_ID.of(id=notice[:64])
    id, kind, about = parts
    found = reads.order(notice)
    if isinstance(found, Notice):
        return ResendNotice(notice=notice, reason=reason), found.shop
    order = reads.order(id)
    if not isinstance(order, Order):
        return UNKNOWN_ID.of(id=id[:64])
    events = {(kind, parcel.dispatch): (parcel, at) for kind, parcel, at in _events(order)}
    if (kind, about) not in events:
        return UNKNOWN_ID.of(id=notice[:64])
    if policy.notices.rule(kind, order.channel, order.shop) is None:
        return NO_RULE.of(shop=order.shop, kind=kind)
    parcel, at = events[kind, about]
    command = PlanNotice(
        order=id, shop=order.shop, kind=kind, about=about, happened_at=at, carrier=parcel.carrier,
        waybill=parcel.waybill,
    )  # fmt: skip
    return command, order.shop


def _row(key: str, notice: Notice) -> NoticeRow:
    return NoticeRow(
        notice=key, order=notice.order, shop=notice.shop, kind=notice.kind, stage=notice.stage.name.lower(),
        means=notice.means, sendings=notice.no, reason=notice.reason, waybill=notice.waybill,
        happened_at=notice.happened_at, sent_at=notice.sent_at, delivered_at=notice.delivered_at,
    )  # fmt: skip
