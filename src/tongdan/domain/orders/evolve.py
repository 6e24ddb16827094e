"""How facts fold into the state of an order.

One small function a fact. Nothing is decided here: whether a unit may move was decided when the fact was made, and a
move that its table does not allow is an error, not a choice.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import EFFECT_FACTS, Fact
from tongdan.domain.orders import facts as f
from tongdan.domain.orders.after_sale_evolve import AFTER_SALES
from tongdan.domain.orders.axes import CLOSING, AttemptStage, Closing, Stage
from tongdan.domain.orders.checks.risk_evolve import RISK, lifted
from tongdan.domain.orders.confirmation.evolve import CONFIRMATION
from tongdan.domain.orders.erp_facts import ErpRevised
from tongdan.domain.orders.goods.delivery_evolve import DELIVERY
from tongdan.domain.orders.goods.gift_evolve import GIFTS
from tongdan.domain.orders.goods.limit_evolve import LIMITS
from tongdan.domain.orders.goods.match_evolve import MATCHING
from tongdan.domain.orders.goods.reissue_evolve import REISSUES
from tongdan.domain.orders.goods.withdrawn_evolve import WITHDRAWN
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import (
    BALANCE_HOLD,
    CHANNEL,
    CHANNEL_HOLD,
    DEPOSIT_PAID,
    PAID_HOLD,
    PAYMENT_HOLD,
    RESTORED_HOLD,
    WORRY_DETAIL,
    WORRY_LOST,
    WORRY_PAID_LATE,
    WORRY_PAID_TWICE,
    WORRY_SETTLEMENT,
    WORRY_UNSETTLED,
    Attempt,
    LineState,
    Order,
    Said,
)
from tongdan.domain.orders.money.cod_evolve import CASH
from tongdan.domain.orders.money.money_evolve import money_in, payment_of, with_attempt
from tongdan.domain.orders.money.presale_evolve import PRESALE
from tongdan.domain.orders.money.refund_evolve import REFUNDS
from tongdan.domain.orders.money.settling_evolve import SETTLING
from tongdan.domain.orders.remark_evolve import REMARKS
from tongdan.domain.orders.takeover_evolve import TAKEOVER

AnyFact = Any  # each function below takes the one fact it is listed under


def evolve(order: Order | None, fact: Fact) -> Order:
    """The state after `fact`. Raises KeyError for a fact that is none of an order's."""
    if order is not None and type(fact) in EFFECT_FACTS:
        return order
    return _EVOLVE[type(fact)](order, fact)


# ---- how an order begins

# What `OrderCreated` tells; of an order that resurfaced before, the rest is kept.
_CONTENT: Final = (
    "shop", "native", "own", "buyer", "region", "placed_at", "amount_fen", "freight_fen", "discount_fen", "lines",
    "pay_by",
)  # fmt: skip


def _announced(order: Order | None, fact: f.OrderAnnounced) -> Order:
    if order is not None:
        return replace(order, shop=fact.shop, native=fact.native, detail_by=fact.detail_by)
    return Order(channel=fact.channel, shop=fact.shop, native=fact.native, detail_by=fact.detail_by)


def _resurfaced(_: Order | None, fact: f.OrderResurfaced) -> Order:
    return Order(channel=fact.channel, shop="", native="", worries=(WORRY_LOST,))


def _recovered(order: Order, fact: f.OrderRecovered) -> Order:
    return replace(order, worries=tuple([worry for worry in order.worries if worry not in fact.ends]))


def _created(order: Order | None, fact: f.OrderCreated) -> Order:
    whole = Order(
        channel=fact.channel,
        shop=fact.shop,
        native=fact.native,
        own=True,
        buyer=fact.buyer,
        region=fact.region,
        placed_at=fact.placed_at,
        amount_fen=fact.amount_fen,
        freight_fen=fact.freight_fen,
        discount_fen=fact.discount_fen,
        lines=_waiting(fact.lines),
        pay_by=fact.pay_by,
    )
    if order is None:
        return whole
    told = {name: getattr(whole, name) for name in _CONTENT}
    return replace(order, **told)


