"""What JD's gateway answers: an order, what has changed in a span, and the seller's word that parcels have left.

It checks its callers as the platform does (the parameters signed with their JSON as it stands, a fresh timestamp with
milliseconds, a known token), answers HTTP 200 whatever it says, gives only the fields that were asked for, and knows
two ways of saying no: an `error_response`, and an answer whose `success` is false. Source: the platform's kits.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.after_sale_words import JdWords
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.gateway import Call, Gateway, Refused, instant, local, only
from tongdan.labs.world.jd import SHIPPED, TO_SHIP, Jd, JdOrder
from tongdan.labs.world.retail import BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import jd
from tongdan.labs.world.signing import md5_sign
from tongdan.labs.world.sold import sold_units, unit_price_fen
from tongdan.ports import HttpRequest

UNSIGNED: Final = ("sign", "format", "sign_method")
LAST_FIRST: Final = 1
LONGEST_SPAN: Final = timedelta(days=31)
LIST: Final = "jingdong.pop.order.search"
DETAIL: Final = "jingdong.pop.order.get"
SF: Final = "467"
GOOD: Final = {"success": True, "numberCode": 0}


class JdApi(Gateway):
    """The gateway, for the app it knows by the credential `app`."""

    name = "jd"
    busy = (67, "", "平台连接超时")
    limited = (2, "", "限制时间内调用失败次数")
    no_offer = (10_400_020, "", "SKU不存在")
    listing = LIST
    detail = DETAIL

    def __init__(self, setting: Setting, carrier: Carrier, platform: Jd, app: Mapping[str, str]) -> None:
        super().__init__(setting)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._app: Final = app
        self.after_sales = JdWords(setting, platform)
        self._methods: Final[dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, object]]]]] = {
            **self.after_sales.methods,
            DETAIL: ("jingdong_pop_order_get_responce", self._detail),
            LIST: ("jingdong_pop_order_search_responce", self._list),
            "jingdong.pop.order.shipment": ("jingdong_pop_order_shipment_responce", self._ship),
            "360buy.order.sop.waybill.update": ("order_sop_waybill_update_response", self._set_waybills),
            **jd(self.shelf),
        }

    def _admit(self, request: HttpRequest) -> Call:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        method = form.get("method", "")
        if method not in self._methods:
            raise Refused(13, message="不存在的方法名")
        if form.get("app_key") != self._app["app_key"]:
            raise Refused(21, message="无效 app_key")
        if form.get("access_token") != self._app["access_token"]:
            raise Refused(19, message="无效 access_token")
        if form.get("sign") != md5_sign(self._app["app_secret"], form, unsigned=UNSIGNED):
            raise Refused(10, message="无效签名")
        if self._is_stale(datetime.strptime(form["timestamp"], "%Y-%m-%d %H:%M:%S.%f%z")):
            raise Refused(8, message="非法的时间戳")
        said: dict[str, Any] = json.loads(form["360buy_param_json"])
        key, carry_out = self._methods[method]
        order = str(said.get("order_id") or said.get("orderId") or "")
        return Call(method, order, lambda: {key: {"code": "0", **carry_out(said)}})

    def _refuse(self, no: Refused) -> object:
        return {"error_response": {"code": str(no.code), "zh_desc": no.message, "en_desc": "no"}}

    def _order(self, number: object) -> JdOrder:
        order = self._platform.orders.get(str(number))
        if order is None:
            raise Refused(10_400_001, message="订单不存在")
        return order

    def _detail(self, said: Mapping[str, Any]) -> dict[str, object]:
        shown = only(said["optional_fields"], _show(self._order(said["order_id"])))
        return {"orderDetailInfo": {"apiResult": GOOD, "orderInfo": shown}}

    def _list(self, said: Mapping[str, Any]) -> dict[str, object]:
        since, until = instant(said["start_date"]), instant(said["end_date"])
        if not since < until <= since + LONGEST_SPAN or said["sortType"] != LAST_FIRST:
            return {"searchorderinfo_result": {"apiResult": {"success": False, "numberCode": 10_400_002}}}
        found = [
            order
            for order in self._platform.orders.values()
            if since <= order.updated_at.replace(microsecond=0) <= until
            and order.state in said["order_state"].split(",")
        ]
        count, page = self._page(found, int(said["page"]), int(said["page_size"]))
        shown = [only(said["optional_fields"], _show(each)) for each in page]
        result = {"apiResult": {**GOOD, "success": "true"}, "orderTotal": count, "orderInfoList": shown}
        return {"searchorderinfo_result": result}

    def _ship(self, said: Mapping[str, Any]) -> dict[str, object]:
        order = self._order(said["orderId"])
        if order.state != TO_SHIP or said["logiCoprId"] != SF or not self._carrier.knows(said["logiNo"]):
            return {"sopjosshipment_result": {"success": False, "errorCode": "10400003"}}
        self._platform.parcel_left(order, said["logiNo"])
        return {"sopjosshipment_result": {"success": "true", "errorCode": ""}}

    def _set_waybills(self, said: Mapping[str, Any]) -> dict[str, object]:
        """All waybills anew: those that were told before have to be among them."""
        order = self._order(said["order_id"])
        if order.state != SHIPPED:
            raise Refused(10_400_014, message="当前状态的订单不能修改运单号")
        waybills = said["waybill"].split(",")
        before, further = waybills[: len(order.waybills)], waybills[len(order.waybills) :]
        known = all(self._carrier.knows(waybill) for waybill in further)
        if said["logistics_id"] != SF or before != order.waybills or not known:
            raise Refused(10_400_015, message="运单号有误")
        for waybill in further:
            self._platform.parcel_left(order, waybill)
        return {"order_id": order.id, "modified": local(order.updated_at)}


def _show(order: JdOrder) -> dict[str, object]:
    """An order in yuan and local time, nearly all of it text; its receiver masked, with an oaid."""
    buyer = order.buyer
    digest = hashlib.sha1(buyer.phone.encode()).hexdigest()
    consignee = {
        "fullname": mask(buyer.name),
        "mobile": mask(buyer.phone),
        "telephone": mask(buyer.phone),
        "fullAddress": mask(buyer.detail),
        "province": buyer.province.removesuffix("省"),
        "city": buyer.city,
        "county": buyer.district,
        "town": buyer.street,
        "oaid": cipher(buyer.name + buyer.phone + buyer.detail),
        "desen_mobile": digest,
        "desen_telephone": digest,
    }
    waybills = {"waybill": ",".join(order.waybills), "logisticsId": SF} if order.waybills else {}
    return {
        "orderId": order.id,
        "payType": "1-货到付款" if order.cash else "4-在线支付",
        "orderState": order.state,
        "orderPayment": yuan_from_fen(order.amount_fen),
        "freightPrice": "0.00",
        "orderStartTime": local(order.placed_at),
        "paymentConfirmTime": "" if order.cash else local(order.placed_at),
        "modified": local(order.updated_at),
        "itemInfoList": [_item(line) for line in order.basket.lines],
        "consigneeInfo": consignee,
        "open_id_buyer": f"o{buyer.openid[:20]}",
        **waybills,
    }


def _item(line: BasketLine) -> dict[str, object]:
    return {
        "skuId": str(int(hashlib.md5(line.sku.encode()).hexdigest()[:12], 16)),
        "outerSkuId": line.sku,
        "itemTotal": str(sold_units(line)),
        "jdPrice": yuan_from_fen(unit_price_fen(line)),
        "skuName": line.title,
    }
