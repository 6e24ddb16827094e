"""Douyin Shop (抖店) as a seller's system meets it: pushes about orders, and an API to ask and to tell about them.

Buyers order, pay, change their minds; every change is pushed under its tag until it is acknowledged. The API checks
its callers the way the platform does: canonical parameters, HMAC-SHA256, known errors. Sources: the platform's SDKs
(tags, fields, signatures); how often it pushes again is not published, the schedule here is an assumption.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, STALE_STATUS, UNKNOWN_STATUS
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

HOST: Final = "openapi-fxg.jinritemai.com"
RETRIES_S: Final = (10, 30, 60, 300, 600, 1_800, *[3_600] * 48)
FRESH_WITHIN_S: Final = 600
CANCELS_UNPAID_AFTER_S: Final = 1_800
SHIP_WITHIN_S: Final = 172_800
COMPANIES: Final = frozenset({"shunfeng", "SF"})

UNPAID, TO_SHIP, SHIPPED, CANCELLED, FINISHED, PARTLY_SHIPPED = 1, 2, 3, 4, 5, 101
UNHEARD_OF: Final = 77  # a status no document lists


@dataclass
class Child:
    """One line of an order, as Douyin numbers it: the first child has its parent's own number."""

    id: str
    line: BasketLine
    amount_fen: int
    shipped: int = 0


@dataclass
class DouyinOrder:
    """What the platform knows of one order."""

    id: str
    buyer: Buyer
    children: list[Child]
    placed_at: datetime
    status: int = UNPAID
    paid_at: datetime | None = None
    paid_fen: int = 0
    updated_at: datetime | None = None
    waybills: list[str] = field(default_factory=list)
    packs: dict[str, str] = field(default_factory=dict)

    @property
    def amount_fen(self) -> int:
        return sum(child.amount_fen for child in self.children)


class Refused(Exception):
    """The platform says no: code, sub-code and message of its error table."""

    def __init__(self, code: int, sub_code: str, message: str) -> None:
        super().__init__(sub_code)
        self.code: Final = code
        self.sub_code: Final = sub_code
        self.message: Final = message


