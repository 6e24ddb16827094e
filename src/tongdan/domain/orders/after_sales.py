"""What after-sales do to an order: which lines and units they are about, what waits for them, what they leave of it.

A platform's are noted and followed; they are placed on lines when these are known, and again when a bundle is opened.
An own shop's buyer applies here, where it can be refused: what was not bought, or has been asked for, is not asked for
again. While a refund of goods that nobody has handed over waits for an answer, the order is held.
"""

from datetime import datetime
from typing import Final

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.confirmation import AFTER_SALE
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.after_sale_commands import (
    NoteAfterSale,
    RequestAfterSale,
    SettleAfterSales,
    TellAfterSale,
)
from tongdan.domain.orders.after_sale_facts import (
    AfterSaleMoved,
    AfterSaleNoted,
    AfterSalePaidBack,
    AfterSalePlaced,
    AfterSaleRequested,
    AfterSaleSettled,
    AfterSaleToldByBuyer,
)
from tongdan.domain.orders.axes import RefundStage, Stage
from tongdan.domain.orders.commands import RecordPlatformRefund, RefundUnits, RequestRefund
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted, HoldPlaced
from tongdan.domain.orders.goods.reservation import advance
from tongdan.domain.orders.lifecycle import cancel
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import AFTER_SALE_HOLD, LineState, Order, OrderAfterSale, bought
from tongdan.domain.orders.money.line_refunds import parts_sold_as, record_platform_refund, refund_units
from tongdan.domain.orders.money.refunds import request_refund

MAX_AFTER_SALES: Final = 500
_K, _S = AfterSaleKind, AfterSaleStage
_GOODS_GONE: Final = frozenset(
    {_K.RETURN_REFUND, _K.EXCHANGE, _K.REPAIR, _K.REISSUE}
)  # of what has left only
_UNDECIDED: Final = frozenset({_S.APPLIED, _S.INTERVENED, _S.REFUNDING})  # the money decides
_BEFORE_MONEY: Final = frozenset({_S.APPLIED, _S.REFUSED, _S.AWAITING_RETURN, _S.INTERVENED})
_TO_BE_SENT: Final = frozenset({_S.AWAITING_RETURN, _S.RETURNING})


# ---- a platform's


def note_spoken_of(draft: Draft, number: str, said_at: datetime, *, again: bool) -> None:
    """The platform speaks of an after-sale; what is older than the last word about it is no news."""
    order = draft.order
    known = order.after_sale(number)
    seen_at = None if known is None else known.seen_at
    if seen_at is not None and (said_at < seen_at or (said_at == seen_at and not again)):
        return
    no = len(order.after_sales) + 1 if known is None else known.no
    draft.tell(
        AfterSaleNoted(
            no=no,
            number=number,
            channel=order.channel,
            shop=order.shop,
            native=order.native,
            said_at=said_at,
            again=again,
        )
    )


def note_after_sale(order: Order, command: NoteAfterSale, ctx: Context) -> Decision | Refusal:
    draft = Draft(order)
    draft.tell(
        AfterSaleMoved(
            no=command.no,
            kind=command.kind,
            stage=command.stage,
            sold=command.sold,
            amount_fen=command.amount_fen,
            said_at=command.said_at,
        )
    )
    place(draft)
    its = draft.order.after_sales[command.no - 1]
    if order.own and its.stage is _S.REFUNDING and not its.refunds:
        _pay_back(draft, ctx, its)
    elif not order.own and its.stage is _S.REFUNDED:
        _note_money(draft, ctx, its, command.said_at)
    _hold(draft, ctx)
    return draft.decision()


def _note_money(draft: Draft, ctx: Context, its: OrderAfterSale, at: datetime) -> None:
    """The platform has paid its buyer back; units that have not left stay."""
    seen = RecordPlatformRefund(
        order=ctx.id,
        reference=its.number,
        sold=tuple([(native, units) for native, units in its.sold if units]),
        amount_fen=its.amount_fen,
        reason=f"after-sale A{its.no}",
        refunded_at=at,
    )
    _follow(draft, record_platform_refund(draft.order, seen, ctx))


def _follow(draft: Draft, decided: Decision | Refusal) -> Refusal | None:
    """Take over what was decided on this draft, or say why it was not."""
    if isinstance(decided, Refusal):
        return decided
    for fact in decided.facts:
        draft.tell(fact)
    for effect in decided.effects:
        draft.do(effect)
    draft.withdraw(*decided.supersedes)
    return None


