"""What may be asked of a SKU's stock and of a shipment."""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.tracks import Track


class CountStock(Command, frozen=True, kw_only=True):
    """A warehouse's count of a SKU replaces what was on hand there; `counted_at` orders counts."""

    sku: str
    warehouse: str
    on_hand: int
    counted_at: datetime


class ReserveStock(Command, frozen=True, kw_only=True):
    """Put stock behind one line: all its units from one warehouse, `region`'s own first. Keyed order+line+attempt.

    `until` None: the order is paid for, the reservation does not expire.
    """

    sku: str
    order: str
    line: int
    attempt: int
    units: int
    region: str
    until: datetime | None


class KeepReservation(Command, frozen=True, kw_only=True):
    """The order is paid: the reservation no longer expires."""

    sku: str
    order: str
    line: int
    attempt: int


class ReleaseStock(Command, frozen=True, kw_only=True):
    """Free a reservation; one that never came leaves a tombstone, so that it stays free when it comes late."""

    sku: str
    order: str
    line: int
    attempt: int


class DeductStock(Command, frozen=True, kw_only=True):
    """`units` of a reservation left the warehouse. `dispatch` keys the deduction (shipment + parcel sequence)."""

    sku: str
    order: str
    line: int
    warehouse: str
    units: int
    dispatch: str


class ShipmentItem(msgspec.Struct, frozen=True, gc=False):
    """One line of a shipment: `code` is the SKU as the WMS knows it."""

    line: int
    sku: str
    units: int
    amount_fen: int


class PlanShipment(Command, frozen=True, kw_only=True):
    """Create the shipment `shipment` (`…-Sn`) and hand it to its warehouse."""

    shipment: str
    order: str
    channel: str
    shop: str
    native: str
    warehouse: str
    items: tuple[ShipmentItem, ...]
    placed_at: datetime
    region: str


class RecordWmsAccepted(Command, frozen=True, kw_only=True):
    shipment: str
    wms_order: str


class RecordWmsRefused(Command, frozen=True, kw_only=True):
    shipment: str
    reason: str


class RecordWmsProcess(Command, frozen=True, kw_only=True):
    """An order process report: ACCEPT, PICK, PACKAGE, WEIGH, DELIVERED, SIGN, EXCEPTION …"""

    shipment: str
    status: str
    operated_at: datetime
    info: str = ""


class PackageItem(msgspec.Struct, frozen=True, gc=False):
    sku: str
    units: int


class Package(msgspec.Struct, frozen=True, gc=False):
    carrier: str
    waybill: str
    weight_g: int
    items: tuple[PackageItem, ...]


class ConfirmDelivery(Command, frozen=True, kw_only=True):
    """The WMS confirms what left: `final` False for an intermediate confirmation of a partial dispatch."""

    shipment: str
    warehouse: str
    packages: tuple[Package, ...]
    final: bool
    confirmed_at: datetime
    out_biz_code: str = ""


class RecordTracks(Command, frozen=True, kw_only=True):
    """Where the carrier says that parcels are, unasked or asked (`QueryRoutes`). Empty: it knows nothing."""

    shipment: str
    tracks: tuple[Track, ...]


class RecallShipment(Command, frozen=True, kw_only=True):
    """Stop a shipment that has not left: withdraws what was not sent, else asks the WMS to cancel."""

    shipment: str
    reason: str


class RecordRecall(Command, frozen=True, kw_only=True):
    """The WMS's answer to a cancel."""

    shipment: str
    stopped: bool
    reason: str
