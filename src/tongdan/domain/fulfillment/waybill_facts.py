"""What has happened to a shipment's e-waybill (电子面单), and what a carrier is asked for.

`key` is what the carrier knows the parcel by: the shipment's id, and `ID.2`, `ID.3` … for later numbers of the same
shipment, because a carrier takes no key twice, not even that of a number which was cancelled.
"""

from datetime import datetime

from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.kernel.messages import Effect, Fact


class WaybillAsked(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The seller takes the number: the carrier is asked, the warehouse waits. `ends`: tickets whose cause is gone."""

    key: str
    carrier: str
    asked_at: datetime
    ends: tuple[str, ...] = ()


class WaybillGot(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """`pushed`: the warehouse gets the shipment with it; else nobody wants it any more, and it is being cancelled."""

    key: str
    carrier: str
    waybill: str
    pushed: bool = True
    ends: tuple[str, ...] = ()


class WaybillRefused(Fact, frozen=True, kw_only=True):
    """The carrier considered the parcel and said no; the shipment waits for a person."""

    order: str
    key: str
    carrier: str
    reason: str


class WaybillLeft(Fact, frozen=True, kw_only=True):
    """The warehouse takes the number itself, though the configuration says the seller."""

    reason: str


class WaybillDropped(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The parcel will not travel under it. `cancels`: the carrier is told; else it never gave one."""

    key: str
    carrier: str
    waybill: str
    reason: str
    cancels: bool = True
    ends: tuple[str, ...] = ()


class WaybillCancelled(Fact, frozen=True, kw_only=True):
    """The carrier has no such live number: cancelled now or before, or never given."""

    key: str
    carrier: str
    waybill: str


class WaybillNotCancelled(Fact, frozen=True, kw_only=True):
    """The carrier will not cancel it; somebody has to look whether a parcel travels under it."""

    order: str
    key: str
    carrier: str
    waybill: str
    reason: str


class WaybillPrinted(Fact, frozen=True, kw_only=True):
    """Its label was given out, as `form` (pdf, json) of so many bytes; the label itself is not kept."""

    key: str
    carrier: str
    waybill: str
    form: str
    length_bytes: int


class GetWaybill(Effect, frozen=True, kw_only=True):
    """SF `EXP_RECE_CREATE_ORDER`, Cainiao `cainiao.waybill.ii.get`: one number for one parcel, known by `key`."""

    shipment: str
    key: str
    carrier: str
    warehouse: str
    channel: str
    shop: str
    natives: tuple[str, ...]
    items: tuple[Item, ...]


class CancelWaybill(Effect, frozen=True, kw_only=True):
    """SF `EXP_RECE_UPDATE_ORDER`, Cainiao `cainiao.waybill.ii.cancel`. `waybill` "": whatever `key` was given."""

    shipment: str
    key: str
    carrier: str
    waybill: str


class PrintWaybill(Effect, frozen=True, kw_only=True):
    """SF `COM_RECE_CLOUD_PRINT_WAYBILLS`, Cainiao `cainiao.waybill.ii.query.by.waybillcode`: a read, made when a person
    asks; it stands in no lane."""

    shipment: str
    key: str
    carrier: str
    waybill: str
