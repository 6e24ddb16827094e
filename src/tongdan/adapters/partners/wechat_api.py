"""What WeChat Pay v3 is asked: open a payment attempt (JSAPI), close it, send money back, and what became of it.

Opening may have taken place when nobody answered, so an attempt is looked up before it is sent again: one that nobody
has paid may be sent again under the same number and gives a prepay id; one that is paid answers as a payment, which
also repairs a lost notice. Closing and refunding may be repeated as they are: the number takes effect once.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tongdan.adapters.partners.exchange import Wire, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.settings import WechatSettings
from tongdan.adapters.partners.wechat import CURRENCY, Transaction, payment_command
from tongdan.adapters.partners.wechat_bills import fetch_bill
from tongdan.adapters.partners.wechat_line import Line, code_of
from tongdan.adapters.partners.wechat_refunds import NOT_THERE as NO_SUCH_THING
from tongdan.adapters.partners.wechat_refunds import Refunds
from tongdan.domain.finance.books import FetchBill
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.commands import RecordPaymentFailure, RecordPrepay, RecordPrepayRefused
from tongdan.domain.orders.facts import Prepay
from tongdan.domain.orders.money.refund_facts import ClosePayment, QueryRefund, RefundPayment
from tongdan.ports import Done, Errand, Failed, HttpResponse, Repeat, Undo, Verb

JSAPI: Final = "/v3/pay/transactions/jsapi"
BY_NUMBER: Final = "/v3/pay/transactions/out-trade-no/"
NOT_THERE: Final = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", NO_SUCH_THING})
PAID_ALREADY: Final = frozenset({"ORDERPAID", "ORDER_PAID"})
CLOSED_ALREADY: Final = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})
STILL_OPEN: Final = frozenset({"NOTPAY", "USERPAYING", "ACCEPT"})
REFUND_DEADLINE_S: Final = 3 * 86_400  # time to top up a merchant's balance over a weekend

VERBS: Final[Mapping[type[Effect], Verb]] = {
    Prepay: Verb(Repeat.QUERY_FIRST, Undo.REVERSIBLE),
    ClosePayment: Verb(Repeat.NATURAL, Undo.IRREVERSIBLE),
    RefundPayment: Verb(Repeat.NATURAL, Undo.IRREVERSIBLE, deadline_s=REFUND_DEADLINE_S),
    QueryRefund: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
    FetchBill: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
}


class _Prepaid(msgspec.Struct):
    prepay_id: str


_prepaid: Final = msgspec.json.Decoder(_Prepaid)
_transaction: Final = msgspec.json.Decoder(Transaction)


class WechatActor:
    """Calls with `wechat/{mchid}`: `appid`, `serial_no`, `private_key` (PEM) and `platform_key:{serial}`."""

    def __init__(self, partner: str, settings: WechatSettings, policy: Policy, wire: Wire) -> None:
        self.partner = partner
        self.verbs = VERBS
        self._settings: Final = settings
        self._policy: Final = policy
        self._line: Final = Line(settings, wire)
        refunds = Refunds(self._line)
        self._do: Final[Mapping[type[Effect], Callable[[Errand, Any, str], Awaitable[Done | Failed]]]] = {
            Prepay: self._open,
            ClosePayment: self._close,
            RefundPayment: refunds.send,
            QueryRefund: refunds.ask,
            FetchBill: partial(fetch_bill, self._line),
        }

    async def perform(self, errand: Errand) -> Done | Failed:
        effect: Any = errand.effect
        do = self._do.get(type(effect))
        if do is None:
            return Failed(f"WeChat Pay knows no {type(effect).__name__}", final=True)
        mchid = self._settings.merchants.get(effect.shop, "")
        if not mchid:
            return Failed(f"no merchant for shop {effect.shop} in conf/partners.yml", final=True)
        return await do(errand, effect, mchid)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        effect = errand.effect
        assert isinstance(effect, Prepay)
        order, attempt = _attempt(effect.out_trade_no)
        mchid = self._settings.merchants.get(effect.shop, "")
        response = await self._query(errand, effect.out_trade_no, mchid)
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            code = code_of(response)
            return (
                None if code in NOT_THERE else Failed(f"WeChat {response.status} {code}", partner_wide=True)
            )
        try:
            state = _transaction.decode(response.body).trade_state
            if state in STILL_OPEN:
                return None
            command, _ = payment_command(mchid, response.body)
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)
        if state != "SUCCESS":
            command = RecordPrepayRefused(order=order, attempt=attempt, reason=state[:32])
        return Done(command, response.body)

    async def _open(self, errand: Errand, effect: Prepay, mchid: str) -> Done | Failed:
        order, attempt = _attempt(effect.out_trade_no)
        person = errand.person()
        if person is None or not person.payer:
            return Done(RecordPrepayRefused(order=order, attempt=attempt, reason="payer-unknown"))
        fields = fields_of(self._line.wire, f"wechat/{mchid}", "appid")
        if isinstance(fields, Failed):
            return fields
        shop = self._policy.shops.get(effect.shop)
        body = msgspec.json.encode(
            {
                "appid": fields[0],
                "mchid": mchid,
                "description": (shop.name if shop else effect.shop)[:40],
                "out_trade_no": effect.out_trade_no,
                "notify_url": f"{self._settings.notify_url}{mchid}",
                "amount": {"total": effect.amount_fen, "currency": CURRENCY},
                "payer": {"openid": person.payer},
            }
        )
        response = await self._line.call(errand, mchid, "POST", JSAPI, body)
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            code = code_of(response)
            if code in PAID_ALREADY:  # the look-up before the next try finds it
                return Failed(f"WeChat {response.status} {code}", unknown=True)
            return Done(RecordPrepayRefused(order=order, attempt=attempt, reason=code), response.body)
        try:
            command = RecordPrepay(
                order=order, attempt=attempt, prepay=_prepaid.decode(response.body).prepay_id
            )
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)
        return Done(command, response.body)

    async def _close(self, errand: Errand, effect: ClosePayment, mchid: str) -> Done | Failed:
        """An attempt that cannot be closed because it is paid answers as that payment."""
        body = msgspec.json.encode({"mchid": mchid})
        path = f"{BY_NUMBER}{effect.out_trade_no}/close"
        response = await self._line.call(errand, mchid, "POST", path, body)
        if isinstance(response, Failed):
            return response
        code = code_of(response) if response.status >= 400 else "CLOSED"
        if code in PAID_ALREADY:
            return await self._paid(errand, effect, mchid)
        if response.status < 300 or code in NOT_THERE | CLOSED_ALREADY:
            order, attempt = _attempt(effect.out_trade_no)
            return Done(RecordPaymentFailure(order=order, attempt=attempt, reason=code), response.body)
        return Failed(f"WeChat {response.status} {code}")

    async def _paid(self, errand: Errand, effect: ClosePayment, mchid: str) -> Done | Failed:
        response = await self._query(errand, effect.out_trade_no, mchid)
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            return Failed(f"WeChat {response.status} {code_of(response)}", unknown=True)
        try:
            return Done(payment_command(mchid, response.body)[0], response.body)
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)

    async def _query(self, errand: Errand, out_trade_no: str, mchid: str) -> HttpResponse | Failed:
        path = f"{BY_NUMBER}{out_trade_no}?{urlencode({'mchid': mchid})}"
        return await self._line.call(errand, mchid, "GET", path, b"")


def _attempt(out_trade_no: str) -> tuple[str, int]:
    """The order and the number of its payment attempt."""
    parsed = ids.parse(out_trade_no)
    assert parsed is not None
    return parsed.order, parsed.part_no
