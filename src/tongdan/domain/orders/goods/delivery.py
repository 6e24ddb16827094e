"""What warehouses and carriers report of an order's lines: shipped, signed, stopped.

Every report becomes a piece of `News`. If the units it speaks of can move, it turns into a fact and its consequences
(the channel is told the waybill, finance that all is signed); if not yet, it waits in the state and is tried again
after every step that may have made it possible. So the order in which reports arrive does not matter.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec.structs import replace

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.axes import Closing, Stage
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.facts import (
    LinesRepacked,
    LinesReturned,
    LinesShipped,
    LinesSigned,
    LinesStopped,
    NewsCameEarly,
    TellFinance,
    TellService,
    WriteBackShipment,
)
from tongdan.domain.orders.goods.commands import (
    NoteRepacked,
    NoteReturned,
    NoteShipmentStopped,
    NoteShipped,
    NoteSigned,
)
from tongdan.domain.orders.goods.parcels import (
    all_called_back,
    as_sold,
    done_with,
    left_over,
    lines_of,
    movable,
    sent_again,
    withdrawn_among,
)
from tongdan.domain.orders.lines import News, Units
from tongdan.domain.orders.model import WORRY_APART, WORRY_SHIP, Order, gone, here
from tongdan.domain.orders.money.due import settle_by

MAX_EARLY: Final = 64
Healing = TypeVar("Healing", LinesRepacked, LinesShipped, LinesStopped)
FINANCE: Final = "finance"
LEFT_AFTER_CANCEL: Final = "left-after-cancel"
SERVICE: Final = "service"


def note_shipped(order: Order, command: NoteShipped, ctx: Context) -> Decision | Refusal:
    news = News(
        what="shipped",
        key=command.dispatch,
        shipment=command.shipment,
        units=command.units,
        at=command.shipped_at,
        carrier=command.carrier,
        waybill=command.waybill,
    )
    return _hear(order, news, ctx)


def note_signed(order: Order, command: NoteSigned, ctx: Context) -> Decision | Refusal:
    news = News(
        what="signed",
        key="signed " + " ".join(command.dispatches),
        shipment=command.shipment,
        dispatches=command.dispatches,
        at=command.signed_at,
    )
    return _hear(order, news, ctx)


def note_returned(order: Order, command: NoteReturned, ctx: Context) -> Decision | Refusal:
    news = News(
        what="returned",
        key=f"returned {command.dispatch}",
        shipment=command.shipment,
        units=command.units,
        dispatches=(command.dispatch,),
        at=command.returned_at,
    )
    return _hear(order, news, ctx)


def note_repacked(order: Order, command: NoteRepacked, ctx: Context) -> Decision | Refusal:
    """The units stay released; only where they lie has changed, and what a cancellation has to call back."""
    if command.shipment in order.packed:
        return NOTHING
    unwanted = order.cancelled or all(
        line is not None and line.apart >= n for line, n in lines_of(order, command.units)
    )
    fact = LinesRepacked(shipment=command.shipment, units=command.units, wanted=not unwanted)
    draft = Draft(order)
    draft.tell(_healing(order, fact))
    tell_service(draft, ctx, "repacked", command.shipment, command.units, ctx.now)
    return draft.decision()


def note_shipment_stopped(order: Order, command: NoteShipmentStopped, ctx: Context) -> Decision | Refusal:
    news = News(
        what="stopped",
        key=f"{command.shipment}!{command.reason}",
        shipment=command.shipment,
        units=command.units,
        at=ctx.now,
        reason=command.reason,
    )
    return _hear(order, news, ctx)


def apply_early(draft: Draft, ctx: Context) -> None:
    """Apply what waited, as long as something of it has become possible."""
    for _ in range(MAX_EARLY):
        if not any(_apply(draft, news, ctx) for news in draft.order.early):
            return


def _hear(order: Order, news: News, ctx: Context) -> Decision | Refusal:
    if _heard_before(order, news):
        return NOTHING
    draft = Draft(order)
    if _apply(draft, news, ctx):
        apply_early(draft, ctx)
    elif len(order.early) >= MAX_EARLY:
        return refusals.TOO_EARLY.of(order=ctx.id, limit=MAX_EARLY)
    else:
        draft.tell(NewsCameEarly(news=news))
    return draft.decision()


def _heard_before(order: Order, news: News) -> bool:
    if any(each.key == news.key for each in order.early):
        return True
    if news.what == "shipped":
        return order.parcel(news.key) is not None
    if news.what == "returned":
        parcel = order.parcel(news.dispatches[0])
        return parcel is not None and (parcel.signed_at or parcel.returned_at) is not None
    if news.what == "signed":
        parcels = [order.parcel(dispatch) for dispatch in news.dispatches]
        return all(parcel is not None and parcel.signed_at is not None for parcel in parcels)
    return order.known and not movable(order, news.units, Stage.RELEASED)


def _apply(draft: Draft, news: News, ctx: Context) -> bool:
    """Turn the news into facts; False if the units it speaks of are not there yet."""
    order = draft.order
    if not order.known:
        return False
    if news.what == "shipped":
        if movable(order, news.units, Stage.RELEASED, Stage.STOPPED) != news.units:
            return False
        _ship(draft, news, ctx)
    elif news.what == "signed":
        if any(order.parcel(dispatch) is None for dispatch in news.dispatches):
            return False
        _sign(draft, news, ctx)
    elif news.what == "returned":
        if order.parcel(news.dispatches[0]) is None:
            return False
        _return(draft, news)
    else:
        units = movable(order, news.units, Stage.RELEASED)
        if not units:
            return False
        _stop(draft, news, units, ctx)
    return True


def _stop(draft: Draft, news: News, units: tuple[Units, ...], ctx: Context) -> None:
    before = draft.order
    wanted = not before.cancelled and not all_called_back(before, units)
    fact = LinesStopped(
        shipment=news.shipment,
        units=units,
        reason=news.reason,
        wanted=wanted,
        freed=() if wanted else done_with(before, units),
        key=news.key,
        complete_at=None if wanted else completes_at(before, units, ctx),
    )
    draft.tell(_healing(before, fact))
    if not wanted:
        tell_signed_at_last(draft, before, ctx)


def _healing(order: Order, fact: Healing) -> Healing:
    """The fact, which also ends the worry about withdrawn units in parcels if none is left."""
    if WORRY_APART not in order.worries or any(line.apart for line in evolve(order, fact).lines):
        return fact
    return replace(fact, ends=(*fact.ends, WORRY_APART))


def _ship(draft: Draft, news: News, ctx: Context) -> None:
    before = draft.order
    released = movable(before, news.units, Stage.RELEASED)
    due = sum(each.units for each in released if not sent_again(before, each))
    complete = here(before) - due == 0
    withdrawn = withdrawn_among(before, news.units)
    fact = LinesShipped(
        shipment=news.shipment,
        dispatch=news.key,
        carrier=news.carrier,
        waybill=news.waybill,
        units=news.units,
        shipped_at=news.at,
        complete=complete,
        wanted=not before.cancelled,
        ends=(WORRY_SHIP,) if complete and WORRY_SHIP in before.worries else (),
        withdrawn=withdrawn,
        freed=left_over(before, released),
    )
    draft.tell(_healing(before, fact))
    tell_service(draft, ctx, "shipped", news.shipment, news.units, news.at, news.carrier, news.waybill)
    if not before.own and not before.cancelled:
        _write_back(draft, news, ctx)


def _write_back(draft: Draft, news: News, ctx: Context) -> None:
    lines = [(draft.order.line(each.line), each.units) for each in news.units]
    sold = [(line.line.native, as_sold(line, leaving)) for line, leaving in lines if line is not None]
    write_back(draft, ctx, news.shipment, news.key, (news.carrier, news.waybill), sold)


def write_back(
    draft: Draft,
    ctx: Context,
    shipment: str,
    dispatch: str,
    waybill: tuple[str, str],
    sold: Sequence[tuple[str, int]],
) -> bool:
    """Each order of a parcel is written back by itself, its own lines only, so each has a request of its own.

    `waybill`: carrier and number; `sold`: the channel's lines with units. Whether there was anything to tell.
    """
    order = draft.order
    units = tuple([(native, n) for native, n in sold if native and n])
    if units:
        draft.do(
            WriteBackShipment(
                partner=channel_partner(order),
                channel=order.channel,
                shop=order.shop,
                native=order.native,
                carrier=waybill[0],
                waybill=waybill[1],
                units=units,
                request=dispatch if shipment.startswith(ctx.id) else f"{dispatch}-{ctx.id}",
            )
        )
    return bool(units)


def _sign(draft: Draft, news: News, ctx: Context) -> None:
    before = draft.order
    signed = [parcel for parcel in before.parcels if parcel.dispatch in news.dispatches]
    units: dict[int, int] = {}
    for each in (each for parcel in signed if parcel.signed_at is None for each in parcel.units):
        units[each.line] = units.get(each.line, 0) + each.units
    signing = sum(n for line, n in units.items() if not sent_again(before, Units(line, n)))
    complete = signing > 0 and here(before) == 0 and before.due(Stage.SHIPPED) == signing
    draft.tell(
        LinesSigned(
            shipment=news.shipment,
            dispatches=news.dispatches,
            units=tuple([Units(line, n) for line, n in units.items()]),
            signed_at=news.at,
            complete=complete,
            complete_at=_ends_itself_at(before, news.at, ctx) if complete else None,
            cash_by=_cash_by(before, news.at, ctx) if complete else None,
            settle_by=settle_by(before, news.at, ctx) if complete else None,
            key=news.key,
        )
    )
    if complete and not before.cancelled:
        tell_finance(draft, ctx, "signed", news.at)


def _cash_by(order: Order, signed_at: datetime, ctx: Context) -> datetime | None:
    wait = timedelta(seconds=ctx.policy.deadlines.cash_within_s)
    return signed_at + wait if order.cod and order.paid is None else None


def _ends_itself_at(order: Order, signed_at: datetime, ctx: Context) -> datetime | None:
    wait = timedelta(seconds=ctx.policy.deadlines.complete_after_signed_s)
    return signed_at + wait if order.own and order.closing is Closing.OPEN else None


def completes_at(order: Order, stopping: tuple[Units, ...], ctx: Context) -> datetime | None:
    """When an own shop's order ends because these units stop and all else is signed for."""
    signed_at = _signed_at_last(order, sum(n.units for n in stopping if not sent_again(order, n)))
    return None if signed_at is None else _ends_itself_at(order, signed_at, ctx)


