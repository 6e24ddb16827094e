"""The state of an order: what the facts about it add up to, axis by axis.

It holds no personal data (a buyer is a reference, an address a region), and every deadline that it waits for was put
there by a fact, so neither reading nor waking an order needs the policy. The canonical status is computed from it
(`status.py`) and is the same however the news arrived.
"""

from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.orders.axes import AttemptStage, Closing, RefundStage, Stage
from tongdan.domain.orders.confirmation.model import Confirmation
from tongdan.domain.orders.lines import Line, News, PlannedShipment, Units

CHANNEL: Final = "channel"  # under this name `said` keeps what the platform said
PAYMENT_HOLD: Final = "payment"  # money came in, but not the sum asked for
CHANNEL_HOLD: Final = "channel"  # the platform took the money, but does not let the order go yet
RESTORED_HOLD: Final = "restored"  # it may have been sent already, under an id that was lost with a restore
RISK_HOLD: Final = "risk-check"  # what is known of its buyer is being asked for
LEFT_HOLD: Final = "left-already"  # by somebody else's hand, so it must not leave again
RECEIVER_HOLD: Final = "receiver-masked"  # the channel's own words for the receiver are awaited
UNMATCHED_HOLD: Final = "unmatched-sku"  # nobody has said yet which own SKU a line is
AFTER_SALE_HOLD: Final = (
    "after-sale"  # the buyer wants the price of what has not left, and nobody has decided
)
PAID_HOLD: Final = "paid_hold"  # what a channel map calls that
COD: Final = "cod_to_ship"  # what it calls cash on delivery: to be shipped, and not paid
BALANCE_HOLD: Final = "presale-balance"  # of a presale the deposit is paid, and the balance is not
DEPOSIT_PAID: Final = "deposit_paid"  # what a channel map calls that
BESIDE: Final = frozenset(
    {COD, DEPOSIT_PAID, PAID_HOLD}
)  # words of channel maps that are no canonical status

WORRY_DETAIL: Final = "detail-overdue"
WORRY_SHORT: Final = "line-short"
WORRY_LOST: Final = "order-lost"
WORRY_MISMATCH: Final = "payment-mismatched"
WORRY_CASH: Final = "cash-overdue"
WORRY_APART: Final = "withdrawn-in-parcel"
WORRY_SHIP: Final = "shipment-overdue"
WORRY_SETTLEMENT: Final = "settlement-mismatched"
WORRY_UNSETTLED: Final = "settlement-overdue"
WORRY_PAID_TWICE: Final = "payment-duplicated"
WORRY_PAID_LATE: Final = "paid-after-cancel"
# These carry the refund they are about: `refund-failed:R1`.
WORRY_ABNORMAL: Final = "refund-abnormal"
WORRY_FAILED: Final = "refund-failed"
WORRY_OVERDUE: Final = "refund-overdue"
WORRY_WITHDRAWN: Final = "refund-withdrawn"
WORRY_RECOVERY: Final = "recovery-open"


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One payment attempt. `no` 0 is the platform's own collection."""

    no: int
    method: str = ""
    amount_fen: int = 0
    stage: AttemptStage = AttemptStage.REQUESTED
    prepay: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money that came in."""

    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money of one payment that goes back. `asked` counts how often the provider was asked for its result, which is
    next due at `check_at`. `withdrawn`: it is not to go, or not to have gone."""

    no: int
    attempt: int
    transaction: str
    amount_fen: int
    stage: RefundStage = RefundStage.REQUESTED
    asked: int = 0
    check_at: datetime | None = None
    withdrawn: bool = False


