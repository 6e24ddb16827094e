"""Repair tickets: what needs a person's eyes, one open ticket a subject and kind.

Raising it again counts; what heals the cause resolves it with its evidence; afterwards it may be raised anew.
"""

from msgspec.structs import replace

from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.sync import dispute
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.domain.sync.facts import TicketRaised, TicketResolved
from tongdan.domain.sync.ticket import Ticket, past_of


def raise_ticket(ticket: Ticket | None, command: RaiseTicket, ctx: Context) -> Decision | Refusal:
    again = ticket if ticket is not None and ticket.open else None
    raised = TicketRaised(
        subject=command.subject,
        kind=command.kind,
        summary=command.summary,
        times=1 if again is None else again.times + 1,
        raised_at=ctx.now if again is None else again.raised_at,
    )
    return Decision((raised,))


def resolve_ticket(ticket: Ticket | None, command: ResolveTicket, ctx: Context) -> Decision | Refusal:
    if ticket is None or not ticket.open:
        return NOTHING
    resolved = TicketResolved(
        subject=command.subject, kind=command.kind, evidence=command.evidence, closed_at=ctx.now
    )
    return Decision((resolved,))


def evolve(ticket: Ticket | None, fact: Fact) -> Ticket:
    """The state after `fact`. Raises KeyError for a fact that is none of a ticket's."""
    if type(fact) is TicketRaised:
        return Ticket(
            subject=fact.subject,
            kind=fact.kind,
            summary=fact.summary,
            times=fact.times,
            raised_at=fact.raised_at,
            past=past_of(ticket),
        )
    if type(fact) in dispute.FACTS:
        return dispute.fold(ticket, fact)
    assert ticket is not None
    if type(fact) is TicketResolved:
        return replace(ticket, open=False, evidence=fact.evidence, by=fact.by, closed_at=fact.closed_at)
    if type(fact) in EFFECT_FACTS:
        return ticket
    raise KeyError(type(fact).__name__)
