"""JD (京东 POP): its orders, what becomes of them, and the bare notices handed over about them.

An order is known to sellers from the moment it is paid; a few are locked for a while because the buyer thinks of
cancelling, and some of these are cancelled. Every change is a notice, posted by whoever runs JD's message client, and
given again until it is taken. What sellers' systems ask and tell is in `jd_api.py`. Source: the platform's kits; its
messages are not published, so the notice is ours and how often it comes again an assumption.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import NEVER_TOLD
from tongdan.labs.world.gateway import local
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import handed_over
from tongdan.labs.world.sold import SoldByPrice
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (30, 60, 300, *[1_800] * 96)
TO_SHIP, SHIPPED, FINISHED = "WAIT_SELLER_STOCK_OUT", "WAIT_GOODS_RECEIVE_CONFIRM", "FINISHED_L"
LOCKED, CANCELLED = "LOCKED", "TRADE_CANCELED"


@dataclass
class JdOrder(SoldByPrice):
    """What the platform knows of one order. `waybills` are of the one company that this world has; `cash`: it is paid
    for at the door.
    """

    state: str = TO_SHIP
    cash: bool = False
    told: int = 0


class Jd:
    """One shop and the app it has authorised, which the credential `jd/SHOP` is of."""

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, JdOrder]] = {}
        self.cash_share = 0.0  # of the orders
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._secret: Final = app["app_secret"]
        self.shop: Final = shop
        self._url: Final = f"{setting.centre_url}/push/jd/{shop.id}"
        self.outbox: Final = Outbox[bytes](setting, self._post, _taken, RETRIES_S)

    def number(self, day: int, no: int, stream: Stream) -> str:
        return f"3{day % 1000:03d}{no:05d}{stream.digits(3)}"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> JdOrder:
        """A buyer pays; from here on the order lives by itself."""
        now = self._setting.clock.now()
        order = self.orders[id] = JdOrder(id, buyer, now, now, basket)
        order.cash = self._setting.stream("jd-cash", id).chance(self.cash_share)
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: JdOrder) -> None:
        stream, clock = self._setting.stream("jd", order.id), self._setting.clock
        self._tell(order, "created")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            order.buyer = moved(self._setting.seed, order.buyer)
            self._tell(order, "address")
        if stream.chance(0.06):
            await clock.sleep(stream.between(5, 600))
            if order.state == TO_SHIP:
                order.state = LOCKED
                self._tell(order, "locked")
                await clock.sleep(stream.between(300, 1_800))
                order.state = CANCELLED if stream.chance(0.5) else TO_SHIP
                self._tell(order, "cancelled" if order.state == CANCELLED else "unlocked")

    def parcel_left(self, order: JdOrder, waybill: str) -> None:
        """The seller has told of a parcel; with the first the order is shipped."""
        order.waybills.append(waybill)
        if order.state == TO_SHIP:
            order.state = SHIPPED
            self._setting.bustle.start(self._deliver(order))
        self._tell(order, "shipped")

    async def _deliver(self, order: JdOrder) -> None:
        """The buyer confirms within days; until then further parcels may be told of."""
        if not await self._carrier.arrival(order.waybills[0]):
            return
        await self._setting.clock.sleep(self._setting.stream("confirm", order.id).between(86_400, 3 * 86_400))
        order.state = FINISHED
        self._tell(order, "finished")

    def _tell(self, order: JdOrder, topic: str) -> None:
        order.updated_at = now = self._setting.clock.now()
        where = f"jd.{topic}"
        if self._setting.faults.meet(where, order.id, (NEVER_TOLD,)):
            return
        order.told += 1
        notice = {
            "messageId": self._setting.stream("notice", order.id, order.told).digits(18),
            "topic": topic,
            "venderId": int(self.shop.native),
            "orderId": int(order.id),
            "modified": local(now),
        }
        self.outbox.post(json.dumps(notice).encode(), where, order.id)

    def _post(self, notices: Sequence[bytes]) -> HttpRequest:
        (body,) = notices
        return handed_over(self._setting, self._secret, self._url, body)


def _taken(answer: HttpResponse) -> bool:
    return answer.status == 200
