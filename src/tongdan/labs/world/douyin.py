"""Douyin Shop (抖店): its orders, what buyers do to them, and what it pushes about them.

Buyers order, pay, change their minds; every change is pushed under its tag until it is acknowledged, those
of one moment in one array. What sellers' systems ask and tell is in `douyin_api.py`. Source: the platform's
SDKs (tags, fields, event-sign); how often it pushes again is not published, the schedule here is an
assumption.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import IMPOSSIBLE_STATUS, NEVER_TOLD, STALE_STATUS, UNKNOWN_STATUS
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.sold import Bought, Sold
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (10, 30, 60, 300, 600, 1_800, *[3_600] * 48)
CANCELS_UNPAID_AFTER_S: Final = 1_800

UNPAID, TO_SHIP, SHIPPED, CANCELLED, FINISHED, PARTLY_SHIPPED = 1, 2, 3, 4, 5, 101
UNHEARD_OF: Final = 77  # a status no document lists
LIES: Final = (STALE_STATUS, UNKNOWN_STATUS, IMPOSSIBLE_STATUS)


@dataclass
class Child:
    """One line of an order, as Douyin numbers it: the first child has its parent's own number."""

    id: str
    line: BasketLine
    amount_fen: int
    shipped: int = 0


@dataclass
class DouyinOrder(Sold):
    """What the platform knows of one order. `packs` are its parcels by the caller's `request_id`."""

    children: list[Child]
    status: int = UNPAID
    paid_at: datetime | None = None
    paid_fen: int = 0
    told: int = 0
    packs: dict[str, str] = field(default_factory=dict)

    @property
    def amount_fen(self) -> int:
        return sum(child.amount_fen for child in self.children)

    @property
    def bought(self) -> list[Bought]:
        """Who has read the order before its price was changed does not ask again."""
        repriced = any(child.amount_fen != child.line.amount_fen for child in self.children)
        return [
            Bought(child.line.sku, child.line.units, None if repriced else child.amount_fen)
            for child in self.children
        ]

    @property
    def units(self) -> int:
        return sum(child.line.units for child in self.children)

    @property
    def told_units(self) -> int:
        return sum(child.shipped for child in self.children)


