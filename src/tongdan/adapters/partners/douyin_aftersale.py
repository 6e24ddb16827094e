"""Douyin Shop: after-sales. A push names one; its detail tells all; one call answers, by an operation's number.

`after_sale_status` 12 is said of one that was agreed to before its money is back, so the two are told apart by
`refund_status`; an arbitration under way outweighs both. An answer shows the `update_time` it is given to, and the
platform refuses one that is out of date. Source: the platform's Go kit (zsmhub/doudian-sdk: Detail, List, operate; the
numbers 101, 301 and 311) and the error table in ecommerce.sdk.douyin (20309541: no longer in this status). Assumed: the
other numbers of operations, from the platform's guide 2752 as users quote it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tongdan.adapters.partners.channel import Call, Page, Reached, Refused, Talk
from tongdan.adapters.partners.douyin import Number, instant
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleReport, AfterSaleStage
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

DETAIL: Final = "afterSale.Detail"
LIST: Final = "afterSale.List"
OPERATE: Final = "afterSale.operate"
AGREED: Final = 12
MONEY_BACK: Final = frozenset({3, 5})
UNDER_ARBITRATION: Final = frozenset({1, 4, 5})
WITHOUT_MONEY: Final = frozenset({"3", "7", "8"})  # exchange, reissue, repair

_K = AfterSaleKind
AGREE_TO_RETURN: Final[Mapping[AfterSaleKind, int]] = {_K.RETURN_REFUND: 101, _K.EXCHANGE: 301}
REFUND: Final[Mapping[AfterSaleKind, int]] = {_K.REFUND_ONLY: 201, _K.RETURN_REFUND: 111}
SEND: Final[Mapping[AfterSaleKind, int]] = {_K.EXCHANGE: 311}
# At the application, and once the goods are on their way back.
REFUSE: Final[Mapping[AfterSaleKind, tuple[int, int]]] = {
    _K.REFUND_ONLY: (202, 202),
    _K.RETURN_REFUND: (102, 112),
    _K.EXCHANGE: (302, 312),
}
IMAGE: Final = 1


class _Info(msgspec.Struct):
    after_sale_id: Number
    after_sale_status: int
    after_sale_type: int
    update_time: Number
    refund_total_amount: int = 0
    refund_status: int = 0
    apply_time: Number = 0
    status_deadline: Number = 0
    reason_code: Number = ""
    after_sale_apply_count: int = 0


class _Arbitration(msgspec.Struct):
    arbitrate_status: int = 0


class _Parcel(msgspec.Struct):
    tracking_no: str = ""
    company_code: str = ""


class _Logistics(msgspec.Struct):
    back: _Parcel | None = msgspec.field(default=None, name="return")


class _Process(msgspec.Struct):
    after_sale_info: _Info
    arbitrate_info: _Arbitration | None = None
    logistics_info: _Logistics | None = None


class _SkuOrder(msgspec.Struct):
    sku_order_id: Number
    after_sale_item_count: int = 0
    item_quantity: int = 0


class _OrderInfo(msgspec.Struct):
    shop_order_id: Number
    sku_order_infos: list[_SkuOrder] = []


class _Detail(msgspec.Struct):
    process_info: _Process
    order_info: _OrderInfo


class _ListedInfo(msgspec.Struct):
    aftersale_id: Number
    update_time: Number


class _ListedOrder(msgspec.Struct):
    shop_order_id: Number


class _Item(msgspec.Struct):
    aftersale_info: _ListedInfo
    order_info: _ListedOrder


class _Found(msgspec.Struct):
    total: int
    items: list[_Item] = []


_detail: Final = msgspec.json.Decoder(_Detail)
_found: Final = msgspec.json.Decoder(_Found)


class DouyinAfterSales:
    """Called as every Douyin API is."""

    def __init__(self, reached: Reached) -> None:
        pass

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]:
        return read_after_sale(effect, (yield Call(DETAIL, {"after_sale_id": effect.number})))

    def agree(self, effect: AgreeToReturn) -> Talk[None]:
        logistics = {"receiver_address_id": int(digits("address", effect.address))}
        yield from _operate(AGREE_TO_RETURN.get(effect.case.kind), effect.case, logistics=logistics)

    def refund(self, effect: AgreeToRefund) -> Talk[None]:
        yield from _operate(REFUND.get(effect.case.kind), effect.case)

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]:
        first, later = REFUSE.get(effect.case.kind, (None, None))
        proof = [{"type": IMAGE, "url": effect.evidence, "desc": ""}] if effect.evidence else []
        yield from _operate(
            first if effect.case.stage is AfterSaleStage.APPLIED else later,
            effect.case,
            reason=effect.note,
            remark=effect.note,
            reject_reason_code=int(digits("reason", effect.reason)),
            evidence=proof,
        )

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        logistics = {"company_code": company, "logistics_code": effect.waybill}
        yield from _operate(SEND.get(effect.case.kind), effect.case, logistics=logistics)

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """Pages count from 0; the end of the span is asked for as its last second."""
        data = yield Call(
            LIST,
            {
                "update_start_time": int(effect.since.timestamp()),
                "update_end_time": int(effect.until.timestamp()) - 1,
                "order_by": ["update_time desc"],
                "page": max(effect.page - 1, 0),
                "size": listing.page_size,
            },
        )
        found = _found.decode(data)
        listed = tuple(
            [
                Listed(
                    native=digits("shop_order_id", item.order_info.shop_order_id),
                    said_at=instant(item.aftersale_info.update_time),
                    after_sale=digits("aftersale_id", item.aftersale_info.aftersale_id),
                )
                for item in found.items
            ]
        )
        return Page(listed, pages=-(-found.total // listing.page_size))


def _operate(operation: int | None, case: Case, **more: object) -> Talk[None]:
    if operation is None:
        raise Refused(Failed(f"Douyin takes this answer to {case.kind} in its console only", final=True))
    item = {"aftersale_id": case.number, **{name: value for name, value in more.items() if value}}
    if case.mark:
        item["update_time"] = int(case.mark)
    yield Call(OPERATE, {"type": operation, "items": [item]})


def read_after_sale(effect: FetchAfterSale, data: bytes) -> AfterSaleReport:
    """The answer's `data`. Amounts are fen, times epoch seconds. Raises one of UNREADABLE."""
    detail = _detail.decode(data)
    info, order = detail.process_info.after_sale_info, detail.order_info
    if digits("after_sale_id", info.after_sale_id) != effect.number:
        raise NotReadable("`after_sale_id` is not the after-sale that was asked for")
    if digits("shop_order_id", order.shop_order_id) != effect.native:
        raise NotReadable("`shop_order_id` is not the order of this after-sale")
    logistics = detail.process_info.logistics_info
    parcel = logistics.back if logistics is not None and logistics.back is not None else _Parcel()
    updated = digits("update_time", info.update_time)
    return AfterSaleReport(
        kind=str(info.after_sale_type),
        stage=_stage(detail.process_info),
        said_at=instant(updated),
        amount_fen=check_fen(info.refund_total_amount),
        sold=tuple(
            [
                (digits("sku_order_id", each.sku_order_id), each.after_sale_item_count or info.after_sale_apply_count)
                for each in order.sku_order_infos
            ]
        ),
        applied_at=None if info.apply_time in (0, "0", "") else instant(info.apply_time),
        decide_by=None if info.status_deadline in (0, "0", "") else instant(info.status_deadline),
        reason=str(info.reason_code)[:40],
        carrier=parcel.company_code[:40],
        waybill=parcel.tracking_no[:64],
        mark=updated,
    )  # fmt: skip


def _stage(process: _Process) -> str:
    """One word out of three fields, the strongest first: what the map in `conf/channels/DY.yml` is written in."""
    info, arbitration = process.after_sale_info, process.arbitrate_info
    if arbitration is not None and arbitration.arbitrate_status in UNDER_ARBITRATION:
        return "arbitration"
    money = str(info.after_sale_type) not in WITHOUT_MONEY
    if info.after_sale_status == AGREED and money and info.refund_status not in MONEY_BACK:
        return f"{AGREED}-refunding"
    return str(info.after_sale_status)
