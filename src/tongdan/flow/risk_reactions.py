"""An order and what is known of its buyer: questions to the marks, and their answers."""

from collections.abc import Iterator

from tongdan.domain.guard.commands import CheckMark
from tongdan.domain.guard.facts import MarkChecked
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.checks.risk_facts import RiskAsked
from tongdan.domain.orders.commands import NoteRiskAnswer
from tongdan.flow.routing import Recorded


def check_marks(fact: RiskAsked, at: Recorded) -> Iterator[Command]:
    for mark in fact.marks:
        yield CheckMark(mark=mark, order=at.aggregate, no=fact.no, rules=fact.rules)


def note_answer(fact: MarkChecked, at: Recorded) -> Iterator[Command]:
    yield NoteRiskAnswer(
        order=fact.order, no=fact.no, mark=fact.mark, hit=fact.hit, denied=fact.denied, why=fact.why
    )
