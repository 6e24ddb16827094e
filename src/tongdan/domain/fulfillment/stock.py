"""The stock of one SKU: what is on hand in each warehouse, what stands behind which order line, and who waits for more.

A reservation takes all units of a line from one warehouse, never more than is available there; what packing anew moves
elsewhere stands beside it as a share in that warehouse, and ends with it. Whatever ends a
reservation leaves a tombstone, so a repeat, or a request that comes after its own release, stays without effect. Who
was turned away waits in order of arrival and is served as soon as enough comes free.

A hot SKU has thousands of reservations, and each fact changes one of them. They lie in buckets by order, and a bucket
is kept encoded until it is needed: loading and storing the state copies bytes, a change opens one bucket in 128.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zlib import crc32

import msgspec

from tongdan.domain.kernel.parts import Part

BUCKETS: Final = 128
MAX_WAITING: Final = 1_000  # who comes later is short, but does not wait
MAX_TOMBSTONES: Final = 8  # of one bucket, and as many departures: the oldest is forgotten first


class Reservation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`units` of one line out of `warehouse`; `until` None: it does not expire."""

    order: str
    line: int
    attempt: int
    units: int
    warehouse: str
    until: datetime | None


class Bucket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Some orders' reservations by `order/line`, the last attempt of each that ended, and departures deducted."""

    held: dict[str, Reservation] = {}
    ended: dict[str, int] = {}
    deducted: tuple[str, ...] = ()

    def reservation(self, order: str, line: int) -> Reservation | None:
        return self.held.get(line_key(order, line))

    def shares(self, order: str, line: int) -> list[Reservation]:
        """The line's reservation, and what of it was moved to other warehouses; none without units."""
        key = line_key(order, line)
        found = [each for at, each in self.held.items() if at == key or at.startswith(f"{key}@")]
        return [each for each in found if each.units]

    def share(self, held: Reservation, warehouse: str) -> Reservation:
        """What of the line's reservation `held` stands in a warehouse; there may be no units in it yet."""
        there = held if held.warehouse == warehouse else self.held.get(share_key(held, warehouse))
        return there or msgspec.structs.replace(held, warehouse=warehouse, units=0)

    def last_ended(self, order: str, line: int) -> int:
        """The last attempt of this line that has ended, 0 if none is remembered."""
        return self.ended.get(line_key(order, line), 0)


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line that was turned away; `expires`: once served, its reservation is to expire unless paid for."""

    order: str
    line: int
    attempt: int
    units: int
    region: str
    expires: bool


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One warehouse: units counted there less those that have left since, and units reserved."""

    on_hand: int
    reserved: int
    counted_at: datetime | None = None

    @property
    def available(self) -> int:
        return max(0, self.on_hand - self.reserved)


class Stock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of a SKU's stock. `earliest` is when the next reservation of a bucket expires, if one does.

    `watchers` are the SKUs whose quotas follow it; `told` is what they know, as `available` gives it, and `touched` the
    channels whose orders took of it, or gave back, since they were told.
    """

    sku: str
    levels: dict[str, Level] = {}
    buckets: dict[int, bytes] = {}
    earliest: dict[int, datetime] = {}
    waiting: tuple[Waiting, ...] = ()
    parts: tuple[Part, ...] = ()  # a bundle, of which there is no stock itself
    watchers: tuple[str, ...] = ()
    told: tuple[dict[str, int], int] = ({}, 0)
    told_no: int = 0
    touched: tuple[str, ...] = ()
    limit_units: int = 0  # what one buyer may have; 0: any number
    quiet_until: datetime | None = None

    def available(self) -> tuple[dict[str, int], int]:
        """Units available in each warehouse, and units that wait for more."""
        levels = {code: level.available for code, level in self.levels.items()}
        return levels, sum(each.units for each in self.waiting)

    @property
    def is_untold(self) -> bool:
        """Watchers know another number, or who took of it. Of a bundle there is none to know."""
        if not self.watchers or self.parts:
            return False
        return bool(self.touched) or self.available() != self.told

    def touched_by(self, order: str) -> "Stock":
        """An order took of it, or gave back; its id begins with its channel."""
        if not self.watchers or order[:2] in self.touched:
            return self
        return msgspec.structs.replace(self, touched=(*self.touched, order[:2]))

    def bucket(self, order: str) -> Bucket:
        """The bucket, opened, that an order's reservations lie in."""
        return _open(self.buckets.get(bucket_no(order)))

    def reservations(self) -> Iterator[Reservation]:
        for sealed in self.buckets.values():
            yield from _open(sealed).held.values()

    def due(self, now: datetime) -> Iterator[Reservation]:
        """Reservations that have expired by `now`."""
        for no, at in self.earliest.items():
            if at <= now:
                held = _open(self.buckets[no]).held.values()
                yield from (each for each in held if each.until is not None and each.until <= now)

    def with_bucket(self, order: str, bucket: Bucket) -> "Stock":
        """The stock with the bucket of `order` replaced."""
        no = bucket_no(order)
        earliest = {other: at for other, at in self.earliest.items() if other != no}
        expiries = [each.until for each in bucket.held.values() if each.until is not None]
        if expiries:
            earliest[no] = min(expiries)
        buckets = {**self.buckets, no: _seal(bucket)}
        return msgspec.structs.replace(self, buckets=buckets, earliest=earliest)


_seal: Final = msgspec.msgpack.Encoder().encode
_unseal: Final = msgspec.msgpack.Decoder(Bucket).decode


def _open(sealed: bytes | None) -> Bucket:
    return Bucket() if sealed is None else _unseal(sealed)


def bucket_no(order: str) -> int:
    """Which bucket an order's reservations lie in. It is part of the state's format."""
    return crc32(order.encode()) % BUCKETS


def line_key(order: str, line: int) -> str:
    return f"{order}/{line}"


def share_key(held: Reservation, warehouse: str) -> str:
    return f"{line_key(held.order, held.line)}@{warehouse}"


def wake_at(stock: Stock) -> datetime | None:
    """When the next reservation expires, or watchers are to be told."""
    due = list(stock.earliest.values())
    if stock.is_untold and stock.quiet_until is not None:
        due.append(stock.quiet_until)
    return min(due, default=None)
