"""How facts about confirmations fold into the state of an order; what is decided is in `marking` and `withdrawal`.

A refund that waits for its marks stands among the order's refunds from the start, so that its sum is held. Withdrawn
it covers nothing that is owed any more, but its payment is set free only if the money never left.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.axes import REFUND, RefundStage
from tongdan.domain.orders.confirmation import facts as f
from tongdan.domain.orders.confirmation.model import Confirmation, Mark, Recovery, Step, Undo
from tongdan.domain.orders.confirmation.words import WITHDRAWN
from tongdan.domain.orders.model import (
    WORRY_RECOVERY,
    WORRY_WITHDRAWN,
    Order,
    Refund,
    refund_worry,
)


def _proposed(order: Order, fact: f.RefundProposed) -> Order:
    refund = Refund(
        no=fact.refund,
        attempt=fact.attempt,
        transaction=fact.transaction,
        amount_fen=fact.amount_fen,
        stage=RefundStage.HELD,
    )
    confirmation = Confirmation(
        refund=fact.refund,
        cause=fact.cause,
        reason=fact.reason,
        adds_fen=fact.adds_fen,
        cooling_s=fact.cooling_s,
        proposed_at=fact.proposed_at,
        partners=fact.partners,
    )
    return replace(
        order,
        refunds=(*order.refunds, refund),
        confirmations=(*order.confirmations, confirmation),
        owed_fen=order.owed_fen + fact.adds_fen,
    )


def _marked(order: Order, fact: f.RefundMarked) -> Order:
    its = _its(order, fact.refund)
    mark = Mark(party=fact.party, by=fact.by, at=fact.marked_at)
    return _on(order, fact.refund, marks=(*its.marks, mark))


def _confirmed(order: Order, fact: f.RefundConfirmed) -> Order:
    return _on(order, fact.refund, due_at=fact.due_at)


def _announced(order: Order, fact: f.RefundAnnounced) -> Order:
    its = _its(order, fact.refund)
    undo = Undo.ASKED if fact.word == WITHDRAWN else Undo.NO
    step = Step(partner=fact.partner, said=fact.word, undo=undo)
    if any(each.partner == fact.partner for each in its.steps):
        steps = tuple([step if each.partner == fact.partner else each for each in its.steps])
    else:
        steps = (*its.steps, step)
    return _on(order, fact.refund, steps=steps)


def _told(order: Order, fact: f.RefundTold) -> Order:
    undo = Undo.PROVEN if fact.word == WITHDRAWN else Undo.NO
    steps = [
        replace(each, proven=True, undo=undo) if each.partner == fact.partner else each
        for each in _its(order, fact.refund).steps
    ]
    return _on(order, fact.refund, steps=tuple(steps))


def _withdrawn(order: Order, fact: f.RefundWithdrawn) -> Order:
    its, refund = _its(order, fact.refund), order.refund(fact.refund)
    assert refund is not None
    stage = refund.stage if fact.executed else REFUND.step(refund.stage, RefundStage.WITHDRAWN)
    refunds = [
        replace(each, withdrawn=True, stage=stage) if each.no == fact.refund else each
        for each in order.refunds
    ]
    frees_fen = its.adds_fen if fact.frees_fen is None else fact.frees_fen
    units = {each.line: each.units for each in its.units}
    lines = [replace(line, refunded=line.refunded - units.get(line.line.no, 0)) for line in order.lines]
    order = replace(order, refunds=tuple(refunds), lines=tuple(lines), owed_fen=order.owed_fen - frees_fen)
    if fact.still_owed_fen:
        order = _worry(order, WORRY_WITHDRAWN, fact.refund)
    mark = Mark(party=fact.party, by=fact.by, at=fact.withdrawn_at)
    return _on(order, fact.refund, withdrawn=mark, due_at=None)


def _called_off(order: Order, fact: f.RefundCalledOff) -> Order:
    refunds = [
        replace(each, stage=REFUND.step(each.stage, RefundStage.FAILED), check_at=None)
        if each.no == fact.refund
        else each
        for each in order.refunds
    ]
    return replace(order, refunds=tuple(refunds))


def _undone(order: Order, fact: f.RefundUndone) -> Order:
    return _on(order, fact.refund, undone=True)


def _recovery_opened(order: Order, fact: f.RecoveryOpened) -> Order:
    order = _on(order, fact.refund, recovery=Recovery(amount_fen=fact.amount_fen))
    return _worry(order, WORRY_RECOVERY, fact.refund)


def _repaid(order: Order, fact: f.RecoveryRepaid) -> Order:
    recovery = _its(order, fact.refund).recovery
    assert recovery is not None
    recovery = replace(
        recovery,
        repaid_fen=recovery.repaid_fen + fact.amount_fen,
        references=(*recovery.references, fact.reference),
    )
    return _without(_on(order, fact.refund, recovery=recovery), fact.ends)


def _written_off(order: Order, fact: f.RecoveryWrittenOff) -> Order:
    recovery = _its(order, fact.refund).recovery
    assert recovery is not None
    return _without(_on(order, fact.refund, recovery=replace(recovery, written_off=True)), fact.ends)


def _disputed(order: Order, _: f.RefundDisputed) -> Order:
    return order


def _its(order: Order, no: int) -> Confirmation:
    its = order.confirmation(no)
    assert its is not None
    return its


def _on(order: Order, no: int, **changes: object) -> Order:
    its = [replace(each, **changes) if each.refund == no else each for each in order.confirmations]
    return replace(order, confirmations=tuple(its))


def _worry(order: Order, kind: str, no: int) -> Order:
    worry = refund_worry(kind, no)
    return order if worry in order.worries else replace(order, worries=(*order.worries, worry))


def _without(order: Order, ends: tuple[str, ...]) -> Order:
    return replace(order, worries=tuple([each for each in order.worries if each not in ends]))


CONFIRMATION: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.RefundProposed: _proposed,
    f.RefundMarked: _marked,
    f.RefundConfirmed: _confirmed,
    f.RefundAnnounced: _announced,
    f.RefundTold: _told,
    f.RefundWithdrawn: _withdrawn,
    f.RefundCalledOff: _called_off,
    f.RefundUndone: _undone,
    f.RecoveryOpened: _recovery_opened,
    f.RecoveryRepaid: _repaid,
    f.RecoveryWrittenOff: _written_off,
    f.RefundDisputed: _disputed,
}
