"""Pinduoduo (拼多多): bare notices over its message socket, orders in yuan and local time, receivers encrypted.

A notice names an order and no more, so each has the order's detail fetched, which tells everything. The platform keeps
a web socket open to one listener per app and does not sign its frames; whoever holds the socket posts each frame as it
came, signed with the app's secret in our own headers, and writes our answer, an Ack frame, back. A frame that is not
acknowledged comes again. Source: the platform's documents as kept in the kits lywzx/pdd-node-sdk and SchafferJ/open-pdd
(fields, limits, error ranges) and in users of its message client (frames, topics).
"""

from collections.abc import Mapping, Sequence
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
    Told,
)
from tongdan.adapters.partners.channel_stock import PinduoduoStocks
from tongdan.adapters.partners.gateway import HandedOver, data_of, md5_sign, text_of
from tongdan.adapters.partners.pinduoduo_aftersale import PinduoduoAfterSales
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.instants import from_epoch_ms, from_local
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import NoteChannelEvent, RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.intake import CHANGED
from tongdan.domain.orders.lines import Line
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest, PushAnswer, PushRequest

CHANNEL: Final = "PD"
MAX_NUMBER: Final = 40
ABOUT_ORDERS: Final = ("pdd_trade_", "pdd_refund_")
# The kit's ranges: 10000–39999 are not worth repeating; of these 10000–10999 speak of app and token, and so do a few
# more (signature, address, right, token), which can be mended. 5200x is the gateway's own trouble, 521xx and 70031 its
# limits. The platform's table of global errors says which of them do not take our key.
_OURS: Final = frozenset({20_004, 20_005, 20_031, 20_032})
ERRORS: Final = Errors(
    wide=frozenset({*range(10_000, 11_000), *range(52_000, 52_004), 52_102, 52_103}) | _OURS,
    limited=frozenset({52_101, 70_031}),
    final=frozenset(range(20_000, 40_000)) - _OURS,
    away=frozenset({10_016, 10_019, 10_035, 20_004, 20_032}),
)
DETAIL: Final = "pdd.order.information.get"

Yuan = str | int | float


class _Notice(msgspec.Struct):
    type: str = ""
    mallID: int = 0  # noqa: N815 (the platform's name)
    content: str = ""


class _Frame(msgspec.Struct):
    id: int
    commandType: str = ""  # noqa: N815
    sendTime: int = 0  # noqa: N815
    message: _Notice | None = None


class _Content(msgspec.Struct):
    tid: str = ""
    modified: int = 0
    refund_id: int | str = ""


class _Error(msgspec.Struct):
    error_code: int
    sub_code: str | int | None = None
    request_id: str = ""


class _Item(msgspec.Struct):
    sku_id: int | str
    goods_count: int
    goods_price: Yuan = "0"
    goods_name: str = ""
    outer_id: str = ""


class _Delivery(msgspec.Struct):
    tracking_number: str = ""


class _Order(msgspec.Struct):
    order_sn: str
    order_status: int
    created_time: str
    updated_at: str
    confirm_status: int = 1
    group_status: int = 1
    refund_status: int = 1
    risk_control_status: int = 0
    pay_time: str = ""
    confirm_time: str = ""
    last_ship_time: str = ""
    pay_amount: Yuan = "0"
    postage: Yuan = "0"
    discount_amount: Yuan = "0"
    pay_no: str = ""
    item_list: list[_Item] = []
    gift_list: list[_Item] | None = None
    tracking_number: str = ""
    extra_delivery_list: list[_Delivery] | None = None
    province: str = ""
    city: str = ""
    town: str = ""
    receiver_name: str = ""
    receiver_phone: str = ""
    receiver_address: str = ""
    receiver_name_mask: str = ""
    receiver_phone_mask: str = ""
    receiver_address_mask: str = ""
    open_address_id: str = ""


class _Detail(msgspec.Struct):
    order_info: _Order


class _Found(msgspec.Struct):
    total_count: int
    order_sn_list: list[_Order] | None = None


class _Sent(msgspec.Struct):
    """`is_success` of the first parcel, `success` of one more."""

    is_success: bool = False
    success: bool = False


_frame: Final = msgspec.json.Decoder(_Frame)
_content: Final = msgspec.json.Decoder(_Content)
_error: Final = msgspec.json.Decoder(_Error)
_detail: Final = msgspec.json.Decoder(_Detail)
_found: Final = msgspec.json.Decoder(_Found)
_sent: Final = msgspec.json.Decoder(_Sent)


