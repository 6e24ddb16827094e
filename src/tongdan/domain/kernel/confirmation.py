"""Which statuses two parties have to mark before they take effect, as data that files say and deciders read.

A party is a side of the house, a marker who spoke for it. What the order centre marks by itself is a rule of the policy
like any other, so "automatic" never means that nobody answered for it.
"""

from typing import Final

import msgspec

FINANCE: Final = "finance"
CENTRE: Final = "centre"
PARTIES: Final = (FINANCE, CENTRE)

REFUNDED: Final = "refunded"  # the only status that can be named today
PAID_TWICE: Final = "paid-twice"
CANCELLED: Final = "cancelled"
AFTER_SALE: Final = "after-sale"
ASKED: Final = "asked"
CAUSES: Final = (PAID_TWICE, CANCELLED, AFTER_SALE, ASKED)
RULE: Final = "rule/"  # and the cause: what a mark of the centre's own is signed with


class Marker(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who speaks for which party: a member, whoever an API key belongs to, `finance/SYSTEM`, or `rule/CAUSE`."""

    party: str
    by: str


class RuleMark(msgspec.Struct, frozen=True, kw_only=True):
    """Refunds of this cause are marked by the order centre itself, up to a sum (None: any)."""

    cause: str
    up_to_fen: int | None = None


class ConfirmationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`statuses` are those of high risk. `exempt` causes need nobody's mark, `marked_by_rule` none of a person of the
    centre. What both have marked waits for `cooling_s` before it is done. `tells`: who hears of it beside finance."""

    statuses: tuple[str, ...] = ()
    cooling_s: int = 0
    exempt: tuple[str, ...] = ()
    marked_by_rule: tuple[RuleMark, ...] = ()
    tells: tuple[str, ...] = ()

    def covers(self, status: str, cause: str) -> bool:
        """Whether it takes effect only when both parties have marked it."""
        return status in self.statuses and cause not in self.exempt

    def marks(self, cause: str, amount_fen: int) -> bool:
        """Whether the order centre marks it itself."""
        rules = [each for each in self.marked_by_rule if each.cause == cause]
        return any(each.up_to_fen is None or amount_fen <= each.up_to_fen for each in rules)
