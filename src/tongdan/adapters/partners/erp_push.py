"""An ERP that takes orders as signed JSON: for those that have an interface made for it, or something in between.

All messages are POSTed to one address, signed as `authentic.py` says, under an id that is the same for every repeat:
the ERP keeps what it has taken and answers with its own number. Taking back what it does not know is success, too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.adapters.partners.authentic import signed_headers
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.settings import ErpSettings
from tongdan.adapters.partners.telling import tell_refund
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.commands import NoteSystemStatus
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.domain.orders.erp_facts import CancelAtErp, PushToErp, ReviseAtErp
from tongdan.ports import Done, Errand, Failed, HttpRequest, HttpResponse, Repeat, Undo, Verb

ERP: Final = "erp"  # under this name an order keeps what its ERP said
SAVED: Final = "saved"
CANCELLED: Final = "cancelled"
CURRENCY: Final = "CNY"


class _Answer(msgspec.Struct):
    """`number` is the ERP's own; `error` names why it does not take the order."""

    ok: bool
    number: str = ""
    error: str = ""


_answer: Final = msgspec.json.Decoder(_Answer)


class ErpPushActor:
    """`partner` is `erp/NAME`, its credential has the same name (`secret`)."""

    def __init__(self, partner: str, settings: ErpSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            PushToErp: Verb(Repeat.KEYED, Undo.COMPENSABLE),
            ReviseAtErp: Verb(Repeat.KEYED, Undo.COMPENSABLE),
            CancelAtErp: Verb(Repeat.KEYED, Undo.IRREVERSIBLE),
            TellRefund: Verb(Repeat.KEYED, Undo.REVERSIBLE),
        }
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if isinstance(effect, TellRefund):
            return await tell_refund(self._wire, self._settings.base_url, self.partner, errand, effect)
        if not isinstance(effect, PushToErp | ReviseAtErp | CancelAtErp):
            return Failed(f"an ERP knows no {type(effect).__name__}", final=True)
        fields = fields_of(self._wire, self.partner, "secret")
        if isinstance(fields, Failed):
            return fields
        body = msgspec.json.encode({"id": errand.id, **_told(effect)})
        headers = signed_headers(
            fields[0].encode(), self._wire.clock.now(), f"{errand.id}-{errand.tries}", body
        )
        response = await exchange(
            self._wire,
            HttpRequest(method="POST", url=self._settings.base_url, headers=headers, body=body),
        )
        return response if isinstance(response, Failed) else self._heard(effect, response)

    def _heard(self, effect: PushToErp | ReviseAtErp | CancelAtErp, response: HttpResponse) -> Done | Failed:
        if response.status in (401, 403):
            away = response.status == UNAUTHORIZED
            return Failed(f"HTTP {response.status}", partner_wide=True, turned_away=away)
        if response.status >= 300:
            return Failed(f"HTTP {response.status}", final=True)
        try:
            said = _answer.decode(response.body)
        except UNREADABLE as error:
            return Failed(f"the answer cannot be read: {reason_of(error)}", unknown=True)
        if not said.ok:
            return Failed(f"the ERP refuses it: {said.error[:80]}", final=True)
        word = f"{SAVED} {said.number[:40]}".strip() if not isinstance(effect, CancelAtErp) else CANCELLED
        return Done(erp_said(effect.order, word, self._wire.clock.now()), response.body)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None


def _told(effect: PushToErp | ReviseAtErp | CancelAtErp) -> dict[str, Any]:
    if isinstance(effect, ReviseAtErp):
        return _revised(effect)
    if isinstance(effect, CancelAtErp):
        return {"type": "cancel", "order_id": effect.order, "shop": effect.shop, "reason": effect.reason}
    lines = [
        {
            "no": line.no, "sku": line.sku, "units": line.units, "amount_fen": line.amount_fen, "title": line.title,
            "gift": line.gift, "bundle": line.bundle,
        }
        for line in effect.lines
    ]  # fmt: skip
    return {
        "type": "order",
        "order_id": effect.order,
        "channel": effect.channel,
        "shop": effect.shop,
        "native": effect.native,
        "lines": lines,
        "amount_fen": effect.amount_fen,
        "freight_fen": effect.freight_fen,
        "discount_fen": effect.discount_fen,
        "currency": CURRENCY,
        "placed_at": effect.placed_at,
        "paid_at": effect.paid_at,
    }


def _revised(effect: ReviseAtErp) -> dict[str, Any]:
    """The order as it would be pushed now, and what has become of it since."""
    parcels = [
        {
            "carrier": p.carrier,
            "waybill": p.waybill,
            "lines": [{"no": u.line, "units": u.units} for u in p.units],
        }
        for p in effect.parcels
    ]
    more = {"revision": effect.revision, "refunded_fen": effect.refunded_fen, "parcels": parcels}
    return {**_told(effect.copy), "type": "revision", **more}


def erp_said(order: str, word: str, at: datetime) -> NoteSystemStatus:
    """That an ERP has taken the order over (`saved`, with its number), or has given it up."""
    means = "cancelled" if word == CANCELLED else "released"
    return NoteSystemStatus(order=order, system=ERP, native_status=word, said_at=at, status=means)
