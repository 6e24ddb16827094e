"""Which own SKUs an order's lines are, where the platform's words do not say, and what bundles are made of.

A line whose SKU is not known holds its order and asks the catalogue. When the answer comes, stock is asked for; when
stock answers that the SKU is a bundle, its parts take the line's place, with all its units and fen.
"""

from msgspec.structs import replace

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.kernel.parts import opened
from tongdan.domain.orders.after_sales import place
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted, LineShort
from tongdan.domain.orders.goods.commands import NoteMatched, OpenBundle
from tongdan.domain.orders.goods.gifts import give
from tongdan.domain.orders.goods.match_facts import BundleOpened, LineMatched, LinesUnmatched
from tongdan.domain.orders.goods.reservation import advance, reserve_until
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import UNMATCHED_HOLD, LineState, Order, unmatched


def as_named(lines: tuple[Line, ...], shop: str, ctx: Context) -> tuple[Line, ...]:
    """The lines of a platform's order. Where the shop's own codes are not trusted to be SKUs, they are only hints."""
    known = ctx.policy.shops.get(shop)
    if known is None or not known.match_skus:
        return lines
    return tuple([replace(line, sku="", outer=line.sku) for line in lines])


def hold_unmatched(draft: Draft) -> None:
    """Hold an order that has just got lines nobody knows the SKUs of."""
    if not draft.order.cancelled and (lines := unmatched(draft.order)):
        draft.tell(LinesUnmatched(lines=lines))


def note_matched(order: Order, command: NoteMatched, ctx: Context) -> Decision | Refusal:
    line = order.line(command.line)
    if order.cancelled or line is None or line.line.sku or not line.waiting:
        return NOTHING
    draft = Draft(order)
    draft.tell(
        LineMatched(
            line=command.line,
            sku=command.sku,
            attempt=line.attempt,
            units=line.waiting,
            region=order.region,
            until=reserve_until(order.ships, ctx),
        )
    )
    if not unmatched(draft.order) and UNMATCHED_HOLD in order.holds:
        draft.tell(HoldLifted(hold=UNMATCHED_HOLD, note=""))
        if order.gifts_due:
            give(draft, ctx)
        advance(draft, ctx)
    return draft.decision()


def open_bundle(order: Order, command: OpenBundle, ctx: Context) -> Decision | Refusal:
    """A bundle of bundles is not opened twice: it could hold itself. It is short, and somebody has to look."""
    line = order.line(command.line)
    if order.cancelled or line is None or line.attempt != command.attempt or not _unopened(line):
        return NOTHING
    sold = line.line
    if sold.bundle:
        if line.short:
            return NOTHING
        short = LineShort(line=sold.no, attempt=line.attempt, units=sold.units, available=0)
        return Decision((short,))
    next_no = max(each.line.no for each in order.lines) + 1
    parts = [
        Line(
            no=sold.no if n == 0 else next_no + n - 1,
            sku=part.sku,
            units=units,
            amount_fen=amount_fen,
            native=sold.native if n == 0 else "",
            platform_sku=sold.platform_sku,
            title=sold.title,
            gift=sold.gift,
            outer=sold.outer,
            bundle=sold.sku,
            bundle_units=part.units,
            part_of=sold.no,
            rule=sold.rule,
            drop_if_short=sold.drop_if_short,
            replaces=sold.replaces,
        )
        for n, (part, units, amount_fen) in enumerate(opened(command.parts, sold.units, sold.amount_fen))
    ]
    fact = BundleOpened(
        line=sold.no,
        lines=tuple(parts),
        attempt=line.attempt + 1,
        region=order.region,
        until=reserve_until(order.ships, ctx),
        wanted=line.waiting if line.withdrawn else 0,
    )
    draft = Draft(order)
    draft.tell(fact)
    place(draft)
    return draft.decision()


def _unopened(line: LineState) -> bool:
    """All of it waits, but for bundles that were withdrawn."""
    return line.waiting > 0 and line.waiting + line.withdrawn == line.line.units
