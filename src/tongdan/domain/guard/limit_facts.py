"""What may be asked of a purchase limit, and what has happened to it. It is named SHOP/BUYER/SKU."""

from tongdan.domain.kernel.messages import Command, Fact


class CountPurchase(Command, frozen=True, kw_only=True):
    """Count a line's units for the buyer, if with them they have no more than `limit_units`."""

    limit: str
    order: str
    line: int
    sku: str
    units: int
    limit_units: int


class ReturnPurchase(Command, frozen=True, kw_only=True):
    limit: str
    order: str


class PurchaseCounted(Fact, frozen=True, kw_only=True):
    limit: str
    order: str
    line: int
    units: int


class PurchaseRefused(Fact, frozen=True, kw_only=True):
    """The buyer had `had_units` already."""

    limit: str
    order: str
    sku: str
    units: int
    had_units: int
    limit_units: int


class PurchaseReturned(Fact, frozen=True, kw_only=True):
    limit: str
    order: str
