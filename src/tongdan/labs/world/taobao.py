"""Taobao and Tmall (淘宝/天猫): trades, what buyers do to them, and the messages about them.

A trade is known from the moment it is placed; one in sixteen is a presale (deposit first, balance later), a few are
paid but not yet allowed to be shipped, some are refunded before they are. Every change is a message of the message
channel, here posted by whoever consumes it, and comes again until its id is confirmed. What sellers' systems ask and
tell is in `taobao_api.py`. Source: the platform's API dump and kits; how often a message comes again is an assumption.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tongdan.domain.kernel.money import yuan_from_fen
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

RETRIES_S: Final = (60, 300, *[600] * 200)
CLOSES_UNPAID_AFTER_S: Final = 3_600

UNPAID, TO_SHIP, SHIPPED = "WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS"
FORBIDDEN, PARTLY, FINISHED = "PAID_FORBID_CONSIGN", "SELLER_CONSIGNED_PART", "TRADE_FINISHED"
CLOSED_UNPAID, REFUNDED = "TRADE_CLOSED_BY_TAOBAO", "TRADE_CLOSED"
NO_DEPOSIT, DEPOSIT, ALL_PAID = (
    "FRONT_NOPAID_FINAL_NOPAID",
    "FRONT_PAID_FINAL_NOPAID",
    "FRONT_PAID_FINAL_PAID",
)


@dataclass
class TaobaoLine:
    """A line (子订单): how many of its units the seller has told to have left, in which parcels."""

    oid: str
    line: BasketLine
    told_units: int = 0
    closed: bool = False
    waybills: list[str] = field(default_factory=list)


@dataclass
class TaobaoTrade(Sold):
    """What the platform knows of one trade. `step` is "" unless it is a presale."""

    lines: list[TaobaoLine]
    status: str = UNPAID
    step: str = ""
    paid_at: datetime | None = None
    told: int = 0

    @property
    def amount_fen(self) -> int:
        return sum(each.line.amount_fen for each in self.lines)

    @property
    def bought(self) -> list[Bought]:
        return [Bought(each.line.sku, each.line.units, each.line.amount_fen) for each in self.lines]

    @property
    def units(self) -> int:
        return sum(each.line.units for each in self.lines)

    @property
    def told_units(self) -> int:
        return sum(each.told_units for each in self.lines)


class Taobao:
    """One shop and the app it has authorised, which the credential `taobao/SHOP` is of."""

    def __init__(self, setting: Setting, carrier: Carrier, shop: Shop, app: Mapping[str, str]) -> None:
        self.orders: Final[dict[str, TaobaoTrade]] = {}
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._secret: Final = app["app_secret"]
        self.shop: Final = shop
        self._url: Final = f"{setting.centre_url}/push/taobao/{shop.id}"
        self.outbox: Final = Outbox[bytes](
            setting, self._post, _confirmed, RETRIES_S, together=20, linger_s=1.0
        )

    # ---- what buyers do

    def number(self, day: int, no: int, stream: Stream) -> str:
        """Nineteen digits; the last three are left to the trade's lines."""
        return f"40{day % 1000:03d}{no:05d}{stream.digits(6)}000"

    def place(self, id: str, basket: Basket, buyer: Buyer) -> TaobaoTrade:
        """A buyer orders; from here on the trade lives by itself. Its first line has its own number."""
        now = self._setting.clock.now()
        lines = [TaobaoLine(str(int(id) + at), line) for at, line in enumerate(basket.lines)]
        trade = self.orders[id] = TaobaoTrade(id, buyer, now, now, lines)
        self._setting.bustle.start(self._live(trade))
        return trade

    async def _live(self, trade: TaobaoTrade) -> None:
        stream, clock = self._setting.stream("taobao", trade.id), self._setting.clock
        if stream.chance(0.06):
            trade.step = NO_DEPOSIT
        self._tell(trade, "taobao_trade_TradeCreate")
        if stream.chance(0.05):
            await clock.sleep(CLOSES_UNPAID_AFTER_S)
            trade.status = CLOSED_UNPAID
            return self._tell(trade, "taobao_trade_TradeClose")
        await clock.sleep(stream.waiting_s(90))
        if trade.step:
            trade.step = DEPOSIT
            self._tell(trade, "taobao_trade_TradeBuyerStepPay")
            await clock.sleep(stream.between(600, 7_200))
            trade.step = ALL_PAID
        trade.paid_at = clock.now()
        trade.status = FORBIDDEN if stream.chance(0.04) else TO_SHIP
        self._tell(trade, "taobao_trade_TradeBuyerPay")
        if trade.status == FORBIDDEN:
            await clock.sleep(stream.between(300, 1_800))
            trade.status = TO_SHIP
            self._tell(trade, "taobao_trade_TradeChanged")
        if stream.chance(0.04):
            await clock.sleep(stream.between(5, 60))
            trade.buyer = moved(self._setting.seed, trade.buyer)
            self._tell(trade, "taobao_trade_TradeLogisticsAddressChanged")
        if stream.chance(0.03):
            await clock.sleep(stream.between(60, 3_600))
            if trade.status == TO_SHIP:
                trade.status = REFUNDED
                self._tell(trade, "taobao_refund_RefundSuccess")
        return None

    # ---- what sellers tell it

    def parcel_left(
        self, trade: TaobaoTrade, waybill: str, units: Mapping[str, int], open_: set[str]
    ) -> None:
        """A parcel has left with `units` by line; the lines in `open_` have more to come."""
        trade.waybills.append(waybill)
        for each in trade.lines:
            if each.oid in units:
                each.told_units += units[each.oid]
                each.waybills.append(waybill)
                each.closed = each.closed or each.oid not in open_
        if trade.status in (TO_SHIP, PARTLY):
            whole = all(each.closed for each in trade.lines)
            trade.status = SHIPPED if whole else PARTLY
            if whole:
                self._setting.bustle.start(self._deliver(trade))
        self._tell(trade, "taobao_trade_TradeSellerShip")

    async def _deliver(self, trade: TaobaoTrade) -> None:
        """When what was told of has been signed for, the buyer confirms within days."""
        for waybill in trade.waybills:
            if not await self._carrier.arrival(waybill):
                return
        await self._setting.clock.sleep(self._setting.stream("confirm", trade.id).between(3_600, 2 * 86_400))
        trade.status = FINISHED
        self._tell(trade, "taobao_trade_TradeSuccess")

    # ---- what the platform tells

    def _tell(self, trade: TaobaoTrade, topic: str) -> None:
        trade.updated_at = now = self._setting.clock.now()
        where = f"taobao.{topic.rpartition('_')[2]}"
        if self._setting.faults.meet(where, trade.id, (NEVER_TOLD,)):
            return
        trade.told += 1
        content = {
            "tid": int(trade.id),
            "oid": int(trade.id),
            "status": trade.status,
            "payment": yuan_from_fen(trade.amount_fen),
            "type": "step" if trade.step else "guarantee_trade",
        }
        message = {
            "id": int(f"8{self._setting.stream('tmc', trade.id, trade.told).digits(15)}"),
            "topic": topic,
            "pub_app_key": "12497914",
            "pub_time": local(now),
            "user_id": int(self.shop.native),
            "content": json.dumps(content),
        }
        self.outbox.post(json.dumps(message).encode(), where, trade.id)

    def _post(self, messages: Sequence[bytes]) -> HttpRequest:
        return handed_over(self._setting, self._secret, self._url, b"[" + b",".join(messages) + b"]")


def _confirmed(answer: HttpResponse) -> bool:
    try:
        return answer.status == 200 and bool(json.loads(answer.body)["s_message_ids"])
    except (ValueError, KeyError, TypeError):
        return False
