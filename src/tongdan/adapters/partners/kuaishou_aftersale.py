"""Kuaishou shops (快手小店): after-sales. A message names one; its detail tells all; each answer has a call of its own.

A refusal leaves the status where it was and stands in `negotiateStatus`, so the two make one word. Source: the
platform's documents as kits quote them (a Go kit's RefundDetail, RefundOrderInfo and MsgAfterSalesUpdateRefund; the
parameters and scopes of calls in the Python kit ks_shop_api; AndersonBY/kwaixiaodian-python-sdk). Assumed: `productNum`
counts the units applied for, `expireTime` is when the platform decides, and an exchange that ends with a sum of money
is not understood, because nobody says whether that was paid back.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tongdan.adapters.partners.channel import Call, Page, Reached, Refused, Talk
from tongdan.adapters.partners.kuaishou import NO_MORE, Number
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleReport
from tongdan.domain.kernel.instants import from_epoch_ms
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

DETAIL: Final = "open.seller.order.refund.detail"
LIST: Final = "open.seller.order.refund.pcursor.list"
AGREE_TO_RETURN: Final = "open.seller.order.refund.returngoods.approve"
PAY_BACK: Final = "open.seller.order.refund.approve"
TAKE_BACK_AND_PAY: Final = "open.seller.order.refund.confirm.receipt"
REFUSE: Final = "open.refund.reject"
TAKE_BACK_AND_SEND: Final = "open.refund.confirm.and.send"
REFUND_ONLY: Final = 10  # handlingWay
WITHOUT_MONEY: Final = frozenset({3, 4, 5})  # exchange, reissue, repair
REFUSED: Final = 3  # negotiateStatus
FOR_THE_SELLER: Final = frozenset({10, 11, 40})  # statuses that wait for the seller's word
DONE: Final = 60
ALL, LAST_FIRST, BY_CHANGE, FIRST = 9, 1, 2, 1  # type, sort, queryType, currentPage

_K = AfterSaleKind
MONEY_SAID: Final[Mapping[AfterSaleKind, bool]] = {_K.RETURN_REFUND: True, _K.EXCHANGE: False}
REFUSABLE: Final = frozenset({_K.REFUND_ONLY, _K.RETURN_REFUND, _K.EXCHANGE})


class _Parcel(msgspec.Struct, rename="camel"):
    express_no: str = ""
    express_code: Number = ""


class _Refund(msgspec.Struct, rename="camel"):
    refund_id: Number
    oid: Number
    status: int
    handling_way: int
    update_time: int
    negotiate_status: int = 0
    special_refund_type: int = 0
    refund_fee: int = 0
    product_num: int = 0
    submit_time: int = 0
    expire_time: int = 0
    refund_reason: Number = ""
    logistics_info: _Parcel | None = None


class _Listed(msgspec.Struct, rename="camel"):
    refund_id: Number
    oid: Number
    update_time: int


class _Found(msgspec.Struct, rename="camel"):
    pcursor: str = ""
    refund_order_info_list: list[_Listed] | None = None


_refund: Final = msgspec.json.Decoder(_Refund)
_found: Final = msgspec.json.Decoder(_Found)


class KuaishouAfterSales:
    """Called as every Kuaishou API is."""

    def __init__(self, reached: Reached) -> None:
        pass

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]:
        return read_after_sale(effect, (yield Call(DETAIL, {"refundId": int(effect.number)})))

    def agree(self, effect: AgreeToReturn) -> Talk[None]:
        """The sum is only compared with the buyer's; of an exchange it has to be 0."""
        case = effect.case
        if case.kind not in MONEY_SAID:
            raise _console_only(case)
        said = {
            "refundAmount": case.amount_fen if MONEY_SAID[case.kind] else 0,
            "addressId": int(digits("address", effect.address)),
        }
        yield Call(AGREE_TO_RETURN, {"refundId": int(case.number), **said})

    def refund(self, effect: AgreeToRefund) -> Talk[None]:
        """What is paid back for goods is paid when they are said to be back. Return freight that the buyer wants is
        another question, which the platform asks in its console: it says no here."""
        case, (_, status, negotiating) = effect.case, _seen(effect.case)
        if case.kind is _K.RETURN_REFUND:
            yield Call(TAKE_BACK_AND_PAY, {"refundId": int(case.number), "status": status})
        elif case.kind is _K.REFUND_ONLY:
            said = {"refundAmount": case.amount_fen, "status": status, "negotiateStatus": negotiating}
            yield Call(PAY_BACK, {"refundId": int(case.number), **said, "refundHandingWay": REFUND_ONLY})
        else:
            raise _console_only(case)

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]:
        case, (version, _, _) = effect.case, _seen(effect.case)
        if case.kind not in REFUSABLE:
            raise _console_only(case)
        said = {
            "reasonCode": int(digits("reason", effect.reason)),
            "rejectDesc": effect.note,
            "rejectImages": [effect.evidence] if effect.evidence else [],
        }
        yield Call(REFUSE, {"refundId": int(case.number), **said, "refundVersion": version})

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        case = effect.case
        if case.kind is not _K.EXCHANGE:
            raise _console_only(case)
        if not company.isdigit():
            raise Refused(Failed(f"no expressCode for {effect.carrier} in conf/channels/KS.yml", final=True))
        parcel = {"expressNo": effect.waybill, "expressCode": int(company)}
        yield Call(TAKE_BACK_AND_SEND, {"refundId": int(case.number), **parcel})

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """A day at most, 100 a page; times are milliseconds, and both ends belong to the span."""
        data = yield Call(
            LIST,
            {
                "type": ALL,
                "queryType": BY_CHANGE,
                "sort": LAST_FIRST,
                "beginTime": int(effect.since.timestamp()) * 1_000,
                "endTime": int(effect.until.timestamp()) * 1_000 - 1,
                "pageSize": listing.page_size,
                "currentPage": FIRST,
                "pcursor": effect.cursor,
                "option": {"needExchange": True},
            },
        )
        found = _found.decode(data)
        listed = tuple(
            [
                Listed(
                    native=digits("oid", each.oid),
                    said_at=from_epoch_ms(each.update_time),
                    after_sale=digits("refundId", each.refund_id),
                )
                for each in found.refund_order_info_list or []
            ]
        )
        return Page(listed, cursor="" if found.pcursor == NO_MORE else found.pcursor)


