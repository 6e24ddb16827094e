"""What buyers are told of, what their providers' receipts lead to, and what of it needs a person's eyes."""

from tongdan.domain.kernel.keys import receipt_alias
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.notices import ASKABLE
from tongdan.domain.notices import facts as notice
from tongdan.domain.notices.commands import PlanNotice
from tongdan.domain.orders import facts as told
from tongdan.domain.orders.money import refund_facts as refund
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import ClaimAlias
from tongdan.flow.routing import Commands, Recorded
from tongdan.flow.ticket_reactions import ticket

THE_ORDER = "order"  # what a notice is about that is about no part of it


def tell_shipped(fact: told.LinesShipped, at: Recorded) -> Commands:
    if fact.wanted:
        yield PlanNotice(
            order=at.aggregate,
            shop=at.shop,
            kind="shipped",
            about=fact.dispatch,
            happened_at=fact.shipped_at,
            carrier=fact.carrier,
            waybill=fact.waybill,
        )


def tell_signed(fact: told.LinesSigned, at: Recorded) -> Commands:
    for dispatch in fact.dispatches:
        yield PlanNotice(
            order=at.aggregate, shop=at.shop, kind="signed", about=dispatch, happened_at=fact.signed_at
        )


def tell_delayed(fact: told.ShipmentOverdue, at: Recorded) -> Commands:
    yield _about_order("delayed", at)


def tell_cancelled(fact: told.OrderCancelled, at: Recorded) -> Commands:
    yield _about_order("cancelled", at)


def _about_order(kind: str, at: Recorded) -> Command:
    return PlanNotice(
        order=at.aggregate, shop=at.shop, kind=kind, about=THE_ORDER, happened_at=at.happened_at
    )


def tell_refunded(fact: refund.RefundSucceeded, at: Recorded) -> Commands:
    yield PlanNotice(
        order=at.aggregate,
        shop=at.shop,
        kind="refunded",
        about=f"R{fact.refund}",
        happened_at=fact.succeeded_at,
        amount_fen=fact.amount_fen,
    )


def claim_reference(fact: notice.NoticeSent, at: Recorded) -> Commands:
    """Where receipts carry our own name of the sending, its number need not be found."""
    if fact.means not in ASKABLE and fact.reference:
        alias = receipt_alias(fact.means, fact.reference)
        yield ClaimAlias(alias=alias, order=f"{at.aggregate}/{fact.no}")


def notice_missed(fact: notice.NoticeMissed, at: Recorded) -> Commands:
    if fact.last:
        yield from ticket(at, kinds.NOTICE_MISSED, f"{fact.means} {fact.reason}")
