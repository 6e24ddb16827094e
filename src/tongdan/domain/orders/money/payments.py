"""Payment: any number of attempts, of which at most one counts.

What a provider or platform says about money is never refused. A second sum, a wrong sum and a sum for a cancelled
order are facts of their own: what came in and what is owed back stays exact, and a person is told.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.ids import payment_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.axes import ATTEMPT, AttemptStage
from tongdan.domain.orders.commands import (
    RecordPayment,
    RecordPaymentFailure,
    RecordPrepay,
    RecordPrepayRefused,
    RequestPayment,
)
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import (
    OrderPaid,
    PaidAfterCancel,
    PaymentDuplicated,
    PaymentFailed,
    PaymentMismatched,
    PaymentRequested,
    Prepay,
    PrepayIssued,
)
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.goods.reservation import advance, asked_for, retry
from tongdan.domain.orders.model import WORRY_CASH, Order
from tongdan.domain.orders.money import cod, presale
from tongdan.domain.orders.money.refund_facts import ClosePayment

MAX_ATTEMPTS: Final = 20
PROVIDER: Final = "payment/wechat"


def request_payment(order: Order, command: RequestPayment, ctx: Context) -> Decision | Refusal:
    if refusal := _cannot_pay(order, ctx):
        return refusal
    if command.method == cod.METHOD:
        return _pay_at_the_door(order, ctx)
    attempt = max((each.no for each in order.attempts), default=0) + 1
    draft = Draft(order)
    amount_fen = presale.due_fen(order)
    draft.tell(PaymentRequested(attempt=attempt, method=command.method, amount_fen=amount_fen))
    draft.do(
        Prepay(
            partner=PROVIDER,
            shop=order.shop,
            out_trade_no=payment_id(ctx.id, attempt),
            amount_fen=amount_fen,
        )
    )
    return draft.decision()


def _pay_at_the_door(order: Order, ctx: Context) -> Decision | Refusal:
    shop = ctx.policy.shops.get(order.shop)
    if shop is None or not shop.cash_on_delivery:
        return refusals.NO_CASH_ON_DELIVERY.of(shop=order.shop)
    draft = Draft(order)
    cod.agree(draft, ctx)
    advance(draft, ctx)
    return draft.decision()


def _cannot_pay(order: Order, ctx: Context) -> Refusal | None:
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    if order.ships:
        return refusals.ALREADY_PAID.of(order=ctx.id)
    sold = [line for line in order.lines if not line.line.rule]
    if short := [line.line.no for line in sold if line.short]:
        return refusals.OUT_OF_STOCK.of(lines=", ".join(map(str, short)))
    if waiting := [line.line.no for line in sold if line.waiting]:
        return refusals.STOCK_PENDING.of(lines=", ".join(map(str, waiting)))
    if len(order.attempts) >= MAX_ATTEMPTS:
        return refusals.TOO_MANY_ATTEMPTS.of(order=ctx.id, limit=MAX_ATTEMPTS)
    return None


def record_prepay(order: Order, command: RecordPrepay, ctx: Context) -> Decision | Refusal:
    if not _may_become(order, command.attempt, AttemptStage.OPEN):
        return NOTHING
    return Decision((PrepayIssued(attempt=command.attempt, prepay=command.prepay),))


def record_prepay_refused(order: Order, command: RecordPrepayRefused, ctx: Context) -> Decision | Refusal:
    return _failed(order, command.attempt, command.reason)


def record_payment_failure(order: Order, command: RecordPaymentFailure, ctx: Context) -> Decision | Refusal:
    return _failed(order, command.attempt, command.reason)


def _failed(order: Order, attempt: int, reason: str) -> Decision:
    if not _may_become(order, attempt, AttemptStage.FAILED):
        return NOTHING
    return Decision((PaymentFailed(attempt=attempt, reason=reason),))


def _may_become(order: Order, no: int, stage: AttemptStage) -> bool:
    attempt = order.attempt(no)
    return attempt is not None and ATTEMPT.allows(attempt.stage, stage)


def record_payment(order: Order, command: RecordPayment, ctx: Context) -> Decision | Refusal:
    """The provider's word that money came in; an attempt that we do not remember counts like any other."""
    if any(command.transaction == payment.transaction for payment in order.payments):
        return NOTHING
    draft, attempt, amount_fen = Draft(order), command.attempt, command.amount_fen
    if order.cancelled or order.paid is not None or presale.is_second_deposit(order, amount_fen):
        surplus = PaidAfterCancel if order.cancelled else PaymentDuplicated
        draft.tell(
            surplus(
                attempt=attempt,
                transaction=command.transaction,
                amount_fen=amount_fen,
                paid_at=command.paid_at,
            )
        )
    elif presale.take_deposit(draft, command):
        pass
    elif amount_fen != presale.due_fen(order):
        draft.tell(
            PaymentMismatched(
                attempt=attempt,
                transaction=command.transaction,
                amount_fen=amount_fen,
                expected_fen=presale.due_fen(order),
                paid_at=command.paid_at,
            )
        )
    else:
        presale.take_balance(draft, command)
        collect(draft, ctx, attempt, command.transaction, order.amount_fen, command.paid_at)
    return draft.decision()


def close_attempts(draft: Draft, ctx: Context) -> None:
    """Have the provider close whatever could still be paid, once nobody wants the money any more.

    A payment that is faster than this comes in as one for a cancelled order, and goes back.
    """
    order = draft.order
    for attempt in order.attempts:
        never_opened = attempt.stage is AttemptStage.FAILED and not attempt.prepay
        if attempt.stage is not AttemptStage.PAID and not never_opened:
            draft.do(
                ClosePayment(partner=PROVIDER, shop=order.shop, out_trade_no=payment_id(ctx.id, attempt.no))
            )


def collect(
    draft: Draft, ctx: Context, attempt: int, transaction: str, amount_fen: int, paid_at: datetime
) -> None:
    """The money counts: stock stays reserved, the promise to ship begins, finance is told, release may follow."""
    order = draft.order
    promise = timedelta(seconds=ctx.policy.deadlines.ship_within_s)
    draft.tell(
        OrderPaid(
            channel=order.channel,
            shop=order.shop,
            attempt=attempt,
            transaction=transaction,
            amount_fen=amount_fen,
            paid_at=paid_at,
            reserved=asked_for(order),
            ship_by=paid_at + promise,
            ends=(WORRY_CASH,) if WORRY_CASH in order.worries else (),
        )
    )
    tell_finance(draft, ctx, "paid", paid_at)
    retry(draft, None)
    advance(draft, ctx)
