"""A shipment: lines of one order or several on their way through one warehouse. Only it speaks to the WMS.

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
from tongdan.domain.fulfillment.track_check import TrackCheck
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
SIGN: Final = "SIGN"  # the step of a WMS that says: signed for
# What a step of a WMS (Qimen's orderprocess.report) and a node of a parcel's way mean as the status of an order. What
# is not here means none: an exception, a refusal at the door, what came back.
STEP_MEANS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("ACCEPT", "PARTFULFILLED", "FULFILLED", "PRINT", "PICK", "CHECK", "PACKAGE", "WEIGH", "READY"),
        "released",
    ),
    **dict.fromkeys(("PARTDELIVERED", "DELIVERED"), "shipped"),
    SIGN: "signed",
    **dict.fromkeys(("REJECT", "CANCELED", "CLOSED"), "cancelled"),
}
NODE_MEANS: Final[dict[str, str]] = {
    ParcelStatus.PICKED_UP: "shipped",
    ParcelStatus.IN_TRANSIT: "shipped",
    ParcelStatus.OUT_FOR_DELIVERY: "shipped",
    ParcelStatus.AT_LOCKER: "shipped",
    ParcelStatus.SIGNED: "signed",
}
MAX_TRACKS: Final = 300
# What has come of asking a carrier to turn a parcel back.
ASKED, ACCEPTED, REFUSED = "asked", "accepted", "refused"


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


class LabelStage(IntEnum):
    """What has become of a number. A LIVE one stays so when its parcel has left; STUCK: not to be cancelled."""

    ASKED = 0
    LIVE = 1
    REFUSED = 2
    DROPPED = 3
    CANCELLED = 4
    STUCK = 5


class Label(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An e-waybill that the seller asked a carrier for; `key` is what the carrier knows the parcel by."""

    key: str
    carrier: str
    asked_at: datetime
    waybill: str = ""
    stage: LabelStage = LabelStage.ASKED
    reason: str = ""
    printed: int = 0


class Shipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The state of a shipment.

    `surplus` counts units by (parcel, SKU) that nobody had asked for; `signed_at` is the receiver's latest signature
    that was reported, applied or not. `closed`: what has not left will not leave. `recall` says why it was
    recalled, `unwanted` for which orders (none named: for all); `called`: the packing table and its job that call for
    what is wanted. `tracks` are the latest nodes,
    at most MAX_TRACKS; `ask_at`: the carrier is to be asked then; `asked`: how often in vain; `silent`: given up.
    `intercepted`: how asking the carrier to turn a departure back stands; `returned`: departures that are back.
    `labels`: e-waybills that the seller took, the latest last; `unpushed`: the warehouse has not been told of it,
    because the number is not there. `checks`: by waybill, parcels called signed without a track.
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
    unwanted: tuple[str, ...] = ()
    called: tuple[str, int] | None = None
    process: str = ""
    process_at: datetime | None = None
    signed_at: datetime | None = None
    tracks: tuple[Node, ...] = ()
    ask_at: datetime | None = None
    asked: int = 0
    silent: bool = False
    intercepted: dict[str, str] = {}
    returned: tuple[str, ...] = ()
    collect_fen: int = 0
    placed_at: datetime | None = None
    labels: tuple[Label, ...] = ()
    unpushed: bool = False
    checks: dict[str, TrackCheck] = {}

    @property
    def last_label(self) -> Label | None:
        return self.labels[-1] if self.labels else None

    @property
    def live_label(self) -> Label | None:
        """The number its parcel travels under, or will."""
        return next((each for each in self.labels if each.stage is LabelStage.LIVE), None)

    def label(self, key: str, waybill: str = "") -> Label | None:
        """By key and number; without a number the first of that key."""
        return next((each for each in self.labels if each.key == key and waybill in ("", each.waybill)), None)

    def orders(self) -> tuple[str, ...]:
        """The orders with lines in it, in the order of its lines."""
        return tuple(dict.fromkeys([self.owner(item) for item in self.items]))

    def also(self) -> tuple[str, ...]:
        """The orders with lines in it besides the one under whose name it goes."""
        return tuple([order for order in self.orders() if order != self.order])

    def owner(self, item: Item) -> str:
        return item.order or self.order

    @property
    def asked_back(self) -> bool:
        """The warehouse has been asked to stop it, and has not said no."""
        return self.called is not None or (self.recall != "" and not self.recall_failed)

    def is_unwanted(self, order: str) -> bool:
        return self.recall != "" and (not self.unwanted or order in self.unwanted)

    def still_to_leave(self) -> tuple[Item, ...]:
        """What is planned, has not left, and was not stopped."""
        over = self.closed or self.stage in (ShipmentStage.RECALLED, ShipmentStage.REFUSED)
        return () if over else self.remaining()

    def remaining(self) -> tuple[Item, ...]:
        """What is planned and has not left, line by line."""
        left = self.left()
        return tuple(
            [cut(item, left.get(item.of, 0))[1] for item in self.items if item.units > left.get(item.of, 0)]
        )

    def left(self) -> dict[tuple[str, int], int]:
        """Units that have left, by order and line as their items name them."""
        left: dict[tuple[str, int], int] = {}
        for departure in self.departures:
            for item in departure.items:
                left[item.of] = left.get(item.of, 0) + item.units
        return left


def cut(item: Item, units: int) -> tuple[Item, Item]:
    """`units` of an item, with their share of its amount rounded down, and the rest of both."""
    amount_fen = item.amount_fen * units // item.units
    rest = msgspec.structs.replace(item, units=item.units - units, amount_fen=item.amount_fen - amount_fen)
    return msgspec.structs.replace(item, units=units, amount_fen=amount_fen), rest


def wms(warehouse: str) -> str:
    """The partner that runs a warehouse."""
    return f"wms/{warehouse}"


def carrier(code: str) -> str:
    """The partner that a carrier is."""
    return f"carrier/{code}"
