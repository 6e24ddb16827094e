"""Paying back: what is owed goes by itself, what a person grants goes on their word, and no fen goes twice.

A refund takes from one payment and holds its sum from the request until it has failed for good, so nothing that is
lost, late or repeated can send it again. The provider's result is waited for, then asked for a bounded number of
times, and believed only where it says what was asked: number, payment and sum.
"""

from datetime import datetime
from typing import Final

from tongdan.domain.kernel.confirmation import CANCELLED, PAID_TWICE, Marker
from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.axes import REFUND, RefundStage, Stage
from tongdan.domain.orders.commands import (
    PayBack,
    RecordRefund,
    RecordRefundRefused,
    RefundUnits,
    RequestRefund,
)
from tongdan.domain.orders.confirmation import marking
from tongdan.domain.orders.confirmation.facts import RefundCalledOff
from tongdan.domain.orders.confirmation.recovery import open_recovery
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.model import (
    WORRY_FAILED,
    WORRY_PAID_LATE,
    WORRY_PAID_TWICE,
    WORRY_WITHDRAWN,
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
    RefundSucceeded,
)
from tongdan.domain.orders.money.sending import next_check, send_back

MAX_REFUNDS: Final = 50  # of one order: as many as WeChat Pay takes for one payment
MAX_ASKED: Final = 56  # times that a result is asked for: a week of three-hour waits
_ENDS: Final = (RefundStage.SUCCEEDED, RefundStage.FAILED)
_UNSENT: Final = (RefundStage.HELD, RefundStage.WITHDRAWN)  # the provider cannot know of them
_OF_ALL: Final = (WORRY_PAID_TWICE, WORRY_PAID_LATE, WORRY_FAILED, WORRY_WITHDRAWN)
# over when all that is owed has gone back


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
    if not draw_back(draft, ctx, amount_fen, command):
        return refusals.TOO_MANY_REFUNDS.of(order=ctx.id, limit=MAX_REFUNDS)
    return draft.decision()


def draw_back(draft: Draft, ctx: Context, amount_fen: int, asked: RequestRefund | RefundUnits) -> bool:
    """Have at most what is refundable sent back, of surplus payments first; False when the order has had too many."""
    order = draft.order
    for payment in sorted(order.payments, key=order.counts):
        part_fen = min(amount_fen, left_fen(order, payment))
        amount_fen -= part_fen
        cause, reason, marker = asked.cause, asked.reason, asked.marker
        if part_fen and not _pay_back(draft, ctx, payment, part_fen, cause, reason, marker):
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
            if order.cancelled:
                _pay_back(draft, ctx, payment, part_fen, CANCELLED, "cancelled")
            else:
                _pay_back(draft, ctx, payment, part_fen, PAID_TWICE, "paid twice")
    return draft.decision()


def _goes_by_itself(order: Order, payment: Payment) -> bool:
    """Not what has failed or was withdrawn before (a person may have paid it another way, or not want it paid), nor the
    price of goods that may be gone."""
    over = [each for each in order.refunds if each.withdrawn or each.stage is RefundStage.FAILED]
    if any(_of(each, payment) for each in over):
        return False
    return not (order.counts(payment) and (gone(order) or order.units(Stage.RELEASED)))


def _pay_back(
    draft: Draft, ctx: Context, payment: Payment, amount_fen: int, cause: str, reason: str,
    marker: Marker | None = None,
) -> bool:  # fmt: skip
    """Have it sent, or proposed where two parties have to mark it; False when the order has had too many."""
    no = len(draft.order.refunds) + 1
    if no > MAX_REFUNDS:
        return False
    adds_fen = max(0, amount_fen - uncovered_fen(draft.order))
    if marking.is_needed(ctx, cause):
        marking.propose(draft, ctx, no, payment, amount_fen, adds_fen, cause, reason, marker)
    else:
        send_back(draft, ctx, no, payment, amount_fen, adds_fen, reason)
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
    covering = [each for each in order.refunds if _holds(each) and not each.withdrawn]
    return order.owed_fen - sum(each.amount_fen for each in covering)


