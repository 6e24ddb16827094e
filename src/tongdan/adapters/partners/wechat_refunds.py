"""Refunds at WeChat Pay v3: sent under our number, which takes effect once however often it is sent, and asked for.

A refusal is believed only after the refund was looked for and is not there, because one that may be under way must
not be given up: its money would be sent again. Source: the merchant documentation of refunds; 404
RESOURCE_NOT_EXISTS is the query's word for a refund that does not exist.
"""

from typing import Final

import msgspec

from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.wechat import CURRENCY, read_refund
from tongdan.adapters.partners.wechat_line import Line, code_of
from tongdan.domain.kernel import ids
from tongdan.domain.orders.commands import RecordRefundRefused
from tongdan.domain.orders.money.refund_facts import QueryRefund, RefundPayment
from tongdan.ports import Done, Errand, Failed, HttpResponse

REFUNDS: Final = "/v3/refund/domestic/refunds"
NOT_THERE: Final = "RESOURCE_NOT_EXISTS"
NO_BALANCE: Final = "NOT_ENOUGH"
NO_BALANCE_RETRY_S: Final = 600.0  # the merchant has to top up its balance


class Refunds:
    """The two verbs about refunds."""

    def __init__(self, line: Line) -> None:
        self._line: Final = line

    async def send(self, errand: Errand, effect: RefundPayment, mchid: str) -> Done | Failed:
        body = msgspec.json.encode(
            {
                "transaction_id": effect.transaction,
                "out_refund_no": effect.out_refund_no,
                "notify_url": f"{self._line.settings.notify_url}{mchid}",
                "amount": {
                    "refund": effect.amount_fen,
                    "total": effect.total_fen,
                    "currency": CURRENCY,
                },
            }
        )
        response = await self._line.call(errand, mchid, "POST", REFUNDS, body)
        if isinstance(response, Failed):
            return response
        if response.status < 300:
            return self._result(response, effect.out_refund_no)
        code = code_of(response)
        if code == NO_BALANCE:
            return Failed(f"WeChat {response.status} {code}", retry_after_s=NO_BALANCE_RETRY_S)
        found = await self._find(errand, effect.out_refund_no, mchid)
        if found is not None:
            return found
        return Done(_refused(effect.out_refund_no, code), response.body)

    async def ask(self, errand: Errand, effect: QueryRefund, mchid: str) -> Done | Failed:
        found = await self._find(errand, effect.out_refund_no, mchid)
        if found is None and effect.accepted:
            return Failed("WeChat does not know a refund that it has accepted", unknown=True)
        return found or Done(_refused(effect.out_refund_no, NOT_THERE))

    async def _find(self, errand: Errand, out_refund_no: str, mchid: str) -> Done | Failed | None:
        """What became of it; None: it certainly does not exist."""
        response = await self._line.call(errand, mchid, "GET", f"{REFUNDS}/{out_refund_no}", b"")
        if isinstance(response, Failed):
            return response
        if response.status < 300:
            return self._result(response, out_refund_no)
        code = code_of(response)
        return None if code == NOT_THERE else Failed(f"WeChat {response.status} {code}", unknown=True)

    def _result(self, response: HttpResponse, out_refund_no: str) -> Done | Failed:
        try:
            command = read_refund(response.body, self._line.wire.clock.now())
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)
        if ids.refund_id(command.order, command.refund) != out_refund_no:
            return Failed("the answer is about another refund", unknown=True)
        return Done(command, response.body)


def _refused(out_refund_no: str, reason: str) -> RecordRefundRefused:
    refund = ids.parse(out_refund_no)
    assert refund is not None
    return RecordRefundRefused(order=refund.order, refund=refund.part_no, reason=reason)
