"""A day of the world: partners, buyers and faults around one order centre.

`World` puts the simulated partners together, lets a day of baskets be bought on every channel, and waits
until all is quiet. The same class runs in process on virtual time (its `handlers` stand where the partners
would be) and over real HTTP (`host` gives them ports). What came of it is judged by `report.py`.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tongdan.adapters.clock import PacedClock
from tongdan.adapters.partners.labels import CAINIAO
from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.transport import Handler
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import SELLER, Policy
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.cainiao import Cainiao
from tongdan.labs.world.cainiao_tracks import CainiaoTracks
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.erp import Erps
from tongdan.labs.world.faults import MENU, NUMBERED, Faults
from tongdan.labs.world.finance import Finance
from tongdan.labs.world.hosting import Hosted
from tongdan.labs.world.mini_program import MiniProgram
from tongdan.labs.world.people import Buyer, buyer_of
from tongdan.labs.world.platforms import SHARES, Platforms
from tongdan.labs.world.provision import CREDENTIALS, merchant_of, read_credentials
from tongdan.labs.world.retail import Basket, Retail, open_retail
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.sf import ROUTES, SfExpress
from tongdan.labs.world.tellers import Tellers
from tongdan.labs.world.troubles import DEAD, Question, Troubles, question_by_path, question_by_text
from tongdan.labs.world.warehouse import Warehouses
from tongdan.labs.world.warehouse_query import METHOD as QIMEN_QUERY
from tongdan.labs.world.wechat_pay import WechatPay
from tongdan.ports import Clock, CommandBus, HttpRequest, HttpResponse, Inbound, Transport, Unreachable

QUERIES: Final = (QIMEN_QUERY, "ExecuteBillQuery")
DAY_S: Final = 86_400
TRACKS: Final = "cainiao_link"
SPARE_UNITS: Final = 20
STOCK_CHUNK: Final = 500
QUIET_AFTER_S: Final = 6 * 3_600.0


class World:
    """One day for one centre.

    `clock` is everybody's, `speed` how many of the world's seconds pass in one of its (1 on virtual time).
    `data` holds what `provision` made. `orders` is how many baskets of the day are bought at most, `faults`
    the share of them that meet a fault, `outages` how many times a partner is unreachable, `shares` which part
    of them is bought on which platform. `centre` carries requests to the centre, whose push port is at the
    host of `partners.wechat.notify_url`.
    """

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        centre: Transport,
        data: Path,
        policy: Policy,
        partners: Partners,
        speed: float = 1.0,
        orders: int = 300,
        faults: float = 0.2,
        outages: int = 2,
        day: int = 0,
        retail: Retail | None = None,
        most_lines: int = 200,
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        self.seed: Final = seed
        self.day_no: Final = day
        self._shares: Final = shares
        self.clock: Final[Clock] = clock if speed == 1 else PacedClock(clock, speed)
        self._numbering: Final = _numbering(policy)
        menu = NUMBERED if self._numbering else MENU
        self.faults: Final = Faults(seed, self.clock, faults, outages, menu)
        self.bustle: Final = Bustle(clock)
        notify = urlsplit(partners.wechat.notify_url)
        self.setting: Final = Setting(
            seed,
            self.clock,
            clock,
            centre,
            f"{notify.scheme}://{notify.netloc}",
            self.faults,
            self.bustle,
            Names(),
        )
        self.policy: Final = policy
        self.shops: Final = {shop.channel: shop for shop in policy.shops.values()}
        self.retail: Final = retail or open_retail(seed)
        self.day, baskets = self.retail.day(day)
        self.baskets: Final = _chosen(seed, day, baskets, orders, most_lines)
        self.troubles: Troubles | None = None
        self._hosted: Final = Hosted()
        self._enlist(data, partners)

    def _enlist(self, data: Path, partners: Partners) -> None:
        """Put every partner in its place, with its half of the credentials."""
        setting, credentials = self.setting, read_credentials(data / CREDENTIALS)
        own = self.shops["MP"]
        qimen, finance = partners.qimen, partners.finance
        self.carrier = Carrier(setting)
        self.wechat = WechatPay(setting, merchant_of(data, partners.wechat.merchants[own.id]))
        self.own_shop = MiniProgram(setting, self.wechat, own.id, credentials[f"own/{own.id}"]["secret"])
        self.platforms = Platforms(setting, self.carrier, self.shops, credentials)
        account, codes = credentials[f"qimen/{qimen.wms}"], tuple(self.policy.warehouses)
        self.warehouses = Warehouses(setting, self.carrier, qimen.wms, account, codes, ZoneInfo(qimen.zone))
        sf, zone = credentials[f"sf/{partners.sf.account}"], ZoneInfo(self.policy.carriers["SF"].zone)
        self.sf = SfExpress(setting, self.carrier, sf, zone)
        secret = credentials[f"finance/{finance.system}"]["secret"]
        self.finance = Finance(setting, finance.system, secret, ZoneInfo(finance.zone))
        gateways = self.platforms.gateways
        channels = {gateway.name: self.policy.channels[code].base_url for code, gateway in gateways.items()}
        self.tellers = Tellers(setting, credentials, partners, own.id)
        self.erps = Erps(setting, credentials, partners)
        self._urls = {
            **channels,
            "wechat": partners.wechat.base_url,
            "qimen": qimen.base_url,
            "finance": finance.base_url,
            "sf": partners.sf.base_url,
            **{name: teller.url for name, teller in self.tellers.by_name.items()},
            **self.erps.urls,
        }
        handlers: dict[str, Handler] = {
            **{gateway.name: gateway.handle for gateway in gateways.values()},
            "wechat": self.wechat.handle,
            "qimen": self.warehouses.handle,
            "finance": self.finance.handle,
            "sf": self.sf.handle,
            **{name: teller.handler for name, teller in self.tellers.by_name.items()},
            **self.erps.handlers,
        }
        if CAINIAO in self._numbering and partners.cainiao is not None:
            app = credentials[f"cainiao/{partners.cainiao.account}"]
            self._urls["cainiao"] = partners.cainiao.base_url
            handlers["cainiao"] = Cainiao(setting, self.carrier, app).handle
        if partners.cainiao_link is not None:
            account = credentials[f"cainiao-link/{partners.cainiao_link.account}"]
            self._urls[TRACKS] = partners.cainiao_link.base_url
            self.tracks = CainiaoTracks(setting, self.carrier, account)
            handlers[TRACKS] = self.tracks.handle
        self._partners: Mapping[str, Handler] = {
            name: self._guarded(name, handler) for name, handler in handlers.items()
        }

    # ---- where the partners are

    @property
    def handlers(self) -> dict[str, Handler]:
        """The partners by the host of their configured URL, for an in-process transport."""
        return {urlsplit(self._urls[name]).netloc: handler for name, handler in self._partners.items()}

    async def host(self, held: Mapping[int, socket.socket] = MappingProxyType({})) -> Mapping[str, str]:
        """Serve the partners on the loopback ports that their configured URLs name; some are `held` already."""
        for name, handler in self._partners.items():
            port = urlsplit(self._urls[name]).port or 0
            await self._hosted.add(name, handler, held.get(port, port))
        return self._hosted.urls

    def _guarded(self, partner: str, handler: Handler) -> Handler:
        async def guarded(request: HttpRequest) -> HttpResponse:
            if not self._is_routine(request):
                self.bustle.note()
            if self.faults.is_down(partner):
                raise Unreachable("the partner is down")
            if self.troubles is None:
                return await handler(request)
            return await self.troubles.meet(partner, handler, request, self._question(partner, request))

        return guarded

    def _question(self, partner: str, request: HttpRequest) -> Question | None:
        """How an order stands, if that is what is asked."""
        for gateway in self.platforms.gateways.values():
            if gateway.name == partner:
                about = gateway.asked_about(request)
                return Question(about, gateway.detail) if about else None
        return question_by_path(request) or question_by_text(request)

    def _is_routine(self, request: HttpRequest) -> bool:
        """Listings, and how orders stand, are asked for all day and all night; that alone is no stir."""
        if request.method == "GET":
            return True
        said = request.url.encode() + request.body
        gateways = self.platforms.gateways.values()
        names = [ROUTES, *QUERIES, *[name for each in gateways for name in (each.listing, each.detail)]]
        names += [each.after_sales.listing for each in gateways if each.after_sales is not None]
        return any(name.encode() in said for name in names)

    async def die(self, partner: str, lasts_s: float) -> None:
        """Let `partner` refuse whoever calls, for so many of everybody's seconds."""
        self.setting.bustle.note()
        if self.troubles is not None:
            self.troubles.met[DEAD] += 1
        if partner in self._hosted.urls:
            held = await self._hosted.leave(partner)
            await self.setting.common.sleep(lasts_s)
            await self._hosted.add(partner, self._partners[partner], held)
        elif self.troubles is not None:
            self.troubles.dead.add(partner)
            await self.setting.common.sleep(lasts_s)
            self.troubles.dead.discard(partner)

    # ---- what happens

    async def count_stock(self, bus: CommandBus) -> int:
        """Tell the centre what lies in the warehouses, before they open; returns the number of counts."""
        counts = list(self._counts())
        for at in range(0, len(counts), STOCK_CHUNK):
            replies = await asyncio.gather(*map(bus.ask, counts[at : at + STOCK_CHUNK]))
            if refused := [reply.name for reply in replies if isinstance(reply, Refusal)]:
                raise RuntimeError(f"the centre does not take stock counts: {refused[0]}")
        return len(counts)

    async def run(
        self,
        *,
        still_s: float = QUIET_AFTER_S,
        deadline_s: float = 30 * DAY_S,
        busy: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Let the day happen; True when all is quiet, False when `deadline_s` passed before.

        Both waits are in everybody's seconds: `still_s` is how long nobody may have stirred, `busy` may
        object.
        """
        partners = tuple([name for name in self._partners if name != TRACKS])  # it is asked too seldom
        for partner, begin_s, lasts_s in self.faults.outages(partners, DAY_S):
            self.bustle.start(self.faults.suffer(partner, begin_s, lasts_s))
        for no, basket in enumerate(self.baskets):
            self.bustle.start(self._be_bought(no, basket))
        return await self.bustle.quiet(still_s, deadline_s, busy)

    async def close(self) -> None:
        """Stop everything; the servers too."""
        await self.bustle.stop()
        await self._hosted.close()

    async def _be_bought(self, no: int, basket: Basket) -> None:
        await self.clock.sleep(basket.at_s)
        buyer = buyer_of(self.seed, basket.buyer)
        stream = Stream(self.seed, "bought", self.day_no, basket.id)
        drawn, channel = stream.uniform(), "MP"
        for code, share in self._shares.items():
            if 0 <= drawn < share:
                channel = code
            drawn -= share
        self.buy(no, basket, buyer, stream, channel)

    def buy(self, no: int, basket: Basket, buyer: Buyer, stream: Stream, channel: str) -> str:
        """A buyer orders, now; the shop's number of the order, which has `no` (0…99,999) in it."""
        if channel in self.platforms.by_code:
            platform = self.platforms.by_code[channel]
            native = platform.number(self.day_no, no, stream)
            self.faults.expect(channel, native)
            platform.place(native, basket, buyer)
        else:
            native = f"M{self.day_no:03d}-{no:05d}-{stream.digits(6)}"
            self.faults.expect("MP", native)
            self.own_shop.place(native, basket, buyer)
        return native

    def _counts(self) -> Iterator[Inbound]:
        """Enough of everything in every warehouse; but one article in ten is not kept in all of them."""
        needed: dict[str, int] = {}
        for basket in self.baskets:
            for line in basket.lines:
                needed[line.sku] = needed.get(line.sku, 0) + line.units
        now, codes = self.clock.now(), list(self.policy.warehouses)
        for sku, units in needed.items():
            stream = Stream(self.seed, "stock", sku)
            absent = stream.pick(codes) if stream.chance(0.1) else ""
            for code in codes:
                on_hand = 0 if code == absent else units + SPARE_UNITS
                self.warehouses.shelves.put(code, sku, on_hand)
                yield Inbound(
                    command=CountStock(sku=sku, warehouse=code, on_hand=on_hand, counted_at=now),
                    key=("world", "count", str(self.day_no), code, sku, now.isoformat()),
                    source="wms/qimen",
                    shop="",
                    happened_at=now,
                    raw=b"",
                )


def _numbering(policy: Policy) -> frozenset[str]:
    """Through whose interfaces the seller takes numbers; nobody's where warehouses do."""
    carriers = [
        policy.carriers[each.carrier] for each in policy.warehouses.values() if each.waybill == SELLER
    ]
    return frozenset([each.waybill.through for each in carriers if each.waybill is not None])


def _chosen(seed: int, day: int, baskets: list[Basket], orders: int, most_lines: int) -> list[Basket]:
    """A share of the day's baskets, drawn so that fewer orders are a part of more, in their order of time."""
    drawn = sorted(baskets, key=lambda basket: Stream(seed, "drawn", day, basket.id).uniform())[:orders]
    drawn.sort(key=lambda basket: (basket.at_s, basket.id))
    return [basket._replace(lines=basket.lines[:most_lines]) for basket in drawn]
