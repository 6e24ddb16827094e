"""Paying back: what is owed goes by itself, what a person grants goes on their word, and no fen goes twice.

A refund takes from one payment and holds its sum from the request until it has failed for good, so nothing that is
lost, late or repeated can send it again. The provider's result is waited for, then asked for a bounded number of
times, and believed only where it says what was asked: number, payment and sum.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.ids import payment_id, refund_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.axes import REFUND, RefundStage, Stage
from tongdan.domain.orders.commands import PayBack, RecordRefund, RecordRefundRefused, RequestRefund
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.model import (
    WORRY_FAILED,
    WORRY_PAID_LATE,
    WORRY_PAID_TWICE,
    Order,
    Payment,
    Refund,
    gone,
    here,
)
from tongdan.domain.orders.money.offline import was_offline
from tongdan.domain.orders.money.payments import PROVIDER
from tongdan.domain.orders.money.refund_facts import (
    QueryRefund,
    RefundAbnormal,
    RefundAccepted,
    RefundAsked,
    RefundContradicted,
    RefundFailed,
    RefundPayment,
    RefundRequested,
    RefundSucceeded,
)

MAX_REFUNDS: Final = 50  # of one order: as many as WeChat Pay takes for one payment
MAX_ASKED: Final = 56  # times that a result is asked for: a week of three-hour waits
_ENDS: Final = (RefundStage.SUCCEEDED, RefundStage.FAILED)
_OF_ALL: Final = (WORRY_PAID_TWICE, WORRY_PAID_LATE, WORRY_FAILED)  # over when all that is owed has gone back


# ---- what is to go back


def request_refund(order: Order, command: RequestRefund, ctx: Context) -> Decision | Refusal:
    """A person's refund takes from surplus payments first, then from the one that counts."""
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    limit_fen = refundable_fen(order)
    amount_fen = (uncovered_fen(order) or limit_fen) if command.amount_fen is None else command.amount_fen
    if refusal := beyond_word(order, amount_fen, command.limit_fen):
        return refusal
    if not limit_fen and any(was_offline(order, payment) for payment in order.payments):
        return refusals.PAID_OFFLINE.of(order=ctx.id)
    if not limit_fen:
        return refusals.NOTHING_TO_REFUND.of(order=ctx.id, received_fen=order.received_fen)
    if not 0 < amount_fen <= limit_fen:
        return refusals.REFUND_OUT_OF_RANGE.of(order=ctx.id, amount_fen=amount_fen, limit=limit_fen)
    if amount_fen == limit_fen and here(order) and not order.cancelled:
        return refusals.CANCEL_INSTEAD.of(order=ctx.id, units=here(order))
    draft = Draft(order)
    if not draw_back(draft, ctx, amount_fen, command.reason):
        return refusals.TOO_MANY_REFUNDS.of(order=ctx.id, limit=MAX_REFUNDS)
    return draft.decision()


def draw_back(draft: Draft, ctx: Context, amount_fen: int, reason: str) -> bool:
    """Have at most what is refundable sent back, of surplus payments first; False when the order has had too many."""
    order = draft.order
    for payment in sorted(order.payments, key=order.counts):
        part_fen = min(amount_fen, left_fen(order, payment))
        amount_fen -= part_fen
        if part_fen and not _pay_back(draft, ctx, payment, part_fen, reason):
            return False
    return True


def pay_back(order: Order, command: PayBack, ctx: Context) -> Decision | Refusal:
    """What is owed and may go without a person. What cannot go is told by the tickets that stand open about it."""
    shop = ctx.policy.shops.get(order.shop)
    if not order.own or (shop is not None and not shop.pays_back):
        return NOTHING
    draft = Draft(order)
    for payment in order.payments:
        wanted = command.transaction == payment.transaction if command.transaction else order.cancelled
        part_fen = min(uncovered_fen(draft.order), left_fen(order, payment))
        if wanted and part_fen and _goes_by_itself(order, payment):
            _pay_back(draft, ctx, payment, part_fen, "cancelled" if order.cancelled else "paid twice")
    return draft.decision()


def _goes_by_itself(order: Order, payment: Payment) -> bool:
    """Not what has failed before (a person may have paid it another way), nor the price of goods that may be gone."""
    if any(_of(each, payment) and each.stage is RefundStage.FAILED for each in order.refunds):
        return False
    return not (order.counts(payment) and (gone(order) or order.units(Stage.RELEASED)))


def _pay_back(draft: Draft, ctx: Context, payment: Payment, amount_fen: int, reason: str) -> bool:
    """Request it and have it sent; False when the order has had too many.

    Where refunds need a second party's word, that word is to be waited for here: between the fact and its effect.
    """
    order = draft.order
    no = len(order.refunds) + 1
    if no > MAX_REFUNDS:
        return False
    draft.tell(
        RefundRequested(
            refund=no,
            attempt=payment.attempt,
            transaction=payment.transaction,
            amount_fen=amount_fen,
            adds_fen=max(0, amount_fen - uncovered_fen(order)),
            reason=reason,
            check_at=_next_check(ctx),
        )
    )
    draft.do(
        RefundPayment(
            partner=PROVIDER,
            shop=order.shop,
            out_trade_no=payment_id(ctx.id, payment.attempt),
            transaction=payment.transaction,
            out_refund_no=refund_id(ctx.id, no),
            amount_fen=amount_fen,
            total_fen=payment.amount_fen,
        )
    )
    return True


