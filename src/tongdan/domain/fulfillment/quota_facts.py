"""What has happened to what shops may sell of a SKU, and what their platforms are to be told."""

from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.kernel.parts import Part

PUBLISH: Final = "PublishQuota"


class Outlet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a SKU is sold: the platform's SKU `offer`, of its goods `product`, in a shop."""

    channel: str
    shop: str
    offer: str
    product: str = ""

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.shop}/{self.offer}"


class Wanted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The outlet `key` is to offer so many units. A higher `sequence` is newer."""

    key: str
    units: int
    sequence: int


class StockWatched(Fact, frozen=True, kw_only=True):
    """Quotas of `watcher` follow this stock: the SKU's own, or those of a bundle it is a part of."""

    sku: str
    watcher: str


class StockUnwatched(Fact, frozen=True, kw_only=True):
    sku: str
    watcher: str


class PartsWatched(Fact, frozen=True, kw_only=True):
    """A watched SKU is a bundle of `parts` (none: no longer one); `before` were its parts until now."""

    sku: str
    watchers: tuple[str, ...]
    parts: tuple[Part, ...]
    before: tuple[Part, ...] = ()


class AvailabilityTold(Fact, frozen=True, kw_only=True):
    """What is available in each warehouse, and how many units wait for more. Silence until `quiet_until`.

    `channels`: whose orders took of it, or gave back, since it was told last.
    """

    sku: str
    no: int
    levels: dict[str, int]
    waiting_units: int
    watchers: tuple[str, ...]
    channels: tuple[str, ...]
    quiet_until: datetime


class OutletListed(Fact, frozen=True, kw_only=True):
    sku: str
    outlet: Outlet


class OutletUnlisted(Fact, frozen=True, kw_only=True):
    sku: str
    outlet: Outlet


class StockFollowed(Fact, frozen=True, kw_only=True):
    """A rule divides the SKU's stock: from now on it is followed. Said again, all is told anew."""

    sku: str


class PartsNoted(Fact, frozen=True, kw_only=True):
    sku: str
    parts: tuple[Part, ...]


class AvailabilityNoted(Fact, frozen=True, kw_only=True):
    """`part` is the SKU itself, or a part of the bundle that it is."""

    sku: str
    part: str
    no: int
    levels: dict[str, int]
    waiting_units: int
    channels: tuple[str, ...] = ()


class QuotasSet(Fact, frozen=True, kw_only=True):
    """What is on its way to platforms now; what was on its way to the same and had not left is withdrawn."""

    sku: str
    wanted: tuple[Wanted, ...]


class QuotaPublished(Fact, frozen=True, kw_only=True):
    sku: str
    outlet: str
    units: int
    sequence: int


class PublishQuota(Effect, frozen=True, kw_only=True):
    """The platform's SKU `offer` has `units` for sale: an absolute number, so a repeat changes nothing."""

    channel: str
    shop: str
    offer: str
    product: str
    sku: str
    units: int
    sequence: int


class LimitSet(Fact, frozen=True, kw_only=True):
    sku: str
    limit_units: int


class LimitFound(Fact, frozen=True, kw_only=True):
    """A line wants a SKU of which one buyer may have `limit_units`."""

    sku: str
    order: str
    line: int
    units: int
    limit_units: int
