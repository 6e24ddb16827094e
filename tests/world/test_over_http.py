"""The same world over real sockets and in real time, speeded up: only the outcome has to agree."""

import asyncio
from pathlib import Path

import pytest
from tests.world.many import judged, orders_of
from tests.world.over_http import is_busy, meeting

from tongdan.adapters.transport import HttpTransport
from tongdan.labs.world.hosting import Hosted
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer, Unreachable

pytestmark = pytest.mark.server

STILL_S = 9.0


@pytest.mark.parametrize("seed", range(1, 6))
async def test_a_world_over_http_adds_up(
    data: Path, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with meeting(data, tmp_path / "conf", seed=seed, orders=orders_of(seed), faults=1.0, outages=1) as (
        centre,
        world,
    ):
        quiet = await world.run(still_s=STILL_S, deadline_s=120, busy=lambda: is_busy(centre.reads))
        centre.views.flush()
        outcome = judged(world, centre.reads, quiet=quiet)
        with capsys.disabled():
            print(f"\nover HTTP, seed {seed}: {outcome}")
        assert outcome.wrong == []
        assert (outcome.orders, outcome.missing, outcome.doubled) == (orders_of(seed), 0, 0)
        assert outcome.faults.total() >= 5


async def test_a_hosted_partner_answers_and_can_be_cut_off() -> None:
    async def partner(request: HttpRequest) -> HttpResponse:
        if request.body == b"lose":
            raise NoAnswer("lost")
        if request.body == b"down":
            raise Unreachable("down")
        assert request.headers["x-one"] == "1"
        return HttpResponse(201, {"x-two": "2"}, request.method.encode() + request.url[-4:].encode())

    hosted = Hosted()
    url = await hosted.add("partner", partner)
    async with HttpTransport() as http:
        for _ in range(3):  # one connection, kept alive
            answer = await http.send(
                HttpRequest(method="POST", url=f"{url}/x?y=1", headers={"X-One": "1"}, body=b"a" * 100_000)
            )
            assert (answer.status, answer.headers["x-two"], answer.body) == (201, "2", b"POST?y=1")
        for body in (b"lose", b"down"):
            with pytest.raises(NoAnswer):
                await http.send(HttpRequest(method="POST", url=url, body=body))
        await hosted.close()
        with pytest.raises((Unreachable, NoAnswer)):
            await http.send(HttpRequest(method="POST", url=url, timeout_s=1))


async def test_a_hosted_partner_carries_out_what_nobody_waits_for_any_more() -> None:
    done = asyncio.Event()

    async def slow(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.5)
        done.set()
        return HttpResponse(200, {}, b"")

    hosted = Hosted()
    url = await hosted.add("slow", slow)
    async with HttpTransport() as http:
        with pytest.raises(NoAnswer):
            await http.send(HttpRequest(method="POST", url=url, timeout_s=0.1))
    assert not done.is_set()
    await asyncio.wait_for(done.wait(), 5)
    await hosted.close()


async def test_a_partner_that_leaves_refuses_its_callers_and_comes_back_to_the_same_port() -> None:
    async def partner(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, b"here")

    hosted = Hosted()
    url = await hosted.add("partner", partner)
    async with HttpTransport() as http:
        asked = HttpRequest(method="GET", url=f"{url}/x")
        assert (await http.send(asked)).body == b"here"
        held = await hosted.leave("partner")
        with pytest.raises(Unreachable):
            await http.send(asked)
        assert await hosted.add("partner", partner, held) == url
        assert (await http.send(asked)).body == b"here"
        await hosted.close()
