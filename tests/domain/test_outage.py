"""A partner's outages: when one begins, goes on and is over, and what is reckoned to be its work."""

from datetime import timedelta

from tests.domain.centre import NOON, POLICY

from tongdan.domain.guard import outage
from tongdan.domain.guard.outage import FOUND, LEFT, RESENT, WAITING, Outage, Outages, Sent, Unsent
from tongdan.domain.guard.outage_facts import (
    Cause,
    OutageBegan,
    RecordCompensation,
    ReportPartnerBack,
    ReportPartnerOut,
)
from tongdan.domain.kernel.keys import outage_key
from tongdan.domain.kernel.messages import Context, Decision, Refusal

OUT = ReportPartnerOut(partner="finance", cause=Cause.UNREACHABLE, error="refused", since=NOON)
BACK = ReportPartnerBack(partner="finance")


def at(minutes: float) -> Context:
    return Context(NOON + timedelta(minutes=minutes), outage_key("finance"), POLICY, 1)


def done(no: int) -> RecordCompensation:
    return RecordCompensation(
        partner="finance", no=no, resent=1, found=0, left=0, lanes=1, lanes_broken=0, done_at=at(9).now
    )


def fold(state: Outages | None, decision: Decision | Refusal) -> Outages:
    assert isinstance(decision, Decision)
    for fact in decision.facts:
        state = outage.evolve(state, fact)
    assert state is not None
    return state


def test_repeated_reports_are_one_outage_and_a_late_one_is_the_next() -> None:
    state = fold(None, outage.report_out(None, OUT, at(1)))
    assert outage.report_out(state, OUT, at(2)) == Decision()
    assert outage.record_compensation(state, done(1), at(2)) == Decision()  # it is not over
    state = fold(state, outage.report_back(state, BACK, at(3)))
    assert outage.report_back(state, BACK, at(4)) == Decision()
    state = fold(state, outage.report_out(state, OUT, at(5)))
    assert (state.last and state.last.no, state.last and state.last.ended_at) == (1, None)
    state = fold(state, outage.report_back(state, BACK, at(6)))
    assert outage.record_compensation(state, done(2), at(7)) == Decision()
    state = fold(state, outage.record_compensation(state, done(1), at(7)))
    (over,) = state.outages
    assert (over.back_at, over.ended_at, over.compensated_at) == (at(3).now, at(6).now, at(9).now)
    assert state.last is None
    assert outage.report_back(state, BACK, at(10)) == Decision()
    (began,) = outage.report_out(state, OUT, at(11)).facts  # type: ignore[union-attr]
    assert isinstance(began, OutageBegan) and began.no == 2


def unsent(effect: str, agg: str, minutes: float, died: float | None = None) -> Unsent:
    died_at = None if died is None else at(died).now
    return Unsent(effect, agg, "TellFinance", at(minutes).now, died_at, "" if died is None else "cannot be")


def test_what_died_before_it_or_was_asked_for_after_it_is_not_its_work() -> None:
    over = Outage(
        no=1,
        cause=Cause.KEY_REFUSED,
        error="HTTP 401",
        since=at(10).now,
        back_at=at(20).now,
        ended_at=at(20).now,
    )
    held = [
        unsent("1.1.1.0", "before", 1, died=5),
        unsent("1.1.2.0", "before", 12),
        unsent("1.1.3.0", "waits", 9),
        unsent("1.1.4.0", "dead", 11, died=21),
        unsent("1.1.5.0", "dead", 12),
        unsent("1.1.6.0", "late", 25),
    ]
    sent = [
        Sent("2.1.9.0", "A", "TellFinance", RESENT, at(21).now),
        Sent("2.1.10.0", "A", "TellFinance", FOUND, at(22).now),
        Sent("2.1.12.0", "B", "TellFinance", RESENT, at(22).now),
        Sent("2.1.11.0", "B", "TellFinance", RESENT, at(23).now),
    ]
    report = outage.reckon("finance", over, sent, held, at(30).now)
    shown = {each.effect: each.how for each in report.effects[4:]}
    assert shown == {"1.1.3.0": WAITING, "1.1.4.0": LEFT, "1.1.5.0": LEFT}
    numbers = report.outage
    assert (report.missed, numbers.resent, numbers.found, report.waiting, numbers.left) == (7, 3, 1, 1, 2)
    assert (numbers.lanes, numbers.lanes_broken) == (2, 1)  # B's were sent the wrong way round
    assert report.took == timedelta(minutes=10)
