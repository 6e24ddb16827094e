"""How orders come in: whole from an own shop, or announced by a platform and completed by its detail.

Nothing a platform says is refused or thrown away. Each push is kept as what the channel last said (unless it had said
something later before) and acts on the one axis it concerns: money, closing, address or amount.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel import refusals as kernel_refusals
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.lost import is_lost
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.status import ORDINAL, Status
from tongdan.domain.orders import entry, refusals
from tongdan.domain.orders.after_sales import note_spoken_of, place
from tongdan.domain.orders.axes import Closing, Stage
from tongdan.domain.orders.checks.holds import adopt_address, adopt_amount
from tongdan.domain.orders.checks.risk import check_address, check_content
from tongdan.domain.orders.commands import (
    NoteChannelEvent,
    PlaceOrder,
    RecordDetail,
    ResurfaceOrder,
    TakeOverOrder,
)
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import (
    ChannelReported,
    FetchDetail,
    HeldAfterRestore,
    HoldLifted,
    HoldPlaced,
    OrderAnnounced,
    OrderCreated,
    OrderDetailed,
    OrderRecovered,
    OrderResurfaced,
    PaidAfterCancel,
    ParcelsWantedBack,
)
from tongdan.domain.orders.goods.delivery import channel_partner, tell_finance
from tongdan.domain.orders.goods.gifts import give
from tongdan.domain.orders.goods.matching import as_named, hold_unmatched
from tongdan.domain.orders.goods.reservation import (
    advance,
    called_signed,
    open_shipments,
    reserve_until,
)
from tongdan.domain.orders.lifecycle import cancel, complete
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import (
    BALANCE_HOLD,
    CHANNEL,
    CHANNEL_HOLD,
    LEFT_HOLD,
    PAYMENT_HOLD,
    RECEIVER_HOLD,
    WORRY_DETAIL,
    WORRY_LOST,
    WORRY_MISMATCH,
    Order,
    Said,
    gone,
)
from tongdan.domain.orders.money import presale
from tongdan.domain.orders.money.cod import note_status
from tongdan.domain.orders.money.line_refunds import withdraw_refunded
from tongdan.domain.orders.money.payments import collect
from tongdan.domain.orders.status import ordinal

MAX_LINES: Final = 200
MAX_UNITS: Final = 100_000
DETAIL: Final = "detail"
CHANGED: Final = "changed"  # all that is said is that something did
AFTER_SALE: Final = "after-sale"  # … to one of its after-sales
# What an event says of the order's status when the push carries none.
_IMPLIED: Final = {
    "created": "created",
    "paid": "paid",
    "shipped": "shipped",
    "signed": "signed",
    "completed": "completed",
    "cancelled": "cancelled",
}


# ---- own shops


def place_order(order: Order | None, command: PlaceOrder, ctx: Context) -> Decision | Refusal:
    if order is not None and not order.lost:
        if order.native == command.native and _same_content(order, command):
            return NOTHING
        return refusals.NUMBER_REUSED.of(native=command.native, order=ctx.id)
    if refusal := mistake(command) or presale.mistake(command, ctx.now):
        return refusal
    if wrong := entry.mistakes(command, ctx):
        return next(iter(wrong.values()))
    deadlines = ctx.policy.deadlines
    free = command.amount_fen == 0
    created = OrderCreated(
        channel=command.channel,
        shop=command.shop,
        native=command.native,
        buyer=command.buyer,
        lines=command.lines,
        amount_fen=command.amount_fen,
        freight_fen=command.freight_fen,
        discount_fen=command.discount_fen,
        placed_at=command.placed_at,
        region=command.region,
        pay_by=ctx.now + timedelta(seconds=deadlines.pay_within_s),
        reserve_until=reserve_until(free or command.entry is not None, ctx),
    )
    if order is not None:
        return _recover(Draft(order), created, command, ctx)
    draft = Draft.begin(created)
    presale.agree(draft, command)
    if command.entry is not None:
        entry.note(draft, command.entry)
    check_content(draft, ctx, command.person)
    give(draft, ctx)
    if free:
        collect(draft, ctx, 0, "", 0, ctx.now)
    elif command.entry is not None:
        entry.settle(draft, ctx, command.entry)
    return draft.decision(command.person)


def _recover(draft: Draft, created: OrderCreated, command: PlaceOrder, ctx: Context) -> Decision:
    """The client tells again what was lost; money that partners have told of meanwhile counts if it fits."""
    sum_in = draft.order.questioned
    draft.tell(created)
    fits = sum_in is not None and sum_in.amount_fen == command.amount_fen
    presale.agree(draft, command)
    draft.tell(OrderRecovered(ends=(WORRY_LOST, WORRY_MISMATCH) if fits else (WORRY_LOST,)))
    check_content(draft, ctx, command.person)
    give(draft, ctx)
    if command.amount_fen == 0:
        collect(draft, ctx, 0, "", 0, ctx.now)
    elif fits and sum_in is not None:
        draft.tell(HoldLifted(hold=PAYMENT_HOLD, note=""))
        collect(draft, ctx, sum_in.attempt, sum_in.transaction, sum_in.amount_fen, sum_in.paid_at)
    return draft.decision(command.person)


# ---- ids that were lost with a restore


def resurface_order(order: Order | None, command: ResurfaceOrder, ctx: Context) -> Decision | Refusal:
    """Nothing is refused that may have been given out; which order it is, a platform's number tells, if it is known."""
    if ctx.id != command.order:
        return refusals.NUMBER_REUSED.of(native=command.native, order=ctx.id)
    if order is None and not is_lost(ctx.lost, ctx.id):
        return kernel_refusals.UNKNOWN_ID.of(id=ctx.id)
    parsed = parse(ctx.id)
    assert parsed is not None
    draft = Draft(order) if order is not None else Draft.begin(OrderResurfaced(channel=parsed.channel))
    if command.native and draft.order.lost:
        draft.tell(_announcement(parsed.channel, command.shop, command.native, ctx))
        fetch(draft)
    return draft.decision()


