"""Pinduoduo: after-sales. A notice names order and after-sale; the detail tells all; money and returns are agreed to.

The platform has no call for refusing: that is done in its console, and read back. An order is one SKU, so an after-sale
is about it, in `goods_number` units; the platform's number of a line is its SKU. `join_or_not` (the platform steps in)
outweighs the status while it is not over. Source: the platform's documents in lywzx/pdd-node-sdk (statuses, types,
limits) and the kits of pdd.refund.returngoods.agree, refund.agree and exchange.shipping. Assumed: the answer's one key,
amounts of the detail in fen (a notice's are; only its listing says yuan), `after_sales_status` 1 lists all.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.channel import Call, Page, Reached, Refused, Talk
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.domain.kernel.after_sales import AfterSaleReport
from tongdan.domain.kernel.instants import from_epoch_ms, from_epoch_s, from_local
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
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed

DETAIL: Final = "pdd.refund.information.get"
LIST: Final = "pdd.refund.list.increment.get"
AGREE_TO_RETURN: Final = "pdd.refund.returngoods.agree"
AGREE_TO_REFUND: Final = "pdd.refund.agree"
SEND: Final = "pdd.refund.exchange.shipping"
ALL: Final = 1
JOINED: Final = "1"
OVER: Final = frozenset({5, 9, 10, 11, 12, 13, 16, 17, 24, 25})

Number = int | str


class _Exchange(msgspec.Struct):
    customer_send_back_ship_id: Number = ""
    customer_send_back_trunk_number: str = ""


class _Detail(msgspec.Struct):
    id: Number
    order_sn: str
    after_sales_status: int
    after_sales_type: int
    updated_time: str
    refund_amount: int = 0
    goods_number: int = 0
    sku_id: Number = ""
    recreated_at: Number | None = None
    expire_time: Number | None = None
    express_no: str | None = None
    shipping_id: Number | None = None
    join_or_not: Number = "0"
    exchange_shipping_detail: _Exchange | None = None


class _Row(msgspec.Struct):
    id: Number
    order_sn: str
    updated_time: str


class _Found(msgspec.Struct):
    total_count: int
    refund_list: list[_Row] | None = None


class _Result(msgspec.Struct):
    success: bool = False


class _Done(msgspec.Struct):
    result: _Result


_detail: Final = msgspec.json.Decoder(_Detail)
_found: Final = msgspec.json.Decoder(_Found)
_done: Final = msgspec.json.Decoder(_Done)


class PinduoduoAfterSales:
    """Called as every Pinduoduo API is."""

    def __init__(self, reached: Reached) -> None:
        self._zone: Final = reached.zone

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]:
        data = yield Call(DETAIL, {"after_sales_id": effect.number, "order_sn": effect.native})
        return read_after_sale(effect, data, self._zone)

    def agree(self, effect: AgreeToReturn) -> Talk[None]:
        yield from _ask(AGREE_TO_RETURN, effect.case, return_address_id=effect.address)

    def refund(self, effect: AgreeToRefund) -> Talk[None]:
        yield from _ask(AGREE_TO_REFUND, effect.case)

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]:
        yield from ()
        raise Refused(Failed("Pinduoduo takes refusals in its console only", final=True))

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        if not company.isdigit():
            raise Refused(Failed(f"no logistics_id for {effect.carrier} in conf/channels/PD.yml", final=True))
        yield from _ask(SEND, effect.case, shipping_id=int(company), tracking_number=effect.waybill)

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """At most 30 minutes, from the last page to the first."""
        data = yield Call(
            LIST,
            {
                "after_sales_status": ALL,
                "after_sales_type": ALL,
                "start_updated_at": int(effect.since.timestamp()),
                "end_updated_at": int(effect.until.timestamp()) - 1,
                "page": max(effect.page, 1),
                "page_size": listing.page_size,
            },
        )
        found = _found.decode(data)
        listed = tuple(
            [
                Listed(
                    native=row.order_sn,
                    said_at=from_local(row.updated_time, self._zone),
                    after_sale=digits("id", row.id),
                )
                for row in found.refund_list or []
            ]
        )
        return Page(listed, pages=-(-found.total_count // listing.page_size))


def _ask(method: str, case: Case, **more: object) -> Talk[None]:
    """The business parameters stand under one name, `request`."""
    request = {"after_sales_id": int(case.number), "order_sn": case.native, **more}
    if not _done.decode((yield Call(method, {"request": request}))).result.success:
        raise Refused(Failed(f"Pinduoduo did not take {method}", final=True))


def read_after_sale(effect: FetchAfterSale, data: bytes, zone: ZoneInfo) -> AfterSaleReport:
    """Amounts are fen, times local. Raises one of UNREADABLE."""
    detail = _detail.decode(data)
    if (digits("id", detail.id), detail.order_sn) != (effect.number, effect.native):
        raise NotReadable("`id` and `order_sn` are not those that were asked for")
    back = detail.exchange_shipping_detail or _Exchange()
    sku = str(detail.sku_id)
    status = detail.after_sales_status
    joined = str(detail.join_or_not) == JOINED and status not in OVER
    return AfterSaleReport(
        kind=str(detail.after_sales_type),
        stage="joined" if joined else str(status),
        said_at=from_local(detail.updated_time, zone),
        amount_fen=check_fen(detail.refund_amount),
        sold=((sku, detail.goods_number),) if sku else (),
        applied_at=_moment(detail.recreated_at, zone),
        decide_by=_moment(detail.expire_time, zone),
        carrier=str(detail.shipping_id or back.customer_send_back_ship_id or "")[:40],
        waybill=(detail.express_no or back.customer_send_back_trunk_number)[:64],
    )


def _moment(value: Number | None, zone: ZoneInfo) -> datetime | None:
    """Epoch seconds, milliseconds or local time: the documents say only that it is a number or text."""
    if value in (None, "", 0, "0"):
        return None
    text = str(value)
    if not text.isdigit():
        return from_local(text, zone)
    return from_epoch_ms(text) if len(text) > 10 else from_epoch_s(text)
