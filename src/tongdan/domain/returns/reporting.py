"""How an after-sale comes to be known: its channel says that something happened and is asked what, or tells it all.

Every report has a place: money or goods that have changed hands first, then the channel's own time, then how far along
it is. Only what comes later in this order is news, so lost, repeated and reordered messages all lead to one state. A
word that no map knows is told of and changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleReport, AfterSaleStage, further
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Fact, Refusal, WakeUp
from tongdan.domain.kernel.policy import AfterSaleMap
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.returns.commands import (
    LookAtAfterSale,
    NoteMatch,
    NotePaidBack,
    OpenAfterSale,
    RecordAfterSale,
    RecordReturnTracks,
)
from tongdan.domain.returns.facts import (
    AfterSaleAsked,
    AfterSaleContradicted,
    AfterSaleMatched,
    AfterSaleNotUnderstood,
    AfterSaleOpened,
    AfterSaleOverdue,
    AfterSaleReported,
    AfterSaleUnmatched,
    FetchAfterSale,
    PayBackFailed,
    ReturnTracked,
)
from tongdan.domain.returns.folding import evolve
from tongdan.domain.returns.model import (
    WAITING,
    WORRY_NOT_TAKEN,
    WORRY_OVERDUE,
    WORRY_UNKNOWN,
    WORRY_UNMATCHED,
    AfterSale,
    partner_of,
    wake_at,
)

FETCH: Final = FetchAfterSale.__name__
DONE: Final = frozenset({AfterSaleStage.REFUNDED, AfterSaleStage.EXCHANGED})
SIGNED: Final = "signed"  # of a carrier's map
ON_THE_WAY_BACK: Final = (AfterSaleStage.AWAITING_RETURN, AfterSaleStage.RETURNING)


def look_at_after_sale(
    after_sale: AfterSale | None, command: LookAtAfterSale, ctx: Context
) -> Decision | Refusal:
    if after_sale is not None and _known(after_sale, command):
        return NOTHING
    asked = AfterSaleAsked(
        channel=command.channel,
        shop=command.shop,
        native=command.native,
        number=command.number,
        said_at=command.said_at,
    )
    return ask_again(evolve(after_sale, asked), asked)


def _known(after_sale: AfterSale, command: LookAtAfterSale) -> bool:
    """Two changes of one second have one time: a message of its own is looked at all the same."""
    seen_at = max(filter(None, (after_sale.seen_at, after_sale.said_at)), default=None)
    return seen_at is not None and (
        command.said_at < seen_at or (command.said_at == seen_at and not command.again)
    )


def ask_again(after_sale: AfterSale, *facts: Fact) -> Decision:
    """One answer tells everything, so a question that has not been sent yet gives way to the new one."""
    fetch = FetchAfterSale(
        partner=partner_of(after_sale),
        channel=after_sale.channel,
        shop=after_sale.shop,
        native=after_sale.native,
        number=after_sale.number,
    )
    return Decision(facts, (fetch,), supersedes=(FETCH,))


def open_after_sale(after_sale: AfterSale | None, command: OpenAfterSale, ctx: Context) -> Decision | Refusal:
    facts: tuple[Fact, ...] = ()
    if after_sale is None:
        opened = AfterSaleOpened(
            channel=command.channel,
            shop=command.shop,
            native=command.native,
            number=command.number,
            said_at=command.report.said_at,
        )
        facts, after_sale = (opened,), evolve(None, opened)
    return Decision((*facts, *_report(after_sale, command.report, ctx)))


def record_after_sale(after_sale: AfterSale, command: RecordAfterSale, ctx: Context) -> Decision | Refusal:
    return Decision(_report(after_sale, command.report, ctx))


def _report(after_sale: AfterSale, report: AfterSaleReport, ctx: Context) -> tuple[Fact, ...]:
    how = map_of(after_sale.channel, ctx)
    kind = AfterSaleKind(how.kinds[report.kind]) if how and report.kind in how.kinds else None
    stage = AfterSaleStage(how.stages[report.stage]) if how and report.stage in how.stages else None
    if kind is None or stage is None:
        if WORRY_UNKNOWN in after_sale.worries:
            return ()
        return (
            AfterSaleNotUnderstood(
                native_kind=report.kind, native_stage=report.stage, said_at=report.said_at
            ),
        )
    told = AfterSaleReported(
        native_kind=report.kind,
        native_stage=report.stage,
        kind=kind,
        stage=stage,
        said_at=report.said_at,
        amount_fen=report.amount_fen,
        sold=report.sold,
        applied_at=report.applied_at or after_sale.applied_at,
        decide_by=_decide_by(after_sale, report, stage, how),
        reason=report.reason,
        carrier=_our_code(after_sale.channel, report.carrier, ctx),
        waybill=report.waybill,
        mark=report.mark,
        ends=tuple([worry for worry in after_sale.worries if worry in _ENDED_BY_NEWS]),
    )
    if after_sale.stage is None or _place(told) > place_of(after_sale):
        return (told,)
    if after_sale.stage in DONE and stage is not after_sale.stage and report.said_at > _said_at(after_sale):
        return (
            AfterSaleContradicted(
                native_stage=report.stage, stage=stage, said_at=report.said_at, amount_fen=report.amount_fen
            ),
        )
    return ()


_ENDED_BY_NEWS: Final = (WORRY_OVERDUE, WORRY_NOT_TAKEN, WORRY_UNKNOWN)
Place = tuple[bool, datetime, int, int, str, str, str]


def _place(told: AfterSaleReported) -> Place:
    done, along = told.stage in DONE, further(told.stage)
    return done, told.said_at, along, told.amount_fen, told.carrier, told.waybill, told.mark


def place_of(after_sale: AfterSale) -> Place:
    """Where what is known stands among all that may be reported. Something must be known."""
    stage = after_sale.stage
    assert stage is not None
    return (
        stage in DONE,
        _said_at(after_sale),
        further(stage),
        after_sale.amount_fen,
        after_sale.carrier,
        after_sale.waybill,
        after_sale.mark,
    )


def _said_at(after_sale: AfterSale) -> datetime:
    assert after_sale.said_at is not None
    return after_sale.said_at


def _decide_by(
    after_sale: AfterSale, report: AfterSaleReport, stage: AfterSaleStage, how: AfterSaleMap | None
) -> datetime | None:
    """When the platform decides; an own shop's buyer waits for a person, who is reminded."""
    if stage not in WAITING:
        return None
    if after_sale.own and how is not None:
        return report.said_at + timedelta(seconds=how.decide_within_s)
    return report.decide_by


