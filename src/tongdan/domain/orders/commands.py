"""What may be asked of an order.

Three ways to name one: `order` is a Tongdan id and must exist; `channel`, `shop` and `native` are a platform's own
name and announce the order when it is new; `PlaceOrder` comes from an own shop and creates it.
"""

from datetime import datetime

from tongdan.domain.kernel.confirmation import ASKED, Marker
from tongdan.domain.kernel.messages import Command, Person
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.entry_facts import Entry
from tongdan.domain.orders.lines import LeftParcel, Line, Units


class PlaceOrder(Command, frozen=True, kw_only=True):
    """An own shop's order. `native` is the client's order number; `buyer` the user id that places it in its slot.

    `id` is the one it was given before, if the client sends it again because its content was lost. A presale has a
    deposit, and a time until which the balance may be paid. `entry`: a person enters it.
    """

    channel: str
    shop: str
    native: str
    buyer: str
    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int = 0
    discount_fen: int = 0
    placed_at: datetime
    region: str
    person: Person
    id: str = ""
    deposit_fen: int = 0
    balance_by: datetime | None = None
    entry: Entry | None = None


class ResurfaceOrder(Command, frozen=True, kw_only=True):
    """A partner names an order whose id was lost with a restore. `shop` and `native` are "" where it says no more."""

    order: str
    shop: str = ""
    native: str = ""


class NoteChannelEvent(Command, frozen=True, kw_only=True):
    """A platform's push about one of its orders. `native_status` "" means: no status was said.

    `event` is one of created, paid, shipped, signed, completed, cancelled, address, amount, other; or changed:
    something did at `said_at`, and only the detail tells what; or after-sale: of an after-sale, and of nothing else.
    `said_at` is the partner's own time of the event, by which stale news are known. `after_sale` is the platform's
    number of one, whatever the event. `listed`: no push, but read in a listing, which tells the same again.
    """

    channel: str
    shop: str
    native: str
    event: str
    native_status: str
    said_at: datetime
    amount_fen: int | None = None
    transaction: str = ""
    person: Person | None = None
    region: str = ""
    reason: str = ""
    after_sale: str = ""
    listed: bool = False


class RecordDetail(Command, frozen=True, kw_only=True):
    """The whole order as the platform's detail query gives it: the outcome of `FetchDetail`, or a pull."""

    channel: str
    shop: str
    native: str
    native_status: str
    said_at: datetime
    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int = 0
    discount_fen: int = 0
    placed_at: datetime
    paid_at: datetime | None = None
    transaction: str = ""
    ship_by: datetime | None = None
    region: str
    person: Person


class TakeOverOrder(Command, frozen=True, kw_only=True):
    """A platform's open order as `system`, which was used before, knows it; `native_status` is that system's word.

    `left`: what it has sent. `holds`: why it had not. `masked`: the receiver is not readable, so the channel is asked.
    `cod`: it is paid at the door.
    """

    channel: str
    shop: str
    native: str
    system: str
    native_status: str
    said_at: datetime
    lines: tuple[Line, ...]
    amount_fen: int
    freight_fen: int = 0
    discount_fen: int = 0
    placed_at: datetime
    paid_at: datetime | None = None
    left: tuple[LeftParcel, ...] = ()
    holds: tuple[str, ...] = ()
    masked: bool = False
    cod: bool = False
    region: str
    person: Person


class RequestPayment(Command, frozen=True, kw_only=True):
    """The buyer wants to pay by `method` (wechat, card, …): a new attempt, once stock stands behind the order."""

    order: str
    method: str


class RecordPrepay(Command, frozen=True, kw_only=True):
    order: str
    attempt: int
    prepay: str


class RecordPrepayRefused(Command, frozen=True, kw_only=True):
    order: str
    attempt: int
    reason: str


class RecordPayment(Command, frozen=True, kw_only=True):
    """The provider says that money came in. `attempt` is read from `out_trade_no`."""

    order: str
    attempt: int
    transaction: str
    amount_fen: int
    paid_at: datetime


class RecordPaymentFailure(Command, frozen=True, kw_only=True):
    order: str
    attempt: int
    reason: str


