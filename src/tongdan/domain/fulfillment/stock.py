"""The stock of one SKU: what is on hand in each warehouse, what stands behind which order line, and who waits for more.

A reservation takes all units of a line from one warehouse, never more than is available there. Whatever ends a
reservation leaves a tombstone, so a repeat, or a request that comes after its own release, stays without effect. Who
was turned away waits in order of arrival and is served as soon as enough comes free.

A hot SKU has thousands of reservations, and each fact changes one of them: they lie in buckets by order, so a change
copies one bucket and the short list of buckets, not everything. Each bucket knows its earliest expiry.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zlib import crc32

import msgspec

BUCKETS: Final = 64
MAX_WAITING: Final = 1_000  # who comes later is short, but does not wait
MAX_TOMBSTONES: Final = 32  # of one bucket, and as many departures: the oldest is forgotten first


class Reservation(msgspec.Struct, frozen=True, array_like=True):
    """`units` of one line out of `warehouse`; `until` None: it does not expire."""

    order: str
    line: int
    attempt: int
    units: int
    warehouse: str
    until: datetime | None


class Bucket(msgspec.Struct, frozen=True, array_like=True):
    """Some orders' reservations by `order/line`, the last attempt of each that ended, and departures deducted."""

    held: dict[str, Reservation] = {}
    ended: dict[str, int] = {}
    deducted: tuple[str, ...] = ()
    earliest: datetime | None = None


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A line that was turned away; `expires`: once served, its reservation is to expire unless paid for."""

    order: str
    line: int
    attempt: int
    units: int
    region: str
    expires: bool


class Level(msgspec.Struct, frozen=True, array_like=True):
    """One warehouse: units counted there less those that have left since, and units reserved."""

    on_hand: int
    reserved: int
    counted_at: datetime | None = None

    @property
    def available(self) -> int:
        return max(0, self.on_hand - self.reserved)


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a SKU's stock."""

    sku: str
    levels: dict[str, Level] = {}
    buckets: dict[int, Bucket] = {}
    waiting: tuple[Waiting, ...] = ()

    def bucket(self, order: str) -> Bucket:
        return self.buckets.get(bucket_no(order), _EMPTY)

    def reservation(self, order: str, line: int) -> Reservation | None:
        return self.bucket(order).held.get(line_key(order, line))

    def ended(self, order: str, line: int) -> int:
        """The last attempt of this line that has ended, 0 if none is remembered."""
        return self.bucket(order).ended.get(line_key(order, line), 0)

    def reservations(self) -> Iterator[Reservation]:
        for bucket in self.buckets.values():
            yield from bucket.held.values()


_EMPTY: Final = Bucket()


def bucket_no(order: str) -> int:
    """Which bucket an order's reservations lie in. It is part of the state's format."""
    return crc32(order.encode()) % BUCKETS


def line_key(order: str, line: int) -> str:
    return f"{order}/{line}"


def wake_at(stock: Stock) -> datetime | None:
    """When the next reservation expires."""
    return min((b.earliest for b in stock.buckets.values() if b.earliest is not None), default=None)