def _same_content(order: Order, command: PlaceOrder) -> bool:
    """What was ordered, by whom and for how much; the amount itself may have been changed since."""
    return (
        order.buyer == command.buyer
        and order.freight_fen == command.freight_fen
        and order.discount_fen == command.discount_fen
        and (order.presale.deposit_fen if order.presale is not None else 0) == command.deposit_fen
        and tuple([state.line for state in order.lines if _told(state.line)]) == command.lines
        and mistake(command) is None
    )


def _told(line: Line) -> bool:
    """It stood in the order as it was placed."""
    return not (line.rule or line.replaces)


def mistake(command: PlaceOrder) -> Refusal | None:
    """What is wrong with its lines and sums."""
    lines = command.lines
    if not lines:
        return refusals.NO_LINES.of()
    if len(lines) > MAX_LINES:
        return refusals.TOO_MANY_LINES.of(limit=MAX_LINES, got=len(lines))
    seen = set()
    lines_fen = 0
    for line in lines:
        if line.no in seen:
            return refusals.DUPLICATE_LINE.of(no=line.no)
        seen.add(line.no)
        if not 0 < line.units <= MAX_UNITS:
            return refusals.BAD_UNITS.of(no=line.no, units=line.units, limit=MAX_UNITS)
        if not 0 <= line.amount_fen <= MAX_FEN:
            field = f"lines[{line.no}].amount_fen"
            return refusals.BAD_AMOUNT.of(field=field, amount_fen=line.amount_fen, limit=MAX_FEN)
        lines_fen += line.amount_fen
    return _wrong_sum(command, lines_fen)


def _wrong_sum(command: PlaceOrder, lines_fen: int) -> Refusal | None:
    for field in ("amount_fen", "freight_fen", "discount_fen"):
        amount_fen = getattr(command, field)
        if not 0 <= amount_fen <= MAX_FEN:
            return refusals.BAD_AMOUNT.of(field=field, amount_fen=amount_fen, limit=MAX_FEN)
    sum_fen = lines_fen + command.freight_fen - command.discount_fen
    if sum_fen == command.amount_fen:
        return None
    return refusals.AMOUNTS_DISAGREE.of(
        lines_fen=lines_fen,
        freight_fen=command.freight_fen,
        discount_fen=command.discount_fen,
        sum_fen=sum_fen,
        amount_fen=command.amount_fen,
    )


# ---- platforms


