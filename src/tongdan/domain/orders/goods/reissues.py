"""Reissues (补发): units that left, and were lost, damaged or missing, are sent once more on a person's word.

They are lines of their own that cost nothing, go the way of every line (stock, release, a shipment of their own), and
are counted apart: what was ordered stays shipped or signed, and no channel is told of their waybill.
"""

from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.commands import ReissueUnits, UndoReissue
from tongdan.domain.orders.goods.reissue_facts import ReissueUndone, UnitsReissued
from tongdan.domain.orders.goods.withdrawing import to_leave, withdraw
from tongdan.domain.orders.lines import Line, Units
from tongdan.domain.orders.model import LineState, Order

MAX_REISSUES: Final = 20  # of one order: beyond it something else is wrong


def reissue_units(order: Order, command: ReissueUnits, ctx: Context) -> Decision | Refusal:
    if refusal := _cannot(order, command.units, ctx):
        return refusal
    next_no = max(each.line.no for each in order.lines) + 1
    named = [(order.line(each.line), each.units) for each in command.units]
    lines = [
        Line(
            no=no,
            sku=line.line.sku,
            units=units,
            amount_fen=0,
            title=line.line.title,
            gift=line.line.gift,
            replaces=line.line.no,
        )
        for no, (line, units) in enumerate(named, next_no)
        if line is not None
    ]
    reissued = UnitsReissued(
        reissue=len(order.reissues) + 1, lines=tuple(lines), reason=command.reason, region=order.region
    )
    return Decision((reissued,))


def _cannot(order: Order, units: tuple[Units, ...], ctx: Context) -> Refusal | None:
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    if order.erased_at is not None:
        return refusals.PERSON_ERASED.of(order=ctx.id)
    if len(order.reissues) >= MAX_REISSUES:
        return refusals.TOO_MANY_REISSUES.of(order=ctx.id, limit=MAX_REISSUES)
    if not units:
        return refusals.NO_UNITS.of(order=ctx.id)
    if len({each.line for each in units}) < len(units):
        return refusals.LINE_TWICE.of(order=ctx.id)
    for each in units:
        line = order.line(each.line)
        if line is None:
            return refusals.NO_SUCH_LINE.of(order=ctx.id, line=each.line)
        limit = may_reissue(order, line)
        if not limit:
            return refusals.NOTHING_TO_REISSUE.of(order=ctx.id, line=each.line)
        if not 0 < each.units <= limit:
            return refusals.TOO_MANY_UNITS.of(order=ctx.id, line=each.line, units=each.units, limit=limit)
    return None


def may_reissue(order: Order, line: LineState) -> int:
    """Units that have left, also if they came back; without those that were sent again or paid back."""
    no = line.line.no
    left = sum(each.units for parcel in order.parcels for each in parcel.units if each.line == no)
    again = sum(each.line.units - each.withdrawn for each in order.lines if each.line.replaces == no)
    return max(0, left - again - max(0, line.refunded - line.withdrawn))


def undo_reissue(order: Order, command: UndoReissue, ctx: Context) -> Decision | Refusal:
    """While nothing of it has left. What a warehouse has been given is called back."""
    reissue = next((each for each in order.reissues if each.no == command.reissue), None)
    if reissue is None:
        return refusals.NO_SUCH_REISSUE.of(order=ctx.id, reissue=command.reissue)
    lines = [each for each in order.lines if order.reissue_of(each) == reissue.no]
    if any(each.shipped or each.signed for each in lines):
        return refusals.REISSUE_LEFT.of(order=ctx.id, reissue=command.reissue)
    units = tuple([Units(each.line.no, n) for each in lines if (n := to_leave(each)) > 0])
    if not units or order.cancelled:
        return NOTHING
    draft = Draft(order)
    draft.tell(ReissueUndone(reissue=reissue.no, reason=command.reason))
    withdraw(draft, ctx, units, command.reason)
    return draft.decision()
