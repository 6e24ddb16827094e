"""The front door answers every request exactly once, writes nothing it refused, and lets no request hurt another."""

import asyncio
import logging
from datetime import UTC, datetime

import msgspec
import pytest
from tests.surfaces.conftest import SmallBus, SmallDoor

from tongdan.adapters.clock import SystemClock
from tongdan.flow.meters import Meters
from tongdan.ports import PushAnswer, PushRequest
from tongdan.surfaces.front_door import SAMPLES, FrontDoor

NOW = datetime(2026, 1, 27, 4, 0, tzinfo=UTC)


def push(
    body: bytes = b'["A1"]',
    *,
    path: str = "/push/small/",
    query: str = "",
    method: str = "POST",
    sign: str = "right",
) -> PushRequest:
    return PushRequest(method, path, query, {"x-sign": sign}, body, NOW)


def ask(front: FrontDoor, request: PushRequest) -> PushAnswer:
    """The one answer, given before `handle` returns."""
    answers: list[PushAnswer] = []
    front.handle(request, answers.append, "10.0.0.9")
    assert len(answers) == 1
    return answers[0]


def error_of(answer: PushAnswer) -> dict[str, str]:
    found: dict[str, str] = msgspec.json.decode(answer.body)
    return found


def test_the_native_answer_comes_after_the_commit_and_not_before(front: FrontDoor, bus: SmallBus) -> None:
    bus.holding = True
    answers: list[PushAnswer] = []
    front.handle(push(b'["A1","A2"]'), answers.append)
    assert answers == [] and bus.committed == []
    bus.release()
    assert [a.body for a in answers] == [b'{"code":0,"orders":["order-1","order-2"]}']
    assert [m.raw for m in bus.committed] == [b"A1", b"A2"]


def test_a_request_of_many_items_is_counted_once(front: FrontDoor, meters: Meters) -> None:
    ask(front, push(b'["A1","A2","A3"]'))
    assert list(meters.pushes) == [(("channel/small", "200"), 1)]


def test_eight_copies_get_one_effect_and_the_same_answer(
    front: FrontDoor, bus: SmallBus, meters: Meters
) -> None:
    assert len({ask(front, push()).body for _ in range(8)}) == 1
    assert len(bus.committed) == 1
    assert (meters.accepted["channel/small"], meters.duplicates["channel/small"]) == (1, 7)


def test_what_is_not_understood_is_quarantined_and_acknowledged(
    front: FrontDoor, bus: SmallBus, meters: Meters
) -> None:
    answer = ask(front, push(b'["?","A1"]'))
    assert (answer.status, answer.body) == (200, b'{"code":0,"orders":["order-1"]}')
    assert len(bus.quarantined) == 1
    assert (meters.accepted["channel/small"], meters.quarantined["channel/small"]) == (1, 1)


def test_a_push_without_items_is_answered_at_once(front: FrontDoor, bus: SmallBus) -> None:
    bus.holding = True
    assert ask(front, push(b"[]")).status == 200
    assert bus.held == []


def test_the_unauthentic_is_refused_counted_and_sampled_without_body(
    front: FrontDoor, bus: SmallBus, meters: Meters
) -> None:
    answer = ask(front, push(b'["secret"]', path="/push/small/token-in-the-url", sign="wrong"))
    assert (answer.status, answer.body) == (401, b'{"code":1,"msg":"unauthentic"}')
    assert bus.committed == []
    assert meters.unauthentic["channel/small", "the signature does not match"] == 1
    sample = front.samples[0]
    assert (sample.at, sample.door, sample.peer, sample.length_bytes) == (NOW, "/push/small/", "10.0.0.9", 10)
    assert "token" not in str(sample) and "secret" not in str(sample)


def test_samples_are_bounded(front: FrontDoor, meters: Meters) -> None:
    for _ in range(SAMPLES + 50):
        ask(front, push(sign="wrong"))
    assert len(front.samples) == SAMPLES
    assert meters.unauthentic.total() == SAMPLES + 50