def note_channel_event(order: Order | None, command: NoteChannelEvent, ctx: Context) -> Decision | Refusal:
    before = None if order is None else order.said.get(CHANNEL)
    changed = command.event == CHANGED
    known = changed and order is not None and before is not None and not _is_news(order, before, command)
    if known and not command.after_sale:
        return NOTHING
    draft = announce(order, command, ctx)
    if command.after_sale:
        note_spoken_of(draft, command.after_sale, command.said_at, again=not command.listed)
    if order is None or (changed and not known):
        fetch(draft)
    if known or command.event == AFTER_SALE:
        return draft.decision()
    status = _report(draft, ctx, command.event, command.native_status, command.said_at)
    note_status(draft, ctx, status)
    person = None
    if command.event == "paid":
        _paid(draft, ctx, command.transaction, command.amount_fen, command.said_at)
    elif command.event == "address" and adopt_address(draft, command.region, command.said_at, pushed=True):
        person = command.person
        check_address(draft, ctx, person)
    elif command.event == "amount" and command.amount_fen is not None:
        adopt_amount(draft, command.amount_fen, command.reason, command.said_at, pushed=True)
    _close(draft, ctx, command.event, status, command.reason, command.said_at, before)
    advance(draft, ctx)
    if not changed:
        _look_again(draft, order, status)
    return draft.decision(person)


def _is_news(order: Order, before: Said, command: NoteChannelEvent) -> bool:
    """Platforms date changes by the second, so what we know may be older than another change of the same second.

    A push is looked into then. A listing tells the same twice and more, so only where money may have been missed.
    """
    if command.said_at != before.said_at:
        return command.said_at > before.said_at
    return not command.listed or (order.known and order.paid is None and not order.cancelled)


def record_detail(order: Order | None, command: RecordDetail, ctx: Context) -> Decision | Refusal:
    draft = announce(order, command, ctx)
    before, held = draft.order.said.get(CHANNEL), _is_kept(draft.order)
    status = _report(draft, ctx, DETAIL, command.native_status, command.said_at)
    note_status(draft, ctx, status)
    _close(draft, ctx, "detail", status, "", command.said_at, before)
    # While it holds an order, a platform may keep the receiver to itself.
    shown = held and not _is_kept(draft.order)
    known = draft.order.known
    if not draft.order.cancelled and RECEIVER_HOLD in draft.order.holds:
        draft.tell(HoldLifted(hold=RECEIVER_HOLD, note=""))
        shown = True
    person = command.person if _detail(draft, command, ctx) or shown else None
    if not known:
        check_content(draft, ctx, person)
        if not _left(status):
            give(draft, ctx)
    elif person is not None:
        check_address(draft, ctx, person)
    if not known and _left(status) and not ctx.lost:
        draft.tell(HoldPlaced(hold=LEFT_HOLD, note="the channel says that it has left already"))
    if command.paid_at is not None:
        _paid(draft, ctx, command.transaction, None, command.paid_at)
    place(draft)
    advance(draft, ctx)
    return draft.decision(person)


def announce(
    order: Order | None, command: NoteChannelEvent | RecordDetail | TakeOverOrder, ctx: Context
) -> Draft:
    """The order as it is, or one that begins with being spoken of."""
    if order is not None:
        return Draft(order)
    draft = Draft.begin(_announcement(command.channel, command.shop, command.native, ctx))
    if any(lost.spans(command.said_at) for lost in ctx.lost):
        draft.tell(HeldAfterRestore())
    return draft


def _announcement(channel: str, shop: str, native: str, ctx: Context) -> OrderAnnounced:
    detail_by = ctx.now + timedelta(seconds=ctx.policy.deadlines.detail_within_s)
    return OrderAnnounced(channel=channel, shop=shop, native=native, detail_by=detail_by)


def fetch(draft: Draft) -> None:
    """Have the channel asked for the whole order."""
    order = draft.order
    draft.do(
        FetchDetail(
            partner=channel_partner(order), channel=order.channel, shop=order.shop, native=order.native
        )
    )


def _report(draft: Draft, ctx: Context, event: str, native: str, said_at: datetime) -> str:
    """Keep what the channel says; returns the canonical status it means, "" if that is not known."""
    order = draft.order
    status = _IMPLIED.get(event, "")
    if native:
        channel = ctx.policy.channels.get(order.channel)
        status = channel.statuses.get(native, "") if channel is not None else ""
    word = Said(native=native, status=status, said_at=said_at)
    last = order.said.get(CHANNEL)
    # A push may have said before its detail came that parcels have left; whether that can be shows only now.
    if word == last and (order.known or event != DETAIL or not _left(status)):
        return status
    stale = last is not None and _place(word) < _place(last)
    draft.tell(
        ChannelReported(
            event=event,
            native_status=native,
            status=status,
            said_at=said_at,
            stale=stale,
            contradicts=not stale and _contradicts(order, event, word),
            shipments=() if stale else called_signed(order, ctx.id, status),
        )
    )
    return status


