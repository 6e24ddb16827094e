"""Orders that are held: which, why, what letting them go or cancelling them would do, and whom a rule would hold.

What would happen is the decision that would be taken now, by the functions that will take it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.guard.risk import MARKS, PHONE, Mark
from tongdan.domain.kernel.keys import MARK, mark_key
from tongdan.domain.kernel.messages import Command, Context, Decision, Refusal, RefusalKind
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.policy import HoldRule, Policy
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders import facts
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.checks.holds import lift_hold, place_hold
from tongdan.domain.orders.checks.risk import shows
from tongdan.domain.orders.commands import CancelOrder, LiftHold, PlaceHold
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.lifecycle import cancel_order
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import status
from tongdan.flow.clues import own_number, values_of
from tongdan.ports import Reads
from tongdan.surfaces.looking import of_shop, orders_of

MAX_ORDERS: Final = 200  # let go or cancelled at once
UNRELEASED: Final = (Status.ANNOUNCED, Status.CREATED, Status.PAID)

NO_SUCH_MARK: Final = RefusalKind(
    "no-such-mark",
    422,
    en="{kind} {value!r} marks nobody. Expected phone (a mobile or a line with its area), buyer, payer or receiver, "
    "and its value.",
    zh="{kind} {value!r} 不能识别买家。应为 phone（手机号或带区号的固话）、buyer、payer 或 receiver 及其值。",
)
NO_SUCH_HELD: Final = RefusalKind(
    "not-held",
    409,
    en="{order} is not held as {hold!r}. `tongdan holds list` shows what is.",
    zh="{order} 没有名为 {hold!r} 的挂起。请用 `tongdan holds list` 查看。",
)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is held. `lifts`: which holds lift themselves, and when."""

    id: str
    channel: str
    shop: str
    native: str
    status: int
    amount_fen: int
    holds: tuple[str, ...]
    lifts: dict[str, datetime]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an order. `what` is refused, released, held, waiting (payment or stock) or cancelled."""

    order: str
    what: str
    en: str
    zh: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    order: str
    rule: str
    hold: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Which of `orders` recent orders rules would hold. `untried`: rules about what cannot be seen afterwards."""

    orders: int
    hits: tuple[Hit, ...]
    untried: tuple[str, ...]


# ---- what is held


def held(reads: Reads, hold: str = "", shop: str = "", limit: int = 200) -> list[Held]:
    """Newest first. `hold` is the name of one, or the action that several begin with (`risk`)."""
    return list(islice((each for each in looked_at(reads, hold, shop) if each is not None), limit))


def looked_at(reads: Reads, hold: str, shop: str) -> Iterator[Held | None]:
    """Each order that is held and has not been released; None for one that is not held so."""
    asked = replace(of_shop(shop, *map(int, UNRELEASED)), held=True)
    for id, order in orders_of(reads, asked):
        so = not order.cancelled and any(_named(each, hold) for each in order.holds)
        yield _held(id, order) if so else None


def _held(id: str, order: Order) -> Held:
    return Held(
        id=id, channel=order.channel, shop=order.shop, native=order.native, status=status(order),
        amount_fen=order.amount_fen, holds=order.holds, lifts={lift.hold: lift.at for lift in order.lifts},
    )  # fmt: skip


def _named(hold: str, asked: str) -> bool:
    return asked in ("", hold) or hold.startswith(f"{asked}-")


def why(hold: str, policy: Policy) -> tuple[str, str]:
    """In English and Chinese; the name itself for a hold that is of no rule."""
    rule = next((each for each in policy.holds if each.hold == hold), None)
    return (hold, hold) if rule is None else (rule.name_en, rule.name_zh)


# ---- what would be done


def placing(id: str, order: Order, hold: str, note: str, ctx: Context) -> tuple[Command, Outcome]:
    command = PlaceHold(order=id, hold=hold, note=note)
    return command, _outcome(id, order, place_hold(order, command, ctx))


def lifting(id: str, order: Order, hold: str, note: str, ctx: Context) -> tuple[Command, Outcome]:
    command = LiftHold(order=id, hold=hold, note=note)
    if hold not in order.holds:
        return command, _no(id, NO_SUCH_HELD.of(order=id, hold=hold))
    return command, _outcome(id, order, lift_hold(order, command, ctx))


def cancelling(id: str, order: Order, reason: str, ctx: Context) -> tuple[Command, Outcome]:
    command = CancelOrder(order=id, reason=reason)
    return command, _outcome(id, order, cancel_order(order, command, ctx))


