"""Buyers who order twice within minutes, and somebody in the office who packs what they bought together.

The operator merges what may be merged, thinks better of it now and then, splits a parcel by hand, asks again where the
answer was "not yet". What became of it is judged like any other order, by `report.py`: every unit left once, and the
channel knows of each once. Here only the operator's own deeds are counted, and what was refused, by name.
"""

from collections import Counter
from typing import Final

from tongdan.domain.fulfillment.packing import Table
from tongdan.domain.kernel.keys import packing_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.repacking import Part, Proposal, Repacking
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.retail import Basket
from tongdan.labs.world.world import World
from tongdan.ports import Accepted, CommandBus, Inbound, Reads

FIRST_NO: Final = 90_000  # orders of the day are numbered from 0
MOST_PAIRS: Final = 4_000
TRIES: Final = 8
AGAIN_S: Final = 240.0
AGAIN_AT_LEAST_S: Final = 0.2
NOT_YET: Final = frozenset({"not-released-yet", "unknown-id", "packing-under-way", "cannot-be-called-back"})


class PackingRoom:
    """`pairs` times somebody orders twice; `done` counts what the operator did, `refused` what could not be."""

    def __init__(self, world: World, repacking: Repacking, bus: CommandBus, reads: Reads, pairs: int) -> None:
        if pairs > MOST_PAIRS:
            raise ValueError(f"expected at most {MOST_PAIRS} pairs, got {pairs}")
        self.done: Final = Counter[str]()
        self.refused: Final = Counter[str]()
        self._world: Final = world
        self._repacking: Final = repacking
        self._bus: Final = bus
        self._reads: Final = reads
        self._pairs: Final = pairs
        self._leads: Final = list[str]()

    def open(self) -> None:
        """Begin; everything that is still to happen is under way in the world from here on."""
        for n in range(self._pairs):
            self._world.bustle.start(self._pair(n))

    def left_open(self) -> list[str]:
        """Orders on whose packing table something still waits for an answer; at the end there should be none."""
        tables = {lead: self._reads.order(packing_key(lead)) for lead in self._leads}
        return [
            lead for lead, table in tables.items()
            if isinstance(table, Table) and not all(job.done for job in table.jobs)
        ]  # fmt: skip

    async def _pair(self, n: int) -> None:
        world, clock = self._world, self._world.setting.clock
        stream = Stream(world.seed, "pair", world.day_no, n)
        baskets = [_small(stream.pick(world.baskets)) for _ in range(2)]
        await clock.sleep(baskets[0].at_s)
        buyer, channel = buyer_of(world.seed, baskets[0].buyer), "DY" if stream.chance(0.6) else "MP"
        natives = list[str]()
        for at, basket in enumerate(baskets):
            natives.append(world.buy(FIRST_NO + 2 * n + at, basket, buyer, stream, channel))
            await clock.sleep(stream.between(60, 420))
        merged = await self._merge(channel, natives)
        if merged and stream.chance(0.7):
            await self._think_again(merged, stream)

    async def _merge(self, channel: str, natives: list[str]) -> str:
        """Ask until both can be merged; the parcel's number, "" when they never could."""
        shop = self._world.shops[channel].id
        for _ in range(TRIES):
            orders = [self._reads.find(channel, shop, native) or native for native in natives]
            proposal = self._repacking.merge(orders)
            if await self._do(proposal):
                self._leads.append(orders[0])
                return proposal.preview.parcels[0].shipment
            if not {each.name for each in proposal.refusals} <= NOT_YET:
                break
            await self._pause(AGAIN_S)
        return ""

    async def _think_again(self, shipment: str, stream: Stream) -> None:
        """Some time later: undo it, or split it and perhaps undo that."""
        await self._pause(stream.between(300, 1_200))
        if stream.chance(0.5):
            await self._do(self._repacking.undo(shipment))
            return
        split = self._repacking.split(shipment, [self._some(shipment, stream)])
        if await self._do(split) and stream.chance(0.5):
            await self._pause(stream.between(300, 1_200))
            await self._do(self._repacking.undo(split.preview.parcels[-1].shipment))

    def _some(self, shipment: str, stream: Stream) -> Part:
        """One unit of the first line, to leave from any warehouse."""
        whole = self._repacking.split(shipment, []).preview
        items = getattr(self._reads.order(whole.sources[0]), "items", ()) if whole.sources else ()
        units = ((items[0].order, items[0].line, 1),) if items else ()
        return Part(units=units, warehouse=stream.pick(["", *self._world.policy.warehouses]))

    async def _pause(self, seconds: float) -> None:
        await self._world.setting.wait(seconds, at_least_s=AGAIN_AT_LEAST_S)

    async def _do(self, proposal: Proposal) -> bool:
        """Apply it, if it can be; what is refused is counted by name."""
        for refusal in proposal.refusals:
            self.refused[refusal.name] += 1
        if proposal.command is None:
            return False
        now = self._world.setting.clock.now()
        reply = await self._bus.ask(
            Inbound(
                command=proposal.command, key=("packing-room", proposal.preview.what, *proposal.preview.sources),
                source="api", shop="", happened_at=now, raw=b"{}", operator="packer",
            )
        )  # fmt: skip
        if isinstance(reply, Refusal):
            self.refused[reply.name] += 1
        else:
            self.done[proposal.preview.what] += 1
        return isinstance(reply, Accepted)


def _small(basket: Basket) -> Basket:
    """At most two lines of three units: what is bought twice is not counted into the day's stock."""
    lines = tuple([line._replace(units=min(line.units, 3)) for line in basket.lines[:2]])
    return basket._replace(lines=lines)
