"""Review and risk (审单、风控): which rules hold an order, found out before it can be released.

What the order itself shows is decided at once. What only its buyer's history shows is asked of the buyer's marks, and
the same decision holds the order until the last of them has answered, so nothing slips out between payment and release.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Person, Refusal
from tongdan.domain.kernel.policy import HoldRule
from tongdan.domain.orders.checks.risk_facts import HeldByRule, RiskAnswered, RiskAsked
from tongdan.domain.orders.commands import NoteRiskAnswer
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted
from tongdan.domain.orders.goods.reservation import advance
from tongdan.domain.orders.model import RISK_HOLD, Order

SHORTEST_DETAIL: Final = 4  # characters of an address that somebody can be found at
BY_ITSELF: Final = "by its rule"


def check_content(draft: Draft, ctx: Context, person: Person | None) -> None:
    """The lines have just become known: every rule but those about a change."""
    _check(draft, ctx, person, [rule for rule in ctx.policy.holds if not rule.address_changed])


def check_address(draft: Draft, ctx: Context, person: Person | None) -> None:
    """The receiver has become known, or another one: the rules that look at that."""
    paid = draft.order.ships
    _check(
        draft,
        ctx,
        person,
        [rule for rule in ctx.policy.holds if _of_address(rule) and (paid or not rule.address_changed)],
    )


def _of_address(rule: HoldRule) -> bool:
    return rule.address_changed or rule.incomplete_address or bool(rule.regions) or rule.of_buyer


def _check(draft: Draft, ctx: Context, person: Person | None, rules: Iterable[HoldRule]) -> None:
    order = draft.order
    shop = ctx.policy.shops.get(order.shop)
    if order.cancelled or order.shipments or (shop is not None and not shop.owned):
        return
    possible = [
        rule for rule in rules if rule.active and rule.hold not in order.holds and shows(rule, order, person)
    ]
    for rule in possible:
        if not rule.of_buyer:
            _hold(draft, ctx, rule)
    asked = [rule for rule in possible if rule.of_buyer and _marks(rule, ctx.marks)]
    if asked:
        marks = tuple([mark for mark in ctx.marks if any(mark in _marks(rule, ctx.marks) for rule in asked)])
        draft.tell(
            RiskAsked(
                no=order.checked + 1,
                marks=marks,
                rules=tuple([rule.name for rule in asked]),
                unless=tuple([rule.name for rule in asked if rule.first_order]),
            )
        )


def _marks(rule: HoldRule, marks: tuple[str, ...]) -> list[str]:
    return [mark for mark in marks if not rule.by or mark.partition("/")[0] in rule.by]


def shows(rule: HoldRule, order: Order, person: Person | None) -> bool:
    """Whether all holds that can be seen in the order; lines that are not known yet are taken to be the worst."""
    if rule.shops and order.shop not in rule.shops:
        return False
    if rule.channels and order.channel not in rule.channels:
        return False
    if rule.regions and order.region not in rule.regions:
        return False
    if rule.incomplete_address and (person is None or not incomplete(person)):
        return False
    if not order.known:
        return rule.of_buyer
    if rule.amount_above_fen is not None and order.amount_fen <= rule.amount_above_fen:
        return False
    return not rule.skus or any(line.line.sku in rule.skus for line in order.lines)


def incomplete(person: Person) -> bool:
    """No parcel finds this address. What the platform keeps masked or sealed cannot be judged, so it is complete."""
    told = (person.name, person.phone, person.province, person.city, person.detail)
    if person.sealed or any("*" in text for text in told):
        return False
    return not all(told) or len("".join(person.detail.split())) < SHORTEST_DETAIL


def note_answer(order: Order, command: NoteRiskAnswer, ctx: Context) -> Decision | Refusal:
    """A mark has said what it knows of the buyer; with the last one the order goes on, or is held by name."""
    check = next((each for each in order.checks if each.no == command.no), None)
    if order.cancelled or check is None or command.mark not in check.marks:
        return NOTHING
    draft = Draft(order)
    draft.tell(RiskAnswered(no=command.no, mark=command.mark, hit=command.hit, denied=command.denied))
    found = list(command.hit)
    if check.marks == (command.mark,):
        found += [rule for rule in check.unless if rule not in command.denied]
    for rule in _named(found, ctx):
        _hold(draft, ctx, rule, command.why)
    if not draft.order.checks and RISK_HOLD in draft.order.holds:
        draft.tell(HoldLifted(hold=RISK_HOLD, note=""))
        advance(draft, ctx)
    return draft.decision()


def _named(names: list[str], ctx: Context) -> Iterator[HoldRule]:
    """A rule that has been taken back since it was asked about holds nothing."""
    return (rule for rule in ctx.policy.holds if rule.active and rule.name in names)


def _hold(draft: Draft, ctx: Context, rule: HoldRule, note: str = "") -> None:
    if rule.hold in draft.order.holds:
        return
    draft.tell(
        HeldByRule(
            rule=rule.name,
            hold=rule.hold,
            why=rule.name_en,
            why_zh=rule.name_zh,
            note=note,
            lift_at=None if rule.lift_after_s is None else ctx.now + timedelta(seconds=rule.lift_after_s),
        )
    )


def lift_due(draft: Draft, ctx: Context) -> None:
    """Lift the holds whose time has come."""
    for lift in draft.order.lifts:
        if lift.at <= ctx.now:
            draft.tell(HoldLifted(hold=lift.hold, note=BY_ITSELF))
    advance(draft, ctx)
