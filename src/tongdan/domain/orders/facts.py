"""What has happened to an order. Facts carry outcomes: states, deadlines and amounts as they were concluded then."""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.orders.lines import Line, PlannedShipment, ReservedLine, Units


class OrderAnnounced(Fact, frozen=True, kw_only=True):
    """A platform spoke of an order not seen before: it exists; its detail is being fetched until `detail_by`."""

    channel: str
    shop: str
    native: str
    detail_by: datetime


class OrderCreated(Fact, frozen=True, kw_only=True):
    """An own shop's order, whole from the start. `pay_by` is when it is cancelled if nobody has paid."""

    channel: str
    shop: str
    native: str
    buyer: str
    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int
    discount_fen: int
    placed_at: datetime
    region: str
    pay_by: datetime
    reserve_until: datetime | None


class OrderDetailed(Fact, frozen=True, kw_only=True):
    """The platform's detail came: from here on the order has lines."""

    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int
    discount_fen: int
    placed_at: datetime
    region: str
    ship_by: datetime | None
    reserve_until: datetime | None


class DetailOverdue(Fact, frozen=True, kw_only=True):
    """The detail did not come in time; the order stays announced and somebody has to look."""


class ChannelReported(Fact, frozen=True, kw_only=True):
    """What the channel last said. `status` is the canonical name, "" when the map does not know the native one."""

    event: str
    native_status: str
    status: str
    said_at: datetime
    stale: bool = False


class PaymentRequested(Fact, frozen=True, kw_only=True):
    attempt: int
    method: str
    amount_fen: int


class PrepayIssued(Fact, frozen=True, kw_only=True):
    attempt: int
    prepay: str


class PaymentFailed(Fact, frozen=True, kw_only=True):
    attempt: int
    reason: str


class OrderPaid(Fact, frozen=True, kw_only=True):
    """Money came in for the first time and in full. `attempt` 0: the platform collected it.

    `reserved` are the lines whose stock was only held for the payment and now stays.
    """

    channel: str
    shop: str
    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime
    reserved: tuple[ReservedLine, ...]


class PaymentDuplicated(Fact, frozen=True, kw_only=True):
    """A second attempt was paid as well: the order counts once, the second sum is owed back."""

    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime


class PaymentMismatched(Fact, frozen=True, kw_only=True):
    """Money came in, but not the sum asked for: the order is held for a person."""

    attempt: int
    transaction: str
    amount_fen: int
    expected_fen: int
    paid_at: datetime


class PaidAfterCancel(Fact, frozen=True, kw_only=True):
    """Money came in for an order that was cancelled: it is owed back."""

    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime


class LineReserved(Fact, frozen=True, kw_only=True):
    line: int
    attempt: int
    units: int
    warehouse: str


class LineShort(Fact, frozen=True, kw_only=True):
    line: int
    attempt: int
    units: int
    available: int


class LineReservationExpired(Fact, frozen=True, kw_only=True):
    line: int
    attempt: int


class OrderReleased(Fact, frozen=True, kw_only=True):
    """Paid, reserved and free of holds: handed to the warehouses."""

    channel: str
    shop: str
    native: str
    placed_at: datetime
    region: str
    lines: tuple[Line, ...]
    shipments: tuple[PlannedShipment, ...]


class LinesShipped(Fact, frozen=True, kw_only=True):
    shipment: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime
    complete: bool


class LinesSigned(Fact, frozen=True, kw_only=True):
    shipment: str
    units: tuple[Units, ...]
    signed_at: datetime
    complete: bool


class LinesStopped(Fact, frozen=True, kw_only=True):
    """Released units that a warehouse will not send. `wanted`: the order still wants them (so it is a ticket)."""

    shipment: str
    units: tuple[Units, ...]
    reason: str
    wanted: bool


class OrderSettled(Fact, frozen=True, kw_only=True):
    amount_fen: int
    reference: str
    settled_at: datetime


class SettlementMismatched(Fact, frozen=True, kw_only=True):
    amount_fen: int
    expected_fen: int
    reference: str


class OrderCompleted(Fact, frozen=True, kw_only=True):
    completed_at: datetime


class OrderCancelled(Fact, frozen=True, kw_only=True):
    """`refund_due_fen` > 0: the buyer has paid and Tongdan owes the money; a platform refunds by itself.

    `reserved` are the lines whose stock is to be freed, `shipments` those that must be recalled.
    """

    by: str
    reason: str
    refund_due_fen: int
    reserved: tuple[ReservedLine, ...]
    shipments: tuple[str, ...]


class AddressChanged(Fact, frozen=True, kw_only=True):
    region: str


class AddressChangeTooLate(Fact, frozen=True, kw_only=True):
    """The platform changed the address after the parcels were handed over: somebody has to look."""

    region: str


class AmountChanged(Fact, frozen=True, kw_only=True):
    amount_fen: int
    reason: str


class HoldPlaced(Fact, frozen=True, kw_only=True):
    hold: str
    note: str


class HoldLifted(Fact, frozen=True, kw_only=True):
    hold: str
    note: str


class SystemSaid(Fact, frozen=True, kw_only=True):
    system: str
    native_status: str
    said_at: datetime
    stale: bool = False


class ShipmentOverdue(Fact, frozen=True, kw_only=True):
    """The promise to ship passed while units were still here."""

    ship_by: datetime


class FetchDetail(Effect, frozen=True, kw_only=True):
    """Ask the channel for the whole order. A read: natural."""

    channel: str
    shop: str
    native: str


class Prepay(Effect, frozen=True, kw_only=True):
    """Open a payment attempt at the provider under `out_trade_no`. Query first: a time-out may have opened it."""

    shop: str
    out_trade_no: str
    amount_fen: int
    payer: str


class WriteBackShipment(Effect, frozen=True, kw_only=True):
    """Tell the channel what left, under which waybill. Keyed by `request`."""

    channel: str
    shop: str
    native: str
    carrier: str
    waybill: str
    units: tuple[tuple[str, int], ...]
    request: str


class TellFinance(Effect, frozen=True, kw_only=True):
    """Tell the finance system of a milestone (paid, signed, cancelled). At least once; finance keeps the first."""

    order: str
    channel: str
    shop: str
    milestone: str
    amount_fen: int
    at: datetime
