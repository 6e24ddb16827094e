"""What purchase limits lead to for an order. A limit is named SHOP/BUYER/SKU, with the shop's own name of a buyer."""

from tongdan.domain.kernel.messages import Command, Fact


class AskLimit(Command, frozen=True, kw_only=True):
    """A line reserves a SKU of which one buyer may have `limit_units`."""

    order: str
    line: int
    sku: str
    units: int
    limit_units: int


class NoteLimitExceeded(Command, frozen=True, kw_only=True):
    """With this order its buyer would have more than they may: it is cancelled."""

    order: str
    sku: str
    limit_units: int


class LimitAsked(Fact, frozen=True, kw_only=True):
    """The line's units are to be counted for the buyer under `limit`, if they fit."""

    limit: str
    line: int
    sku: str
    units: int
    limit_units: int


class LimitExceeded(Fact, frozen=True, kw_only=True):
    sku: str
    limit_units: int
