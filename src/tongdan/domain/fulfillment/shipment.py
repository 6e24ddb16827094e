"""A shipment: some lines of an order on their way through one warehouse. Only it speaks to the WMS.

A WMS reports in any order and more than once: process steps, confirmations of what left parcel by parcel, signatures,
answers to a cancel. Steps are evidence; units move by confirmations alone, each parcel counting once however often it
is reported; a signature that comes before its confirmation waits for it. Confirmed items are matched by SKU over the
planned lines in order, because real confirmations carry blank line numbers and a planned quantity of 0.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

import msgspec

from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.kernel.machine import Machine


class ShipmentStage(IntEnum):
    PLANNED = 0
    ACCEPTED = 1
    PARTLY_DISPATCHED = 2
    DISPATCHED = 3
    SIGNED = 4
    REFUSED = 5
    RECALLED = 6


_LEAVES: Final = frozenset({ShipmentStage.PARTLY_DISPATCHED, ShipmentStage.DISPATCHED})

# A WMS that refused or cancelled may still turn out to have sent: what left outweighs what was said.
SHIPMENT: Final = Machine(
    "shipment",
    ShipmentStage.PLANNED,
    finals=frozenset({ShipmentStage.SIGNED, ShipmentStage.REFUSED, ShipmentStage.RECALLED}),
    edges={
        ShipmentStage.PLANNED: _LEAVES
        | {ShipmentStage.ACCEPTED, ShipmentStage.REFUSED, ShipmentStage.RECALLED},
        ShipmentStage.ACCEPTED: _LEAVES | {ShipmentStage.REFUSED, ShipmentStage.RECALLED},
        ShipmentStage.PARTLY_DISPATCHED: frozenset({ShipmentStage.DISPATCHED, ShipmentStage.SIGNED}),
        ShipmentStage.DISPATCHED: frozenset({ShipmentStage.SIGNED}),
        ShipmentStage.SIGNED: _LEAVES,
        ShipmentStage.REFUSED: _LEAVES | {ShipmentStage.ACCEPTED},
        ShipmentStage.RECALLED: _LEAVES,
    },
)


class ParcelStatus(StrEnum):
    """What a node of a track can mean, whoever the carrier is."""

    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AT_LOCKER = "at_locker"
    SIGNED = "signed"
    EXCEPTION = "exception"
    RETURNED = "returned"


WORRY_SILENT: Final = "parcel-silent"


class Departure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that left at one time. `parcel`: the waybill, or the confirmation's own number."""

    dispatch: str
    parcel: str
    carrier: str
    waybill: str
    items: tuple[Item, ...]
    at: datetime
    signed: bool = False


class Node(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """One node of a parcel's way; nodes are kept in the order of their time."""

    at: datetime
    waybill: str
    code: str
    status: str


class Shipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The state of a shipment.

    `surplus` counts units by (parcel, SKU) that nobody had asked for; `signed_at` is the receiver's latest signature
    that was reported, applied or not. `closed`: what has not left will not leave. `tracks` are the latest nodes,
    at most MAX_TRACKS; `ask_at`: the carrier is to be asked then; `asked`: how often in vain; `silent`: given up.
    """

    order: str
    channel: str
    shop: str
    native: str
    warehouse: str
    items: tuple[Item, ...]
    stage: ShipmentStage = ShipmentStage.PLANNED
    wms_order: str = ""
    departures: tuple[Departure, ...] = ()
    surplus: tuple[tuple[str, str, int], ...] = ()
    closed: bool = False
    recall: str = ""
    recall_failed: bool = False
    process: str = ""
    process_at: datetime | None = None
    signed_at: datetime | None = None
    tracks: tuple[Node, ...] = ()
    ask_at: datetime | None = None
    asked: int = 0
    silent: bool = False

    def remaining(self) -> tuple[Item, ...]:
        """What is planned and has not left, line by line."""
        left = self.left()
        return tuple(
            [
                msgspec.structs.replace(item, units=item.units - left.get(item.line, 0))
                for item in self.items
                if item.units > left.get(item.line, 0)
            ]
        )

    def left(self) -> dict[int, int]:
        """Units that have left, by line."""
        left: dict[int, int] = {}
        for departure in self.departures:
            for item in departure.items:
                left[item.line] = left.get(item.line, 0) + item.units
        return left
