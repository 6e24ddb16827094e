"""A mark: what is known of one buyer under one token. Its orders of late, and whether it is on the blacklist.

It lives where its token says, so two orders of one buyer that are placed at the same moment anywhere are counted one
after the other, and the second is seen to be the second.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from tongdan.domain.guard.commands import CheckMark, ListMark, UnlistMark
from tongdan.domain.guard.facts import MarkChecked, MarkListed, MarkUnlisted
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.kernel.policy import HoldRule

# What buyers are known again by: their own number, the shop's user, the payer's account, a platform's receiver.
PHONE, BUYER, PAYER, RECEIVER = "phone", "buyer", "payer", "receiver"
MARKS: Final = (PHONE, BUYER, PAYER, RECEIVER)
MAX_SEEN: Final = 100  # orders that a mark remembers


class Seen(msgspec.Struct, frozen=True, gc=False):
    order: str
    at: datetime


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`seen` are the latest orders, oldest first; `listed_at` None: not on the blacklist."""

    mark: str
    seen: tuple[Seen, ...] = ()
    listed_at: datetime | None = None
    why: str = ""


def check_mark(mark: Mark | None, command: CheckMark, ctx: Context) -> Decision | Refusal:
    mark = mark or Mark(mark=command.mark)
    rules = [
        rule for rule in ctx.policy.holds if rule.name in command.rules and _concerns(rule, command.mark)
    ]
    hit = tuple(
        [rule.name for rule in rules if not rule.first_order and _holds(rule, mark, command.order, ctx)]
    )
    listed = mark.listed_at is not None and any(rule.blacklisted for rule in rules if rule.name in hit)
    fact = MarkChecked(
        mark=command.mark,
        order=command.order,
        no=command.no,
        hit=hit,
        denied=tuple([rule.name for rule in rules if rule.first_order and _others(mark, command.order)]),
        why=mark.why if listed else "",
        checked_at=ctx.now,
    )
    return Decision((fact,))


def _concerns(rule: HoldRule, mark: str) -> bool:
    return not rule.by or mark.partition("/")[0] in rule.by


def _holds(rule: HoldRule, mark: Mark, order: str, ctx: Context) -> bool:
    if rule.blacklisted and mark.listed_at is None:
        return False
    since = ctx.now - timedelta(seconds=rule.within_s)
    lately = [seen for seen in _others(mark, order) if seen.at > since]
    return len(lately) + 1 >= rule.orders_at_least


def _others(mark: Mark, order: str) -> list[Seen]:
    return [seen for seen in mark.seen if seen.order != order]


def list_mark(mark: Mark | None, command: ListMark, ctx: Context) -> Decision | Refusal:
    if mark is not None and mark.listed_at is not None and mark.why == command.reason:
        return NOTHING
    return Decision((MarkListed(mark=command.mark, reason=command.reason, listed_at=ctx.now),))


def unlist_mark(mark: Mark | None, command: UnlistMark, ctx: Context) -> Decision | Refusal:
    if mark is None or mark.listed_at is None:
        return NOTHING
    return Decision((MarkUnlisted(mark=command.mark, reason=command.reason),))


def evolve(mark: Mark | None, fact: Fact) -> Mark:
    """The state after `fact`. Raises KeyError for a fact that is none of a mark's."""
    match fact:
        case MarkChecked():
            mark = mark or Mark(mark=fact.mark)
            if any(seen.order == fact.order for seen in mark.seen):
                return mark
            seen = (*mark.seen, Seen(fact.order, fact.checked_at))[-MAX_SEEN:]
            return msgspec.structs.replace(mark, seen=seen)
        case MarkListed():
            mark = mark or Mark(mark=fact.mark)
            return msgspec.structs.replace(mark, listed_at=fact.listed_at, why=fact.reason)
        case MarkUnlisted():
            assert mark is not None
            return msgspec.structs.replace(mark, listed_at=None, why="")
    if mark is not None and type(fact) in EFFECT_FACTS:
        return mark
    raise KeyError(type(fact).__name__)
