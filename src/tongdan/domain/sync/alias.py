"""An alias: a name from outside that leads to exactly one order. The first claim stands, a second one is told of."""

import msgspec

from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.sync.commands import ClaimAlias
from tongdan.domain.sync.facts import AliasClaimed, AliasContested


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """`contested` are the orders that claimed it in vain."""

    alias: str
    order: str
    contested: tuple[str, ...] = ()


MAX_CONTESTED = 100


def claim_alias(alias: Alias | None, command: ClaimAlias, ctx: Context) -> Decision | Refusal:
    if alias is None:
        return Decision((AliasClaimed(alias=command.alias, order=command.order),))
    if command.order == alias.order or command.order in alias.contested:
        return NOTHING
    return Decision((AliasContested(alias=command.alias, order=command.order, holder=alias.order),))


def evolve(alias: Alias | None, fact: Fact) -> Alias:
    """The state after `fact`. Raises KeyError for a fact that is none of an alias's."""
    if type(fact) is AliasClaimed:
        return Alias(alias=fact.alias, order=fact.order)
    assert alias is not None
    if type(fact) is AliasContested:
        contested = (*alias.contested, fact.order)[-MAX_CONTESTED:]
        return msgspec.structs.replace(alias, contested=contested)
    if type(fact) in EFFECT_FACTS:
        return alias
    raise KeyError(type(fact).__name__)
