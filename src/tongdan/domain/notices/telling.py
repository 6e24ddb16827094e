"""How a notice is sent, followed to its receipt, and led to the next way where one fails.

Each thing of an order is told once, for the notice is named after it. A receipt counts for whichever sending it is of:
what has arrived has arrived. Nothing here knows a phone number; a provider's adapter opens it when it sends.
"""

from datetime import datetime, timedelta, timezone
from typing import Final

from tongdan.domain.kernel.drafts import Draft
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import notice_of, sending_id
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal, WakeUp
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.notices import ASKABLE, KINDS, NoticeRule, Way, quiet_until
from tongdan.domain.notices import refusals
from tongdan.domain.notices.commands import (
    PlanNotice,
    RecordNobodyThere,
    RecordNoticeRefused,
    RecordNoticeSent,
    RecordReceipt,
    ResendNotice,
)
from tongdan.domain.notices.facts import (
    AskReceipt,
    NoticeDelivered,
    NoticeMissed,
    NoticePlanned,
    NoticeReceiptAsked,
    NoticeResent,
    NoticeSending,
    NoticeSent,
    NoticeWithheld,
    SendNotice,
)
from tongdan.domain.notices.model import MAX_SENDINGS, WORRY_MISSED, Notice, NoticeStage, evolve

UNSENT: Final = "not-taken-in-time"
NO_RECEIPT: Final = "no-receipt"
ERASED: Final = "erased"
_OPEN: Final = (NoticeStage.SENDING, NoticeStage.SENT, NoticeStage.UNKNOWN)
_OVER: Final = (NoticeStage.DELIVERED, NoticeStage.WITHHELD)
_ON_ITS_WAY: Final = (NoticeStage.WAITING, NoticeStage.SENDING, NoticeStage.SENT)
_CALLS: Final = (SendNotice.__name__, AskReceipt.__name__)


def plan_notice(notice: Notice | None, command: PlanNotice, ctx: Context) -> Decision | Refusal:
    """Nothing is planned twice, nor without a rule."""
    if notice is not None:
        return NOTHING
    if command.kind not in KINDS or not command.about or "/" in command.about:
        return refusals.BAD_ABOUT.of(kinds=", ".join(KINDS))
    rule = _rule(command.order, command.shop, command.kind, ctx)
    if rule is None:
        return NOTHING
    send_at = quiet_until(ctx.policy.notices.quiet, ctx.now)
    planned = NoticePlanned(
        order=command.order,
        shop=command.shop,
        kind=command.kind,
        about=command.about,
        happened_at=command.happened_at,
        ways=rule.ways,
        carrier=command.carrier,
        waybill=command.waybill,
        amount_fen=command.amount_fen,
        send_at=send_at,
    )
    draft = Draft(evolve, evolve(None, planned), planned)
    if send_at is None:
        _send(draft, ctx, 0)
    return draft.decision()


def resend_notice(notice: Notice, command: ResendNotice, ctx: Context) -> Decision | Refusal:
    if notice.stage in _OVER:
        return refusals.ARRIVED.of(notice=ctx.id)
    if notice.stage in _ON_ITS_WAY:
        return refusals.UNDER_WAY.of(notice=ctx.id, stage=notice.stage.name.lower())
    if notice.no >= MAX_SENDINGS:
        return refusals.TOO_MANY.of(notice=ctx.id, limit=MAX_SENDINGS)
    rule = _rule(notice.order, notice.shop, notice.kind, ctx)
    if rule is None:
        return refusals.NO_RULE.of(shop=notice.shop, kind=notice.kind)
    draft = Draft(evolve, notice)
    draft.withdraw(*_CALLS)
    draft.tell(NoticeResent(reason=command.reason, ways=rule.ways))
    _send(draft, ctx, 0)
    return draft.decision()


def _rule(order: str, shop: str, kind: str, ctx: Context) -> NoticeRule | None:
    parsed = parse(order)
    return None if parsed is None else ctx.policy.notices.rule(kind, parsed.channel, shop)


def _send(draft: Draft[Notice], ctx: Context, way: int) -> None:
    notice = draft.state
    by = notice.ways[way]
    give_up_at = ctx.now + timedelta(seconds=ctx.policy.notices.send_within_s)
    no = notice.no + 1
    draft.tell(NoticeSending(no=no, way=way, means=by.means, give_up_at=give_up_at))
    texts = _texts(notice, by, ctx)
    draft.do(
        SendNotice(
            partner=partner(by.means),
            sending=sending_id(ctx.id, no),
            shop=notice.shop,
            template=by.template,
            language=by.language,
            values={theirs: texts[ours] for theirs, ours in by.fields.items()},
            signature=by.signature,
            page=by.page.replace("{order}", notice.order),
        )
    )


def partner(means: str) -> str:
    return f"notice/{means}"


