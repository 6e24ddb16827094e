"""Marks: a refund is proposed, finance and the order centre each mark it, and when it has cooled off it is executed.

Two marks are two people or systems. Whoever asks for a refund has marked it for their party by that; what goes back by
rule the order centre marks as that rule, where the policy says so. Until then only words have gone out.
"""

from datetime import timedelta

from tongdan.domain.kernel.confirmation import CENTRE, REFUNDED, RULE, Marker
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.confirmation import refusals
from tongdan.domain.orders.confirmation.commands import ConfirmRefund
from tongdan.domain.orders.confirmation.facts import RefundConfirmed, RefundMarked, RefundProposed
from tongdan.domain.orders.confirmation.model import Confirmation
from tongdan.domain.orders.confirmation.telling import announce
from tongdan.domain.orders.confirmation.words import CONFIRMED, REQUESTED
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp import partner_of
from tongdan.domain.orders.goods.delivery import FINANCE, SERVICE
from tongdan.domain.orders.model import Order, Payment
from tongdan.domain.orders.money.sending import send_back


def is_needed(ctx: Context, cause: str) -> bool:
    """Whether a refund of this cause waits for two marks."""
    return ctx.policy.confirmation.covers(REFUNDED, cause)


def propose(
    draft: Draft, ctx: Context, no: int, payment: Payment, amount_fen: int, adds_fen: int, cause: str,
    reason: str, marker: Marker | None,
) -> None:  # fmt: skip
    """The refund `no` waits for its marks; `marker` is who asked for it, None: a rule did."""
    policy = ctx.policy.confirmation
    draft.tell(
        RefundProposed(
            refund=no,
            attempt=payment.attempt,
            transaction=payment.transaction,
            amount_fen=amount_fen,
            adds_fen=adds_fen,
            cause=cause,
            reason=reason,
            cooling_s=policy.cooling_s,
            partners=_partners(draft.order, ctx),
            proposed_at=ctx.now,
        )
    )
    announce(draft, ctx, no, FINANCE, REQUESTED, reason)
    if marker is None and policy.marks(cause, amount_fen):
        marker = Marker(party=CENTRE, by=f"{RULE}{cause}")
    if marker is not None:
        _mark(draft, ctx, no, marker)


def _partners(order: Order, ctx: Context) -> tuple[str, ...]:
    """Who is told beside finance, in this order."""
    wanted = ctx.policy.confirmation.tells
    service = SERVICE if order.shop in ctx.policy.notices.tells_service else ""
    erp = partner_of(order, ctx) if order.shipments else ""
    return tuple([each for name, each in (("erp", erp), ("service", service)) if name in wanted and each])


def confirm_refund(order: Order, command: ConfirmRefund, ctx: Context) -> Decision | Refusal:
    """Marked again by the same party it changes nothing."""
    refund, its = order.refund(command.refund), order.confirmation(command.refund)
    if refund is None:
        return refusals.NO_SUCH_REFUND.of(order=ctx.id, refund=command.refund)
    if its is None or its.withdrawn is not None:
        state = "withdrawn" if its is not None else refund.stage.name.lower()
        return refusals.REFUND_NOT_WAITING.of(order=ctx.id, refund=command.refund, state=state)
    if command.amount_fen not in (None, refund.amount_fen):
        return refusals.REFUND_SUM_DIFFERS.of(
            order=ctx.id, refund=command.refund, said_fen=command.amount_fen, amount_fen=refund.amount_fen
        )
    if its.mark_of(command.marker.party) is not None:
        return NOTHING
    if any(each.by == command.marker.by for each in its.marks):
        return refusals.SAME_MARKER.of(order=ctx.id, refund=command.refund, by=command.marker.by)
    draft = Draft(order)
    _mark(draft, ctx, command.refund, command.marker)
    return draft.decision()


def _mark(draft: Draft, ctx: Context, no: int, marker: Marker) -> None:
    draft.tell(RefundMarked(refund=no, party=marker.party, by=marker.by, marked_at=ctx.now))
    its = draft.order.confirmation(no)
    assert its is not None
    if its.missing:
        return
    draft.tell(RefundConfirmed(refund=no, due_at=ctx.now + timedelta(seconds=its.cooling_s)))
    for partner in (FINANCE, *its.partners):
        announce(draft, ctx, no, partner, CONFIRMED, its.reason)
    if not its.cooling_s:
        _execute(draft, ctx, its)


def execute_due(draft: Draft, ctx: Context) -> None:
    """What both have marked, and what nobody has withdrawn while it cooled off."""
    for its in draft.order.confirmations:
        if its.due_at is not None and its.due_at <= ctx.now:
            _execute(draft, ctx, its)


def _execute(draft: Draft, ctx: Context, its: Confirmation) -> None:
    refund = draft.order.refund(its.refund)
    assert refund is not None
    assert refund.stage is RefundStage.HELD
    payment = next(each for each in draft.order.payments if each.transaction == refund.transaction)
    send_back(draft, ctx, its.refund, payment, refund.amount_fen, 0, its.reason)
