"""Kuaishou shops (快手小店), how they are called: an order, what has changed, what was shipped; fen and milliseconds.

An order is one SKU in some units, and gifts that have order numbers and statuses of their own. `totalFee` is what the
seller gets for the goods: freight stands apart, coupons of the platform are not taken off. Source: the platform's
guides and answers (in AndersonBY/kwaixiaodian-python-sdk: gateway, signature, limits, codes 11, 21, 24, companies),
its document of an order as of 2021 and an order of 2022, both pasted by users (fees, statuses), the Go kits
WyntersN/go-kwai and ks_shop_go_sdk (fields, `nomore`). Assumed: `subOrderDetail` holds the gifts, a split needs no
`deliveryStatus`, and all codes but those and 802006, 807000.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import Final
from urllib.parse import urlencode

import msgspec

from tongdan.adapters.partners import kuaishou_aftersale
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
from tongdan.adapters.partners.channel_stock import SKUS, KuaishouStocks
from tongdan.adapters.partners.kuaishou import CHANNEL, NAME, NO_MORE, SEALED, KuaishouPushes, Number
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.instants import from_epoch_ms
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest

# Small numbers are services' own: 24 (authorization revoked), 27 and 28 (token); 11 a parcel that was stopped, 21 an
# order of another seller. Six digits are the gateway's: 802… its limits, 807… "the service says no".
ERRORS: Final = Errors(
    wide=frozenset({24, 27, 28, *range(800_000, 807_000)}),
    limited=frozenset(range(802_000, 803_000)),
    final=frozenset({11, 21}),
    business=range(807_000, 808_000),
    away=frozenset({24, 27, 28}),
)
DETAIL: Final = "open.order.detail"
LIST: Final = "open.order.cursor.list"
SHIP: Final = "open.seller.order.goods.deliver"
SHIP_PARTS: Final = "open.order.goods.split.deliver"
ADD_PARCEL: Final = "open.seller.order.goods.logistics.append"
READS: Final = frozenset({DETAIL, LIST, SKUS, kuaishou_aftersale.DETAIL, kuaishou_aftersale.LIST})
PAID, FAILED = 30, 80
REFUNDED, REFUND_CLOSED = 60, 70
ALL_STATUSES, LAST_FIRST, BY_CHANGE = 1, 1, 2  # orderViewStatus, sort, queryType


class _Base(msgspec.Struct, rename="camel"):
    oid: Number
    status: int
    update_time: int = 0
    create_time: int = 0
    pay_time: int = 0
    total_fee: int = 0
    express_fee: int = 0
    risk_code: int = 0
    disable_delivery_reason_code: list[int | str] | None = None
    valid_promise_shipment_time_stamp: int = 0
    buyer_open_id: str = ""


class _Item(msgspec.Struct, rename="camel"):
    """`sku_nick` is the seller's own code, `price` of one unit after the shop's promotions."""

    sku_id: Number
    num: int
    price: int = 0
    sku_nick: str = ""
    item_title: str = ""


class _Refund(msgspec.Struct, rename="camel"):
    refund_status: int


class _Parcel(msgspec.Struct, rename="camel"):
    express_no: str = ""


class _Delivery(msgspec.Struct, rename="camel"):
    delivery_num: int = 0


class _Gift(msgspec.Struct, rename="camel"):
    sub_order_base_info: _Base
    sub_order_item_info: _Item
    sub_order_logistics_info: list[_Parcel] | None = None
    sub_order_delivery_info: _Delivery | None = None


class _Address(msgspec.Struct, rename="camel"):
    encrypted_consignee: str = ""
    encrypted_mobile: str = ""
    encrypted_address: str = ""
    desensitise_consignee: str = ""
    desensitise_mobile: str = ""
    desensitise_address: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    town: str = ""


class _Order(msgspec.Struct, rename="camel"):
    order_base_info: _Base
    order_item_info: _Item
    order_refund_list: list[_Refund] | None = None
    order_detail_refund_list: list[_Refund] | None = None
    order_logistics_info: list[_Parcel] | None = None
    order_delivery_info: _Delivery | None = None
    order_address: _Address = msgspec.field(default_factory=_Address)
    sub_order_detail: list[_Gift] | None = None


class _Brief(msgspec.Struct, rename="camel"):
    order_base_info: _Base


class _Found(msgspec.Struct, rename="camel"):
    cursor: str = ""
    order_list: list[_Brief] | None = None


class _Envelope(msgspec.Struct):
    result: int
    code: Number = ""
    sub_code: Number = ""
    request_id: str = msgspec.field(default="", name="requestId")
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct):
    """What an order of its own number (the order itself, or one of its gifts) is, and what of it has left."""

    oid: str
    item: _Item
    left: int
    waybills: frozenset[str]


_envelope: Final = msgspec.json.Decoder(_Envelope)
_detail: Final = msgspec.json.Decoder(_Order)
_found: Final = msgspec.json.Decoder(_Found)


class KuaishouCalls:
    """Called with `app_key`, `sign_secret`, `access_token`."""

    def __init__(self, reached: Reached) -> None:
        self._url: Final = reached.base_url

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        """Reads in the query; what changes something has its `param` in the body, where it may be long."""
        parameters = {
            "appkey": credential["app_key"],
            "access_token": credential["access_token"],
            "method": call.method,
            "version": "1",
            "timestamp": str(int(at.timestamp() * 1_000)),
            "signMethod": "HMAC_SHA256",
            "param": msgspec.json.encode(call.parameters).decode(),
        }
        parameters["sign"] = sign(credential["sign_secret"], parameters)
        body = {} if call.method in READS else {"param": parameters.pop("param")}
        return HttpRequest(
            method="POST" if body else "GET",
            url=f"{self._url}/{call.method.replace('.', '/')}?{urlencode(parameters)}",
            headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
            body=urlencode(body).encode(),
        )

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """`result` 1 is yes. A no has its code there, in `code` or in `sub_code`; the first that is known counts."""
        said = _envelope.decode(body)
        if said.result == 1:
            return bytes(said.data)
        codes = [said.result, *(int(each) for each in (said.code, said.sub_code) if str(each).isdecimal())]
        code = next((each for each in codes if ERRORS.knows(each)), said.result)
        return ERRORS.failed(code, f"Kuaishou {'/'.join(map(str, codes))} request {said.request_id[:64]}")

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        data = yield Call(DETAIL, {"oid": int(native)})
        return read_detail(shop, native, data)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        """All at once, or parts of an order and its gifts; what comes after all has left is one more parcel."""
        if not company.isdigit():
            raise Refused(Failed(f"no expressCode for {effect.carrier} in conf/channels/KS.yml", final=True))
        parts = parts_of(_detail.decode((yield Call(DETAIL, {"oid": int(effect.native)}))))
        if any(effect.waybill in part.waybills for part in parts):
            return
        number = int(effect.native)
        parcel = {"expressCode": int(company), "expressNo": effect.waybill}
        if all(part.left >= part.item.num for part in parts):
            yield Call(ADD_PARCEL, {"oid": number, **parcel})
        elif len(parts) == 1 and effect.units == ((parts[0].oid, parts[0].item.num),):
            yield Call(SHIP, {"orderId": number, **parcel})
        else:
            goods = [{"oid": int(oid), "deliveryNum": units} for oid, units in effect.units]
            package = {"deliveryGoodsInfoList": goods, **parcel}
            yield Call(SHIP_PARTS, {"mainOrderId": number, "deliveryItemInfoList": [package]})

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """A week at most, 50 a page; times are milliseconds, and both ends belong to the span."""
        data = yield Call(
            LIST,
            {
                "orderViewStatus": ALL_STATUSES,
                "queryType": BY_CHANGE,
                "sort": LAST_FIRST,
                "beginTime": int(effect.since.timestamp()) * 1_000,
                "endTime": int(effect.until.timestamp()) * 1_000 - 1,
                "pageSize": listing.page_size,
                "cursor": effect.cursor,
            },
        )
        found = _found.decode(data)
        orders = tuple([_listed(each.order_base_info) for each in found.order_list or []])
        return Page(orders, cursor="" if found.cursor == NO_MORE else found.cursor)


def sign(secret: str, parameters: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA256 over all parameters but `sign`, sorted, and the secret once more."""
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters) if name != "sign")
    return b64encode(digest(secret.encode(), f"{text}&signSecret={secret}".encode(), sha256)).decode()


