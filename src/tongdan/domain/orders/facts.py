"""What has happened to an order. Facts carry outcomes: states, deadlines and amounts as they were concluded then."""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.orders.lines import Line, News, PlannedShipment, ReservedLine, Units


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


class OrderResurfaced(Fact, frozen=True, kw_only=True):
    """A partner named an id that was lost with a restore: the order exists again, whatever it holds."""

    channel: str


class HeldAfterRestore(Fact, frozen=True, kw_only=True):
    """Announced again, it may have been sent already under an id that was lost: a person has to look."""


class OrderRecovered(Fact, frozen=True, kw_only=True):
    """The content of an order that had been lost is known again. `ends` names the worries that are over."""

    ends: tuple[str, ...]


class OrderDetailed(Fact, frozen=True, kw_only=True):
    """The platform's detail came: from here on the order has lines.

    `reserve` False: it was cancelled before, so no stock is asked for. `ends` names the worries that are over.
    """

    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int
    discount_fen: int
    placed_at: datetime
    region: str
    ship_by: datetime | None
    reserve_until: datetime | None
    said_at: datetime
    reserve: bool = True
    ends: tuple[str, ...] = ()


class DetailOverdue(Fact, frozen=True, kw_only=True):
    """The detail did not come in time; the order stays announced and somebody has to look."""


