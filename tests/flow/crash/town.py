"""The world around a centre that keeps dying, and the ledger of what the centre has acknowledged.

It is the world of `labs`, over real HTTP, without injected faults: the fault here is the centre. Partners never give
up: a message is sent again, byte for byte, until somebody answers it. Each party lives at a pace of its own, so that
what takes days takes seconds, and what waits for the centre (a payment sheet, stock) still has time to.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import apsw
import msgspec
import yaml
from tests.flow.crash.process import CentreProcess, free_ports

from tongdan.adapters.clock import PacedClock, SystemClock, SystemEntropy
from tongdan.adapters.partners import CHANNELS
from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import MAX_CONNECTIONS, Handler, HttpTransport
from tongdan.flow.journal import to_us
from tongdan.labs.world.finance import Finance
from tongdan.labs.world.mini_program import MiniProgram
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.provision import CREDENTIALS, loopback, merchant_of, provision, read_credentials
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.wechat_pay import BY_TRADE_NO, JSAPI, WechatPay
from tongdan.labs.world.world import World
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Transport, Unreachable
from tongdan.profile import SHARDS

CONF: Final = Path(__file__).parents[3] / "conf"
PARTNERS: Final = (*(channel.name for channel in CHANNELS), "wechat", "qimen", "finance", "sf")
PARTNERS_PACE: Final = 100_000.0  # a parcel's days on the road are a second
BUYERS_PACE: Final = 250.0  # a buyer's minute is a quarter of a second
FINANCE_PACE: Final = 20_000.0  # what was not heard is told again for some seconds
MOST_LINES: Final = 3
DEADLINES_S: Final = {"pay_within_s": 6, "reservation_s": 12, "complete_after_signed_s": 1}
COOLING_S: Final = 1  # of a refund that both parties have marked
TRY_AGAIN: Final = (429, 503)
TRIES: Final = 2_000
PAUSE_S: Final = 0.1
UNANSWERED_LIMIT: Final = 60  # beyond so many open requests nobody buys more
STILL_S: Final = 1.0
DRAINED_WITHIN_S: Final = 90.0
DUE_SOON_S: Final = 60.0  # a deadline nearer than this is one that a run still waits for


class Answered(NamedTuple):
    """One request that the centre has answered for good, at an instant of the partners' clock."""

    request: HttpRequest
    response: HttpResponse
    at: datetime


class Insistent:
    """The partners' line to the centre: asks until it is answered, and writes down every answer."""

    def __init__(self, line: Transport, up: asyncio.Event, clock: Clock) -> None:
        self.answered: Final[list[Answered]] = []
        self.turned_away: Final[Counter[int]] = Counter()
        self.unanswered = 0
        self.open = 0  # requests that wait for their answer
        self._line: Final = line
        self._up: Final = up
        self._clock: Final = clock
        self._lines: Final = asyncio.Semaphore(MAX_CONNECTIONS)  # so that nobody's patience ends in a queue

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.open += 1
        try:
            return await self._insist(request)
        finally:
            self.open -= 1

    async def _insist(self, request: HttpRequest) -> HttpResponse:
        for tries in range(1, TRIES + 1):
            await self._up.wait()
            try:
                async with self._lines:
                    response = await self._line.send(request)
            except (Unreachable, NoAnswer):
                self.unanswered += 1
            else:
                if response.status not in TRY_AGAIN:
                    self.answered.append(Answered(request, response, self._clock.now()))
                    return response
                self.turned_away[response.status] += 1
            await asyncio.sleep(PAUSE_S * min(tries, 5))
        raise NoAnswer(f"asked {TRIES} times")


class Asked(NamedTuple):
    """One request of the centre's to WeChat Pay about opening a payment."""

    method: str
    out_trade_no: str


class Town(World):
    """The world, with slower buyers, and a record of what WeChat Pay was asked in which order.

    `answers_after_s` is how long partners think before they answer.
    """

    answers_after_s = 0.0

    def _enlist(self, data: Path, partners: Partners) -> None:
        super()._enlist(data, partners)
        self.asked: list[Asked] = []
        slowly = self.setting._replace(clock=PacedClock(self.clock, BUYERS_PACE / PARTNERS_PACE))
        patiently = self.setting._replace(clock=PacedClock(self.clock, FINANCE_PACE / PARTNERS_PACE))
        own = self.shops["MP"]
        credentials = read_credentials(data / CREDENTIALS)
        merchant = merchant_of(data, partners.wechat.merchants[own.id])
        self.wechat = WechatPay(slowly, merchant, banks=self.setting)
        self.own_shop = MiniProgram(slowly, self.wechat, own.id, credentials[f"own/{own.id}"]["secret"])
        finance = partners.finance
        secret = credentials[f"finance/{finance.system}"]["secret"]
        self.finance = Finance(patiently, finance.system, secret, ZoneInfo(finance.zone))
        self._partners = {
            **self._partners,
            "wechat": self._guarded("wechat", self._noting(self.wechat.handle)),
            "finance": self._guarded("finance", self.finance.handle),
        }

    def _guarded(self, partner: str, handler: Handler) -> Handler:
        guarded = super()._guarded(partner, handler)

        async def thoughtful(request: HttpRequest) -> HttpResponse:
            response = await guarded(request)
            await asyncio.sleep(self.answers_after_s)
            return response

        return thoughtful

    def be_down(self, partner: str, lasts_s: float) -> None:
        """Let `partner` be unreachable from now on."""
        self.bustle.start(self.faults.suffer(partner, 0.0, lasts_s * PARTNERS_PACE))

    def _noting(self, handler: Handler) -> Handler:
        async def noting(request: HttpRequest) -> HttpResponse:
            path = urlsplit(request.url).path
            if path == JSAPI:
                self.asked.append(Asked("POST", msgspec.json.decode(request.body)["out_trade_no"]))
            elif request.method == "GET" and path.startswith(BY_TRADE_NO):
                self.asked.append(Asked("GET", path.removeprefix(BY_TRADE_NO)))
            return await handler(request)

        return noting

    def order(self, count: int) -> None:
        """`count` more baskets are bought, now: every other one on Douyin, the rest in the own shop."""
        for _ in range(count):
            no = len(self.platforms.douyin.orders) + len(self.own_shop.orders)
            basket = self.baskets[no % len(self.baskets)]
            buyer = buyer_of(self.seed, basket.buyer)
            if no % 2:
                self.own_shop.place(f"M{no:05d}", basket, buyer)
            else:
                self.platforms.douyin.place(f"69{no:014d}000", basket, buyer)


