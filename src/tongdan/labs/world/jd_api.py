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

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.faults import ANSWER_LOST, BUSY
from tongdan.labs.world.jd import SHIPPED, TO_SHIP, Jd, JdOrder, sold_units
from tongdan.labs.world.retail import BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.taobao import LIMITED, local
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

FRESH_WITHIN_S: Final = 600
LONGEST_SPAN: Final = timedelta(days=31)
LIST: Final = "jingdong.pop.order.search"
SF: Final = "467"
GOOD: Final = {"success": True, "numberCode": 0}


class Refused(Exception):
    """The gateway says no, with a code of its error table."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message


class JdApi:
    """The gateway, for the app it knows by the credential `app`."""

    def __init__(self, setting: Setting, carrier: Carrier, platform: Jd, app: Mapping[str, str]) -> None:
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._app: Final = app
        self._methods: Final[dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, object]]]]] = {
            "jingdong.pop.order.get": ("jingdong_pop_order_get_responce", self._detail),
            LIST: ("jingdong_pop_order_search_responce", self._list),
            "jingdong.pop.order.shipment": ("jingdong_pop_order_shipment_responce", self._ship),
            "360buy.order.sop.waybill.update": ("order_sop_waybill_update_response", self._set_waybills),
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One call of the gateway."""
        fault = ""
        try:
            method, said = self._admit(request)
            key, carry_out = self._methods[method]
            order = str(said.get("order_id") or said.get("orderId") or "")
            fault = self._setting.faults.meet(f"jd.{method}", order, (BUSY, LIMITED, ANSWER_LOST))
            if fault == BUSY:
                raise Refused(67, "平台连接超时")
            if fault == LIMITED:
                raise Refused(2, "限制时间内调用失败次数")
            answer: object = {key: {"code": "0", **carry_out(said)}}
        except Refused as no:
            answer = {"error_response": {"code": str(no.code), "zh_desc": no.message, "en_desc": "no"}}
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        body = json.dumps(answer, ensure_ascii=False).encode()
        return HttpResponse(200, {"content-type": "application/json"}, body)

    def _admit(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Check a call as the platform does; its method and what it was told."""
        said = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        if said.get("method") not in self._methods:
            raise Refused(13, "不存在的方法名")
        if said.get("app_key") != self._app["app_key"]:
            raise Refused(21, "无效 app_key")
        if said.get("access_token") != self._app["access_token"]:
            raise Refused(19, "无效 access_token")
        secret = self._app["app_secret"]
        signed = sorted(set(said) - {"sign", "format", "sign_method"})
        text = "".join(f"{name}{said[name]}" for name in signed)
        if said.get("sign") != hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper():
            raise Refused(10, "无效签名")
        at = datetime.strptime(said["timestamp"], "%Y-%m-%d %H:%M:%S.%f%z")
        if abs((at - self._setting.clock.now()).total_seconds()) > FRESH_WITHIN_S:
            raise Refused(8, "非法的时间戳")
        return said["method"], json.loads(said["360buy_param_json"])

    def _order(self, number: object) -> JdOrder:
        order = self._platform.orders.get(str(number))
        if order is None:
            raise Refused(10_400_001, "订单不存在")
        return order

    def _detail(self, said: Mapping[str, Any]) -> dict[str, object]:
        shown = _only(said["optional_fields"], _show(self._order(said["order_id"])))
        return {"orderDetailInfo": {"apiResult": GOOD, "orderInfo": shown}}

    def _list(self, said: Mapping[str, Any]) -> dict[str, object]:
        since, until = _at(said["start_date"]), _at(said["end_date"])
        if not since < until <= since + LONGEST_SPAN:
            return {"searchorderinfo_result": {"apiResult": {"success": False, "numberCode": 10_400_002}}}
        found = [
            order
            for order in self._platform.orders.values()
            if since <= order.updated_at.replace(microsecond=0) <= until
            and order.state in said["order_state"].split(",")
        ]
        found.sort(key=lambda order: (order.updated_at, order.id), reverse=said["sortType"] == 1)
        page, size = int(said["page"]), int(said["page_size"])
        shown = [
            _only(said["optional_fields"], _show(each)) for each in found[(page - 1) * size : page * size]
        ]
        result = {"apiResult": {**GOOD, "success": "true"}, "orderTotal": len(found), "orderInfoList": shown}
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
            raise Refused(10_400_014, "当前状态的订单不能修改运单号")
        waybills = said["waybill"].split(",")
        before, further = waybills[: len(order.waybills)], waybills[len(order.waybills) :]
        known = all(self._carrier.knows(waybill) for waybill in further)
        if said["logistics_id"] != SF or before != order.waybills or not known:
            raise Refused(10_400_015, "运单号有误")
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
        "payType": "4-在线支付",
        "orderState": order.state,
        "orderPayment": yuan_from_fen(order.amount_fen),
        "freightPrice": "0.00",
        "orderStartTime": local(order.placed_at),
        "paymentConfirmTime": local(order.placed_at),
        "modified": local(order.updated_at),
        "itemInfoList": [_item(line) for line in order.basket.lines],
        "consigneeInfo": consignee,
        "open_id_buyer": f"o{buyer.openid[:20]}",
        **waybills,
    }


def _item(line: BasketLine) -> dict[str, object]:
    whole_fen, units = line.amount_fen + line.discount_fen, sold_units(line)
    return {
        "skuId": str(int(hashlib.md5(line.sku.encode()).hexdigest()[:12], 16)),
        "outerSkuId": line.sku,
        "itemTotal": str(units),
        "jdPrice": yuan_from_fen(whole_fen // units),
        "skuName": line.title,
    }


def _only(fields: str, whole: dict[str, object]) -> dict[str, object]:
    asked = fields.split(",")
    return {name: value for name, value in whole.items() if name in asked}


def _at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
