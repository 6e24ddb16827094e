"""Lines and units: what an order is made of and what its parcels carry."""

from datetime import datetime

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line. `no` counts from 1; `sku` is the own SKU, "" while nobody has said which; `amount_fen` is what the
    buyer pays for all its units. `outer`: the code the shop gave the platform's SKU, where it is only a hint. A part of
    a `bundle` stands for `bundle_units` in each; the first part (`part_of` is its number) bears the `native` name for
    them all. The gift rule `rule` gave it, and takes it back when it is short if `drop_if_short`; it sends units of the
    line `replaces` again.
    """

    no: int
    sku: str
    units: int
    amount_fen: int
    native: str = ""
    platform_sku: str = ""
    title: str = ""
    gift: bool = False
    outer: str = ""
    bundle: str = ""
    bundle_units: int = 0
    part_of: int = 0
    rule: str = ""
    drop_if_short: bool = False
    replaces: int = 0


class Units(msgspec.Struct, frozen=True, gc=False):
    """Some units of one line."""

    line: int
    units: int


class PlannedShipment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a release hands to one warehouse. `no` is the n of the shipment id `…-Sn`."""

    no: int
    warehouse: str
    units: tuple[Units, ...]


class ReservedLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line with stock behind it (or asked for): what its reservation is keyed by."""

    line: int
    sku: str
    attempt: int


class LeftParcel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that another system sent. `dispatch` names the departure among those of the order."""

    dispatch: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """News about lines that came too early; it waits until what it speaks of is known.

    `what` is shipped, signed, returned or stopped; `key` tells repeats. What was signed for is told by `dispatches`, a
    return by both, anything else by `units`.
    """

    what: str
    key: str
    shipment: str
    at: datetime
    units: tuple[Units, ...] = ()
    dispatches: tuple[str, ...] = ()
    carrier: str = ""
    waybill: str = ""
    reason: str = ""
