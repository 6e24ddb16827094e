"""A world whose centre is lost in the middle of the day and comes back from a backup.

Partners remember what they told and what they were told; the centre only what its backup holds. What a partner had
told and had acknowledged is told again because somebody asks for it, as an operator would after a restore: the own
shop's client sends its orders again with the ids it was given, the others push again.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import LiftHold
from tongdan.domain.orders.model import RESTORED_HOLD, Order
from tongdan.flow.shard import commit_inline
from tongdan.labs.world.in_process import knocking
from tongdan.labs.world.mini_program import Call
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.platforms import SHARES
from tongdan.labs.world.provision import provision
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.world import World
from tongdan.ports import Clock, HttpRequest, HttpResponse, Inbound, Unreachable
from tongdan.profile import Centre, embedded
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.waits import WAITS

KEPT_APART: Final = ("master.key", "credentials.json", "erasures.jsonl")
LIFT_EVERY_S: Final = 600.0


class Told(NamedTuple):
    """A message that the centre acknowledged, and when."""

    at: datetime
    outbox: Outbox[Any]
    message: Any
    where: str
    order: str


class Town:
    """A world, the centre that serves it now (`None` while there is none), and what partners told it."""

    def __init__(
        self,
        data: Path,
        clock: Clock,
        seed: int,
        orders: int,
        faults: float,
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        self.clock: Final = clock
        self.seed: Final = seed
        self.centre: Centre | None = None
        self.told: list[Told] = []
        data.mkdir()
        conf = load_conf(unhurried())
        provision(data, conf.policy, conf.partners, SeededEntropy(f"{seed}/credentials"))
        self._doors: dict[str, Handler] = {}
        self.world: Final = World(
            seed=seed, clock=clock, centre=InProcessTransport(self._doors, clock), data=data, policy=conf.policy,
            partners=conf.partners, orders=orders, faults=faults, outages=0, most_lines=3, retail=SeededRetail(seed),
            shares=shares,
        )  # fmt: skip
        self._host = urlsplit(self.world.setting.centre_url).netloc
        self._doors[self._host] = _nobody
        self._remember()

    def _remember(self) -> None:
        world = self.world
        platforms = [each.outbox for each in world.platforms.by_code.values()]
        others = (world.own_shop, world.wechat, world.warehouses, world.finance, world.sf)
        outboxes: list[Outbox[Any]] = [*platforms, *(each.outbox for each in others)]
        for outbox in outboxes:
            outbox.deliver = self._remembering(outbox, outbox.deliver)  # type: ignore[method-assign, assignment]

    def _remembering(
        self, outbox: Outbox[Any], deliver: Callable[..., Awaitable[HttpResponse | None]]
    ) -> Callable[..., Awaitable[HttpResponse | None]]:
        async def remembering(message: Any, where: str, order: str) -> HttpResponse | None:
            heard = await deliver(message, where, order)
            if heard is not None and heard.status < 400:
                self.told.append(Told(self.clock.now(), outbox, message, where, order))
            return heard

        return remembering

    async def open(self, data: Path, life: str, conf: Path | None = None) -> Centre:
        transport = InProcessTransport(self.world.handlers, self.clock)
        entropy = SeededEntropy(f"{self.seed}/{life}")
        self.centre = embedded(
            data,
            conf or unhurried(),
            clock=self.clock,
            entropy=entropy,
            transport=transport,
            committer=commit_inline,
        )
        front = FrontDoor(self.centre.doors, self.centre.bus, self.clock, self.centre.meters, WAITS)
        await self.centre.start()
        self._doors[self._host] = knocking(front, self.clock)
        return self.centre

    async def close(self) -> None:
        """The centre ends, in good order."""
        assert self.centre is not None
        self._doors[self._host] = _nobody
        await self.centre.stop()
        self.centre = None

    async def lose(self, data: Path, kept: Path) -> None:
        """The centre is gone, and all its data but what is kept apart."""
        await self.close()
        _destroy(data, kept)

    async def tell_again(self, since: datetime) -> int:
        """What partners had told since the backup, own shops' orders first; how many messages that are."""
        again = [each for each in self.told if each.at > since]
        first = [each for each in again if each.where == "own.orders"]
        await asyncio.gather(
            *[each.outbox.deliver(self._with_id(each), each.where, each.order) for each in first]
        )
        for each in again:
            if each not in first:
                each.outbox.post(each.message, each.where, each.order)
        return len(again)

    def _with_id(self, told: Told) -> Call:
        call: Call = told.message
        body = msgspec.json.decode(call.body)
        return call._replace(
            body=msgspec.json.encode(body | {"order_id": self.world.own_shop.orders[told.order].id})
        )

    def warehouse_list(self) -> list[tuple[str, str]]:
        """What a warehouse can list: our order ids, and the platform's numbers they were sent with."""
        return [
            (code.partition("-")[0], each.native)
            for code, each in self.world.warehouses.deliveries.items()
            if not code.startswith("MP")
        ]

    async def lift_holds(self) -> int:
        """A person looks at orders that are held after the restore: the warehouse knows them by no other id."""
        assert self.centre is not None
        sent = {native: order for order, native in self.warehouse_list()}
        n = 0
        for row in self.centre.reads.orders(limit=10_000):
            order = self.centre.reads.order(row.id)
            if isinstance(order, Order) and RESTORED_HOLD in order.holds:
                assert sent.get(order.native, row.id) == row.id, (
                    f"{order.native} is {sent[order.native]} there"
                )
                await self.lift(row.id, RESTORED_HOLD)
                n += 1
        return n

    async def lift(self, order: str, hold: str) -> None:
        assert self.centre is not None
        reply = await self.centre.bus.ask(self._lifting(order, hold))
        assert not isinstance(reply, Refusal)

    def _lifting(self, order: str, hold: str) -> Inbound:
        now = self.clock.now()
        return Inbound(
            command=LiftHold(order=order, hold=hold), key=("test", order, now.isoformat()), source="test",
            shop="", happened_at=now, raw=b"",
        )  # fmt: skip


def _destroy(data: Path, kept: Path) -> None:
    kept.mkdir()
    for name in KEPT_APART:
        if (data / name).exists():
            shutil.copy2(data / name, kept / name)
    shutil.rmtree(data)


async def _nobody(request: HttpRequest) -> HttpResponse:
    raise Unreachable("the centre is gone")


@asynccontextmanager
async def town(data: Path, clock: Clock, *, seed: int, orders: int, faults: float) -> AsyncIterator[Town]:
    built = Town(data, clock, seed, orders, faults)
    centre = await built.open(data, "first")
    await built.world.count_stock(centre.bus)
    try:
        yield built
    finally:
        await built.world.close()
        if built.centre is not None:
            await built.centre.stop()


def doubled(town: Town) -> Sequence[str]:
    """Platforms' orders that were handed to warehouses under more than one id."""
    ids: dict[str, set[str]] = {}
    for code, each in town.world.warehouses.deliveries.items():
        ids.setdefault(each.native, set()).add(code.partition("-")[0])
    return sorted(native for native, under in ids.items() if len(under) > 1)
