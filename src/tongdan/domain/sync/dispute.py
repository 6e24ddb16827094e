"""Disputes: one ticket an order and field on which systems disagree, with what each side says.

Where the system of record tells which side is right, the repair is certain: its news are read, or the other side is
told again. A repair is tried within a budget and believed only when a later heartbeat finds that both sides agree;
everything else waits for a person, who chooses one of the same repairs or leaves it as it is.
"""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Fact, Refusal, RefusalKind
from tongdan.domain.kernel.pulse import OURS, PulsePolicy, Terms, head
from tongdan.domain.sync.dispute_facts import (
    ChooseRepair,
    DifferenceFound,
    NoteAgreement,
    NoteDifference,
    RepairChosen,
    RepairGivenUp,
    RepairTried,
    SideAgrees,
)
from tongdan.domain.sync.facts import TicketResolved
from tongdan.domain.sync.ticket import Dispute, Side, Ticket, past_of

KIND: Final = "differs-"  # and the field
READ: Final = "read"  # what the partner says is taken over
TELL: Final = "tell"  # the partner is told again
PERSON: Final = "person"
LEAVE: Final = "leave"
CHOICES: Final = (READ, TELL, LEAVE)
BY_ITSELF: Final = "itself"  # it was mended without a person
BY_PERSON: Final = "person"
BY_TIME: Final = "time"  # both came to agree before anything was tried

UNKNOWN_CHOICE: Final = RefusalKind(
    "repair-unknown",
    422,
    en="Expected a repair: read (take over theirs), tell (tell ours again) or leave; got {choice}.",
    zh="应为处理方式 read(采用对方)、tell(重新告知对方)或 leave(保持现状),收到 {choice}。",
)
REASON_NEEDED: Final = RefusalKind(
    "reason-needed",
    422,
    en="To leave a difference as it is needs a reason: say in a sentence why both may stand.",
    zh="保持现状需填写原因：请说明为何可以保留该差异。",
)
NOT_DISPUTED: Final = RefusalKind(
    "nothing-disputed",
    409,
    en="Nothing is disputed here any more: the ticket is closed, or is not about a difference.",
    zh="此工单已关闭,或并非差异工单,无需选择处理方式。",
)


# ---- deciding


def note_difference(ticket: Ticket | None, command: NoteDifference, ctx: Context) -> Decision | Refusal:
    facts: list[Fact] = []
    side = _side(ticket, command.partner)
    if side is None or (side.ours, side.theirs) != (command.ours, command.theirs):
        facts.append(_found(ticket, command, ctx))
        ticket = fold(ticket, facts[0])
        side = _side(ticket, command.partner)
    assert ticket is not None and side is not None
    if trying := _try(side, command.field, ctx):
        facts.append(trying)
    return Decision(tuple(facts)) if facts else NOTHING


def note_agreement(ticket: Ticket | None, command: NoteAgreement, ctx: Context) -> Decision | Refusal:
    if ticket is None or ticket.dispute is None or command.partner not in ticket.dispute.sides:
        return NOTHING
    agrees = SideAgrees(partner=command.partner, seen_at=command.seen_at)
    after = fold(ticket, agrees)
    assert after.dispute is not None
    if not ticket.open or any(not side.left for side in after.dispute.sides.values()):
        return Decision((agrees,))
    evidence = f"{command.partner} {command.seen_at:%Y-%m-%dT%H:%M:%SZ}"
    return Decision((agrees, _resolved(ticket, evidence, _mended_by(ticket.dispute), ctx)))


def choose_repair(ticket: Ticket | None, command: ChooseRepair, ctx: Context) -> Decision | Refusal:
    if command.choice not in CHOICES:
        return UNKNOWN_CHOICE.of(choice=command.choice[:32])
    if command.choice == LEAVE and not command.reason.strip():
        return REASON_NEEDED.of()
    if ticket is None or not ticket.open or ticket.dispute is None:
        return NOT_DISPUTED.of()
    partners = [command.partner] if command.partner else list(ticket.dispute.sides)
    if not all(partner in ticket.dispute.sides for partner in partners):
        return NOT_DISPUTED.of()
    facts: list[Fact] = []
    for partner in partners:
        facts.append(RepairChosen(partner=partner, choice=command.choice, reason=command.reason))
        ticket = fold(ticket, facts[-1])
        assert ticket.dispute is not None
        if command.choice == TELL and (
            trying := _try(ticket.dispute.sides[partner], ticket.dispute.field, ctx)
        ):
            facts.append(trying)
            ticket = fold(ticket, trying)
    dispute = ticket.dispute
    if dispute is not None and all(side.left for side in dispute.sides.values()):
        facts.append(_resolved(ticket, command.reason, BY_PERSON, ctx))
    return Decision(tuple(facts))


def _side(ticket: Ticket | None, partner: str) -> Side | None:
    """What is known to differ; of a closed ticket only what a person left as it is."""
    if ticket is None or ticket.dispute is None:
        return None
    side = ticket.dispute.sides.get(partner)
    return side if side is not None and (ticket.open or side.left) else None


