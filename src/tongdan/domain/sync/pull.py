"""The pull of a shop: what its channel lists as changed is read span by span, so that a lost push is found in minutes.

The watermark moves only over spans that were read whole, each span begins an overlap before it, and none reaches
closer to the present than the platform's index can be trusted. Pages are read from the last to the first: an order
that is changed while we read leaves the span, and whatever moves up for it moves towards pages still to come. So no
instant is skipped, whatever fails; an order that is listed twice is the order aggregate's to recognise.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.after_sales import AFTER_SALES
from tongdan.domain.kernel.messages import (
    EFFECT_FACTS,
    NOTHING,
    Context,
    Decision,
    Fact,
    Refusal,
    RefusalKind,
    WakeUp,
)
from tongdan.domain.kernel.policy import CURSOR, Listing
from tongdan.domain.sync.commands import RecordListing, RequestBackfill, StartPull
from tongdan.domain.sync.pull_facts import (
    BackfillQueued,
    ListOrders,
    PageAsked,
    PageListed,
    PullStarted,
    PullStopped,
    Reading,
)

MAX_JOBS: Final = 20
MAX_BACK: Final = timedelta(days=366)
MAX_PAGES: Final = 400  # of one span; a span with more is halved
SECOND: Final = timedelta(seconds=1)

NOT_LISTED: Final = RefusalKind(
    "channel-not-listed",
    409,
    en="Channel {channel} cannot be read back: its conf/channels file has no `listing`, or {shop} is no shop of it.",
    zh="渠道 {channel} 不支持回补:其 conf/channels 文件未配置 listing,或 {shop} 不是该渠道的店铺。",
)
BAD_SPAN: Final = RefusalKind(
    "backfill-span-invalid",
    422,
    en="Expected a span that begins before it ends, ends by now, and goes back {days} days at most.",
    zh="回补区间应先始后止、不晚于当前时间、且最多回溯 {days} 天。",
)
TOO_MANY_JOBS: Final = RefusalKind(
    "too-many-backfills",
    409,
    en="{shop} has {limit} backfills waiting. Ask again when one of them is over.",
    zh="{shop} 已有 {limit} 个回补在排队,请待其中一个完成后再试。",
)


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A backfill; [read_to, until) is still to be read."""

    no: int
    read_to: datetime
    until: datetime


