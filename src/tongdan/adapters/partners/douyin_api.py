"""Douyin Shop calls: an order's detail, what has changed, what was shipped.

sign = HMAC-SHA256(secret, secret + app_key…method…param_json…timestamp…v2 + secret), over parameters in
canonical JSON. The platform answers HTTP 200 with a code; which codes speak of this call and which of the
app, its token or the platform as a whole is the table below. Source: the platform's error table and its
kits.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from tongdan.adapters.partners.channel import MAX_LINES, Call, Channel, Errors, Page, Reached, Talk
from tongdan.adapters.partners.channel_stock import DouyinStocks
from tongdan.adapters.partners.douyin import (
    CHANNEL,
    NAME,
    Address,
    DouyinPushes,
    Number,
    instant,
    person_of,
)
from tongdan.adapters.partners.douyin_aftersale import DouyinAfterSales
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest

OK: Final = 10_000
ERRORS: Final = Errors(
    wide=frozenset({20_000, 20_001, 30_001, 30_002, 40_001, 40_003, 50_001, 80_000, 90_000}),
    limited=frozenset({60_000}),
    final=frozenset({10_001, 40_002, 40_004, 50_002, 70_000}),
)
# What 30001, 40003 and 50001 say of the app, its secret or its token; the rest of them is a clock, a right, a repeat.
AWAY: Final = (
    "dop.app-forbidden", "dop.authorization-no-existed", "dop.authorization-closed", "isv.signature-invalid",
    "isv.access-token-", "isv.app-id-", "dop.token-generate-failed:",
)  # fmt: skip
SHIP: Final = "order.logisticsAddSinglePack"
REPEATED: Final = "isv.idempotent-id-existed"

GIFT: Final = "FREE"
UNPAID: Final = frozenset({"1", "103"})


class _Envelope(msgspec.Struct):
    code: int
    sub_code: str = ""
    log_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class _SkuOrder(msgspec.Struct):
    order_id: Number
    item_num: int
    pay_amount: int
    sku_id: Number = ""
    code: str = ""
    out_sku_id: Number = ""
    product_name: str = ""
    given_product_type: str = ""


class _Brief(msgspec.Struct, kw_only=True):
    """What a listing needs of an order."""

    order_id: Number
    order_status: Number
    create_time: Number
    main_status: Number = 0
    update_time: Number = 0


class _Found(msgspec.Struct):
    total: int
    shop_order_list: list[_Brief] = []


class _Detail(_Brief, kw_only=True):
    pay_amount: int
    sku_order_list: list[_SkuOrder]
    pay_time: Number = 0
    exp_ship_time: Number = 0
    post_amount: int = 0
    promotion_amount: int = 0
    channel_payment_no: str = ""
    doudian_open_id: str = ""
    open_address_id: str = ""
    mask_post_receiver: str = ""
    mask_post_tel: str = ""
    mask_post_addr: Address | None = None
    encrypt_post_receiver: str = ""
    encrypt_post_tel: str = ""
    post_addr: Address | None = None


class _Detailed(msgspec.Struct):
    shop_order_detail: _Detail


_envelope: Final = msgspec.json.Decoder(_Envelope)
_found: Final = msgspec.json.Decoder(_Found)
_detailed: Final = msgspec.json.Decoder(_Detailed)


class DouyinCalls:
    """Called with `app_key`, `app_secret`, `access_token`."""

    def __init__(self, reached: Reached) -> None:
        self._base_url: Final = reached.base_url

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        app_key, secret = credential["app_key"], credential["app_secret"]
        param_json = msgspec.json.encode(call.parameters, order="sorted")
        timestamp = str(int(at.timestamp()))
        query = {
            "app_key": app_key,
            "method": call.method,
            "access_token": credential["access_token"],
            "timestamp": timestamp,
            "v": "2",
            "sign_method": "hmac-sha256",
            "sign": sign(app_key, secret, call.method, param_json.decode(), timestamp),
        }
        url = f"{self._base_url}/{call.method.replace('.', '/')}?{urlencode(query)}"
        headers = {"content-type": "application/json", "x-open-no-old-err-code": "1"}
        return HttpRequest(method="POST", url=url, headers=headers, body=param_json)

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """A parcel told twice under one `request_id` is one parcel, which the platform may say as an error."""
        said = _envelope.decode(body)
        if said.code == OK or (call.method == SHIP and said.sub_code == REPEATED):
            return bytes(said.data)
        failed = ERRORS.failed(said.code, f"Douyin {said.code} {said.sub_code[:80]} log {said.log_id[:64]}")
        away = failed.partner_wide and said.sub_code.startswith(AWAY)
        return msgspec.structs.replace(failed, turned_away=away)

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        data = yield Call("order.orderDetail", {"shop_order_id": native})
        return read_detail(shop, native, data)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        shipped = [{"shipped_order_id": line, "shipped_num": units} for line, units in effect.units]
        yield Call(
            SHIP,
            {
                "order_id_list": [effect.native],
                "shipped_order_info": shipped,
                "company_code": company,
                "logistics_code": effect.waybill,
                "request_id": effect.request,
            },
        )

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """Pages count from 0 here; the end of the span is asked for as its last second."""
        data = yield Call(
            "order.searchList",
            {
                "update_time_start": int(effect.since.timestamp()),
                "update_time_end": int(effect.until.timestamp()) - 1,
                "order_by": "update_time",
                "page": max(effect.page - 1, 0),
                "size": listing.page_size,
            },
        )
        found = _found.decode(data)
        orders = tuple([_listed(order) for order in found.shop_order_list])
        return Page(orders, pages=-(-found.total // listing.page_size))


def sign(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """Lower-case hex. `access_token` and `sign_method` are not signed."""
    text = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    return hmac.digest(secret.encode(), f"{secret}{text}{secret}".encode(), "sha256").hex()


def read_detail(shop: str, native: str, data: bytes) -> RecordDetail:
    """The answer's `data` as a command. Amounts are fen, times epoch seconds. Raises one of UNREADABLE."""
    detail = _detailed.decode(data).shop_order_detail
    if digits("order_id", detail.order_id) != native:
        raise NotReadable("`order_id` is not the order that was asked for")
    if not 0 < len(detail.sku_order_list) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `sku_order_list`")
    status = _status(detail)
    paid_at = None if status in UNPAID else _instant_or_none(detail.pay_time)
    placed_at = instant(detail.create_time)
    person = _receiver(detail)
    return RecordDetail(
        channel=CHANNEL,
        shop=shop,
        native=native,
        native_status=status,
        said_at=_instant_or_none(detail.update_time) or paid_at or placed_at,
        lines=tuple(_line(no, line) for no, line in enumerate(detail.sku_order_list, 1)),
        amount_fen=check_fen(detail.pay_amount),
        freight_fen=check_fen(detail.post_amount),
        discount_fen=check_fen(detail.promotion_amount),
        placed_at=placed_at,
        paid_at=paid_at,
        transaction=detail.channel_payment_no[:64],
        ship_by=_instant_or_none(detail.exp_ship_time),
        region=region_of(person.province),
        person=person,
    )


