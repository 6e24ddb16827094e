"""The ERP's copy of an order: pushed when it first goes to the warehouses, told anew when it changes, taken back when
it is cancelled.

Which shop's orders go to which ERP is said by `conf/shops.yml`. The lane keeps them in order; what has not been sent
when a later word replaces it never is.
"""

from typing import Any

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Context, Decide, Decision, Refusal
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp_facts import CancelAtErp, ErpParcel, ErpRevised, PushToErp, ReviseAtErp
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.model import Order


def push_to_erp(draft: Draft, ctx: Context) -> None:
    """Of an order that is about to be released."""
    order, partner = draft.order, partner_of(draft.order, ctx)
    if not partner or order.shipments or order.placed_at is None:
        return
    draft.do(_copy(order, ctx, partner))


def cancel_at_erp(draft: Draft, ctx: Context, reason: str) -> None:
    """Of an order that is cancelled. One that was never released is not known there."""
    partner = partner_of(draft.order, ctx)
    if partner and draft.order.shipments:
        draft.withdraw(PushToErp.__name__, ReviseAtErp.__name__)
        draft.do(CancelAtErp(partner=partner, order=ctx.id, shop=draft.order.shop, reason=reason))


def tell_erp_again(draft: Draft, ctx: Context) -> list[str]:
    """What it would have heard last; nothing of an order that it was never given."""
    order, partner = draft.order, partner_of(draft.order, ctx)
    if not order.shipments:
        return []
    if order.cancelled:
        draft.do(CancelAtErp(partner=partner, order=ctx.id, shop=order.shop, reason=order.cancelled_by))
        return ["cancelled"]
    revision = order.erp_revision + 1
    draft.tell(ErpRevised(revision=revision))
    draft.withdraw(ReviseAtErp.__name__)
    draft.do(_revision(order, ctx, partner, revision))
    return ["released"]


def revising(decide: Decide) -> Decide:
    """A decider of orders after which the ERP hears what has changed of an order it was given."""

    def decided(order: Order | None, command: Any, ctx: Context) -> Decision | Refusal:
        decision = decide(order, command, ctx)
        if order is None or not order.shipments or order.cancelled or isinstance(decision, Refusal):
            return decision
        partner = partner_of(order, ctx) if decision.facts and order.known else ""
        if not partner:
            return decision
        after = order
        for fact in decision.facts:
            after = evolve(after, fact)
        before, revision = _revision(order, ctx, partner, 0), after.erp_revision + 1
        told = _revision(after, ctx, partner, revision)
        if after.cancelled or replace(told, revision=0) == before:
            return decision
        return replace(
            decision,
            facts=(*decision.facts, ErpRevised(revision=revision)),
            effects=(*decision.effects, told),
            supersedes=(*decision.supersedes, ReviseAtErp.__name__),
        )

    return decided


def _revision(order: Order, ctx: Context, partner: str, revision: int) -> ReviseAtErp:
    parcels = [ErpParcel(carrier=p.carrier, waybill=p.waybill, units=p.units) for p in order.parcels]
    return ReviseAtErp(
        partner=partner,
        order=ctx.id,
        revision=revision,
        copy=_copy(order, ctx, partner),
        refunded_fen=order.refunded_fen if order.own else order.platform_refunded_fen,
        parcels=tuple(parcels),
    )


def _copy(order: Order, ctx: Context, partner: str) -> PushToErp:
    """Its lines are what leaves, or has left."""
    assert order.placed_at is not None
    wanted = [(each.line, each.line.units - each.stopped) for each in order.lines]
    return PushToErp(
        partner=partner,
        order=ctx.id,
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        lines=tuple([replace(line, units=units) for line, units in wanted if units]),
        amount_fen=order.amount_fen,
        freight_fen=order.freight_fen,
        discount_fen=order.discount_fen,
        placed_at=order.placed_at,
        paid_at=order.paid.paid_at if order.paid is not None else None,
    )


def partner_of(order: Order, ctx: Context) -> str:
    """The ERP that hears of the order's shop; "" for none."""
    shop = ctx.policy.shops.get(order.shop)
    return f"erp/{shop.erp}" if shop is not None and shop.erp else ""
