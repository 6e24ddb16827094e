"""How a centre takes restored data up: every slot opens a new epoch, and ids are given out beyond what was lost.

It goes through the bus like everything else, so the restore stands in each slot's chain. Then those who were erased
since the backup are erased again, also if their order was lost, and orders come back under the ids partners know.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.lost import Counter, lost_by
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.slots import SLOTS, slot_of
from tongdan.domain.orders.commands import ResurfaceOrder
from tongdan.domain.sync.commands import OpenEpoch
from tongdan.flow.bus import Bus
from tongdan.flow.erasure import Erasure
from tongdan.ports import Inbound, Reply, StoreFailure

AT_ONCE: Final = 500
SOURCE: Final = "restore"
IDS_A_SECOND: Final = (
    200  # of one slot and channel: 256 slots together then give out four times the highest rate aimed at
)
LEAST_JUMP: Final = 1_000


class Reopened(msgspec.Struct, frozen=True, kw_only=True):
    """`jump`: how many ids of each slot, channel and day were passed over; `back`: orders known again under their ids.

    `unfit`: of the ids that were to be known again, those that cannot have been lost.
    """

    since: datetime
    until: datetime
    jump: int
    back: int
    unfit: tuple[str, ...]
    erased: int


def jump_for(since: datetime, until: datetime) -> int:
    """More ids than one slot can have given out on one channel between the two."""
    return max(LEAST_JUMP, IDS_A_SECOND * -(-(until - since) // timedelta(seconds=1)))


class Reopening:
    """For a centre that has not started: `reopen` once, before it serves."""

    def __init__(self, bus: Bus, erasure: Erasure, policy: Policy, erased: Iterable[str]) -> None:
        """`erased`: what the erasure log names."""
        self._bus = bus
        self._erasure = erasure
        self._policy = policy
        self._erased = [id for id in erased if parse(id) is not None]

    async def reopen(
        self, backup: str, since: datetime, until: datetime, jump: int, known: Sequence[tuple[str, str]]
    ) -> Reopened:
        """`known`: (our id, the platform's number) of orders that partners know since `since`.

        Raises StoreFailure when it cannot be written, ValueError for a span that cannot be.
        """
        counters = self._counters()
        channels = {shop.channel for shop in self._policy.shops.values()}
        channels.update(channel for _, channel, _ in counters)
        opened = [
            OpenEpoch(slot=slot, backup=backup, lost=lost_by(counters, slot, channels, since, until, jump))
            for slot in range(SLOTS)
        ]  # fmt: skip
        for reply in await self._ask(opened):
            if isinstance(reply, Refusal):
                raise StoreFailure(reply.en)
        await self._ask(
            [ResurfaceOrder(order=id) for id in self._erased]
        )  # those that cannot be lost are refused
        erased = await self._erasure.resume()
        named = [(id, self._named(id, native)) for id, native in known]
        replies = await self._ask([command for _, command in named])
        unfit = [id for (id, _), reply in zip(named, replies, strict=True) if isinstance(reply, Refusal)]
        return Reopened(
            since=since, until=until, jump=jump, back=len(named) - len(unfit), unfit=tuple(unfit), erased=erased
        )  # fmt: skip

    def _counters(self) -> dict[Counter, int]:
        """Of a slot that has moved, the file that it left may have some too: the larger count."""
        counters: dict[Counter, int] = {}
        for shard in self._bus.shards:
            for key, n in shard.heads.counters.items():
                counters[key] = max(n, counters.get(key, 0))
        return counters

    def _named(self, order: str, native: str) -> ResurfaceOrder:
        """With the shop whose order it can be: the slot of its id follows from shop and number."""
        parsed = parse(order)
        fitting = [
            shop.id
            for shop in self._policy.shops.values()
            if parsed is not None and native and shop.channel == parsed.channel
            and slot_of(shop.channel, shop.id, native) == parsed.slot
        ]  # fmt: skip
        return ResurfaceOrder(
            order=order, shop=fitting[0] if fitting else "", native=native if fitting else ""
        )

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        replies: list[Reply] = []
        for start in range(0, len(commands), AT_ONCE):
            some = commands[start : start + AT_ONCE]
            replies += await asyncio.gather(*[self._bus.ask(self._message(command)) for command in some])
        return replies

    def _message(self, command: Command) -> Inbound:
        now = self._bus.clock.now()
        what = msgspec.json.encode(command).decode()
        return Inbound(
            command=command, key=(SOURCE, type(command).__name__, what, now.isoformat()), source=SOURCE, shop="",
            happened_at=now, raw=b"",
        )  # fmt: skip
