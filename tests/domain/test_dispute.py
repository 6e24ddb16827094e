"""Disputes: one ticket an order and field, mended by the system of record or by a person, closed on proof alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tongdan.domain.kernel.messages import Context, Decision, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.pulse import PulsePolicy, Terms
from tongdan.domain.sync import dispute
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
from tongdan.domain.sync.repair import evolve
from tongdan.domain.sync.ticket import MAX_PAST, Ticket

NOON = datetime(2026, 1, 27, 12, tzinfo=UTC)
PULSE = PulsePolicy(
    tries=2,
    try_again_s=300,
    partners={"finance": Terms(owner="finance"), "carrier": Terms(owner="service")},
    record={"status.settled": "finance", "status.cancelled": "channel", "amount": "channel"},
)
DIFFERS = NoteDifference(
    order="DY20260127000892", field="status", partner="finance", ours="signed", theirs="paid", status="signed",
    retold=True,
)  # fmt: skip


class Desk:
    """A ticket, and the clock."""

    def __init__(self) -> None:
        self.ticket: Ticket | None = None
        self.now = NOON

    def do(self, decide: Any, command: Any) -> list[str]:
        ctx = Context(self.now, "ticket/x", Policy(pulse=PULSE), 1)
        decision = decide(self.ticket, command, ctx)
        assert isinstance(decision, Decision), decision
        for fact in decision.facts:
            self.ticket = evolve(self.ticket, fact)
        return [type(fact).__name__ for fact in decision.facts]

    def differs(self, **changed: Any) -> list[str]:
        return self.do(dispute.note_difference, replace(DIFFERS, **changed))

    def agrees(self, partner: str = "finance") -> list[str]:
        note = NoteAgreement(order=DIFFERS.order, field="status", partner=partner, seen_at=self.now)
        return self.do(dispute.note_agreement, note)

    def choose(self, choice: str, partner: str = "") -> list[str]:
        chosen = ChooseRepair(
            subject=DIFFERS.order, kind="differs-status", choice=choice, partner=partner, reason="seen"
        )
        return self.do(dispute.choose_repair, chosen)

    def later(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def sides(self) -> dict[str, Any]:
        assert self.ticket is not None and self.ticket.dispute is not None
        return self.ticket.dispute.sides


def test_a_certain_repair_is_tried_within_its_budget_and_then_a_person_has_it() -> None:
    desk = Desk()
    assert desk.differs() == ["DifferenceFound", "RepairTried"]
    assert desk.sides["finance"].repair == dispute.TELL
    assert desk.differs() == []
    desk.later(300)
    assert desk.differs() == ["RepairTried"]
    desk.later(599)
    assert desk.differs() == []
    desk.later(1)
    assert desk.differs() == ["RepairGivenUp"]
    desk.later(10_000)
    assert desk.differs() == []
    assert desk.ticket is not None and desk.ticket.open


def test_it_closes_only_when_a_heartbeat_proves_it_and_says_by_whom_it_was_mended() -> None:
    desk = Desk()
    desk.differs()
    assert desk.agrees() == ["SideAgrees", "TicketResolved"]
    assert desk.ticket is not None
    assert (desk.ticket.open, desk.ticket.by) == (False, dispute.BY_ITSELF)
    assert desk.agrees() == []


def test_what_came_to_agree_untouched_was_mended_by_time() -> None:
    desk = Desk()
    desk.differs(retold=False)
    assert desk.sides["finance"].repair == dispute.PERSON
    desk.agrees()
    assert desk.ticket is not None and desk.ticket.by == dispute.BY_TIME


def test_the_word_of_the_system_of_record_is_read_where_its_answer_teaches_it() -> None:
    desk = Desk()
    desk.differs(ours="signed", theirs="settled", status="settled", retold=False, taught=True)
    assert desk.sides["finance"].repair == dispute.READ
    other = Desk()
    other.differs(ours="paid", theirs="cancelled", status="cancelled", retold=False, taught=True)
    assert other.sides["finance"].repair == dispute.PERSON, "finance does not decide what is cancelled"


def test_of_an_own_order_no_platform_has_the_last_word() -> None:
    desk = Desk()
    desk.differs(field="amount", partner="channel/MP/mp-main", own=True, taught=True, retold=False)
    assert desk.sides["channel/MP/mp-main"].repair == dispute.PERSON


def test_two_sides_are_one_ticket_and_it_stays_open_until_both_agree() -> None:
    desk = Desk()
    desk.differs()
    desk.differs(partner="carrier/SF", theirs="shipped", retold=False)
    assert set(desk.sides) == {"finance", "carrier/SF"}
    assert desk.agrees() == ["SideAgrees"]
    assert desk.agrees("carrier/SF") == ["SideAgrees", "TicketResolved"]


def test_a_person_may_leave_it_and_it_is_raised_anew_only_when_it_differs_in_another_way() -> None:
    desk = Desk()
    desk.differs(retold=False)
    assert desk.choose(dispute.LEAVE) == ["RepairChosen", "TicketResolved"]
    assert desk.ticket is not None and desk.ticket.by == dispute.BY_PERSON
    desk.later(600)
    assert desk.differs(retold=False) == []
    assert desk.differs(retold=False, theirs="cancelled") == ["DifferenceFound"]
    assert desk.agrees() == ["SideAgrees", "TicketResolved"]


def test_a_person_may_have_it_told_or_read_though_nothing_was_certain() -> None:
    desk = Desk()
    desk.differs(retold=False)
    assert desk.choose(dispute.TELL) == ["RepairChosen", "RepairTried"]
    read = Desk()
    read.differs(retold=False)
    assert read.choose(dispute.READ) == ["RepairChosen"]
    assert read.differs(retold=False, taught=True) == ["RepairTried"]
    assert read.agrees() == ["SideAgrees", "TicketResolved"]
    assert read.ticket is not None and read.ticket.by == dispute.BY_PERSON


def test_a_choice_that_is_none_or_comes_too_late_is_refused() -> None:
    desk = Desk()
    ctx = Context(NOON, "ticket/x", Policy(pulse=PULSE), 1)
    chosen = ChooseRepair(subject="O", kind="differs-status", choice="guess", reason="")
    refusal = dispute.choose_repair(None, chosen, ctx)
    assert isinstance(refusal, Refusal) and refusal.name == "repair-unknown"
    late = dispute.choose_repair(desk.ticket, replace(chosen, choice="tell"), ctx)
    assert isinstance(late, Refusal) and late.name == "nothing-disputed"


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("differs"),
            st.sampled_from(["finance", "carrier/SF"]),
            st.sampled_from(["paid", "shipped"]),
        ),
        st.tuples(st.just("agrees"), st.sampled_from(["finance", "carrier/SF"]), st.just("")),
        st.tuples(st.just("choose"), st.sampled_from([*dispute.CHOICES]), st.just("")),
        st.tuples(st.just("later"), st.just(""), st.just("")),
    ),
    max_size=25,
)


@given(steps)
def test_whatever_happens_a_ticket_is_open_exactly_while_a_side_differs_that_nobody_left(
    steps: list[tuple[str, str, str]],
) -> None:
    desk, tried = Desk(), 0
    for what, one, other in steps:
        match what:
            case "differs":
                tried += desk.differs(partner=one, theirs=other).count("RepairTried")
            case "agrees" if desk.ticket is not None:
                desk.agrees(one)
            case "choose" if desk.ticket is not None and desk.ticket.open:
                tried += desk.choose(one).count("RepairTried")
            case "later":
                desk.later(301)
        if desk.ticket is not None:
            assert desk.ticket.open == any(not side.left for side in desk.sides.values())
            assert all(side.tried <= PULSE.tries for side in desk.sides.values())


def test_every_fact_of_a_dispute_is_folded() -> None:
    assert {DifferenceFound, RepairTried, RepairGivenUp, RepairChosen, SideAgrees} == dispute.FACTS
    assert TicketResolved not in dispute.FACTS


def test_leaving_it_needs_a_reason() -> None:
    desk = Desk()
    desk.differs(retold=False)
    chosen = ChooseRepair(subject=DIFFERS.order, kind="differs-status", choice="leave", reason=" ")
    refusal = dispute.choose_repair(desk.ticket, chosen, Context(NOON, "ticket/x", Policy(pulse=PULSE), 1))
    assert isinstance(refusal, Refusal) and refusal.name == "reason-needed"


def test_a_difference_that_comes_back_remembers_when_it_was_mended_and_by_whom() -> None:
    desk = Desk()
    for _ in range(MAX_PAST + 2):
        desk.differs()
        desk.later(60)
        desk.agrees()
    ticket = desk.ticket
    assert ticket is not None and (ticket.closed_at, ticket.by) == (desk.now, dispute.BY_ITSELF)
    assert len(ticket.past) == MAX_PAST
    assert [each.closed_at - each.raised_at for each in ticket.past] == [timedelta(seconds=60)] * MAX_PAST
    assert ticket.past[-1].closed_at == ticket.raised_at == desk.now - timedelta(seconds=60)
    assert {each.by for each in ticket.past} == {dispute.BY_ITSELF}


def test_what_was_closed_before_that_was_kept_folds_as_it_did() -> None:
    desk = Desk()
    desk.differs()
    assert desk.ticket is not None
    old = TicketResolved(subject=DIFFERS.order, kind="differs-status", evidence="finance")
    desk.ticket = evolve(desk.ticket, old)
    desk.differs()
    assert desk.ticket.open and desk.ticket.past == ()
