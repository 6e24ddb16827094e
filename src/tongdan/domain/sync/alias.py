"""An alias: a name from outside that leads to one order or shipment. The first claim stands, a second is told of.

It is also where messages wait that know nothing but this name and come before its claim: a carrier may speak of a
parcel before the warehouse has confirmed it. They are committed first, released in order of arrival with the claim,
and after a deadline somebody is told; they wait on, because a late claim still heals it.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.messages import (
    EFFECT_FACTS,
    NOTHING,
    Context,
    Decision,
    Fact,
    Refusal,
    RefusalKind,
    WakeUp,
)
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.sync.commands import ClaimAlias, SendByAlias
from tongdan.domain.sync.facts import (
    AliasClaimed,
    AliasContested,
    ClaimOverdue,
    LetterDelivered,
    LetterParked,
)
from tongdan.domain.sync.kinds import CLAIM_OVERDUE

MAX_CONTESTED: Final = 100
MAX_PARKED: Final = 100
MAX_PARKED_PER_SOURCE: Final = 60

ALIAS_FULL: Final = RefusalKind(
    "alias-full",
    503,
    en="Nobody has claimed {alias} and no more can wait for that. Nothing was taken; send it again after Retry-After.",
    zh="{alias} 尚未被认领,等待的消息已达上限。本条未被接收,请在 Retry-After 之后重发。",
    retry_after_s=3_600,
)


class Letter(msgspec.Struct, frozen=True, gc=False):
    """What waits, and who sent it."""

    source: str
    content: Track | Receipt


class Alias(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`order` is what it leads to ("": not claimed yet); `contested` are those that claimed it in vain.

    `claim_by`: somebody is told if it is not claimed by then; `overdue`: that has been done.
    """

    alias: str
    order: str = ""
    contested: tuple[str, ...] = ()
    parked: tuple[Letter, ...] = ()
    claim_by: datetime | None = None
    overdue: bool = False


def wake_at(alias: Alias) -> datetime | None:
    return None if alias.overdue else alias.claim_by


def claim_alias(alias: Alias | None, command: ClaimAlias, ctx: Context) -> Decision | Refusal:
    if alias is None or not alias.order:
        overdue = alias is not None and alias.overdue
        ends = (CLAIM_OVERDUE,) if overdue else ()
        waiting = () if alias is None else alias.parked
        return Decision(
            (
                AliasClaimed(alias=command.alias, order=command.order, ends=ends),
                *(LetterDelivered(to=command.order, letter=letter.content) for letter in waiting),
            )
        )
    if command.order == alias.order or command.order in alias.contested:
        return NOTHING
    return Decision((AliasContested(alias=command.alias, order=command.order, holder=alias.order),))


def send_by_alias(alias: Alias | None, command: SendByAlias, ctx: Context) -> Decision | Refusal:
    if alias is not None and alias.order:
        return Decision((LetterDelivered(to=alias.order, letter=command.letter),))
    parked = () if alias is None else alias.parked
    if any(letter.content == command.letter for letter in parked):
        return NOTHING
    from_source = sum(letter.source == command.source for letter in parked)
    if len(parked) >= MAX_PARKED or from_source >= MAX_PARKED_PER_SOURCE:
        return ALIAS_FULL.of(alias=command.alias)
    claim_by = alias.claim_by if alias is not None else None
    if claim_by is None:
        claim_by = ctx.now + timedelta(seconds=ctx.policy.deadlines.claim_within_s)
    letter = LetterParked(
        alias=command.alias, source=command.source, letter=command.letter, claim_by=claim_by
    )
    return Decision((letter,))


def wake(alias: Alias, command: WakeUp, ctx: Context) -> Decision | Refusal:
    due = wake_at(alias)
    if due is None or ctx.now < due:
        return NOTHING
    return Decision((ClaimOverdue(letters=len(alias.parked)),))


def evolve(alias: Alias | None, fact: Fact) -> Alias:
    """The state after `fact`. Raises KeyError for a fact that is none of an alias's."""
    if type(fact) is AliasClaimed:
        alias = alias or Alias(alias=fact.alias)
        return replace(alias, order=fact.order, parked=(), claim_by=None, overdue=False)
    if type(fact) is LetterParked:
        alias = alias or Alias(alias=fact.alias)
        letter = Letter(fact.source, fact.letter)
        return replace(alias, parked=(*alias.parked, letter), claim_by=fact.claim_by)
    assert alias is not None
    if type(fact) is AliasContested:
        contested = (*alias.contested, fact.order)[-MAX_CONTESTED:]
        return replace(alias, contested=contested)
    if type(fact) is ClaimOverdue:
        return replace(alias, overdue=True)
    if type(fact) is LetterDelivered or type(fact) in EFFECT_FACTS:
        return alias
    raise KeyError(type(fact).__name__)
