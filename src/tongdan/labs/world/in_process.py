"""Centre and world in one process and one event loop, on virtual time if the clock is virtual.

Requests go from one to the other without a socket, through the same front door and the same actors. Under
one seed everything repeats exactly: months pass in seconds, and the chain heads come out the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.partners import channels_of
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.flow.shard import commit_inline
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.platforms import SHARES
from tongdan.labs.world.provision import provision
from tongdan.labs.world.retail import Retail
from tongdan.labs.world.world import World
from tongdan.ports import Clock, HttpRequest, HttpResponse, Probes, PushAnswer, PushRequest, Transport
from tongdan.profile import Centre, embedded
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.waits import WAITS

LATENCY_S: Final = (0.005, 0.08)


class Pair(NamedTuple):
    """A centre and the world around it."""

    centre: Centre
    world: World


@asynccontextmanager
async def together(
    data: Path,
    conf: Path,
    *,
    clock: Clock,
    seed: int,
    day: int = 0,
    speed: float = 1.0,
    orders: int = 300,
    faults: float = 0.2,
    outages: int = 2,
    most_lines: int = 200,
    retail: Retail | None = None,
    shares: Mapping[str, float] = SHARES,
    prepare: Callable[[Path], None] = lambda data: None,
    probes: Callable[[Conf, Transport, Clock], Probes] | None = None,
    overheard: Callable[[HttpRequest, HttpResponse], None] = lambda request, response: None,
) -> AsyncIterator[Pair]:
    """Build both, start the centre, count the stock; at the end stop both.

    `prepare` may change the data directory when the world has its half of the credentials and the centre has not begun.
    `probes`: what health scans look with; without it they see nothing.
    `overheard` is shown what is said between them.
    """
    entropy = SeededEntropy(f"{seed}/centre/{day}")
    read = load_conf(conf)
    provision(data, read.policy, read.partners, SeededEntropy(f"{seed}/credentials"), channels_of(read))
    latency = {}

    def latency_s(host: str) -> float:
        if host not in latency:
            latency[host] = Stream(seed, "latency", host)
        return latency[host].between(*LATENCY_S)

    doors: dict[str, Handler] = {}
    world = World(
        seed=seed,
        clock=clock,
        centre=InProcessTransport(doors, clock, latency_s, overheard),
        data=data,
        policy=read.policy,
        partners=read.partners,
        speed=speed,
        orders=orders,
        faults=faults,
        outages=outages,
        day=day,
        most_lines=most_lines,
        retail=retail,
        shares=shares,
    )
    prepare(data)
    transport = InProcessTransport(world.handlers, clock, latency_s, overheard)
    centre = embedded(
        data, conf, clock=clock, entropy=entropy, transport=transport, committer=commit_inline,
        probes=None if probes is None else probes(read, transport, clock),
    )  # fmt: skip
    front_door = FrontDoor(centre.doors, centre.bus, clock, centre.meters, WAITS)
    doors[urlsplit(world.setting.centre_url).netloc] = knocking(front_door, clock)
    await centre.start()
    try:
        await world.count_stock(centre.bus)
        yield Pair(centre, world)
    finally:
        await world.close()
        await centre.stop()


def knocking(front_door: FrontDoor, clock: Clock) -> Handler:
    """The front door as a handler of requests: what the push port does, without sockets."""

    async def knock(request: HttpRequest) -> HttpResponse:
        url = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answered: asyncio.Future[PushAnswer] = asyncio.get_running_loop().create_future()
        push = PushRequest(request.method, url.path, url.query, headers, request.body, clock.now())
        front_door.handle(push, answered.set_result)
        answer = await answered
        said = {"content-type": answer.content_type}
        if answer.retry_after_s:
            said["retry-after"] = str(answer.retry_after_s)
        return HttpResponse(answer.status, said, answer.body)

    return knock
