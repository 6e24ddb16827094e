"""The refund counter of the simulated WeChat Pay: takes refunds, carries them out later, and says what became of them.

A refund is accepted first and reaches the buyer afterwards: a wallet within minutes, a bank card within days, and now
and then not at all. The same `out_refund_no` with the same sum is the same refund; never more goes back of a trade
than was paid. Source: the merchant documentation of refunds, their query and their result notice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from tongdan.labs.world.faults import (
    ANSWER_LOST,
    BUSY,
    MISTOLD,
    NEVER_TOLD,
    NOTICE_FIRST,
    REFUND_ABNORMAL,
)
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.wechat_books import ABNORMAL, CLOSED, SUCCESS, Notice, Refund, Refused, Trade, rfc3339

REFUNDS: Final = "/v3/refund/domestic/refunds"
MOST_REFUNDS: Final = 50  # of one trade
WALLET_SHARE: Final = 0.7
WALLET_S: Final = (1.0, 300.0)
BANK_CARD_S: Final = (43_200.0, 3 * 86_400.0)
_CALL: Final = (BUSY, ANSWER_LOST, NOTICE_FIRST, REFUND_ABNORMAL, MISTOLD)

Tell = Callable[[Notice, str], None]


class Refunds:
    """`tell` sends a notice about an order until it is heard, `whisper` sends one once and does not look back."""

    def __init__(
        self, setting: Setting, mchid: str, trades: Mapping[str, Trade], tell: Tell, whisper: Tell
    ) -> None:
        self.books: Final[dict[str, Refund]] = {}
        self._setting: Final = setting
        self._mchid: Final = mchid
        self._trades: Final = trades
        self._tell: Final = tell
        self._whisper: Final = whisper

    # ---- what it answers

    def take(self, asked: Mapping[str, Any]) -> tuple[dict[str, object], str]:
        """The answer to a refund, and the fault that befalls it on its way. Raises Refused."""
        number, refund_fen, trade = self._read(asked)
        fault = self._fault(trade)
        if fault == BUSY:
            raise Refused(500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        refund = self.books.get(number)
        if refund is None:
            refund = self._accept(number, refund_fen, trade, str(asked["notify_url"]), fault)
        elif (refund.amount_fen, refund.trade) != (refund_fen, trade):
            raise Refused(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        return self._answer(refund), fault

    def find(self, number: str) -> dict[str, object]:
        if number not in self.books:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self._answer(self.books[number])

    def _read(self, asked: Mapping[str, Any]) -> tuple[str, int, Trade]:
        try:
            number, transaction = str(asked["out_refund_no"]), str(asked["transaction_id"])
            refund_fen, total_fen = asked["amount"]["refund"], asked["amount"]["total"]
            known = asked["amount"]["currency"] == "CNY" and bool(asked["notify_url"])
        except (KeyError, TypeError):
            raise Refused(400, "PARAM_ERROR", "参数错误") from None
        if not known or not number or type(refund_fen) is not int or refund_fen <= 0:
            raise Refused(400, "PARAM_ERROR", "参数错误")
        paid = (trade for trade in self._trades.values() if trade.state == SUCCESS)
        trade = next((trade for trade in paid if trade.transaction_id == transaction), None)
        if trade is None:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        if total_fen != trade.paid_fen:
            raise Refused(400, "INVALID_REQUEST", "订单金额与原订单不一致")
        return number, refund_fen, trade

    def _fault(self, trade: Trade) -> str:
        # A merchant asks in its own time: where the world is in a hurry, what is never told would never be known.
        in_its_time = self._setting.clock is self._setting.common
        kinds = (*_CALL, NEVER_TOLD) if in_its_time else _CALL
        return self._setting.faults.meet("wechat.refund", self._native(trade), kinds)

    def _accept(self, number: str, refund_fen: int, trade: Trade, notify_url: str, fault: str) -> Refund:
        of_trade = [
            refund for refund in self.books.values() if refund.trade is trade and refund.status != CLOSED
        ]
        if sum(refund.amount_fen for refund in of_trade) + refund_fen > trade.paid_fen:
            raise Refused(400, "INVALID_REQUEST", "退款金额大于订单可退金额")
        if len(of_trade) >= MOST_REFUNDS:
            raise Refused(400, "INVALID_REQUEST", "退款次数超过限制")
        stream, now = self._setting.stream("refund", number), self._setting.clock.now()
        refund = Refund(number, f"5030{stream.digits(24)}", trade, refund_fen, notify_url, now)
        self.books[number] = refund
        if fault == NOTICE_FIRST:
            self._end(refund, fault)
        else:
            self._setting.bustle.start(self._carry_out(refund, fault))
        return refund

    # ---- what becomes of it

    async def _carry_out(self, refund: Refund, fault: str) -> None:
        stream = self._setting.stream("refund", refund.out_refund_no, "way")
        span_s = WALLET_S if stream.chance(WALLET_SHARE) else BANK_CARD_S
        await self._setting.clock.sleep(stream.between(*span_s))
        self._end(refund, fault)

    def _end(self, refund: Refund, fault: str) -> None:
        refund.status = ABNORMAL if fault == REFUND_ABNORMAL else SUCCESS
        refund.ended_at = self._setting.clock.now()
        said = self._result(refund)
        if fault == MISTOLD:
            self._whisper(
                self._notice(refund, "wrong", said | self._mistake(refund)), self._native(refund.trade)
            )
        if fault != NEVER_TOLD:
            self._tell(self._notice(refund, "", said), self._native(refund.trade))

    def _mistake(self, refund: Refund) -> dict[str, object]:
        """What belongs to another refund, to none of the merchant's, or is not what was asked for."""
        order, _, no = refund.out_refund_no.rpartition("-R")
        stranger = f"{order[:10]}9{order[10:]}"
        total = refund.trade.paid_fen
        wrong: tuple[dict[str, object], ...] = (
            {
                "amount": {
                    "total": total,
                    "refund": refund.amount_fen + 1,
                    "payer_refund": refund.amount_fen + 1,
                }
            },
            {"out_refund_no": f"{order}-R{int(no) + 1}"},
            {"out_refund_no": f"{stranger}-R{no}", "out_trade_no": f"{stranger}-P1"},
            {"transaction_id": f"4200{'0' * 24}"},
        )
        return self._setting.stream("refund", refund.out_refund_no, "mistake").pick(wrong)

    def _notice(self, refund: Refund, name: str, said: Mapping[str, object]) -> Notice:
        stream = self._setting.stream("refund", refund.out_refund_no, "notice", name)
        event = f"REFUND.{said['refund_status']}"
        return Notice(f"EV-{stream.digits(20)}", event, said, refund.notify_url, self._setting.clock.now())

    def _native(self, trade: Trade) -> str:
        return self._setting.names.native_of(trade.out_trade_no)

    # ---- its two ways of saying it

    def _result(self, refund: Refund) -> dict[str, object]:
        """As a notice: the merchant, and `refund_status`."""
        said = self._common(refund) | {"mchid": self._mchid, "refund_status": refund.status}
        return said | self._success_time(refund.ended_at if refund.status == SUCCESS else None)

    def _answer(self, refund: Refund) -> dict[str, object]:
        """As an answer: `status`, the currency, and where the money comes from."""
        said = self._common(refund)
        said |= {
            "status": refund.status,
            "channel": "ORIGINAL",
            "create_time": rfc3339(refund.created_at),
            "funds_account": "AVAILABLE",
            "promotion_detail": [],
            "amount": {
                **self._amount(refund),
                "settlement_refund": refund.amount_fen,
                "settlement_total": refund.trade.paid_fen,
                "discount_refund": 0,
                "currency": "CNY",
                "from": [],
            },
        }
        return said | self._success_time(refund.ended_at if refund.status == SUCCESS else None)

    def _common(self, refund: Refund) -> dict[str, object]:
        return {
            "out_trade_no": refund.trade.out_trade_no,
            "transaction_id": refund.trade.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "user_received_account": "支付用户零钱",
            "amount": self._amount(refund),
        }

    def _amount(self, refund: Refund) -> dict[str, object]:
        total, back = refund.trade.paid_fen, refund.amount_fen
        return {"total": total, "refund": back, "payer_total": total, "payer_refund": back}

    def _success_time(self, at: datetime | None) -> dict[str, object]:
        return {} if at is None else {"success_time": rfc3339(at)}
