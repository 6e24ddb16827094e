"""The actor of every channel's shop: fetch an order's detail, list what has changed, write back what was shipped.

It carries a channel's conversation (`channel.Talk`) over the wire and turns its end into the outcome of an effect.
A shop calls with the credential `NAME/SHOP`; one that is missing stops the shop, not the effect.
"""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from tongdan.adapters.partners.channel import Call, Channel, Page, Reached, Refused, Stocks, Talk
from tongdan.adapters.partners.channel_after_sales import VERBS, AfterSaleDesk, End
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.domain.fulfillment.quota_commands import RecordQuotaPublished
from tongdan.domain.fulfillment.quota_facts import Outlet, PublishQuota
from tongdan.domain.kernel.after_sales import AFTER_SALES
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.policy import ChannelMap
from tongdan.domain.orders.commands import NoteDone, RecordDetail
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.ports import Done, Errand, Failed, Repeat, Undo, Verb

MAX_CALLS: Final = 5  # of one conversation
BAD_REQUEST: Final = 400
TURNED_AWAY: Final = (401, 403, 407)
REFUSED: Final = (400, 404, 405, 409, 410, 413, 414, 422)


class ChannelActor:
    """`partner` is `channel/CODE/SHOP`."""

    def __init__(self, partner: str, channel: Channel, how: ChannelMap, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            FetchDetail: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
            ListOrders: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
            WriteBackShipment: Verb(Repeat.KEYED, Undo.COMPENSABLE),
        }
        if channel.after_sales is not None and how.after_sale is not None:
            self.verbs = {**self.verbs, **VERBS}
        if channel.stocks is not None:
            self.verbs = {**self.verbs, PublishQuota: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self._channel: Final = channel
        self._how: Final = how
        self._calls: Final = channel.calls(Reached(how.base_url, ZoneInfo(how.zone)))
        self._wire: Final = wire
        self._after_sales: Final = (
            None
            if channel.after_sales is None
            else AfterSaleDesk(
                how, channel.after_sales(Reached(how.base_url, ZoneInfo(how.zone))), self._converse
            )
        )

    async def perform(self, errand: Errand) -> Done | Failed:
        match errand.effect:
            case FetchDetail() as effect:
                return await self._fetch(effect)
            case ListOrders() as effect:
                return await self._list(effect)
            case WriteBackShipment() as effect:
                return await self._write_back(errand, effect)
            case PublishQuota() as effect if self._channel.stocks is not None:
                return await self._publish(effect, self._channel.stocks)
        if self._after_sales is not None and type(errand.effect) in VERBS:
            return await self._after_sales.perform(errand)
        return Failed(f"{self._channel.name} knows no {type(errand.effect).__name__}", final=True)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None if self._after_sales is None else await self._after_sales.look_up(errand)

    async def _fetch(self, effect: FetchDetail) -> Done | Failed:
        end = await self._converse(effect.shop, self._calls.detail(effect.shop, effect.native))
        if isinstance(end, Failed):
            return end
        command: RecordDetail = end.value
        return Done(command, end.raw)

    async def _list(self, effect: ListOrders) -> Done | Failed:
        """What is kept of a listing is its command: the answer itself shows many people's orders."""
        page = await self._page(effect)
        if isinstance(page, Failed):
            return page
        return Done(
            RecordListing(
                channel=effect.channel,
                shop=effect.shop,
                what=effect.what,
                orders=page.orders,
                pages=page.pages,
                cursor=page.cursor,
            )
        )

    async def _page(self, effect: ListOrders) -> Page | Failed:
        if effect.what == AFTER_SALES:
            how = self._how.after_sale
            if how is None or how.listing is None or self._after_sales is None:
                return Failed(f"conf/channels/{self._channel.code}.yml has no after_sale.listing", final=True)
            return await self._after_sales.list(effect, how.listing)
        if self._how.listing is None:
            return Failed(f"conf/channels/{self._channel.code}.yml has no listing", final=True)
        end = await self._converse(effect.shop, self._calls.list(effect, self._how.listing))
        return end if isinstance(end, Failed) else end.value

    async def _write_back(self, errand: Errand, effect: WriteBackShipment) -> Done | Failed:
        company = self._how.carriers.get(effect.carrier, effect.carrier)
        end = await self._converse(effect.shop, self._calls.ship(effect, company))
        if isinstance(end, Failed):
            return end
        # A channel may take no write-backs: then nothing was asked.
        outcome = "channel/written-back" if end.raw else "channel/not-told"
        return Done(NoteDone(order=errand.aggregate, outcome=outcome), end.raw)

    async def _publish(self, effect: PublishQuota, stocks: Stocks) -> Done | Failed:
        end = await self._converse(effect.shop, stocks.publish(effect))
        if isinstance(end, Failed):
            return end
        published = RecordQuotaPublished(
            sku=effect.sku,
            outlet=Outlet(effect.channel, effect.shop, effect.offer).key,
            units=effect.units,
            sequence=effect.sequence,
        )
        return Done(published, end.raw)

    async def _converse(self, shop: str, talk: Talk[Any]) -> End | Failed:
        raw, data = b"", b""
        for at in range(MAX_CALLS):
            try:
                call = talk.send(data) if at else next(talk)
            except StopIteration as end:
                return End(end.value, raw)
            except Refused as no:
                return no.failed
            except UNREADABLE as error:
                return Failed(f"the answer is not understood: {reason_of(error)}", final=True)
            answered = await self._call(shop, call)
            if isinstance(answered, Failed):
                return answered
            data, raw = answered
        return Failed(f"no end after {MAX_CALLS} calls", final=True)

    async def _call(self, shop: str, call: Call) -> tuple[bytes, bytes] | Failed:
        """The data of the answer, and the answer."""
        names = self._channel.fields
        fields = fields_of(self._wire, f"{self._channel.name}/{shop}", *names)
        if isinstance(fields, Failed):
            return fields
        credential = dict(zip(names, fields, strict=True))
        request = self._calls.request(call, credential, self._wire.clock.now())
        response = await exchange(self._wire, request)
        if isinstance(response, Failed):
            return response
        try:
            data = self._calls.answer(call, response.body)
        except UNREADABLE as error:
            away = response.status == UNAUTHORIZED
            text = f"HTTP {response.status}: {reason_of(error)}"
            return Failed(text, partner_wide=True, unknown=not away, turned_away=away)
        if isinstance(data, Failed) or response.status < BAD_REQUEST:
            return data if isinstance(data, Failed) else (data, response.body)
        # Whatever it says, it is no yes.
        status = response.status
        return Failed(
            f"HTTP {status}",
            partner_wide=status in TURNED_AWAY,
            final=status in REFUSED,
            turned_away=status == UNAUTHORIZED,
        )
