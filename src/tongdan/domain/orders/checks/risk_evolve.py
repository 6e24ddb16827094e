"""How facts about risk fold into the state of an order; what is decided is in `risk.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.checks import risk_facts as f
from tongdan.domain.orders.facts import HoldLifted
from tongdan.domain.orders.model import RISK_HOLD, Check, Lift, Order


def _asked(order: Order, fact: f.RiskAsked) -> Order:
    check = Check(no=fact.no, marks=fact.marks, unless=fact.unless)
    return replace(order, checks=(*order.checks, check), checked=fact.no, holds=_held(order.holds, RISK_HOLD))


def _answered(order: Order, fact: f.RiskAnswered) -> Order:
    checks = [_heard(check, fact) if check.no == fact.no else check for check in order.checks]
    return replace(order, checks=tuple([check for check in checks if check.marks]))


def _heard(check: Check, fact: f.RiskAnswered) -> Check:
    return replace(
        check,
        marks=tuple([mark for mark in check.marks if mark != fact.mark]),
        unless=tuple([rule for rule in check.unless if rule not in fact.denied]),
    )


def _held_by_rule(order: Order, fact: f.HeldByRule) -> Order:
    lifts = order.lifts if fact.lift_at is None else (*order.lifts, Lift(fact.hold, fact.lift_at))
    return replace(order, holds=_held(order.holds, fact.hold), lifts=lifts)


def _held(holds: tuple[str, ...], hold: str) -> tuple[str, ...]:
    return holds if hold in holds else (*holds, hold)


def lifted(order: Order, fact: HoldLifted) -> Order:
    """Without the hold, and without what was waited for because of it."""
    return replace(
        order,
        holds=tuple([hold for hold in order.holds if hold != fact.hold]),
        lifts=tuple([lift for lift in order.lifts if lift.hold != fact.hold]),
        checks=() if fact.hold == RISK_HOLD else order.checks,
    )


RISK: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.RiskAsked: _asked,
    f.RiskAnswered: _answered,
    f.HeldByRule: _held_by_rule,
}