class Stage(NamedTuple):
    """All that a crash test needs: the centre's process, the world around it, and the line between them."""

    centre: CentreProcess
    town: Town
    line: Insistent
    data: Path
    conf: Path


@asynccontextmanager
async def staged(
    folder: Path,
    seed: int,
    data: Path | None = None,
    through: Callable[[Transport], Transport] = lambda line: line,
    centre_of: Callable[[Path, Path, int, Path], CentreProcess] = CentreProcess,
) -> AsyncIterator[Stage]:
    """Configuration, credentials and partners in `folder`; the centre is not started yet. Leaves nothing running.

    Partners reach the centre `through` what is made of the line. `centre_of`: (data, conf, push port, log) → centre.
    """
    data, conf, clock = data or folder / "data", folder / "conf", SystemClock()
    port, *partners_ports = free_ports(1 + len(PARTNERS))
    settings = _write_conf(conf, partners_ports, port)
    provision(data, settings.policy, settings.partners, SystemEntropy())
    centre = centre_of(data, conf, port, folder / "centre.log")
    async with HttpTransport() as transport:
        line = Insistent(transport, centre.up, clock)
        town = Town(
            seed=seed, clock=clock, centre=through(line), data=data, policy=settings.policy, partners=settings.partners,
            speed=PARTNERS_PACE, faults=0.0, outages=0, retail=SeededRetail(seed), most_lines=MOST_LINES,
        )  # fmt: skip
        await town.host()
        try:
            yield Stage(centre, town, line, data, conf)
        finally:
            await centre.end()
            await town.close()


@asynccontextmanager
async def busy(stage: Stage, every_s: float = 0.5, baskets: int = 3) -> AsyncIterator[None]:
    """Meanwhile baskets are bought, as long as the centre keeps up with them."""

    async def buying() -> None:
        while True:
            if stage.line.open < UNANSWERED_LIMIT:
                stage.town.order(baskets)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(buying())
    try:
        yield
    finally:
        task.cancel()


async def answered(stage: Stage, count: int, within_s: float = 30.0) -> None:
    """Wait until the centre has answered so many requests. Raises TimeoutError."""
    for _ in range(int(within_s / PAUSE_S)):
        if len(stage.line.answered) >= count:
            return
        await asyncio.sleep(PAUSE_S)
    raise TimeoutError(f"{len(stage.line.answered)} of {count} answers in {within_s:g} s")


async def drained(stage: Stage) -> bool:
    """Wait until partners and centre have nothing left to do; False if that takes longer than DRAINED_WITHIN_S."""

    def at_work() -> bool:
        return stage.line.open > 0 or unsettled(stage.data, stage.town.clock.now())

    return await stage.town.bustle.quiet(STILL_S, DRAINED_WITHIN_S, at_work)


def unsettled(data: Path, now: datetime) -> bool:
    """Whether the loop has anything left to do: effects out, deadlines within reach, facts without reactions, moves."""
    left = query(
        data,
        "SELECT (SELECT count(*) FROM effects) - (SELECT count(*) FROM runs WHERE dead)"
        " + (SELECT count(*) FROM wakeups WHERE due_us < ?1)"
        " + (SELECT count(*) FROM heads h LEFT JOIN cursors c ON c.subscriber = 'reactions' AND c.slot = h.slot"
        " WHERE (h.epoch, h.seq) > (ifnull(c.epoch, 0), ifnull(c.seq, 0)))"
        " + (SELECT count(*) FROM slots WHERE state NOT IN ('active', 'away'))",
        to_us(now + timedelta(seconds=DUE_SOON_S)),
    )
    return any(number for (number,) in left)


def query(data: Path, statement: str, *values: Any) -> list[Any]:
    """The rows of all shards. Nothing is left open: a reader that stays would spare a crashed file its recovery."""
    rows = []
    for shard in range(SHARDS):
        db = apsw.Connection(str(data / f"shard-{shard}.sqlite"), flags=apsw.SQLITE_OPEN_READWRITE)
        db.set_busy_timeout(10_000)
        rows += list(db.execute(statement, values))
        db.close()
    return rows


def _write_conf(conf: Path, partners_ports: list[int], port: int) -> Conf:
    """The shipped configuration, with partners on loopback ports and deadlines of seconds."""
    shutil.copytree(CONF, conf)
    (conf / "notices.yml").unlink()  # nobody here tells buyers
    for name, changed in (("deadlines.yml", DEADLINES_S), ("confirmation.yml", {"cooling_s": COOLING_S})):
        file = conf / name
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changed))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(PARTNERS, partners_ports, strict=True)}
    here = loopback(load_conf(conf).partners, urls, f"http://127.0.0.1:{port}")
    (conf / "partners.yml").write_text(yaml.safe_dump(msgspec.to_builtins(here), allow_unicode=True))
    return load_conf(conf)
