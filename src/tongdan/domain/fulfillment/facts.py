"""What has happened to stock and shipments."""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.kernel.parts import Part


class StockCounted(Fact, frozen=True, kw_only=True):
    sku: str
    warehouse: str
    on_hand: int
    counted_at: datetime


class PartsSet(Fact, frozen=True, kw_only=True):
    sku: str
    parts: tuple[Part, ...]


class BundleAsked(Fact, frozen=True, kw_only=True):
    """A line wants a bundle: nothing is reserved, its parts are to be asked for."""

    sku: str
    order: str
    line: int
    attempt: int
    parts: tuple[Part, ...]


class StockReserved(Fact, frozen=True, kw_only=True):
    sku: str
    order: str
    line: int
    attempt: int
    units: int
    warehouse: str
    until: datetime | None


class StockShort(Fact, frozen=True, kw_only=True):
    """No warehouse has that many; `available` is the most that one has.

    `queued`: it waits for stock to come in; `expires`: once served, the reservation is to expire unless paid for.
    """

    sku: str
    order: str
    line: int
    attempt: int
    units: int
    available: int
    region: str = ""
    expires: bool = False
    queued: bool = True


class ReservationKept(Fact, frozen=True, kw_only=True):
    sku: str
    order: str
    line: int
    attempt: int


class StockReleased(Fact, frozen=True, kw_only=True):
    """`tombstone`: there was no reservation yet, and one that comes later is to stay free."""

    sku: str
    order: str
    line: int
    attempt: int
    units: int
    tombstone: bool


class ReservationExpired(Fact, frozen=True, kw_only=True):
    sku: str
    order: str
    line: int
    attempt: int
    units: int


class StockDeducted(Fact, frozen=True, kw_only=True):
    sku: str
    order: str
    line: int
    warehouse: str
    units: int
    dispatch: str


class Item(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a shipment or parcel.

    `order` and `native` say whose line it is where a parcel was packed anew; "": the shipment's own order's.
    """

    line: int
    sku: str
    units: int
    amount_fen: int = 0
    order: str = ""
    native: str = ""

    @property
    def of(self) -> tuple[str, int]:
        """What tells its line from the others of a parcel."""
        return self.order, self.line


class ShipmentPlanned(Fact, frozen=True, kw_only=True):
    order: str
    channel: str
    shop: str
    native: str
    warehouse: str
    items: tuple[Item, ...]
    region: str
    placed_at: datetime | None = None
    collect_fen: int = 0


class WmsAccepted(Fact, frozen=True, kw_only=True):
    wms_order: str


class WmsRefused(Fact, frozen=True, kw_only=True):
    order: str
    items: tuple[Item, ...]
    reason: str


class WmsProcessed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """`also`: the other orders whose lines are in the shipment."""

    status: str
    operated_at: datetime
    info: str
    stale: bool = False
    also: tuple[str, ...] = ()


class ShipmentDispatched(Fact, frozen=True, kw_only=True):
    """One parcel left. `dispatch` = shipment + number of the departure; `complete`: nothing is left behind.

    `parcel` is how the WMS names it: the waybill, or the number of the confirmation. `track_by`: when its carrier
    will be asked where it is, unless it tells before; None for a carrier that is not followed.
    """

    order: str
    warehouse: str
    dispatch: str
    parcel: str
    carrier: str
    waybill: str
    weight_g: int
    items: tuple[Item, ...]
    dispatched_at: datetime
    complete: bool
    track_by: datetime | None = None


class ShipmentSigned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """`ends` names the tickets whose cause is gone. `by_order`: the dispatches in which each order
    had lines, where they are told apart.
    """

    order: str
    items: tuple[Item, ...]
    signed_at: datetime
    dispatches: tuple[str, ...]
    ends: tuple[str, ...] = ()
    by_order: tuple[tuple[str, tuple[str, ...]], ...] = ()


class ParcelTracked(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """One node of a parcel's way. `status` is what its `code` means ("": the carrier's map does not know it).

    `next_by`: when the carrier is asked, unless it tells more before. `also`: the other orders with lines in it.
    """

    order: str
    carrier: str
    waybill: str
    code: str
    status: str
    at: datetime
    next_by: datetime
    ends: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class TracksAsked(Fact, frozen=True, kw_only=True):
    """Nothing was heard of these parcels for too long: their carrier is asked, for the `times`-th time in a row."""

    waybills: tuple[str, ...]
    times: int
    again_at: datetime


class ParcelsSilent(Fact, frozen=True, kw_only=True):
    """Asking has not helped either; it ends here."""

    waybills: tuple[str, ...]


class ShipmentShort(Fact, frozen=True, kw_only=True):
    """The WMS closed the shipment with fewer units than planned."""

    order: str
    items: tuple[Item, ...]


class ShipmentSurplus(Fact, frozen=True, kw_only=True):
    """The WMS confirmed units that were never asked for: kept as evidence, somebody has to look."""

    order: str
    parcel: str
    items: tuple[Item, ...]


class RecallRequested(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """`orders`: only their units are no longer wanted; none named: nothing of it is."""

    reason: str
    orders: tuple[str, ...] = ()


class ShipmentRecalled(Fact, frozen=True, kw_only=True):
    order: str
    items: tuple[Item, ...]
    reason: str


class RecallFailed(Fact, frozen=True, kw_only=True):
    """It had left already, or the WMS says no: the parcel has to be caught at the carrier or the door."""

    order: str
    reason: str


class CalledBack(Fact, frozen=True, kw_only=True):
    """A packing table wants what is in it, for its job; the warehouse is asked to stop."""

    packing: str
    job: int


class CallBackRefused(Fact, frozen=True, kw_only=True):
    """It goes as it is: the answer to a packing table."""

    packing: str
    job: int
    reason: str


class UnitsGiven(Fact, frozen=True, kw_only=True):
    """What the warehouse held back goes to a packing table. `job` 0: nobody had asked, it is the rest of a parcel
    that an order left.
    """

    packing: str
    job: int
    warehouse: str
    items: tuple[Item, ...]


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order whose lines may lie on a packing table."""

    order: str
    native: str
    region: str
    placed_at: datetime