def _our_code(channel: str, carrier: str, ctx: Context) -> str:
    """The warehouse's code of a carrier that the channel calls so; one that no map knows stands for itself."""
    known = ctx.policy.channels.get(channel)
    codes = {} if known is None else {theirs: ours for ours, theirs in known.carriers.items()}
    if known is not None and known.after_sale is not None:
        codes |= known.after_sale.carriers
    return codes.get(carrier, carrier)


def map_of(channel: str, ctx: Context) -> AfterSaleMap | None:
    known = ctx.policy.channels.get(channel)
    return None if known is None else known.after_sale


# ---- what the order, the carrier and the clock say of it


def note_match(after_sale: AfterSale, command: NoteMatch, ctx: Context) -> Decision | Refusal:
    if command.problem:
        if WORRY_UNMATCHED in after_sale.worries:
            return NOTHING
        return Decision((AfterSaleUnmatched(problem=command.problem),))
    worried = WORRY_UNMATCHED in after_sale.worries
    if command.units == after_sale.units and not worried:
        return NOTHING
    ends = (WORRY_UNMATCHED,) if worried else ()
    return Decision((AfterSaleMatched(units=command.units, ends=ends),))


def note_paid_back(after_sale: AfterSale, command: NotePaidBack, ctx: Context) -> Decision | Refusal:
    """An own shop's money: what has gone back ends the after-sale; what cannot go is a person's."""
    if command.problem:
        return Decision((PayBackFailed(problem=command.problem),))
    return Decision(own_move(after_sale, AfterSaleStage.REFUNDED, ctx))


def own_move(after_sale: AfterSale, stage: AfterSaleStage, ctx: Context) -> tuple[Fact, ...]:
    """An own shop's after-sale moves by our own hand, so by our own clock."""
    report = AfterSaleReport(
        kind=after_sale.native_kind,
        stage=stage.value,
        said_at=max(ctx.now, _said_at(after_sale)),
        amount_fen=after_sale.amount_fen,
        sold=after_sale.sold,
        reason=after_sale.reason,
        carrier=after_sale.carrier,
        waybill=after_sale.waybill,
    )
    return _report(after_sale, report, ctx)


def record_return_tracks(
    after_sale: AfterSale, command: RecordReturnTracks, ctx: Context
) -> Decision | Refusal:
    facts: list[Fact] = []
    for track in command.tracks:
        if after_sale.tracked_at is None or track.at > after_sale.tracked_at:
            facts.append(_tracked(track, ctx))
            after_sale = evolve(after_sale, facts[-1])
    if after_sale.own and after_sale.tracked == SIGNED and after_sale.stage in ON_THE_WAY_BACK:
        facts += own_move(after_sale, AfterSaleStage.RECEIVED, ctx)
    return Decision(tuple(facts))


def _tracked(track: Track, ctx: Context) -> ReturnTracked:
    carrier = ctx.policy.carriers.get(track.carrier)
    status = carrier.statuses.get(track.code, "") if carrier is not None else ""
    return ReturnTracked(
        carrier=track.carrier, waybill=track.waybill, code=track.code, status=status, at=track.at
    )


def wake(after_sale: AfterSale, command: WakeUp, ctx: Context) -> Decision | Refusal:
    """The time to answer is over: a platform is asked what it has decided, and somebody is told either way."""
    due = wake_at(after_sale)
    if due is None or ctx.now < due:
        return NOTHING
    overdue = AfterSaleOverdue(decide_by=due)
    return Decision((overdue,)) if after_sale.own else ask_again(after_sale, overdue)
