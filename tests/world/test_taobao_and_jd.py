"""Taobao and JD as they are simulated against their real adapters: written apart from the same papers, they agree.

No world around them: a door that hears what they tell, an actor that asks and tells them, a carrier between.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.contracts.partners.played import CONF, HeldCredentials, credentials

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.commands import NoteChannelEvent, NoteDone, RecordDetail
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.jd import CANCELLED, Jd, JdOrder
from tongdan.labs.world.jd import SHIPPED as JD_SHIPPED
from tongdan.labs.world.jd_api import JdApi
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.retail import Basket, BasketLine
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.sold import sold_units
from tongdan.labs.world.taobao import CLOSED_UNPAID, FINISHED, PARTLY, SHIPPED, Taobao, TaobaoTrade
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
    Unauthentic,
)

START = datetime(2026, 1, 27, tzinfo=UTC)
BASKET = Basket("b", "7", 0, (BasketLine("A1", "TEA", 3, 5_001, 0), BasketLine("A2", "CUP", 2, 1_200, 300)))
SHOPS = {"TB": "tb-main", "JD": "jd-main"}


class Pair:
    """One platform of either kind, its door and its actor."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self.clock = clock
        self.channel = channel
        self.heard: list[Inbound] = []
        self.shop = CONF.policy.shops[SHOPS[channel.code]]
        self._door = ChannelDoor(channel, credentials(), CONF.policy)
        centre = InProcessTransport({"centre": self._knock}, clock)
        faults, self.bustle = Faults(1, clock, 0.0), Bustle(clock)
        setting = Setting(1, clock, clock, centre, "http://centre", faults, self.bustle, Names())
        self.carrier = Carrier(setting)
        app = credentials().get(f"{channel.name}/{self.shop.id}")
        self.platform: Any
        api: Any
        if channel is TAOBAO:
            self.platform = Taobao(setting, self.carrier, self.shop, app)
            api = TaobaoApi(setting, self.carrier, self.platform, app)
        else:
            self.platform = Jd(setting, self.carrier, self.shop, app)
            api = JdApi(setting, self.carrier, self.platform, app)
        how = CONF.policy.channels[channel.code]
        self.outside = InProcessTransport({urlsplit(how.base_url).netloc: api.handle}, clock)
        self.how = how

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
        return await ChannelActor(partner, self.channel, self.how, wire).perform(
            Errand("E", "O", whole, 1, lambda: None)
        )

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

    async def list(self, since: datetime, until: datetime, page: int = 0) -> RecordListing:
        done = await self.perform(ListOrders, since=since, until=until, page=page, cursor="")
        assert isinstance(done, Done) and isinstance(done.command, RecordListing)
        return done.command


Body = Callable[[Pair], Awaitable[None]]


def play(channel: Channel, body: Body) -> None:
    async def main(clock: Clock) -> None:
        pair = Pair(channel, clock)
        try:
            await body(pair)
        finally:
            await pair.bustle.stop()

    run_virtual(main, START)


BOTH = pytest.mark.parametrize("channel", [TAOBAO, JD], ids=lambda channel: channel.code)


def native_of(channel: Channel, no: int) -> str:
    return f"40512{no:05d}456789000" if channel is TAOBAO else f"3023{no:05d}309"


