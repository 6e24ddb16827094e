"""Comparing two systems' views of an order, and judging a partner by its rhythm."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.pulse import OURS, PulsePolicy, Terms, Tier
from tongdan.domain.kernel.standing import Field, OurStanding, Standing, receiver_digest
from tongdan.domain.kernel.status import IMPOSSIBLE, NAMES, ORDINAL, Status
from tongdan.domain.sync.compare import compare, expected_of, is_pending
from tongdan.domain.sync.suspicion import Colour, Rhythm, colour, heard, not_asked

NOON = datetime(2026, 1, 27, 12, tzinfo=UTC)
FINANCE = frozenset({"paid", "signed", "settled", "cancelled", "refunded"})
TERMS = Terms(grace_else_s=600, grace_s={"status": 900, "status.signed": 7_200})

names = st.sampled_from(sorted(NAMES))


def ours(status: str, *reached: str, **more: object) -> OurStanding:
    known = frozenset({"announced", status, *reached})
    return OurStanding(status=status, reached=known, changed_at=NOON, **more)  # type: ignore[arg-type]


def test_a_system_of_fewer_statuses_is_read_in_its_own_words() -> None:
    shipped = ours("shipped", "created", "paid", "released")
    assert expected_of(shipped, FINANCE) == "paid"
    assert compare(shipped, Standing(status="paid"), FINANCE) == ()


def test_what_is_at_stake_is_the_first_status_that_one_side_lacks() -> None:
    signed = ours("signed", "created", "paid", "released", "shipped")
    (behind,) = compare(signed, Standing(status="paid"), FINANCE)
    assert (behind.field, behind.ours, behind.theirs, behind.status) == (
        Field.STATUS,
        "signed",
        "paid",
        "signed",
    )
    assert behind.is_ahead
    settled = ours("settled", "created", "paid", "released", "shipped", "signed")
    (lost,) = compare(settled, Standing(status="paid"), FINANCE)
    assert (lost.ours, lost.theirs, lost.status) == ("settled", "paid", "signed")
    (ahead,) = compare(signed, Standing(status="settled"), FINANCE)
    assert (ahead.ours, ahead.theirs, ahead.status) == ("signed", "settled", "settled")
    assert not ahead.is_ahead


def test_signed_there_and_not_shipped_here_is_marked_impossible() -> None:
    paid = ours("paid", "created")
    (difference,) = compare(paid, Standing(status="signed"), FINANCE)
    assert difference.impossible


def test_an_order_that_is_unknown_there_differs_once_it_should_be_known() -> None:
    assert compare(ours("created"), None, FINANCE) == ()
    (missing,) = compare(ours("paid", "created"), None, FINANCE)
    assert (missing.field, missing.ours, missing.theirs) == (Field.PRESENCE, "paid", "unknown")


def test_what_a_system_does_not_tell_is_not_compared() -> None:
    mine = ours("paid", amount_fen=100, units={"a": 1}, waybills=("W",), refunded_fen=0, receiver="x")
    assert compare(mine, Standing(), FINANCE) == ()
    told = Standing(amount_fen=90, units={"a": 2}, waybills=(), refunded_fen=10, receiver="y")
    found = {each.field: (each.ours, each.theirs) for each in compare(mine, told, FINANCE)}
    assert found == {
        Field.AMOUNT: ("100", "90"),
        Field.LINES: ("a × 1", "a × 2"),
        Field.WAYBILL: ("W", ""),
        Field.REFUND: ("0", "10"),
        Field.RECEIVER: ("x", "y"),
    }


@given(names, st.sets(names), st.sets(names), names)
def test_a_view_never_differs_from_itself_and_a_difference_names_both(
    status: str, reached: set[str], tells: set[str], said: str
) -> None:
    mine = ours(status, *reached)
    expected = expected_of(mine, frozenset(tells))
    assert compare(mine, Standing(status=expected), frozenset(tells)) == ()
    for each in compare(mine, Standing(status=said), frozenset(tells)):
        assert said != expected
        assert each.status in (said, *tells)
        further = bool(expected) and ORDINAL[NAMES[expected]] > ORDINAL[NAMES[said]]
        assert each.is_ahead == (further and (expected, said) != ("cancelled", "shipped"))


@given(st.integers(0, 20_000))
def test_a_difference_is_a_lag_until_the_grace_of_its_field_and_status_is_over(passed_s: int) -> None:
    signed = ours("signed", "paid", "shipped")
    (difference,) = compare(signed, Standing(status="paid"), FINANCE)
    now = NOON + timedelta(seconds=passed_s)
    assert is_pending(difference, TERMS, now) == (passed_s < 7_200)
    (other,) = compare(ours("paid"), Standing(status="cancelled"), FINANCE)
    assert is_pending(other, TERMS, now) == (passed_s < 900)


def test_the_grace_begins_when_either_side_last_moved() -> None:
    later = NOON + timedelta(hours=1)
    (difference,) = compare(ours("paid"), Standing(status="cancelled", said_at=later), FINANCE)
    assert is_pending(difference, TERMS, later + timedelta(seconds=899))
    assert not is_pending(difference, TERMS, later + timedelta(seconds=900))


def test_impossible_pairs_are_pairs_of_different_canonical_statuses() -> None:
    for mine, theirs in IMPOSSIBLE.items():
        assert isinstance(mine, Status)
        assert theirs <= NAMES.keys()
        assert mine.name.lower() not in theirs


def test_receivers_are_compared_without_their_blanks_and_cannot_be_read() -> None:
    one = Person(name="王 小明", phone="12000000001", detail="人民路 1 号")
    assert receiver_digest(one) == receiver_digest(
        Person(name="王小明", phone="12000000001", detail="人民路1号")
    )
    assert receiver_digest(one) != receiver_digest(
        Person(name="王小明", phone="12000000002", detail="人民路1号")
    )
    assert "王" not in receiver_digest(one)


def test_an_order_that_rests_is_checked_ever_more_rarely() -> None:
    pulse = PulsePolicy(
        tiers=(Tier(rested_s=0, every_s=300), Tier(rested_s=3_600, every_s=1_800)),
        partners={"wms": Terms(tiers=(Tier(rested_s=0, every_s=900),)), "finance": Terms()},
    )
    rested = (0, 3_599, 3_600, 10**6)
    assert [pulse.check_every_s("finance", each) for each in rested] == [300, 300, 1_800, 1_800]
    assert [pulse.check_every_s("wms/EAST", each) for each in rested] == [900] * 4


def test_of_a_status_its_own_record_counts_before_that_of_all() -> None:
    pulse = PulsePolicy(record={"status": "channel", "status.settled": "finance"})
    assert pulse.record_of("status", "settled") == "finance"
    assert pulse.record_of("status", "paid") == "channel"
    assert pulse.record_of("waybill") == OURS


# ---- suspicion


def test_a_partner_is_suspected_by_its_own_rhythm() -> None:
    quick, slow = Rhythm(NOON, 60.0), Rhythm(NOON, 3_600.0)
    after = {
        rhythm: [colour(rhythm, NOON + timedelta(seconds=s)) for s in (60, 200, 400)]
        for rhythm in (quick, slow)
    }
    assert after[quick] == [Colour.GREEN, Colour.YELLOW, Colour.RED]
    assert after[slow] == [Colour.GREEN] * 3


@given(st.floats(60, 86_400), st.lists(st.integers(0, 10**6), min_size=2))
def test_suspicion_only_grows_with_silence_and_ends_with_a_sign_of_life(
    mean_s: float, silences: list[int]
) -> None:
    rhythm, order = Rhythm(NOON, mean_s), [Colour.GREEN, Colour.YELLOW, Colour.RED]
    seen = [order.index(colour(rhythm, NOON + timedelta(seconds=s))) for s in sorted(silences)]
    assert seen == sorted(seen)
    at = NOON + timedelta(seconds=max(silences) + 1)
    assert colour(heard(rhythm, at), at) is Colour.GREEN


def test_silence_that_nobody_asked_into_is_none() -> None:
    later = NOON + timedelta(days=1)
    assert colour(not_asked(Rhythm(NOON, 60.0), later), later) is Colour.GREEN
    assert colour(None, later) is Colour.GREEN
