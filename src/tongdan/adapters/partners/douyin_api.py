"""Douyin Shop calls: fetch an order's detail, write back what was shipped.

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

from tongdan.adapters.partners.douyin import CHANNEL, Address, Number, instant, person_of
from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, digits, reason_of
from tongdan.adapters.partners.regions import region_of
from tongdan.adapters.partners.settings import DouyinSettings
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.orders.commands import NoteDone, RecordDetail
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.ports import (
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    Repeat,
    Undo,
    Verb,
)

OK: Final = 10_000
LIMITED: Final = 60_000
LIMITED_WAIT_S: Final = 5.0
# Nothing is wrong with the call: the platform, the app, its token or its allow-list is.
PARTNER_WIDE: Final = frozenset(
    {20_000, 20_001, 30_001, 30_002, 40_001, 40_003, 50_001, LIMITED, 80_000, 90_000}
)
# The same call can never succeed.
FINAL: Final = frozenset({10_001, 40_002, 40_004, 50_002, 70_000})
REPEATED: Final = "isv.idempotent-id-existed"

MAX_LINES: Final = 200
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


class _Detail(msgspec.Struct):
    order_id: Number
    order_status: Number
    create_time: Number
    pay_amount: int
    sku_order_list: list[_SkuOrder]
    main_status: Number = 0
    pay_time: Number = 0
    update_time: Number = 0
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
_detailed: Final = msgspec.json.Decoder(_Detailed)


class DouyinActor:
    """Calls with the credential `douyin/{shop}`: `app_key`, `app_secret`, `access_token`."""

    def __init__(self, partner: str, settings: DouyinSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            FetchDetail: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
            WriteBackShipment: Verb(Repeat.KEYED, Undo.COMPENSABLE),
        }
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        match errand.effect:
            case FetchDetail() as effect:
                return await self._fetch(effect)
            case WriteBackShipment() as effect:
                return await self._write_back(errand, effect)
        return Failed(f"Douyin knows no {type(errand.effect).__name__}", final=True)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    async def _fetch(self, effect: FetchDetail) -> Done | Failed:
        said = await self._call(effect.shop, "order.orderDetail", {"shop_order_id": effect.native})
        if isinstance(said, Failed):
            return said
        envelope, response = said
        if envelope.code != OK:
            return _failure(envelope)
        try:
            command = read_detail(effect.shop, effect.native, bytes(envelope.data))
        except UNREADABLE as error:
            return Failed(f"the detail is not understood: {reason_of(error)}", final=True)
        return Done(command, response.body)

    async def _write_back(self, errand: Errand, effect: WriteBackShipment) -> Done | Failed:
        shipped = [{"shipped_order_id": line, "shipped_num": units} for line, units in effect.units]
        parameters = {
            "order_id_list": [effect.native],
            "shipped_order_info": shipped,
            "company_code": self._settings.carriers.get(effect.carrier, effect.carrier),
            "logistics_code": effect.waybill,
            "request_id": effect.request,
        }
        said = await self._call(effect.shop, "order.logisticsAddSinglePack", parameters)
        if isinstance(said, Failed):
            return said
        envelope, response = said
        if envelope.code != OK and envelope.sub_code != REPEATED:
            return _failure(envelope)
        return Done(NoteDone(order=errand.aggregate, outcome="channel/written-back"), response.body)

    async def _call(
        self, shop: str, method: str, parameters: dict[str, object]
    ) -> tuple[_Envelope, HttpResponse] | Failed:
        fields = fields_of(self._wire, f"douyin/{shop}", "app_key", "app_secret", "access_token")
        if isinstance(fields, Failed):
            return fields
        app_key, secret, token = fields
        param_json = msgspec.json.encode(parameters, order="sorted")
        timestamp = str(int(self._wire.clock.now().timestamp()))
        query = {
            "app_key": app_key,
            "method": method,
            "access_token": token,
            "timestamp": timestamp,
            "v": "2",
            "sign_method": "hmac-sha256",
            "sign": sign(app_key, secret, method, param_json.decode(), timestamp),
        }
        url = f"{self._settings.base_url}/{method.replace('.', '/')}?{urlencode(query)}"
        headers = {"content-type": "application/json", "x-open-no-old-err-code": "1"}
        request = HttpRequest(method="POST", url=url, headers=headers, body=param_json)
        response = await exchange(self._wire, request)
        if isinstance(response, Failed):
            return response
        try:
            return _envelope.decode(response.body), response
        except UNREADABLE as error:
            return Failed(f"HTTP {response.status}: {reason_of(error)}", partner_wide=True, unknown=True)


def sign(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """Lower-case hex. `access_token` and `sign_method` are not signed."""
    text = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    return hmac.digest(secret.encode(), f"{secret}{text}{secret}".encode(), "sha256").hex()


def _failure(said: _Envelope) -> Failed:
    """The platform's code; its message may quote what we sent, so it is left out."""
    error = f"Douyin {said.code} {said.sub_code[:80]} log {said.log_id[:64]}"
    wait_s = LIMITED_WAIT_S if said.code == LIMITED else 0.0
    return Failed(
        error, partner_wide=said.code in PARTNER_WIDE, final=said.code in FINAL, retry_after_s=wait_s
    )


def read_detail(shop: str, native: str, data: bytes) -> RecordDetail:
    """The answer's `data` as a command. Amounts are fen, times epoch seconds. Raises one of UNREADABLE."""
    detail = _detailed.decode(data).shop_order_detail
    if digits("order_id", detail.order_id) != native:
        raise NotReadable("`order_id` is not the order that was asked for")
    if not 0 < len(detail.sku_order_list) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `sku_order_list`")
    # main_status says all that order_status says, and how refunds ended
    status = digits("main_status", detail.main_status, 6)
    if status == "0":
        status = digits("order_status", detail.order_status, 6)
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
