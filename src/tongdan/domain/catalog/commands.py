"""What may be asked of the catalogue."""

from datetime import datetime

from tongdan.domain.catalog.model import Description, GiftItem
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.parts import Part


class DefineSku(Command, frozen=True, kw_only=True):
    """The own SKU is as described, whole: what is left out is no longer so. With `parts` it is a bundle of these."""

    sku: str
    description: Description
    parts: tuple[Part, ...] = ()


class SetCost(Command, frozen=True, kw_only=True):
    """What a unit of an own SKU costs the seller; None: it is not known. A description leaves it as it is."""

    sku: str
    cost_fen: int | None


class MatchOffer(Command, frozen=True, kw_only=True):
    """A platform's SKU is the own SKU `sku` from now on, and what waits for that goes on; "" takes the match apart.

    `product` is the platform's number of the goods that the offer is a variant of; "": as it was.
    """

    channel: str
    shop: str
    offer: str
    sku: str
    product: str = ""


class FindMatch(Command, frozen=True, kw_only=True):
    """A line of an order asks which own SKU the platform's is; without a match it waits for one."""

    channel: str
    shop: str
    offer: str
    outer: str
    title: str
    order: str
    line: int


class ClaimGift(Command, frozen=True, kw_only=True):
    """An order is given gifts by a limited rule, `times` over, if it still gives so many; then stock is asked for."""

    rule: str
    order: str
    times: int
    limit_times: int
    items: tuple[GiftItem, ...]
    region: str
    until: datetime | None


class ReturnGift(Command, frozen=True, kw_only=True):
    """The order's share of a limited rule has not been used."""

    rule: str
    order: str
