"""Presale (预售): a deposit (定金), later the balance (尾款); nothing is released before both are in.

From the deposit on the stock is the order's, and the promise to ship begins with the balance. A deposit whose balance
is not paid in time is forfeited; whoever else ends the order gives it back.
"""

from datetime import datetime
from typing import Final

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import PlaceOrder, RecordPayment
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted
from tongdan.domain.orders.goods.reservation import asked_for, retry
from tongdan.domain.orders.model import BALANCE_HOLD, Order
from tongdan.domain.orders.money.presale_facts import BalancePaid, DepositPaid, PresaleAgreed

TIMER: Final = "timer"


def mistake(command: PlaceOrder, now: datetime) -> Refusal | None:
    if not command.deposit_fen and command.balance_by is None:
        return None
    fits = 0 < command.deposit_fen < command.amount_fen
    if not fits or command.balance_by is None or command.balance_by <= now:
        return refusals.BAD_DEPOSIT.of(deposit_fen=command.deposit_fen, amount_fen=command.amount_fen)
    return None


def agree(draft: Draft, command: PlaceOrder) -> None:
    if command.balance_by is not None:
        draft.tell(PresaleAgreed(deposit_fen=command.deposit_fen, balance_by=command.balance_by))


def due_fen(order: Order) -> int:
    """The sum that the next payment is of."""
    presale = order.presale
    if presale is None:
        return order.amount_fen
    return presale.deposit_fen if presale.deposit is None else order.amount_fen - presale.deposit.amount_fen


def take_deposit(draft: Draft, command: RecordPayment) -> bool:
    """Whether this payment was the deposit."""
    presale = draft.order.presale
    if presale is None or presale.deposit is not None or command.amount_fen != presale.deposit_fen:
        return False
    draft.tell(
        DepositPaid(
            attempt=command.attempt,
            transaction=command.transaction,
            amount_fen=command.amount_fen,
            paid_at=command.paid_at,
            reserved=asked_for(draft.order),
        )
    )
    retry(draft, None)
    return True


def is_second_deposit(order: Order, amount_fen: int) -> bool:
    """A deposit that was paid already came in again; equal to the balance, it counts as that."""
    presale = order.presale
    return (
        presale is not None
        and presale.deposit is not None
        and amount_fen == presale.deposit_fen != due_fen(order)
    )


def take_balance(draft: Draft, command: RecordPayment) -> None:
    """The order is whole now: what it was held for is over."""
    if draft.order.presale is None:
        return
    draft.tell(
        BalancePaid(
            attempt=command.attempt,
            transaction=command.transaction,
            amount_fen=command.amount_fen,
            paid_at=command.paid_at,
        )
    )
    draft.tell(HoldLifted(hold=BALANCE_HOLD, note=""))


def forfeited_fen(order: Order, by: str) -> int:
    """What of the deposit is kept when the order ends: all of it, if its buyer let the time for the balance pass."""
    presale = order.presale
    if presale is None or presale.deposit is None or order.paid is not None or by != TIMER:
        return 0
    return presale.deposit.amount_fen