def test_a_mistake_is_refused_in_the_doors_own_form(front: FrontDoor, bus: SmallBus, meters: Meters) -> None:
    answer = ask(front, push(b"<xml/>"))
    assert (answer.status, answer.body) == (400, b'{"code":1,"msg":"not_json"}')
    assert bus.committed == []
    assert meters.turned_away["channel/small", "not_json"] == 1


def test_full_queues_say_when_to_try_again(front: FrontDoor, bus: SmallBus, meters: Meters) -> None:
    bus.capacity = 0
    answer = ask(front, push())
    assert (answer.status, answer.retry_after_s) == (429, 3)
    assert bus.committed == []
    assert meters.turned_away["channel/small", "too_busy"] == 1


def test_a_broken_door_is_a_counted_500_and_nothing_of_the_payload_is_logged(
    front: FrontDoor, bus: SmallBus, meters: Meters, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = ask(front, push(b"break"))
    assert (answer.status, answer.body) == (500, b'{"code":1,"msg":"internal-error"}')
    assert meters.broken["channel/small", "ZeroDivisionError"] == 1
    assert "ZeroDivisionError" in caplog.text and "13812345678" not in caplog.text
    assert ask(front, push()).status == 200
    assert len(bus.committed) == 1


def test_a_door_that_cannot_even_refuse_is_still_answered(bus: SmallBus, meters: Meters) -> None:
    class Mute(SmallDoor):
        def refuse(self, request: PushRequest, refusal: object) -> PushAnswer:
            raise RuntimeError

    front = FrontDoor([Mute()], bus, SystemClock(), meters)
    answer = ask(front, push(sign="wrong"))
    assert (answer.status, error_of(answer)["error"]) == (401, "unauthentic")
    assert meters.broken["channel/small", "RuntimeError"] == 1


@pytest.mark.parametrize(
    "path", ["/", "", "/push", "/push/", "/push/large/", "/push//small/", "push/small/", "*"]
)
def test_an_unknown_path_is_404_in_both_languages(front: FrontDoor, path: str) -> None:
    answer = ask(front, push(path=path))
    assert answer.status == 404
    assert set(error_of(answer)) == {"error", "message", "message_zh"}


@pytest.mark.parametrize("path", ["/push/small", "/push/small/", "/push/small/a/b?c"])
def test_a_door_is_found_by_two_segments(front: FrontDoor, path: str) -> None:
    assert ask(front, push(path=path)).status == 200


def test_a_wrong_method_is_405(front: FrontDoor, bus: SmallBus) -> None:
    assert ask(front, push(method="GET")).status == 405
    assert bus.committed == []


@pytest.mark.parametrize("path", ["/push/", "/push/small", "/a/b/c/", "small"])
def test_a_door_with_another_kind_of_path_is_refused_at_start(bus: SmallBus, path: str) -> None:
    door = SmallDoor()
    door.path = path
    with pytest.raises(ValueError, match="door's path"):
        FrontDoor([door], bus, SystemClock(), Meters())


def test_two_doors_at_one_path_are_refused_at_start(bus: SmallBus) -> None:
    with pytest.raises(ValueError, match="its own"):
        FrontDoor([SmallDoor(), SmallDoor()], bus, SystemClock(), Meters())


async def held(front: FrontDoor, request: PushRequest) -> PushAnswer:
    answered: asyncio.Future[PushAnswer] = asyncio.get_running_loop().create_future()
    front.handle(request, answered.set_result)
    assert not answered.done()
    return await answered


async def test_wait_holds_the_answer_until_the_stock_stands(front: FrontDoor, bus: SmallBus) -> None:
    asyncio.get_running_loop().call_later(0.02, bus.reserved.set)
    assert (await held(front, push(query="wait=reserved"))).status == 200


async def test_a_wait_that_was_in_vain_says_202_for_an_order_that_is_committed(
    front: FrontDoor, bus: SmallBus
) -> None:
    assert (await held(front, push(query="wait=reserved"))).status == 202
    assert len(bus.committed) == 1


async def test_nothing_waits_for_what_is_not_known(front: FrontDoor) -> None:
    assert ask(front, push(query="wait=forever")).status == 200
    assert ask(front, push(b'["A2","A3"]', query="wait=reserved")).status == 200
