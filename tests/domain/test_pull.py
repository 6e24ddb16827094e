"""The pull of a shop: no instant is skipped, whatever fails; spans keep to the platform's limits and its rate."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal, WakeUp
from tongdan.domain.kernel.policy import CURSOR, LAST_FIRST, ChannelMap, Listing, Policy, Shop
from tongdan.domain.sync import pull
from tongdan.domain.sync.commands import RecordListing, RequestBackfill, StartPull
from tongdan.domain.sync.pull_facts import Listed, ListOrders, PageListed

START = datetime(2026, 1, 27, 4, 0, tzinfo=UTC)
SHOP = Shop(id="pd-1", channel="PD", native="1", name="S", legal_entity="E")
LISTING = Listing(window_s=1_800, behind_s=180, page_size=3, calls_per_minute=30)
SECOND = timedelta(seconds=1)


def context(now: datetime, listing: Listing | None = LISTING) -> Context:
    channel = ChannelMap(
        code="PD", name_zh="拼", name_en="P", zone="Asia/Shanghai", statuses={}, listing=listing
    )
    return Context(now, "pull/PD/pd-1", Policy(shops={"pd-1": SHOP}, channels={"PD": channel}), 1)


class Run:
    """A pull over time, and every page that was asked for and answered."""

    def __init__(self, listing: Listing = LISTING) -> None:
        self.now, self.listing = START, listing
        self.state: pull.Pull | None = None
        self.asked: list[tuple[datetime, ListOrders]] = []
        self.seen: list[str] = []
        self.do(pull.start_pull, StartPull(channel="PD", shop="pd-1"))

    def do(self, decide: Any, command: Any) -> Decision | Refusal:
        decision = decide(self.state, command, context(self.now, self.listing))
        if isinstance(decision, Decision):
            for fact in decision.facts:
                self.state = pull.evolve(self.state, fact)
                if isinstance(fact, PageListed):
                    self.seen += [each.native for each in fact.orders]
            self.asked += [(self.now, each) for each in decision.effects if isinstance(each, ListOrders)]
        assert isinstance(decision, Decision | Refusal)
        return decision

    @property
    def pull(self) -> pull.Pull:
        assert self.state is not None
        return self.state

    def sleep(self) -> None:
        """Until the pull wakes, which it does."""
        due = pull.wake_at(self.pull)
        assert due is not None
        self.now = max(self.now, due)
        before = len(self.asked)
        self.do(pull.wake, WakeUp(key="pull/PD/pd-1"))
        assert len(self.asked) <= before + 1

    def answer(self, *orders: str, pages: int = 0, cursor: str = "") -> None:
        listed = tuple(Listed(native=each, said_at=self.now) for each in orders)
        command = RecordListing(channel="PD", shop="pd-1", orders=listed, pages=pages, cursor=cursor)
        self.do(pull.record_listing, command)

    def skip(self) -> None:
        self.do(pull.start_pull, StartPull(channel="PD", shop="pd-1", given_up=True))


def test_an_empty_span_is_read_with_one_call_and_the_next_comes_after_the_interval() -> None:
    run = Run()
    run.sleep()
    ((at, asked),) = run.asked
    assert at == START + timedelta(seconds=300)
    read_to = START - timedelta(seconds=180)
    assert (asked.since, asked.until) == (read_to - timedelta(seconds=60), read_to + timedelta(seconds=300))
    run.answer(pages=0)
    assert run.pull.read_to == asked.until
    assert pull.wake_at(run.pull) == at + timedelta(seconds=300)
    assert len(run.asked) == 1


def test_pages_are_read_from_the_last_to_the_first_and_only_then_the_watermark_moves() -> None:
    run = Run()
    run.sleep()
    before = run.pull.read_to
    run.answer("a", "b", "c", pages=3)
    for orders in (("g",), ("d", "e", "f")):
        assert run.pull.read_to == before
        run.sleep()
        run.answer(*orders, pages=3)
    assert run.pull.read_to == before
    run.sleep()
    run.answer("a", "b", "c", pages=3)
    assert [asked.page for _, asked in run.asked] == [0, 3, 2, 1]
    assert run.pull.read_to == run.asked[0][1].until


def test_a_cursor_is_followed_to_its_end() -> None:
    run = Run(Listing(window_s=1_800, pages=CURSOR))
    run.sleep()
    for cursor in ("x", "y", ""):
        run.answer("a", cursor=cursor)
        if cursor:
            run.sleep()
    assert [asked.cursor for _, asked in run.asked] == ["", "x", "y"]
    assert run.pull.reading is None


def test_calls_keep_to_the_rate() -> None:
    run = Run()
    run.sleep()
    for _ in range(4):
        run.answer("a", pages=4)
        run.sleep()
    times = [at for at, _ in run.asked]
    assert min(b - a for a, b in pairwise(times)) == timedelta(seconds=2)


def test_a_span_of_too_many_pages_is_halved() -> None:
    run = Run()
    run.sleep()
    whole = run.asked[-1][1]
    run.answer("a", pages=401)
    run.sleep()
    half = run.asked[-1][1]
    assert (half.since, half.page) == (whole.since, 0)
    assert half.until == whole.since + timedelta(seconds=180)
    run.answer("a", pages=1)
    assert run.pull.read_to == half.until


def test_after_an_outage_it_catches_up_span_by_span() -> None:
    run = Run()
    run.now += timedelta(hours=3)
    for _ in range(8):
        run.sleep()
        run.answer(pages=0)
        if run.pull.read_to > START + timedelta(hours=2, minutes=51):
            break
    spans = [(asked.since, asked.until) for _, asked in run.asked]
    assert all(until - since <= timedelta(seconds=1_800) for since, until in spans)
    assert all(later[0] <= earlier[1] for earlier, later in pairwise(spans))


def test_a_page_that_is_given_up_has_its_span_read_anew() -> None:
    run = Run()
    run.sleep()
    run.answer("a", "b", "c", pages=3)
    run.sleep()
    before = run.pull.read_to
    run.skip()
    assert run.pull.read_to == before
    run.sleep()
    assert (run.asked[-1][1].since, run.asked[-1][1].page) == (run.asked[0][1].since, 0)


def test_a_backfill_is_read_between_the_regular_spans_and_ends() -> None:
    run = Run()
    since = START - timedelta(hours=2)
    run.do(pull.request_backfill, RequestBackfill(channel="PD", shop="pd-1", since=since, until=START))
    for _ in range(5):
        run.sleep()
        run.answer("a", pages=1)
    spans = [(asked.since, asked.until) for _, asked in run.asked]
    assert spans[:4] == [
        (since + n * timedelta(minutes=30), since + (n + 1) * timedelta(minutes=30)) for n in range(4)
    ]
    assert run.pull.jobs == ()
    assert run.pull.read_to == spans[4][1]


@pytest.mark.parametrize(
    ("since", "until", "name"),
    [
        (timedelta(0), timedelta(0), "backfill-span-invalid"),
        (timedelta(hours=-1), timedelta(hours=1), "backfill-span-invalid"),
        (timedelta(days=-400), timedelta(days=-399), "backfill-span-invalid"),
    ],
)
def test_a_span_that_cannot_be_meant_is_refused(since: timedelta, until: timedelta, name: str) -> None:
    run = Run()
    command = RequestBackfill(channel="PD", shop="pd-1", since=START + since, until=START + until)
    refusal = run.do(pull.request_backfill, command)
    assert isinstance(refusal, Refusal) and refusal.name == name
    assert run.pull.jobs == ()


def test_no_more_backfills_wait_than_the_limit_and_a_shop_of_another_channel_has_none() -> None:
    run = Run()
    command = RequestBackfill(channel="PD", shop="pd-1", since=START - SECOND, until=START)
    for _ in range(pull.MAX_JOBS):
        assert isinstance(run.do(pull.request_backfill, command), Decision)
    refusal = run.do(pull.request_backfill, command)
    assert isinstance(refusal, Refusal) and refusal.name == "too-many-backfills"
    other = RequestBackfill(channel="PD", shop="nobody", since=START - SECOND, until=START)
    refusal = run.do(pull.request_backfill, other)
    assert isinstance(refusal, Refusal) and refusal.name == "channel-not-listed"


def test_it_stops_when_the_policy_lists_no_more_and_goes_on_from_its_watermark() -> None:
    run = Run()
    run.sleep()
    read_to = run.pull.read_to
    run.listing = None  # type: ignore[assignment]
    run.answer(pages=1)
    run.sleep()
    assert pull.wake_at(run.pull) is None
    run.listing = LISTING
    run.now += timedelta(days=1)
    run.do(pull.start_pull, StartPull(channel="PD", shop="pd-1"))
    assert run.pull.read_to == run.asked[0][1].until > read_to
    assert run.do(pull.start_pull, StartPull(channel="PD", shop="pd-1")) == NOTHING


# ---- whatever happens


class Platform:
    """Orders and when each was last changed; it lists them as a real one does, newest change first."""

    def __init__(self, changes: dict[str, datetime]) -> None:
        self.changes = changes

    def page(self, asked: ListOrders, size: int) -> tuple[list[str], int]:
        found = [
            native
            for native, at in sorted(self.changes.items(), key=lambda each: (each[1], each[0]), reverse=True)
            if asked.since <= at < asked.until
        ]
        no = max(asked.page, 1)
        return found[(no - 1) * size : no * size], -(-len(found) // size)

    def cursor(self, asked: ListOrders, size: int) -> tuple[list[str], str]:
        """Oldest change first, from where the last page ended."""
        order = sorted((at, native) for native, at in self.changes.items() if asked.since <= at < asked.until)
        rest = [each for each in order if f"{each[0].timestamp()} {each[1]}" > asked.cursor]
        page = rest[:size]
        more = f"{page[-1][0].timestamp()} {page[-1][1]}" if len(rest) > size else ""
        return [native for _, native in page], more


Event = tuple[str, int]
EVENTS = st.lists(
    st.tuples(st.sampled_from(["change", "answer", "skip", "backfill", "sleep"]), st.integers(0, 11)),
    max_size=120,
)


def changed(events: list[Event], run: "Run", platform: "Platform") -> Iterator[Event]:
    """These, and then nothing but reading until all is read; 20 backfills of a few pages each take their time."""
    yield from events
    for _ in range(3_000):
        if not run.pull.jobs and run.pull.read_to > max(platform.changes.values()):
            return
        yield ("drain", 0)


@settings(max_examples=150, deadline=None)
@given(
    events=EVENTS, pages=st.sampled_from([LAST_FIRST, CURSOR]), window_s=st.sampled_from([120, 600, 1_800])
)
def test_no_change_is_ever_skipped(events: list[Event], pages: str, window_s: int) -> None:
    """Orders change while pages are read, pages are given up, backfills come between: every last change is seen."""
    run = Run(
        Listing(window_s=window_s, overlap_s=0, behind_s=30, pages=pages, page_size=3, calls_per_minute=600)
    )
    platform = Platform({f"o{n:02d}": START + n * SECOND for n in range(12)})
    seen: dict[str, datetime] = {}
    for what, number in changed(events, run, platform):
        name = f"o{number:02d}"
        if what == "change":
            run.now += SECOND
            platform.changes[name] = run.now.replace(microsecond=0)
        elif what == "backfill":
            span = RequestBackfill(
                channel="PD", shop="pd-1", since=START - SECOND, until=run.now + SECOND * (number - 11)
            )
            run.do(pull.request_backfill, span)
        elif run.pull.asking and what == "skip":
            run.skip()
        elif run.pull.asking:
            _, asked = run.asked[-1]
            run.now += SECOND / 10
            if pages == CURSOR:
                orders, cursor = platform.cursor(asked, 3)
                run.answer(*orders, cursor=cursor)
            else:
                orders, count = platform.page(asked, 3)
                run.answer(*orders, pages=count)
            seen |= {native: platform.changes[native] for native in orders}
        else:
            run.sleep()
    assert run.pull.read_to > max(platform.changes.values())
    assert seen == platform.changes


@settings(max_examples=60, deadline=None)
@given(delays_s=st.lists(st.integers(0, 7_200), min_size=1, max_size=30))
def test_spans_of_the_watermark_leave_no_gap_and_never_reach_the_present(delays_s: list[int]) -> None:
    run = Run()
    read_to = run.pull.read_to
    for delay_s in delays_s:
        run.sleep()
        at, asked = run.asked[-1]
        assert asked.since <= read_to < asked.until <= at - timedelta(seconds=LISTING.behind_s)
        assert asked.until - asked.since <= timedelta(seconds=LISTING.window_s)
        run.now += timedelta(seconds=delay_s)
        run.answer(pages=0)
        read_to = run.pull.read_to
        assert read_to == asked.until
        while run.pull.asking:
            _, asked = run.asked[-1]
            assert asked.since <= read_to < asked.until
            run.answer(pages=0)
            read_to = run.pull.read_to
