"""How quotas follow stock: what is lowered is told at once, what rises waits until the lower numbers are confirmed.

Of one outlet only the latest number is on its way: what has not left when a newer one is decided is withdrawn, and what
may have left is followed, in the same lane, by the newer one. So an older number never stays. A number that is on its
way counts as promised until the platform has confirmed it or what came after it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import quota_facts as q
from tongdan.domain.fulfillment.quota import MAX_OUTLETS, Asked, Available, Quota, divided, to_promise
from tongdan.domain.fulfillment.quota_commands import (
    ListOutlet,
    NoteAvailable,
    NoteParts,
    PushQuotas,
    RecordQuotaPublished,
    UnlistOutlet,
)
from tongdan.domain.fulfillment.refusals import NO_QUOTA_RULE, TOO_MANY_OUTLETS
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.quotas import QuotaRule

# ---- deciding


def list_outlet(quota: Quota | None, command: ListOutlet, ctx: Context) -> Decision | Refusal:
    quota = quota or Quota(sku=command.sku)
    if command.outlet in quota.outlets:
        return NOTHING
    if len(quota.outlets) >= MAX_OUTLETS:
        return TOO_MANY_OUTLETS.of(sku=command.sku, limit=MAX_OUTLETS)
    facts: list[Fact] = [q.OutletListed(sku=command.sku, outlet=command.outlet)]
    if not quota.follows and ctx.policy.quotas.rule_of(command.sku) is not None:
        facts.append(q.StockFollowed(sku=command.sku))
    return _settled(quota, facts, ctx)


def unlist_outlet(quota: Quota | None, command: UnlistOutlet, ctx: Context) -> Decision | Refusal:
    """What the platform was told last stays there until the offer's next SKU has a number for it."""
    known = [] if quota is None else [each for each in quota.outlets if each.key == command.outlet.key]
    if quota is None or not known:
        return NOTHING
    return _settled(quota, [q.OutletUnlisted(sku=command.sku, outlet=known[0])], ctx)


def push_quotas(quota: Quota | None, command: PushQuotas, ctx: Context) -> Decision | Refusal:
    rule = ctx.policy.quotas.rule_of(command.sku)
    if quota is None or not quota.outlets or rule is None:
        return NO_QUOTA_RULE.of(sku=command.sku)
    again = {each.key for each in quota.outlets}
    return _settled(quota, [q.StockFollowed(sku=command.sku)], ctx, again)


def note_parts(quota: Quota | None, command: NoteParts, ctx: Context) -> Decision | Refusal:
    if quota is None or command.parts == quota.parts:
        return NOTHING
    return _settled(quota, [q.PartsNoted(sku=command.sku, parts=command.parts)], ctx)


def note_available(quota: Quota | None, command: NoteAvailable, ctx: Context) -> Decision | Refusal:
    if quota is None:
        return NOTHING
    known = quota.available.get(command.part)
    if known is not None and command.no <= known.no:
        return NOTHING
    noted = q.AvailabilityNoted(
        sku=command.sku,
        part=command.part,
        no=command.no,
        levels=command.levels,
        waiting_units=command.waiting_units,
        channels=command.channels,
    )
    again = {each.key for each in quota.outlets if each.channel in command.channels}
    return _settled(quota, [noted], ctx, again)


def record_published(quota: Quota | None, command: RecordQuotaPublished, ctx: Context) -> Decision | Refusal:
    if quota is None:
        return NOTHING
    published = q.QuotaPublished(
        sku=command.sku, outlet=command.outlet, units=command.units, sequence=command.sequence
    )
    return _settled(quota, [published], ctx)


def _settled(quota: Quota, facts: list[Fact], ctx: Context, again: Collection[str] = ()) -> Decision:
    """`facts`, and what has to be told because of them; `again`: outlets that may not offer what they were told."""
    for fact in facts:
        quota = evolve(quota, fact)
    rule = ctx.policy.quotas.rule_of(quota.sku)
    units = None if rule is None or not quota.follows else to_promise(quota, rule)
    if rule is None or units is None:
        return Decision(tuple(facts))
    wanted = _wanted(quota, rule, units, ctx.policy)
    newly = {key: n for key, n in wanted.items() if key in again or n != _told(quota, key)}
    if not newly:
        return Decision(tuple(facts))
    # All that is on its way is withdrawn together, so all of it is said anew.
    resent = {key: asked.units for key, asked in quota.asked.items() if key in wanted} | newly
    told = [q.Wanted(key, n, quota.sequence + at) for at, (key, n) in enumerate(resent.items(), 1)]
    facts.append(q.QuotasSet(sku=quota.sku, wanted=tuple(told)))
    return Decision(tuple(facts), _effects(quota, told), supersedes=(q.PUBLISH,))


