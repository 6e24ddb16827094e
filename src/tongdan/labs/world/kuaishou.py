"""Kuaishou shops (快手小店): their orders, what becomes of them, and the sealed messages about them.

An order is one article, with a gift now and then that has an order number of its own. A few are never paid, a few
looked at as a risk, of some a refund is asked for, which ends the order or is taken back. A message is sent six times
within two hours and then given up, and each is only encrypted, not signed. What sellers' systems ask and tell is in
`kuaishou_api.py`. Source: the platform's guide to messages; how orders fare is invented.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import NEVER_TOLD
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.sold import SoldByPrice, sold_units
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (300, 600, 1_200, 1_800, 3_600)
CLOSES_UNPAID_AFTER_S: Final = 1_800
UNPAID, PAID, SHIPPED, SIGNED, DONE, FAILED = 10, 30, 40, 50, 70, 80
ASKED, PAID_BACK, TAKEN_BACK = 10, 60, 70  # of a refund
RISK: Final = 10_001


@dataclass
class KuaishouPart:
    """The article of an order, or a gift: each has its own number."""

    id: str
    line: BasketLine
    told_units: int = 0
    waybills: list[str] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sold_units(self.line)


@dataclass
class KuaishouOrder(SoldByPrice):
    """What the platform knows of one order; `refund` is the status of the last one asked for."""

    parts: list[KuaishouPart]
    status: int = UNPAID
    paid_at: datetime | None = None
    risk: int = 0
    refund: int = 0
    refund_asked_at: datetime | None = None
    told: int = 0

    @property
    def told_units(self) -> int:
        return sum(part.told_units for part in self.parts)

    @property
    def refund_id(self) -> int:
        """Of the refund asked for before it has left."""
        return int(self.id) + 9

    @property
    def may_ship(self) -> bool:
        return self.status != UNPAID and self.status != FAILED and not self.risk and self.refund != ASKED


class Kuaishou:
    """One shop and the app it has authorised, which the credential `kuaishou/SHOP` is of."""

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, KuaishouOrder]] = {}
        self.shop: Final = shop
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._app: Final = app
        self._url: Final = f"{setting.centre_url}/push/kuaishou/{shop.id}"
        self.outbox: Final = Outbox[bytes](setting, self._post, _taken, RETRIES_S)

    def number(self, day: int, no: int, stream: Stream) -> str:
        """Sixteen digits; the last is left to the order's gift."""
        return f"26{day % 1000:03d}{no:05d}{stream.digits(5)}0"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> KuaishouOrder:
        """A buyer orders the first article of the basket; the second comes with it. It lives by itself from here on."""
        first, *others = basket.lines
        lines = (first, *(line._replace(units=1, amount_fen=0, discount_fen=0) for line in others[:1]))
        parts = [KuaishouPart(str(int(id) + at), line) for at, line in enumerate(lines)]
        now = self._setting.clock.now()
        order = KuaishouOrder(id, buyer, now, now, basket._replace(lines=lines), parts)
        self.orders[id] = order
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: KuaishouOrder) -> None:
        stream, clock = self._setting.stream("kuaishou", order.id), self._setting.clock
        self._tell(order, "addOrder")
        if stream.chance(0.05):
            await clock.sleep(CLOSES_UNPAID_AFTER_S)
            order.status = FAILED
            return self._tell(order, "orderFail")
        await clock.sleep(stream.waiting_s(90))
        order.status, order.paid_at = PAID, clock.now()
        order.risk = RISK if stream.chance(0.05) else 0
        self._tell(order, "paySuccess")
        if order.risk:
            await clock.sleep(stream.between(300, 1_800))
            order.risk = 0
            self._tell(order, "riskChange")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            order.buyer = moved(self._setting.seed, order.buyer)
            self._tell(order, "addressUpdateAudit")
        if stream.chance(0.05):
            await self._ask_refund(order, stream)
        return None

    async def _ask_refund(self, order: KuaishouOrder, stream: Stream) -> None:
        await self._setting.clock.sleep(stream.between(5, 600))
        if order.status != PAID:
            return
        order.refund, order.refund_asked_at = ASKED, self._setting.clock.now()
        self._tell(order, "addRefund")
        await self._setting.clock.sleep(stream.between(300, 1_800))
        if order.refund == ASKED:
            self.decide_refund(order, PAID_BACK if stream.chance(0.6) else TAKEN_BACK)

    def decide_refund(self, order: KuaishouOrder, refund: int) -> None:
        """Of one asked for before the order has left: PAID_BACK ends the order, TAKEN_BACK lets it go on."""
        order.refund = refund
        if refund == PAID_BACK:
            order.status = FAILED
        self._tell(order, "updateRefund")

    # ---- what sellers tell it

    def parcel_left(self, order: KuaishouOrder, waybill: str, units: Mapping[str, int]) -> None:
        """A parcel has left with `units` by part; with the first the order is shipped."""
        order.waybills.append(waybill)
        for part in order.parts:
            if part.id in units:
                part.told_units += units[part.id]
                part.waybills.append(waybill)
        if order.status == PAID:
            order.status = SHIPPED
        self._tell(order, "delivering")
        if units and order.told_units == order.units:
            self._setting.bustle.start(self._deliver(order))

    async def _deliver(self, order: KuaishouOrder) -> None:
        """When all that was told of has been signed for, the buyer confirms within days."""
        for waybill in order.waybills:
            if not await self._carrier.arrival(waybill):
                return
        order.status = SIGNED
        self._tell(order, "deliverySuccess")
        await self._setting.clock.sleep(self._setting.stream("confirm", order.id).between(3_600, 2 * 86_400))
        order.status = DONE
        self._tell(order, "orderSuccess")

    # ---- what the platform tells

    def _tell(self, order: KuaishouOrder, event: str) -> None:
        order.updated_at = now = self._setting.clock.now()
        where = f"kuaishou.{event}"
        if self._setting.faults.meet(where, order.id, (NEVER_TOLD,)):
            return
        order.told += 1
        number = self._setting.stream("event", order.id, order.told)
        about: dict[str, object] = {"oid": int(order.id), "status": order.status}
        biz = int(order.id)
        if event.endswith("Refund"):
            about, biz = (
                {"orderId": int(order.id), "refundId": order.refund_id, "status": order.refund},
                order.refund_id,
            )
        self.tell(event, order.id, biz, about, number, now)

    def tell(
        self, event: str, order: str, biz: int, about: Mapping[str, object], number: Stream, at: datetime
    ) -> None:
        """A message; the same `number` (unused) makes the same message."""
        stamp, refund = int(at.timestamp() * 1_000), event.endswith("Refund")
        time = {"createTime" if event.startswith("add") else "updateTime": stamp}
        message = {
            "eventId": f"243_{number.digits(4)}_{number.digits(13)}",
            "bizId": biz,
            "userId": int(self.shop.native),
            "appKey": self._app["app_key"],
            "event": f"kwaishop_{'aftersales' if refund else 'order'}_{event}",
            "info": json.dumps({**about, "sellerId": int(self.shop.native), **time}),
            "createTime": stamp,
        }
        self.outbox.post(json.dumps(message).encode(), f"kuaishou.{event}", order)

    def _post(self, messages: Sequence[bytes]) -> HttpRequest:
        (message,) = messages
        headers = {"content-type": "text/plain;charset=utf-8"}
        body = seal(self._app["message_secret"], message)
        return HttpRequest(method="POST", url=self._url, headers=headers, body=body, timeout_s=3.0)


def seal(secret: str, message: bytes) -> bytes:
    short = 16 - len(message) % 16
    cipher = Cipher(AES(b64decode(secret)), CBC(bytes(16))).encryptor()
    return b64encode(cipher.update(message + bytes([short]) * short) + cipher.finalize())


def _taken(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and json.loads(answer.body)["result"] == 1
    except (ValueError, KeyError, TypeError):
        return False
