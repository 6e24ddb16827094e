"""A day on two lists: every order and entry is on one side or matched, the bridge leads from count to count, and each
difference has the cause that its evidence says, or is said to have none."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.domain.finance.books import OURS, PLACED, Cited, Counted, Entry, Terms, by_order, compare, span
from tongdan.domain.finance.bridge import bridge
from tongdan.domain.finance.causes import Case, Cause, Evidence, Finding, Stage, Telling, explain, wanted

DAY = date(2026, 1, 27)
NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)
NOON = datetime(2026, 1, 27, 12, tzinfo=OURS)
ZONE = ZoneInfo("UTC")
CITED = {name: Cited(7, 1, n, name, NOON) for n, name in enumerate(("OrderPaid", "OrderCancelled"))}


def ours(order: str = "A", fen: int = 1_000, at: datetime = NOON, shop: str = "s") -> Counted:
    return Counted(order=order, shop=shop, amount_fen=fen, at=at)


def entry(
    order: str = "A", fen: int = 1_000, at: datetime | None = NOON, day: date = DAY, **more: Any
) -> Entry:
    return Entry(name=more.pop("name", order), order=order, day=day, amount_fen=fen, at=at, **more)


def told(stage: Stage = Stage.TOLD, at: datetime = NOON, why: str = "") -> Telling:
    return Telling(
        effect="7.1.2.0", stage=stage, at=at, cited=(Cited(7, 1, 9, "EffectSettled", at),), why=why
    )


def known(order: str = "A", fen: int = 1_000, at: datetime | None = NOON, **more: Any) -> Evidence:
    more = {"placed_at": at, "telling": told(), "shop": "s"} | more
    return Evidence(
        order=order, channel="DY", native=f"n{order}", amount_fen=fen, counted_at=at, cited=CITED, **more
    )


def found(
    mine: list[Counted], theirs: list[Entry], facts: list[Evidence], terms: Terms | None = None
) -> list[Finding]:
    """As the desk does it: the list of the day is compared, all lists are looked at."""
    compared = compare(DAY, mine, [each for each in theirs if each.day == DAY])
    evidence = {each.order: each for each in facts}
    case = Case(
        day=DAY, terms=terms or Terms(), compared=compared, listed=frozenset({BEFORE, DAY, NEXT}),
        elsewhere=by_order(theirs), evidence=evidence,
    )  # fmt: skip
    return explain(case)


def cause(
    mine: list[Counted], theirs: list[Entry], facts: list[Evidence], terms: Terms | None = None
) -> Cause:
    (one,) = found(mine, theirs, facts, terms)
    return one.cause


# ---- laws

NAMES = st.sampled_from("ABCDEFGH")
FEN = st.integers(1, 5)
MINE = st.lists(st.builds(ours, NAMES, FEN))
THEIRS = st.lists(
    st.builds(entry, st.sampled_from("ABCDEFGHXYZ"), FEN, reference=st.sampled_from(["", "r1", "r2"]))
)


@given(MINE, THEIRS)
def test_both_lists_add_up(mine: list[Counted], theirs: list[Entry]) -> None:
    compared = compare(DAY, mine, theirs)
    assert (
        compared.ours[0]
        == len({each.order for each in mine})
        == len(compared.matched) + len(compared.missing)
    )
    assert compared.theirs[0] == len(compared.matched) + len(compared.extra)
    once = {(each.order, each.amount_fen, each.reference) for each in theirs if each.reference}
    assert compared.theirs[0] == len(once) + sum(not each.reference for each in theirs)


@given(MINE, THEIRS, st.data())
def test_order_and_repetition_change_nothing(
    mine: list[Counted], theirs: list[Entry], data: st.DataObject
) -> None:
    again = data.draw(st.permutations([*theirs, *[each for each in theirs if each.reference]]))
    twice = data.draw(st.permutations(mine + mine))
    assert compare(DAY, twice, again) == compare(DAY, mine, theirs)


@given(MINE, THEIRS, st.lists(NAMES, unique=True))
def test_the_bridge_leads_from_our_count_to_theirs(
    mine: list[Counted], theirs: list[Entry], facts: list[str]
) -> None:
    compared = compare(DAY, mine, theirs)
    evidence = {order: known(order) for order in facts}
    case = Case(
        day=DAY, terms=Terms(), compared=compared, listed=frozenset({DAY}), elsewhere=by_order(theirs),
        evidence=evidence,
    )  # fmt: skip
    findings = explain(case)
    led = bridge(compared, findings)
    assert led.ours[0] + sum(step.orders for step in led.steps) == led.theirs[0]
    assert led.ours[1] + sum(step.amount_fen for step in led.steps) == led.theirs[1]
    assert sum(step.found for step in led.steps) == len(findings)
    assert {each.order for each in findings} - {""} <= set(wanted(compared))


def test_a_day_is_half_open_and_lies_in_utc_8() -> None:
    assert span(DAY) == (datetime(2026, 1, 26, 16, tzinfo=UTC), datetime(2026, 1, 27, 16, tzinfo=UTC))
    assert Terms(closes=time(23)).closed_at(DAY) == datetime(2026, 1, 27, 15, tzinfo=UTC)
    assert Terms(zone=ZONE).closed_at(DAY) == datetime(2026, 1, 28, tzinfo=UTC)


# ---- causes of what only we have

EARLY = datetime(2026, 1, 27, 6, tzinfo=OURS)  # still the 26th in UTC
LATE = datetime(2026, 1, 27, 23, 30, tzinfo=OURS)
AFTER = datetime(2026, 1, 28, 3, tzinfo=OURS)


@pytest.mark.parametrize("says_when", [True, False])
def test_another_clock_puts_it_into_another_day(says_when: bool) -> None:
    at = EARLY if says_when else None
    terms = Terms(zone=ZONE)
    facts = [known(at=EARLY)]
    assert cause([ours(at=EARLY)], [entry(day=BEFORE, at=at)], facts, terms) is Cause.DAY_BOUNDARY
    tomorrow = EARLY + timedelta(days=1)
    assert cause([], [entry(at=at and tomorrow)], [known(at=tomorrow)], terms) is Cause.DAY_BOUNDARY


@pytest.mark.parametrize("at", [LATE, None])
def test_what_comes_after_their_day_is_closed_stands_in_the_next(at: datetime | None) -> None:
    terms = Terms(closes=time(23))
    assert cause([ours(at=LATE)], [entry(day=NEXT, at=at)], [known(at=LATE)], terms) is Cause.CUT_OFF
    yesterday = LATE - timedelta(days=1)
    theirs = [entry(at=at and yesterday)]
    assert cause([], theirs, [known(at=yesterday)], terms) is Cause.CUT_OFF


def test_they_count_by_another_moment() -> None:
    placed = NOON - timedelta(days=1)
    facts = [known(placed_at=placed)]
    assert cause([ours()], [entry(at=placed, day=BEFORE)], facts) is Cause.OTHER_MOMENT
    paid = NOON + timedelta(days=1)
    facts = [known(at=paid, placed_at=NOON)]
    assert cause([], [entry(at=NOON)], facts) is Cause.OTHER_MOMENT
    facts = [known(at=NOON, placed_at=NOON, paid_at=paid)]
    assert cause([ours()], [entry(at=paid, day=NEXT)], facts, Terms(moment=PLACED)) is Cause.OTHER_MOMENT


def test_they_heard_of_it_the_next_day_only() -> None:
    (one,) = found([ours()], [entry(at=AFTER, day=NEXT)], [known(telling=told(at=AFTER))])
    assert one.cause is Cause.BOOKED_LATE
    assert [each.fact for each in one.cited] == ["OrderPaid", "EffectSettled"]


def test_an_entry_of_another_day_at_a_moment_of_nothing_is_not_explained_away() -> None:
    strange = NOON + timedelta(days=1, hours=3)
    assert (
        cause([ours()], [entry(at=strange, day=NEXT)], [known(telling=None, watched=True)])
        is Cause.NEVER_TOLD
    )
    assert (
        cause([], [entry(at=NOON)], [known(at=strange, placed_at=strange, telling=None)]) is Cause.UNEXPLAINED
    )
    assert cause([ours()], [entry(at=strange, day=NEXT)], [known()]) is Cause.UNEXPLAINED


@pytest.mark.parametrize(
    ("telling", "expected", "mends"),
    [
        (told(Stage.WAITING), Cause.WAITING, False),
        (told(Stage.DEAD, why="HTTP 400"), Cause.DEAD_LETTER, True),
        (told(Stage.SKIPPED, why="by phone"), Cause.NEVER_TOLD, True),
        (None, Cause.NEVER_TOLD, True),
        (told(), Cause.LOST_THERE, True),
    ],
)
def test_what_they_were_told_of_it(telling: Telling | None, expected: Cause, mends: bool) -> None:
    (one,) = found([ours()], [], [known(telling=telling)])
    assert (one.cause, one.mends) == (expected, mends)
    assert ("EffectSettled" in [each.fact for each in one.cited]) is (telling is not None)


def test_what_was_cancelled_or_paid_back_before_they_closed_is_not_on_their_list() -> None:
    (one,) = found([ours()], [], [known(cancelled_at=NOON + timedelta(hours=1))])
    assert (one.cause, one.mends) == (Cause.CANCELLED_BEFORE, False)
    assert [each.fact for each in one.cited] == ["OrderPaid", "OrderCancelled", "EffectSettled"]
    facts = [known(refunds=((400, NOON), (600, NOON + timedelta(hours=2))))]
    assert cause([ours()], [], facts) is Cause.REFUNDED_SAME_DAY
    later = [known(refunds=((400, NOON), (600, NOON + timedelta(days=2))))]
    assert cause([ours()], [], later) is Cause.LOST_THERE
    assert cause([ours()], [], [known(cancelled_at=NOON + timedelta(days=2))]) is Cause.LOST_THERE


def test_test_orders_of_a_shop_or_by_their_number() -> None:
    assert cause([ours()], [], [known()], Terms(test_shops=("s",))) is Cause.TEST_ORDER
    assert cause([ours()], [], [known()], Terms(test_numbers=("nA",))) is Cause.TEST_ORDER


def test_a_merged_pair_is_counted_once_with_the_sum_of_both() -> None:
    facts = [known("A", 300, siblings=("B",)), known("B", 700, siblings=("A",))]
    rows = found([ours("A", 300), ours("B", 700)], [entry("B", 1_000)], facts)
    assert [(each.cause, each.order) for each in rows] == [(Cause.MERGED, "A"), (Cause.MERGED, "B")]


# ---- causes of what only they have


def test_twice_there_is_a_duplicate_or_a_split() -> None:
    twice = [entry(reference="r1"), entry(reference="r2")]
    assert cause([ours()], twice, [known()]) is Cause.DUPLICATE
    split = [entry(fen=400, reference="r1"), entry(fen=600, reference="r2")]
    rows = found([ours()], split, [known()])
    assert {each.cause for each in rows} == {Cause.SPLIT} and len(rows) == 2
    assert cause([ours()], [entry(reference="r1")] * 2 + [entry("X", name="X")], []) is Cause.UNKNOWN_ID


def test_what_nobody_here_has_paid_for() -> None:
    assert cause([], [entry()], [known(at=None, placed_at=NOON)]) is Cause.NOT_PAID
    assert cause([], [entry()], [known(at=None, cancelled_at=NOON)]) is Cause.CANCELLED_HERE
    assert cause([], [entry("", name="8888")], []) is Cause.UNKNOWN_ID


# ---- causes of another sum or shop


@pytest.mark.parametrize(
    ("theirs", "facts", "expected"),
    [
        (994, known(), Cause.FEE),
        (1_200, known(discount_fen=200), Cause.DISCOUNT),
        (900, known(freight_fen=100), Cause.FREIGHT),
        (700, known(refunds=((300, NOON), (50, NOON + timedelta(days=3)))), Cause.REFUND),
        (950, known(refunds=((300, NOON),)), Cause.UNEXPLAINED),
        (999, known(), Cause.UNEXPLAINED),
    ],
)
def test_another_sum_to_the_fen(theirs: int, facts: Evidence, expected: Cause) -> None:
    assert cause([ours()], [entry(fen=theirs)], [facts], Terms(fees_bp={"DY": 60})) is expected


def test_another_shop_of_the_same_order() -> None:
    assert cause([ours()], [entry(shop="t")], [known()]) is Cause.WRONG_SHOP
    rows = found([ours()], [entry(shop="s")], [known()])
    assert rows == []


def test_every_cause_has_been_met_here() -> None:
    """The list is closed: a new one needs a test beside it."""
    text = Path(__file__).read_text()
    assert [each for each in Cause if f"Cause.{each.name}" not in text] == []