def beyond_word(order: Order, amount_fen: int, limit_fen: int | None) -> Refusal | None:
    """What to tell somebody who may have `limit_fen` of an order go back, if this were more; None: no limit."""
    gone_fen = order.platform_refunded_fen + sum(each.amount_fen for each in order.refunds if _holds(each))
    if limit_fen is None or gone_fen + amount_fen <= limit_fen:
        return None
    return refusals.ABOVE_REFUND_LIMIT.of(limit_fen=limit_fen, gone_fen=gone_fen)


def _of(refund: Refund, payment: Payment) -> bool:
    return refund.transaction == payment.transaction


def _holds(refund: Refund) -> bool:
    return refund.stage not in (RefundStage.FAILED, RefundStage.WITHDRAWN)


# ---- what became of it


def record_refund(order: Order, command: RecordRefund, ctx: Context) -> Decision | Refusal:
    refund, stage = order.refund(command.refund), command.stage
    if refund is None or not _fits(refund, command):
        return _contradicted(command)
    if not REFUND.allows(refund.stage, stage):
        impossible = refund.stage in _UNSENT or {refund.stage, stage} == set(_ENDS)
        return _contradicted(command) if impossible else NOTHING
    draft, amount_fen = Draft(order), refund.amount_fen
    if stage is RefundStage.ACCEPTED:
        draft.tell(RefundAccepted(refund=refund.no, reference=command.reference, check_at=next_check(ctx)))
    elif stage is RefundStage.ABNORMAL:
        draft.tell(RefundAbnormal(refund=refund.no, amount_fen=amount_fen, check_at=next_check(ctx)))
    elif stage is RefundStage.FAILED:
        draft.tell(_failed(refund, "closed"))
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
    all_back = not refund.withdrawn and order.refunded_fen + refund.amount_fen == order.owed_fen
    draft.tell(
        RefundSucceeded(
            refund=refund.no,
            amount_fen=refund.amount_fen,
            succeeded_at=at,
            ends=tuple([worry for worry in order.worries if _ended(worry, refund, all_back)]),
        )
    )
    if refund.withdrawn:
        open_recovery(draft, ctx, refund.no)
    elif any(order.counts(payment) for payment in order.payments if _of(refund, payment)):
        tell_finance(draft, ctx, "refunded", at, refund.amount_fen, refund_id(ctx.id, refund.no))


def _ended(worry: str, refund: Refund, all_back: bool) -> bool:
    kind, _, about = worry.partition(":")
    return about == f"R{refund.no}" or (all_back and kind in _OF_ALL)


def record_refund_refused(order: Order, command: RecordRefundRefused, ctx: Context) -> Decision | Refusal:
    refund = order.refund(command.refund)
    if refund is None or not REFUND.allows(refund.stage, RefundStage.FAILED):
        return NOTHING
    return Decision((_failed(refund, command.reason),))


def _failed(refund: Refund, reason: str) -> RefundFailed | RefundCalledOff:
    """What was withdrawn is not owed for having failed."""
    if refund.withdrawn:
        return RefundCalledOff(refund=refund.no, amount_fen=refund.amount_fen)
    return RefundFailed(refund=refund.no, amount_fen=refund.amount_fen, reason=reason)


def ask_result(draft: Draft, ctx: Context) -> None:
    """Ask for the results that did not come: their notices may have been lost."""
    order = draft.order
    draft.withdraw(QueryRefund.__name__)
    for refund in order.refunds:
        if refund.check_at is not None and refund.check_at <= ctx.now:
            times = refund.asked + 1
            check_at = next_check(ctx) if times < MAX_ASKED else None
            draft.tell(RefundAsked(refund=refund.no, times=times, check_at=check_at))
            draft.do(
                QueryRefund(
                    partner=PROVIDER,
                    shop=order.shop,
                    out_refund_no=refund_id(ctx.id, refund.no),
                    accepted=refund.stage is not RefundStage.REQUESTED,
                )
            )
