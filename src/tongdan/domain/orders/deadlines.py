"""What an order waits for: the deadlines that facts have put into its state, as far as they still matter."""

from datetime import datetime

from tongdan.domain.orders.axes import Closing
from tongdan.domain.orders.model import WORRY_CASH, WORRY_DETAIL, WORRY_SHIP, WORRY_UNSETTLED, Order, here
from tongdan.domain.orders.money.due import unsettled_fen


def wake_at(order: Order) -> datetime | None:
    """The earliest deadline that still matters, None when the order waits for nothing."""
    return min((at for at in deadlines(order).values() if at is not None), default=None)


def deadlines(order: Order) -> dict[str, datetime | None]:
    """What the order waits for, by name; a deadline that no longer matters, or was told of, is None."""
    checks = [refund.check_at for refund in order.refunds if refund.check_at is not None]
    cooling = [each.due_at for each in order.confirmations if each.due_at is not None]
    always = {
        "detail": _unless(order.known or WORRY_DETAIL in order.worries, order.detail_by),
        "refund": min(checks, default=None),
        "cooling": min(cooling, default=None),
    }
    if order.cancelled:
        return always
    unpaid = order.own and not order.ships
    collected = order.paid is not None or WORRY_CASH in order.worries
    paid_out = WORRY_UNSETTLED in order.worries or not unsettled_fen(order)
    promised = order.ships and here(order) > 0 and WORRY_SHIP not in order.worries
    return {
        **always,
        "pay": _unless(not unpaid, order.pay_by),
        "ship": _unless(not promised, order.ship_by),
        "cash": _unless(collected, order.cash_by),
        "settle": _unless(paid_out, order.settle_by),
        "lift": min((lift.at for lift in order.lifts), default=None),
        "complete": _unless(order.closing is not Closing.OPEN, order.complete_at),
    }


def _unless(over: bool, at: datetime | None) -> datetime | None:
    return None if over else at
