"""One simulated platform and its real adapter, and no world around them: a door that hears what it tells, an actor that
asks and tells it, a carrier between."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from tests.contracts.partners.played import CONF, EXAMPLE, HeldCredentials, credentials

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.adapters.partners.pinduoduo import PINDUODUO
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import Douyin
from tongdan.labs.world.douyin_api import DouyinApi
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.gateway import Gateway
from tongdan.labs.world.jd import Jd
from tongdan.labs.world.jd_api import JdApi
from tongdan.labs.world.kuaishou import Kuaishou
from tongdan.labs.world.kuaishou_api import KuaishouApi
from tongdan.labs.world.market import Market
from tongdan.labs.world.market_api import MarketApi
from tongdan.labs.world.pinduoduo import Pinduoduo
from tongdan.labs.world.pinduoduo_api import PinduoduoApi
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.taobao import Taobao
from tongdan.labs.world.taobao_api import TaobaoApi
from tongdan.ports import (
    Accepted,
    Clock,
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    Inbound,
    PushRequest,
)

START = datetime(2026, 1, 27, tzinfo=UTC)
BASKET = Basket("b", "7", 0, (BasketLine("A1", "TEA", 3, 5_001, 0), BasketLine("A2", "CUP", 2, 1_200, 300)))
PLATFORMS: dict[Channel, tuple[Any, Any]] = {
    DOUYIN: (Douyin, DouyinApi),
    PINDUODUO: (Pinduoduo, PinduoduoApi),
    TAOBAO: (Taobao, TaobaoApi),
    JD: (Jd, JdApi),
    KUAISHOU: (Kuaishou, KuaishouApi),
    EXAMPLE: (Market, MarketApi),
}


class Pair:
    """`platform` is the simulated one, `heard` what it told."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self.clock = clock
        self.channel = channel
        self.heard: list[Inbound] = []
        (self.shop,) = (shop for shop in CONF.policy.shops.values() if shop.channel == channel.code)
        self._door = ChannelDoor(channel, credentials(), CONF.policy)
        centre = InProcessTransport({"centre": self._knock}, clock)
        self.faults, self.bustle = Faults(1, clock, 0.0), Bustle(clock)
        setting = Setting(1, clock, clock, centre, "http://centre", self.faults, self.bustle, Names())
        self.carrier = Carrier(setting)
        app = credentials().get(f"{channel.name}/{self.shop.id}")
        platform, api = PLATFORMS[channel]
        self.platform: Any = platform(setting, self.carrier, self.shop, app)
        self.how = CONF.policy.channels[channel.code]
        self.gateway: Gateway = api(setting, self.carrier, self.platform, app)
        self.outside = InProcessTransport({urlsplit(self.how.base_url).netloc: self.gateway.handle}, clock)

    @property
    def page_size(self) -> int:
        assert self.how.listing is not None
        return self.how.listing.page_size

    async def _knock(self, request: HttpRequest) -> HttpResponse:
        url = urlsplit(request.url)
        push = PushRequest(
            request.method, url.path, url.query, request.headers, request.body, self.clock.now()
        )
        messages = self._door.open(push)
        assert all(isinstance(message, Inbound) for message in messages)
        self.heard += [message for message in messages if isinstance(message, Inbound)]
        answer = self._door.answer(push, [Accepted("O", 7, 1, 1) for _ in messages])
        return HttpResponse(answer.status, {}, answer.body)

    async def perform(
        self, kind: type[Effect], credential: HeldCredentials | None = None, **more: Any
    ) -> Done | Failed:
        partner = f"channel/{self.channel.code}/{self.shop.id}"
        wire = Wire(self.outside, credential or credentials(), self.clock)
        effect: Any = kind
        whole = effect(partner=partner, channel=self.channel.code, shop=self.shop.id, **more)
        actor = ChannelActor(partner, self.channel, self.how, wire)
        return await actor.perform(Errand("E", "O", whole, 1, lambda: None))

    async def detail(self, native: str) -> RecordDetail:
        done = await self.perform(FetchDetail, native=native)
        assert isinstance(done, Done) and isinstance(done.command, RecordDetail)
        return done.command

    async def ship(self, native: str, waybill: str, *units: tuple[str, int]) -> Done | Failed:
        return await self.perform(
            WriteBackShipment,
            native=native,
            carrier="SF",
            waybill=waybill,
            units=units,
            request=f"S.{waybill}",
        )

    async def list(self, since: datetime, until: datetime, page: int = 0, cursor: str = "") -> RecordListing:
        done = await self.perform(ListOrders, since=since, until=until, page=page, cursor=cursor)
        assert isinstance(done, Done) and isinstance(done.command, RecordListing)
        return done.command


def play(channel: Channel, body: Callable[[Pair], Awaitable[None]]) -> None:
    async def main(clock: Clock) -> None:
        pair = Pair(channel, clock)
        try:
            await body(pair)
        finally:
            await pair.bustle.stop()

    run_virtual(main, START)