class PinduoduoPushes(HandedOver):
    """The credential has `client_secret`."""

    secret = "client_secret"

    def split(self, body: bytes) -> Sequence[bytes]:
        return [body]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        frame = _frame.decode(raw)
        if frame.commandType != "Common":
            return None
        if frame.message is None:
            raise NotReadable("expected `message`")
        notice = frame.message
        if not notice.type.startswith(ABOUT_ORDERS):
            return None
        content = _content.decode(notice.content)
        stamp = content.modified or frame.sendTime

        def event(shop: str) -> NoteChannelEvent:
            return NoteChannelEvent(
                channel=CHANNEL,
                shop=shop,
                native=_number("tid", content.tid),
                event=CHANGED,
                native_status="",
                said_at=from_epoch_ms(stamp) if stamp else received_at,
                reason=notice.type[:80],
                after_sale=digits("refund_id", content.refund_id) if content.refund_id else "",
            )

        return Told(str(frame.id), str(notice.mallID), event)

    def accept(self, request: PushRequest) -> PushAnswer:
        try:
            frame = _frame.decode(request.body)
        except UNREADABLE:  # kept in quarantine; there is no number to acknowledge
            return PushAnswer(200, b"{}")
        ack = {"id": frame.id, "commandType": "Ack", "sendTime": frame.sendTime}
        if frame.message is not None:
            ack["mallID"] = frame.message.mallID
        return PushAnswer(200, msgspec.json.encode(ack))


