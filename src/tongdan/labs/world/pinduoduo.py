"""Pinduoduo (拼多多): its orders, what becomes of them, and the bare notices it sends about them.

An order is known to sellers from the moment it is paid and its group is complete; one in ten is reviewed first, and has
no receiver until then. Every change is a frame on the message socket, here posted by whoever holds it, and comes again
until it is acknowledged. What sellers' systems ask and tell is in `pinduoduo_api.py`. Source: the platform's kits; how
often a frame comes again is not published, the schedule here is an assumption.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import NEVER_TOLD
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import handed_over
from tongdan.labs.world.sold import SoldByPrice
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (30, 60, 300, *[1_800] * 96)
TO_SHIP, SHIPPED, SIGNED = 1, 2, 3
NOT_REFUNDED, REFUNDED = 1, 4


@dataclass
class PinduoduoOrder(SoldByPrice):
    """What the platform knows of one order. `waybills`: the first shipped it, the others were added."""

    status: int = TO_SHIP
    reviewed: bool = False
    refund_status: int = NOT_REFUNDED
    told: int = 0


class Pinduoduo:
    """One shop and the app it has authorised, which the credential `pinduoduo/SHOP` is of."""

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, PinduoduoOrder]] = {}
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._secret: Final = app["client_secret"]
        self.shop: Final = shop
        self._url: Final = f"{setting.centre_url}/push/pinduoduo/{shop.id}"
        self.outbox: Final = Outbox[bytes](setting, self._post, _acknowledged, RETRIES_S)

    def number(self, day: int, no: int, stream: Stream) -> str:
        return f"{day % 1000000:06d}-{no:05d}{stream.digits(10)}"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> PinduoduoOrder:
        """A buyer pays; from here on the order lives by itself."""
        now = self._setting.clock.now()
        order = self.orders[id] = PinduoduoOrder(id, buyer, now, now, basket)
        self._setting.bustle.start(self._live(order))
        return order

    async def _live(self, order: PinduoduoOrder) -> None:
        stream, clock = self._setting.stream("pinduoduo", order.id), self._setting.clock
        order.reviewed = stream.chance(0.1)
        self._tell(order, "pdd_trade_TradeConfirmed")
        if order.reviewed:
            await clock.sleep(stream.between(300, 1_800))
            order.reviewed = False
            self._tell(order, "pdd_trade_TradeRiskChanged")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            order.buyer = moved(self._setting.seed, order.buyer)
            self._tell(order, "pdd_trade_TradeLogisticsAddressChanged")
        if stream.chance(0.03):
            await clock.sleep(stream.between(60, 3_600))
            if order.status == TO_SHIP:
                order.refund_status = REFUNDED
                self._tell(order, "pdd_refund_RefundAgreeAgreement")

    def parcel_left(self, order: PinduoduoOrder, waybill: str) -> None:
        """The seller has told of a parcel; with the first the order is shipped."""
        order.waybills.append(waybill)
        if order.status == TO_SHIP:
            order.status = SHIPPED
            self._setting.bustle.start(self._deliver(order))
        self._tell(order, "pdd_trade_TradeSellerShip")

    async def _deliver(self, order: PinduoduoOrder) -> None:
        if not await self._carrier.arrival(order.waybills[0]):
            return
        order.status = SIGNED
        self._tell(order, "pdd_trade_TradeSuccess")

    # ---- what the platform pushes

    def _tell(self, order: PinduoduoOrder, topic: str) -> None:
        order.updated_at = now = self._setting.clock.now()
        where = f"pinduoduo.{topic.rpartition('_')[2]}"
        if self._setting.faults.meet(where, order.id, (NEVER_TOLD,)):
            return
        order.told += 1
        stamp = int(now.timestamp() * 1_000)
        content = {"mall_id": int(self.shop.native), "tid": order.id}
        frame = {
            "id": int(f"3{self._setting.stream('frame', order.id, order.told).digits(15)}"),
            "commandType": "Common",
            "sendTime": stamp,
            "message": {"type": topic, "mallID": int(self.shop.native), "content": json.dumps(content)},
        }
        self.outbox.post(json.dumps(frame).encode(), where, order.id)

    def _post(self, frames: Sequence[bytes]) -> HttpRequest:
        """What the holder of the socket does with a frame."""
        (body,) = frames
        return handed_over(self._setting, self._secret, self._url, body)


def _acknowledged(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and json.loads(answer.body)["commandType"] == "Ack"
    except (ValueError, KeyError, TypeError):
        return False