def _status(order: _Brief) -> str:
    """main_status says all that order_status says, and how refunds ended."""
    status = digits("main_status", order.main_status, 6)
    return digits("order_status", order.order_status, 6) if status == "0" else status


def _listed(order: _Brief) -> Listed:
    said_at = _instant_or_none(order.update_time) or instant(order.create_time)
    return Listed(native=digits("order_id", order.order_id), said_at=said_at)


def _line(no: int, said: _SkuOrder) -> Line:
    """`native` is the child order, which may bear its parent's number; `code` is the seller's own SKU."""
    out_sku = str(said.out_sku_id)
    if not 0 < said.item_num <= 10**6:
        raise NotReadable("expected `item_num` above 0")
    return Line(
        no=no,
        sku=(said.code or ("" if out_sku == "0" else out_sku))[:64],
        units=said.item_num,
        amount_fen=check_fen(said.pay_amount),
        native=digits("sku_order_list.order_id", said.order_id),
        platform_sku=str(said.sku_id)[:64],
        title=said.product_name[:200],
        gift=said.given_product_type == GIFT,
    )


def _receiver(detail: _Detail) -> Person:
    masked, sealed = detail.mask_post_addr or Address(), detail.post_addr or Address()
    address = msgspec.structs.replace(
        masked, province=masked.province or sealed.province, encrypt_detail=sealed.encrypt_detail
    )
    person = person_of(
        address,
        detail.mask_post_receiver,
        detail.mask_post_tel,
        post_receiver=detail.encrypt_post_receiver,
        post_tel=detail.encrypt_post_tel,
    )
    more = {"open_address_id": detail.open_address_id} if detail.open_address_id else {}
    return msgspec.structs.replace(person, buyer=detail.doudian_open_id, sealed=person.sealed | more)


def _instant_or_none(value: Number) -> datetime | None:
    return None if value in (0, "0", "") else instant(value)


DOUYIN: Final = Channel(
    CHANNEL,
    NAME,
    ("app_key", "app_secret", "access_token"),
    DouyinPushes(),
    DouyinCalls,
    after_sales=DouyinAfterSales,
    stocks=DouyinStocks(),
)