def _texts(notice: Notice, way: Way, ctx: Context) -> dict[str, str]:
    """What templates may be filled with, in the language of the way."""
    shop, carrier = ctx.policy.shops.get(notice.shop), ctx.policy.carriers.get(notice.carrier)
    named = notice.carrier
    if carrier is not None:
        named = carrier.name_zh if way.language == "zh" else carrier.name_en
    quiet = ctx.policy.notices.quiet
    zone = timezone(timedelta(minutes=quiet.zone_minutes if quiet is not None else 480))
    return {
        "order": notice.order,
        "shop": shop.name if shop is not None else notice.shop,
        "carrier": named,
        "waybill": notice.waybill,
        "amount": yuan_from_fen(notice.amount_fen),
        "at": notice.happened_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
    }


# ---- what became of it


def record_sent(notice: Notice, command: RecordNoticeSent, ctx: Context) -> Decision | Refusal:
    """The receipt may have been faster than this answer, or the way given up."""
    _, no = notice_of(command.sending)
    if no != notice.no or notice.stage not in (NoticeStage.SENDING, NoticeStage.UNKNOWN):
        return NOTHING
    check_at = ctx.now + timedelta(seconds=ctx.policy.notices.receipt_within_s)
    fact = NoticeSent(
        no=no, means=notice.means, reference=command.reference, sent_at=ctx.now, check_at=check_at
    )
    return Decision((fact,))


def record_refused(notice: Notice, command: RecordNoticeRefused, ctx: Context) -> Decision | Refusal:
    _, no = notice_of(command.sending)
    if no != notice.no or notice.stage not in (NoticeStage.SENDING, NoticeStage.UNKNOWN):
        return NOTHING
    draft = Draft(evolve, notice)
    _miss(draft, ctx, command.reason, certain=True)
    return draft.decision()


def record_nobody_there(notice: Notice, command: RecordNobodyThere, ctx: Context) -> Decision | Refusal:
    _, no = notice_of(command.sending)
    if no != notice.no or notice.stage not in _OPEN:
        return NOTHING
    return Decision((NoticeWithheld(no=no, reason=ERASED, ends=_ends(notice)),))


def record_receipt(notice: Notice, command: RecordReceipt, ctx: Context) -> Decision | Refusal:
    """Of an earlier sending only a yes counts: the later one stands for what failed before."""
    _, no = notice_of(command.sending)
    if notice.stage in _OVER or not 0 < no <= notice.no:
        return NOTHING
    draft = Draft(evolve, notice)
    if command.delivered:
        draft.withdraw(*_CALLS)
        draft.tell(NoticeDelivered(no=no, delivered_at=command.said_at, ends=_ends(notice)))
    elif no == notice.no and notice.stage in _OPEN:
        _miss(draft, ctx, command.code, certain=True)
    else:
        return NOTHING
    return draft.decision()


def _ends(notice: Notice) -> tuple[str, ...]:
    return (WORRY_MISSED,) if notice.worried else ()


def _miss(draft: Draft[Notice], ctx: Context, reason: str, *, certain: bool) -> None:
    """On in the next way; after the last a person has to look."""
    notice = draft.state
    last = notice.way + 1 >= len(notice.ways) or notice.no >= MAX_SENDINGS
    again_at = None if last else quiet_until(ctx.policy.notices.quiet, ctx.now)
    draft.tell(
        NoticeMissed(
            no=notice.no,
            means=notice.means,
            reason=reason[:64],
            certain=certain,
            last=last,
            again_at=again_at,
        )
    )
    if not last:
        draft.withdraw(*_CALLS)
    if not last and again_at is None:
        _send(draft, ctx, notice.way + 1)


def wake(notice: Notice, command: WakeUp, ctx: Context) -> Decision | Refusal:
    if notice.due_at is None or ctx.now < notice.due_at:
        return NOTHING
    draft = Draft(evolve, notice)
    if notice.stage is NoticeStage.WAITING:
        _send(draft, ctx, notice.way)
    elif notice.stage is NoticeStage.SENDING:
        _miss(draft, ctx, UNSENT, certain=False)
    elif notice.means in ASKABLE and notice.asked < ctx.policy.notices.ask_times:
        _ask(draft, ctx)
    else:
        _miss(draft, ctx, NO_RECEIPT, certain=False)
    return draft.decision()


def _ask(draft: Draft[Notice], ctx: Context) -> None:
    notice = draft.state
    again_at: datetime = ctx.now + timedelta(seconds=ctx.policy.notices.receipt_within_s)
    draft.tell(NoticeReceiptAsked(no=notice.no, times=notice.asked + 1, check_at=again_at))
    draft.do(
        AskReceipt(
            partner=partner(notice.means),
            sending=sending_id(ctx.id, notice.no),
            reference=notice.reference,
            sent_at=notice.sent_at or ctx.now,
        )
    )
