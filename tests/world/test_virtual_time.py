"""Virtual time: nothing waits, order is kept, and the clock stands still while anything is in flight."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from tongdan.adapters.clock import PacedClock, SeededEntropy, Stalled, SystemClock, SystemEntropy, run_virtual
from tongdan.ports import Clock

START = datetime(2026, 1, 27, tzinfo=UTC)


def test_a_month_of_waiting_takes_no_time_and_lands_exactly() -> None:
    async def main(clock: Clock) -> tuple[datetime, float]:
        for _ in range(30):
            await clock.sleep(86_400)
        return clock.now(), clock.monotonic()

    began = time.perf_counter()
    assert run_virtual(main, START) == (START + timedelta(days=30), 2_592_000.0)
    assert time.perf_counter() - began < 1


def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    async def main(clock: Clock) -> list[tuple[str, float]]:
        woken = []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

        await asyncio.gather(sleeper("late", 900.5), sleeper("soon", 0.25), sleeper("between", 15))
        return woken

    assert run_virtual(main, START) == [("soon", 0.25), ("between", 15.0), ("late", 900.5)]


def test_time_stands_still_while_something_is_ready_to_run() -> None:
    async def main(clock: Clock) -> float:
        timer = asyncio.create_task(clock.sleep(1))
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert not timer.done()
        return clock.monotonic()

    assert run_virtual(main, START) == 0.0


def test_work_given_to_a_thread_runs_inline_and_its_error_comes_back() -> None:
    async def main(clock: Clock) -> tuple[int, float]:
        made = await asyncio.to_thread(lambda: 7)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return made, clock.monotonic()

    assert run_virtual(main, START) == (7, 0.0)


def test_a_time_out_is_virtual_too() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3_600):
                await clock.sleep(7_200)
        return clock.monotonic()

    assert run_virtual(main, START) == 3_600.0


def test_waiting_for_what_can_never_come_is_an_error_and_not_a_hang() -> None:
    async def main(clock: Clock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        run_virtual(main, START)


def test_a_naive_start_is_refused() -> None:
    async def main(clock: Clock) -> None: ...

    with pytest.raises(ValueError, match="aware"):
        run_virtual(main, datetime(2026, 1, 27))  # noqa: DTZ001 (the point of this test)


def test_a_paced_clock_shortens_waits_and_keeps_the_time_of_day() -> None:
    async def main(clock: Clock) -> datetime:
        paced = PacedClock(clock, 60)
        await paced.sleep(3_600)
        assert paced.now() == clock.now()
        return clock.now()

    assert run_virtual(main, START) == START + timedelta(minutes=1)
    with pytest.raises(ValueError, match="above 0"):
        PacedClock(SystemClock(), 0)


def test_the_seed_repeats_chance_and_the_system_does_not() -> None:
    a, b, c = SeededEntropy("seed"), SeededEntropy("seed"), SeededEntropy("another")
    first = (a.token(16), a.uniform())
    assert first == (b.token(16), b.uniform())
    assert first != (c.token(16), c.uniform())
    assert SystemEntropy().token(16) != SystemEntropy().token(16)
    assert 0 <= SystemEntropy().uniform() < 1


def test_the_system_clock_tells_aware_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