def _found(ticket: Ticket | None, command: NoteDifference, ctx: Context) -> DifferenceFound:
    pulse = ctx.policy.pulse
    goes_on = ticket if ticket is not None and ticket.open and ticket.dispute is not None else None
    terms = pulse.terms_of(command.partner) or Terms()
    record = _record(pulse, command)
    return DifferenceFound(
        subject=command.order,
        kind=KIND + command.field,
        field=command.field,
        partner=command.partner,
        ours=command.ours,
        theirs=command.theirs,
        status=command.status,
        impossible=command.impossible,
        record=record,
        repair=_repair(command, record),
        owner=terms.owner,
        raised_at=ctx.now if goes_on is None else goes_on.raised_at,
        repair_by=ctx.now + timedelta(seconds=pulse.repair_within_s)
        if goes_on is None or goes_on.dispute is None
        else goes_on.dispute.repair_by,
        found_at=ctx.now,
    )


def _record(pulse: PulsePolicy, command: NoteDifference) -> str:
    """An own shop's order has no platform beside us: there our own word counts."""
    record = pulse.record_of(command.field, command.status)
    return OURS if command.own and record == "channel" else record


def _repair(command: NoteDifference, record: str) -> str:
    """Certain is only what the system of record says, and what can be carried out."""
    if head(command.partner) == record:
        return READ if command.taught else PERSON
    return TELL if command.retold else PERSON


def _try(side: Side, field: str, ctx: Context) -> RepairTried | RepairGivenUp | None:
    if side.repair == PERSON or side.left or side.given_up:
        return None
    pulse = ctx.policy.pulse
    if side.again_at is not None and ctx.now < side.again_at:
        return None
    if side.tried >= pulse.tries:
        terms = pulse.terms_of(side.partner) or Terms()
        return RepairGivenUp(partner=side.partner, owner=terms.owner)
    again_at = ctx.now + timedelta(seconds=pulse.try_again_s * 2**side.tried)
    return RepairTried(
        partner=side.partner, field=field, repair=side.repair, no=side.tried + 1, again_at=again_at
    )


def _resolved(ticket: Ticket, evidence: str, by: str, ctx: Context) -> TicketResolved:
    return TicketResolved(
        subject=ticket.subject, kind=ticket.kind, evidence=evidence, by=by, closed_at=ctx.now
    )


def _mended_by(dispute: Dispute) -> str:
    if dispute.by_person:
        return BY_PERSON
    return BY_ITSELF if dispute.tried else BY_TIME


# ---- folding


def fold(ticket: Ticket | None, fact: Fact) -> Ticket:
    """The state after a fact of a dispute. Raises KeyError for any other."""
    if type(fact) is DifferenceFound:
        return _on_found(ticket, fact)
    assert ticket is not None and ticket.dispute is not None
    dispute = ticket.dispute
    if type(fact) is SideAgrees:
        sides = {name: side for name, side in dispute.sides.items() if name != fact.partner}
        return replace(ticket, dispute=replace(dispute, sides=sides))
    if type(fact) is RepairTried:
        side = replace(dispute.sides[fact.partner], repair=fact.repair, tried=fact.no, again_at=fact.again_at)
        return replace(ticket, dispute=replace(_with(dispute, side), tried=True))
    if type(fact) is RepairGivenUp:
        side = replace(dispute.sides[fact.partner], given_up=True)
        return replace(ticket, dispute=_with(dispute, side))
    if type(fact) is RepairChosen:
        side = dispute.sides[fact.partner]
        if fact.choice == LEAVE:
            side = replace(side, left=True)
        else:
            side = replace(side, repair=fact.choice, tried=0, again_at=None, given_up=False, left=False)
        return replace(ticket, dispute=replace(_with(dispute, side), by_person=True))
    raise KeyError(type(fact).__name__)


def _with(dispute: Dispute, side: Side) -> Dispute:
    return replace(dispute, sides={**dispute.sides, side.partner: side})


def _on_found(ticket: Ticket | None, fact: DifferenceFound) -> Ticket:
    """A closed ticket is opened anew, and remembers only what a person left as it is."""
    goes_on = ticket is not None and ticket.open
    before = ticket.dispute if ticket is not None else None
    sides = {} if before is None else before.sides
    if not goes_on:
        sides = {name: side for name, side in sides.items() if side.left}
    side = Side(
        partner=fact.partner,
        ours=fact.ours,
        theirs=fact.theirs,
        repair=fact.repair,
        record=fact.record,
        impossible=fact.impossible,
        found_at=fact.found_at,
    )
    dispute = (
        replace(before, sides=sides)
        if before is not None and goes_on
        else Dispute(field=fact.field, owner=fact.owner, repair_by=fact.repair_by, sides=sides)
    )
    return Ticket(
        subject=fact.subject,
        kind=fact.kind,
        summary=f"{fact.partner}: {fact.theirs} ≠ {fact.ours}",
        times=ticket.times if ticket is not None and goes_on else 1,
        raised_at=fact.raised_at,
        dispute=_with(dispute, side),
        past=past_of(ticket),
    )


FACTS: Final[frozenset[type[Fact]]] = frozenset(
    {DifferenceFound, RepairTried, RepairGivenUp, RepairChosen, SideAgrees}
)
