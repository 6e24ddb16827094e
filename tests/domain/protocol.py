"""The confirmation of refunds as a small model: the real deciders, and every partner reduced to what it remembers.

A `World` is a value; `moves` are all that may happen next to it, each with the world it leads to: a mark, a withdrawal,
time, an effect that is carried out and answered, or carried out and not answered because the process dies (then nobody
knows that it was sent), the provider's end of a refund, its notices, repeated and late. `broken` names what must never
be, `unsettled` what must not be left when nothing more can happen.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from tests.domain.centre import NOON, POLICY, Centre, left, pay

from tongdan.domain.kernel.confirmation import CENTRE, FINANCE, ConfirmationPolicy, Marker
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Command, Context, Decide, Decision, Effect, Refusal, WakeUp
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RecordRefund, RecordRefundRefused, RequestRefund
from tongdan.domain.orders.confirmation.commands import (
    ConfirmRefund,
    RecordRefundTold,
    RecordRepayment,
    WithdrawRefund,
    WriteOffRecovery,
)
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.domain.orders.confirmation.model import Undo
from tongdan.domain.orders.confirmation.words import WITHDRAWN
from tongdan.domain.orders.deadlines import wake_at
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.lifecycle import wake
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.refund_facts import QueryRefund, RefundPayment, RefundRequested
from tongdan.domain.orders.status import status
from tongdan.flow.routes import COMMANDS

COOLING_S = 600
POLICY_OF_TWO = replace(
    POLICY,
    confirmation=ConfirmationPolicy(statuses=("refunded",), cooling_s=COOLING_S, tells=("service",)),
    notices=replace(POLICY.notices, tells_service=frozenset({"mp-1"})),
)
ANN, BOB, CID = "ann", "bob", "cid"
_ENDS = (RefundStage.SUCCEEDED, RefundStage.FAILED)
_order = msgspec.msgpack.Encoder()


class Book(NamedTuple):
    """The provider's of one refund. `notices`: how many it may still send about its end."""

    no: int
    amount_fen: int
    stage: RefundStage
    notices: int


class World(NamedTuple):
    """`lanes`: (partner, its effects, first to come first); `payments`: how often each refund was asked for;
    `heard`: the last word of each system on each refund; `lost`: how many more answers may be lost."""

    order: Order
    now: datetime
    lanes: tuple[tuple[str, tuple[Effect, ...]], ...] = ()
    books: tuple[Book, ...] = ()
    heard: tuple[tuple[str, int, str], ...] = ()
    payments: tuple[int, ...] = ()
    lost: int = 1
    faults: tuple[str, ...] = ()

    @property
    def key(self) -> bytes:
        """Equal for equal worlds."""
        return _order.encode([self.order, *[repr(each) for each in self[1:]]])

    def lane(self, partner: str) -> tuple[Effect, ...]:
        return dict(self.lanes).get(partner, ())

    def book(self, no: int) -> Book | None:
        return next((each for each in self.books if each.no == no), None)


ID = ""  # of the order that all worlds are about; set by `begin`


def begin(*amounts_fen: int, lost: int = 1) -> World:
    """A paid order of 99 yuan that has left, of which ann of the order centre has asked these sums back."""
    global ID  # noqa: PLW0603 (one order for all)
    centre = Centre(POLICY_OF_TWO)
    ID = centre.stocked(SHIRT=5).placed()
    centre.told(pay(ID))
    centre.told(left(f"{ID}-S1", "SF1", ("SHIRT", 1)))
    world = World(centre.order(ID), NOON, lost=lost)
    for amount_fen in amounts_fen:
        asked = RequestRefund(
            order=ID, amount_fen=amount_fen, reason="asked", marker=Marker(party=CENTRE, by=ANN)
        )
        world, decision = send(world, asked)
        assert not isinstance(decision, Refusal), decision
    return world


