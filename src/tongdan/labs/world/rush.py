"""Buyers who all want the same few articles, of which there are fewer than they want: what quotas are for.

A platform sells what it was told it may sell, and turns the others away. Each article is put up on every platform,
defined and matched at the centre, counted once, and counted up once in the middle of the day.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tongdan.domain.catalog.commands import DefineSku, MatchOffer
from tongdan.domain.catalog.model import Description
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.world import World
from tongdan.ports import CommandBus, Inbound

FIRST_NO: Final = 70_000  # orders of the day are numbered from 0
CHANNELS: Final = ("DY", "PD", "TB", "JD", "KS")
PRICE_FEN: Final = 1_900
BEGINS_S: Final = 3_600.0


class Rush:
    """`buyers` want one or two units each of one of `skus`, within `lasts_s`; `sold` and `turned_away` count units."""

    def __init__(
        self, world: World, bus: CommandBus, skus: Sequence[str], buyers: int, lasts_s: float
    ) -> None:
        self.sold: Final = dict.fromkeys(skus, 0)
        self.turned_away: Final = dict.fromkeys(skus, 0)
        self._world: Final = world
        self._bus: Final = bus
        self._buyers: Final = buyers
        self._lasts_s: Final = lasts_s

    async def open(self, on_hand: int, later: int, faults: float) -> None:
        """Put everything up; the rush itself is under way in the world from here on."""
        for at, sku in enumerate(self.sold):
            await self._ask(DefineSku(sku=sku, description=Description(title=sku)), "define", sku)
            await self._count(sku, on_hand)
            for channel in CHANNELS:
                shelf = self._world.platforms.gateways[channel].shelf
                shelf.share = faults
                offer, product = f"{at + 1}{CHANNELS.index(channel)}001", f"{at + 1}{CHANNELS.index(channel)}"
                shelf.put_up(offer, product, sku)
                shop = self._world.shops[channel].id
                match = MatchOffer(channel=channel, shop=shop, offer=offer, sku=sku, product=product)
                await self._ask(match, "match", channel, sku)
        for no in range(self._buyers):
            self._world.bustle.start(self._buy(no))
        self._world.bustle.start(self._recount(later))

    async def _buy(self, no: int) -> None:
        world = self._world
        stream = Stream(world.seed, "rush", world.day_no, no)
        await world.setting.clock.sleep(BEGINS_S + stream.between(0, self._lasts_s))
        sku, units, channel = stream.pick(list(self.sold)), stream.pick([1, 2]), stream.pick(CHANNELS)
        if not world.platforms.gateways[channel].shelf.take(sku, units):
            self.turned_away[sku] += units
            return
        self.sold[sku] += units
        line = BasketLine(sku, sku, units, PRICE_FEN * units, 0)
        basket = Basket(f"rush-{no}", f"rusher-{no}", 0, (line,))
        world.buy(FIRST_NO + no, basket, buyer_of(world.seed, basket.buyer), stream, channel)

    async def _recount(self, units: int) -> None:
        """More comes in, when all has long been told and sent."""
        await self._world.setting.clock.sleep(BEGINS_S + self._lasts_s / 2)
        for sku in self.sold:
            await self._ask(
                CountStock(sku=sku, warehouse=self._codes()[1], on_hand=units, counted_at=self._now()),
                "recount",
                sku,
            )

    async def _count(self, sku: str, units: int) -> None:
        count = CountStock(sku=sku, warehouse=self._codes()[0], on_hand=units, counted_at=self._now())
        await self._ask(count, "count", sku)

    async def _ask(self, command: Command, *key: str) -> None:
        key = ("rush", str(self._world.day_no), *key)
        shop = getattr(command, "shop", "")
        reply = await self._bus.ask(
            Inbound(command=command, key=key, source="rush", shop=shop, happened_at=self._now(), raw=b"")
        )
        if isinstance(reply, Refusal):
            raise RuntimeError(f"the centre refuses {type(command).__name__}: {reply.name}")

    def _codes(self) -> list[str]:
        return list(self._world.policy.warehouses)

    def _now(self) -> datetime:
        return self._world.setting.clock.now()