class PlatformRefund(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money that a platform has paid back by itself, for lines that it calls `sold` (name and units)."""

    reference: str
    amount_fen: int
    sold: tuple[tuple[str, int], ...]


class Reissue(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that are sent again: `lines` are the numbers of the lines they go as."""

    no: int
    lines: tuple[int, ...]
    reason: str


class LineState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A line and how many of its units are at which stage; the counts always add up to `line.units`.

    `attempt` numbers the reservation that was last asked for; `warehouse` is where it stands. `withdrawn` units are not
    to leave: they are stopped, or lie in a parcel (`called_back`), and of these some lie `apart` in parcels that nobody
    calls back. Of `refunded` units the price goes back.
    """

    line: Line
    attempt: int = 1
    warehouse: str = ""
    short: bool = False
    waiting: int = 0
    reserved: int = 0
    released: int = 0
    shipped: int = 0
    signed: int = 0
    stopped: int = 0
    withdrawn: int = 0
    called_back: int = 0
    apart: int = 0
    refunded: int = 0

    @property
    def held_back(self) -> int:
        """Units that are stopped although they are wanted."""
        return max(0, self.stopped - (self.withdrawn - self.called_back))

    def without(self, called_back: int, withdrawn: int) -> "LineState":
        """So many fewer are called back, and so many fewer withdrawn."""
        still = self.called_back - called_back
        return msgspec.structs.replace(
            self, called_back=still, apart=min(self.apart, still), withdrawn=self.withdrawn - withdrawn
        )

    def at(self, stage: Stage) -> int:
        return int(getattr(self, _COUNT[stage]))

    def moved(self, start: Stage, to: Stage, units: int) -> "LineState":
        """The line with `units` moved along. The caller has checked the edge; too many units raise ValueError."""
        left = self.at(start) - units
        if units < 0 or left < 0:
            raise ValueError(f"line {self.line.no} has no {units} units {start.name.lower()}")
        return msgspec.structs.replace(self, **{_COUNT[start]: left, _COUNT[to]: self.at(to) + units})


_COUNT: Final = {stage: stage.name.lower() for stage in Stage}


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Units that left together. `dispatch` names the departure."""

    dispatch: str
    shipment: str
    carrier: str
    waybill: str
    units: tuple[Units, ...]
    shipped_at: datetime
    signed_at: datetime | None = None
    returned_at: datetime | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a system last said: its own word, the canonical name ("" if none is known), and when."""

    native: str
    status: str
    said_at: datetime


class Presale(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price in two sums; the second may be paid until `balance_by`."""

    deposit_fen: int
    balance_by: datetime
    deposit: Payment | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A question about the buyer: the `marks` that have not answered, and the rules that hold unless one denies."""

    no: int
    marks: tuple[str, ...]
    unless: tuple[str, ...]


class Lift(msgspec.Struct, frozen=True, gc=False):
    """A hold that lifts itself."""

    hold: str
    at: datetime


class OrderAfterSale(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An after-sale (`…-A{no}`) as its order knows it. `units` and `problem` say how it fits the lines, once `placed`.

    `refunds` are those by which an own shop pays it back; `settled`: they have all succeeded.
    """

    no: int
    number: str
    seen_at: datetime | None = None
    kind: AfterSaleKind | None = None
    stage: AfterSaleStage | None = None
    sold: tuple[tuple[str, int], ...] = ()
    amount_fen: int = 0
    units: tuple[Units, ...] = ()
    problem: str = ""
    placed: bool = False
    refunds: tuple[int, ...] = ()
    settled: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order. `own`: born in an own shop, so its payments, cancellations and refunds are ours.

    `payments` is all money that came to us for it, of which `paid` counts; `questioned` is one of the wrong sum.
    `cod`: its price is collected at the door, and expected by `cash_by`; its price is to be paid out by
    `settle_by`.
    `wanted_back`: what left is to be turned back, though the order was not cancelled.
    `checks` are the questions about its buyer that wait for an answer, `checked` how many there were.
    `owed_fen` is what is to go back, or has gone back, in all. `worries` are the things a ticket was raised for and
    that may still heal. `detail_by` … `complete_at` are what it waits for.
    """

    channel: str
    shop: str
    native: str
    own: bool = False
    buyer: str = ""
    region: str = ""
    placed_at: datetime | None = None
    amount_fen: int = 0
    freight_fen: int = 0
    discount_fen: int = 0
    lines: tuple[LineState, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    payments: tuple[Payment, ...] = ()
    paid: Payment | None = None
    questioned: Payment | None = None
    owed_fen: int = 0
    refunds: tuple[Refund, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    platform_refunds: tuple[PlatformRefund, ...] = ()
    limited_gifts: tuple[str, ...] = ()
    gifts_due: bool = False
    limits: tuple[str, ...] = ()
    reissues: tuple[Reissue, ...] = ()
    after_sales: tuple[OrderAfterSale, ...] = ()
    closing: Closing = Closing.OPEN
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    completed_at: datetime | None = None
    settled_at: datetime | None = None
    settlement: str = ""
    holds: tuple[str, ...] = ()
    said: dict[str, Said] = {}
    shipments: tuple[PlannedShipment, ...] = ()
    packed: tuple[str, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    early: tuple[News, ...] = ()
    worries: tuple[str, ...] = ()
    address_at: datetime | None = None
    amount_at: datetime | None = None
    erased_at: datetime | None = None
    detail_by: datetime | None = None
    pay_by: datetime | None = None
    ship_by: datetime | None = None
    complete_at: datetime | None = None
    checks: tuple[Check, ...] = ()
    checked: int = 0
    lifts: tuple[Lift, ...] = ()
    wanted_back: bool = False
    cod: bool = False
    cash_by: datetime | None = None
    settle_by: datetime | None = None
    presale: Presale | None = None
    erp_revision: int = 0

    @property
    def known(self) -> bool:
        """Its lines are known (an announced order waits for them)."""
        return self.placed_at is not None

    @property
    def lost(self) -> bool:
        """Partners know it by its id, and nobody has yet told what was ordered, or under which number."""
        return not self.native

    @property
    def ships(self) -> bool:
        """It may be sent: it is paid for, or will be at the door."""
        return self.paid is not None or self.cod

    def counts(self, payment: Payment) -> bool:
        """It is (a part of) the price, not a sum too many."""
        deposit = self.presale.deposit if self.presale is not None else None
        mine = [each.transaction for each in (self.paid, deposit) if each is not None]
        return self.paid is not None and payment.transaction in mine

    @property
    def cancelled(self) -> bool:
        return self.closing is Closing.CANCELLED

    @property
    def received_fen(self) -> int:
        return sum([payment.amount_fen for payment in self.payments])

    @property
    def refunded_fen(self) -> int:
        """What has gone back, and was not to stay here."""
        back = [each for each in self.refunds if each.stage is RefundStage.SUCCEEDED and not each.withdrawn]
        return sum([each.amount_fen for each in back])

    @property
    def receivable_fen(self) -> int:
        """What went back although it was withdrawn, and is still to be recovered."""
        return sum([each.recovery.left_fen for each in self.confirmations if each.recovery is not None])

    @property
    def platform_refunded_fen(self) -> int:
        return sum([each.amount_fen for each in self.platform_refunds])

    def line(self, no: int) -> LineState | None:
        return next((each for each in self.lines if each.line.no == no), None)

    def reissue_of(self, line: LineState) -> int:
        """Which reissue the line belongs to; 0 for what was ordered, and gifts."""
        if not line.line.replaces:
            return 0
        names = (line.line.no, line.line.part_of)
        return next((each.no for each in self.reissues if any(no in each.lines for no in names)), 0)

    def attempt(self, no: int) -> Attempt | None:
        return next((each for each in self.attempts if each.no == no), None)

    def refund(self, no: int) -> Refund | None:
        return next((each for each in self.refunds if each.no == no), None)

    def confirmation(self, refund: int) -> Confirmation | None:
        """Of the refund of this number; None: it needs none."""
        return next((each for each in self.confirmations if each.refund == refund), None)

    def after_sale(self, number: str) -> OrderAfterSale | None:
        """By the channel's number of it."""
        return next((each for each in self.after_sales if each.number == number), None)

    def parcel(self, dispatch: str) -> Parcel | None:
        return next((each for each in self.parcels if each.dispatch == dispatch), None)

    def units(self, *stages: Stage) -> int:
        """How many units of all lines are at one of `stages`."""
        return sum(line.at(stage) for line in self.lines for stage in stages)

    def due(self, *stages: Stage) -> int:
        """How many units of what was ordered, without what is sent again, are at one of `stages`."""
        return sum(line.at(stage) for line in self.lines if not line.line.replaces for stage in stages)


def unmatched(order: Order) -> tuple[Line, ...]:
    """The lines whose own SKU is not known, and is still to be."""
    return tuple([each.line for each in order.lines if not each.line.sku and each.waiting])


def warehouses_of(order: Order) -> tuple[str, ...]:
    """Where its units lie or have left from, the first line's first."""
    lying = [each.warehouse for each in order.lines]
    leaving = [each.warehouse for each in order.shipments]
    return tuple(dict.fromkeys(code for code in (*lying, *leaving) if code))


def bought(order: Order) -> tuple[LineState, ...]:
    """The lines that the buyer ordered, without what a gift rule added and what is sent again."""
    return tuple([each for each in order.lines if not (each.line.rule or each.line.replaces)])


def gone(order: Order) -> int:
    """Units of what was ordered that have left the warehouse."""
    return order.due(Stage.SHIPPED, Stage.SIGNED)


def here(order: Order) -> int:
    """Units of what was ordered that are still to leave."""
    return order.due(Stage.WAITING, Stage.RESERVED, Stage.RELEASED)


def refund_worry(kind: str, no: int) -> str:
    """The name of a worry about one refund, which is also the kind of its ticket."""
    return f"{kind}:R{no}"
