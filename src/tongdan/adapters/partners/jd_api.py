"""JD (京东 POP), how it is called: an order, what has changed, what was shipped; yuan and UTC+8.

An order is listed once it is paid, or is cash on delivery (payType 1), which has words of its own because nothing is
paid yet. Name and address come as ciphertexts, or masked beside an `oaid`; either is carried on as it is. Waybills
belong to the order and not to its lines: the first ships it, further ones are added by writing all of them anew.
Source: the platform's kits (pop.order.get, pop.order.search, pop.order.shipment, 360buy.order.sop.waybill.update), its
worked example of a signature, an order pasted by a user in 2022. Of the error codes 19, 10400014 and 999999 have a
public witness; the other codes of the gateway are written down from memory of its error page.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
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
from tongdan.adapters.partners.channel_stock import JdStocks
from tongdan.adapters.partners.gateway import data_of, form, local, md5_sign
from tongdan.adapters.partners.jd import CHANNEL, NAME, JdPushes, Number
from tongdan.adapters.partners.jd_aftersale import JdAfterSales
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest

# 1 and 65–67 the gateway's own trouble; 3–12 and 18–24 app, token, rights, signature, time; 2 its limit. 12, 19, 21
# and 89 do not take our signature, token or app, 80 not our address (a Go kit's table). Business errors: eight digits.
ERRORS: Final = Errors(
    wide=frozenset({1, *range(3, 13), *range(18, 25), 65, 66, 67, 80, 89}),
    limited=frozenset({2}),
    final=frozenset(range(13, 18)),
    business=range(10_000_000, 11_000_000),
    away=frozenset({12, 19, 21, 89}),
)
SYSTEM: Final = frozenset({999_999, 99_999_999})  # of a service behind the gateway: worth trying again

DETAIL: Final = "jingdong.pop.order.get"
LIST: Final = "jingdong.pop.order.search"
SHIP: Final = "jingdong.pop.order.shipment"
SET_WAYBILLS: Final = "360buy.order.sop.waybill.update"
DETAIL_FIELDS: Final = (
    "orderId,payType,orderState,orderPayment,freightPrice,orderStartTime,paymentConfirmTime,modified,itemInfoList,"
    "consigneeInfo,waybill,logisticsId,open_id_buyer"
)
STATES: Final = (
    "WAIT_SELLER_STOCK_OUT,WAIT_SELLER_DELIVERY,WAIT_GOODS_RECEIVE_CONFIRM,FINISHED_L,TRADE_CANCELED,LOCKED,PAUSE,"
    "POP_ORDER_PAUSE,DELIVERY_RETURN"
)
TO_SHIP: Final = frozenset({"WAIT_SELLER_STOCK_OUT", "WAIT_SELLER_DELIVERY"})
NOTHING_PAID: Final = frozenset({"NOT_PAY", "TRADE_CANCELED"})
FINISHED: Final = "FINISHED_L"
COD: Final = "1"  # of `1-货到付款`, `4-在线支付`, …
BY_CHANGE, LAST_FIRST = 0, 1  # dateType, sortType
SECOND: Final = timedelta(seconds=1)
_CIPHERTEXT: Final = re.compile(r"[A-Za-z0-9+/=]{40,}", re.ASCII)


class _Error(msgspec.Struct):
    code: Number


class _Outcome(msgspec.Struct, rename="camel"):
    """`apiResult` has a `numberCode`, what comes of a shipment an `errorCode`."""

    success: bool | str = False
    number_code: Number = 0
    error_code: Number = 0


class _Item(msgspec.Struct, rename="camel"):
    sku_id: Number
    item_total: Number
    jd_price: str
    sku_name: str = ""
    outer_sku_id: str = ""


class _Consignee(msgspec.Struct):
    """`desen_…` are the platform's digests of a number: the same number, the same digest."""

    fullname: str = ""
    mobile: str = ""
    telephone: str = ""
    full_address: str = msgspec.field(default="", name="fullAddress")
    province: str = ""
    city: str = ""
    county: str = ""
    town: str = ""
    oaid: str = ""
    desen_mobile: str = ""
    desen_telephone: str = ""


class _Brief(msgspec.Struct, rename="camel"):
    order_id: Number
    modified: str


class _Order(_Brief, kw_only=True, rename="camel"):
    order_state: str
    order_payment: str
    order_start_time: str
    item_info_list: list[_Item]
    pay_type: str = ""
    freight_price: str = "0"
    payment_confirm_time: str = ""
    consignee_info: _Consignee = msgspec.field(default_factory=_Consignee)
    waybill: str = ""
    logistics_id: str = ""
    open_id_buyer: str = msgspec.field(default="", name="open_id_buyer")

    @property
    def cash_on_delivery(self) -> bool:
        return self.pay_type.partition("-")[0] == COD