def _console_only(case: Case) -> Refused:
    return Refused(Failed(f"Kuaishou takes this answer to {case.kind} in its console only", final=True))


def _seen(case: Case) -> tuple[int, int, int]:
    """`updateTime`, `status` and `negotiateStatus` of the state that is answered, as its mark has them."""
    version, status, negotiating = case.mark.split("|")
    return int(version), int(status), int(negotiating)


def read_after_sale(effect: FetchAfterSale, data: bytes) -> AfterSaleReport:
    """The answer's `data`. Amounts are fen, times epoch milliseconds. Raises one of UNREADABLE."""
    refund = _refund.decode(data)
    if digits("refundId", refund.refund_id) != effect.number:
        raise NotReadable("`refundId` is not the after-sale that was asked for")
    if digits("oid", refund.oid) != effect.native:
        raise NotReadable("`oid` is not the order of this after-sale")
    parcel = refund.logistics_info or _Parcel()
    special = refund.special_refund_type
    return AfterSaleReport(
        kind=f"special-{special}" if special else str(refund.handling_way),
        stage=_stage(refund),
        said_at=from_epoch_ms(refund.update_time),
        amount_fen=check_fen(refund.refund_fee),
        sold=((effect.native, refund.product_num),),
        applied_at=from_epoch_ms(refund.submit_time) if refund.submit_time else None,
        decide_by=from_epoch_ms(refund.expire_time) if refund.expire_time else None,
        reason=str(refund.refund_reason)[:40],
        carrier=str(parcel.express_code)[:40] if parcel.express_no else "",
        waybill=parcel.express_no[:64],
        mark=f"{refund.update_time}|{refund.status}|{refund.negotiate_status}",
    )


def _stage(refund: _Refund) -> str:
    """`status`, and words of our own: what the seller has refused, and an end without money, or with some."""
    if refund.negotiate_status == REFUSED and refund.status in FOR_THE_SELLER:
        return f"refused-{refund.status}"
    if refund.status == DONE and refund.handling_way in WITHOUT_MONEY:
        return f"{'paid' if refund.refund_fee else 'goods'}-{refund.status}"
    return str(refund.status)