def refundable_fen(order: Order) -> int:
    """What of all money that came in could still go back."""
    return sum(left_fen(order, payment) for payment in order.payments)


def left_fen(order: Order, payment: Payment) -> int:
    """What of a payment could still go back by way of the provider."""
    if was_offline(order, payment):
        return 0
    return payment.amount_fen - sum(
        each.amount_fen for each in order.refunds if _of(each, payment) and _holds(each)
    )


def uncovered_fen(order: Order) -> int:
    """What is owed and neither back nor on its way."""
    return order.owed_fen - sum(each.amount_fen for each in order.refunds if _holds(each))


def beyond_word(order: Order, amount_fen: int, limit_fen: int | None) -> Refusal | None:
    """What to tell somebody who may have `limit_fen` of an order go back, if this were more; None: no limit."""
    gone_fen = order.platform_refunded_fen + sum(each.amount_fen for each in order.refunds if _holds(each))
    if limit_fen is None or gone_fen + amount_fen <= limit_fen:
        return None
    return refusals.ABOVE_REFUND_LIMIT.of(limit_fen=limit_fen, gone_fen=gone_fen)


def _of(refund: Refund, payment: Payment) -> bool:
    return refund.transaction == payment.transaction


def _holds(refund: Refund) -> bool:
    return refund.stage is not RefundStage.FAILED


# ---- what became of it


def record_refund(order: Order, command: RecordRefund, ctx: Context) -> Decision | Refusal:
    refund, stage = order.refund(command.refund), command.stage
    if refund is None or not _fits(refund, command):
        return _contradicted(command)
    if not REFUND.allows(refund.stage, stage):
        return _contradicted(command) if {refund.stage, stage} == set(_ENDS) else NOTHING
    draft, amount_fen = Draft(order), refund.amount_fen
    if stage is RefundStage.ACCEPTED:
        draft.tell(RefundAccepted(refund=refund.no, reference=command.reference, check_at=_next_check(ctx)))
    elif stage is RefundStage.ABNORMAL:
        draft.tell(RefundAbnormal(refund=refund.no, amount_fen=amount_fen, check_at=_next_check(ctx)))
    elif stage is RefundStage.FAILED:
        draft.tell(RefundFailed(refund=refund.no, amount_fen=amount_fen, reason="closed"))
    else:
        _succeed(draft, ctx, refund, command.said_at)
    return draft.decision()


def _fits(refund: Refund, said: RecordRefund) -> bool:
    known = refund.attempt, refund.transaction, refund.amount_fen
    return known == (said.attempt, said.transaction, said.amount_fen)


def _contradicted(said: RecordRefund) -> Decision:
    fact = RefundContradicted(
        refund=said.refund,
        attempt=said.attempt,
        transaction=said.transaction,
        amount_fen=said.amount_fen,
        stage=said.stage.name.lower(),
    )
    return Decision((fact,))


def _succeed(draft: Draft, ctx: Context, refund: Refund, at: datetime) -> None:
    """The books are told of what comes off the price; they have never heard of a surplus."""
    order = draft.order
    all_back = order.refunded_fen + refund.amount_fen == order.owed_fen
    draft.tell(
        RefundSucceeded(
            refund=refund.no,
            amount_fen=refund.amount_fen,
            succeeded_at=at,
            ends=tuple([worry for worry in order.worries if _ended(worry, refund, all_back)]),
        )
    )
    if any(order.counts(payment) for payment in order.payments if _of(refund, payment)):
        tell_finance(draft, ctx, "refunded", at, refund.amount_fen)


def _ended(worry: str, refund: Refund, all_back: bool) -> bool:
    kind, _, about = worry.partition(":")
    return about == f"R{refund.no}" or (all_back and kind in _OF_ALL)


def record_refund_refused(order: Order, command: RecordRefundRefused, ctx: Context) -> Decision | Refusal:
    refund = order.refund(command.refund)
    if refund is None or not REFUND.allows(refund.stage, RefundStage.FAILED):
        return NOTHING
    return Decision((RefundFailed(refund=refund.no, amount_fen=refund.amount_fen, reason=command.reason),))


def ask_result(draft: Draft, ctx: Context) -> None:
    """Ask for the results that did not come: their notices may have been lost."""
    order = draft.order
    draft.withdraw(QueryRefund.__name__)
    for refund in order.refunds:
        if refund.check_at is not None and refund.check_at <= ctx.now:
            times = refund.asked + 1
            check_at = _next_check(ctx) if times < MAX_ASKED else None
            draft.tell(RefundAsked(refund=refund.no, times=times, check_at=check_at))
            draft.do(
                QueryRefund(
                    partner=PROVIDER,
                    shop=order.shop,
                    out_refund_no=refund_id(ctx.id, refund.no),
                    accepted=refund.stage is not RefundStage.REQUESTED,
                )
            )


def _next_check(ctx: Context) -> datetime:
    return ctx.now + timedelta(seconds=ctx.policy.deadlines.refund_within_s)
