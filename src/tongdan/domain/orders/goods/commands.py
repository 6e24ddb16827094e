"""What may be asked of an order about its goods: stock, matches, parcels, and units that are sent again or stopped."""

from datetime import datetime

from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.parts import Part
from tongdan.domain.orders.lines import Units


class ReissueUnits(Command, frozen=True, kw_only=True):
    """A person has units sent once more that left, and were lost, damaged or missing."""

    order: str
    units: tuple[Units, ...]
    reason: str


class UndoReissue(Command, frozen=True, kw_only=True):
    """Not to be sent again after all."""

    order: str
    reissue: int
    reason: str


class StopUnits(Command, frozen=True, kw_only=True):
    """These units are not wanted any more: as many as have not left do not leave. Money is untouched."""

    order: str
    units: tuple[Units, ...]
    reason: str


class DropGift(Command, frozen=True, kw_only=True):
    """A limited rule has given all it gives, so the order does not get what it was to give."""

    order: str
    rule: str


class NoteMatched(Command, frozen=True, kw_only=True):
    """The catalogue knows which own SKU a line is."""

    order: str
    line: int
    sku: str


class OpenBundle(Command, frozen=True, kw_only=True):
    """The line's SKU is a bundle of these parts."""

    order: str
    line: int
    attempt: int
    parts: tuple[Part, ...]


class NoteReserved(Command, frozen=True, kw_only=True):
    """A SKU's stock stands behind a line, in `warehouse`."""

    order: str
    line: int
    attempt: int
    units: int
    warehouse: str


class NoteShortage(Command, frozen=True, kw_only=True):
    order: str
    line: int
    attempt: int
    units: int
    available: int


class NoteReservationExpired(Command, frozen=True, kw_only=True):
    order: str
    line: int
    attempt: int


class NoteShipped(Command, frozen=True, kw_only=True):
    """One parcel of a shipment left the warehouse; `units` are its own. `dispatch` names the departure."""

    order: str
    shipment: str
    dispatch: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime


class NoteSigned(Command, frozen=True, kw_only=True):
    """The receiver signed for the parcels of these departures."""

    order: str
    shipment: str
    dispatches: tuple[str, ...]
    signed_at: datetime


class NoteReturned(Command, frozen=True, kw_only=True):
    """The parcel of this departure came back; `units` are the order's own in it."""

    order: str
    shipment: str
    dispatch: str
    units: tuple[Units, ...]
    returned_at: datetime


class NoteRepacked(Command, frozen=True, kw_only=True):
    """These units of the order were packed anew and lie in `shipment` now."""

    order: str
    shipment: str
    units: tuple[Units, ...]


class NoteShipmentStopped(Command, frozen=True, kw_only=True):
    """The warehouse will not send these units (refused, short, cancelled); `reason` is its own word."""

    order: str
    shipment: str
    units: tuple[Units, ...]
    reason: str
