"""How an order ends, and what happens to it by time alone: completed, cancelled, woken.

A cancellation that a person or an own shop asks for can be refused; one that a platform reports has happened. Either
way stock that was reserved is freed, shipments on their way are recalled, and what is owed back is stated in fen.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal, WakeUp
from tongdan.domain.orders import refusals
from tongdan.domain.orders.axes import Closing, Stage
from tongdan.domain.orders.checks.risk import lift_due
from tongdan.domain.orders.commands import (
    CancelOrder,
    CompleteOrder,
    NoteDone,
    NoteSystemStatus,
)
from tongdan.domain.orders.confirmation.marking import execute_due
from tongdan.domain.orders.deadlines import deadlines
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp import cancel_at_erp
from tongdan.domain.orders.facts import (
    DetailOverdue,
    OrderCancelled,
    OrderCompleted,
    PaymentAwaited,
    ShipmentOverdue,
    SystemSaid,
)
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.goods.reservation import asked_for, called_signed, open_shipments
from tongdan.domain.orders.model import WORRY_SHIP, WORRY_SHORT, Order, gone, here
from tongdan.domain.orders.money import settling
from tongdan.domain.orders.money.cod import tell_overdue
from tongdan.domain.orders.money.payments import close_attempts
from tongdan.domain.orders.money.presale import TIMER, forfeited_fen
from tongdan.domain.orders.money.refunds import ask_result

UNPAID: Final = "not paid in time"


def cancel_order(order: Order, command: CancelOrder, ctx: Context) -> Decision | Refusal:
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    if order.cancelled:
        return NOTHING
    if gone(order):
        return refusals.ALREADY_SHIPPED.of(order=ctx.id)
    draft = Draft(order)
    cancel(draft, ctx, by="request", reason=command.reason, at=ctx.now)
    return draft.decision()


def cancel(draft: Draft, ctx: Context, *, by: str, reason: str, at: datetime) -> None:
    """Cancel an order that is not cancelled yet. A platform pays back by itself, an own shop owes what came in."""
    order = draft.order
    forfeited = forfeited_fen(order, by)
    draft.tell(
        OrderCancelled(
            by=by,
            reason=reason,
            refund_due_fen=order.received_fen - order.owed_fen - forfeited if order.own else 0,
            forfeited_fen=forfeited,
            reserved=asked_for(order),
            shipments=open_shipments(order, ctx.id),
            cancelled_at=at,
            ends=tuple(worry for worry in (WORRY_SHORT, WORRY_SHIP) if worry in order.worries),
            gifts=() if gone(order) or order.units(Stage.RELEASED) else order.limited_gifts,
            limits=() if gone(order) else order.limits,
        )
    )
    draft.withdraw("Prepay")
    cancel_at_erp(draft, ctx, reason)
    close_attempts(draft, ctx)
    tell_finance(draft, ctx, "cancelled", at)


def complete_order(order: Order, command: CompleteOrder, ctx: Context) -> Decision | Refusal:
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    if order.closing is Closing.COMPLETED:
        return NOTHING
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    if here(order) or not gone(order):
        return refusals.NOT_SHIPPED.of(order=ctx.id, units=here(order))
    draft = Draft(order)
    complete(draft, ctx, ctx.now)
    return draft.decision()


def complete(draft: Draft, ctx: Context, at: datetime) -> None:
    """Complete an open order. The buyer's word that all arrived stands in for a signature that never came."""
    unsigned = draft.order.due(Stage.SHIPPED)
    draft.tell(OrderCompleted(completed_at=at))
    if unsigned and not here(draft.order):
        tell_finance(draft, ctx, "signed", at)


def note_system_status(order: Order, command: NoteSystemStatus, ctx: Context) -> Decision | Refusal:
    last = order.said.get(command.system)
    if last is not None and (last.said_at, last.native) == (command.said_at, command.native_status):
        return NOTHING
    stale = last is not None and (command.said_at, command.native_status) < (last.said_at, last.native)
    fact = SystemSaid(
        system=command.system,
        native_status=command.native_status,
        said_at=command.said_at,
        stale=stale,
        status=command.status,
        shipments=() if stale or "/" in command.system else called_signed(order, ctx.id, command.status),
    )
    return Decision((fact,))


def note_done(order: Order, command: NoteDone, ctx: Context) -> Decision | Refusal:
    return NOTHING


def wake(order: Order, command: WakeUp, ctx: Context) -> Decision | Refusal:
    """Do what is due. What comes first may settle the rest, so deadlines are looked up one by one."""
    draft = Draft(order)
    if _due(draft, "detail", ctx):
        draft.tell(DetailOverdue())
    if (pay_by := _due(draft, "pay", ctx)) is not None:
        if _may_have_been_paid(pay_by, ctx):
            wait = timedelta(seconds=ctx.policy.deadlines.claim_within_s)
            draft.tell(PaymentAwaited(pay_by=ctx.now + wait))
        else:
            cancel(draft, ctx, by=TIMER, reason=UNPAID, at=ctx.now)
    if _due(draft, "cooling", ctx):
        execute_due(draft, ctx)
    if _due(draft, "refund", ctx):
        ask_result(draft, ctx)
    if (ship_by := _due(draft, "ship", ctx)) is not None:
        draft.tell(ShipmentOverdue(ship_by=ship_by))
    if _due(draft, "cash", ctx):
        tell_overdue(draft)
    if _due(draft, "settle", ctx):
        settling.tell_overdue(draft)
    if _due(draft, "lift", ctx):
        lift_due(draft, ctx)
    if (complete_at := _due(draft, "complete", ctx)) is not None:
        complete(draft, ctx, complete_at)
    return draft.decision()


def _may_have_been_paid(pay_by: datetime, ctx: Context) -> bool:
    """The notice may have come between a backup and the loss: providers need time to tell it again."""
    open_for = timedelta(seconds=ctx.policy.deadlines.pay_within_s)
    return any(lost.since <= pay_by <= lost.until + open_for for lost in ctx.lost)


def _due(draft: Draft, name: str, ctx: Context) -> datetime | None:
    at = deadlines(draft.order).get(name)
    return at if at is not None and at <= ctx.now else None
