"""The same world over real sockets and in real time, speeded up: only the outcome has to agree."""

import asyncio
import shutil
import socket
from pathlib import Path

import msgspec
import pytest
import yaml
from tests.world.many import judged, orders_of
from tests.world.stage import CONF

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import HttpTransport
from tongdan.cli.stage import PARTNERS
from tongdan.labs.world.hosting import Hosted
from tongdan.labs.world.provision import loopback
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.world import World
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer, Unreachable
from tongdan.profile import embedded
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.intake import PushPort
from tongdan.surfaces.waits import WAITS

pytestmark = pytest.mark.server

# Minutes are seconds here: what is never pushed has to be found while the test lasts.
LISTED = {"every_s": 3, "behind_s": 1, "overlap_s": 5, "calls_per_minute": 1_200, "page_size": 5}
COOLING = {"cooling_s": 1}
STILL_S = 9.0


@pytest.mark.parametrize("seed", range(1, 6))
async def test_a_world_over_http_adds_up(
    data: Path, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    conf, push_port = _loopback_conf(tmp_path / "conf")
    clock = SystemClock()
    async with HttpTransport() as to_partners, HttpTransport() as to_centre:
        centre = embedded(data, tmp_path / "conf", transport=to_partners)
        port = PushPort(FrontDoor(centre.doors, centre.bus, clock, centre.meters, WAITS), clock)
        world = World(
            seed=seed,
            clock=clock,
            centre=to_centre,
            data=data,
            policy=conf.policy,
            partners=conf.partners,
            speed=50_000,
            orders=orders_of(seed),
            faults=1.0,
            outages=1,
            retail=SeededRetail(seed),
            most_lines=3,
        )
        await centre.start()
        await port.start("127.0.0.1", push_port)
        await world.host()
        try:
            await world.count_stock(centre.bus)
            quiet = await world.run(
                still_s=STILL_S, deadline_s=120, busy=lambda: _busy(centre.reads.counts())
            )
            centre.views.flush()
            outcome = judged(world, centre.reads, quiet=quiet)
            with capsys.disabled():
                print(f"\nover HTTP, seed {seed}: {outcome}")
            assert outcome.wrong == []
            assert (outcome.orders, outcome.missing, outcome.doubled) == (orders_of(seed), 0, 0)
            assert outcome.faults.total() >= 5
        finally:
            await world.close()
            await port.stop()
            await centre.stop()


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


def _busy(counts: dict[str, int]) -> bool:
    return bool(counts["backlog"] or counts["relay_lag"] or counts["effects_outstanding"])


def _loopback_conf(folder: Path) -> tuple[Conf, int]:
    """The repository's configuration with all addresses on free loopback ports, and the push port.

    What cools for minutes before it is paid back cools for a second.
    """
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in PARTNERS]
    sockets.append(socket.create_server(("127.0.0.1", 0)))
    *ports, push_port = (each.getsockname()[1] for each in sockets)
    for each in sockets:
        each.close()
    urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(PARTNERS, ports, strict=True)}
    shutil.copytree(CONF, folder)
    for path in (folder / "channels").glob("*.yml"):
        channel = yaml.safe_load(path.read_text())
        if "listing" in channel:
            channel["listing"] |= LISTED
            path.write_text(yaml.safe_dump(channel, allow_unicode=True))
    confirmation = folder / "confirmation.yml"
    confirmation.write_text(yaml.safe_dump(yaml.safe_load(confirmation.read_text()) | COOLING))
    partners = loopback(load_conf(CONF).partners, urls, f"http://127.0.0.1:{push_port}")
    (folder / "partners.yml").write_text(yaml.safe_dump(msgspec.to_builtins(partners), allow_unicode=True))
    return load_conf(folder), push_port
