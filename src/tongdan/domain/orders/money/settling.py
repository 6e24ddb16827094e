"""The price arrives: finance says that an order is settled, a bill shows that it was paid out, or neither in time.

Both may speak of one settlement. What a bill has shown first is no second one when finance tells the same sum.
"""

from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.orders.commands import RecordSettlement
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import OrderSettled, SettlementMismatched
from tongdan.domain.orders.model import WORRY_SETTLEMENT, WORRY_UNSETTLED, Order
from tongdan.domain.orders.money.due import unsettled_fen
from tongdan.domain.orders.money.payments import collect
from tongdan.domain.orders.money.settling_facts import SettlementBooked, SettlementOverdue

BILL: Final = "bill/"  # how references of what a bill has shown begin


def told_by_bill(reference: str) -> bool:
    return reference.startswith(BILL)


def record_settlement(order: Order, command: RecordSettlement, ctx: Context) -> Decision | Refusal:
    if order.settled_at is not None and order.settlement == command.reference:
        return NOTHING
    if order.cod and order.paid is None and command.amount_fen == order.amount_fen and not order.cancelled:
        return _settle_cash(order, command, ctx)
    expected_fen = unsettled_fen(order)
    if _known_otherwise(order, command):
        return NOTHING if told_by_bill(command.reference) else Decision((_booked(command),))
    if expected_fen is not None and expected_fen != command.amount_fen:
        fact = SettlementMismatched(
            amount_fen=command.amount_fen, expected_fen=expected_fen, reference=command.reference
        )
        return Decision((fact,))
    return Decision((_settled(order, command),))


def _known_otherwise(order: Order, command: RecordSettlement) -> bool:
    """A bill and finance each tell of the one settlement, with the same sum."""
    if order.settled_at is None or told_by_bill(order.settlement) == told_by_bill(command.reference):
        return False
    return unsettled_fen(replace(order, settled_at=None)) == command.amount_fen


def _booked(command: RecordSettlement) -> SettlementBooked:
    return SettlementBooked(reference=command.reference, settled_at=command.settled_at)


def _settle_cash(order: Order, command: RecordSettlement, ctx: Context) -> Decision:
    """What was collected at the door has come, by way of the carrier: that is its payment."""
    draft = Draft(order)
    collect(draft, ctx, 0, command.reference, command.amount_fen, command.settled_at)
    draft.tell(_settled(draft.order, command))
    return draft.decision()


def _settled(order: Order, command: RecordSettlement) -> OrderSettled:
    worries = (WORRY_SETTLEMENT, WORRY_UNSETTLED)
    return OrderSettled(
        amount_fen=command.amount_fen,
        reference=command.reference,
        settled_at=command.settled_at,
        ends=tuple([worry for worry in worries if worry in order.worries]),
    )


def tell_overdue(draft: Draft) -> None:
    order = draft.order
    assert order.settle_by is not None
    draft.tell(SettlementOverdue(expected_fen=unsettled_fen(order) or 0, settle_by=order.settle_by))