def _detailed(order: Order, fact: f.OrderDetailed) -> Order:
    lines, paid = _waiting(fact.lines), order.paid
    if paid is not None and not paid.amount_fen:
        paid = replace(paid, amount_fen=fact.amount_fen)
    if order.cancelled:
        lines = tuple([line.moved(Stage.WAITING, Stage.STOPPED, line.waiting) for line in lines])
    return replace(
        order,
        region=fact.region,
        placed_at=fact.placed_at,
        amount_fen=fact.amount_fen,
        freight_fen=fact.freight_fen,
        discount_fen=fact.discount_fen,
        lines=lines,
        paid=paid,
        address_at=max(order.address_at or fact.said_at, fact.said_at),
        amount_at=max(order.amount_at or fact.said_at, fact.said_at),
        ship_by=fact.ship_by or order.ship_by,
        worries=_without(_without(order.worries, WORRY_DETAIL), WORRY_LOST),
    )


def _waiting(lines: Iterable[Line]) -> tuple[LineState, ...]:
    return tuple([LineState(line=line, waiting=line.units) for line in lines])


def _detail_overdue(order: Order, _: f.DetailOverdue) -> Order:
    return replace(order, worries=_with(order.worries, WORRY_DETAIL))


# ---- what others say


def _channel_reported(order: Order, fact: f.ChannelReported) -> Order:
    if fact.stale or not (fact.native_status or fact.status):
        return order
    said = Said(native=fact.native_status, status=fact.status, said_at=fact.said_at)
    holds = (_with if fact.status == PAID_HOLD else _without)(order.holds, CHANNEL_HOLD)
    if not order.own:
        holds = (_with if fact.status == DEPOSIT_PAID else _without)(holds, BALANCE_HOLD)
    return replace(order, said={**order.said, CHANNEL: said}, holds=holds)


def _system_said(order: Order, fact: f.SystemSaid) -> Order:
    if fact.stale:
        return order
    said = Said(native=fact.native_status, status=fact.status, said_at=fact.said_at)
    return replace(order, said={**order.said, fact.system: said})


# ---- payment


def _payment_requested(order: Order, fact: f.PaymentRequested) -> Order:
    attempt = Attempt(no=fact.attempt, method=fact.method, amount_fen=fact.amount_fen)
    return replace(order, attempts=(*order.attempts, attempt))


def _prepay_issued(order: Order, fact: f.PrepayIssued) -> Order:
    return with_attempt(order, fact.attempt, AttemptStage.OPEN, prepay=fact.prepay)


def _payment_failed(order: Order, fact: f.PaymentFailed) -> Order:
    return with_attempt(order, fact.attempt, AttemptStage.FAILED)


def _paid(order: Order, fact: f.OrderPaid) -> Order:
    if order.own and fact.attempt and all(fact.transaction != each.transaction for each in order.payments):
        order = money_in(order, fact)
    worries = tuple([worry for worry in order.worries if worry not in fact.ends])
    ship_by = order.ship_by or fact.ship_by
    return replace(order, paid=payment_of(fact), questioned=None, ship_by=ship_by, worries=worries)


def _payment_awaited(order: Order, fact: f.PaymentAwaited) -> Order:
    return replace(order, pay_by=fact.pay_by)


def _paid_twice(order: Order, fact: f.PaymentDuplicated) -> Order:
    return _surplus(order, fact, WORRY_PAID_TWICE)


def _surplus(order: Order, fact: AnyFact, worry: str) -> Order:
    order = money_in(order, fact)
    return replace(order, owed_fen=order.owed_fen + fact.amount_fen, worries=_with(order.worries, worry))


def _paid_wrongly(order: Order, fact: f.PaymentMismatched) -> Order:
    order = money_in(order, fact)
    return replace(order, holds=_with(order.holds, PAYMENT_HOLD), questioned=payment_of(fact))


def _paid_too_late(order: Order, fact: f.PaidAfterCancel) -> Order:
    if order.own:
        return _surplus(order, fact, WORRY_PAID_LATE)
    return replace(order, paid=payment_of(fact))