def send(world: World, command: Command) -> tuple[World, Decision | Refusal]:
    """The world after a command; a refused one leaves it as it was."""
    ctx = Context(world.now, ID, POLICY_OF_TWO, 1)
    decide: Decide = wake if isinstance(command, WakeUp) else COMMANDS[type(command)].decide
    decision = decide(world.order, command, ctx)
    if isinstance(decision, Refusal):
        return world, decision
    order, faults = world.order, world.faults
    for fact in decision.facts:
        if type(fact) is RefundRequested and (wrong := _unfounded(order, fact.refund)):
            faults = (*faults, wrong)
        order = evolve(order, fact)
    lanes = {partner: list(effects) for partner, effects in world.lanes}
    for effects in lanes.values():
        # Whatever has no answer yet may be taken back: after a crash nobody knows that it was sent.
        effects[:] = [each for each in effects if type(each).__name__ not in decision.supersedes]
    for effect in decision.effects:
        lanes.setdefault(effect.partner, []).append(effect)
    asked = [parse(each.out_refund_no) for each in decision.effects if isinstance(each, RefundPayment)]
    world = world._replace(
        order=order,
        faults=faults,
        lanes=tuple((partner, tuple(effects)) for partner, effects in sorted(lanes.items()) if effects),
        payments=(*world.payments, *[each.part_no for each in asked if each is not None]),
    )
    return world, decision


def _unfounded(order: Order, no: int) -> str:
    """Why money must not be sent now; "" if it may."""
    its = order.confirmation(no)
    if its is None or its.withdrawn is not None or its.executed:
        return f"R{no} executed though withdrawn, or twice"
    if {each.party for each in its.marks} != {FINANCE, CENTRE} or len({each.by for each in its.marks}) < 2:
        return f"R{no} executed on the word of one"
    return ""


# ---- what may happen


def moves(world: World) -> Iterator[tuple[str, World]]:
    for its in world.order.confirmations:
        yield from _of_parties(world, its.refund)
    yield from _of_partners(world)
    yield from _of_provider(world)
    at = wake_at(world.order)
    if at is not None and _time_matters(world):
        later = world._replace(now=max(world.now, at))
        yield f"time {at}", send(later, WakeUp(key=ID))[0]


def _of_parties(world: World, no: int) -> Iterator[tuple[str, World]]:
    marks = [Marker(party=CENTRE, by=ANN), Marker(party=FINANCE, by=ANN), Marker(party=FINANCE, by=BOB)]
    for marker in marks:
        yield f"mark R{no} {marker.by}", send(world, ConfirmRefund(order=ID, refund=no, marker=marker))[0]
    for party in (FINANCE, CENTRE):
        marker = Marker(party=party, by=CID)
        withdrawn = WithdrawRefund(order=ID, refund=no, marker=marker, reason="no")
        yield f"withdraw R{no} {party}", send(world, withdrawn)[0]


def _of_partners(world: World) -> Iterator[tuple[str, World]]:
    """The first effect of each lane is carried out; its answer comes, or is lost with the process."""
    for partner, effects in world.lanes:
        for name, after, answer in _carried_out(world, effects[0]):
            if world.lost:
                yield f"{partner} {name}, lost", after._replace(lost=world.lost - 1)
            done = tuple((each, rest[1:] if each == partner else rest) for each, rest in after.lanes)
            after = after._replace(lanes=tuple((each, rest) for each, rest in done if rest))
            yield f"{partner} {name}", after if answer is None else send(after, answer)[0]


def _carried_out(world: World, effect: Effect) -> Iterator[tuple[str, World, Command | None]]:
    if isinstance(effect, TellRefund):
        no = _no(effect.refund)
        others = [each for each in world.heard if each[:2] != (effect.partner, no)]
        heard = tuple(sorted([*others, (effect.partner, no, effect.word)]))
        told = RecordRefundTold(order=ID, refund=no, partner=effect.partner, word=effect.word)
        yield f"hears {effect.word}", world._replace(heard=heard), told
    elif isinstance(effect, RefundPayment):
        no = _no(effect.out_refund_no)
        if world.book(no) is None:
            yield "refuses", world, RecordRefundRefused(order=ID, refund=no, reason="NO")
            book = Book(no, effect.amount_fen, RefundStage.ACCEPTED, 2)
            world = world._replace(books=tuple(sorted([*world.books, book])))
        yield "accepts", world, _said(world, no)
    elif isinstance(effect, QueryRefund):
        yield "answers", world, _said(world, _no(effect.out_refund_no))
    else:
        yield "hears", world, None


def _said(world: World, no: int) -> Command:
    """What the provider says of a refund when it is asked."""
    book, refund = world.book(no), world.order.refund(no)
    assert refund is not None
    if book is None:
        return RecordRefundRefused(order=ID, refund=no, reason="RESOURCE_NOT_EXISTS")
    return RecordRefund(
        order=ID, refund=no, attempt=refund.attempt, transaction=refund.transaction, amount_fen=book.amount_fen,
        stage=book.stage, reference="503", said_at=NOON,
    )  # fmt: skip


