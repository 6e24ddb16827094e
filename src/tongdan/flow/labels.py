"""Labels for the printer: fetched from the carrier when somebody asks, noted in the journal, given out, not kept.

Fetching is a read that the carrier's actor declares like its other verbs, but nobody waits in a lane for it: a label
that cannot be had now is refused by name, and asked for again. Who took one, and when, is committed before it leaves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

from tongdan.domain.fulfillment.refusals import LABEL_UNAVAILABLE, NO_WAYBILL
from tongdan.domain.fulfillment.shipment import Label, Shipment, carrier
from tongdan.domain.fulfillment.waybill_facts import PrintWaybill
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.ports import Accepted, Actor, Done, Entropy, Errand, Failed, Reads, Reply

AT_ONCE: Final = 4  # labels being fetched by this process
FETCH_WITHIN_S: Final = 30.0

Ask = Callable[[Command], Awaitable[Reply]]


class Printed(NamedTuple):
    """A label as its carrier made it; `form` is pdf, or json for the component of a cloud printer."""

    shipment: str
    carrier: str
    waybill: str
    form: str
    content: bytes

    @property
    def file_name(self) -> str:
        return f"{self.carrier}-{self.waybill}.{self.form}"


def find_shipment(reads: Reads, id: str) -> Shipment | Refusal:
    parsed = parse(id)
    found = reads.order(id) if parsed is not None and parsed.part == "S" else None
    return found if isinstance(found, Shipment) else UNKNOWN_ID.of(id=id[:64])


class LabelDesk:
    """Whoever prints asks here; `ask` commits a command in the name of who asks."""

    def __init__(self, reads: Reads, actors: Iterable[Actor], entropy: Entropy) -> None:
        self._reads: Final = reads
        self._actors: Final = {actor.partner: actor for actor in actors}
        self._entropy: Final = entropy
        self._turn: Final = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, id: str, ask: Ask) -> Printed | Refusal:
        shipment = find_shipment(self._reads, id)
        if isinstance(shipment, Refusal):
            return shipment
        label = shipment.live_label
        if label is None:
            return NO_WAYBILL.of(shipment=id)
        async with self._turn:
            told = await self._from_carrier(id, label)
        if isinstance(told, Failed) or told.command is None:
            reason = told.error if isinstance(told, Failed) else "-"
            return LABEL_UNAVAILABLE.of(waybill=label.waybill, carrier=label.carrier, reason=reason[:200])
        reply = await ask(told.command)
        if not isinstance(reply, Accepted):
            return reply
        form: str = getattr(told.command, "form", "")
        return Printed(id, label.carrier, label.waybill, form, told.raw)

    async def _from_carrier(self, id: str, label: Label) -> Done | Failed:
        partner = carrier(label.carrier)
        actor = self._actors.get(partner)
        if actor is None or PrintWaybill not in actor.verbs:
            return Failed("conf/carriers no longer has `waybill` for it")
        effect = PrintWaybill(
            partner=partner, shipment=id, key=label.key, carrier=label.carrier, waybill=label.waybill
        )
        errand = Errand(f"print/{id}/{self._entropy.token(8).hex()}", id, effect, 1, lambda: None)
        try:
            async with asyncio.timeout(FETCH_WITHIN_S):
                return await actor.perform(errand)
        except TimeoutError:
            return Failed("no answer in time")