# ---- how it ends


def _settled(order: Order, fact: f.OrderSettled) -> Order:
    worries = _without(_without(order.worries, WORRY_SETTLEMENT), WORRY_UNSETTLED)
    return replace(order, settled_at=fact.settled_at, settlement=fact.reference, worries=worries)


def _settlement_mismatched(order: Order, _: f.SettlementMismatched) -> Order:
    return replace(order, worries=_with(order.worries, WORRY_SETTLEMENT))


def _erp_revised(order: Order, fact: ErpRevised) -> Order:
    return replace(order, erp_revision=fact.revision)


def _completed(order: Order, fact: f.OrderCompleted) -> Order:
    closing = CLOSING.step(order.closing, Closing.COMPLETED)
    return replace(order, closing=closing, completed_at=fact.completed_at)


def _cancelled(order: Order, fact: f.OrderCancelled) -> Order:
    lines = [
        line.moved(Stage.WAITING, Stage.STOPPED, line.waiting)
        .moved(Stage.RESERVED, Stage.STOPPED, line.reserved)
        for line in order.lines
    ]  # fmt: skip
    return replace(
        order,
        closing=CLOSING.step(order.closing, Closing.CANCELLED),
        cancelled_at=fact.cancelled_at,
        cancelled_by=fact.by,
        owed_fen=order.owed_fen + fact.refund_due_fen,
        lines=tuple(lines),
        worries=tuple([worry for worry in order.worries if worry not in fact.ends]),
    )


# ---- what may change before release


def _address_changed(order: Order, fact: f.AddressChanged) -> Order:
    return replace(order, region=fact.region, address_at=fact.changed_at)


def _address_too_late(order: Order, fact: f.AddressChangeTooLate) -> Order:
    return replace(order, address_at=fact.changed_at)


def _amount_changed(order: Order, fact: f.AmountChanged) -> Order:
    return replace(order, amount_fen=fact.amount_fen, amount_at=fact.changed_at)


def _hold_placed(order: Order, fact: f.HoldPlaced) -> Order:
    return replace(order, holds=_with(order.holds, fact.hold))


def _held_after_restore(order: Order, _: f.HeldAfterRestore) -> Order:
    return replace(order, holds=_with(order.holds, RESTORED_HOLD))


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple([each for each in names if each != name])


def _erased(order: Order, fact: f.PersonErased) -> Order:
    return replace(order, erased_at=fact.erased_at)


_EVOLVE: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.OrderAnnounced: _announced,
    f.OrderResurfaced: _resurfaced,
    f.OrderRecovered: _recovered,
    f.OrderCreated: _created,
    f.OrderDetailed: _detailed,
    f.DetailOverdue: _detail_overdue,
    f.ChannelReported: _channel_reported,
    f.SystemSaid: _system_said,
    f.PaymentRequested: _payment_requested,
    f.PrepayIssued: _prepay_issued,
    f.PaymentFailed: _payment_failed,
    f.OrderPaid: _paid,
    f.PaymentAwaited: _payment_awaited,
    f.PaymentDuplicated: _paid_twice,
    f.PaymentMismatched: _paid_wrongly,
    f.PaidAfterCancel: _paid_too_late,
    **REFUNDS,
    **CONFIRMATION,
    **DELIVERY,
    **AFTER_SALES,
    **MATCHING,
    **TAKEOVER,
    **RISK,
    **CASH,
    **PRESALE,
    **REISSUES,
    **REMARKS,
    **WITHDRAWN,
    **SETTLING,
    **GIFTS,
    **LIMITS,
    f.OrderSettled: _settled,
    f.SettlementMismatched: _settlement_mismatched,
    f.OrderCompleted: _completed,
    ErpRevised: _erp_revised,
    f.OrderCancelled: _cancelled,
    f.AddressChanged: _address_changed,
    f.AddressChangeTooLate: _address_too_late,
    f.AmountChanged: _amount_changed,
    f.PersonErased: _erased,
    f.HoldPlaced: _hold_placed,
    f.HeldAfterRestore: _held_after_restore,
    f.HoldLifted: lifted,
}
