"""Erasure: a person asks to be forgotten, and the order goes on without them.

Everything but the people stays: lines, money, parcels, the audit trail. What partners tell of the order later is
recorded like before, without the personal data it brings.
"""

from tongdan.domain.kernel.messages import NOTHING, Context, Decision
from tongdan.domain.orders.commands import ErasePerson
from tongdan.domain.orders.facts import PersonErased
from tongdan.domain.orders.model import Order


def erase_person(order: Order, command: ErasePerson, ctx: Context) -> Decision:
    if order.erased_at is not None:
        return NOTHING
    return Decision((PersonErased(erased_at=ctx.now),), erases=True)