def read_detail(shop: str, native: str, data: bytes) -> RecordDetail:
    """The answer as a command. Raises one of UNREADABLE."""
    order = _detail.decode(data)
    base = order.order_base_info
    if digits("oid", base.oid) != native:
        raise NotReadable("`oid` is not the order that was asked for")
    parts = parts_of(order)
    if len(parts) > MAX_LINES:
        raise NotReadable(f"expected at most {MAX_LINES} of `subOrderDetail`")
    lines = tuple([_line(no, part, gift=no > 1) for no, part in enumerate(parts, 1)])
    amount_fen, freight_fen = check_fen(base.total_fee) + check_fen(base.express_fee), base.express_fee
    person = _receiver(order)
    return RecordDetail(
        channel=CHANNEL,
        shop=shop,
        native=native,
        native_status=status_of(order),
        said_at=from_epoch_ms(base.update_time),
        lines=lines,
        amount_fen=amount_fen,
        freight_fen=freight_fen,
        discount_fen=sum(line.amount_fen for line in lines) - base.total_fee,
        placed_at=from_epoch_ms(base.create_time),
        paid_at=_instant(base.pay_time),
        ship_by=_instant(base.valid_promise_shipment_time_stamp),
        region=region_of(person.province),
        person=person,
    )


def status_of(order: _Order) -> str:
    """`status`, and words of our own: what is paid but may not be shipped, and what failed after it was paid."""
    base = order.order_base_info
    if base.status == FAILED and base.pay_time:
        return f"paid-{base.status}"
    if base.status != PAID:
        return str(base.status)
    refunds = [*(order.order_refund_list or []), *(order.order_detail_refund_list or [])]
    if any(each.refund_status not in (REFUNDED, REFUND_CLOSED) for each in refunds):
        return f"refund-{base.status}"
    return (
        f"blocked-{base.status}" if base.risk_code or base.disable_delivery_reason_code else str(base.status)
    )