def place(draft: Draft) -> None:
    """Find the lines of every after-sale, once they are known; a place that has not changed is not told again."""
    if not draft.order.known:
        return
    for each in draft.order.after_sales:
        if each.stage is None:
            continue
        units, problem = _place(draft.order, each)
        if not each.placed or (units, problem) != (each.units, each.problem):
            draft.tell(AfterSalePlaced(no=each.no, units=units, problem=problem))


def _place(order: Order, its: OrderAfterSale) -> tuple[tuple[Units, ...], str]:
    """The units it is about, and why it does not fit. The channel counts bundles, we their parts."""
    if not its.sold:
        units = tuple([Units(each.line.no, each.line.units) for each in bought(order)])
    else:
        found: list[Units] = []
        for native, sold in its.sold:
            lines = _lines_of(order, native)
            if not lines:
                return (), "line"
            first = lines[0].line
            if not 0 <= sold <= _as_sold(first.units, lines[0]):
                return (), "units"
            found += [Units(each.line.no, sold * (each.line.bundle_units or 1)) for each in lines if sold]
        units = tuple(found)
    return units, "amount" if _asked_fen(order, its) > order.amount_fen else ""


def _lines_of(order: Order, native: str) -> list[LineState]:
    """The line that the channel calls so (an own shop's client calls it by its number), or all parts of the bundle."""
    for each in order.lines:
        if native and native == (str(each.line.no) if order.own else each.line.native):
            return parts_sold_as(order, each)
    return []


def _asked_fen(order: Order, its: OrderAfterSale) -> int:
    """What it and those before it, as far as they stand, would take of the price."""
    return its.amount_fen + sum(
        each.amount_fen
        for each in order.after_sales
        if each.no < its.no and each.stage not in (None, _S.CLOSED, _S.REFUSED, _S.EXCHANGED)
    )


def _hold(draft: Draft, ctx: Context) -> None:
    """Goods whose price the buyer wants back are not handed over while that is undecided."""
    order = draft.order
    undecided = any(each.kind is _K.REFUND_ONLY and each.stage in _UNDECIDED for each in order.after_sales)
    if undecided and not order.shipments and not order.cancelled and AFTER_SALE_HOLD not in order.holds:
        draft.tell(HoldPlaced(hold=AFTER_SALE_HOLD, note=""))
    elif not undecided and AFTER_SALE_HOLD in order.holds:
        draft.tell(HoldLifted(hold=AFTER_SALE_HOLD, note=""))
        advance(draft, ctx)


# ---- an own shop's


def request_after_sale(order: Order, command: RequestAfterSale, ctx: Context) -> Decision | Refusal:
    """A buyer applies, or changes what they apply for while it is undecided. The same again is no news."""
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    known = order.after_sale(command.number)
    sold = tuple([(str(each.line), each.units) for each in command.units])
    content = (command.kind, sold, command.amount_fen)
    if known is not None and (known.kind, known.sold, known.amount_fen) == content:
        return NOTHING
    if refusal := _mistaken(order, command, known, ctx):
        return refusal
    no = len(order.after_sales) + 1 if known is None else known.no
    fact = AfterSaleRequested(
        no=no,
        number=command.number,
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        kind=command.kind,
        sold=sold,
        amount_fen=command.amount_fen,
        reason=command.reason,
        said_at=ctx.now,
    )
    return Decision((fact,))


def _mistaken(
    order: Order, command: RequestAfterSale, known: OrderAfterSale | None, ctx: Context
) -> Refusal | None:
    if order.paid is None:
        return refusals.NOT_PAID_YET.of(order=ctx.id)
    if known is not None and known.stage not in (_S.APPLIED, _S.REFUSED):
        stage = "unknown" if known.stage is None else known.stage.value
        return refusals.AFTER_SALE_DECIDED.of(number=command.number, stage=stage)
    if len(order.after_sales) >= MAX_AFTER_SALES:
        return refusals.TOO_MANY_AFTER_SALES.of(order=ctx.id, limit=MAX_AFTER_SALES)
    for wanted in command.units:
        line = order.line(wanted.line)
        if line is None:
            return refusals.NOT_OF_THIS_ORDER.of(order=ctx.id, line=wanted.line)
        left = _left(order, line, command)
        if not 0 < wanted.units <= left:
            return refusals.UNITS_NOT_LEFT.of(line=wanted.line, units=wanted.units, left=left)
    others_fen = sum(
        each.amount_fen
        for each in order.after_sales
        if each.number != command.number and each.stage not in (_S.CLOSED, _S.REFUSED)
    )
    left_fen = order.received_fen - max(order.refunded_fen, others_fen)
    if not 0 <= command.amount_fen <= left_fen:
        return refusals.REFUND_OUT_OF_RANGE.of(order=ctx.id, amount_fen=command.amount_fen, limit=left_fen)
    return None


