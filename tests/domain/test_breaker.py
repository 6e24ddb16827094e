"""The breaker, moved through time by hand."""

from tests.domain.centre import after

from tongdan.domain.guard.breaker import (
    PAUSE_FIRST_S,
    PAUSE_LONGEST_S,
    PROBE_PATIENCE_S,
    TRIP_AFTER,
    Breaker,
    BreakerState,
)


def tripped() -> Breaker:
    breaker = Breaker()
    for _ in range(TRIP_AFTER):
        breaker = breaker.record(after(0), ok=False)
    return breaker


def test_it_opens_only_after_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(100):
        for _ in range(TRIP_AFTER - 1):
            breaker = breaker.record(after(0), ok=False)
        assert breaker.may_try(after(0))
        breaker = breaker.record(after(0), ok=True)
    assert breaker == Breaker()
    assert tripped().state is BreakerState.OPEN


def test_an_open_breaker_waits_and_then_lets_one_probe_through() -> None:
    breaker = tripped()
    assert not breaker.may_try(after(PAUSE_FIRST_S - 0.001))
    assert breaker.wait_s(after(0)) == PAUSE_FIRST_S
    now = after(PAUSE_FIRST_S)
    assert breaker.may_try(now)
    assert breaker.wait_s(now) == 0
    probing = breaker.trying(now)
    assert probing.state is BreakerState.HALF_OPEN
    assert not probing.may_try(now)


def test_a_probe_that_succeeds_closes_it() -> None:
    probing = tripped().trying(after(1))
    assert probing.record(after(2), ok=True) == Breaker()


def test_pauses_double_up_to_a_limit() -> None:
    breaker, seconds, pauses = tripped(), 0.0, []
    for _ in range(12):
        pause_s = breaker.wait_s(after(seconds))
        pauses.append(pause_s)
        seconds += pause_s
        assert breaker.may_try(after(seconds))
        breaker = breaker.trying(after(seconds)).record(after(seconds), ok=False)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[6:] == [PAUSE_LONGEST_S] * 6


def test_a_probe_that_never_reports_does_not_keep_it_shut() -> None:
    probing = tripped().trying(after(1))
    assert not probing.may_try(after(PROBE_PATIENCE_S))
    assert probing.may_try(after(1 + PROBE_PATIENCE_S))


def test_calls_made_before_it_opened_do_not_prolong_the_pause() -> None:
    breaker = tripped()
    late = breaker.record(after(0.5), ok=False)
    assert late.until == breaker.until
    assert late.openings == breaker.openings


def test_a_clock_that_is_set_back_does_not_keep_it_shut() -> None:
    assert not tripped().may_try(after(0.5))
    assert tripped().may_try(after(-3_600))
    assert tripped().wait_s(after(-3_600)) == 0.0
    assert tripped().trying(after(1)).may_try(after(-3_600))
