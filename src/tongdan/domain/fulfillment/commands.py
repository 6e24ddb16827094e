"""What may be asked of a SKU's stock and of a shipment."""

from datetime import datetime

import msgspec

from tongdan.domain.fulfillment.facts import Item, Member, Wanted
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.tracks import Track


class CountStock(Command, frozen=True, kw_only=True):
    """A warehouse's count of a SKU replaces what was on hand there; `counted_at` orders counts."""

    sku: str
    warehouse: str
    on_hand: int
    counted_at: datetime


class SetParts(Command, frozen=True, kw_only=True):
    """The SKU is a bundle of these; without parts it is ordinary again."""

    sku: str
    parts: tuple[Part, ...]


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


class PlanShipment(Command, frozen=True, kw_only=True):
    """Create the shipment `shipment` (`…-Sn`) and hand it to its warehouse; `collect_fen` is collected at the door."""

    shipment: str
    order: str
    channel: str
    shop: str
    native: str
    warehouse: str
    items: tuple[Item, ...]
    placed_at: datetime
    region: str
    collect_fen: int = 0


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
    """Stop a shipment that has not left: withdraws what was not sent, else asks the WMS to cancel.

    `order`: only its units are no longer wanted, the others are packed anew. "": none is.
    """

    shipment: str
    reason: str
    order: str = ""


class HandOverAgain(Command, frozen=True, kw_only=True):
    """The WMS `partner` sees the shipment otherwise: it is told again that it is to leave, or not to leave."""

    shipment: str
    partner: str


class RecordRecall(Command, frozen=True, kw_only=True):
    """The WMS's answer to a cancel."""

    shipment: str
    stopped: bool
    reason: str


class RecordInterception(Command, frozen=True, kw_only=True):
    """The carrier's answer to being asked to turn back the parcel of `dispatch`; `reason` is its own word for no."""

    shipment: str
    dispatch: str
    accepted: bool
    reason: str = ""


class MoveStock(Command, frozen=True, kw_only=True):
    """Units of a reservation will leave from another warehouse. `key` tells repeats."""

    sku: str
    order: str
    line: int
    units: int
    origin: str
    warehouse: str
    key: str


class CallBack(Command, frozen=True, kw_only=True):
    """A packing table of `shop` asks for what is in a shipment, for its job."""

    shipment: str
    packing: str
    job: int
    shop: str


class PackAnew(Command, frozen=True, kw_only=True):
    """Pack what is in `sources` anew on the table of `order`: the named units into `parcels`, the others together.

    `what` is merge or split; `members` are all orders with lines in it.

    That the receivers are the same is for whoever asks to know: no name or address comes here.
    """

    order: str
    what: str
    channel: str
    shop: str
    members: tuple[Member, ...]
    sources: tuple[str, ...]
    parcels: tuple[Wanted, ...]


class UndoPacking(Command, frozen=True, kw_only=True):
    """Pack what a merge or split has formed as it was before. `shipment` is one of its parcels."""

    order: str
    shipment: str


class NoteGiven(Command, frozen=True, kw_only=True):
    """A shipment's answer: this was held back. `job` 0: it gives what an order that left it has left behind."""

    order: str
    job: int
    source: str
    warehouse: str
    items: tuple[Item, ...]


class NoteKept(Command, frozen=True, kw_only=True):
    """A shipment's answer: it goes as it is."""

    order: str
    job: int
    source: str
    reason: str


class TakeBack(Command, frozen=True, kw_only=True):
    """Units of one order come back from another order's table. `source` names where from, and tells repeats."""

    order: str
    channel: str
    shop: str
    lead: Member
    source: str
    warehouse: str
    items: tuple[Item, ...]