class _Detail(msgspec.Struct, rename="camel"):
    api_result: _Outcome
    order_info: _Order | None = None


class _Detailed(msgspec.Struct, rename="camel"):
    order_detail_info: _Detail


class _Search(msgspec.Struct, rename="camel"):
    api_result: _Outcome
    order_total: int = 0
    order_info_list: list[_Brief] = []


class _Found(msgspec.Struct):
    searchorderinfo_result: _Search


class _Shipped(msgspec.Struct):
    sopjosshipment_result: _Outcome


_error: Final = msgspec.json.Decoder(_Error)
_detailed: Final = msgspec.json.Decoder(_Detailed)
_found: Final = msgspec.json.Decoder(_Found)
_shipped: Final = msgspec.json.Decoder(_Shipped)


class JdCalls:
    """Called with `app_key`, `app_secret`, `access_token`."""

    def __init__(self, reached: Reached) -> None:
        self._url: Final = reached.base_url
        self._zone: Final = reached.zone

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        local = at.astimezone(self._zone)
        parameters = {
            "method": call.method,
            "app_key": credential["app_key"],
            "access_token": credential["access_token"],
            "timestamp": f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1_000:03d}{local:%z}",
            "v": "2.0",
            "360buy_param_json": msgspec.json.encode(call.parameters, order="sorted").decode(),
        }
        parameters["sign"] = md5_sign(credential["app_secret"], parameters)
        return form(self._url, parameters)

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """HTTP 200 always; the one key of the answer is the method's (`…_responce`), or `error_response`."""
        return data_of(body, lambda said: _failed(_error.decode(said).code))

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        data = yield _get(native)
        return read_detail(shop, native, data, self._zone)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        if not company.isdigit():
            raise Refused(Failed(f"no company id for {effect.carrier} in conf/channels/JD.yml", final=True))
        order = _order_of((yield _get(effect.native)))
        told = _waybills(order)
        if (company, effect.waybill) in told:
            return
        number = int(effect.native)
        if order.order_state in TO_SHIP:
            parcel = {"orderId": number, "logiCoprId": company, "logiNo": effect.waybill}
            _check(_shipped.decode((yield Call(SHIP, parcel))).sopjosshipment_result)
            return
        companies, waybills = _joined([*told, (company, effect.waybill)])
        parcels = {"order_id": str(number), "logistics_id": companies, "waybill": waybills}
        yield Call(SET_WAYBILLS, {**parcels, "trade_no": effect.request})

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """A month at most, the order changed last first; the end has to lie after the beginning."""
        end = max(effect.until - SECOND, effect.since + SECOND)
        data = yield Call(
            LIST,
            {
                "start_date": local(effect.since, self._zone),
                "end_date": local(end, self._zone),
                "dateType": BY_CHANGE,
                "sortType": LAST_FIRST,
                "order_state": STATES,
                "optional_fields": "orderId,modified",
                "source_id": "JOS",
                "page": str(max(effect.page, 1)),
                "page_size": str(listing.page_size),
            },
        )
        found = _found.decode(data).searchorderinfo_result
        _check(found.api_result)
        orders = tuple([_listed(order, self._zone) for order in found.order_info_list])
        return Page(orders, pages=-(-found.order_total // listing.page_size))


def _get(native: str) -> Call:
    return Call(DETAIL, {"order_id": int(native), "optional_fields": DETAIL_FIELDS, "source_id": "JOS"})


def _failed(said: Number) -> Failed:
    code = int(digits("code", said, 9))
    if code in SYSTEM:
        return Failed(f"JD {code}")
    return ERRORS.failed(code, f"JD {code}")


def _check(outcome: _Outcome) -> None:
    """Raises Refused: an answer that came through the gateway may be a no. `success` is a word now and then."""
    if outcome.success in (True, "true"):
        return
    code = outcome.number_code or outcome.error_code
    failed = (
        _failed(code) if str(code).isdigit() and int(code) in SYSTEM else Failed(f"JD {code}", final=True)
    )
    raise Refused(failed)


def _order_of(data: bytes) -> _Order:
    detail = _detailed.decode(data).order_detail_info
    _check(detail.api_result)
    if detail.order_info is None:
        raise NotReadable("expected `orderInfo`")
    return detail.order_info


def read_detail(shop: str, native: str, data: bytes, zone: ZoneInfo) -> RecordDetail:
    """The answer as a command. Amounts are yuan, times local. Raises one of UNREADABLE, or Refused."""
    order = _order_of(data)
    if digits("orderId", order.order_id) != native:
        raise NotReadable("`orderId` is not the order that was asked for")
    if not 0 < len(order.item_info_list) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `itemInfoList`")
    lines = _lines(order.item_info_list)
    amount_fen, freight_fen = fen_from_yuan(order.order_payment), fen_from_yuan(order.freight_price)
    person = _receiver(order)
    return RecordDetail(
        channel=CHANNEL,
        shop=shop,
        native=native,
        native_status=status_of(order),
        said_at=from_local(order.modified, zone),
        lines=lines,
        amount_fen=amount_fen,
        freight_fen=freight_fen,
        # Coupons of the shop, of the platform, balance and points are told apart elsewhere; this is their sum.
        discount_fen=sum(line.amount_fen for line in lines) + freight_fen - amount_fen,
        placed_at=from_local(order.order_start_time, zone),
        paid_at=_paid_at(order, zone),
        region=region_of(person.province),
        person=person,
    )


def status_of(order: _Order) -> str:
    """`orderState`, which for cash on delivery says "to be shipped" of what nobody has paid."""
    cod = order.cash_on_delivery and order.order_state in TO_SHIP
    return f"cod-{order.order_state}" if cod else order.order_state


def _paid_at(order: _Order, zone: ZoneInfo) -> datetime | None:
    """Cash on delivery is paid with the end of the order. Some ways of paying have no time of confirmation."""
    if order.cash_on_delivery:
        return from_local(order.modified, zone) if order.order_state == FINISHED else None
    if order.payment_confirm_time:
        return from_local(order.payment_confirm_time, zone)
    return None if order.order_state in NOTHING_PAID else from_local(order.order_start_time, zone)


def _listed(order: _Brief, zone: ZoneInfo) -> Listed:
    return Listed(native=digits("orderId", order.order_id), said_at=from_local(order.modified, zone))


def _lines(items: list[_Item]) -> tuple[Line, ...]:
    """JD numbers no lines: a line is known by its SKU, one of several of the same SKU by its place among them."""
    seen: Counter[str] = Counter()
    lines = []
    for no, item in enumerate(items, 1):
        sku, units = digits("skuId", item.sku_id), int(digits("itemTotal", item.item_total, 6))
        if not units:
            raise NotReadable("expected `itemTotal` above 0")
        seen[sku] += 1
        amount_fen = fen_from_yuan(item.jd_price) * units
        lines.append(
            Line(
                no=no,
                sku=item.outer_sku_id[:64],
                units=units,
                amount_fen=amount_fen,
                native=sku if seen[sku] == 1 else f"{sku}-{seen[sku]}",
                platform_sku=sku,
                title=item.sku_name[:200],
                gift=amount_fen == 0,
            )
        )
    return tuple(lines)


def _waybills(order: _Order) -> list[tuple[str, str]]:
    """Company and number of each: `467|1499` and `SF1,SF2|ZT3`."""
    groups = zip(order.logistics_id.split("|"), order.waybill.split("|"), strict=False)
    return [(company, waybill) for company, group in groups for waybill in group.split(",") if waybill]


def _joined(waybills: list[tuple[str, str]]) -> tuple[str, str]:
    groups: dict[str, list[str]] = {}
    for company, waybill in waybills:
        groups.setdefault(company, []).append(waybill)
    return "|".join(groups), "|".join(",".join(group) for group in groups.values())


def _receiver(order: _Order) -> Person:
    said = order.consignee_info
    sealed = {
        name: value for name in ("oaid", "desen_mobile", "desen_telephone") if (value := getattr(said, name))
    }
    shown = {
        "fullname": said.fullname,
        "mobile": said.mobile or said.telephone,
        "fullAddress": said.full_address,
    }
    for field, value in shown.items():
        if _CIPHERTEXT.fullmatch(value):
            sealed[field], shown[field] = value, ""
    return Person(
        name=shown["fullname"][:100],
        phone=shown["mobile"][:40],
        province=said.province,
        city=said.city,
        district=said.county,
        detail=shown["fullAddress"][:300],
        buyer=order.open_id_buyer,
        sealed=sealed,
    )


JD: Final = Channel(
    CHANNEL,
    NAME,
    ("app_key", "app_secret", "access_token"),
    JdPushes(),
    JdCalls,
    after_sales=JdAfterSales,
    stocks=JdStocks(),
)
