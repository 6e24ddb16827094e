"""How facts about refunds fold into the state of an order; what is decided about them is in `refunds.py`.

A refund moves along its own table, and only failing sets its sum free. What needs eyes becomes a worry that names the
refund, and success ends the worries it was told to end.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.axes import REFUND, RefundStage
from tongdan.domain.orders.model import (
    WORRY_ABNORMAL,
    WORRY_FAILED,
    WORRY_OVERDUE,
    Order,
    Refund,
    refund_worry,
)
from tongdan.domain.orders.money import refund_facts as f


def _requested(order: Order, fact: f.RefundRequested) -> Order:
    if order.refund(fact.refund) is not None:
        return _executed(order, fact)
    refund = Refund(
        no=fact.refund,
        attempt=fact.attempt,
        transaction=fact.transaction,
        amount_fen=fact.amount_fen,
        check_at=fact.check_at,
    )
    return replace(order, refunds=(*order.refunds, refund), owed_fen=order.owed_fen + fact.adds_fen)


def _executed(order: Order, fact: f.RefundRequested) -> Order:
    """It was proposed before, and confirmed."""
    its = [
        replace(each, executed=True, due_at=None) if each.refund == fact.refund else each
        for each in order.confirmations
    ]
    order = replace(order, confirmations=tuple(its))
    return _move(order, fact.refund, RefundStage.REQUESTED, fact.check_at)


def _accepted(order: Order, fact: f.RefundAccepted) -> Order:
    return _move(order, fact.refund, RefundStage.ACCEPTED, fact.check_at)


def _asked(order: Order, fact: f.RefundAsked) -> Order:
    order = _on(order, fact.refund, asked=fact.times, check_at=fact.check_at)
    return order if fact.check_at is not None else _worry(order, WORRY_OVERDUE, fact.refund)


def _succeeded(order: Order, fact: f.RefundSucceeded) -> Order:
    order = _move(order, fact.refund, RefundStage.SUCCEEDED)
    return replace(order, worries=tuple([worry for worry in order.worries if worry not in fact.ends]))


def _abnormal(order: Order, fact: f.RefundAbnormal) -> Order:
    order = _move(order, fact.refund, RefundStage.ABNORMAL, fact.check_at)
    return _worry(order, WORRY_ABNORMAL, fact.refund)


def _failed(order: Order, fact: f.RefundFailed) -> Order:
    return _worry(_move(order, fact.refund, RefundStage.FAILED), WORRY_FAILED, fact.refund)


def _contradicted(order: Order, _: f.RefundContradicted) -> Order:
    return order


def _move(order: Order, no: int, to: RefundStage, check_at: datetime | None = None) -> Order:
    refund = order.refund(no)
    assert refund is not None
    return _on(order, no, stage=REFUND.step(refund.stage, to), check_at=check_at)


def _on(order: Order, no: int, **changes: object) -> Order:
    refunds = [replace(each, **changes) if each.no == no else each for each in order.refunds]
    return replace(order, refunds=tuple(refunds))


def _worry(order: Order, kind: str, no: int) -> Order:
    worry = refund_worry(kind, no)
    return order if worry in order.worries else replace(order, worries=(*order.worries, worry))


REFUNDS: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.RefundRequested: _requested,
    f.RefundAccepted: _accepted,
    f.RefundAsked: _asked,
    f.RefundSucceeded: _succeeded,
    f.RefundAbnormal: _abnormal,
    f.RefundFailed: _failed,
    f.RefundContradicted: _contradicted,
}