class LineUnits(msgspec.Struct, frozen=True, gc=False):
    """Some units of one line of one order."""

    order: str
    line: int
    units: int


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """A parcel that is to be."""

    warehouse: str
    units: tuple[LineUnits, ...]


class PackedParcel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parcel as it was formed, under the name of `lead`. `shipment` "": it goes to the lead's own packing table."""

    shipment: str
    lead: Member
    warehouse: str
    items: tuple[Item, ...]


class Moved(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that were reserved in `origin` and will leave from `warehouse`."""

    order: str
    line: int
    sku: str
    units: int
    origin: str
    warehouse: str


class PackingStarted(Fact, frozen=True, kw_only=True):
    """What is in `sources` is to be packed anew. `what` is merge, split, undo, rest (of a parcel that an order left) or
    return (to the table of its own order). What no parcel names goes together, warehouse by warehouse.
    """

    job: int
    what: str
    channel: str
    shop: str
    members: tuple[Member, ...]
    sources: tuple[str, ...]
    parcels: tuple[Wanted, ...]


class UnitsCollected(Fact, frozen=True, kw_only=True):
    job: int
    source: str
    warehouse: str
    items: tuple[Item, ...]


class SourceKept(Fact, frozen=True, kw_only=True):
    """A shipment that could not be called back goes as it is."""

    job: int
    source: str
    reason: str


class ParcelsFormed(Fact, frozen=True, kw_only=True):
    """Every source has answered: these parcels take what was collected, unit by unit and fen by fen."""

    job: int
    channel: str
    shop: str
    parcels: tuple[PackedParcel, ...]
    moved: tuple[Moved, ...] = ()


class StockMoved(Fact, frozen=True, kw_only=True):
    """Units of a reservation stand in another warehouse now. `missing`: more than were free there."""

    sku: str
    order: str
    line: int
    units: int
    origin: str
    warehouse: str
    key: str
    missing: int


class PushToWms(Effect, frozen=True, kw_only=True, omit_defaults=True):
    """Qimen `deliveryorder.create`. Natural: `deliveryOrderCode` is the shipment id.

    `carrier` and `waybill` are there where the seller took the number.
    """

    shipment: str
    order: str
    channel: str
    shop: str
    native: str
    warehouse: str
    items: tuple[Item, ...]
    placed_at: datetime
    carrier: str = ""
    waybill: str = ""
    collect_fen: int = 0


class CancelAtWms(Effect, frozen=True, kw_only=True):
    """Qimen `order.cancel`. Natural: the same shipment id."""

    shipment: str
    warehouse: str
    reason: str


class QueryRoutes(Effect, frozen=True, kw_only=True):
    """SF `EXP_RECE_SEARCH_ROUTES`. Natural: a read."""

    shipment: str
    waybills: tuple[str, ...]
