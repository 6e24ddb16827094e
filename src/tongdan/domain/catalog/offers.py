"""Matching: which own SKU a platform's SKU is, asked by lines of orders and answered by a person, in either order.

A match holds for every line that asks later, and releases those that asked before; asking twice is asking once. A
changed match says nothing about lines that have their answer: these may be packed already.
"""

from typing import Final

from msgspec.structs import replace

from tongdan.domain.catalog import refusals
from tongdan.domain.catalog.commands import FindMatch, MatchOffer
from tongdan.domain.catalog.facts import MatchAwaited, MatchFound, OfferMatched, OfferSeen
from tongdan.domain.catalog.model import MAX_WAITING, Asking, Offer
from tongdan.domain.catalog.skus import MAX_CODE, is_code
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

WORRY_UNMATCHED: Final = "offer-unmatched"  # also the kind of its ticket


def find_match(offer: Offer | None, command: FindMatch, ctx: Context) -> Decision | Refusal:
    asking = Asking(command.order, command.line)
    if offer is not None and offer.sku:
        return Decision((MatchFound(sku=offer.sku, lines=(asking,)),))
    waiting = () if offer is None else offer.waiting
    if asking in waiting:
        return NOTHING
    if len(waiting) >= MAX_WAITING:
        return refusals.OFFER_FULL.of(offer=ctx.id, limit=MAX_WAITING)
    awaited = MatchAwaited(order=asking.order, line=asking.line, first=not waiting)
    if offer is not None and (offer.outer, offer.title) == (command.outer, command.title):
        return Decision((awaited,))
    seen = OfferSeen(
        channel=command.channel,
        shop=command.shop,
        offer=command.offer,
        outer=command.outer,
        title=command.title,
    )
    return Decision((seen, awaited))


def match_offer(offer: Offer | None, command: MatchOffer, ctx: Context) -> Decision | Refusal:
    codes = {"offer": command.offer, "sku": command.sku or "-", "product": command.product or "-"}
    for field, code in codes.items():
        if not is_code(code):
            return refusals.BAD_CODE.of(field=field, limit=MAX_CODE)
    before, known = ("", "") if offer is None else (offer.sku, offer.product)
    product = command.product or known
    if (command.sku, product) == (before, known):
        return NOTHING
    waiting = () if offer is None else offer.waiting
    matched = OfferMatched(
        channel=command.channel,
        shop=command.shop,
        offer=command.offer,
        sku=command.sku,
        ends=(WORRY_UNMATCHED,) if waiting else (),
        before=before,
        product=product,
    )
    if not waiting:
        return Decision((matched,))
    return Decision((matched, MatchFound(sku=command.sku, lines=waiting)))


def evolve(offer: Offer | None, fact: Fact) -> Offer:
    """The state after `fact`. Raises KeyError for a fact that is none of an offer's."""
    if type(fact) is OfferSeen:
        offer = offer or Offer(channel=fact.channel, shop=fact.shop, offer=fact.offer)
        return replace(offer, outer=fact.outer, title=fact.title)
    if type(fact) is OfferMatched:
        offer = offer or Offer(channel=fact.channel, shop=fact.shop, offer=fact.offer)
        return replace(offer, sku=fact.sku, product=fact.product, waiting=())
    if offer is not None and type(fact) is MatchAwaited:
        return replace(offer, waiting=(*offer.waiting, Asking(fact.order, fact.line)))
    if offer is not None and (type(fact) is MatchFound or type(fact) in EFFECT_FACTS):
        return offer
    raise KeyError(type(fact).__name__)
