"""After-sales: what an order, its after-sales and the names they are known by hear of each other.

A platform's word -> order (which numbers it) -> after-sale (which asks) -> order (lines, status, money) -> after-sale.
"""

from typing import Final

from tongdan.domain.kernel.after_sales import AfterSaleReport, AfterSaleStage
from tongdan.domain.kernel.ids import after_sale_id, parse
from tongdan.domain.kernel.keys import AFTER_SALE, after_sale_alias, kind_of, waybill_alias
from tongdan.domain.kernel.messages import EffectSkipped
from tongdan.domain.orders import after_sale_commands as cases
from tongdan.domain.orders import after_sale_facts as told
from tongdan.domain.orders.money.refund_facts import RefundSucceeded
from tongdan.domain.returns import commands as returns
from tongdan.domain.returns import facts as said
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import ClaimAlias, RaiseTicket, ResolveTicket
from tongdan.flow.routing import Commands, Recorded

GIVEN_UP: Final = "given-up"


def look_at_noted(fact: told.AfterSaleNoted, at: Recorded) -> Commands:
    yield returns.LookAtAfterSale(
        after_sale=after_sale_id(at.aggregate, fact.no),
        channel=fact.channel,
        shop=fact.shop,
        native=fact.native,
        number=fact.number,
        said_at=fact.said_at,
        again=fact.again,
    )


def open_requested(fact: told.AfterSaleRequested, at: Recorded) -> Commands:
    yield returns.OpenAfterSale(
        after_sale=after_sale_id(at.aggregate, fact.no),
        channel=fact.channel,
        shop=fact.shop,
        native=fact.native,
        number=fact.number,
        report=AfterSaleReport(
            kind=fact.kind.value,
            stage=AfterSaleStage.APPLIED.value,
            said_at=fact.said_at,
            applied_at=fact.said_at,
            amount_fen=fact.amount_fen,
            sold=fact.sold,
            reason=fact.reason,
        ),
    )


def record_told(fact: told.AfterSaleToldByBuyer, at: Recorded) -> Commands:
    yield returns.RecordAfterSale(
        after_sale=after_sale_id(at.aggregate, fact.no),
        report=AfterSaleReport(
            kind=fact.kind.value,
            stage=fact.stage.value,
            said_at=fact.said_at,
            amount_fen=fact.amount_fen,
            sold=fact.sold,
            carrier=fact.carrier,
            waybill=fact.waybill,
        ),
    )


def note_match(fact: told.AfterSalePlaced, at: Recorded) -> Commands:
    yield returns.NoteMatch(
        after_sale=after_sale_id(at.aggregate, fact.no),
        units=tuple([said.LineUnits(each.line, each.units) for each in fact.units]),
        problem=fact.problem,
    )


def note_reported(fact: said.AfterSaleReported, at: Recorded) -> Commands:
    its, no = _of(at.aggregate)
    yield cases.NoteAfterSale(
        order=its,
        no=no,
        kind=fact.kind,
        stage=fact.stage,
        sold=fact.sold,
        amount_fen=fact.amount_fen,
        said_at=fact.said_at,
    )


def settle(fact: RefundSucceeded, at: Recorded) -> Commands:
    yield cases.SettleAfterSales(order=at.aggregate)


def note_settled(fact: told.AfterSaleSettled, at: Recorded) -> Commands:
    yield returns.NotePaidBack(after_sale=after_sale_id(at.aggregate, fact.no))


def note_not_paid_back(fact: told.AfterSalePaidBack, at: Recorded) -> Commands:
    if fact.problem:
        yield returns.NotePaidBack(after_sale=after_sale_id(at.aggregate, fact.no), problem=fact.problem)


def claim_number(fact: said.AfterSaleAsked | said.AfterSaleOpened, at: Recorded) -> Commands:
    yield ClaimAlias(alias=after_sale_alias(fact.channel, fact.shop, fact.number), order=at.aggregate)


def claim_return_waybill(fact: said.AfterSaleReported, at: Recorded) -> Commands:
    """A carrier's or a warehouse's word about the goods that come back leads here by it."""
    if fact.waybill and fact.carrier:
        yield ClaimAlias(alias=waybill_alias(fact.carrier, fact.waybill), order=at.aggregate)


def give_up_answer(fact: EffectSkipped, at: Recorded) -> Commands:
    """An answer that nobody knows to have arrived is not waited for, whatever was skipped: the platform is asked."""
    if kind_of(at.aggregate) == AFTER_SALE:
        yield returns.RecordAnswer(after_sale=at.aggregate, no=0, error=GIVEN_UP)


def _of(after_sale: str) -> tuple[str, int]:
    parsed = parse(after_sale)
    assert parsed is not None
    return parsed.order, parsed.part_no


# ---- what needs eyes


def unmatched(fact: said.AfterSaleUnmatched, at: Recorded) -> Commands:
    yield RaiseTicket(subject=at.aggregate, kind=kinds.AFTER_SALE_UNMATCHED, summary=fact.problem)


def overdue(fact: said.AfterSaleOverdue, at: Recorded) -> Commands:
    yield RaiseTicket(subject=at.aggregate, kind=kinds.AFTER_SALE_OVERDUE, summary=fact.decide_by.isoformat())


def not_taken(fact: said.AnswerNotTaken, at: Recorded) -> Commands:
    summary = f"{fact.answer} #{fact.no}: {fact.error}"
    yield RaiseTicket(subject=at.aggregate, kind=kinds.AFTER_SALE_NOT_TAKEN, summary=summary)


def not_paid_back(fact: said.PayBackFailed, at: Recorded) -> Commands:
    yield RaiseTicket(subject=at.aggregate, kind=kinds.AFTER_SALE_NOT_TAKEN, summary=fact.problem)


def not_understood(fact: said.AfterSaleNotUnderstood, at: Recorded) -> Commands:
    summary = f"{fact.native_kind} {fact.native_stage}"
    yield RaiseTicket(subject=at.aggregate, kind=kinds.UNKNOWN_STATUS, summary=summary)


def contradicted(fact: said.AfterSaleContradicted, at: Recorded) -> Commands:
    summary = f"{fact.native_stage} {fact.amount_fen} fen"
    yield RaiseTicket(subject=at.aggregate, kind=kinds.CHANNEL_CONTRADICTS, summary=summary)


def healed(fact: said.AfterSaleReported | said.AfterSaleMatched, at: Recorded) -> Commands:
    for worry in fact.ends:
        yield ResolveTicket(subject=at.aggregate, kind=worry, evidence=type(fact).__name__)
