"""What the partners say of an order, beside what the centre says of it.

Every figure comes from the party that has the last word on it: money from who took it, parcels from the
warehouse, waybills from the channel that was told them, the books from finance. Where the two differ is a
disagreement.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tongdan.domain.kernel import ids
from tongdan.domain.orders.axes import Closing, Stage
from tongdan.domain.orders.model import Order
from tongdan.labs.world.delivery import Delivery, Item
from tongdan.labs.world.douyin import CANCELLED, FINISHED, DouyinOrder
from tongdan.labs.world.jd import CANCELLED as JD_CANCELLED
from tongdan.labs.world.jd import FINISHED as JD_FINISHED
from tongdan.labs.world.jd import JdOrder
from tongdan.labs.world.kuaishou import DONE as KUAISHOU_DONE
from tongdan.labs.world.kuaishou import FAILED, KuaishouOrder
from tongdan.labs.world.market import CLOSED, DONE, PAID_BACK, MarketOrder
from tongdan.labs.world.mini_program import OwnOrder
from tongdan.labs.world.pinduoduo import REFUNDED, PinduoduoOrder
from tongdan.labs.world.sold import Bought, Sold, SoldByPrice
from tongdan.labs.world.taobao import CLOSED_UNPAID, TaobaoTrade
from tongdan.labs.world.taobao import FINISHED as TAOBAO_FINISHED
from tongdan.labs.world.taobao import REFUNDED as TAOBAO_REFUNDED
from tongdan.labs.world.wechat_books import SUCCESS
from tongdan.labs.world.world import World


class Testimony(NamedTuple):
    """The partners' truth about one order. Units are counted over all lines.

    `amount_fen` is what it costs, `bought` its lines by SKU, `waybills` each parcel that the channel was told of, as
    often as it was told. `received_fen` is all that was paid for it, `returned_fen` what of it went back,
    `surplus_fen` what of it should go back; `due` tells that the sum was right (so the goods are due), `told_units`
    is what the channel knows to have left (None: it is not told), `heard` are the milestones finance heard of.
    """

    amount_fen: int
    bought: tuple[Bought, ...]
    waybills: tuple[str, ...]
    received_fen: int
    returned_fen: int
    surplus_fen: int
    due: bool
    cancelled: bool | None  # None: nobody outside decided it
    completed: bool | None
    wanted_units: int
    left_units: int
    signed_units: int
    told_units: int | None
    heard: frozenset[str]
    settled: bool


class Disagreement(NamedTuple):
    """`what` differs: the partners say one thing, the centre another."""

    what: str
    partners: str
    centre: str


class Witnesses:
    """All partners of a world, asked about one order at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._items: dict[str, list[tuple[Delivery, Item]]] = {}
        for delivery in world.warehouses.deliveries.values():
            for item in delivery.items:  # one delivery may carry lines of several orders
                self._items.setdefault(item.native, []).append((delivery, item))
        self._returned_fen: Counter[str] = Counter()
        for refund in world.wechat.refunds.books.values():
            if refund.status == SUCCESS and (parsed := ids.parse(refund.trade.out_trade_no)) is not None:
                self._returned_fen[parsed.order] += refund.amount_fen

    def of_sold(self, order: Sold, id: str) -> Testimony:
        """Of an order bought on a platform."""
        match order:
            case DouyinOrder():
                over, done = order.status == CANCELLED, order.status == FINISHED
                return self._of_told_by_units(order, id, order.paid_fen, cancelled=over, completed=done)
            case PinduoduoOrder():
                return self._of_priced(order, id, order.waybills, order.refund_status == REFUNDED)
            case JdOrder():
                paid = not order.cash or order.state == JD_FINISHED or self._is_settled(id)
                return self._of_priced(order, id, order.waybills, order.state == JD_CANCELLED, paid=paid)
            case TaobaoTrade():
                over, done = order.status in (CLOSED_UNPAID, TAOBAO_REFUNDED), order.status == TAOBAO_FINISHED
                return self._of_told_by_units(order, id, cancelled=over, completed=done)
            case KuaishouOrder():
                over, done = order.status == FAILED, order.status == KUAISHOU_DONE
                return self._of_told_by_units(order, id, cancelled=over, completed=done)
            case MarketOrder():
                over, done = order.status in (CLOSED, PAID_BACK), order.status == DONE
                return self._of_told_by_units(order, id, cancelled=over, completed=done)
        raise TypeError(f"nobody testifies for {type(order).__name__}")

    def _is_settled(self, id: str) -> bool:
        account = self._world.finance.accounts.get(id)
        return account is not None and account.settled_fen is not None

    def _of_priced(
        self, order: SoldByPrice, id: str, told: list[str], cancelled: bool, *, paid: bool = True
    ) -> Testimony:
        """Such a platform is told waybills, not units: it knows of all that left, or of none."""
        left = [(delivery, item) for delivery, item in self._items.get(order.id, []) if item.gone]
        waybills = {waybill for delivery, _ in left for waybill in delivery.waybills}
        return self._testimony(
            id,
            order.id,
            amount_fen=order.amount_fen,
            bought=order.bought,
            waybills=order.waybills,
            received_fen=order.amount_fen if paid else 0,
            due=paid,
            cancelled=cancelled,
            completed=None,
            wanted_units=order.units,
            told_units=sum(item.gone for _, item in left) if sorted(waybills) == sorted(told) else -1,
        )

    def _of_told_by_units(
        self,
        order: DouyinOrder | TaobaoTrade | KuaishouOrder | MarketOrder,
        id: str,
        paid_fen: int | None = None,
        *,
        cancelled: bool,
        completed: bool,
    ) -> Testimony:
        """`paid_fen` None: what it costs, once it is paid."""
        return self._testimony(
            id,
            order.id,
            amount_fen=order.amount_fen,
            bought=order.bought,
            waybills=order.waybills,
            received_fen=(order.amount_fen if order.paid_at else 0) if paid_fen is None else paid_fen,
            due=order.paid_at is not None,
            cancelled=cancelled,
            completed=completed,
            wanted_units=order.units,
            told_units=order.told_units,
        )

    def of_own(self, order: OwnOrder, id: str) -> Testimony:
        paid = [trade.paid_fen for trade in order.trades if trade.state == SUCCESS]
        due = bool(paid) and order.amount_fen in paid
        returned_fen = self._returned_fen.get(id, 0)
        # Who has all the money back knows that there will be no goods.
        over = order.cancelled or (bool(paid) and returned_fen == sum(paid))
        return self._testimony(
            id,
            order.no,
            amount_fen=order.amount_fen,
            bought=[Bought(line.sku, line.units, line.amount_fen) for line in order.basket.lines],
            received_fen=sum(paid),
            returned_fen=returned_fen,
            surplus_fen=sum(paid) if over else sum(paid) - order.amount_fen if due else 0,
            due=due,
            cancelled=True if over else False if paid else None,
            completed=None,
            wanted_units=sum(line.units for line in order.basket.lines),
            told_units=None,
        )

    def _testimony(
        self,
        id: str,
        native: str,
        *,
        amount_fen: int,
        bought: Iterable[Bought],
        waybills: Iterable[str] = (),
        received_fen: int,
        returned_fen: int = 0,
        surplus_fen: int = 0,
        due: bool,
        cancelled: bool | None,
        completed: bool | None,
        wanted_units: int,
        told_units: int | None,
    ) -> Testimony:
        items = self._items.get(native, [])
        account = self._world.finance.accounts.get(id)
        return Testimony(
            amount_fen=amount_fen,
            bought=tuple(sorted(bought)),
            waybills=tuple(waybills),
            received_fen=received_fen,
            returned_fen=returned_fen,
            surplus_fen=surplus_fen,
            due=due,
            cancelled=cancelled,
            completed=completed,
            wanted_units=wanted_units,
            left_units=sum(item.gone for _, item in items),
            signed_units=sum(item.gone for delivery, item in items if delivery.signed),
            told_units=told_units,
            heard=frozenset(account.heard) if account is not None else frozenset(),
            settled=account is not None and account.settled_fen is not None,
        )


