"""The seller's customer-service system: it is told of every waybill, so that whoever is asked can answer.

Our own interface: JSON signed as `authentic.py` says, `event` is shipped (a parcel left) or repacked (lines lie in
another shipment now); a refund is told by its `type`. It keeps the first of an id, and answers `{"ok": true, "status":
"…"}`: what it says stands on the order beside what the other systems say.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import ServiceSettings
from tongdan.adapters.partners.telling import tell, tell_refund
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.commands import NoteSystemStatus
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.domain.orders.facts import TellService
from tongdan.ports import Done, Errand, Failed, Repeat, Undo, Verb

SYSTEM: Final = "service"  # under this name an order keeps what it said
SAID: Final = "noted"  # by an answer that says nothing of its own
LONGEST: Final = 64


class _Answer(msgspec.Struct):
    ok: bool
    status: str = SAID


_answer: Final = msgspec.json.Decoder(_Answer)


class ServiceActor:
    """Tells with the credential `service/{system}` (`secret`)."""

    def __init__(self, partner: str, settings: ServiceSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            TellService: Verb(Repeat.KEYED, Undo.COMPENSABLE),
            TellRefund: Verb(Repeat.KEYED, Undo.REVERSIBLE),
        }
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect, credential = errand.effect, f"service/{self._settings.system}"
        if isinstance(effect, TellRefund):
            return await tell_refund(self._wire, self._settings.base_url, credential, errand, effect)
        if not isinstance(effect, TellService):
            return Failed(f"customer service knows no {type(effect).__name__}", final=True)
        said: dict[str, object] = {
            "event": effect.event,
            "order_id": effect.order,
            "channel": effect.channel,
            "shop": effect.shop,
            "native": effect.native,
            "shipment": effect.shipment,
            "carrier": effect.carrier,
            "waybill": effect.waybill,
            "lines": [{"line": line, "units": units} for line, units in effect.units],
            "at": effect.at,
        }
        response = await tell(self._wire, self._settings.base_url, credential, errand, said)
        if isinstance(response, Failed):
            return response
        try:
            answer = _answer.decode(response.body)
        except UNREADABLE:
            return Failed(f"HTTP {response.status}: no answer of customer service", unknown=True)
        if not answer.ok:
            return Failed(f"customer service: {answer.status[:LONGEST]}", final=True)
        command = NoteSystemStatus(
            order=effect.order,
            system=SYSTEM,
            native_status=answer.status[:LONGEST],
            said_at=self._wire.clock.now(),
        )
        return Done(command, response.body)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None
