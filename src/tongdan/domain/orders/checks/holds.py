"""Holds, and what may change while an order is still here: its address and its amount.

A hold is a name that keeps a paid order from being released; anybody may place one, and lifting the last releases the
order. The later of two changes wins by the time they were said at, not by the time they arrived.
"""

import re
from datetime import datetime
from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.orders import refusals
from tongdan.domain.orders.checks.risk import check_address
from tongdan.domain.orders.commands import ChangeAddress, ChangeAmount, LiftHold, PlaceHold
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import (
    AddressChanged,
    AddressChangeTooLate,
    AmountChanged,
    HoldLifted,
    HoldPlaced,
)
from tongdan.domain.orders.goods.match_facts import LinesUnmatched
from tongdan.domain.orders.goods.reservation import advance
from tongdan.domain.orders.model import PAYMENT_HOLD, UNMATCHED_HOLD, Order, unmatched
from tongdan.domain.orders.money.payments import collect

MAX_HOLDS: Final = 20
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)


def place_hold(order: Order, command: PlaceHold, ctx: Context) -> Decision | Refusal:
    if _NAME.fullmatch(command.hold) is None:
        return refusals.BAD_HOLD.of()
    if refusal := _not_here(order, ctx):
        return refusal
    if command.hold in order.holds:
        return NOTHING
    if len(order.holds) >= MAX_HOLDS:
        return refusals.TOO_MANY_HOLDS.of(order=ctx.id, limit=MAX_HOLDS)
    return Decision((HoldPlaced(hold=command.hold, note=command.note),))


def lift_hold(order: Order, command: LiftHold, ctx: Context) -> Decision | Refusal:
    """Lifting the hold of a wrong payment accepts the sum that came in; that of unmatched lines asks the catalogue
    again, and falls with the last answer."""
    if command.hold not in order.holds:
        return NOTHING
    if command.hold == UNMATCHED_HOLD and not order.cancelled and (lines := unmatched(order)):
        return Decision((LinesUnmatched(lines=lines),))
    draft = Draft(order)
    draft.tell(HoldLifted(hold=command.hold, note=command.note))
    sum_in = order.questioned
    if command.hold == PAYMENT_HOLD and sum_in is not None and order.paid is None and not order.cancelled:
        collect(draft, ctx, sum_in.attempt, sum_in.transaction, sum_in.amount_fen, sum_in.paid_at)
    else:
        advance(draft, ctx)
    return draft.decision()


def change_address(order: Order, command: ChangeAddress, ctx: Context) -> Decision | Refusal:
    if refusal := _not_here(order, ctx):
        return refusal
    if order.erased_at is not None:
        return refusals.PERSON_ERASED.of(order=ctx.id)
    draft = Draft(order)
    draft.tell(AddressChanged(region=command.region, changed_at=ctx.now))
    check_address(draft, ctx, command.person)
    return draft.decision(command.person)


def _not_here(order: Order, ctx: Context) -> Refusal | None:
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    return refusals.ALREADY_RELEASED.of(order=ctx.id) if order.shipments else None


def change_amount(order: Order, command: ChangeAmount, ctx: Context) -> Decision | Refusal:
    if not order.own:
        return refusals.PLATFORM_DECIDES.of(order=ctx.id, channel=order.channel)
    if order.cancelled:
        return refusals.ORDER_CLOSED.of(order=ctx.id, closing=order.closing.name.lower())
    if order.paid is not None or order.questioned is not None:
        return refusals.ALREADY_PAID.of(order=ctx.id)
    if not 0 < command.amount_fen <= MAX_FEN:
        return refusals.BAD_AMOUNT.of(field="amount_fen", amount_fen=command.amount_fen, limit=MAX_FEN)
    if order.presale is not None and command.amount_fen <= order.presale.deposit_fen:
        deposit_fen = order.presale.deposit_fen
        return refusals.BAD_DEPOSIT.of(deposit_fen=deposit_fen, amount_fen=command.amount_fen)
    if command.amount_fen == order.amount_fen:
        return NOTHING
    fact = AmountChanged(amount_fen=command.amount_fen, reason=command.reason, changed_at=ctx.now)
    return Decision((fact,))


def adopt_address(draft: Draft, region: str, said_at: datetime, *, pushed: bool = False) -> bool:
    """A platform's new address, if it is news; True if it came in time to be used."""
    order = draft.order
    if not _is_news(said_at, order.address_at, pushed):
        return False
    region = region or order.region
    if order.shipments:
        draft.tell(AddressChangeTooLate(region=region, changed_at=said_at))
        return False
    draft.tell(AddressChanged(region=region, changed_at=said_at))
    return True


def adopt_amount(
    draft: Draft, amount_fen: int, reason: str, said_at: datetime, *, pushed: bool = False
) -> None:
    """A platform's new amount, if it is news."""
    if _is_news(said_at, draft.order.amount_at, pushed):
        draft.tell(AmountChanged(amount_fen=amount_fen, reason=reason, changed_at=said_at))


def _is_news(said_at: datetime, known_at: datetime | None, pushed: bool) -> bool:
    """Platforms date by the second: what is pushed of the second we know of is told because it came after it."""
    return known_at is None or said_at > known_at or (pushed and said_at == known_at)
