"""What needs a person's eyes becomes a ticket, and what has healed closes it again."""

from collections.abc import Iterator

from tongdan.domain.catalog import facts as catalog
from tongdan.domain.fulfillment import facts as stock
from tongdan.domain.fulfillment import intercept_facts as intercept
from tongdan.domain.fulfillment import waybill_facts as waybill
from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.kernel.keys import RECEIPT, alias_key
from tongdan.domain.kernel.messages import Command, EffectDied, EffectReplayed, EffectSkipped
from tongdan.domain.notices import facts as notice
from tongdan.domain.orders import facts as told
from tongdan.domain.orders.confirmation import facts as confirmation
from tongdan.domain.orders.goods import withdrawn_facts as withdrawn
from tongdan.domain.orders.model import RESTORED_HOLD, refund_worry
from tongdan.domain.orders.money import cod_facts as cash
from tongdan.domain.orders.money import refund_facts as refund
from tongdan.domain.orders.money import settling_facts as unpaid_out
from tongdan.domain.orders.takeover_facts import LinesLeftElsewhere
from tongdan.domain.sync import facts as sync
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.domain.sync.pulse_facts import PulseCaughtUp, PulseLags
from tongdan.flow.routing import Commands, Recorded


def ticket(at: Recorded, kind: str, summary: str, subject: str = "") -> Iterator[Command]:
    yield RaiseTicket(subject=subject or at.aggregate, kind=kind, summary=summary)


def order_lost(fact: told.OrderResurfaced, at: Recorded) -> Commands:
    return ticket(at, kinds.ORDER_LOST, fact.channel)


def held_after_restore(fact: told.HeldAfterRestore, at: Recorded) -> Commands:
    return ticket(at, kinds.HELD_AFTER_RESTORE, at.shop)


def lifted_after_restore(fact: told.HoldLifted, at: Recorded) -> Commands:
    if fact.hold == RESTORED_HOLD:
        yield ResolveTicket(subject=at.aggregate, kind=kinds.HELD_AFTER_RESTORE, evidence=type(fact).__name__)


def pulse_lags(fact: PulseLags, at: Recorded) -> Commands:
    return ticket(at, kinds.PULSE_LAGS, f"{fact.partner} {fact.lag_s} s")


def detail_overdue(fact: told.DetailOverdue, at: Recorded) -> Commands:
    return ticket(at, kinds.DETAIL_OVERDUE, at.shop)


def payment_duplicated(fact: told.PaymentDuplicated, at: Recorded) -> Commands:
    return ticket(at, kinds.PAYMENT_DUPLICATED, f"{fact.transaction} {fact.amount_fen} fen")


def payment_mismatched(fact: told.PaymentMismatched, at: Recorded) -> Commands:
    summary = f"{fact.transaction} {fact.amount_fen} ≠ {fact.expected_fen} fen"
    return ticket(at, kinds.PAYMENT_MISMATCHED, summary)


def paid_after_cancel(fact: told.PaidAfterCancel, at: Recorded) -> Commands:
    return ticket(at, kinds.PAID_AFTER_CANCEL, f"{fact.transaction} {fact.amount_fen} fen")


def refund_abnormal(fact: refund.RefundAbnormal, at: Recorded) -> Commands:
    return _refund_ticket(at, kinds.REFUND_ABNORMAL, fact.refund, f"{fact.amount_fen} fen")


def refund_failed(fact: refund.RefundFailed, at: Recorded) -> Commands:
    return _refund_ticket(at, kinds.REFUND_FAILED, fact.refund, f"{fact.amount_fen} fen, {fact.reason}")


def refund_overdue(fact: refund.RefundAsked, at: Recorded) -> Commands:
    if fact.check_at is None:
        yield from _refund_ticket(at, kinds.REFUND_OVERDUE, fact.refund, f"×{fact.times}")


def refund_contradicted(fact: refund.RefundContradicted, at: Recorded) -> Commands:
    said = f"{fact.stage}, {fact.amount_fen} fen, P{fact.attempt} {fact.transaction}"
    return _refund_ticket(at, kinds.REFUND_CONTRADICTED, fact.refund, said)


def _refund_ticket(at: Recorded, kind: str, no: int, said: str) -> Commands:
    return ticket(at, refund_worry(kind, no), f"{refund_id(at.aggregate, no)} {said}")


def line_short(fact: told.LineShort, at: Recorded) -> Commands:
    if fact.sold:
        yield from ticket(at, kinds.LINE_SHORT, f"#{fact.line} {fact.units} > {fact.available}")


def lines_stopped(fact: told.LinesStopped, at: Recorded) -> Commands:
    if fact.wanted:
        yield from ticket(at, kinds.LINES_STOPPED, f"{fact.shipment} {fact.reason}")


def left_after_cancel(fact: told.LinesShipped, at: Recorded) -> Commands:
    if not fact.wanted:
        yield from ticket(at, kinds.LEFT_AFTER_CANCEL, f"{fact.shipment} {fact.carrier} {fact.waybill}")


def unknown_track(fact: stock.ParcelTracked, at: Recorded) -> Commands:
    if not fact.status:
        yield from ticket(at, kinds.UNKNOWN_TRACK, f"{fact.carrier} {fact.waybill} {fact.code}")


