"""How Kuaishou phrases its after-sales: of what has left, and the refunds that are asked for before.

The life of a case is `after_sales.py`; a refund asked for before the order has left is the order's own, and answered
there. A refusal leaves the status as it was and stands beside it. Source: as the adapter's.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from tongdan.labs.world.after_sales import AfterSales, Case
from tongdan.labs.world.gateway import Refused
from tongdan.labs.world.kuaishou import ASKED, PAID_BACK, TAKEN_BACK, Kuaishou, KuaishouOrder
from tongdan.labs.world.setting import Setting

NOT_NOW: Final = (807_000, "2001", "售后单状态不允许此操作")
RETURN_REFUND, REFUND_ONLY = 1, 10
SF: Final = 4


class KuaishouWords:
    listing: Final = "open.seller.order.refund.pcursor.list"
    _STATUS: Final = {"awaiting_return": 30, "returning": 40, "refunding": 50, "refunded": 60, "closed": 70}

    def __init__(self, setting: Setting, platform: Kuaishou) -> None:
        self._setting: Final = setting
        self._platform: Final = platform
        self.book: Final = AfterSales(setting, "kuaishou", self._tell, NOT_NOW)
        self.methods: Final[dict[str, Callable[[Mapping[str, Any]], object]]] = {
            "open.seller.order.refund.detail": lambda said: self._show(str(said["refundId"])),
            self.listing: self._list,
            "open.seller.order.refund.returngoods.approve": self._agree,
            "open.seller.order.refund.approve": self._pay_back,
            "open.seller.order.refund.confirm.receipt": self._take_back,
            "open.refund.reject": self._reject,
        }

    def _tell(self, case: Case) -> None:
        event = "addRefund" if case.stage == "applied" else "updateRefund"
        about = {
            "orderId": int(case.order), "refundId": int(case.number), "handlingWay": self._way(case),
            "specialRefundType": 0, "status": self._status(case),
        }  # fmt: skip
        number = self._setting.stream("after-sale message", case.number, case.told)
        self._platform.tell(event, case.order, int(case.number), about, number, case.updated_at)

    def _way(self, case: Case) -> int:
        return RETURN_REFUND if case.kind == "return_refund" else REFUND_ONLY

    def _status(self, case: Case) -> int:
        asked = 11 if case.kind == "return_refund" else 10
        if case.stage == "refused":
            return self._STATUS["returning"] if case.waybill else asked
        return self._STATUS.get(case.stage, asked)

    # ---- answers

    def _agree(self, said: Mapping[str, Any]) -> bool:
        case = self.book.of(said["refundId"])
        if said["refundAmount"] != case.amount_fen or not said["addressId"]:
            raise Refused(807_000, "2002", "退款金额或退货地址有误")
        self.book.answer(case.number, "agree")
        return True

    def _pay_back(self, said: Mapping[str, Any]) -> bool:
        shown = self._show(str(said["refundId"]))
        if any(said[name] != shown[of] for name, of in _AS_SHOWN.items()):
            raise Refused(*NOT_NOW)
        if not self._answered(said["refundId"], PAID_BACK):
            self.book.answer(said["refundId"], "refund")
        return True

    def _take_back(self, said: Mapping[str, Any]) -> bool:
        case = self.book.of(said["refundId"])
        if self._way(case) != RETURN_REFUND or said["status"] != self._status(case):
            raise Refused(*NOT_NOW)
        self.book.answer(case.number, "refund")
        return True

    def _reject(self, said: Mapping[str, Any]) -> bool:
        if said["refundVersion"] != self._show(str(said["refundId"]))["updateTime"]:
            raise Refused(*NOT_NOW)
        if not self._answered(said["refundId"], TAKEN_BACK):
            self.book.answer(said["refundId"], "refuse")
        return True

    def _answered(self, number: object, refund: int) -> bool:
        """An order's own refund was answered so."""
        order = self._order_of(str(number))
        if order is None:
            return False
        if order.refund != ASKED:
            raise Refused(*NOT_NOW)
        self._platform.decide_refund(order, refund)
        return True

    def _order_of(self, number: str) -> KuaishouOrder | None:
        order = self._platform.orders.get(str(int(number) - 9))
        return order if order is not None and order.refund else None

    # ---- what is shown

    def _list(self, said: Mapping[str, Any]) -> object:
        """Both ends belong to the span; the last changed first, by a cursor."""
        orders = [str(order.refund_id) for order in self._platform.orders.values() if order.refund]
        shown = [self._show(number) for number in (*self.book.cases, *orders)]
        found = sorted(
            (
                (each["updateTime"], each["refundId"], each["oid"])
                for each in shown
                if said["beginTime"] <= each["updateTime"] <= said["endTime"]
            ),
            reverse=True,
        )
        if said["pcursor"]:
            stamp, _, last = said["pcursor"].partition("_")
            found = [each for each in found if each[:2] < (int(stamp), int(last))]
        page = found[: said["pageSize"]]
        rows = [{"refundId": number, "oid": oid, "updateTime": at} for at, number, oid in page]
        more = len(found) > len(page)
        return {
            "refundOrderInfoList": rows,
            "pcursor": f"{page[-1][0]}_{page[-1][1]}" if more else "nomore",
            "totalSize": len(found),
        }

    def _show(self, number: str) -> dict[str, Any]:
        order = self._order_of(number)
        if order is not None:
            return self._show_order(order)
        case = self.book.of(number)
        return {
            "refundId": int(number), "oid": int(case.order), "handlingWay": self._way(case),
            "status": self._status(case), "negotiateStatus": 3 if case.stage == "refused" else 1,
            "specialRefundType": 0, "refundFee": case.amount_fen, "productNum": case.units,
            "submitTime": _ms(case.applied_at), "updateTime": _ms(case.updated_at), "refundReason": 1,
            "expireTime": _ms(case.decide_by) if case.decide_by else 0,
            "logisticsInfo": {"expressNo": case.waybill, "expressCode": SF if case.waybill else 0},
        }  # fmt: skip

    def _show_order(self, order: KuaishouOrder) -> dict[str, Any]:
        asked_at = order.refund_asked_at
        assert asked_at is not None
        return {
            "refundId": order.refund_id, "oid": int(order.id), "handlingWay": REFUND_ONLY,
            "status": order.refund, "negotiateStatus": 1, "specialRefundType": 0,
            "refundFee": order.amount_fen, "productNum": order.parts[0].units, "refundReason": 1,
            "submitTime": _ms(asked_at), "updateTime": _ms(order.updated_at), "expireTime": 0,
        }  # fmt: skip


_AS_SHOWN: Final = {
    "refundAmount": "refundFee",
    "status": "status",
    "negotiateStatus": "negotiateStatus",
    "refundHandingWay": "handlingWay",
}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1_000)
