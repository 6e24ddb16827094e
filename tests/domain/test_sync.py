"""Aliases lead to one order; a ticket is open once for each subject and kind."""

from tests.domain.centre import Centre, after, line

from tongdan.domain.kernel.messages import EffectDied, EffectReplayed, EffectSkipped
from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.sync.commands import ClaimAlias, RaiseTicket, ResolveTicket
from tongdan.flow.routing import Recorded
from tongdan.flow.ticket_reactions import dead_letter, dead_letter_tended

A, B = "MP20260127000061", "MP20260127000317"


def test_the_first_claim_stands(centre: Centre) -> None:
    assert centre.told(ClaimAlias(alias="client-order/mp-1/C", order=A)) == ["AliasClaimed"]
    assert centre.told(ClaimAlias(alias="client-order/mp-1/C", order=A)) == []
    assert centre.told(ClaimAlias(alias="client-order/mp-1/C", order=B)) == ["AliasContested"]
    assert centre.told(ClaimAlias(alias="client-order/mp-1/C", order=B)) == []
    assert centre.states["alias/client-order/mp-1/C"].order == A
    assert centre.tickets() == {(B, "alias-contested")}


def test_a_ticket_is_open_once_and_counts(centre: Centre) -> None:
    raised = RaiseTicket(subject=A, kind="recall-failed", summary="packed")
    centre.told(raised)
    centre.now = after(60)
    centre.told(raised)
    ticket = centre.states[f"ticket/{A}/recall-failed"]
    assert (ticket.times, ticket.open, ticket.raised_at) == (2, True, after(0))
    resolved = ResolveTicket(subject=A, kind="recall-failed", evidence="caught")
    assert centre.told(resolved) == ["TicketResolved"]
    assert centre.told(resolved) == []
    assert centre.tickets() == set()
    centre.told(raised)
    ticket = centre.states[f"ticket/{A}/recall-failed"]
    assert (ticket.times, ticket.open, ticket.raised_at) == (1, True, after(60))


def test_resolving_what_was_never_raised_is_no_error(centre: Centre) -> None:
    assert centre.told(ResolveTicket(subject=A, kind="line-short", evidence="e")) == []
    assert centre.states == {}


def test_tickets_of_one_order_are_told_apart_by_kind(centre: Centre) -> None:
    order = centre.stocked(SHIRT=1).placed(line())
    for transaction in ("T1", "T2"):
        centre.told(
            RecordPayment(order=order, attempt=1, transaction=transaction, amount_fen=9_900, paid_at=after(9))
        )
    centre.told(RaiseTicket(subject=order, kind="other", summary=""))
    assert centre.tickets() == {(order, "payment-duplicated"), (order, "other")}


def test_a_dead_letter_is_a_ticket_of_its_own_until_it_is_tended(centre: Centre) -> None:
    """Two dead letters of one order are two tickets: tending one does not hide the other."""

    def react(fact: EffectDied | EffectSkipped | EffectReplayed) -> None:
        recorded = Recorded(A, 61, 1, 1, "mp-1", True, after(0), fact)
        to = (
            dead_letter(fact, recorded)
            if isinstance(fact, EffectDied)
            else dead_letter_tended(fact, recorded)
        )
        for command in to:
            centre.told(command)

    for effect in ("61.1.7.0", "61.1.7.1"):
        react(EffectDied(effect=effect, verb="PushToWms", partner="wms/EAST", error="no such warehouse"))
    assert centre.tickets() == {(A, "dead-letter:61.1.7.0"), (A, "dead-letter:61.1.7.1")}
    react(EffectReplayed(effect="61.1.7.0", reason="fixed"))
    assert centre.tickets() == {(A, "dead-letter:61.1.7.1")}
    react(EffectSkipped(effect="61.1.7.1", reason="told by phone"))
    assert centre.tickets() == set()
