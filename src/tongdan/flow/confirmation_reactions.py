"""What follows when a refund is withdrawn: stock for goods that are wanted again, and what a person has to see."""

from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.orders.confirmation import facts as confirmation
from tongdan.domain.orders.goods import withdrawn_facts as withdrawn
from tongdan.domain.orders.model import refund_worry
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import ResolveTicket
from tongdan.flow.reactions import asked_again
from tongdan.flow.routing import Commands, Recorded
from tongdan.flow.ticket_reactions import ticket


def reserve_again(fact: withdrawn.UnitsWantedAgain, at: Recorded) -> Commands:
    return asked_again(at.aggregate, fact.again, fact.units, fact.region, None)


def refund_unconfirmed(fact: confirmation.RefundProposed, at: Recorded) -> Commands:
    return _ticket(at, kinds.REFUND_UNCONFIRMED, fact.refund, f"{fact.amount_fen} fen: {fact.reason}")


def no_longer_waits(
    fact: confirmation.RefundConfirmed | confirmation.RefundWithdrawn, at: Recorded
) -> Commands:
    kind = refund_worry(kinds.REFUND_UNCONFIRMED, fact.refund)
    yield ResolveTicket(subject=at.aggregate, kind=kind, evidence=type(fact).__name__)


def refund_withdrawn(fact: confirmation.RefundWithdrawn, at: Recorded) -> Commands:
    if fact.still_owed_fen:
        yield from _ticket(
            at, kinds.REFUND_WITHDRAWN, fact.refund, f"{fact.still_owed_fen} fen: {fact.reason}"
        )


def recovery_open(fact: confirmation.RecoveryOpened, at: Recorded) -> Commands:
    return _ticket(at, kinds.RECOVERY_OPEN, fact.refund, f"{fact.amount_fen} fen")


def refund_disputed(fact: confirmation.RefundDisputed, at: Recorded) -> Commands:
    summary = f"{fact.reference} {fact.amount_fen} fen, {fact.by}: {fact.reason}"
    return ticket(at, f"{kinds.REFUND_DISPUTED}:{fact.reference}", summary)


def goods_kept(fact: withdrawn.UnitsWantedAgain, at: Recorded) -> Commands:
    if fact.kept:
        yield from ticket(
            at, kinds.GOODS_KEPT, ", ".join(f"#{each.line} ×{each.units}" for each in fact.kept)
        )


def _ticket(at: Recorded, kind: str, no: int, said: str) -> Commands:
    return ticket(at, refund_worry(kind, no), f"{refund_id(at.aggregate, no)} {said}")
