"""A centre and a world that meet over real sockets; the world is faster than the clock, which may be ahead itself."""

import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from tests.world.stage import CONF

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import HttpTransport
from tongdan.cli.stage import PARTNERS
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.provision import loopback
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.world import World
from tongdan.ports import Clock, Reads
from tongdan.profile import embedded
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.intake import PushPort
from tongdan.surfaces.waits import WAITS

# Minutes are seconds here: what is never pushed has to be found while the test lasts.
LISTED = {"every_s": 3, "behind_s": 1, "overlap_s": 5, "calls_per_minute": 1_200, "page_size": 5}
COOLING = {"cooling_s": 1}


class Hastened:
    """Everybody's clock, on which `speed` seconds pass in one."""

    def __init__(self, speed: float) -> None:
        self._speed: Final = speed
        self._real: Final = SystemClock()
        self._began: Final = self._real.now()

    def now(self) -> datetime:
        return self._began + self._speed * (self._real.now() - self._began)

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds / self._speed)

    def monotonic(self) -> float:
        return self._real.monotonic() * self._speed

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        return self._real.call_later(seconds / self._speed, then)


@asynccontextmanager
async def meeting(
    data: Path,
    conf: Path,
    *,
    seed: int,
    orders: int,
    speed: float = 50_000,
    faults: float,
    outages: int,
    clock: Clock | None = None,
    listed: Mapping[str, int] = LISTED,
    pulse: Mapping[str, Any] | None = None,
) -> AsyncIterator[Pair]:
    """`conf` is where the configuration is put, with `listed` and `pulse` for what is delivered."""
    read, push_port = _loopback_conf(conf, listed, pulse or {})
    clock = clock or SystemClock()
    async with HttpTransport() as to_partners, HttpTransport() as to_centre:
        centre = embedded(data, conf, clock=clock, transport=to_partners)
        port = PushPort(FrontDoor(centre.doors, centre.bus, clock, centre.meters, WAITS), clock)
        world = World(
            seed=seed,
            clock=clock,
            centre=to_centre,
            data=data,
            policy=read.policy,
            partners=read.partners,
            speed=speed,
            orders=orders,
            faults=faults,
            outages=outages,
            retail=SeededRetail(seed),
            most_lines=3,
        )
        await centre.start()
        await port.start("127.0.0.1", push_port)
        await world.host()
        try:
            await world.count_stock(centre.bus)
            yield Pair(centre, world)
        finally:
            await world.close()
            await port.stop()
            await centre.stop()


def is_busy(reads: Reads) -> bool:
    counts = reads.counts()
    return bool(counts["backlog"] or counts["relay_lag"] or counts["effects_outstanding"])


def _loopback_conf(folder: Path, listed: Mapping[str, int], pulse: Mapping[str, Any]) -> tuple[Conf, int]:
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
            channel["listing"] |= listed
            path.write_text(yaml.safe_dump(channel, allow_unicode=True))
    confirmation = folder / "confirmation.yml"
    confirmation.write_text(yaml.safe_dump(yaml.safe_load(confirmation.read_text()) | COOLING))
    said = yaml.safe_load((folder / "pulse.yml").read_text()) | pulse
    (folder / "pulse.yml").write_text(yaml.safe_dump(said))
    partners = loopback(load_conf(CONF).partners, urls, f"http://127.0.0.1:{push_port}")
    (folder / "partners.yml").write_text(yaml.safe_dump(msgspec.to_builtins(partners), allow_unicode=True))
    return load_conf(folder), push_port