class PinduoduoCalls:
    """Called with `client_id`, `client_secret`, `access_token`."""

    def __init__(self, reached: Reached) -> None:
        self._url: Final = reached.base_url
        self._zone: Final = reached.zone

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        parameters = {
            "type": call.method,
            "client_id": credential["client_id"],
            "access_token": credential["access_token"],
            "timestamp": str(int(at.timestamp())),
            "data_type": "JSON",
            "version": "V1",
            **{name: text_of(value) for name, value in call.parameters.items()},
        }
        parameters["sign"] = md5_sign(credential["client_secret"], parameters)
        body = msgspec.json.encode(parameters)
        return HttpRequest(
            method="POST", url=self._url, headers={"content-type": "application/json"}, body=body
        )

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """HTTP 200 always; the one key of the answer is the method's, or `error_response`."""
        return data_of(body, _failed)

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        data = yield Call(DETAIL, {"order_sn": native})
        return read_detail(shop, native, data, self._zone)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        """The platform ships an order whole, with one waybill; further parcels are added to it. So look first."""
        if not company.isdigit():
            raise Refused(Failed(f"no logistics_id for {effect.carrier} in conf/channels/PD.yml", final=True))
        order = _detail.decode((yield Call(DETAIL, {"order_sn": effect.native}))).order_info
        others = [each.tracking_number for each in order.extra_delivery_list or []]
        if effect.waybill in (order.tracking_number, *others):
            return
        if order.order_status == 1 and not order.tracking_number:
            parcel: dict[str, object] = {"logistics_id": int(company), "tracking_number": effect.waybill}
            call = Call("pdd.logistics.online.send", {"order_sn": effect.native, **parcel})
        else:
            parcel = {"shipping_id": int(company), "tracking_number": effect.waybill}
            extra = {"extra_track_list": [parcel], "extra_track_type": 1}
            call = Call("pdd.order.upload.extra.logistics", {"order_sn": effect.native, **extra})
        sent = _sent.decode((yield call))
        if not (sent.is_success or sent.success):
            raise Refused(Failed("Pinduoduo did not take the parcel", final=True))

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """At most 30 minutes, up to 3 minutes ago, and from the last page to the first, or orders are missed."""
        data = yield Call(
            "pdd.order.number.list.increment.get",
            {
                "start_updated_at": int(effect.since.timestamp()),
                "end_updated_at": int(effect.until.timestamp()) - 1,
                "is_lucky_flag": 0,
                "order_status": 5,
                "refund_status": 5,
                "page": max(effect.page, 1),
                "page_size": listing.page_size,
            },
        )
        found = _found.decode(data)
        orders = tuple([_listed(order, self._zone) for order in found.order_sn_list or []])
        return Page(orders, pages=-(-found.total_count // listing.page_size))


def _failed(raw: msgspec.Raw) -> Failed:
    said = _error.decode(raw)
    text = f"Pinduoduo {said.error_code} {str(said.sub_code or '')[:80]} request {said.request_id[:64]}"
    return ERRORS.failed(said.error_code, text)


def read_detail(shop: str, native: str, data: bytes, zone: ZoneInfo) -> RecordDetail:
    """The answer as a command. Amounts are yuan, times local. Raises one of UNREADABLE."""
    order = _detail.decode(data).order_info
    if order.order_sn != native:
        raise NotReadable("`order_sn` is not the order that was asked for")
    gifts = order.gift_list or []
    if not 0 < len(order.item_list) + len(gifts) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `item_list` and `gift_list`")
    lines = [_line(no, item) for no, item in enumerate(order.item_list, 1)]
    lines += [_line(no, item, gift=True) for no, item in enumerate(gifts, len(lines) + 1)]
    paid_at = None if order.confirm_status == 0 else _at(order.pay_time or order.confirm_time, zone)
    placed_at = from_local(order.created_time, zone)
    person = _receiver(order)
    return RecordDetail(
        channel=CHANNEL,
        shop=shop,
        native=native,
        native_status=status_of(order),
        said_at=from_local(order.updated_at, zone),
        lines=tuple(lines),
        amount_fen=_fen(order.pay_amount),
        freight_fen=_fen(order.postage),
        discount_fen=_fen(order.discount_amount),
        placed_at=placed_at,
        paid_at=paid_at,
        transaction=order.pay_no[:64],
        ship_by=_at(order.last_ship_time, zone),
        region=region_of(person.province),
        person=person,
    )


def status_of(order: _Order) -> str:
    """One word out of five fields, the strongest first: what the map in `conf/channels/PD.yml` is written in."""
    if order.confirm_status != 1:
        return f"confirm-{order.confirm_status}"
    if order.refund_status == 4:
        return "refund-4"
    if order.order_status != 1:
        return str(order.order_status)
    if order.risk_control_status != 0:
        return f"risk-{order.risk_control_status}"
    return str(order.order_status) if order.group_status == 1 else f"group-{order.group_status}"


def _listed(order: _Order, zone: ZoneInfo) -> Listed:
    return Listed(native=_number("order_sn", order.order_sn), said_at=from_local(order.updated_at, zone))


def _line(no: int, item: _Item, *, gift: bool = False) -> Line:
    """The platform numbers no lines, so a line is known by its SKU."""
    if not 0 < item.goods_count <= 10**6:
        raise NotReadable("expected `goods_count` above 0")
    sku = digits("sku_id", item.sku_id)
    return Line(
        no=no,
        sku=item.outer_id[:64],
        units=item.goods_count,
        amount_fen=0 if gift else _fen(item.goods_price) * item.goods_count,
        native=f"gift-{sku}" if gift else sku,
        platform_sku=sku,
        title=item.goods_name[:200],
        gift=gift,
    )


def _receiver(order: _Order) -> Person:
    """Masked in the clear, encrypted under `sealed`. There is no ciphertext while the platform reviews the order."""
    sealed = {
        name: value
        for name in ("receiver_name", "receiver_phone", "receiver_address", "open_address_id")
        if (value := getattr(order, name))
    }
    return Person(
        name=order.receiver_name_mask[:100],
        phone=order.receiver_phone_mask[:40],
        province=order.province,
        city=order.city,
        district=order.town,
        detail=order.receiver_address_mask[:300],
        sealed=sealed,
    )


def _number(field: str, value: str) -> str:
    """`210707-339507978993455`."""
    if not (0 < len(value) <= MAX_NUMBER and value.isascii() and value.replace("-", "").isdigit()):
        raise NotReadable(f"expected `{field}` to be an order number such as 210707-339507978993455")
    return value


def _at(text: str, zone: ZoneInfo) -> datetime | None:
    return from_local(text, zone) if text else None


def _fen(yuan: Yuan) -> int:
    return fen_from_yuan(str(yuan))


PINDUODUO: Final = Channel(
    CHANNEL,
    "pinduoduo",
    ("client_id", "client_secret", "access_token"),
    PinduoduoPushes(),
    PinduoduoCalls,
    after_sales=PinduoduoAfterSales,
    stocks=PinduoduoStocks(),
)
