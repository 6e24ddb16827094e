"""Remarks of the staff, and who looked at personal data: recorded with the order, deciding nothing about it.

A comment stands in the journal in the open, so it may not name a person; a mobile number in it is refused.
"""

import re
from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import CommentOnOrder, RevealPerson
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.remark_facts import OrderCommented, PersonRevealed

MAX_COMMENT: Final = 500  # characters
_MOBILE: Final = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)", re.ASCII)


def comment_on_order(order: Order, command: CommentOnOrder, ctx: Context) -> Decision | Refusal:
    text = command.text.strip()
    if not 0 < len(text) <= MAX_COMMENT:
        return refusals.BAD_COMMENT.of(limit=MAX_COMMENT)
    if names_person(text):
        return refusals.COMMENT_NAMES_PERSON.of()
    return Decision((OrderCommented(text=text),))


def names_person(text: str) -> bool:
    """It holds a mobile number."""
    return _MOBILE.search(text) is not None


def reveal_person(order: Order, command: RevealPerson, ctx: Context) -> Decision | Refusal:
    """Of an erased person there is nothing left to show."""
    return NOTHING if order.erased_at is not None else Decision((PersonRevealed(),))
