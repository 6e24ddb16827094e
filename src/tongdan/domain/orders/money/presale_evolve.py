"""How facts about a presale fold into the state of an order; what is decided is in `presale.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.model import BALANCE_HOLD, Order, Presale
from tongdan.domain.orders.money import presale_facts as f
from tongdan.domain.orders.money.money_evolve import money_in, payment_of


def _agreed(order: Order, fact: f.PresaleAgreed) -> Order:
    presale = Presale(deposit_fen=fact.deposit_fen, balance_by=fact.balance_by)
    return replace(order, presale=presale, holds=(*order.holds, BALANCE_HOLD))


def _deposit_paid(order: Order, fact: f.DepositPaid) -> Order:
    assert order.presale is not None
    presale = replace(order.presale, deposit=payment_of(fact))
    return replace(money_in(order, fact), presale=presale, pay_by=presale.balance_by)


def _balance_paid(order: Order, fact: f.BalancePaid) -> Order:
    return money_in(order, fact)


PRESALE: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.PresaleAgreed: _agreed,
    f.DepositPaid: _deposit_paid,
    f.BalancePaid: _balance_paid,
}
