"""How messages travel, and what each fault does to them on the way."""

from collections.abc import Awaitable, Callable, Sequence

from tests.world.stage import START

from tongdan.adapters.clock import PacedClock, run_virtual
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.faults import Faults, Plan
from tongdan.labs.world.outbox import IN_FLIGHT, OVERTAKEN_WITHIN_S, GivenUp, Outbox
from tongdan.labs.world.setting import Names, Setting
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer

WHERE = "douyin.100"
RETRIES_S = (10.0, 100.0)


class Line:
    """A centre that notes when what arrived. It answers 200, or what `answers` says, in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.arrived: list[tuple[float, str]] = []
        self.answers: list[int] = []
        self.takes_s = 0.0

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.arrived.append((self.clock.monotonic(), request.body.decode()))
        await self.clock.sleep(self.takes_s)
        status = self.answers.pop(0) if self.answers else 200
        if not status:
            raise NoAnswer("broken")
        return HttpResponse(status, {}, b"")


def travel(
    body: Callable[[Outbox[str], Line, Setting], Awaitable[None]], fault: str = "", *, together: int = 1
) -> None:
    """Run `body` with an outbox whose order "A" has `fault` in store."""

    async def main(clock: Clock) -> None:
        line, faults = Line(clock), Faults(1, clock, 0.0)
        if fault:
            faults._plans["A"] = Plan(fault, WHERE)
        setting = Setting(1, clock, clock, line, "http://centre", faults, Bustle(clock), Names())
        outbox = Outbox[str](setting, _wrap, _accepted, RETRIES_S, together=together, linger_s=1.0)
        await body(outbox, line, setting)
        await setting.bustle.quiet(1.0, 10**7, lambda: False)
        assert [one.kind for one in faults.injected] == ([fault] if fault else [])

    run_virtual(main, START)


def _wrap(messages: Sequence[str]) -> HttpRequest:
    return HttpRequest(method="POST", url="http://centre/", body="+".join(messages).encode())


def _accepted(answer: HttpResponse) -> bool:
    return answer.status == 200


def test_an_acknowledged_message_is_sent_once() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        assert await outbox.deliver("m", WHERE, "A") == HttpResponse(200, {}, b"")
        assert line.arrived == [(0.0, "m")]
        assert (outbox.sent, outbox.given_up) == (1, [])

    travel(body)


def test_a_message_is_repeated_on_schedule_until_it_is_acknowledged() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        line.answers = [503, 0, 200]
        assert await outbox.deliver("m", WHERE, "A") is not None
        assert line.arrived == [(0.0, "m"), (10.0, "m"), (110.0, "m")]

    travel(body)


def test_a_schedule_that_ends_without_acknowledgement_is_told() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        line.answers = [0, 0, 0]
        assert await outbox.deliver("m", WHERE, "A") is None
        assert len(line.arrived) == 3
        assert outbox.given_up == [GivenUp(WHERE, "A")]

    travel(body)


def test_a_lost_message_arrives_with_the_next_attempt() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        await outbox.deliver("m", WHERE, "A")
        assert line.arrived == [(10.0, "m")]

    travel(body, "lost")


def test_after_a_lost_acknowledgement_it_comes_again() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        await outbox.deliver("m", WHERE, "A")
        assert line.arrived == [(0.0, "m"), (10.0, "m")]

    travel(body, "ack-lost")


def test_a_late_message_comes_after_those_behind_it() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        outbox.post("first", WHERE, "A")
        outbox.post("second", "douyin.101", "A")
        await setting.clock.sleep(86_400)
        assert [message for _, message in line.arrived] == ["second", "first"]
        assert 1_200 <= line.arrived[1][0] <= 10_800

    travel(body, "late")


def test_a_repeated_message_comes_three_times() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        await outbox.deliver("m", WHERE, "A")
        await setting.clock.sleep(1)
        assert line.arrived == [(0.0, "m")] * 3

    travel(body, "repeated")


def test_a_message_is_overtaken_by_the_next_one_of_its_order_only() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        outbox.post("first", WHERE, "A")
        outbox.post("other order", "douyin.101", "B")
        await setting.clock.sleep(50)
        assert [message for _, message in line.arrived] == ["other order"]
        outbox.post("second", "douyin.101", "A")
        await setting.clock.sleep(1)
        assert [message for _, message in line.arrived] == ["other order", "second", "first"]

    travel(body, "overtaken")


def test_what_nothing_overtakes_comes_in_the_end() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        await outbox.deliver("m", WHERE, "A")
        assert line.arrived == [(OVERTAKEN_WITHIN_S, "m")]

    travel(body, "overtaken")


def test_messages_of_one_moment_travel_together_and_are_repeated_alone() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        line.answers = [503]
        for message in ("a", "b", "c"):
            outbox.post(message, WHERE, message)
        await setting.clock.sleep(60)
        assert line.arrived == [(1.0, "a+b"), (1.0, "c"), (11.0, "a"), (11.0, "b")]

    travel(body, together=2)


def test_a_faulty_message_travels_alone() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        outbox.post("a", WHERE, "A")
        outbox.post("b", WHERE, "B")
        await setting.clock.sleep(60)
        assert line.arrived == [(1.0, "b"), (10.0, "a")]

    travel(body, "lost", together=2)


def test_a_partner_has_only_so_many_requests_open_at_once() -> None:
    async def body(outbox: Outbox[str], line: Line, setting: Setting) -> None:
        line.takes_s = 1.0
        for n in range(2 * IN_FLIGHT + 1):
            outbox.post(f"{n}", WHERE, f"{n}")
        await setting.clock.sleep(10)
        assert [at for at, _ in line.arrived] == [0.0] * IN_FLIGHT + [1.0] * IN_FLIGHT + [2.0]

    travel(body)


def test_a_world_in_a_hurry_still_gives_the_centre_time() -> None:
    async def main(clock: Clock) -> None:
        fast = PacedClock(clock, 10_000)
        setting = Setting(1, fast, clock, Line(clock), "", Faults(1, fast, 0), Bustle(clock), Names())
        await setting.wait(100, at_least_s=0.5)
        assert clock.monotonic() == 0.5
        await setting.wait(100_000, at_least_s=0.5)
        assert clock.monotonic() == 10.5

    run_virtual(main, START)
