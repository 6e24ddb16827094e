"""Recoveries: money that left although its refund was withdrawn is owed by the buyer, until it is back or given up.

It comes back by another way than it left (the provider pays a payment back once only), so what was recovered cannot be
refunded through it again.
"""

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.confirmation import refusals
from tongdan.domain.orders.confirmation.commands import RecordRepayment, WriteOffRecovery
from tongdan.domain.orders.confirmation.facts import RecoveryOpened, RecoveryRepaid, RecoveryWrittenOff
from tongdan.domain.orders.confirmation.telling import tell
from tongdan.domain.orders.confirmation.words import RECOVERED, RECOVERY, WRITTEN_OFF
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.delivery import FINANCE
from tongdan.domain.orders.model import WORRY_RECOVERY, Order, refund_worry


def open_recovery(draft: Draft, ctx: Context, no: int) -> None:
    """Of a refund that was withdrawn, and has reached the buyer."""
    refund = draft.order.refund(no)
    assert refund is not None
    draft.tell(RecoveryOpened(refund=no, amount_fen=refund.amount_fen))
    tell(draft, ctx, no, FINANCE, RECOVERY)


def record_repayment(order: Order, command: RecordRepayment, ctx: Context) -> Decision | Refusal:
    its = order.confirmation(command.refund)
    recovery = its.recovery if its is not None else None
    if recovery is None:
        return refusals.NO_RECOVERY.of(order=ctx.id, refund=command.refund)
    if command.reference in recovery.references:
        return NOTHING
    if not 0 < command.amount_fen <= recovery.left_fen:
        return refusals.REPAYMENT_OUT_OF_RANGE.of(
            order=ctx.id, refund=command.refund, amount_fen=command.amount_fen, limit=recovery.left_fen
        )
    draft = Draft(order)
    over = command.amount_fen == recovery.left_fen
    draft.tell(
        RecoveryRepaid(
            refund=command.refund,
            amount_fen=command.amount_fen,
            reference=command.reference,
            repaid_at=command.repaid_at,
            ends=(refund_worry(WORRY_RECOVERY, command.refund),) if over else (),
        )
    )
    if over:
        tell(draft, ctx, command.refund, FINANCE, RECOVERED)
    return draft.decision()


def write_off_recovery(order: Order, command: WriteOffRecovery, ctx: Context) -> Decision | Refusal:
    its = order.confirmation(command.refund)
    if its is None or its.recovery is None or not its.recovery.is_open:
        return refusals.NO_RECOVERY.of(order=ctx.id, refund=command.refund)
    draft = Draft(order)
    draft.tell(
        RecoveryWrittenOff(
            refund=command.refund,
            amount_fen=its.recovery.left_fen,
            by=command.by,
            reason=command.reason,
            ends=(refund_worry(WORRY_RECOVERY, command.refund),),
        )
    )
    tell(draft, ctx, command.refund, FINANCE, WRITTEN_OFF, command.reason)
    return draft.decision()
