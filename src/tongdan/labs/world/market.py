"""Example Market: a platform that nobody wrote an adapter for, which speaks as conf/examples/channels/XX.yml says.

An order is known to sellers when it is placed; it is paid soon or closed, and now and then reviewed, or paid back
before it leaves. Every change is a notice in our own headers, sent again until it is answered with code 0. What
sellers ask and tell is in `market_api.py`. All of it is invented: it stands for whatever platform a seller may have.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import NEVER_TOLD
from tongdan.labs.world.gateway import local
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import handed_over
from tongdan.labs.world.sold import Bought, Sold
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (60, 600, *[3_600] * 48)
CLOSES_UNPAID_AFTER_S: Final = 1_800
UNPAID, REVIEW, TO_SHIP, SHIPPED, RECEIVED = "unpaid", "review", "to-ship", "shipped", "received"
DONE, CLOSED, PAID_BACK = "done", "closed", "refunded"


@dataclass
class MarketLine:
    """A line and how many units of it the seller has told to have left."""

    id: str
    line: BasketLine
    told_units: int = 0


@dataclass
class MarketOrder(Sold):
    """What the platform knows of one order."""

    lines: list[MarketLine]
    status: str = UNPAID
    paid_at: datetime | None = None
    told: int = 0

    @property
    def amount_fen(self) -> int:
        return sum(each.line.amount_fen for each in self.lines)

    @property
    def bought(self) -> list[Bought]:
        return [
            Bought(each.line.sku, each.line.units, each.line.amount_fen + each.line.discount_fen)
            for each in self.lines
        ]

    @property
    def units(self) -> int:
        return sum(each.line.units for each in self.lines)

    @property
    def told_units(self) -> int:
        return sum(each.told_units for each in self.lines)


class Market:
    """One shop; `app` is the credential `example/SHOP`."""

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, MarketOrder]] = {}
        self.shop: Final = shop
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._secret: Final = app["secret"]
        self._url: Final = f"{setting.centre_url}/push/example/{shop.id}"
        self.outbox: Final = Outbox[bytes](setting, self._post, _taken, RETRIES_S, together=20, linger_s=1.0)

    def number(self, day: int, no: int, stream: Stream) -> str:
        return f"EX-{day % 1000:03d}-{no:05d}-{stream.digits(4)}"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> MarketOrder:
        """A buyer orders; from here on the order lives by itself."""
        now = self._setting.clock.now()
        lines = [MarketLine(str(no), line) for no, line in enumerate(basket.lines, 1)]
        order = self.orders[id] = MarketOrder(id, buyer, now, now, lines)
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: MarketOrder) -> None:
        stream, clock = self._setting.stream("market", order.id), self._setting.clock
        self._tell(order, "order.created")
        if stream.chance(0.05):
            await clock.sleep(CLOSES_UNPAID_AFTER_S)
            order.status = CLOSED
            return self._tell(order, "order.closed")
        await clock.sleep(stream.waiting_s(90))
        order.paid_at = clock.now()
        order.status = REVIEW if stream.chance(0.06) else TO_SHIP
        self._tell(order, "order.paid")
        if order.status == REVIEW:
            await clock.sleep(stream.between(300, 1_800))
            order.status = TO_SHIP
            self._tell(order, "order.reviewed")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            order.buyer = moved(self._setting.seed, order.buyer)
            self._tell(order, "order.address")
        if stream.chance(0.03):
            await clock.sleep(stream.between(60, 3_600))
            if order.status == TO_SHIP:
                order.status = PAID_BACK
                self._tell(order, "refund.done")
        return None

    def parcel_left(self, order: MarketOrder, waybill: str, units: Mapping[str, int]) -> None:
        """The seller has told of a parcel; with the first the order is shipped."""
        order.waybills.append(waybill)
        for each in order.lines:
            each.told_units += units.get(each.id, 0)
        if order.status == TO_SHIP:
            order.status = SHIPPED
        self._tell(order, "order.shipped")
        if order.told_units == order.units:
            self._setting.bustle.start(self._deliver(order))

    async def _deliver(self, order: MarketOrder) -> None:
        for waybill in order.waybills:
            if not await self._carrier.arrival(waybill):
                return
        order.status = RECEIVED
        self._tell(order, "order.received")
        await self._setting.clock.sleep(self._setting.stream("confirm", order.id).between(3_600, 2 * 86_400))
        order.status = DONE
        self._tell(order, "order.done")

    def _tell(self, order: MarketOrder, topic: str) -> None:
        order.updated_at = now = self._setting.clock.now()
        where = f"example.{topic}"
        if self._setting.faults.meet(where, order.id, (NEVER_TOLD,)):
            return
        order.told += 1
        notice = {
            "id": f"ev-{self._setting.stream('notice', order.id, order.told).digits(16)}",
            "topic": topic,
            "shop": {"id": self.shop.native},
            "order_no": order.id,
            "time": local(now),
        }
        self.outbox.post(json.dumps(notice).encode(), where, order.id)

    def _post(self, notices: Sequence[bytes]) -> HttpRequest:
        body = notices[0] if len(notices) == 1 else b"[" + b",".join(notices) + b"]"
        return handed_over(self._setting, self._secret, self._url, body)


def _taken(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and json.loads(answer.body)["code"] == 0
    except (ValueError, KeyError, TypeError):
        return False