def _of_provider(world: World) -> Iterator[tuple[str, World]]:
    """A refund ends either way; its end is told late, again, or never."""
    for book in world.books:
        for stage in _ENDS if book.stage is RefundStage.ACCEPTED else ():
            yield f"R{book.no} {stage.name}", _booked(world, book._replace(stage=stage))
        if book.stage in _ENDS and book.notices:
            heard = _booked(world, book._replace(notices=book.notices - 1))
            yield f"notice R{book.no}", send(heard, _said(heard, book.no))[0]


def _booked(world: World, book: Book) -> World:
    return world._replace(books=tuple([book if each.no == book.no else each for each in world.books]))


def _time_matters(world: World) -> bool:
    """A refund may be due; or its end has come and was not heard of, and no question is under way."""
    if any(each.due_at is not None for each in world.order.confirmations):
        return True
    asking = any(isinstance(each, QueryRefund) for _, effects in world.lanes for each in effects)
    return not asking and any(_unheard(world, book) for book in world.books)


def _unheard(world: World, book: Book) -> bool:
    refund = world.order.refund(book.no)
    return refund is not None and refund.check_at is not None and book.stage in _ENDS


def _no(refund: str) -> int:
    parsed = parse(refund)
    assert parsed is not None
    return parsed.part_no


# ---- what has to hold


def broken(world: World) -> list[str]:
    """In any world whatever."""
    found = list(world.faults)
    if len(set(world.payments)) < len(world.payments):
        found.append("asked for twice")
    for its in world.order.confirmations:
        book = world.book(its.refund)
        if book is not None and its.refund not in world.payments:
            found.append("the provider has what nobody asked for")
        if its.withdrawn is not None and not its.executed and its.refund in world.payments:
            found.append("withdrawn before, and executed")
        undone = [each.undo for each in reversed(its.steps)]
        if its.withdrawn is not None and undone != sorted(undone, reverse=True):
            found.append("not undone in reverse order")
        if undone.count(Undo.ASKED) > 1:
            found.append("undone before the last one was proven")
    return found


def unsettled(world: World, before: Order) -> list[str]:
    """Of a world in which nothing can happen but what parties and persons decide; `before`: without any refund."""
    found = []
    for its in world.order.confirmations:
        refund, book = world.order.refund(its.refund), world.book(its.refund)
        assert refund is not None
        left_fen = book.amount_fen if book is not None and book.stage is RefundStage.SUCCEEDED else 0
        if its.withdrawn is None:
            if its.recovery is not None:
                found.append("recovered though not withdrawn")
            continue
        if not its.undone or any(each.undo is not Undo.PROVEN for each in its.steps):
            found.append("not undone")
        words = [word for _, no, word in world.heard if no == its.refund]
        if any(word not in (WITHDRAWN, "refund-recovery") for word in words):
            found.append(f"a system still believes {words}")
        if (its.recovery.amount_fen if its.recovery is not None else 0) != left_fen:
            found.append("the recovery is not what left")
        if not left_fen and refund.stage not in (RefundStage.WITHDRAWN, RefundStage.FAILED):
            found.append("its sum is still held")
    if all(each.withdrawn is not None for each in world.order.confirmations):
        now = (world.order.owed_fen, world.order.refunded_fen, status(world.order), world.order.lines)
        if now != (before.owed_fen, before.refunded_fen, status(before), before.lines):
            found.append("the order is not as before")
    return found


def is_quiet(world: World) -> bool:
    waiting = any(each.due_at is not None for each in world.order.confirmations)
    under_way = any(book.stage is RefundStage.ACCEPTED or _unheard(world, book) for book in world.books)
    return not (world.lanes or waiting or under_way)


def recoveries(world: World) -> list[Any]:
    """What persons may do about what is to be recovered."""
    commands: list[Command] = []
    for its in world.order.confirmations:
        if its.recovery is not None and its.recovery.is_open:
            half_fen = max(1, its.recovery.left_fen // 2)
            commands += [
                RecordRepayment(
                    order=ID, refund=its.refund, amount_fen=half_fen, reference=f"B{its.recovery.repaid_fen}",
                    repaid_at=NOON + timedelta(days=1),
                ),
                WriteOffRecovery(order=ID, refund=its.refund, by=ANN, reason="small"),
            ]  # fmt: skip
    return commands
