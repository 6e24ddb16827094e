"""Taobao and Tmall: after-sales (退款单). A message names trade and refund; its detail tells all, in yuan and UTC+8.

An answer shows the version it is given to (`refund_version`), and Tmall its phase. The platform may want a code that it
sends to the seller's phone before it pays back a large sum: such an answer is not taken here. Source: the platform's
API dump kept in bububa/opentaobao (refund.get, refunds.receive.get, refund.refuse) and kits of rp.returngoods.agree and
rp.refunds.agree (`refund_infos`). Assumed: `dispute_type` as the listing documents it is given by the detail too, the
exchange's own call (tmall.exchange.consigngoods); a proof is told by its address in the message, not as a picture.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.channel import Call, Page, Reached, Refused, Talk
from tongdan.adapters.partners.gateway import local
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleReport
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.money import fen_from_yuan
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

DETAIL: Final = "taobao.refund.get"
LIST: Final = "taobao.refunds.receive.get"
AGREE_TO_RETURN: Final = "taobao.rp.returngoods.agree"
AGREE_TO_REFUND: Final = "taobao.rp.refunds.agree"
REFUSE: Final = "taobao.refund.refuse"
SEND: Final = "tmall.exchange.consigngoods"
DETAIL_FIELDS: Final = (
    "refund_id,tid,oid,status,dispute_type,has_good_return,refund_fee,num,created,modified,company_name,sid,refund_phase,"
    "refund_version,refund_remind_timeout,cs_status"
)
LIST_FIELDS: Final = "refund_id,tid,modified"
OK: Final = "OP_SUCC"
STEPPED_IN: Final = frozenset({2, 3})  # of cs_status: the platform's people are needed, or are at it
OVER: Final = frozenset({"SUCCESS", "CLOSED"})

Number = int | str


class _Timeout(msgspec.Struct):
    timeout: str = ""


class _Refund(msgspec.Struct):
    refund_id: Number
    tid: Number
    oid: Number
    status: str
    refund_fee: str
    modified: str
    num: int = 0
    dispute_type: str = ""
    has_good_return: bool = False
    created: str = ""
    company_name: str = ""
    sid: str = ""
    refund_phase: str = ""
    refund_version: Number = ""
    refund_remind_timeout: _Timeout | None = None
    cs_status: int = 1


class _Detail(msgspec.Struct):
    refund: _Refund


class _Row(msgspec.Struct):
    refund_id: Number
    tid: Number
    modified: str


class _Rows(msgspec.Struct):
    refund: list[_Row] = []


class _Found(msgspec.Struct):
    total_results: int
    refunds: _Rows = msgspec.field(default_factory=_Rows)


class _Done(msgspec.Struct):
    """Every one of the answers says it in a field of its own."""

    is_success: bool | None = None
    succ: bool | None = None
    msg_code: str = ""


_detail: Final = msgspec.json.Decoder(_Detail)
_found: Final = msgspec.json.Decoder(_Found)
_done: Final = msgspec.json.Decoder(_Done)


def page_of(fields: str, effect: ListOrders, listing: Listing, zone: ZoneInfo) -> dict[str, str | int]:
    """What Taobao is asked for a page of what has changed; its spans hold their last second."""
    return {
        "fields": fields,
        "start_modified": local(effect.since, zone),
        "end_modified": local(effect.until - SECOND, zone),
        "page_no": max(effect.page, 1),
        "page_size": listing.page_size,
        "use_has_next": "false",
    }


class TaobaoAfterSales:
    """Called as every Taobao API is."""

    def __init__(self, reached: Reached) -> None:
        self._zone: Final = reached.zone

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]:
        data = yield Call(DETAIL, {"refund_id": effect.number, "fields": DETAIL_FIELDS})
        return read_after_sale(effect, data, self._zone)

    def agree(self, effect: AgreeToReturn) -> Talk[None]:
        version, phase = _mark(effect.case)
        yield from _ask(
            AGREE_TO_RETURN,
            refund_id=effect.case.number,
            seller_address_id=effect.address,
            refund_version=version,
            refund_phase=phase,
        )

    def refund(self, effect: AgreeToRefund) -> Talk[None]:
        version, phase = _mark(effect.case)
        which = "|".join(filter(None, (effect.case.number, str(effect.case.amount_fen), version, phase)))
        yield from _ask(AGREE_TO_REFUND, refund_infos=which)

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]:
        version, phase = _mark(effect.case)
        message = " ".join(filter(None, (effect.note or effect.reason, effect.evidence)))
        yield from _ask(
            REFUSE,
            refund_id=effect.case.number,
            refuse_message=message,
            refuse_reason_id=effect.reason,
            refund_version=version,
            refund_phase=phase,
        )

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        if effect.case.kind is not AfterSaleKind.EXCHANGE:
            kind = effect.case.kind
            raise Refused(Failed(f"Taobao takes the waybill of a {kind} in its console only", final=True))
        yield from _ask(
            SEND,
            dispute_id=effect.case.number,
            logistics_no=effect.waybill,
            logistics_company_name=company,
            logistics_type="200",
        )

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """The refund changed last comes first, so pages are read from the last."""
        data = yield Call(LIST, page_of(LIST_FIELDS, effect, listing, self._zone))
        found = _found.decode(data)
        listed = tuple(
            [
                Listed(
                    native=digits("tid", row.tid),
                    said_at=from_local(row.modified, self._zone),
                    after_sale=digits("refund_id", row.refund_id),
                )
                for row in found.refunds.refund
            ]
        )
        return Page(listed, pages=-(-found.total_results // listing.page_size))


def _ask(method: str, **parameters: str) -> Talk[None]:
    """Empty parameters are left out. Raises Refused for an answer that came through the gateway and is a no."""
    data = yield Call(method, {name: value for name, value in parameters.items() if value})
    said = _done.decode(data)
    if said.is_success is False or said.succ is False or said.msg_code not in ("", OK):
        raise Refused(Failed(f"Taobao {said.msg_code[:80] or 'no'}", final=True))


def _mark(case: Case) -> tuple[str, str]:
    """Version and phase."""
    version, _, phase = case.mark.partition("|")
    return version, phase


def read_after_sale(effect: FetchAfterSale, data: bytes, zone: ZoneInfo) -> AfterSaleReport:
    """Amounts are yuan, times local. Raises one of UNREADABLE."""
    refund = _detail.decode(data).refund
    named = digits("refund_id", refund.refund_id), digits("tid", refund.tid)
    if named != (effect.number, effect.native):
        raise NotReadable("`refund_id` and `tid` are not those that were asked for")
    stepped_in = refund.cs_status in STEPPED_IN and refund.status not in OVER
    timeout = refund.refund_remind_timeout
    return AfterSaleReport(
        kind=refund.dispute_type or ("REFUND_AND_RETURN" if refund.has_good_return else "REFUND"),
        stage="CS_INTERVENED" if stepped_in else refund.status,
        said_at=from_local(refund.modified, zone),
        amount_fen=fen_from_yuan(refund.refund_fee),
        sold=((digits("oid", refund.oid), refund.num),),
        applied_at=_moment(refund.created, zone),
        decide_by=None if timeout is None else _moment(timeout.timeout, zone),
        carrier=refund.company_name[:40],
        waybill=refund.sid[:64],
        mark=f"{refund.refund_version}|{refund.refund_phase}" if refund.refund_version else "",
    )


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    return from_local(text, zone) if text else None
