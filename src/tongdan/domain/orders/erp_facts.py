"""What the seller's ERP is asked to do. What it answers is what it says of the order: a fact like any system's word."""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.orders.lines import Line, Units


class ErpRevised(Fact, frozen=True, kw_only=True):
    """Something of an order that the ERP has was changed: it is told how the order stands now, as this revision."""

    revision: int


class ErpParcel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that have left."""

    carrier: str
    waybill: str
    units: tuple[Units, ...]


class PushToErp(Effect, frozen=True, kw_only=True):
    """The order as it goes to the warehouses, for the books. `paid_at` None: paid at the door. It names no person."""

    order: str
    channel: str
    shop: str
    native: str
    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int
    discount_fen: int
    placed_at: datetime
    paid_at: datetime | None = None


class ReviseAtErp(Effect, frozen=True, kw_only=True):
    """The whole order as it stands now: `copy` is how it would be pushed. The highest `revision` is the latest."""

    order: str
    revision: int
    copy: PushToErp
    refunded_fen: int
    parcels: tuple[ErpParcel, ...]


class CancelAtErp(Effect, frozen=True, kw_only=True):
    """The order is off: what was pushed of it is to be taken back."""

    order: str
    shop: str
    reason: str