def disagreements(said: Testimony, order: Order) -> Iterator[Disagreement]:
    """Where the centre's order differs from what the partners say, or is stuck half-way."""
    left, signed = order.units(Stage.SHIPPED, Stage.SIGNED), order.units(Stage.SIGNED)
    collected_fen = order.received_fen if order.own else order.paid.amount_fen if order.paid else 0
    yield from _differ("amount_fen", said.amount_fen, order.amount_fen)
    yield from _differ("lines", said.bought, _bought(order, said.bought))
    yield from _differ("told_twice", [], [each for each, n in Counter(said.waybills).items() if n > 1])
    yield from _differ("received_fen", said.received_fen, collected_fen)
    yield from _differ("refunded_fen", said.returned_fen, order.refunded_fen)
    yield from _differ("surplus_fen", said.surplus_fen, said.returned_fen)
    if not (order.own and said.cancelled):  # whether it was paid or cancelled first is then of no account
        yield from _differ("paid", said.due, order.paid is not None)
    yield from _differ("left_units", said.left_units, left)
    yield from _differ("signed_units", said.signed_units, signed)
    yield from _differ("settled", said.settled, order.settled_at is not None)
    yield from _differ("finance_knows_paid", "paid" in said.heard, order.paid is not None)
    if said.cancelled is not None:
        yield from _differ("cancelled", said.cancelled, order.cancelled)
    if said.completed is not None:
        yield from _differ("completed", said.completed, order.closing is Closing.COMPLETED)
    if said.told_units is not None and not order.cancelled:
        yield from _differ("channel_knows_left_units", said.told_units, left)
    if said.due and not order.cancelled:
        yield from _differ("due_units", said.wanted_units, left)


def _bought(order: Order, told: tuple[Bought, ...]) -> tuple[Bought, ...]:
    """What was sold, in the order of its SKUs: no gift of ours, nothing sent again."""
    repriced = any(line.amount_fen is None for line in told)
    lines = [state.line for state in order.lines if not (state.line.rule or state.line.replaces)]
    return tuple(
        sorted(Bought(line.sku, line.units, None if repriced else line.amount_fen) for line in lines)
    )


def _differ(what: str, partners: object, centre: object) -> Iterator[Disagreement]:
    if partners != centre:
        yield Disagreement(what, str(partners), str(centre))