class RequestRefund(Command, frozen=True, kw_only=True):
    """A person pays back. `amount_fen` None: what is owed, or else all that is left of what the buyer paid.

    `limit_fen`: the most that may go back of the order in all, where this person's word reaches no further.
    `marker`: who that is, and for which party; `cause`: why, as the policy of confirmations names it.
    """

    order: str
    amount_fen: int | None = None
    reason: str
    limit_fen: int | None = None
    marker: Marker | None = None
    cause: str = ASKED


class RefundUnits(Command, frozen=True, kw_only=True):
    """A person pays back the price of these units of an own shop's order; those that have not left do not leave.

    `amount_fen` None: what the buyer paid for them. The rest as in `RequestRefund`.
    """

    order: str
    units: tuple[Units, ...]
    amount_fen: int | None = None
    reason: str
    limit_fen: int | None = None
    marker: Marker | None = None
    cause: str = ASKED


class RecordPlatformRefund(Command, frozen=True, kw_only=True):
    """A platform has paid its buyer back: an after-sale case that succeeded, for reactions and pulls to send.

    `reference` is the platform's number of the case, by which a repeat is known. `sold` names lines and units as the
    channel does (`Line.native`), () for money alone; those that have not left do not leave. Nothing is to be asked
    of the order first: unknown names are recorded, and lines that are not known yet are waited for.
    """

    order: str
    reference: str
    sold: tuple[tuple[str, int], ...] = ()
    amount_fen: int
    reason: str = ""
    refunded_at: datetime


class PayBack(Command, frozen=True, kw_only=True):
    """What is owed goes back by itself: of the payment `transaction`, or of all once the order is cancelled."""

    order: str
    transaction: str = ""


class RecordRefund(Command, frozen=True, kw_only=True):
    """The provider's word about a refund (`…-R1` gives `refund`) of the payment that it names."""

    order: str
    refund: int
    attempt: int
    transaction: str
    amount_fen: int
    stage: RefundStage
    reference: str
    said_at: datetime


class RecordRefundRefused(Command, frozen=True, kw_only=True):
    """The provider will not do it, and has not done it."""

    order: str
    refund: int
    reason: str


class RecordSettlement(Command, frozen=True, kw_only=True):
    order: str
    amount_fen: int
    reference: str
    settled_at: datetime


class CompleteOrder(Command, frozen=True, kw_only=True):
    order: str


class CancelOrder(Command, frozen=True, kw_only=True):
    order: str
    reason: str


class ChangeAddress(Command, frozen=True, kw_only=True):
    order: str
    region: str
    person: Person


class ErasePerson(Command, frozen=True, kw_only=True):
    """Make the personal data of this order unreadable, everywhere and for good."""

    order: str


class CommentOnOrder(Command, frozen=True, kw_only=True):
    """Somebody of the staff has something to say about the order. No personal data."""

    order: str
    text: str


class RevealPerson(Command, frozen=True, kw_only=True):
    """Somebody is about to be shown the personal data of this order in the open."""

    order: str


class ChangeAmount(Command, frozen=True, kw_only=True):
    order: str
    amount_fen: int
    reason: str


class PlaceHold(Command, frozen=True, kw_only=True):
    order: str
    hold: str
    note: str = ""


class LiftHold(Command, frozen=True, kw_only=True):
    order: str
    hold: str
    note: str = ""


class NoteRiskAnswer(Command, frozen=True, kw_only=True):
    """What one of the buyer's marks knows: the answer to the question `no`. `why`: what the blacklist says."""

    order: str
    no: int
    mark: str
    hit: tuple[str, ...]
    denied: tuple[str, ...]
    why: str


class NoteSystemStatus(Command, frozen=True, kw_only=True):
    """What a downstream system says of the order, as evidence: it moves no axis by itself. `status` as `SystemSaid`."""

    order: str
    system: str
    native_status: str
    said_at: datetime
    status: str = ""


class TellAgain(Command, frozen=True, kw_only=True):
    """`partner` sees the order otherwise than we do, and our word counts: it is told again what it has to know."""

    order: str
    partner: str


class NoteDone(Command, frozen=True, kw_only=True):
    """An effect of the order took place at the partner and taught nothing else."""

    order: str
    outcome: str
