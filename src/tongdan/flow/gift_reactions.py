"""Gifts between orders, the counts of limited rules, and stock."""

from tongdan.domain.catalog import commands as catalog
from tongdan.domain.catalog import facts as counted
from tongdan.domain.catalog.model import GiftItem
from tongdan.domain.orders import facts as told
from tongdan.domain.orders.goods import commands as goods
from tongdan.domain.orders.goods import gift_facts as given
from tongdan.domain.orders.lines import Line
from tongdan.flow.reactions import reserve
from tongdan.flow.routing import Commands, Recorded


def claim_or_reserve(fact: given.GiftGiven, at: Recorded) -> Commands:
    """A limited rule is asked first whether it still gives."""
    if fact.limit_times:
        items = tuple([GiftItem(line.no, line.sku, line.units) for line in fact.lines])
        yield catalog.ClaimGift(
            rule=fact.rule,
            order=at.aggregate,
            times=fact.times,
            limit_times=fact.limit_times,
            items=items,
            region=fact.region,
            until=fact.until,
        )
        return
    yield from reserve(at.aggregate, fact.lines, fact.region, fact.until)


def reserve_claimed(fact: counted.GiftClaimed, at: Recorded) -> Commands:
    lines = [Line(no=item.line, sku=item.sku, units=item.units, amount_fen=0) for item in fact.items]
    return reserve(fact.order, lines, fact.region, fact.until)


def drop_exhausted(fact: counted.GiftExhausted, at: Recorded) -> Commands:
    yield goods.DropGift(order=fact.order, rule=fact.rule)


def return_dropped(fact: given.GiftDropped, at: Recorded) -> Commands:
    if fact.returned:
        yield catalog.ReturnGift(rule=fact.rule, order=at.aggregate)


def return_cancelled(fact: told.OrderCancelled, at: Recorded) -> Commands:
    for rule in fact.gifts:
        yield catalog.ReturnGift(rule=rule, order=at.aggregate)
