"""Taobao and Tmall (淘宝/天猫), how they are called: a trade, what has changed, what was shipped; yuan and UTC+8.

The receiver comes masked; what opens it for a waybill is the trade's `oaid`, carried on as it is. A presale (type step)
and cash on delivery (type cod) are told from ordinary trades by words of their own, because in both the money is not in
when `status` alone would say so. Source: the platform's own API dump kept in bububa/opentaobao (trade.fullinfo.get,
trades.sold.increment.get), its kits (ascp.logistics.offline.send of 2026, the table of global errors), and the tables
of sending errors that its users keep. How a line that goes in several parcels has to be told is not published in full:
here a parcel leaves its line open when it holds only a part of it and is the line's first, later parcels close it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.channel import (
    MAX_LINES,
    Call,
    Channel,
    Errors,
    Page,
    Reached,
    Refused,
    Talk,
)
from tongdan.adapters.partners.channel_stock import TaobaoStocks
from tongdan.adapters.partners.exchange import MAX_RETRY_AFTER_S
from tongdan.adapters.partners.gateway import data_of, form, local, md5_sign, text_of
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.adapters.partners.taobao import CHANNEL, NAME, Number, TaobaoPushes
from tongdan.adapters.partners.taobao_aftersale import TaobaoAfterSales, page_of
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest

# The platform's global errors. 10: it is down; 11–13 rights; 24–33 and 42 signature, token, app, time, version;
# of these 25, 27 and 29 do not take what we signed with, and 11 the app.
ERRORS: Final = Errors(
    wide=frozenset({10, 11, 12, 13, *range(24, 34), 42}),
    limited=frozenset({4, 5, 6, 7, 8}),
    final=frozenset({9, 21, 22, 23, 40, 41, 43, 47}),
    away=frozenset({11, 25, 27, 29}),
)
REMOTE: Final = 15  # the service behind the gateway: `sub_code` tells isp (theirs) from isv (ours)
AGAIN: Final = (":B150", ":S01")  # isv all the same, but "try again in a moment"
_BAN: Final = re.compile(r"last for (\d{1,6}) more seconds")

DETAIL: Final = "taobao.trade.fullinfo.get"
LIST: Final = "taobao.trades.sold.increment.get"
SHIP: Final = "alibaba.ascp.logistics.offline.send"
DETAIL_FIELDS: Final = (
    "tid,type,status,step_trade_status,created,modified,pay_time,end_time,payment,post_fee,alipay_no,buyer_open_uid,"
    "oaid,receiver_name,receiver_mobile,receiver_phone,receiver_state,receiver_city,receiver_district,receiver_town,"
    "receiver_address,orders"
)
LIST_FIELDS: Final = "tid,modified"

UNPAID: Final = frozenset({"TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "WAIT_PRE_AUTH_CONFIRM", "PAY_PENDING"})
TO_SHIP: Final = frozenset({"WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART", "PAID_FORBID_CONSIGN"})
CLOSED_UNPAID: Final = "TRADE_CLOSED_BY_TAOBAO"
FINISHED: Final = "TRADE_FINISHED"
ALL_PAID: Final = "FRONT_PAID_FINAL_PAID"
COD: Final = "cod"
ORDINARY, ONE_MORE = 1, 3  # consign_type


class _Error(msgspec.Struct):
    code: int
    sub_code: str = ""
    sub_msg: str = ""
    request_id: str = ""


class _Order(msgspec.Struct):
    """A line (子订单). `total_fee`: price × units, less what was taken off the line."""

    oid: Number
    num: int
    status: str
    total_fee: str
    sku_id: Number = ""
    num_iid: Number = ""
    outer_sku_id: str = ""
    outer_iid: str = ""
    title: str = ""
    invoice_no: str = ""
    delivery_time: str = ""


class _Orders(msgspec.Struct):
    order: list[_Order] = []


class _Brief(msgspec.Struct):
    tid: Number
    modified: str


class _Trade(_Brief, kw_only=True):
    status: str
    created: str
    payment: str
    orders: _Orders
    type: str = ""
    step_trade_status: str = ""
    pay_time: str = ""
    end_time: str = ""
    post_fee: str = "0"
    alipay_no: str = ""
    buyer_open_uid: str = ""
    oaid: str = ""
    receiver_name: str = ""
    receiver_mobile: str = ""
    receiver_phone: str = ""
    receiver_state: str = ""
    receiver_city: str = ""
    receiver_district: str = ""
    receiver_town: str = ""
    receiver_address: str = ""


class _Detailed(msgspec.Struct):
    trade: _Trade


class _Trades(msgspec.Struct):
    trade: list[_Brief] = []


class _Found(msgspec.Struct):
    total_results: int
    trades: _Trades = msgspec.field(default_factory=_Trades)


class _Result(msgspec.Struct):
    success: bool = False


class _Sent(msgspec.Struct):
    result: _Result


_error: Final = msgspec.json.Decoder(_Error)
_detailed: Final = msgspec.json.Decoder(_Detailed)
_found: Final = msgspec.json.Decoder(_Found)
_sent: Final = msgspec.json.Decoder(_Sent)


class TaobaoCalls:
    """Called with `app_key`, `app_secret`, `session`."""

    def __init__(self, reached: Reached) -> None:
        self._url: Final = reached.base_url
        self._zone: Final = reached.zone

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        parameters = {
            "method": call.method,
            "app_key": credential["app_key"],
            "session": credential["session"],
            "timestamp": local(at, self._zone),
            "format": "json",
            "v": "2.0",
            "sign_method": "md5",
            **{name: text_of(value) for name, value in call.parameters.items()},
        }
        parameters["sign"] = md5_sign(credential["app_secret"], parameters)
        return form(self._url, parameters)

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """HTTP 200 always; the one key of the answer is the method's, or `error_response`."""
        return data_of(body, _failed)

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        data = yield Call(DETAIL, {"tid": native, "fields": DETAIL_FIELDS})
        return read_detail(shop, native, data, self._zone)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        """Told by units, so look first: a line that is closed takes a parcel only as one more."""
        data = yield Call(DETAIL, {"tid": effect.native, "fields": DETAIL_FIELDS})
        orders = {str(order.oid): order for order in _detailed.decode(data).trade.orders.order}
        if any(effect.waybill in order.invoice_no.split(",") for order in orders.values()):
            return
        goods = [{"sub_tid": line, "num": units} for line, units in effect.units]
        parcel = {"out_sid": effect.waybill, "company_code": company, "goods": goods}
        lines = [
            {"sub_tid": line, "is_part_consign": units < orders[line].num and not orders[line].invoice_no}
            for line, units in effect.units
            if line in orders and orders[line].status in TO_SHIP
        ]
        how = {"consign_type": ORDINARY, "consign_status": lines} if lines else {"consign_type": ONE_MORE}
        sent = _sent.decode((yield Call(SHIP, {"tid": effect.native, "consign_pkgs": [parcel], **how})))
        if not sent.result.success:
            raise Refused(Failed("Taobao did not take the parcel", final=True))

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """A day at most; the trade changed last comes first, so pages are read from the last, or trades are missed."""
        data = yield Call(LIST, page_of(LIST_FIELDS, effect, listing, self._zone))
        found = _found.decode(data)
        trades = tuple([_listed(each, self._zone) for each in found.trades.trade])
        return Page(trades, pages=-(-found.total_results // listing.page_size))


def _failed(raw: msgspec.Raw) -> Failed:
    """`sub_msg` is read for the length of a ban only: it may quote what we sent."""
    said = _error.decode(raw)
    error = f"Taobao {said.code} {said.sub_code[:80]} request {said.request_id[:64]}"
    if said.code == REMOTE:
        theirs = said.sub_code.startswith("isp.")
        return Failed(error, partner_wide=theirs, final=not (theirs or said.sub_code.endswith(AGAIN)))
    failed = ERRORS.failed(said.code, error)
    if failed.retry_after_s and (ban := _BAN.search(said.sub_msg)):
        return msgspec.structs.replace(failed, retry_after_s=float(min(int(ban[1]), MAX_RETRY_AFTER_S)))
    return failed


def read_detail(shop: str, native: str, data: bytes, zone: ZoneInfo) -> RecordDetail:
    """The answer as a command. Amounts are yuan, times local. Raises one of UNREADABLE."""
    trade = _detailed.decode(data).trade
    if digits("tid", trade.tid) != native:
        raise NotReadable("`tid` is not the trade that was asked for")
    # A line that was closed before it was paid is no part of the trade, unless all of it was.
    orders = [
        each for each in trade.orders.order if each.status != CLOSED_UNPAID or trade.status == CLOSED_UNPAID
    ]
    if not 0 < len(orders) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `orders`")
    lines = tuple([_line(no, order) for no, order in enumerate(orders, 1)])
    amount_fen, freight_fen = fen_from_yuan(trade.payment), fen_from_yuan(trade.post_fee)
    person = _receiver(trade)
    return RecordDetail(
        channel=CHANNEL,
        shop=shop,
        native=native,
        native_status=status_of(trade),
        said_at=from_local(trade.modified, zone),
        lines=lines,
        amount_fen=amount_fen,
        freight_fen=freight_fen,
        # What was taken off the trade as a whole is told in too many fields; what is missing is what it comes to.
        discount_fen=sum(line.amount_fen for line in lines) + freight_fen - amount_fen,
        placed_at=from_local(trade.created, zone),
        paid_at=_paid_at(trade, zone),
        transaction=trade.alipay_no[:64],
        ship_by=min(filter(None, [_moment(order.delivery_time, zone) for order in orders]), default=None),
        region=region_of(person.province),
        person=person,
    )


def status_of(trade: _Trade) -> str:
    """`status`, but for the two kinds of trade that it tells too little of."""
    if trade.status in UNPAID and trade.step_trade_status:
        return trade.step_trade_status
    if trade.type == COD and trade.status in TO_SHIP:
        return f"{COD}-{trade.status}"
    return trade.status


def _paid_at(trade: _Trade, zone: ZoneInfo) -> datetime | None:
    """When all of it was paid: not the deposit of a presale; cash on delivery with the end of the trade."""
    if trade.type == COD:
        return from_local(trade.end_time or trade.modified, zone) if trade.status == FINISHED else None
    if trade.status in UNPAID or trade.step_trade_status not in ("", ALL_PAID) or not trade.pay_time:
        return None
    return from_local(trade.pay_time, zone)


def _listed(trade: _Brief, zone: ZoneInfo) -> Listed:
    return Listed(native=digits("tid", trade.tid), said_at=from_local(trade.modified, zone))


def _line(no: int, order: _Order) -> Line:
    """The first line may bear its trade's own number. A gift is a line that costs nothing."""
    if not 0 < order.num <= 10**6:
        raise NotReadable("expected `num` above 0")
    amount_fen = fen_from_yuan(order.total_fee)
    return Line(
        no=no,
        sku=(order.outer_sku_id or order.outer_iid)[:64],
        units=order.num,
        amount_fen=amount_fen,
        native=digits("oid", order.oid),
        platform_sku=str(order.sku_id or order.num_iid)[:64],
        title=order.title[:200],
        gift=amount_fen == 0,
    )


def _receiver(trade: _Trade) -> Person:
    return Person(
        name=trade.receiver_name[:100],
        phone=(trade.receiver_mobile or trade.receiver_phone)[:40],
        province=trade.receiver_state,
        city=trade.receiver_city or trade.receiver_district,  # some counties lie in no city
        district=trade.receiver_district,
        detail=(trade.receiver_town + trade.receiver_address)[:300],
        buyer=trade.buyer_open_uid,
        sealed={"oaid": trade.oaid} if trade.oaid else {},
    )


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """The promised time, which for some kinds of goods is free text."""
    try:
        return from_local(text, zone)
    except ValueError:
        return None


TAOBAO: Final = Channel(
    CHANNEL,
    NAME,
    ("app_key", "app_secret", "session"),
    TaobaoPushes(),
    TaobaoCalls,
    after_sales=TaobaoAfterSales,
    stocks=TaobaoStocks(),
)