def parts_of(order: _Order) -> list[_Part]:
    """The order itself, then its gifts."""
    gifts = order.sub_order_detail or []
    base, delivery = order.order_base_info, order.order_delivery_info
    return [
        _part(base, order.order_item_info, delivery, order.order_logistics_info),
        *(
            _part(
                each.sub_order_base_info,
                each.sub_order_item_info,
                each.sub_order_delivery_info,
                each.sub_order_logistics_info,
            )
            for each in gifts
        ),
    ]


def _part(base: _Base, item: _Item, delivery: _Delivery | None, parcels: list[_Parcel] | None) -> _Part:
    """While it waits to be shipped, a parcel shown is one whose waybill was only printed."""
    if base.status <= PAID:
        return _Part(digits("oid", base.oid), item, 0, frozenset())
    left = item.num if delivery is None else delivery.delivery_num
    return _Part(
        digits("oid", base.oid), item, left, frozenset([parcel.express_no for parcel in parcels or []])
    )


def _listed(base: _Base) -> Listed:
    return Listed(native=digits("oid", base.oid), said_at=from_epoch_ms(base.update_time))


def _line(no: int, part: _Part, *, gift: bool) -> Line:
    item = part.item
    if not 0 < item.num <= 10**6:
        raise NotReadable("expected `num` above 0")
    return Line(
        no=no,
        sku=item.sku_nick[:64],
        units=item.num,
        amount_fen=0 if gift else check_fen(check_fen(item.price) * item.num),
        native=part.oid,
        platform_sku=digits("skuId", item.sku_id),
        title=item.item_title[:200],
        gift=gift,
    )


def _receiver(order: _Order) -> Person:
    """Masked in the clear, encrypted under `sealed`."""
    address = order.order_address
    names = ("encrypted_consignee", "encrypted_mobile", "encrypted_address")
    return Person(
        name=address.desensitise_consignee[:100],
        phone=address.desensitise_mobile[:40],
        province=address.province,
        city=address.city,
        district=address.district,
        detail=(address.town + address.desensitise_address)[:300],
        buyer=order.order_base_info.buyer_open_id[:64],
        sealed={name: value for name in names if (value := getattr(address, name))},
    )


def _instant(value: int) -> datetime | None:
    return from_epoch_ms(value) if value else None


KUAISHOU: Final = Channel(
    CHANNEL,
    NAME,
    ("app_key", "sign_secret", "access_token"),
    KuaishouPushes(),
    KuaishouCalls,
    SEALED,
    after_sales=kuaishou_aftersale.KuaishouAfterSales,
    stocks=KuaishouStocks(),
)
