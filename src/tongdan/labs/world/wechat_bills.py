"""The trade bill of a day as the simulated WeChat Pay gives it: announced with a hash, then fetched as a file.

Source: the merchant documentation of the trade bill and of its download; a day without trade has none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha1
from typing import Final

from tongdan.domain.kernel import ids
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.wechat_books import SUCCESS, Refund, Refused, Trade

TRADE_BILL: Final = "/v3/bill/tradebill"
FILES: Final = "/v3/billdownload/file"
FEE_BP: Final = 60  # basis points of what was paid
_HEADING: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)
_TOTALS: Final = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


class Bills:
    def __init__(self, mchid: str, trades: Mapping[str, Trade], refunds: Mapping[str, Refund]) -> None:
        self._mchid: Final = mchid
        self._trades: Final = trades
        self._refunds: Final = refunds
        self._files: Final[dict[str, bytes]] = {}

    def announce(self, query: Mapping[str, Sequence[str]]) -> dict[str, object]:
        """Raises Refused."""
        try:
            day = date.fromisoformat(query["bill_date"][0])
        except (KeyError, ValueError):
            raise Refused(400, "PARAM_ERROR", "账单日期格式错误") from None
        rows = [*self._paid(day), *self._gone_back(day)]
        if not rows:
            raise Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        file = _file(
            [line for line, _, _ in rows], [paid for _, paid, _ in rows], [back for *_, back in rows]
        )
        token = sha1(file).hexdigest()
        self._files[token] = file
        url = f"https://api.mch.weixin.qq.com{FILES}?token={token}"
        return {"hash_type": "SHA1", "hash_value": token, "download_url": url}

    def file(self, query: Mapping[str, Sequence[str]]) -> bytes:
        """Raises Refused."""
        token = query.get("token", [""])[0]
        if token not in self._files:
            raise Refused(400, "PARAM_ERROR", "下载链接已失效")
        return self._files[token]

    def _paid(self, day: date) -> Iterator[tuple[str, int, int]]:
        for trade in self._trades.values():
            if (
                trade.state == SUCCESS
                and trade.paid_at is not None
                and ids.business_day(trade.paid_at) == day
            ):
                yield self._row(trade, trade.paid_at, None), trade.paid_fen, 0

    def _gone_back(self, day: date) -> Iterator[tuple[str, int, int]]:
        for refund in self._refunds.values():
            if ids.business_day(refund.created_at) == day:
                yield self._row(refund.trade, refund.created_at, refund), 0, refund.amount_fen

    def _row(self, trade: Trade, at: datetime, refund: Refund | None) -> str:
        paid_fen, back_fen = (trade.paid_fen, 0) if refund is None else (0, refund.amount_fen)
        fee = (paid_fen - back_fen) * FEE_BP / 1_000_000
        cells = [
            at.astimezone(ids.SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"), "wx", self._mchid, "0", "", trade.transaction_id,
            trade.out_trade_no, trade.openid, "JSAPI", "SUCCESS" if refund is None else "REFUND", "OTHERS", "CNY",
            yuan_from_fen(paid_fen), "0.00", "0" if refund is None else refund.refund_id,
            "0" if refund is None else refund.out_refund_no, yuan_from_fen(back_fen), "0.00",
            "" if refund is None else "ORIGINAL", "" if refund is None else refund.status, "商品", "", f"{fee:.5f}",
            "0.60%", yuan_from_fen(paid_fen), yuan_from_fen(back_fen), "",
        ]  # fmt: skip
        return "`" + ",`".join(cells)


def _file(rows: Iterable[str], paid_fen: Sequence[int], back_fen: Sequence[int]) -> bytes:
    paid, back = yuan_from_fen(sum(paid_fen)), yuan_from_fen(sum(back_fen))
    fee = (sum(paid_fen) - sum(back_fen)) * FEE_BP / 1_000_000
    totals = f"`{len(paid_fen)},`{paid},`{back},`0.00,`{fee:.5f},`{paid},`{back}"
    return ("\ufeff" + "\r\n".join([_HEADING, *rows, _TOTALS, totals, ""])).encode()
