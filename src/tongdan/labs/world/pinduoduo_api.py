"""What Pinduoduo's router answers: an order, what has changed in a span, and the seller's word that a parcel has left.

It checks its callers as the platform does (all parameters signed, a fresh timestamp, a known token), answers HTTP 200
whatever it says, and lists the order changed last first, so that whoever reads its pages forward misses some. Source:
the platform's kits.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.after_sale_words import PinduoduoWords
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.gateway import Call, Gateway, Refused, local
from tongdan.labs.world.pinduoduo import REFUNDED, TO_SHIP, Pinduoduo, PinduoduoOrder
from tongdan.labs.world.retail import BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import pinduoduo
from tongdan.labs.world.signing import md5_sign
from tongdan.labs.world.sold import sold_units, unit_price_fen
from tongdan.ports import HttpRequest

LONGEST_SPAN_S: Final = 1_800
SHIP_WITHIN: Final = timedelta(days=2)
LIST: Final = "pdd.order.number.list.increment.get"
DETAIL: Final = "pdd.order.information.get"
SF: Final = 44


class PinduoduoApi(Gateway):
    """The router, for the app it knows by the credential `app`."""

    name = "pinduoduo"
    busy = (52_103, "", "服务不可用")
    limited = (52_101, "", "当前接口被限流，请稍后重试")
    no_offer = (30_000, "", "商品不存在")
    listing = LIST
    detail = DETAIL

    def __init__(
        self, setting: Setting, carrier: Carrier, platform: Pinduoduo, app: Mapping[str, str]
    ) -> None:
        super().__init__(setting)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._app: Final = app
        self.after_sales = PinduoduoWords(setting, platform)
        self._methods: Final[dict[str, tuple[str, Callable[[Mapping[str, str]], object]]]] = {
            **self.after_sales.methods,
            DETAIL: ("order_info_get_response", self._detail),
            LIST: ("order_sn_increment_get_response", self._list),
            "pdd.logistics.online.send": ("logistics_online_send_response", self._send),
            "pdd.order.upload.extra.logistics": ("order_upload_extra_logistics_response", self._add),
            **pinduoduo(self.shelf),
        }

    def _admit(self, request: HttpRequest) -> Call:
        said: dict[str, Any] = json.loads(request.body)
        if not all(isinstance(value, str) for value in said.values()):
            raise Refused(10_001, message="参数须为字符串")
        if said.get("type") not in self._methods:
            raise Refused(10_010, message="接口不存在")
        if (said.get("client_id"), said.get("access_token")) != (
            self._app["client_id"],
            self._app["access_token"],
        ):
            raise Refused(10_019, message="access_token已过期")
        if said.get("sign") != md5_sign(self._app["client_secret"], said):
            raise Refused(10_007, message="签名错误")
        if self._is_stale(datetime.fromtimestamp(int(said["timestamp"]), SHANGHAI)):
            raise Refused(10_006, message="timestamp 已过期")
        key, method = self._methods[said["type"]]
        return Call(said["type"], said.get("order_sn", ""), lambda: {key: method(said)})

    def _refuse(self, no: Refused) -> object:
        said = {"error_code": no.code, "error_msg": no.message, "sub_code": None, "request_id": "sim"}
        return {"error_response": said}

    def _order(self, said: Mapping[str, str]) -> PinduoduoOrder:
        order = self._platform.orders.get(said["order_sn"])
        if order is None:
            raise Refused(30_000, message="订单不存在")
        return order

    def _detail(self, said: Mapping[str, str]) -> object:
        return {"order_info": self._show(self._order(said))}

    def _list(self, said: Mapping[str, str]) -> object:
        since, until = int(said["start_updated_at"]), int(said["end_updated_at"])
        if not since <= until <= since + LONGEST_SPAN_S:
            raise Refused(20_004, message="时间跨度不超过30分钟")
        found = [
            order
            for order in self._platform.orders.values()
            if since <= int(order.updated_at.timestamp()) <= until
        ]
        count, shown = self._page(found, int(said["page"]), int(said["page_size"]))
        return {"total_count": count, "order_sn_list": [self._show(order) for order in shown]}

    def _send(self, said: Mapping[str, str]) -> object:
        order = self._order(said)
        if order.refund_status == REFUNDED:
            raise Refused(30_001, message="订单已退款，无法发货")
        if order.status != TO_SHIP:
            raise Refused(30_002, message="订单已发货")
        self._left(order, int(said["logistics_id"]), said["tracking_number"])
        return {"is_success": True}

    def _add(self, said: Mapping[str, str]) -> object:
        order = self._order(said)
        if order.status == TO_SHIP:
            raise Refused(30_003, message="订单未发货")
        for track in json.loads(said["extra_track_list"]):
            self._left(order, int(track["shipping_id"]), track["tracking_number"])
        return {"success": True}

    def _left(self, order: PinduoduoOrder, company: int, waybill: str) -> None:
        if company != SF or not self._carrier.knows(waybill):
            raise Refused(30_004, message="快递单号不存在")
        self._platform.parcel_left(order, waybill)

    def _show(self, order: PinduoduoOrder) -> dict[str, object]:
        """An order in yuan and local time. Ciphertexts only while it waits to be shipped and nobody reviews it."""
        buyer, open_ = order.buyer, order.status == TO_SHIP and not order.reviewed
        discount_fen = sum(line.discount_fen for line in order.basket.lines)
        first, *others = order.waybills or [""]
        return {
            "order_sn": order.id,
            "order_status": order.status,
            "confirm_status": 1,
            "group_status": 1,
            "risk_control_status": int(order.reviewed),
            "refund_status": order.refund_status,
            "created_time": local(order.placed_at),
            "confirm_time": local(order.placed_at),
            "pay_time": local(order.placed_at),
            "updated_at": local(order.updated_at),
            "last_ship_time": local(order.placed_at + SHIP_WITHIN),
            "pay_amount": yuan_from_fen(order.amount_fen),
            "discount_amount": yuan_from_fen(discount_fen),
            "postage": "0.00",
            "pay_no": f"XP{order.id[-15:]}",
            "item_list": [_item(line) for line in order.basket.lines],
            "gift_list": [],
            "tracking_number": first,
            "logistics_id": SF if first else 0,
            "extra_delivery_list": [{"logistics_id": SF, "tracking_number": other} for other in others],
            "province": buyer.province,
            "city": buyer.city,
            "town": buyer.district,
            "receiver_name": cipher(buyer.name) if open_ else "",
            "receiver_phone": cipher(buyer.phone) if open_ else "",
            "receiver_address": cipher(buyer.detail) if open_ else "",
            "receiver_name_mask": mask(buyer.name),
            "receiver_phone_mask": mask(buyer.phone),
            "receiver_address_mask": mask(buyer.detail),
            "open_address_id": hashlib.md5(buyer.detail.encode()).hexdigest(),
        }


def _item(line: BasketLine) -> dict[str, object]:
    return {
        "goods_id": int(hashlib.md5(line.sku.encode()).hexdigest()[:10], 16),
        "sku_id": sku_number(line),
        "outer_id": line.sku,
        "goods_count": sold_units(line),
        "goods_price": yuan_from_fen(unit_price_fen(line)),
        "goods_name": line.title,
    }


def sku_number(line: BasketLine) -> int:
    """The platform's number of a SKU, by which it knows a line."""
    return int(hashlib.md5(line.sku.encode()).hexdigest()[10:20], 16)
