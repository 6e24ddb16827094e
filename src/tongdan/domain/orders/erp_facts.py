"""What the seller's ERP is asked to do. What it answers is what it says of the order: a fact like any system's word."""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.lines import Line


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


class CancelAtErp(Effect, frozen=True, kw_only=True):
    """The order is off: what was pushed of it is to be taken back."""

    order: str
    shop: str
    reason: str