class Pull(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`read_to` is the watermark. `asking`: a page has been asked for; otherwise the pull goes on at `next_at`."""

    channel: str
    shop: str
    read_to: datetime
    next_at: datetime | None
    what: str = ""
    reading: Reading | None = None
    asking: bool = False
    asked_at: datetime | None = None
    jobs: tuple[Job, ...] = ()
    jobs_begun: int = 0


def wake_at(pull: Pull) -> datetime | None:
    return None if pull.asking else pull.next_at


# ---- deciding


def start_pull(pull: Pull | None, command: StartPull, ctx: Context) -> Decision | Refusal:
    """A page that was given up has its span read anew, from the beginning."""
    listing = _listing(command, ctx)
    given_up = command.given_up and pull is not None and pull.asking
    under_way = pull is not None and (pull.asking or pull.next_at is not None)
    if listing is None or (under_way and not given_up):
        return NOTHING
    return Decision((_started(pull, command, listing, ctx),))


def request_backfill(pull: Pull | None, command: RequestBackfill, ctx: Context) -> Decision | Refusal:
    listing = _listing(command, ctx)
    if listing is None:
        return NOT_LISTED.of(channel=command.channel, shop=command.shop)
    since, until = command.since.replace(microsecond=0), command.until.replace(microsecond=0)
    if not ctx.now - MAX_BACK <= since < until <= ctx.now:
        return BAD_SPAN.of(days=MAX_BACK.days)
    if pull is not None and len(pull.jobs) >= MAX_JOBS:
        return TOO_MANY_JOBS.of(shop=command.shop, limit=MAX_JOBS)
    facts: tuple[Fact, ...] = ()
    if pull is None:
        facts = (_started(None, command, listing, ctx),)
    no = 1 if pull is None else pull.jobs_begun + 1
    return Decision((*facts, BackfillQueued(no=no, since=since, until=until, next_at=ctx.now)))


def wake(pull: Pull, command: WakeUp, ctx: Context) -> Decision | Refusal:
    due = wake_at(pull)
    if due is None or ctx.now < due:
        return NOTHING
    listing = _listing(pull, ctx)
    if listing is None:
        return Decision((PullStopped(),))
    reading = pull.reading or _choose(pull, listing, ctx.now)
    if reading is None:  # what was due has been read meanwhile, or the clock was set back
        return Decision((_started(pull, pull, listing, ctx),))
    return _ask((), pull, reading, ctx)


def record_listing(pull: Pull, command: RecordListing, ctx: Context) -> Decision | Refusal:
    """A page is here: what it lists goes on to the orders, and the next one is asked for when the rate allows it."""
    listing, reading = _listing(pull, ctx), pull.reading
    if reading is None or not pull.asking:
        return NOTHING
    then = _then(reading, command, by_cursor=listing is not None and listing.pages == CURSOR)
    listed = PageListed(reading=reading, orders=command.orders, then=then, next_at=ctx.now)
    if listing is None:
        return Decision((listed,))
    after = evolve(pull, listed)
    follows = then or _choose(after, listing, ctx.now)
    if follows is None:
        return Decision((replace(listed, next_at=_due(after.read_to, listing)),))
    asked_at = pull.asked_at or ctx.now
    next_at = asked_at + timedelta(seconds=60 / listing.calls_per_minute)
    if next_at > ctx.now:
        return Decision((replace(listed, next_at=next_at),))
    return _ask((listed,), after, follows, ctx)


def _listing(named: Pull | StartPull | RequestBackfill, ctx: Context) -> Listing | None:
    known, its = ctx.policy.channels.get(named.channel), ctx.policy.shops.get(named.shop)
    if known is None or its is None or its.channel != named.channel:
        return None
    if named.what == AFTER_SALES:
        return known.after_sale.listing if known.after_sale is not None else None
    return known.listing


def _started(
    pull: Pull | None, named: Pull | StartPull | RequestBackfill, listing: Listing, ctx: Context
) -> PullStarted:
    read_to = _horizon(ctx.now, listing) if pull is None else pull.read_to
    next_at = max(_due(read_to, listing), ctx.now + SECOND)
    return PullStarted(
        channel=named.channel, shop=named.shop, read_to=read_to, next_at=next_at, what=named.what
    )


def _horizon(now: datetime, listing: Listing) -> datetime:
    """Up to here the platform's index is complete."""
    return (now - timedelta(seconds=listing.behind_s)).replace(microsecond=0)


def _due(read_to: datetime, listing: Listing) -> datetime:
    return read_to + timedelta(seconds=listing.every_s + listing.behind_s)


def _choose(pull: Pull, listing: Listing, now: datetime) -> Reading | None:
    """The span to be read next: the watermark's if it is due, else the first backfill's."""
    longest, horizon = timedelta(seconds=listing.window_s), _horizon(now, listing)
    if now >= _due(pull.read_to, listing):
        since = pull.read_to - timedelta(seconds=listing.overlap_s)
        return Reading(job=0, since=since, until=min(since + longest, horizon))
    if not pull.jobs:
        return None
    job = pull.jobs[0]
    return Reading(job=job.no, since=job.read_to, until=min(job.read_to + longest, job.until))


def _then(reading: Reading, command: RecordListing, *, by_cursor: bool) -> Reading | None:
    """What of the span comes after this page."""
    if reading.page >= MAX_PAGES or command.pages > MAX_PAGES:
        half = (reading.until - reading.since) // (2 * SECOND) * SECOND
        if half >= SECOND:
            return replace(reading, until=reading.since + half, page=0, cursor="")
    if by_cursor:
        return replace(reading, page=reading.page + 1, cursor=command.cursor) if command.cursor else None
    page = command.pages if reading.page == 0 else reading.page - 1
    if page < 1 or (reading.page == 0 and page == 1):
        return None
    return replace(reading, page=page)


def _ask(facts: tuple[Fact, ...], pull: Pull, reading: Reading, ctx: Context) -> Decision:
    effect = ListOrders(
        partner=f"channel/{pull.channel}/{pull.shop}",
        channel=pull.channel,
        shop=pull.shop,
        since=reading.since,
        until=reading.until,
        page=reading.page,
        cursor=reading.cursor,
        what=pull.what,
    )
    return Decision((*facts, PageAsked(reading=reading, asked_at=ctx.now)), (effect,))


# ---- folding


def evolve(pull: Pull | None, fact: Fact) -> Pull:
    """The state after `fact`. Raises KeyError for a fact that is none of a pull's."""
    if type(fact) is PullStarted:
        if pull is None:
            return Pull(
                channel=fact.channel,
                shop=fact.shop,
                read_to=fact.read_to,
                next_at=fact.next_at,
                what=fact.what,
            )
        return replace(pull, next_at=fact.next_at, reading=None, asking=False)
    assert pull is not None
    if type(fact) is PageAsked:
        return replace(pull, reading=fact.reading, asking=True, asked_at=fact.asked_at)
    if type(fact) is PageListed:
        after = pull if fact.then is not None else _read_whole(pull, fact.reading)
        return replace(after, reading=fact.then, asking=False, next_at=fact.next_at)
    if type(fact) is BackfillQueued:
        job = Job(no=fact.no, read_to=fact.since, until=fact.until)
        return replace(pull, jobs=(*pull.jobs, job), jobs_begun=fact.no, next_at=fact.next_at)
    if type(fact) is PullStopped:
        return replace(pull, next_at=None)
    if type(fact) in EFFECT_FACTS:
        return pull
    raise KeyError(type(fact).__name__)


def _read_whole(pull: Pull, reading: Reading) -> Pull:
    if not reading.job:
        return replace(pull, read_to=max(pull.read_to, reading.until))
    jobs = [replace(job, read_to=reading.until) if job.no == reading.job else job for job in pull.jobs]
    return replace(pull, jobs=tuple([job for job in jobs if job.read_to < job.until]))
