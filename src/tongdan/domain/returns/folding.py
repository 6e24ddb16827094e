"""How facts fold into the state of an after-sale. Nothing is decided here."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import EFFECT_FACTS, Fact
from tongdan.domain.returns import facts as f
from tongdan.domain.returns.model import (
    WORRY_NOT_TAKEN,
    WORRY_OVERDUE,
    WORRY_UNKNOWN,
    WORRY_UNMATCHED,
    AfterSale,
    Given,
)


def evolve(after_sale: AfterSale | None, fact: Fact) -> AfterSale:
    """The state after `fact`. Raises KeyError for a fact that is none of an after-sale's."""
    if after_sale is not None and type(fact) in EFFECT_FACTS:
        return after_sale
    return _EVOLVE[type(fact)](after_sale, fact)


def _asked(after_sale: AfterSale | None, fact: f.AfterSaleAsked) -> AfterSale:
    if after_sale is None:
        after_sale = _begun(fact)
    return replace(after_sale, seen_at=max(after_sale.seen_at or fact.said_at, fact.said_at))


def _opened(_: AfterSale | None, fact: f.AfterSaleOpened) -> AfterSale:
    return replace(_begun(fact), own=True)


def _begun(fact: f.AfterSaleAsked | f.AfterSaleOpened) -> AfterSale:
    return AfterSale(channel=fact.channel, shop=fact.shop, native=fact.native, number=fact.number)


_TOLD: Final = (
    "native_kind", "native_stage", "kind", "stage", "said_at", "amount_fen", "sold", "applied_at", "decide_by",
    "reason", "carrier", "waybill", "mark",
)  # fmt: skip


def _reported(after_sale: AfterSale, fact: f.AfterSaleReported) -> AfterSale:
    told: dict[str, Any] = {name: getattr(fact, name) for name in _TOLD}
    return replace(after_sale, **told, worries=_without(after_sale, fact.ends))


def _not_understood(after_sale: AfterSale, _: f.AfterSaleNotUnderstood) -> AfterSale:
    return _worry(after_sale, WORRY_UNKNOWN)


def _contradicted(after_sale: AfterSale, fact: f.AfterSaleContradicted) -> AfterSale:
    return replace(after_sale, seen_at=max(after_sale.seen_at or fact.said_at, fact.said_at))


def _matched(after_sale: AfterSale, fact: f.AfterSaleMatched) -> AfterSale:
    return replace(after_sale, units=fact.units, worries=_without(after_sale, fact.ends))


def _unmatched(after_sale: AfterSale, _: f.AfterSaleUnmatched) -> AfterSale:
    return _worry(replace(after_sale, units=()), WORRY_UNMATCHED)


def _overdue(after_sale: AfterSale, _: f.AfterSaleOverdue) -> AfterSale:
    return _worry(after_sale, WORRY_OVERDUE)


def _answered(after_sale: AfterSale, fact: f.AnswerAsked) -> AfterSale:
    given = Given(no=fact.no, answer=fact.answer, stage=fact.stage)
    return replace(after_sale, answers=(*after_sale.answers, given))


def _taken(after_sale: AfterSale, fact: f.AnswerTaken) -> AfterSale:
    return _settled(after_sale, fact.no, taken=True)


def _not_taken(after_sale: AfterSale, fact: f.AnswerNotTaken) -> AfterSale:
    return _worry(_settled(after_sale, fact.no, taken=False, error=fact.error), WORRY_NOT_TAKEN)


def _settled(after_sale: AfterSale, no: int, **changes: object) -> AfterSale:
    answers = [replace(each, **changes) if each.no == no else each for each in after_sale.answers]
    return replace(after_sale, answers=tuple(answers))


def _pay_back_failed(after_sale: AfterSale, _: f.PayBackFailed) -> AfterSale:
    return _worry(after_sale, WORRY_NOT_TAKEN)


def _tracked(after_sale: AfterSale, fact: f.ReturnTracked) -> AfterSale:
    return replace(after_sale, tracked=fact.status, tracked_at=fact.at)


def _worry(after_sale: AfterSale, worry: str) -> AfterSale:
    if worry in after_sale.worries:
        return after_sale
    return replace(after_sale, worries=(*after_sale.worries, worry))


def _without(after_sale: AfterSale, ends: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([worry for worry in after_sale.worries if worry not in ends])


_EVOLVE: Final[dict[type[Fact], Callable[..., AfterSale]]] = {
    f.AfterSaleAsked: _asked,
    f.AfterSaleOpened: _opened,
    f.AfterSaleReported: _reported,
    f.AfterSaleNotUnderstood: _not_understood,
    f.AfterSaleContradicted: _contradicted,
    f.AfterSaleMatched: _matched,
    f.AfterSaleUnmatched: _unmatched,
    f.AfterSaleOverdue: _overdue,
    f.AnswerAsked: _answered,
    f.AnswerTaken: _taken,
    f.AnswerNotTaken: _not_taken,
    f.PayBackFailed: _pay_back_failed,
    f.ReturnTracked: _tracked,
}
