"""What Kuaishou's gateway answers: an order, what has changed in a span, and the seller's word that parcels have left.

It checks its callers as the platform does (address, app, token, all that is said signed, a fresh timestamp), answers
HTTP 200 whatever it says, lists by a cursor until `nomore`, ships nothing that is under review or is being paid back,
and stops a parcel whose waybill nobody gave out. Source: the platform's guides and answers to questions.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit

from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.gateway import Call, Gateway, Refused
from tongdan.labs.world.kuaishou import PAID, Kuaishou, KuaishouOrder, KuaishouPart
from tongdan.labs.world.kuaishou_refunds import KuaishouWords
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import kuaishou
from tongdan.labs.world.sold import unit_price_fen
from tongdan.ports import HttpRequest

LIST: Final = "open.order.cursor.list"
DETAIL: Final = "open.order.detail"
LONGEST_SPAN_MS: Final = 7 * 86_400_000
MOST_ON_A_PAGE: Final = 50
SHIP_WITHIN_MS: Final = 172_800_000
SF: Final = 4
BUSINESS: Final = 807_000
STOPPED: Final = 11


class KuaishouApi(Gateway):
    """The gateway, for the app it knows by the credential `app`."""

    name = "kuaishou"
    busy = (805_000, "805000", "服务不可用")
    limited = (802_005, "802005", "Exceed qps limit")
    no_offer = (807_000, "2002", "商品不存在")
    listing: ClassVar[str] = LIST
    detail: ClassVar[str] = DETAIL

    def __init__(
        self, setting: Setting, carrier: Carrier, platform: Kuaishou, app: Mapping[str, str]
    ) -> None:
        super().__init__(setting)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._app: Final = app
        self.after_sales = KuaishouWords(setting, platform)
        self._methods: Final[dict[str, Callable[[Mapping[str, Any]], object]]] = {
            **self.after_sales.methods,
            DETAIL: lambda said: _show(self._order(said["oid"])),
            LIST: self._list,
            "open.seller.order.goods.deliver": self._deliver,
            "open.order.goods.split.deliver": self._split,
            "open.seller.order.goods.logistics.append": self._append,
            **kuaishou(self.shelf),
        }

    def _admit(self, request: HttpRequest) -> Call:
        url = urlsplit(request.url)
        said = {**dict(parse_qsl(url.query)), **dict(parse_qsl(request.body.decode()))}
        method = said.get("method", "")
        if method not in self._methods or not url.path.endswith(f"/{method.replace('.', '/')}"):
            raise Refused(800_002, message="API不存在")
        if (said.get("appkey"), said.get("access_token")) != (
            self._app["app_key"],
            self._app["access_token"],
        ):
            raise Refused(24, message="AUTHORIZATION_REVOKED")
        if said.get("sign") != _sign(self._app["sign_secret"], said):
            raise Refused(803_001, message="签名校验失败")
        if self._is_stale(datetime.fromtimestamp(int(said["timestamp"]) / 1_000, UTC)):
            raise Refused(803_002, message="timestamp 无效")
        told: dict[str, Any] = json.loads(said["param"])
        order = str(told.get("oid") or told.get("orderId") or told.get("mainOrderId") or "")
        carry_out = self._methods[method]
        return Call(method, order, lambda: _envelope(1, "", "SUCCESS", carry_out(told)))

    def _refuse(self, no: Refused) -> object:
        gateway = no.code >= 800_000
        return _envelope(10 if gateway else no.code, str(no.code) if gateway else "", no.message, {})

    def _order(self, number: object) -> KuaishouOrder:
        order = self._platform.orders.get(str(number))
        if order is None:
            raise Refused(21, message="order operation reject")
        return order

    def _list(self, said: Mapping[str, Any]) -> object:
        since, until, size = said["beginTime"], said["endTime"], said["pageSize"]
        if not since < until <= since + LONGEST_SPAN_MS or not 0 < size <= MOST_ON_A_PAGE:
            raise Refused(BUSINESS, "2001", "endTime无效")
        found = sorted(
            (
                (_ms(order.updated_at), order.id)
                for order in self._platform.orders.values()
                if since <= _ms(order.updated_at) <= until
            ),
            reverse=True,
        )
        if said["cursor"]:
            stamp, _, last = said["cursor"].partition("_")
            found = [each for each in found if each < (int(stamp), last)]
        shown, more = found[:size], len(found) > size
        self._meet_listed([self._platform.orders[id] for _, id in shown], whole=not more)
        orders = [_show(self._platform.orders[id]) for _, id in shown]
        cursor = f"{shown[-1][0]}_{shown[-1][1]}" if more else "nomore"
        return {"cursor": cursor, "orderList": orders, "pageSize": size, "beginTime": since, "endTime": until}

    # ---- parcels

    def _deliver(self, said: Mapping[str, Any]) -> object:
        """The whole order, and no gift. The same waybill once more is the same parcel."""
        order = self._order(said["orderId"])
        article = order.parts[0]
        if said["expressNo"] not in article.waybills:
            self._check(order, said)
            if order.status != PAID:
                raise Refused(BUSINESS, message="订单已发货")
            self._platform.parcel_left(order, said["expressNo"], {article.id: article.units})
        return True

    def _split(self, said: Mapping[str, Any]) -> object:
        order = self._order(said["mainOrderId"])
        parts = {part.id: part for part in order.parts}
        for package in said["deliveryItemInfoList"]:
            self._check(order, package)
            units = {str(goods["oid"]): goods["deliveryNum"] for goods in package["deliveryGoodsInfoList"]}
            for id, count in units.items():
                if id not in parts or not 0 < count <= parts[id].units - parts[id].told_units:
                    raise Refused(BUSINESS, message="发货数量有误")
            self._platform.parcel_left(order, package["expressNo"], units)
        return True

    def _append(self, said: Mapping[str, Any]) -> object:
        order = self._order(said["oid"])
        self._check(order, said)
        if order.told_units != order.units:
            raise Refused(BUSINESS, message="订单未全部发货")
        order.parts[0].waybills.append(said["expressNo"])
        self._platform.parcel_left(order, said["expressNo"], {})
        return True

    def _check(self, order: KuaishouOrder, parcel: Mapping[str, Any]) -> None:
        if not order.may_ship:
            raise Refused(BUSINESS, message="订单不允许发货")
        if parcel["expressCode"] != SF or not self._carrier.knows(parcel["expressNo"]):
            raise Refused(STOPPED, message="运单号和物流公司不匹配")


def _sign(secret: str, said: Mapping[str, str]) -> str:
    text = "".join(f"{name}={said[name]}&" for name in sorted(said) if name != "sign")
    signed = hmac.new(secret.encode(), f"{text}signSecret={secret}".encode(), hashlib.sha256)
    return b64encode(signed.digest()).decode()


def _envelope(result: int, code: str, message: str, data: object) -> dict[str, object]:
    return {
        "result": result,
        "msg": "",
        "error_msg": message,
        "code": code,
        "sub_code": code,
        "sub_msg": "",
        "requestId": "sim",
        "data": data,
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1_000)


def _show(order: KuaishouOrder) -> dict[str, object]:
    """An order in fen and milliseconds; its receiver masked, and encrypted beside."""
    buyer, (article, *gifts) = order.buyer, order.parts
    paid = order.paid_at is not None
    base = {
        "oid": int(order.id),
        "status": order.status,
        "createTime": _ms(order.placed_at),
        "payTime": _ms(order.paid_at) if order.paid_at else 0,
        "updateTime": _ms(order.updated_at),
        "totalFee": order.amount_fen,
        "expressFee": 0,
        "discountFee": sum(line.discount_fen for line in order.basket.lines),
        "riskCode": order.risk,
        "disableDeliveryReasonCode": [],
        "validPromiseShipmentTimeStamp": _ms(order.paid_at) + SHIP_WITHIN_MS if order.paid_at else 0,
        "buyerOpenId": hashlib.md5(buyer.openid.encode()).hexdigest(),
        "sellerNick": "",
        "payType": 2 if paid else 0,
    }
    refunds = [{"refundId": order.refund_id, "refundStatus": order.refund}] if order.refund else []
    return {
        "orderBaseInfo": base,
        "orderItemInfo": _item(article),
        "orderRefundList": refunds,
        "orderLogisticsInfo": _parcels(article),
        "orderDeliveryInfo": {"deliveryNum": article.told_units, "maxPackageNum": 20},
        "orderAddress": {
            "province": buyer.province,
            "city": buyer.city,
            "district": buyer.district,
            "town": buyer.street,
            "encryptedConsignee": cipher(buyer.name),
            "encryptedMobile": cipher(buyer.phone),
            "encryptedAddress": cipher(buyer.detail),
            "desensitiseConsignee": mask(buyer.name),
            "desensitiseMobile": mask(buyer.phone),
            "desensitiseAddress": mask(buyer.detail),
        },
        "subOrderDetail": [_gift(order, gift) for gift in gifts],
    }


def _gift(order: KuaishouOrder, part: KuaishouPart) -> dict[str, object]:
    """A gift waits by itself: the order may have left without it."""
    waits = order.status > PAID and not part.told_units
    status = PAID if waits and order.paid_at else order.status
    return {
        "subOrderBaseInfo": {"oid": int(part.id), "status": status, "updateTime": _ms(order.updated_at)},
        "subOrderItemInfo": _item(part),
        "subOrderLogisticsInfo": _parcels(part),
        "subOrderDeliveryInfo": {"deliveryNum": part.told_units},
        "subOrderType": 1,
    }


def _item(part: KuaishouPart) -> dict[str, object]:
    price_fen = unit_price_fen(part.line)
    return {
        "skuId": int(hashlib.md5(part.line.sku.encode()).hexdigest()[:10], 16),
        "skuNick": part.line.sku,
        "itemTitle": part.line.title,
        "num": part.units,
        "price": price_fen,
        "originalPrice": price_fen,
    }


def _parcels(part: KuaishouPart) -> list[dict[str, object]]:
    return [{"expressNo": waybill, "expressCode": SF} for waybill in part.waybills]
