"""Open orders are taken over from the system that was used before, under the platform's own number.

What the platform says later therefore finds the same order, whoever was first. What the other system had sent has left,
so only the rest asks for stock; why it had not sent the rest stays a hold. A receiver that it had masked is fetched.
"""

from typing import Final

from tongdan.domain.kernel.messages import Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import TakeOverOrder
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted, HoldPlaced, OrderDetailed, ReservationRetried, SystemSaid
from tongdan.domain.orders.goods.reservation import advance, asked_for, reserve_until
from tongdan.domain.orders.intake import announce, fetch
from tongdan.domain.orders.lines import LeftParcel, ReservedLine, Units
from tongdan.domain.orders.model import (
    LEFT_HOLD,
    RECEIVER_HOLD,
    WORRY_DETAIL,
    WORRY_LOST,
    WORRY_SHIP,
    WORRY_SHORT,
    LineState,
    Order,
    here,
)
from tongdan.domain.orders.money.cod import agree
from tongdan.domain.orders.money.payments import collect
from tongdan.domain.orders.takeover_facts import LinesLeftElsewhere

_ENDS: Final = (WORRY_SHIP, WORRY_SHORT)


def take_over(order: Order | None, command: TakeOverOrder, ctx: Context) -> Decision | Refusal:
    """The same again changes nothing; of a later file of the same system what has been paid or sent since is added."""
    draft = announce(order, command, ctx)
    _said(draft, command)
    known = draft.order.known
    if not known:
        _detail(draft, command, ctx)
    new = [each for each in command.left if draft.order.parcel(each.dispatch) is None]
    if refusal := _leave(draft, command.system, new, known, ctx):
        return refusal
    if not known:
        _hold(draft, command)
    if new and LEFT_HOLD in draft.order.holds:
        draft.tell(HoldLifted(hold=LEFT_HOLD, note=""))
    if draft.order.paid is None and not draft.order.cancelled and command.paid_at is not None:
        collect(draft, ctx, 0, "", draft.order.amount_fen, command.paid_at)
    elif command.cod:
        agree(draft, ctx)
    advance(draft, ctx)
    return draft.decision(None if known else command.person)


def _said(draft: Draft, command: TakeOverOrder) -> None:
    last = draft.order.said.get(command.system)
    if last is None or (last.said_at, last.native) < (command.said_at, command.native_status):
        draft.tell(
            SystemSaid(system=command.system, native_status=command.native_status, said_at=command.said_at)
        )


def _detail(draft: Draft, command: TakeOverOrder, ctx: Context) -> None:
    """Stock is asked for at once where nothing has left; else when it is known what is still here."""
    order = draft.order
    draft.tell(
        OrderDetailed(
            lines=command.lines,
            amount_fen=command.amount_fen,
            freight_fen=command.freight_fen,
            discount_fen=command.discount_fen,
            placed_at=command.placed_at,
            region=command.region,
            ship_by=None,
            reserve_until=reserve_until(command.paid_at is not None, ctx),
            said_at=command.said_at,
            reserve=not command.left and not order.cancelled,
            ends=tuple([worry for worry in (WORRY_DETAIL, WORRY_LOST) if worry in order.worries]),
        )
    )


def _hold(draft: Draft, command: TakeOverOrder) -> None:
    if draft.order.cancelled or not here(draft.order):
        return
    for hold in command.holds:
        draft.tell(HoldPlaced(hold=hold, note=command.system))
    if command.masked:
        draft.tell(HoldPlaced(hold=RECEIVER_HOLD, note=command.system))
        fetch(draft)


def _leave(draft: Draft, system: str, left: list[LeftParcel], known: bool, ctx: Context) -> Refusal | None:
    """Of an order that was known, the stock behind the lines concerned is freed, and asked for anew for the rest."""
    asked = {each.line: each for each in asked_for(draft.order)} if known else {}
    for parcel in left:
        if not _may_leave(draft.order, parcel):
            return refusals.SENT_FROM_BOTH.of(order=ctx.id, waybill=parcel.waybill or parcel.dispatch)
        complete = here(draft.order) == _from_here(draft.order, parcel)
        freed = tuple([asked.pop(each.line) for each in parcel.units if each.line in asked])
        draft.tell(
            LinesLeftElsewhere(
                system=system,
                dispatch=parcel.dispatch,
                carrier=parcel.carrier,
                waybill=parcel.waybill,
                units=parcel.units,
                shipped_at=parcel.shipped_at,
                complete=complete,
                freed=freed,
                ends=tuple([worry for worry in _ENDS if complete and worry in draft.order.worries]),
            )
        )
    if left:
        _ask_anew(draft, {each.line for parcel in left for each in parcel.units} if known else None, ctx)
    return None


def _may_leave(order: Order, parcel: LeftParcel) -> bool:
    for each in parcel.units:
        line = order.line(each.line)
        if line is None or line.waiting + line.reserved + line.stopped < each.units:
            return False
    return True


def _from_here(order: Order, parcel: LeftParcel) -> int:
    lines = [(order.line(each.line), each.units) for each in parcel.units]
    return sum([min(units, line.waiting + line.reserved) for line, units in lines if line is not None])


def _ask_anew(draft: Draft, touched: set[int] | None, ctx: Context) -> None:
    """For what is still here of the lines `touched` (None: of all)."""
    order = draft.order
    lines = [line for line in order.lines if line.waiting and (touched is None or line.line.no in touched)]
    if lines and not order.cancelled:
        draft.tell(
            ReservationRetried(
                lines=tuple([_next(line) for line in lines]),
                units=tuple([Units(line.line.no, line.waiting) for line in lines]),
                region=order.region,
                until=reserve_until(order.ships, ctx),
            )
        )


def _next(line: LineState) -> ReservedLine:
    return ReservedLine(line=line.line.no, sku=line.line.sku, attempt=line.attempt + 1)