def _is_kept(order: Order) -> bool:
    return CHANNEL_HOLD in order.holds or BALANCE_HOLD in order.holds


def _place(word: Said) -> tuple[datetime, int, str]:
    return word.said_at, ordinal(word.status), word.native


def _left(status: str) -> bool:
    """The channel means that parcels have left."""
    return ORDINAL[Status.SHIPPED] <= ordinal(status) <= ORDINAL[Status.COMPLETED]


def _contradicts(order: Order, event: str, word: Said) -> bool:
    if not _left(word.status):
        return False
    if order.cancelled_at is not None:
        return word.said_at > order.cancelled_at
    return (order.known or event == DETAIL) and not gone(order)


def _paid(draft: Draft, ctx: Context, transaction: str, amount_fen: int | None, paid_at: datetime) -> None:
    order = draft.order
    if order.paid is not None:
        return
    sum_fen = order.amount_fen if amount_fen is None else amount_fen
    if order.cancelled_at is not None and paid_at > order.cancelled_at:
        late = PaidAfterCancel(attempt=0, transaction=transaction, amount_fen=sum_fen, paid_at=paid_at)
        draft.tell(late)
    else:
        collect(draft, ctx, 0, transaction, sum_fen, paid_at)


def _close(
    draft: Draft, ctx: Context, event: str, status: str, reason: str, at: datetime, before: Said | None
) -> None:
    """The platform's word that the order is over; a cancellation it has since gone beyond is only evidence."""
    closing = draft.order.closing
    refunded_before_shipping = status == "refunded" and not gone(draft.order)
    if event == "cancelled" or status == "cancelled" or refunded_before_shipping:
        outdated = before is not None and before.said_at > at and _left(before.status)
        if closing is not Closing.CANCELLED and not outdated:
            cancel(draft, ctx, by=CHANNEL, reason=reason, at=at)
    elif status == "refunded":
        _want_back(draft, ctx)
    elif (event == "completed" or status == "completed") and closing is Closing.OPEN:
        complete(draft, ctx, at)


def _want_back(draft: Draft, ctx: Context) -> None:
    order = draft.order
    if order.units(Stage.SHIPPED) and not (order.wanted_back or order.cancelled):
        draft.tell(ParcelsWantedBack(shipments=open_shipments(order, ctx.id), reason="refunded"))


def _detail(draft: Draft, command: RecordDetail, ctx: Context) -> bool:
    """Take over lines, amount and address; True if the address of this detail is the one that counts."""
    order = draft.order
    if order.known:
        if command.amount_fen != order.amount_fen:
            adopt_amount(draft, command.amount_fen, "detail", command.said_at)
        return command.region != order.region and adopt_address(draft, command.region, command.said_at)
    newer_address = order.address_at is not None and order.address_at > command.said_at
    newer_amount = order.amount_at is not None and order.amount_at > command.said_at
    paid = order.ships or command.paid_at is not None
    draft.tell(
        OrderDetailed(
            lines=as_named(command.lines, order.shop, ctx),
            amount_fen=order.amount_fen if newer_amount else command.amount_fen,
            freight_fen=command.freight_fen,
            discount_fen=command.discount_fen,
            placed_at=command.placed_at,
            region=order.region if newer_address else command.region,
            ship_by=command.ship_by,
            reserve_until=reserve_until(paid, ctx),
            reserve=not order.cancelled,
            said_at=command.said_at,
            ends=tuple([worry for worry in (WORRY_DETAIL, WORRY_LOST) if worry in order.worries]),
        )
    )
    hold_unmatched(draft)
    withdraw_refunded(draft, ctx)
    if order.paid is not None and not order.paid.amount_fen:
        tell_finance(draft, ctx, "paid", order.paid.paid_at)
    return not newer_address


def _look_again(draft: Draft, before: Order | None, status: str) -> None:
    """The channel is past a payment that we never heard of: its push was lost, so the detail is asked for again."""
    order = draft.order
    beyond = ORDINAL[Status.PAID] <= ordinal(status) <= ORDINAL[Status.COMPLETED]
    if before is not None and before.known and order.paid is None and not order.cancelled and beyond:
        fetch(draft)
