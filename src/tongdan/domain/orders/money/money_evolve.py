"""How money that comes in folds into the state of an order, whatever it was paid for."""

from typing import Any

from msgspec.structs import replace

from tongdan.domain.orders.axes import ATTEMPT, AttemptStage
from tongdan.domain.orders.model import Attempt, Order, Payment

MoneyIn = Any  # a fact with attempt, transaction, amount_fen and paid_at


def payment_of(fact: MoneyIn) -> Payment:
    return Payment(
        attempt=fact.attempt, transaction=fact.transaction, amount_fen=fact.amount_fen, paid_at=fact.paid_at
    )


def money_in(order: Order, fact: MoneyIn) -> Order:
    known = order.attempt(fact.attempt)
    if known is None or known.stage is not AttemptStage.PAID:
        order = with_attempt(order, fact.attempt, AttemptStage.PAID)
    return replace(order, payments=(*order.payments, payment_of(fact)))


def with_attempt(order: Order, no: int, stage: AttemptStage, **known: str) -> Order:
    old = order.attempt(no) or Attempt(no=no)
    attempt = replace(old, stage=ATTEMPT.step(old.stage, stage), **known)
    return replace(order, attempts=(*[each for each in order.attempts if each.no != no], attempt))