def _as_sold(units: int, line: LineState) -> int:
    return units // (line.line.bundle_units or 1)


def _left(order: Order, line: LineState, command: RequestAfterSale) -> int:
    """Units of a line, as sold, that may still be applied for; what comes back has to have left."""
    gone = line.at(Stage.SHIPPED) + line.at(Stage.SIGNED)
    most = gone if command.kind in _GOODS_GONE else line.line.units
    taken = max(line.refunded, _taken(order, line, command))
    return _as_sold(most, line) - _as_sold(taken, line)


def _taken(order: Order, line: LineState, command: RequestAfterSale) -> int:
    return sum(
        each.units
        for its in order.after_sales
        if its.number != command.number and its.stage not in (_S.CLOSED, _S.REFUSED)
        for each in its.units
        if each.line == line.line.no
    )


def tell_after_sale(order: Order, command: TellAfterSale, ctx: Context) -> Decision | Refusal:
    """A buyer withdraws, or has sent the goods."""
    its = order.after_sale(command.number)
    if its is None or its.kind is None or its.stage is None:
        return refusals.NO_SUCH_AFTER_SALE.of(order=ctx.id, number=command.number)
    possible = _BEFORE_MONEY if command.stage is _S.CLOSED else _TO_BE_SENT
    if its.stage is command.stage and not command.waybill:
        return NOTHING
    if its.stage not in possible:
        return refusals.AFTER_SALE_DECIDED.of(number=command.number, stage=its.stage.value)
    fact = AfterSaleToldByBuyer(
        no=its.no,
        kind=its.kind,
        stage=command.stage,
        sold=its.sold,
        amount_fen=its.amount_fen,
        said_at=ctx.now,
        carrier=command.carrier,
        waybill=command.waybill,
    )
    return Decision((fact,))


def _pay_back(draft: Draft, ctx: Context, its: OrderAfterSale) -> None:
    """The money goes the way of every refund. Who takes all that has not left cancels. What may not go is told."""
    order, reason = draft.order, f"after-sale A{its.no}"
    units = tuple([each for each in its.units if each.units])
    wanted: RefundUnits | RequestRefund
    if units and its.kind is not _K.PRICE_PROTECTION:
        wanted = RefundUnits(
            order=ctx.id, units=units, amount_fen=its.amount_fen, reason=reason, cause=AFTER_SALE
        )
        refusal = _follow(draft, refund_units(order, wanted, ctx))
    else:
        wanted = RequestRefund(order=ctx.id, amount_fen=its.amount_fen, reason=reason, cause=AFTER_SALE)
        refusal = _follow(draft, request_refund(order, wanted, ctx))
    if refusal is not None and refusal.name == refusals.CANCEL_INSTEAD.name:
        cancel(draft, ctx, by="request", reason=reason, at=ctx.now)
        refusal = None
    refunds = tuple([each.no for each in draft.order.refunds if order.refund(each.no) is None])
    problem = "" if refusal is None else refusal.name
    draft.tell(AfterSalePaidBack(no=its.no, refunds=refunds, problem=problem))


def settle_after_sales(order: Order, command: SettleAfterSales, ctx: Context) -> Decision | Refusal:
    """A refund has reached the buyer: after-sales whose money is back are over. A cancelled order pays all at once."""
    back = {refund.no for refund in order.refunds if refund.stage is RefundStage.SUCCEEDED}
    all_back = order.cancelled and order.refunded_fen == order.owed_fen
    over = [
        AfterSaleSettled(no=each.no)
        for each in order.after_sales
        if each.stage is _S.REFUNDING
        and not each.settled
        and (back.issuperset(each.refunds) if each.refunds else all_back)
    ]
    return Decision(tuple(over))