def parcel_silent(fact: stock.ParcelsSilent, at: Recorded) -> Commands:
    return ticket(at, kinds.PARCEL_SILENT, ", ".join(fact.waybills))


def claim_overdue(fact: sync.ClaimOverdue, at: Recorded) -> Commands:
    """A receipt that nobody claims is of a message whose answer was lost: its notice went on without it."""
    if not at.aggregate.startswith(alias_key(RECEIPT)):
        yield from ticket(at, kinds.CLAIM_OVERDUE, f"×{fact.letters}")


def alias_contested(fact: sync.AliasContested, at: Recorded) -> Commands:
    return ticket(at, kinds.ALIAS_CONTESTED, f"{fact.alias} → {fact.holder}", subject=fact.order)


def settlement_mismatched(fact: told.SettlementMismatched, at: Recorded) -> Commands:
    summary = f"{fact.reference} {fact.amount_fen} ≠ {fact.expected_fen} fen"
    return ticket(at, kinds.SETTLEMENT_MISMATCHED, summary)


def channel_said_oddly(fact: told.ChannelReported, at: Recorded) -> Commands:
    if fact.native_status and not fact.status:
        yield from ticket(at, kinds.UNKNOWN_STATUS, f"{fact.event} {fact.native_status}")
    if fact.contradicts:
        yield from ticket(at, kinds.CHANNEL_CONTRADICTS, f"{fact.event} {fact.native_status} {fact.status}")


def address_too_late(fact: told.AddressChangeTooLate, at: Recorded) -> Commands:
    return ticket(at, kinds.ADDRESS_TOO_LATE, fact.region)


def recall_failed(fact: stock.RecallFailed, at: Recorded) -> Commands:
    return ticket(at, kinds.RECALL_FAILED, fact.reason)


def interception_refused(fact: intercept.InterceptionRefused, at: Recorded) -> Commands:
    summary = f"{fact.waybill} {fact.reason}"
    return ticket(at, f"{kinds.INTERCEPTION_REFUSED}:{fact.dispatch}", summary)


def settlement_overdue(fact: unpaid_out.SettlementOverdue, at: Recorded) -> Commands:
    return ticket(at, kinds.SETTLEMENT_OVERDUE, f"{fact.expected_fen} fen")


def cash_overdue(fact: cash.CashOverdue, at: Recorded) -> Commands:
    return ticket(at, kinds.CASH_OVERDUE, f"{fact.amount_fen} fen")


def parcel_returned(fact: told.LinesReturned, at: Recorded) -> Commands:
    if fact.wanted:
        yield from ticket(at, kinds.PARCEL_RETURNED, fact.dispatch)


def waybill_refused(fact: waybill.WaybillRefused, at: Recorded) -> Commands:
    return ticket(at, kinds.WAYBILL_REFUSED, f"{fact.carrier} {fact.key} {fact.reason}")


def waybill_not_cancelled(fact: waybill.WaybillNotCancelled, at: Recorded) -> Commands:
    return ticket(at, kinds.WAYBILL_NOT_CANCELLED, f"{fact.carrier} {fact.waybill or fact.key} {fact.reason}")


def shipment_surplus(fact: stock.ShipmentSurplus, at: Recorded) -> Commands:
    return ticket(at, kinds.SHIPMENT_SURPLUS, ", ".join(f"{item.sku} ×{item.units}" for item in fact.items))


def shipment_overdue(fact: told.ShipmentOverdue, at: Recorded) -> Commands:
    return ticket(at, kinds.SHIPMENT_OVERDUE, fact.ship_by.isoformat())


def dead_letter(fact: EffectDied, at: Recorded) -> Commands:
    return ticket(at, f"{kinds.DEAD_LETTER}:{fact.effect}", f"{fact.verb} → {fact.partner}: {fact.error}")


def dead_letter_tended(fact: EffectSkipped | EffectReplayed, at: Recorded) -> Commands:
    yield ResolveTicket(
        subject=at.aggregate, kind=f"{kinds.DEAD_LETTER}:{fact.effect}", evidence=type(fact).__name__
    )


Healing = (
    told.OrderDetailed
    | told.OrderRecovered
    | told.LineReserved
    | told.LinesShipped
    | told.LinesStopped
    | told.LinesRepacked
    | told.OrderSettled
    | told.OrderCancelled
    | withdrawn.UnitsWithdrawn
    | withdrawn.UnitsWantedAgain
    | LinesLeftElsewhere
    | refund.RefundSucceeded
    | confirmation.RecoveryRepaid
    | confirmation.RecoveryWrittenOff
    | stock.ParcelTracked
    | stock.ShipmentSigned
    | intercept.ParcelReturned
    | told.LinesReturned
    | told.OrderPaid
    | sync.AliasClaimed
    | catalog.OfferMatched
    | notice.NoticeDelivered
    | notice.NoticeWithheld
    | waybill.WaybillAsked
    | waybill.WaybillGot
    | waybill.WaybillDropped
    | PulseCaughtUp
)


def healed(fact: Healing, at: Recorded) -> Commands:
    for worry in fact.ends:
        yield ResolveTicket(subject=at.aggregate, kind=worry, evidence=type(fact).__name__)