@BOTH
def test_what_is_told_is_authentic_and_the_detail_is_what_was_ordered(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        placed = [on.platform.place(native_of(channel, no), BASKET, buyer_of(1, str(no))) for no in range(40)]
        await on.clock.sleep(6 * 3_600)
        assert on.platform.outbox.given_up == []
        assert {one.command.native for one in on.heard} == {order.id for order in placed}  # type: ignore[attr-defined]
        assert {type(one.command) for one in on.heard} == {NoteChannelEvent}
        assert len({one.key for one in on.heard}) == len(on.heard) == sum(order.told for order in placed)
        seen = set()
        for order in placed:
            detail = await on.detail(order.id)
            status = order.status if isinstance(order, TaobaoTrade) else order.state
            assert detail.native_status == status
            seen.add(on.how.statuses[status])
            assert detail.amount_fen == sum(line.amount_fen for line in BASKET.lines) == order.amount_fen
            expected = [sold_units(line) if channel is JD else line.units for line in BASKET.lines]
            assert [line.units for line in detail.lines] == expected
            assert [line.sku for line in detail.lines] == ["A1", "A2"]
            assert order.buyer.province.startswith(detail.region) and detail.region
            assert order.buyer.name not in repr(detail) and order.buyer.phone not in repr(detail)
            assert (detail.paid_at is None) == (
                status == CLOSED_UNPAID or (status == CANCELLED and channel is TAOBAO)
            )
        assert "paid" in seen and len(seen) > 1

    play(channel, body)


@BOTH
def test_all_that_changed_is_listed_once_page_by_page_and_nothing_else(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        size = on.how.listing.page_size if on.how.listing else 0
        count = 2 * size + 3
        for no in range(count):
            on.platform.place(native_of(channel, no), BASKET, buyer_of(1, str(no)))
        await on.clock.sleep(1)
        since, until = START, START + timedelta(seconds=1)
        first = await on.list(since, until)
        assert first.pages == 3
        pages = [await on.list(since, until, page) for page in (3, 2, 1)]
        natives = [listed.native for page in pages for listed in page.orders]
        assert len(natives) == len(set(natives)) == count
        assert (await on.list(START - timedelta(minutes=5), START)).orders == ()

    play(channel, body)


def test_taobao_is_told_of_parcels_by_units_and_each_once() -> None:
    async def body(on: Pair) -> None:
        trade: TaobaoTrade = on.platform.place(native_of(TAOBAO, 1), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        tea, cup = (each.oid for each in trade.lines)
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(3)]
        for _ in range(2):
            assert isinstance(await on.ship(trade.id, waybills[0], (tea, 1)), Done)
        assert (trade.status, [each.told_units for each in trade.lines]) == (PARTLY, [1, 0])
        for _ in range(2):
            assert isinstance(await on.ship(trade.id, waybills[1], (tea, 1), (cup, 2)), Done)
        assert trade.status == SHIPPED
        done = await on.ship(trade.id, waybills[2], (tea, 1))
        assert isinstance(done, Done) and isinstance(done.command, NoteDone)
        assert [each.told_units for each in trade.lines] == [3, 2]
        refused = await on.ship(trade.id, "SF0000000000000", (tea, 1))
        assert isinstance(refused, Failed) and refused.final and not refused.partner_wide
        await on.clock.sleep(30 * 86_400)
        assert trade.status == FINISHED

    play(TAOBAO, body)


def test_jd_is_told_of_parcels_by_waybill_and_each_once() -> None:
    async def body(on: Pair) -> None:
        order: JdOrder = on.platform.place(native_of(JD, 2), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(3)]
        for waybill in waybills:
            for _ in range(2):
                assert isinstance(await on.ship(order.id, waybill, ("1", 1)), Done)
        assert (order.state, order.waybills) == (JD_SHIPPED, waybills)
        refused = await on.ship(order.id, "SF0000000000000", ("1", 1))
        assert isinstance(refused, Failed)
        await on.clock.sleep(30 * 86_400)
        assert order.state == "FINISHED_L"
        late = await on.ship(order.id, on.carrier.hand_over("late"), ("1", 1))
        assert isinstance(late, Failed) and late.final and not late.partner_wide

    play(JD, body)


@BOTH
def test_a_wrong_secret_is_found_out_on_either_side(channel: Channel) -> None:
    async def body(on: Pair) -> None:
        name = f"{channel.name}/{on.shop.id}"
        forged = {**credentials().get(name), "app_secret": "another"}
        failure = await on.perform(FetchDetail, HeldCredentials({name: forged}), native=native_of(channel, 3))
        assert isinstance(failure, Failed) and failure.partner_wide and not failure.final
        request = on.platform._post([b"{}"])
        with pytest.raises(Unauthentic):
            await on._knock(msgspec.structs.replace(request, body=request.body + b" "))

    play(channel, body)