class Douyin:
    """One shop and the app it has authorised. `app` is the credential `douyin/{name}` as the platform keeps it."""

    def __init__(
        self, setting: Setting, carrier: Carrier, name: str, app: Mapping[str, str], shop_id: str
    ) -> None:
        self.orders: Final[dict[str, DouyinOrder]] = {}
        self.violations: Final[list[str]] = []
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._app: Final = app
        self._shop_id: Final = shop_id
        self._url: Final = f"{setting.centre_url}/push/douyin/{name}"
        self.outbox: Final = Outbox[bytes](
            setting, self._wrap, _acknowledged, RETRIES_S, together=50, linger_s=1.0
        )

    # ---- what buyers do

    def place(self, id: str, basket: Basket, buyer: Buyer) -> DouyinOrder:
        """A buyer orders; from here on the order lives by itself."""
        numbers = [str(int(id) + n) for n in range(len(basket.lines))]
        children = [Child(no, line, line.amount_fen) for no, line in zip(numbers, basket.lines, strict=True)]
        order = self.orders[id] = DouyinOrder(id, buyer, children, self._setting.clock.now())
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: DouyinOrder) -> None:
        stream, clock = self._setting.stream("douyin", order.id), self._setting.clock
        self._tell(order, "100", create_time=_epoch(order.placed_at))
        if stream.chance(0.05):
            await clock.sleep(CANCELS_UNPAID_AFTER_S)
            return self._cancel(order, "超时未支付")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            self._change_address(order)
        if stream.chance(0.03):
            await clock.sleep(stream.between(5, 120))
            self._change_amount(order, stream.between(0.8, 0.99))
        if stream.chance(0.8):  # the others pay in the moment they order
            await clock.sleep(stream.waiting_s(90))
        self._pay(order)
        if stream.chance(0.02):
            await clock.sleep(stream.between(60, 3_600))
            if order.status == TO_SHIP:
                self._cancel(order, "不想要了")
        return None

    def _pay(self, order: DouyinOrder) -> None:
        order.status, order.paid_at, order.paid_fen = TO_SHIP, self._setting.clock.now(), order.amount_fen
        told = {"pay_time": _epoch(order.paid_at), "pay_amount": order.paid_fen, "pay_type": 1}
        self._tell(order, "101", **told)

    def _cancel(self, order: DouyinOrder, reason: str) -> None:
        order.status = CANCELLED
        self._tell(order, "106", cancel_time=_epoch(self._setting.clock.now()), cancel_reason=reason)

    def _change_address(self, order: DouyinOrder) -> None:
        order.buyer = moved(self._setting.seed, order.buyer)
        told = {"name": _mask(order.buyer.name), "tel": _mask(order.buyer.phone)}
        # The address is a JSON string, inside the message's JSON string, inside the array.
        address = json.dumps(_address(order.buyer), ensure_ascii=False)
        told |= {"encrypt_name": _cipher(order.buyer.name), "encrypt_tel": _cipher(order.buyer.phone)}
        self._tell(order, "105", receiver_msg={**told, "addr": address})

    def _change_amount(self, order: DouyinOrder, factor: float) -> None:
        """The seller takes something off before the buyer pays."""
        for child in order.children:
            child.amount_fen = round(child.amount_fen * factor)
        self._tell(order, "109", modify_time=_epoch(self._setting.clock.now()), total_amount=order.amount_fen)

    async def _deliver(self, order: DouyinOrder) -> None:
        """All has left: when every parcel has been signed for, the buyer confirms within days."""
        for waybill in order.waybills:
            await self._carrier.arrival(waybill)
        await self._setting.clock.sleep(self._setting.stream("confirm", order.id).between(3_600, 2 * 86_400))
        order.status = FINISHED
        self._tell(order, "103", complete_time=_epoch(self._setting.clock.now()))

    # ---- what the platform pushes

    def _tell(self, order: DouyinOrder, tag: str, **more: object) -> None:
        order.updated_at = self._setting.clock.now()
        where = f"douyin.{tag}"
        fault = self._setting.faults.meet(where, order.id, (STALE_STATUS, UNKNOWN_STATUS))
        if fault == STALE_STATUS:
            self._setting.bustle.start(self._repeat_old_status(order))
        status = UNHEARD_OF if fault == UNKNOWN_STATUS else order.status
        self.outbox.post(self._message(order, tag, status, more), where, order.id)

    async def _repeat_old_status(self, order: DouyinOrder) -> None:
        await self._setting.clock.sleep(120)
        told = {"update_time": _epoch(self._setting.clock.now())}
        self.outbox.post(self._message(order, "113", UNPAID, told), "douyin.113", order.id)

    def _message(self, order: DouyinOrder, tag: str, status: int, more: Mapping[str, object]) -> bytes:
        at = _epoch(self._setting.clock.now())
        data = {
            "p_id": int(order.id),
            "s_ids": [int(child.id) for child in order.children],
            "shop_id": int(self._shop_id),
            "order_status": status,
            "order_type": 0,
            "biz": 2,
            **more,
        }
        number = self._setting.stream("message", order.id, tag, status, at).digits(18)
        whole = {"tag": tag, "msg_id": f"7{number}:0:{at}", "data": json.dumps(data, ensure_ascii=False)}
        return json.dumps(whole, ensure_ascii=False).encode()

    async def check_address(self) -> bool:
        """What the platform does when a seller enters a push address: tag 0 must be answered like any other."""
        answer = await self._setting.centre.send(self._wrap([b'{"tag":"0","msg_id":"0","data":"{}"}']))
        return _acknowledged(answer)

    def _wrap(self, messages: Sequence[bytes]) -> HttpRequest:
        body = b"[" + b",".join(messages) + b"]"
        sign = hashlib.md5(self._app["app_key"].encode() + body + self._app["app_secret"].encode())
        headers = {
            "content-type": "application/json",
            "app-id": self._app["app_key"],
            "event-sign": sign.hexdigest(),
        }
        return HttpRequest(method="POST", url=self._url, headers=headers, body=body, timeout_s=5.0)

    # ---- what the platform answers

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One call of the platform's API."""
        try:
            method, params = self._admit(request)
            order = str(params.get("shop_order_id") or params.get("order_id") or _first(params))
            fault = self._setting.faults.meet(f"douyin.{method}", order, (BUSY, ANSWER_LOST))
            if fault == BUSY:
                raise Refused(20000, "dop.service-error", "服务不可用")
            if method == "order.orderDetail":
                data = self._detail(self._order(order))
            elif method == "order.logisticsAddSinglePack":
                data = self._ship(self._order(order), params)
            else:
                raise Refused(40003, "isv.method-invalid", f"method {method} is not simulated")
        except Refused as no:
            return _envelope(no.code, no.message, no.sub_code, {})
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return _envelope(10000, "success", "", data)

    def _admit(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Check a call as the platform does; returns its method and parameters."""
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
        params = json.loads(body)
        if query.get("sign") != expected or body != _canonical(params) or query.get("v") != "2":
            raise Refused(40003, "isv.signature-invalid", "签名校验失败")
        if abs(_stamp(query["timestamp"]) - self._setting.clock.now().timestamp()) > FRESH_WITHIN_S:
            raise Refused(40003, "isv.timestamp-invalid", "timestamp 无效")
        return method, params

    def _order(self, id: str) -> DouyinOrder:
        if id not in self.orders:
            raise Refused(50002, "isv.business-failed:2001", "订单不存在")
        return self.orders[id]

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
        for child, number in shipped:
            assert child is not None
            child.shipped += number
        pack = order.packs[request] = self._setting.stream("pack", request).digits(12)
        order.waybills.append(waybill)
        self._shipped(order, waybill, str(params["company_code"]), pack)
        return {"pack_id": pack}

    def _shipped(self, order: DouyinOrder, waybill: str, company: str, pack: str) -> None:
        message = {"express_company_id": company, "logistics_code": waybill, "pack_id": pack}
        whole = all(child.shipped == child.line.units for child in order.children)
        order.status = SHIPPED if whole else PARTLY_SHIPPED
        at = _epoch(self._setting.clock.now())
        self._tell(order, "102" if whole else "108", update_time=at, logistics_msg=message)
        if whole:
            self._setting.bustle.start(self._deliver(order))

    def _detail(self, order: DouyinOrder) -> dict[str, object]:
        """`order.orderDetail`: amounts in fen, times in epoch seconds, the receiver encrypted and masked."""
        buyer = order.buyer
        address = _address(buyer)
        detail = {
            "shop_id": int(self._shop_id),
            "order_id": order.id,
            "order_type": 0,
            "order_status": order.status,
            "main_status": order.status,
            "create_time": _epoch(order.placed_at),
            "update_time": _epoch(order.updated_at or order.placed_at),
            "pay_time": _epoch(order.paid_at) if order.paid_at else 0,
            "exp_ship_time": _epoch(order.paid_at) + SHIP_WITHIN_S if order.paid_at else 0,
            "order_amount": order.amount_fen,
            "pay_amount": order.amount_fen,
            "post_amount": 0,
            "promotion_amount": sum(child.line.discount_fen for child in order.children),
            "channel_payment_no": f"4200{order.id[-12:]}" if order.paid_at else "",
            "open_address_id": hashlib.md5(buyer.detail.encode()).hexdigest(),
            "doudian_open_id": f"1@#{buyer.openid}",
            "encrypt_post_receiver": _cipher(buyer.name),
            "encrypt_post_tel": _cipher(buyer.phone),
            "mask_post_receiver": _mask(buyer.name),
            "mask_post_tel": _mask(buyer.phone),
            "post_addr": address,
            "mask_post_addr": {**address, "detail": _mask(buyer.detail)},
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


def _acknowledged(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and json.loads(answer.body)["code"] == 0
    except (ValueError, KeyError, TypeError):
        return False


def _envelope(code: int, message: str, sub_code: str, data: Mapping[str, object]) -> HttpResponse:
    body = {
        "code": code,
        "msg": message,
        "sub_code": sub_code,
        "sub_msg": message if sub_code else "",
        "data": data,
        "log_id": "",
    }
    return HttpResponse(
        200, {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()
    )


def _canonical(params: object) -> str:
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _first(params: Mapping[str, Any]) -> str:
    orders = params.get("order_id_list") or [""]
    return str(orders[0])


def _stamp(text: str) -> float:
    """Callers may write epoch seconds or local time."""
    if text.isdigit():
        return int(text)
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI).timestamp()


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def _address(buyer: Buyer) -> dict[str, object]:
    return {
        "province": {"id": "", "name": buyer.province},
        "city": {"id": "", "name": buyer.city},
        "town": {"id": "", "name": buyer.district},
        "street": {"id": "", "name": buyer.street},
        "detail": "",
        "encrypt_detail": _cipher(buyer.detail),
    }


def _mask(text: str) -> str:
    return text[:1] + "*" * (len(text) - 1)


def _cipher(text: str) -> str:
    """What only the platform could open. (Here nobody can: it is a digest.)"""
    return f"##{hashlib.sha256(text.encode()).hexdigest()}##"
