"""Money that came in outside of any provider: cash, a transfer, a collection code. A person vouches for it.

It is a payment attempt like any other, whose method begins with `offline-`, so nothing else has to know of it; only
back through the payment provider it cannot go.
"""

from datetime import datetime
from typing import Final

from tongdan.domain.kernel.messages import Context
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import PaymentRequested
from tongdan.domain.orders.model import Order, Payment
from tongdan.domain.orders.money.payments import collect

MEANS: Final = ("cash", "transfer", "code", "other")
_METHOD: Final = "offline-"


def take(draft: Draft, ctx: Context, means: str, reference: str, paid_at: datetime) -> None:
    """The whole price was paid by one of MEANS; `reference` is the number on the receipt."""
    order = draft.order
    attempt = max((each.no for each in order.attempts), default=0) + 1
    draft.tell(PaymentRequested(attempt=attempt, method=f"{_METHOD}{means}", amount_fen=order.amount_fen))
    collect(draft, ctx, attempt, reference, order.amount_fen, paid_at)


def was_offline(order: Order, payment: Payment) -> bool:
    attempt = order.attempt(payment.attempt)
    return attempt is not None and attempt.method.startswith(_METHOD)