def _wanted(quota: Quota, rule: QuotaRule, units: int, policy: Policy) -> dict[str, int]:
    """What each outlet should be told now. What rises takes only what no outlet may be offering any more."""
    owned = [each for each in quota.outlets if (shop := policy.shops.get(each.shop)) and shop.owned]
    aims = divided(units, rule, owned)
    if rule.shared:
        return aims
    promised = {key: aim if (known := quota.promised(key)) is None else known for key, aim in aims.items()}
    free = max(0, units - sum(max(promised[key], 0) for key in aims))
    found: dict[str, int] = {}
    for key, aim in aims.items():
        rise = min(max(0, aim - promised[key]), free)
        free -= rise
        found[key] = min(aim, promised[key] + rise)
    return found


def _told(quota: Quota, key: str) -> int | None:
    """The last number that was sent there, arrived or not."""
    asked = quota.asked.get(key)
    return asked.units if asked is not None else quota.published.get(key)


def _effects(quota: Quota, wanted: list[q.Wanted]) -> tuple[q.PublishQuota, ...]:
    outlets = {each.key: each for each in quota.outlets}
    return tuple(
        q.PublishQuota(
            partner=f"channel/{outlet.channel}/{outlet.shop}",
            channel=outlet.channel,
            shop=outlet.shop,
            offer=outlet.offer,
            product=outlet.product,
            sku=quota.sku,
            units=each.units,
            sequence=each.sequence,
        )
        for each in wanted
        for outlet in (outlets[each.key],)
    )


# ---- folding


def evolve(quota: Quota | None, fact: Fact) -> Quota:
    """The state after `fact`. Raises KeyError for a fact that is none of a quota's."""
    apply = _EVOLVE.get(type(fact))
    if apply is None:
        if quota is None or type(fact) not in EFFECT_FACTS:
            raise KeyError(type(fact).__name__)
        return quota
    return apply(quota or Quota(sku=fact.sku), fact)  # type: ignore[attr-defined]


def _on_listed(quota: Quota, fact: q.OutletListed) -> Quota:
    others = [each for each in quota.outlets if each.key != fact.outlet.key]
    return replace(quota, outlets=(*others, fact.outlet))


def _on_unlisted(quota: Quota, fact: q.OutletUnlisted) -> Quota:
    key = fact.outlet.key
    return replace(
        quota,
        outlets=tuple([each for each in quota.outlets if each.key != key]),
        asked={other: asked for other, asked in quota.asked.items() if other != key},
        published={other: units for other, units in quota.published.items() if other != key},
    )


def _on_followed(quota: Quota, _: q.StockFollowed) -> Quota:
    return replace(quota, follows=True)


def _on_parts(quota: Quota, fact: q.PartsNoted) -> Quota:
    """What was told of other parts may be old when they come back."""
    kept = {part.sku for part in fact.parts} or {quota.sku}
    available = {sku: told for sku, told in quota.available.items() if sku in kept}
    return replace(quota, parts=fact.parts, available=available)


def _on_available(quota: Quota, fact: q.AvailabilityNoted) -> Quota:
    told = Available(fact.no, fact.levels, fact.waiting_units)
    return replace(quota, available={**quota.available, fact.part: told})


def _on_set(quota: Quota, fact: q.QuotasSet) -> Quota:
    asked = dict(quota.asked)
    for each in fact.wanted:
        before = asked.get(each.key)
        peak = each.units if before is None else max(before.peak, each.units)
        asked[each.key] = Asked(each.units, peak, each.sequence)
    return replace(quota, asked=asked, sequence=max(each.sequence for each in fact.wanted))


def _on_published(quota: Quota, fact: q.QuotaPublished) -> Quota:
    asked = quota.asked.get(fact.outlet)
    if fact.outlet not in {each.key for each in quota.outlets}:
        return quota
    still = {key: each for key, each in quota.asked.items() if key != fact.outlet}
    if asked is not None and fact.sequence < asked.sequence:
        still[fact.outlet] = asked
    return replace(quota, asked=still, published={**quota.published, fact.outlet: fact.units})


_EVOLVE: Final[Mapping[type[Fact], Callable[..., Quota]]] = {
    q.OutletListed: _on_listed,
    q.OutletUnlisted: _on_unlisted,
    q.StockFollowed: _on_followed,
    q.PartsNoted: _on_parts,
    q.AvailabilityNoted: _on_available,
    q.QuotasSet: _on_set,
    q.QuotaPublished: _on_published,
}
