"""Gifts of an order: given once, in the same decision that makes its lines known and matched.

A gift is a line like any other, that costs nothing and that no channel has heard of. A rule that changes later changes
no order that has been decided; a gift that is not to be had goes without delaying the rest, unless its rule says wait.
"""

from typing import Final

from tongdan.domain.kernel.gifts import DROP, Bought, Given, gifts
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods import reservation
from tongdan.domain.orders.goods.commands import DropGift, NoteShortage
from tongdan.domain.orders.goods.gift_facts import GiftDropped, GiftGiven, GiftsAwaited
from tongdan.domain.orders.goods.reservation import reserve_until
from tongdan.domain.orders.goods.withdrawing import to_leave, withdraw
from tongdan.domain.orders.lines import Line, Units
from tongdan.domain.orders.model import LineState, Order, unmatched

SHORT: Final = "short"
EXHAUSTED: Final = "exhausted"


def give(draft: Draft, ctx: Context) -> None:
    """The lines have just become known, or the last of them matched; what has left before it was known gets nothing."""
    order = draft.order
    shop = ctx.policy.shops.get(order.shop)
    rules = [rule for rule in ctx.policy.gifts if rule.active]
    if not rules or order.cancelled or order.placed_at is None:
        return
    if shop is not None and not shop.owned:
        return
    if unmatched(order):
        draft.tell(GiftsAwaited())
        return
    for given in gifts(bought(order), rules, order.shop, order.placed_at):
        _give(draft, ctx, given)


def bought(order: Order) -> list[Bought]:
    """What was bought, as it was sold; without what was withdrawn."""
    found = []
    for line in order.lines:
        if line.line.gift or line.line.replaces or line.line.part_of not in (0, line.line.no):
            continue
        each = line.line.bundle_units or 1
        units, kept = line.line.units // each, (line.line.units - line.withdrawn) // each
        amount_fen = sum(part.line.amount_fen for part in order.lines if _belongs(part.line, line.line))
        if kept:
            found.append(Bought(line.line.bundle or line.line.sku, kept, amount_fen * kept // units))
    return found


def _belongs(part: Line, sold: Line) -> bool:
    return part.no == sold.no or (sold.part_of > 0 and part.part_of == sold.no)


def _give(draft: Draft, ctx: Context, given: Given) -> None:
    order, rule = draft.order, given.rule
    next_no = max(each.line.no for each in order.lines) + 1
    lines = [
        Line(
            no=no,
            sku=present.sku,
            units=present.units * given.times,
            amount_fen=0,
            gift=True,
            rule=rule.name,
            drop_if_short=rule.when_short == DROP,
        )
        for no, present in enumerate(rule.gifts, next_no)
    ]
    draft.tell(
        GiftGiven(
            rule=rule.name,
            revision=ctx.revision,
            times=given.times,
            lines=tuple(lines),
            limit_times=rule.limit_times,
            region=order.region,
            until=reserve_until(order.ships, ctx),
        )
    )


def drop_gift(order: Order, command: DropGift, ctx: Context) -> Decision | Refusal:
    """A limited rule has given all it gives."""
    lines = [each for each in order.lines if each.line.rule == command.rule and each.waiting]
    if order.cancelled or not lines:
        return NOTHING
    draft = Draft(order)
    drop(draft, ctx, command.rule, lines, EXHAUSTED)
    return draft.decision()


def note_shortage(order: Order, command: NoteShortage, ctx: Context) -> Decision | Refusal:
    """A gift that is not there goes, where its rule says so; what was sold is short."""
    line = order.line(command.line)
    open_line = line is not None and line.attempt == command.attempt and line.waiting and not order.cancelled
    if line is None or not open_line or not line.line.drop_if_short:
        return reservation.note_shortage(order, command, ctx)
    draft = Draft(order)
    drop_short(draft, ctx, line)
    return draft.decision()


def drop_short(draft: Draft, ctx: Context, short: LineState) -> None:
    """A gift that is not in stock goes; of a gift that is a bundle all parts."""
    first = short.line.part_of or short.line.no
    lines = [each for each in draft.order.lines if first in (each.line.no, each.line.part_of)]
    drop(draft, ctx, short.line.rule, lines, SHORT)


def drop(draft: Draft, ctx: Context, rule: str, lines: list[LineState], reason: str) -> None:
    units = tuple([Units(each.line.no, n) for each in lines if (n := to_leave(each))])
    gone = {each.line.no for each in lines}
    stays = any(
        each.line.rule == rule and each.line.no not in gone and to_leave(each) for each in draft.order.lines
    )
    returned = rule in draft.order.limited_gifts and not stays
    draft.tell(GiftDropped(rule=rule, units=units, reason=reason, returned=returned))
    withdraw(draft, ctx, units, f"gift {reason}")
