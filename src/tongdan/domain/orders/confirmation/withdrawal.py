"""Withdrawing: nothing more is done in the refund's name, and what was done is undone, system by system, last first.

Each undo waits for the proof of the one before. Goods come last, since they were taken back first; money that the
provider was asked for is not undone but looked for, and what has left is recovered (`recovery.py`).
"""

from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.confirmation import refusals
from tongdan.domain.orders.confirmation.commands import DisputeRefund, RecordRefundTold, WithdrawRefund
from tongdan.domain.orders.confirmation.facts import (
    RefundDisputed,
    RefundTold,
    RefundUndone,
    RefundWithdrawn,
)
from tongdan.domain.orders.confirmation.model import Confirmation, Undo
from tongdan.domain.orders.confirmation.recovery import open_recovery
from tongdan.domain.orders.confirmation.telling import announce
from tongdan.domain.orders.confirmation.words import WITHDRAWN
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.withdrawing import want_again
from tongdan.domain.orders.model import Order, Refund
from tongdan.domain.orders.money.payments import PROVIDER
from tongdan.domain.orders.money.refund_facts import QueryRefund, RefundPayment


def withdraw_refund(order: Order, command: WithdrawRefund, ctx: Context) -> Decision | Refusal:
    """By either party, before and after the execution. Twice it changes nothing."""
    refund, its = order.refund(command.refund), order.confirmation(command.refund)
    if refund is None:
        return refusals.NO_SUCH_REFUND.of(order=ctx.id, refund=command.refund)
    if its is None or refund.stage is RefundStage.FAILED:
        state = refund.stage.name.lower()
        return refusals.NOTHING_TO_WITHDRAW.of(order=ctx.id, refund=command.refund, state=state)
    if its.withdrawn is not None:
        return NOTHING
    draft = Draft(order)
    frees_fen = 0 if order.cancelled else its.adds_fen  # of a cancelled order all that came in is owed
    draft.tell(
        RefundWithdrawn(
            refund=refund.no,
            amount_fen=refund.amount_fen,
            party=command.marker.party,
            by=command.marker.by,
            reason=command.reason,
            executed=its.executed,
            frees_fen=frees_fen,
            still_owed_fen=refund.amount_fen - frees_fen,
            withdrawn_at=ctx.now,
        )
    )
    if refund.stage is RefundStage.SUCCEEDED:
        open_recovery(draft, ctx, refund.no)
    elif its.executed:
        _look_for(draft, ctx, refund)
    _undo_next(draft, ctx, refund.no)
    return draft.decision()


def _look_for(draft: Draft, ctx: Context, refund: Refund) -> None:
    """Stop it where it has not been sent, and ask what became of it: the question comes after it in the lane."""
    others = [each for each in draft.order.refunds if each.no != refund.no]
    if not any(each.stage is RefundStage.REQUESTED for each in others):
        draft.withdraw(RefundPayment.__name__)
    draft.do(
        QueryRefund(
            partner=PROVIDER,
            shop=draft.order.shop,
            out_refund_no=refund_id(ctx.id, refund.no),
            accepted=refund.stage is not RefundStage.REQUESTED,
        )
    )


def _undo_next(draft: Draft, ctx: Context, no: int) -> None:
    """Undo what was done last, of what is not undone yet; when nothing is left, say so."""
    its = draft.order.confirmation(no)
    assert its is not None
    for step in reversed(its.steps):
        if step.undo is Undo.NO:
            announce(draft, ctx, no, step.partner, WITHDRAWN, its.reason)
        if step.undo is not Undo.PROVEN:
            return
    want_again(draft, ctx, its.units, f"R{no}")
    draft.tell(RefundUndone(refund=no))


def record_refund_told(order: Order, command: RecordRefundTold, ctx: Context) -> Decision | Refusal:
    """An answer to what was not the last word is no news."""
    its = order.confirmation(command.refund)
    if its is None or not _is_awaited(its, command):
        return NOTHING
    draft = Draft(order)
    draft.tell(RefundTold(refund=its.refund, partner=command.partner, word=command.word))
    if its.withdrawn is not None:
        _undo_next(draft, ctx, its.refund)
    return draft.decision()


def _is_awaited(its: Confirmation, said: RecordRefundTold) -> bool:
    return any(
        (each.partner, each.said, each.proven) == (said.partner, said.word, False) for each in its.steps
    )


def dispute_refund(order: Order, command: DisputeRefund, ctx: Context) -> Decision | Refusal:
    """A platform's refund is what it is; that finance does not agree is told to people."""
    told = next((each for each in order.platform_refunds if each.reference == command.reference), None)
    if told is None:
        return refusals.NO_SUCH_PLATFORM_REFUND.of(order=ctx.id, reference=command.reference)
    disputed = RefundDisputed(
        reference=told.reference, amount_fen=told.amount_fen, by=command.by, reason=command.reason
    )
    return Decision((disputed,))
