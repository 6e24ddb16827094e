"""Refunds by line (仅退款): which units the price goes back for, before and after they have left.

In an own shop a person grants it: the money takes the way of every refund, and units that have not left are withdrawn.
A platform pays its buyers back by itself: what it says is recorded as it says it, counted as far as the buyer's money
goes, and names lines as the channel does; of an order whose lines are not known yet it waits for them.
"""

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.kernel.parts import share, shared
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import RecordPlatformRefund, RefundUnits
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.goods.delivery import tell_finance
from tongdan.domain.orders.goods.withdrawing import withdraw
from tongdan.domain.orders.goods.withdrawn_facts import LinesRefunded
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import LineState, Order, PlatformRefund, gone, here
from tongdan.domain.orders.money.refunds import MAX_REFUNDS, beyond_word, draw_back, refundable_fen

# ---- own shops


def refund_units(order: Order, command: RefundUnits, ctx: Context) -> Decision | Refusal:
    """`amount_fen` None: their share of the price, so that refunds of all units add up to all of it without freight."""
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    if refusal := _misnamed(order, command.units, ctx):
        return refusal
    limit_fen = refundable_fen(order)
    price_fen = sum(_price_fen(order, each) for each in command.units)
    amount_fen = min(price_fen, limit_fen) if command.amount_fen is None else command.amount_fen
    if refusal := beyond_word(order, amount_fen, command.limit_fen):
        return refusal
    if price_fen and not limit_fen:
        return refusals.NOTHING_TO_REFUND.of(order=ctx.id, received_fen=order.received_fen)
    if not 0 <= amount_fen <= limit_fen:
        return refusals.REFUND_OUT_OF_RANGE.of(order=ctx.id, amount_fen=amount_fen, limit=limit_fen)
    draft = Draft(order)
    withdraw(draft, ctx, command.units, command.reason)
    if refusal := _nothing_stays(order, draft.order, amount_fen == limit_fen, ctx):
        return refusal
    first = len(order.refunds) + 1
    if not draw_back(draft, ctx, amount_fen, command):
        return refusals.TOO_MANY_REFUNDS.of(order=ctx.id, limit=MAX_REFUNDS)
    draft.tell(
        LinesRefunded(
            units=command.units,
            amount_fen=amount_fen,
            reason=command.reason,
            refunds=tuple(range(first, len(draft.order.refunds) + 1)),
        )
    )
    return draft.decision()


def _misnamed(order: Order, units: tuple[Units, ...], ctx: Context) -> Refusal | None:
    if not units:
        return refusals.NO_UNITS.of(order=ctx.id)
    if len({each.line for each in units}) < len(units):
        return refusals.LINE_TWICE.of(order=ctx.id)
    for each in units:
        line = order.line(each.line)
        if line is None or line.line.replaces:
            return refusals.NO_SUCH_LINE.of(order=ctx.id, line=each.line)
        left = line.line.units - line.refunded
        if not 0 < each.units <= left:
            return refusals.TOO_MANY_UNITS.of(order=ctx.id, line=each.line, units=each.units, limit=left)
    return None


def _nothing_stays(before: Order, after: Order, all_fen: bool, ctx: Context) -> Refusal | None:
    """Who takes all of an order that has not left cancels it."""
    if before.cancelled or not here(before):
        return None
    wanted = here(after) - sum(line.called_back for line in after.lines if not line.line.replaces)
    if (all_fen and wanted) or not (wanted or gone(after)):
        return refusals.CANCEL_INSTEAD.of(order=ctx.id, units=here(before))
    return None


def _price_fen(order: Order, units: Units) -> int:
    """What the buyer paid for the next units of the line, after what was refunded of it."""
    line = order.line(units.line)
    assert line is not None
    return share(lines_fen(order)[line.line.no], line.line.units, line.refunded, units.units)


def lines_fen(order: Order) -> dict[int, int]:
    """What the buyer paid for each line, in fen: the sum paid without freight, by the lines' own amounts."""
    paid_fen = order.amount_fen if order.paid is None else order.paid.amount_fen
    weights = [line.line.amount_fen for line in order.lines]
    goods_fen = max(0, paid_fen - order.freight_fen)
    shares = shared(goods_fen, weights) if any(weights) else weights
    return {line.line.no: fen for line, fen in zip(order.lines, shares, strict=True)}


# ---- platforms


def record_platform_refund(order: Order, command: RecordPlatformRefund, ctx: Context) -> Decision | Refusal:
    """Never refused but of an own shop's order; under a `reference` that was told before it changes nothing."""
    if order.own:
        return refusals.OWN_SHOP_PAYS.of(order=ctx.id)
    if any(each.reference == command.reference for each in order.platform_refunds):
        return NOTHING
    draft = Draft(order)
    paid_fen = order.amount_fen if order.paid is None else order.paid.amount_fen
    counts_fen = min(command.amount_fen, max(0, paid_fen - order.platform_refunded_fen))
    known = order.known or not command.sold
    units, unknown = _named(order, command.sold) if known else ((), ())
    draft.tell(
        LinesRefunded(
            units=units,
            amount_fen=command.amount_fen,
            counts_fen=counts_fen if paid_fen else command.amount_fen,
            reason=command.reason,
            reference=command.reference,
            sold=command.sold,
            unknown=unknown,
            refunded_at=command.refunded_at,
        )
    )
    withdraw(draft, ctx, units, command.reason)
    if command.amount_fen:
        tell_finance(draft, ctx, "refunded", command.refunded_at, command.amount_fen)
    return draft.decision()


def withdraw_refunded(draft: Draft, ctx: Context) -> None:
    """What the platform had refunded before the lines were known does not leave."""
    for each in draft.order.platform_refunds:
        _apply(draft, each, ctx)


def _apply(draft: Draft, told: PlatformRefund, ctx: Context) -> None:
    units, unknown = _named(draft.order, told.sold)
    if units or unknown:
        draft.tell(
            LinesRefunded(
                units=units,
                amount_fen=told.amount_fen,
                counts_fen=told.amount_fen,
                reason="",
                reference=told.reference,
                sold=told.sold,
                unknown=unknown,
            )
        )
        withdraw(draft, ctx, units, told.reference)


def _named(order: Order, sold: tuple[tuple[str, int], ...]) -> tuple[tuple[Units, ...], tuple[str, ...]]:
    """Units of our lines for units as the channel counts them, as many as are not refunded yet; of an opened bundle
    all parts. And the names that no line has."""
    found: dict[int, int] = {}
    unknown = []
    for native, units in sold:
        line = next((each for each in order.lines if native and each.line.native == native), None)
        if line is None:
            unknown.append(native)
            continue
        for part in parts_sold_as(order, line):
            n = found.get(part.line.no, 0) + units * (part.line.bundle_units or 1)
            found[part.line.no] = min(n, part.line.units - part.refunded)
    return tuple([Units(no, n) for no, n in found.items() if n > 0]), tuple(unknown)


def parts_sold_as(order: Order, sold: LineState) -> list[LineState]:
    """The line itself, or all parts of the bundle whose first part it is."""
    if not sold.line.bundle:
        return [sold]
    return [sold, *[each for each in order.lines if each.line.part_of == sold.line.no and each is not sold]]
