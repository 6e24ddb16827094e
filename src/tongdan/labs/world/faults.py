"""What goes wrong: planned from the seed, order by order, and recorded when it really happens.

An order's fate depends on its own name alone: at most one fault, of one kind, at one place of its way.
Whoever stands at that place asks `meet`, and plays the fault it is told. Partners' outages are planned for
the whole run. A fault that never came to pass (the order was never paid) was never injected, so the ledger
counts deeds, not plans.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from tongdan.labs.world.chance import Stream
from tongdan.ports import Clock


class Heals(Enum):
    """How a fault ends well."""

    ITSELF = "itself"  # the centre agrees with the partners again
    EITHER = "either"  # it agrees, and a ticket may stay open because somebody should know
    PERSON = "person"  # what happened is itself wrong: a ticket has to be open


class FaultKind(NamedTuple):
    name: str
    heals: Heals
    en: str
    zh: str


LOST: Final = "lost"
ACK_LOST: Final = "ack-lost"
LATE: Final = "late"
REPEATED: Final = "repeated"
OVERTAKEN: Final = "overtaken"
ANSWER_LOST: Final = "answer-lost"
BUSY: Final = "busy"
LIMITED: Final = "limited"
SHIFTED: Final = "page-shifted"
OUTAGE: Final = "outage"
UNKNOWN_STATUS: Final = "unknown-status"
STALE_STATUS: Final = "stale-status"
IMPOSSIBLE_STATUS: Final = "impossible-status"
WRONG_AMOUNT: Final = "wrong-amount"
PAID_TWICE: Final = "paid-twice"
PAID_LATE: Final = "paid-late"
NOTICE_FIRST: Final = "notice-first"
NEVER_TOLD: Final = "never-told"
MISTOLD: Final = "mistold"
REFUND_ABNORMAL: Final = "refund-abnormal"
WMS_REFUSES: Final = "wms-refuses"
WMS_SHORT: Final = "wms-short"
USER_REFUSES: Final = "user-refuses"
PHONE_OFF: Final = "phone-off"
NOT_TURNED: Final = "not-turned"

KINDS: Final = {
    kind.name: kind
    for kind in (
        FaultKind(LOST, Heals.ITSELF, "the message was lost on its way", "消息在途中丢失"),
        FaultKind(ACK_LOST, Heals.ITSELF, "the acknowledgement was lost", "应答在途中丢失"),
        FaultKind(LATE, Heals.ITSELF, "the message came hours late", "消息迟到数小时"),
        FaultKind(REPEATED, Heals.ITSELF, "the message came three times at once", "消息同时到达三次"),
        FaultKind(OVERTAKEN, Heals.ITSELF, "a later message overtook it", "被后发的消息超过"),
        FaultKind(ANSWER_LOST, Heals.ITSELF, "it was done, but the answer was lost", "已执行，但应答丢失"),
        FaultKind(BUSY, Heals.ITSELF, "the partner said: busy, try again", "对方繁忙，要求重试"),
        FaultKind(LIMITED, Heals.ITSELF, "the partner said: too many calls", "对方限流"),
        FaultKind(SHIFTED, Heals.ITSELF, "the list shifted while it was read", "翻页期间列表发生移动"),
        FaultKind(OUTAGE, Heals.ITSELF, "the partner could not be reached", "对方整体不可达"),
        FaultKind(
            STALE_STATUS, Heals.ITSELF, "an old status was told as if it were new", "旧状态被当作新状态推送"
        ),
        FaultKind(UNKNOWN_STATUS, Heals.EITHER, "a status nobody knows was told", "推送了无人认识的状态"),
        FaultKind(
            IMPOSSIBLE_STATUS, Heals.EITHER, "shipped was told of what had not left", "未出库却推送已发货"
        ),
        FaultKind(WRONG_AMOUNT, Heals.PERSON, "less was paid than asked for", "实付金额少于应付"),
        FaultKind(PAID_TWICE, Heals.ITSELF, "it was paid twice", "被支付了两次"),
        FaultKind(PAID_LATE, Heals.ITSELF, "it was paid while it was cancelled", "取消的同时被支付"),
        FaultKind(NOTICE_FIRST, Heals.ITSELF, "the result came before the answer", "结果通知先于应答到达"),
        FaultKind(NEVER_TOLD, Heals.ITSELF, "the result was never told", "结果始终没有通知"),
        FaultKind(MISTOLD, Heals.EITHER, "a result was told of the wrong thing", "结果通知张冠李戴"),
        FaultKind(REFUND_ABNORMAL, Heals.PERSON, "the buyer's account took no refund", "退款未能入账"),
        FaultKind(WMS_REFUSES, Heals.PERSON, "the warehouse refused the order", "仓库拒单"),
        FaultKind(USER_REFUSES, Heals.ITSELF, "the buyer forbids messages", "买家拒收订阅消息"),
        FaultKind(
            PHONE_OFF, Heals.EITHER, "the buyer's phone never took the message", "买家手机始终未收到短信"
        ),
        FaultKind(WMS_SHORT, Heals.PERSON, "the warehouse lacked one unit", "仓库少发一件"),
        FaultKind(NOT_TURNED, Heals.PERSON, "the carrier did not turn a parcel back", "承运商未能拦截包裹"),
    )
}

# Where an order of a channel may meet which faults. WMS and finance meet the orders of every channel.
_LATER: Final = {
    "wms.create": (WMS_REFUSES, ANSWER_LOST, BUSY),
    "wms.PACKAGE": (LOST, OVERTAKEN),
    "wms.confirm": (WMS_SHORT, LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN),
    "wms.SIGN": (LOST, ACK_LOST, LATE, REPEATED),
    "sf.50": (LOST, ACK_LOST, LATE, REPEATED),
    "sf.44": (UNKNOWN_STATUS,),
    "sf.80": (LOST, ACK_LOST, LATE, REPEATED),
    "finance.settled": (LOST, ACK_LOST, REPEATED),
    "service.waybill": (ANSWER_LOST, BUSY, LIMITED),
}
_LISTED: Final = (BUSY, LIMITED, SHIFTED)
MENU: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "DY": {
        "douyin.100": (LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN, NEVER_TOLD),
        "douyin.101": (
            NEVER_TOLD,
            LOST,
            ACK_LOST,
            LATE,
            REPEATED,
            STALE_STATUS,
            UNKNOWN_STATUS,
            IMPOSSIBLE_STATUS,
        ),
        "douyin.order.orderDetail": (ANSWER_LOST, BUSY, LIMITED),
        "douyin.order.logisticsAddSinglePack": (ANSWER_LOST, BUSY, LIMITED),
        "douyin.order.searchList": _LISTED,
        **_LATER,
    },
    "PD": {
        "pinduoduo.TradeConfirmed": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "pinduoduo.pdd.order.information.get": (ANSWER_LOST, BUSY, LIMITED),
        "pinduoduo.pdd.logistics.online.send": (ANSWER_LOST, BUSY, LIMITED),
        "pinduoduo.pdd.order.number.list.increment.get": _LISTED,
        **_LATER,
    },
    "TB": {
        "taobao.TradeCreate": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN),
        "taobao.TradeBuyerPay": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "taobao.taobao.trade.fullinfo.get": (ANSWER_LOST, BUSY, LIMITED),
        "taobao.alibaba.ascp.logistics.offline.send": (ANSWER_LOST, BUSY, LIMITED),
        "taobao.taobao.trades.sold.increment.get": _LISTED,
        **_LATER,
    },
    "JD": {
        "jd.created": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "jd.jingdong.pop.order.get": (ANSWER_LOST, BUSY, LIMITED),
        "jd.jingdong.pop.order.shipment": (ANSWER_LOST, BUSY, LIMITED),
        "jd.jingdong.pop.order.search": _LISTED,
        **_LATER,
    },
    "KS": {
        "kuaishou.addOrder": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN),
        "kuaishou.paySuccess": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "kuaishou.open.order.detail": (ANSWER_LOST, BUSY, LIMITED),
        "kuaishou.open.seller.order.goods.deliver": (ANSWER_LOST, BUSY, LIMITED),
        "kuaishou.open.order.goods.split.deliver": (ANSWER_LOST, BUSY, LIMITED),
        "kuaishou.open.order.cursor.list": _LISTED,
        **_LATER,
    },
    "XX": {
        "example.order.created": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED, OVERTAKEN),
        "example.order.paid": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "example.detail": (ANSWER_LOST, BUSY, LIMITED),
        "example.ship": (ANSWER_LOST, BUSY, LIMITED),
        "example./v1/orders?changed_from=": _LISTED,
        **_LATER,
    },
    "MP": {
        "own.orders": (LOST, ACK_LOST, REPEATED),
        "wechat.prepay": (ANSWER_LOST, BUSY),
        "wechat.pay": (WRONG_AMOUNT, PAID_TWICE, PAID_LATE),
        "wechat.notify": (LOST, ACK_LOST, LATE, REPEATED),
        "wechat.close": (ANSWER_LOST, BUSY),
        "wechat.refund": (ANSWER_LOST, BUSY, NOTICE_FIRST, NEVER_TOLD, MISTOLD, REFUND_ABNORMAL),
        "wechat.refund-notify": (LOST, ACK_LOST, LATE, REPEATED),
        "wechat-mini.send": (ANSWER_LOST, BUSY, LIMITED, USER_REFUSES),
        "wechat-mini.sent": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "sms.SendSms": (ANSWER_LOST, BUSY, LIMITED),
        "sms.SmsReport": (NEVER_TOLD, LOST, ACK_LOST, LATE, REPEATED),
        "sms.phone": (PHONE_OFF,),
        "sf.intercept": (NOT_TURNED, ANSWER_LOST, BUSY),
        **_LATER,
    },
}


# Where an order whose numbers the seller takes may meet more of them.
_NUMBERS: Final = {
    "sf.EXP_RECE_CREATE_ORDER": (ANSWER_LOST, BUSY, LIMITED),
    "sf.EXP_RECE_UPDATE_ORDER": (ANSWER_LOST, BUSY, LIMITED),
    "cainiao.cainiao.waybill.ii.get": (ANSWER_LOST, BUSY, LIMITED),
    "cainiao.cainiao.waybill.ii.cancel": (ANSWER_LOST, BUSY, LIMITED),
}
NUMBERED: Final = {channel: {**places, **_NUMBERS} for channel, places in MENU.items()}


class Fault(msgspec.Struct):
    """One fault that happened: to `order` (its channel's number for it; "" for an outage), at `where`."""

    id: str
    kind: str
    where: str
    order: str
    at: datetime


class Plan(NamedTuple):
    """What an order has in store."""

    kind: str
    where: str


class Faults:
    """`share` (0…1) of all orders meet one fault of `menu`; `outages` partners' outages fall into the day."""

    def __init__(
        self,
        seed: int,
        clock: Clock,
        share: float,
        outages: int = 0,
        menu: Mapping[str, Mapping[str, tuple[str, ...]]] = MENU,
    ) -> None:
        self._menu: Final = menu
        self.injected: Final[list[Fault]] = []
        self._seed: Final = seed
        self._clock: Final = clock
        self._share: Final = share
        self._outages: Final = outages
        self._plans: Final[dict[str, Plan]] = {}
        self._down: Final[set[str]] = set()

    def expect(self, channel: str, order: str) -> None:
        """Draw what is in store for a new order, if anything."""
        stream = Stream(self._seed, "fault", channel, order)
        if stream.chance(self._share):
            where, kinds = stream.pick(list(self._menu[channel].items()))
            self._plans[order] = Plan(stream.pick(kinds), where)

    def awaits(self, where: str, order: str) -> bool:
        """`order` is to meet a fault at `where`, where few orders come to by themselves: see that it does."""
        plan = self._plans.get(order)
        return plan is not None and plan.where == where

    def meet(self, where: str, order: str, kinds: Container[str]) -> str:
        """Which of `kinds` strikes `order` here and now ("": none). It strikes once, and is recorded."""
        plan = self._plans.get(order)
        if plan is None or plan.where != where or plan.kind not in kinds:
            return ""
        del self._plans[order]
        self._record(plan.kind, where, order)
        return plan.kind

    def is_down(self, partner: str) -> bool:
        return partner in self._down

    def outages(self, partners: tuple[str, ...], day_s: int) -> Iterator[tuple[str, float, float]]:
        """The outages of a day: partner, second of its beginning, length in seconds."""
        for no in range(self._outages):
            stream = Stream(self._seed, "outage", no)
            yield stream.pick(partners), stream.between(0.3, 0.8) * day_s, stream.between(300, 2_700)

    async def suffer(self, partner: str, begin_s: float, lasts_s: float) -> None:
        """Let `partner` be unreachable for a while."""
        await self._clock.sleep(begin_s)
        self._record(OUTAGE, partner, "")
        self._down.add(partner)
        await self._clock.sleep(lasts_s)
        self._down.discard(partner)

    def _record(self, kind: str, where: str, order: str) -> None:
        self.injected.append(Fault(f"F{len(self.injected) + 1:04d}", kind, where, order, self._clock.now()))
