"""How often a limited gift rule has given: an order claims its share before stock is asked for, all of it or none.

Each order's share is remembered, so a repeated claim is one claim, and a share that comes back can be given again.
The limit is the one the order was decided under.
"""

from msgspec.structs import replace

from tongdan.domain.catalog.commands import ClaimGift, ReturnGift
from tongdan.domain.catalog.facts import GiftClaimed, GiftExhausted, GiftReturned
from tongdan.domain.catalog.model import GiftCount
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal


def claim_gift(count: GiftCount | None, command: ClaimGift, ctx: Context) -> Decision | Refusal:
    count = count or GiftCount(rule=command.rule)
    if command.order in count.claims:
        return NOTHING
    if count.given + command.times > command.limit_times:
        return Decision((GiftExhausted(rule=command.rule, order=command.order, times=command.times),))
    claimed = GiftClaimed(
        rule=command.rule,
        order=command.order,
        times=command.times,
        items=command.items,
        region=command.region,
        until=command.until,
    )
    return Decision((claimed,))


def return_gift(count: GiftCount | None, command: ReturnGift, ctx: Context) -> Decision | Refusal:
    if count is None or command.order not in count.claims:
        return NOTHING
    return Decision((GiftReturned(rule=command.rule, order=command.order),))


def evolve(count: GiftCount | None, fact: Fact) -> GiftCount:
    """The state after `fact`. Raises KeyError for a fact that is none of a count's."""
    if isinstance(fact, GiftClaimed):
        count = count or GiftCount(rule=fact.rule)
        claims = {**count.claims, fact.order: fact.times}
        return replace(count, claims=claims, given=count.given + fact.times)
    if isinstance(fact, GiftExhausted):
        return count or GiftCount(rule=fact.rule)
    if count is not None and isinstance(fact, GiftReturned):
        claims = {order: times for order, times in count.claims.items() if order != fact.order}
        return replace(count, claims=claims, given=count.given - count.claims[fact.order])
    if count is not None and type(fact) in EFFECT_FACTS:
        return count
    raise KeyError(type(fact).__name__)
