"""JD (京东 POP): refunds of orders that the buyer cancels before they have them (取消订单退款审核单).

They concern an order as a whole, and their status is that of an audit: the seller's, then JD's own. Money counts as
back when JD's finance has passed it, because the list has no other word for it. Returns and exchanges are JD's service
orders (jingdong.asc.*), another workflow: they are not read here. Source: the platform's documents in kits
(Lostinfo/JosOpenApi: replyRefund; queryById and queryPageList as users read them: fields, fen, statuses). Assumed:
`applyTime` and `checkTime` are all that a listing can be asked by, one at a time.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.channel import Call, Page, Reached, Refused, Talk
from tongdan.adapters.partners.gateway import local
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.domain.kernel.after_sales import AfterSaleReport
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Case,
    FetchAfterSale,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.pull import SECOND
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed

DETAIL: Final = "jingdong.pop.afs.soa.refundapply.queryById"
LIST: Final = "jingdong.pop.afs.soa.refundapply.queryPageList"
REPLY: Final = "jingdong.pop.afs.soa.refundapply.replyRefund"
KIND: Final = "cancel"  # there is no field for it: all of these are of one kind
PASSED, REJECTED = 1, 2
NOT_OUT_YET: Final = 2  # outWareStatus
WHO: Final = "tongdan"
MOST: Final = 50  # a page

Number = int | str


class _Refund(msgspec.Struct, rename="camel"):
    id: Number
    order_id: Number
    status: Number
    apply_refund_sum: Number = 0
    apply_time: str = ""
    check_time: str | None = None
    modified: str | None = None
    reason: str = ""


class _Result(msgspec.Struct, rename="camel"):
    result: list[_Refund] = []
    total_count: int = 0
    success: bool | str = True


class _Queried(msgspec.Struct, rename="camel"):
    query_result: _Result


class _Outcome(msgspec.Struct, rename="camel"):
    success: bool | str = False
    error_code: Number = ""


class _Replied(msgspec.Struct, rename="camel"):
    reply_result: _Outcome


_queried: Final = msgspec.json.Decoder(_Queried)
_replied: Final = msgspec.json.Decoder(_Replied)


class JdAfterSales:
    """Called as every JD API is."""

    def __init__(self, reached: Reached) -> None:
        self._zone: Final = reached.zone

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]:
        data = yield Call(DETAIL, {"id": int(effect.number)})
        return read_after_sale(effect, data, self._zone)

    def agree(self, effect: AgreeToReturn) -> Talk[None]:
        yield from ()
        raise Refused(Failed("JD's cancelled orders have no returns", final=True))

    def refund(self, effect: AgreeToRefund) -> Talk[None]:
        yield from _reply(effect.case, PASSED, "同意退款", outWareStatus=NOT_OUT_YET)

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]:
        remark = " ".join(filter(None, (effect.note or effect.reason, effect.evidence)))
        yield from _reply(effect.case, REJECTED, remark, rejectType=int(digits("reason", effect.reason)))

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        yield from ()
        raise Refused(Failed("JD's cancelled orders have no replacements", final=True))

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """Those applied for, and those audited, in the span: two listings, paged together."""
        rows: list[_Refund] = []
        most = 0
        for name in ("applyTime", "checkTime"):
            data = yield Call(
                LIST,
                {
                    f"{name}Start": local(effect.since, self._zone),
                    f"{name}End": local(effect.until - SECOND, self._zone),
                    "pageIndex": max(effect.page, 1),
                    "pageSize": min(listing.page_size, MOST),
                },
            )
            found = _queried.decode(data).query_result
            rows += found.result
            most = max(most, found.total_count)
        listed = {
            (row.id, said_at(row, self._zone)): Listed(
                native=digits("orderId", row.order_id),
                said_at=said_at(row, self._zone),
                after_sale=digits("id", row.id),
            )
            for row in rows
        }
        return Page(tuple(listed.values()), pages=-(-most // min(listing.page_size, MOST)))


def _reply(case: Case, status: int, remark: str, **more: object) -> Talk[None]:
    parameters = {"id": int(case.number), "status": status, "checkUserName": WHO, "remark": remark, **more}
    said = _replied.decode((yield Call(REPLY, parameters))).reply_result
    if said.success not in (True, "true"):
        raise Refused(Failed(f"JD {said.error_code}", final=True))


def said_at(refund: _Refund, zone: ZoneInfo) -> datetime:
    """When it last changed."""
    return max(
        from_local(text, zone) for text in (refund.modified, refund.check_time, refund.apply_time) if text
    )


def read_after_sale(effect: FetchAfterSale, data: bytes, zone: ZoneInfo) -> AfterSaleReport:
    """Amounts are fen, times local. Raises one of UNREADABLE."""
    found = _queried.decode(data).query_result.result
    if len(found) != 1:
        raise NotReadable("expected one `result`")
    (refund,) = found
    named = digits("id", refund.id), digits("orderId", refund.order_id)
    if named != (effect.number, effect.native):
        raise NotReadable("`id` and `orderId` are not those that were asked for")
    return AfterSaleReport(
        kind=KIND,
        stage=str(refund.status),
        said_at=said_at(refund, zone),
        amount_fen=check_fen(int(refund.apply_refund_sum)),
        applied_at=from_local(refund.apply_time, zone) if refund.apply_time else None,
    )
