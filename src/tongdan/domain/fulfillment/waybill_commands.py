"""What may be asked of a shipment about its e-waybill, and what carriers answer."""

from tongdan.domain.kernel.messages import Command


class TakeWaybill(Command, frozen=True, kw_only=True):
    """A person has the number asked for again, after the carrier refused. `carrier` "": the same one."""

    shipment: str
    carrier: str = ""


class GiveUpWaybill(Command, frozen=True, kw_only=True):
    """A person leaves the number to the warehouse, before the shipment is handed to it; one that is there goes back."""

    shipment: str
    reason: str


class RecordWaybill(Command, frozen=True, kw_only=True):
    shipment: str
    key: str
    waybill: str


class RecordWaybillRefused(Command, frozen=True, kw_only=True):
    shipment: str
    key: str
    reason: str


class RecordWaybillCancelled(Command, frozen=True, kw_only=True):
    """The carrier's answer to a cancel. `waybill` is what was asked for, "" where only the key was known."""

    shipment: str
    key: str
    waybill: str
    cancelled: bool
    reason: str = ""


class RecordWaybillPrinted(Command, frozen=True, kw_only=True):
    """A label came from the carrier and is about to be given out."""

    shipment: str
    key: str
    form: str
    length_bytes: int
