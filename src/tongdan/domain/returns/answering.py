"""How a person answers an after-sale: what is possible at its stage, and what becomes of the answer.

Which answer fits is a table over kind and stage. One answer at a time is on its way; what the platform says to it is a
fact, and either way it is asked again how the after-sale stands. An own shop's after-sale moves at once, and its money
is asked of the order.
"""

from collections.abc import Mapping
from typing import Final

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Effect, Fact, Refusal
from tongdan.domain.returns import refusals
from tongdan.domain.returns.commands import AnswerAfterSale, RecordAnswer
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Answer,
    AnswerAsked,
    AnswerNotTaken,
    AnswerTaken,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.returns.folding import evolve
from tongdan.domain.returns.model import AfterSale, case_of, partner_of
from tongdan.domain.returns.reporting import ask_again, map_of, own_move

MAX_ANSWERS: Final = 20
MAX_NOTE: Final = 200
_K, _S = AfterSaleKind, AfterSaleStage
MONEY: Final = frozenset({_K.REFUND_ONLY, _K.PRICE_PROTECTION})
GOODS: Final = frozenset({_K.RETURN_REFUND, _K.EXCHANGE, _K.REPAIR})  # they come back first

# What an answer leads to in an own shop; on a platform the platform says.
OWN_STAGE: Final[Mapping[Answer, AfterSaleStage]] = {
    Answer.AGREE: _S.AWAITING_RETURN,
    Answer.REFUND: _S.REFUNDING,
    Answer.REFUSE: _S.REFUSED,
    Answer.SEND: _S.RESENT,
}


def possible(after_sale: AfterSale) -> tuple[Answer, ...]:
    """What may be answered now."""
    kind, stage = after_sale.kind, after_sale.stage
    if kind is None or stage is None:
        return ()
    if stage is _S.APPLIED:
        if kind in MONEY:
            return Answer.REFUND, Answer.REFUSE
        return Answer.AGREE if kind in GOODS else Answer.SEND, Answer.REFUSE
    if stage in (_S.RETURNING, _S.RECEIVED):
        return Answer.REFUND if kind is _K.RETURN_REFUND else Answer.SEND, Answer.REFUSE
    return (Answer.SEND,) if stage is _S.RESENDING else ()


def answer_after_sale(after_sale: AfterSale, command: AnswerAfterSale, ctx: Context) -> Decision | Refusal:
    if refusal := _not_possible(after_sale, command, ctx):
        return refusal
    address = command.address or _address(after_sale, ctx)
    if refusal := _incomplete(after_sale, command, address, ctx):
        return refusal
    assert after_sale.stage is not None
    asked = AnswerAsked(
        no=len(after_sale.answers) + 1,
        answer=command.answer,
        stage=after_sale.stage,
        amount_fen=after_sale.amount_fen,
        reason=command.reason,
        note=command.note[:MAX_NOTE],
        evidence=command.evidence,
        address=address if command.answer is Answer.AGREE else "",
        carrier=command.carrier,
        waybill=command.waybill,
    )
    if not after_sale.own:
        return Decision((asked,), (_effect(after_sale, asked),))
    taken = AnswerTaken(no=asked.no, answer=asked.answer)
    after = evolve(evolve(after_sale, asked), taken)
    return Decision((asked, taken, *own_move(after, OWN_STAGE[asked.answer], ctx)))


def _not_possible(after_sale: AfterSale, command: AnswerAfterSale, ctx: Context) -> Refusal | None:
    choices, pending = possible(after_sale), after_sale.pending
    stage = "unknown" if after_sale.stage is None else after_sale.stage.value
    if map_of(after_sale.channel, ctx) is None:
        return refusals.NOT_ANSWERED_HERE.of(channel=after_sale.channel)
    if not choices:
        return refusals.NOT_WAITING.of(after_sale=ctx.id, stage=stage)
    if pending is not None:
        return refusals.ANSWER_PENDING.of(after_sale=ctx.id, answer=pending.answer.value)
    if command.answer not in choices:
        return refusals.ANSWER_NOT_POSSIBLE.of(
            answer=command.answer.value,
            after_sale=ctx.id,
            kind=after_sale.kind,
            stage=stage,
            possible=", ".join(choices),
        )
    if len(after_sale.answers) >= MAX_ANSWERS:
        return refusals.TOO_MANY_ANSWERS.of(after_sale=ctx.id, limit=MAX_ANSWERS)
    return None


def _incomplete(
    after_sale: AfterSale, command: AnswerAfterSale, address: str, ctx: Context
) -> Refusal | None:
    how = map_of(after_sale.channel, ctx)
    assert how is not None
    if command.answer is Answer.REFUSE and command.reason not in how.reasons:
        known = ", ".join(f"{code} ({what})" for code, what in how.reasons.items())
        return refusals.UNKNOWN_REASON.of(channel=after_sale.channel, known=known, reason=command.reason)
    if command.answer is Answer.AGREE and not address:
        return refusals.NO_ADDRESS.of(channel=after_sale.channel, shop=after_sale.shop)
    if command.answer is Answer.SEND and not (command.carrier and command.waybill):
        return refusals.NO_WAYBILL.of()
    return None


def _address(after_sale: AfterSale, ctx: Context) -> str:
    how = map_of(after_sale.channel, ctx)
    return "" if how is None else how.return_addresses.get(after_sale.shop, "")


def _effect(after_sale: AfterSale, asked: AnswerAsked) -> Effect:
    partner, case = partner_of(after_sale), case_of(after_sale)
    match asked.answer:
        case Answer.AGREE:
            return AgreeToReturn(partner=partner, no=asked.no, case=case, address=asked.address)
        case Answer.REFUND:
            return AgreeToRefund(partner=partner, no=asked.no, case=case)
        case Answer.REFUSE:
            return RefuseAfterSale(
                partner=partner,
                no=asked.no,
                case=case,
                reason=asked.reason,
                note=asked.note,
                evidence=asked.evidence,
            )
        case Answer.SEND:
            return SendReplacement(
                partner=partner, no=asked.no, case=case, carrier=asked.carrier, waybill=asked.waybill
            )


def record_answer(after_sale: AfterSale, command: RecordAnswer, ctx: Context) -> Decision | Refusal:
    """Taken or not, the platform is asked how the after-sale stands now."""
    given = next(
        (each for each in after_sale.answers if command.no in (0, each.no) and each.taken is None), None
    )
    if given is None:
        return NOTHING
    fact: Fact = AnswerTaken(no=given.no, answer=given.answer)
    if command.error:
        fact = AnswerNotTaken(no=given.no, answer=given.answer, error=command.error)
    return ask_again(after_sale, fact)
