"""Telling a system of the seller's own something: JSON, signed as `authentic.py` says, under an id that it keeps once.

A missing credential or a refused signature stops the system, not the message; any other refusal is this message's. How
a refund stands is told to all of them in the same words; an answer that is no refusal proves that it was taken.
"""

from typing import Final

import msgspec

from tongdan.adapters.partners.authentic import signed_headers
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.domain.kernel import ids
from tongdan.domain.orders.confirmation.commands import RecordRefundTold
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.ports import Done, Errand, Failed, HttpRequest, HttpResponse

CURRENCY: Final = "CNY"


class _Answer(msgspec.Struct):
    ok: bool = True


_answer: Final = msgspec.json.Decoder(_Answer)


async def tell(
    wire: Wire, url: str, credential: str, errand: Errand, said: dict[str, object]
) -> HttpResponse | Failed:
    """Post `said` with the errand's id, signed with the `secret` of `credential`; the answer below 300."""
    fields = fields_of(wire, credential, "secret")
    if isinstance(fields, Failed):
        return fields
    body = msgspec.json.encode({"id": errand.id, **said})
    nonce = f"{errand.id}-{errand.tries}"
    headers = signed_headers(fields[0].encode(), wire.clock.now(), nonce, body)
    response = await exchange(wire, HttpRequest(method="POST", url=url, headers=headers, body=body))
    if isinstance(response, Failed):
        return response
    if response.status in (401, 403):
        away = response.status == UNAUTHORIZED
        return Failed(f"HTTP {response.status}", partner_wide=True, turned_away=away)
    if response.status >= 300:
        return Failed(f"HTTP {response.status}", final=True)
    return response


async def tell_refund(
    wire: Wire, url: str, credential: str, errand: Errand, effect: TellRefund
) -> Done | Failed:
    """Post how a refund stands. `refund-withdrawn` undoes whatever was told of it before."""
    refund = ids.parse(effect.refund)
    assert refund is not None
    said: dict[str, object] = {
        "type": effect.word,
        "order_id": effect.order,
        "refund_id": effect.refund,
        "channel": effect.channel,
        "shop": effect.shop,
        "native": effect.native,
        "amount_fen": effect.amount_fen,
        "currency": CURRENCY,
        "cause": effect.cause,
        "reason": effect.reason,
        "at": effect.at,
    }
    response = await tell(wire, url, credential, errand, said)
    if isinstance(response, Failed):
        return response
    try:
        answer = _answer.decode(response.body)
    except UNREADABLE:
        return Failed(f"HTTP {response.status}: no answer about a refund", unknown=True)
    if not answer.ok:
        return Failed(f"HTTP {response.status}: it does not take {effect.word}", final=True)
    told = RecordRefundTold(
        order=effect.order, refund=refund.part_no, partner=effect.partner, word=effect.word
    )
    return Done(told, response.body)