class ChannelReported(Fact, frozen=True, kw_only=True):
    """What the channel last said. `status` is the canonical name, "" when the map does not know the native one.

    `stale`: it had said something later before. `contradicts`: it speaks of a parcel that we know nothing of, or of
    an order that it had cancelled. `shipments`: those that it calls signed.
    """

    event: str
    native_status: str
    status: str
    said_at: datetime
    stale: bool = False
    contradicts: bool = False
    shipments: tuple[str, ...] = ()


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

    `reserved` are the lines whose stock was only held for the payment and now stays. `ship_by` is the promise that
    begins with it.
    """

    channel: str
    shop: str
    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime
    reserved: tuple[ReservedLine, ...]
    ship_by: datetime | None = None
    ends: tuple[str, ...] = ()


class PaymentAwaited(Fact, frozen=True, kw_only=True):
    """A payment of before a restore may not have been told again yet: it is waited for until `pay_by`."""

    pay_by: datetime


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
    ends: tuple[str, ...] = ()


class LineShort(Fact, frozen=True, kw_only=True):
    """`sold`: the buyer has it for certain, so somebody has to find stock."""

    line: int
    attempt: int
    units: int
    available: int
    sold: bool = True


class LineReservationExpired(Fact, frozen=True, kw_only=True):
    line: int
    attempt: int


class ReservationRetried(Fact, frozen=True, kw_only=True):
    """Stock is asked for again, under new attempts, for lines whose reservation had expired."""

    lines: tuple[ReservedLine, ...]
    units: tuple[Units, ...]
    region: str
    until: datetime | None


class OrderReleased(Fact, frozen=True, kw_only=True):
    """Paid, reserved and free of holds: handed to the warehouses. `collect_fen` is to be collected at the door."""

    channel: str
    shop: str
    native: str
    placed_at: datetime
    region: str
    lines: tuple[Line, ...]
    shipments: tuple[PlannedShipment, ...]
    collect_fen: int = 0


class LinesShipped(Fact, frozen=True, kw_only=True):
    """One parcel left. `complete`: no unit of the order is left here. `wanted` False: it was cancelled before.

    `withdrawn` are units of it that were not to leave; the reservations of `freed` have nothing left to send.
    """

    shipment: str
    dispatch: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime
    complete: bool
    wanted: bool = True
    ends: tuple[str, ...] = ()
    withdrawn: tuple[Units, ...] = ()
    freed: tuple[ReservedLine, ...] = ()


class LinesSigned(Fact, frozen=True, kw_only=True):
    """`complete`: every unit that is to come has been signed for; an own shop's order then ends at `complete_at`,
    the cash of a delivery is expected by `cash_by`, and the price is to be paid out by `settle_by`."""

    shipment: str
    dispatches: tuple[str, ...]
    units: tuple[Units, ...]
    signed_at: datetime
    complete: bool
    complete_at: datetime | None = None
    key: str = ""
    cash_by: datetime | None = None
    settle_by: datetime | None = None


class LinesStopped(Fact, frozen=True, kw_only=True):
    """Released units that a warehouse will not send.

    `wanted`: the order still wants them, so it is a ticket; if not, the stock of the `freed` lines is freed, and an own
    shop's order of which all else is signed for ends at `complete_at`.
    """

    shipment: str
    units: tuple[Units, ...]
    reason: str
    wanted: bool
    freed: tuple[ReservedLine, ...] = ()
    key: str = ""
    complete_at: datetime | None = None
    ends: tuple[str, ...] = ()


class LinesReturned(Fact, frozen=True, kw_only=True):
    """A parcel came back without having been signed for. `wanted`: the order still wants it, so it is a ticket."""

    shipment: str
    dispatch: str
    units: tuple[Units, ...]
    returned_at: datetime
    wanted: bool
    key: str = ""
    ends: tuple[str, ...] = ()


class ParcelsWantedBack(Fact, frozen=True, kw_only=True):
    """The platform has paid the buyer back while parcels are on their way: their carriers are to turn them back."""

    shipments: tuple[str, ...]
    reason: str


class LinesRepacked(Fact, frozen=True, kw_only=True):
    """These released units lie in `shipment` now, which may go under another order's name.

    `wanted` False: the order was cancelled, or the units withdrawn, before; they have to leave that shipment again.
    """

    shipment: str
    units: tuple[Units, ...]
    wanted: bool
    ends: tuple[str, ...] = ()


class NewsCameEarly(Fact, frozen=True, kw_only=True):
    """News about lines or parcels that are not known yet; it is applied when they are."""

    news: News


class OrderSettled(Fact, frozen=True, kw_only=True):
    amount_fen: int
    reference: str
    settled_at: datetime
    ends: tuple[str, ...] = ()


class SettlementMismatched(Fact, frozen=True, kw_only=True):
    amount_fen: int
    expected_fen: int
    reference: str


class OrderCompleted(Fact, frozen=True, kw_only=True):
    completed_at: datetime


class OrderCancelled(Fact, frozen=True, kw_only=True):
    """`refund_due_fen` > 0: the buyer has paid and Tongdan owes the money; a platform refunds by itself.

    `reserved` are the lines whose stock is to be freed, `shipments` those that must be recalled, `gifts` the limited
    rules that may give to another what this order has not taken. `forfeited_fen` of a deposit is kept.
    `limits` are the purchase limits under which it was counted.
    """

    by: str
    reason: str
    refund_due_fen: int
    reserved: tuple[ReservedLine, ...]
    shipments: tuple[str, ...]
    cancelled_at: datetime
    ends: tuple[str, ...] = ()
    gifts: tuple[str, ...] = ()
    forfeited_fen: int = 0
    limits: tuple[str, ...] = ()


class AddressChanged(Fact, frozen=True, kw_only=True):
    region: str
    changed_at: datetime


class AddressChangeTooLate(Fact, frozen=True, kw_only=True):
    """The platform changed the address after the parcels were handed over: somebody has to look."""

    region: str
    changed_at: datetime


class PersonErased(Fact, frozen=True, kw_only=True):
    """The personal data of the order can no longer be read by anybody; its ciphertext stays in the chain."""

    erased_at: datetime


class AmountChanged(Fact, frozen=True, kw_only=True):
    amount_fen: int
    reason: str
    changed_at: datetime


class HoldPlaced(Fact, frozen=True, kw_only=True):
    hold: str
    note: str


class HoldLifted(Fact, frozen=True, kw_only=True):
    hold: str
    note: str


class SystemSaid(Fact, frozen=True, kw_only=True):
    """What a system said of the order, or (`wms/S1`) of one of its shipments. `status`: the canonical name of what that
    means, "" where nobody knows or it means nothing. `shipments`: those that a system calls signed with the order."""

    system: str
    native_status: str
    said_at: datetime
    stale: bool = False
    status: str = ""
    shipments: tuple[str, ...] = ()


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
    """Tell the finance system of a milestone (paid, signed, cancelled, refunded). At least once; it keeps the first."""

    order: str
    channel: str
    shop: str
    milestone: str
    amount_fen: int
    at: datetime
    refund: str = ""


class TellService(Effect, frozen=True, kw_only=True):
    """Tell customer service which waybill to speak of (`event`: shipped, repacked). Keyed: it keeps the first of an id.

    `units` are (line, units) of this order.
    """

    order: str
    channel: str
    shop: str
    native: str
    event: str
    shipment: str
    units: tuple[tuple[int, int], ...]
    at: datetime
    carrier: str = ""
    waybill: str = ""