def tell_signed_at_last(draft: Draft, before: Order, ctx: Context) -> None:
    """Finance is told that all is signed for when the last unit that was to come has stopped instead."""
    signed_at = _signed_at_last(before, here(before) - here(draft.order))
    if signed_at is not None:
        tell_finance(draft, ctx, "signed", signed_at)


def _signed_at_last(order: Order, stopping: int) -> datetime | None:
    """None unless `stopping` units are all that is still to come, and others have come."""
    if order.cancelled or not 0 < stopping == here(order) or order.due(Stage.SHIPPED) or not gone(order):
        return None
    return max([each.signed_at for each in order.parcels if each.signed_at is not None], default=None)


def _return(draft: Draft, news: News) -> None:
    order = draft.order
    wanted = not (order.cancelled or order.wanted_back)
    draft.tell(
        LinesReturned(
            shipment=news.shipment,
            dispatch=news.dispatches[0],
            units=movable(order, news.units, Stage.SHIPPED),
            returned_at=news.at,
            wanted=wanted,
            key=news.key,
            ends=() if wanted else (LEFT_AFTER_CANCEL,),
        )
    )


def channel_partner(order: Order) -> str:
    return f"channel/{order.channel}/{order.shop}"


def tell_service(
    draft: Draft,
    ctx: Context,
    event: str,
    shipment: str,
    units: tuple[Units, ...],
    at: datetime,
    carrier: str = "",
    waybill: str = "",
) -> None:
    """Customer service is told, where the shop has one that listens."""
    order = draft.order
    if order.shop not in ctx.policy.notices.tells_service:
        return
    draft.do(
        TellService(
            partner=SERVICE,
            order=ctx.id,
            channel=order.channel,
            shop=order.shop,
            native=order.native,
            event=event,
            shipment=shipment,
            units=tuple([(each.line, each.units) for each in units]),
            at=at,
            carrier=carrier,
            waybill=waybill,
        )
    )


def tell_finance(
    draft: Draft, ctx: Context, milestone: str, at: datetime, amount_fen: int | None = None, refund: str = ""
) -> None:
    """Without an amount it is about the whole price; `refund` names the one it is about."""
    order = draft.order
    if amount_fen is None:
        amount_fen = order.paid.amount_fen if order.paid is not None else order.amount_fen
    draft.do(
        TellFinance(
            partner=FINANCE,
            order=ctx.id,
            channel=order.channel,
            shop=order.shop,
            milestone=milestone,
            amount_fen=amount_fen,
            at=at,
            refund=refund,
        )
    )