def _outcome(id: str, order: Order, decision: Decision | Refusal) -> Outcome:
    if isinstance(decision, Refusal):
        return _no(id, decision)
    for fact in decision.facts:
        order = evolve(order, fact)
        if isinstance(fact, facts.HoldPlaced):
            return Outcome(order=id, what="held", en=f"held: {fact.hold}", zh=f"挂起：{fact.hold}")
        if isinstance(fact, facts.OrderReleased):
            places = ", ".join(each.warehouse for each in fact.shipments)
            return Outcome(order=id, what="released", en=f"released to {places}", zh=f"下发到 {places}")
        if isinstance(fact, facts.OrderCancelled):
            yuan = yuan_from_fen(fact.refund_due_fen)
            return Outcome(
                order=id, what="cancelled", en=f"cancelled, {yuan} yuan owed", zh=f"取消，应退 {yuan} 元"
            )
    if order.holds:
        others = ", ".join(order.holds)
        return Outcome(order=id, what="held", en=f"still held: {others}", zh=f"仍有挂起：{others}")
    if order.units(Stage.WAITING) and order.paid is not None:
        return Outcome(order=id, what="waiting", en="waits for stock", zh="等待库存")
    return Outcome(order=id, what="waiting", en="waits for payment", zh="等待付款")


def _no(id: str, refusal: Refusal) -> Outcome:
    return Outcome(order=id, what="refused", en=refusal.en, zh=refusal.zh)


# ---- the blacklist


def marks(reads: Reads, kind: str, value: str) -> list[str] | Refusal:
    """What a buyer goes under, by what a person knows of them; `value` goes no further."""
    plain = own_number(value) if kind == PHONE else value.strip()
    if kind not in MARKS or not 0 < len(plain) <= 200:
        return NO_SUCH_MARK.of(kind=kind[:20], value="…" if kind in MARKS else "")
    return reads.marks_of(kind, plain)


def listed(reads: Reads) -> Iterator[Mark]:
    """The blacklist, in the order of its tokens. It looks through every mark."""
    return (mark for mark in known(reads) if mark.listed_at is not None)


def known(reads: Reads) -> Iterator[Mark]:
    """Every mark there is."""
    return (mark for _, mark in reads.under(MARK) if isinstance(mark, Mark))


# ---- a rule before it is in force


def trial(reads: Reads, rules: Sequence[HoldRule], shop: str, since: datetime) -> Trial:
    """Which orders placed since then these rules would have held, each as it came, oldest first."""
    tried = [rule for rule in rules if rule.active and not rule.address_changed]
    orders = list(orders_of(reads, of_shop(shop)))
    known = [(id, order) for id, order in orders if order.placed_at is not None]
    lately = sorted(
        [one for one in known if _placed(one[1]) >= since], key=lambda one: (_placed(one[1]), one[0])
    )
    seen: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    hits: list[Hit] = []
    for id, order in lately:
        person = reads.person(id)
        values = [] if person is None else values_of(person, order.buyer)
        now = _placed(order)
        hits += [
            Hit(order=id, rule=rule.name, hold=rule.hold)
            for rule in tried
            if shows(rule, order, person) and (not rule.of_buyer or _knows(reads, rule, values, seen, now))
        ]
        for value in values:
            seen[value].append(now)
    untried = tuple([rule.name for rule in rules if rule not in tried])
    return Trial(orders=len(lately), hits=tuple(hits), untried=untried)


def _placed(order: Order) -> datetime:
    assert order.placed_at is not None
    return order.placed_at


def _knows(
    reads: Reads, rule: HoldRule, values: list[tuple[str, str]],
    seen: dict[tuple[str, str], list[datetime]], at: datetime,
) -> bool:  # fmt: skip
    """What the buyer's marks would have said, of the orders in this period."""
    mine = [value for value in values if not rule.by or value[0] in rule.by]
    if rule.first_order:
        return bool(mine) and not any(seen[value] for value in mine)
    since = at - timedelta(seconds=rule.within_s)
    return any(
        (not rule.blacklisted or _is_listed(reads, *value))
        and len([each for each in seen[value] if each > since]) + 1 >= rule.orders_at_least
        for value in mine
    )


def _is_listed(reads: Reads, kind: str, value: str) -> bool:
    states = [reads.order(mark_key(mark)) for mark in reads.marks_of(kind, value)]
    return any(isinstance(state, Mark) and state.listed_at is not None for state in states)
