"""After-sales at every channel: a report fetched, a person's answer given, whatever the channel's own conversation is.

A no of the platform to an answer is an outcome, not a failure: too late, answered already, not possible. Only what may
still succeed is tried again; when nobody knows whether an answer arrived, the after-sale is looked at first, and one
that has left the stage that was answered is not answered again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from tongdan.adapters.partners.channel import AfterSales, Page, Talk
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.policy import ChannelMap, Listing
from tongdan.domain.returns.commands import RecordAfterSale, RecordAnswer
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Case,
    FetchAfterSale,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.ports import Done, Errand, Failed, Repeat, Undo, Verb

VERBS: Final[Mapping[type[Effect], Verb]] = {
    FetchAfterSale: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
    AgreeToReturn: Verb(Repeat.QUERY_FIRST, Undo.COMPENSABLE),
    AgreeToRefund: Verb(Repeat.QUERY_FIRST, Undo.IRREVERSIBLE),
    RefuseAfterSale: Verb(Repeat.QUERY_FIRST, Undo.REVERSIBLE),
    SendReplacement: Verb(Repeat.QUERY_FIRST, Undo.COMPENSABLE),
}
Answering = AgreeToReturn | AgreeToRefund | RefuseAfterSale | SendReplacement


class End(NamedTuple):
    """What a conversation came to, and the last answer as received."""

    value: Any
    raw: bytes


Converse = Callable[[str, Talk[Any]], Awaitable[End | Failed]]


class AfterSaleDesk(NamedTuple):
    """One shop's after-sales at its channel."""

    how: ChannelMap
    calls: AfterSales
    converse: Converse

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if isinstance(effect, FetchAfterSale):
            return await self._fetch(errand, effect)
        assert isinstance(effect, Answering)
        end = await self.converse(effect.case.shop, self._talk(effect))
        if isinstance(end, Failed) and not (end.final and not end.partner_wide):
            return end
        error, raw = (end.error, b"") if isinstance(end, Failed) else ("", end.raw)
        return Done(RecordAnswer(after_sale=errand.aggregate, no=effect.no, error=error), raw)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        effect = errand.effect
        if not isinstance(effect, Answering) or self.how.after_sale is None:
            return None
        end = await self.converse(effect.case.shop, self.calls.fetch(_named(effect.case, effect.partner)))
        if isinstance(end, Failed):
            return end
        if self.how.after_sale.stages.get(end.value.stage) == effect.case.stage:
            return None
        return Done(RecordAnswer(after_sale=errand.aggregate, no=effect.no), end.raw)

    async def list(self, effect: ListOrders, listing: Listing) -> Page | Failed:
        end = await self.converse(effect.shop, self.calls.list(effect, listing))
        return end if isinstance(end, Failed) else end.value

    async def _fetch(self, errand: Errand, effect: FetchAfterSale) -> Done | Failed:
        end = await self.converse(effect.shop, self.calls.fetch(effect))
        if isinstance(end, Failed):
            return end
        return Done(RecordAfterSale(after_sale=errand.aggregate, report=end.value), end.raw)

    def _talk(self, effect: Answering) -> Talk[None]:
        match effect:
            case AgreeToReturn():
                return self.calls.agree(effect)
            case AgreeToRefund():
                return self.calls.refund(effect)
            case RefuseAfterSale():
                return self.calls.refuse(effect)
            case SendReplacement():
                return self.calls.send(effect, self.how.carriers.get(effect.carrier, effect.carrier))


def _named(case: Case, partner: str) -> FetchAfterSale:
    return FetchAfterSale(
        partner=partner, channel=case.channel, shop=case.shop, native=case.native, number=case.number
    )
