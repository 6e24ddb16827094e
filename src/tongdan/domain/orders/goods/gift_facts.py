"""What has happened to the gifts of an order: given by a rule, not to be had, and units that are sent again."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import Line, Units


class GiftsAwaited(Fact, frozen=True, kw_only=True):
    """The gift rules are asked when the last line has been matched."""


class GiftGiven(Fact, frozen=True, kw_only=True):
    """The rule of that name, as it stood in `revision` of the policy, gives these lines, `times` over.

    `limit_times` > 0: the rule gives so often in all, so its count is asked before stock is; 0: stock is asked for at
    once, held until `until`.
    """

    rule: str
    revision: int
    times: int
    lines: tuple[Line, ...]
    limit_times: int
    region: str
    until: datetime | None


class GiftDropped(Fact, frozen=True, kw_only=True):
    """Gifts that are not given after all: `reason` is short, or exhausted. `returned`: nothing of the rule is left on
    the order, so that a limited one may give it to another."""

    rule: str
    units: tuple[Units, ...]
    reason: str
    returned: bool