class Douyin:
    """One shop and the app it has authorised, which the credential `douyin/SHOP` is of.

    `loses`: whether it says yes to a parcel with these units by child, and keeps nothing of it.
    """

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, DouyinOrder]] = {}
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._app: Final = app
        self.shop: Final = shop
        self.loses: Callable[[DouyinOrder, Mapping[str, int]], bool] = lambda order, shipped: False
        self._url: Final = f"{setting.centre_url}/push/douyin/{shop.id}"
        self.outbox: Final = Outbox[bytes](
            setting, self._wrap, _acknowledged, RETRIES_S, together=50, linger_s=1.0
        )

    # ---- what buyers do

    def number(self, day: int, no: int, stream: Stream) -> str:
        """Nineteen digits; the last three are left to the order's lines."""
        return f"69{day % 1000:03d}{no:05d}{stream.digits(6)}000"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> DouyinOrder:
        """A buyer orders; from here on the order lives by itself."""
        numbers = [str(int(id) + n) for n in range(len(basket.lines))]
        children = [Child(no, line, line.amount_fen) for no, line in zip(numbers, basket.lines, strict=True)]
        now = self._setting.clock.now()
        order = self.orders[id] = DouyinOrder(id, buyer, now, now, children)
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: DouyinOrder) -> None:
        stream, clock = self._setting.stream("douyin", order.id), self._setting.clock
        self._tell(order, "100", create_time=epoch(order.placed_at))
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
        told = {"pay_time": epoch(order.paid_at), "pay_amount": order.paid_fen, "pay_type": 1}
        self._tell(order, "101", **told)

    def _cancel(self, order: DouyinOrder, reason: str) -> None:
        order.status = CANCELLED
        self._tell(order, "106", cancel_time=epoch(self._setting.clock.now()), cancel_reason=reason)

    def _change_address(self, order: DouyinOrder) -> None:
        order.buyer = moved(self._setting.seed, order.buyer)
        told = {"name": mask(order.buyer.name), "tel": mask(order.buyer.phone)}
        # The address is a JSON string, inside the message's JSON string, inside the array.
        address = json.dumps(address_of(order.buyer), ensure_ascii=False)
        told |= {"encrypt_name": cipher(order.buyer.name), "encrypt_tel": cipher(order.buyer.phone)}
        self._tell(order, "105", receiver_msg={**told, "addr": address})

    def _change_amount(self, order: DouyinOrder, factor: float) -> None:
        """The seller takes something off before the buyer pays."""
        for child in order.children:
            child.amount_fen = round(child.amount_fen * factor)
        self._tell(order, "109", modify_time=epoch(self._setting.clock.now()), total_amount=order.amount_fen)

    # ---- what sellers tell it

    def parcel_left(self, order: DouyinOrder, request: str, shipped: Mapping[str, int], waybill: str) -> str:
        """The seller handed over a parcel with `shipped` units by child; returns the parcel's number."""
        pack = self._setting.stream("pack", request).digits(12)
        if self.loses(order, shipped):
            return pack
        for child in order.children:
            child.shipped += shipped.get(child.id, 0)
        order.packs[request] = pack
        order.waybills.append(waybill)
        whole = all(child.shipped == child.line.units for child in order.children)
        order.status = SHIPPED if whole else PARTLY_SHIPPED
        message = {"express_company_id": "shunfeng", "logistics_code": waybill, "pack_id": pack}
        at = epoch(self._setting.clock.now())
        self._tell(order, "102" if whole else "108", update_time=at, logistics_msg=message)
        if whole:
            self._setting.bustle.start(self._deliver(order))
        return pack

    async def _deliver(self, order: DouyinOrder) -> None:
        """All has left: when every parcel has been signed for, the buyer confirms within days."""
        for waybill in order.waybills:
            if not await self._carrier.arrival(waybill):
                return
        await self._setting.clock.sleep(self._setting.stream("confirm", order.id).between(3_600, 2 * 86_400))
        order.status = FINISHED
        self._tell(order, "103", complete_time=epoch(self._setting.clock.now()))

    # ---- what the platform pushes

    def _tell(self, order: DouyinOrder, tag: str, **more: object) -> None:
        order.updated_at = self._setting.clock.now()
        where = f"douyin.{tag}"
        fault = self._setting.faults.meet(where, order.id, (*LIES, NEVER_TOLD))
        if fault == NEVER_TOLD:
            return
        if fault == STALE_STATUS:
            self._setting.bustle.start(self._repeat_old_status(order))
        status = {UNKNOWN_STATUS: UNHEARD_OF, IMPOSSIBLE_STATUS: SHIPPED}.get(fault, order.status)
        self.outbox.post(self._message(order, tag, status, more), where, order.id)

    async def _repeat_old_status(self, order: DouyinOrder) -> None:
        await self._setting.clock.sleep(120)
        told = {"update_time": epoch(self._setting.clock.now())}
        self.outbox.post(self._message(order, "113", UNPAID, told), "douyin.113", order.id)

    def _message(self, order: DouyinOrder, tag: str, status: int, more: Mapping[str, object]) -> bytes:
        at = epoch(self._setting.clock.now())
        data = {
            "p_id": int(order.id),
            "s_ids": [int(child.id) for child in order.children],
            "shop_id": int(self.shop.native),
            "order_status": status,
            "order_type": 0,
            "biz": 2,
            **more,
        }
        order.told += 1
        number = self._setting.stream("message", order.id, order.told).digits(18)
        whole = {"tag": tag, "msg_id": f"7{number}:0:{at}", "data": json.dumps(data, ensure_ascii=False)}
        return json.dumps(whole, ensure_ascii=False).encode()

    async def check_address(self) -> bool:
        """What happens when a seller enters a push address: tag 0 must be answered like any other."""
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


def _acknowledged(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and json.loads(answer.body)["code"] == 0
    except (ValueError, KeyError, TypeError):
        return False


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def address_of(buyer: Buyer) -> dict[str, object]:
    return {
        "province": {"id": "", "name": buyer.province},
        "city": {"id": "", "name": buyer.city},
        "town": {"id": "", "name": buyer.district},
        "street": {"id": "", "name": buyer.street},
        "detail": "",
        "encrypt_detail": cipher(buyer.detail),
    }


def mask(text: str) -> str:
    return text[:1] + "*" * (len(text) - 1)


def cipher(text: str) -> str:
    """What only the platform could open. (Here nobody can: it is a digest.)"""
    return f"##{hashlib.sha256(text.encode()).hexdigest()}##"
