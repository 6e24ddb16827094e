"""What Douyin Shop's API answers: an order's detail, and the seller's word that a parcel has left.

It checks its callers the way the platform does: parameters in canonical JSON, HMAC-SHA256, a fresh
timestamp in either of its two forms, a known token; and it says no with the codes of its error table.
Source: the platform's SDKs.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.after_sale_words import DouyinWords
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import (
    PARTLY_SHIPPED,
    TO_SHIP,
    Child,
    Douyin,
    DouyinOrder,
    address_of,
    cipher,
    epoch,
    mask,
)
from tongdan.labs.world.gateway import Call, Gateway, Refused, instant
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import douyin
from tongdan.ports import HttpRequest

SHIP_WITHIN_S: Final = 172_800
LIST: Final = "order.searchList"
DETAIL: Final = "order.orderDetail"
COMPANIES: Final = frozenset({"shunfeng"})


class DouyinApi(Gateway):
    """The API of `platform`, for the app it knows by the credential `app`."""

    name = "douyin"
    busy = (20_000, "dop.service-error", "服务不可用")
    limited = (60_000, "dop.limit", "请求过于频繁")
    no_offer = (50_002, "isv.business-failed:2010", "SKU不存在")
    listing = LIST
    detail = DETAIL

    def __init__(self, setting: Setting, carrier: Carrier, platform: Douyin, app: Mapping[str, str]) -> None:
        super().__init__(setting)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._app: Final = app
        self.after_sales = DouyinWords(setting, platform)
        self._methods: Final[dict[str, Callable[[dict[str, Any]], Mapping[str, object]]]] = {
            **self.after_sales.methods,
            LIST: self._list,
            DETAIL: lambda said: self._detail(self._order(said["shop_order_id"])),
            "order.logisticsAddSinglePack": lambda said: self._ship(
                self._order(said["order_id_list"][0]), said
            ),
            **douyin(self.shelf),
        }

    def _admit(self, request: HttpRequest) -> Call:
        url = urlsplit(request.url)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        method = query.get("method", "")
        if url.path != "/" + method.replace(".", "/"):
            raise Refused(40003, "isv.method-invalid", "path and method differ")
        if query.get("app_key") != self._app["app_key"]:
            raise Refused(40003, "isv.app-id-invalid", "app_key 无效")
        if query.get("access_token") != self._app["access_token"]:
            raise Refused(40003, "isv.access-token-no-existed", "access_token 不存在")
        body = request.body.decode()
        signed = f"app_key{query['app_key']}method{method}param_json{body}timestamp{query['timestamp']}v2"
        secret = self._app["app_secret"]
        expected = hmac.new(secret.encode(), f"{secret}{signed}{secret}".encode(), hashlib.sha256).hexdigest()
        said = json.loads(body)
        if query.get("sign") != expected or body != _canonical(said) or query.get("v") != "2":
            raise Refused(40003, "isv.signature-invalid", "签名校验失败")
        if self._is_stale(_stamp(query["timestamp"])):
            raise Refused(40003, "isv.timestamp-invalid", "timestamp 无效")
        if method not in self._methods:
            raise Refused(40003, "isv.method-invalid", f"method {method} is not simulated")
        order = said.get("shop_order_id") or said.get("order_id_list", [""])[0]
        return Call(method, order, lambda: _envelope(10000, "success", "", self._methods[method](said)))

    def _refuse(self, no: Refused) -> object:
        return _envelope(no.code, no.message, no.sub_code, {})

    def _order(self, id: str) -> DouyinOrder:
        if id not in self._platform.orders:
            raise Refused(50002, "isv.business-failed:2001", "订单不存在")
        return self._platform.orders[id]

    def _list(self, params: Mapping[str, Any]) -> dict[str, object]:
        """`order.searchList`: pages from 0, the order changed last first."""
        since, until = params["update_time_start"], params["update_time_end"]
        found = [
            order for order in self._platform.orders.values() if since <= epoch(order.updated_at) <= until
        ]
        page, size = params["page"], params["size"]
        count, orders = self._page(found, page + 1, size)
        shown = [self._detail(order)["shop_order_detail"] for order in orders]
        return {"page": page, "size": size, "total": count, "shop_order_list": shown}

    def _ship(self, order: DouyinOrder, params: Mapping[str, Any]) -> dict[str, object]:
        """`order.logisticsAddSinglePack`: one parcel left. The same `request_id` is the same parcel."""
        request, waybill = str(params["request_id"]), str(params["logistics_code"])
        if request in order.packs:
            return {"pack_id": order.packs[request]}
        if params["company_code"] not in COMPANIES or not self._carrier.knows(waybill):
            raise Refused(50002, "isv.business-failed:2002", "运单号有误")
        if order.status not in (TO_SHIP, PARTLY_SHIPPED):
            raise Refused(50002, "isv.business-failed:2003", "订单状态不允许发货")
        children = {child.id: child for child in order.children}
        shipped = [
            (children.get(str(info["shipped_order_id"])), int(info["shipped_num"]))
            for info in params["shipped_order_info"]
        ]
        if any(child is None or not 0 < n <= child.line.units - child.shipped for child, n in shipped):
            raise Refused(50002, "isv.business-failed:2004", "发货数量有误")
        units = {child.id: n for child, n in shipped if child is not None}
        return {"pack_id": self._platform.parcel_left(order, request, units, waybill)}

    def _detail(self, order: DouyinOrder) -> dict[str, object]:
        """`order.orderDetail`: amounts in fen, times in epoch seconds, the receiver encrypted and masked."""
        buyer = order.buyer
        address = address_of(buyer)
        detail = {
            "shop_id": int(self._platform.shop.native),
            "order_id": order.id,
            "order_type": 0,
            "order_status": order.status,
            "main_status": order.status,
            "create_time": epoch(order.placed_at),
            "update_time": epoch(order.updated_at),
            "pay_time": epoch(order.paid_at) if order.paid_at else 0,
            "exp_ship_time": epoch(order.paid_at) + SHIP_WITHIN_S if order.paid_at else 0,
            "order_amount": order.amount_fen,
            "pay_amount": order.amount_fen,
            "post_amount": 0,
            "promotion_amount": sum(child.line.discount_fen for child in order.children),
            "channel_payment_no": f"4200{order.id[-12:]}" if order.paid_at else "",
            "open_address_id": hashlib.md5(buyer.detail.encode()).hexdigest(),
            "doudian_open_id": f"1@#{buyer.openid}",
            "encrypt_post_receiver": cipher(buyer.name),
            "encrypt_post_tel": cipher(buyer.phone),
            "mask_post_receiver": mask(buyer.name),
            "mask_post_tel": mask(buyer.phone),
            "post_addr": address,
            "mask_post_addr": {**address, "detail": mask(buyer.detail)},
            "sku_order_list": [self._sku_order(order, child) for child in order.children],
        }
        return {"shop_order_detail": detail}

    def _sku_order(self, order: DouyinOrder, child: Child) -> dict[str, object]:
        return {
            "order_id": child.id,
            "parent_order_id": order.id,
            "product_id": int(hashlib.md5(child.line.sku.encode()).hexdigest()[:12], 16),
            "sku_id": int(hashlib.md5(child.line.sku.encode()).hexdigest()[12:24], 16),
            "code": child.line.sku,
            "out_sku_id": 0,
            "product_name": child.line.title,
            "item_num": child.line.units,
            "origin_amount": child.amount_fen + child.line.discount_fen,
            "pay_amount": child.amount_fen,
            "order_status": order.status,
            "after_sale_info": {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0},
            "inventory_list": [],
        }


def _envelope(code: int, message: str, sub_code: str, data: Mapping[str, object]) -> object:
    return {
        "code": code,
        "msg": message,
        "sub_code": sub_code,
        "sub_msg": message if sub_code else "",
        "data": data,
        "log_id": "",
    }


def _canonical(params: object) -> str:
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _stamp(text: str) -> datetime:
    """Callers may write epoch seconds or local time."""
    return datetime.fromtimestamp(int(text), SHANGHAI) if text.isdigit() else instant(text)
