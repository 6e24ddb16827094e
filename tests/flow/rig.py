"""The loop on real files, without doors and networks: what every test of `flow/` runs on.

Everything but the partners is the real thing (bus, relay, effects, wake-ups, views, the embedded stores); time is
virtual and chance comes from a seed, so a test of hours takes milliseconds and repeats exactly. A crash is played by
copying the files as they are and opening a second centre on the copy.
"""

import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.checks_sqlite import SqliteChecks
from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.adapters.shard_format import TABLES
from tongdan.adapters.slot_rows import SqliteSlotRows
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.adapters.vault import AesGcmVault
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.policy import ChannelMap, Policy, Shop, Warehouse
from tongdan.flow.bus import Bus
from tongdan.flow.effects import Runner
from tongdan.flow.findings import Finding
from tongdan.flow.heartbeat import Heartbeat
from tongdan.flow.leaving import Leaving
from tongdan.flow.meters import Meters
from tongdan.flow.moving import Mover
from tongdan.flow.peers import Inlet, Peer
from tongdan.flow.placement import read_placement
from tongdan.flow.reads import Reader
from tongdan.flow.relay import Relay
from tongdan.flow.shard import Committer, commit_inline, no_probe
from tongdan.flow.verify import PLAIN, Asked, check_shard
from tongdan.flow.views import Views
from tongdan.flow.wakeups import Wakeups
from tongdan.ports import Accepted, Actor, Clock, Inbound, NotUnderstood, Reply, Witness
from tongdan.profile import ALONE, Place

_serial = count(1)
NOON = datetime(2026, 1, 27, 4, tzinfo=UTC)  # noon in UTC+8
SHARDS = 4
POLICY = Policy(
    shops={
        "mp-1": Shop(id="mp-1", channel="MP", native="mp-1", name="Own", legal_entity="E"),
        "mp-watched": Shop(
            id="mp-watched", channel="MP", native="w", name="W", legal_entity="E", owned=False
        ),
        "dy-1": Shop(id="dy-1", channel="DY", native="323423", name="Douyin", legal_entity="E"),
    },
    channels={
        "DY": ChannelMap(
            code="DY",
            name_zh="抖音",
            name_en="Douyin",
            zone="Asia/Shanghai",
            statuses={"1": "created", "2": "paid", "3": "shipped", "4": "cancelled", "5": "completed"},
        )
    },
    warehouses={"EAST": Warehouse(code="EAST", name="East", partner="wms", regions=("浙江",))},
)


def virtual(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test on virtual time: `story(clock, …)`, where all but the clock are fixtures and parameters."""

    @wraps(story)
    def test(**given: Any) -> None:
        run_virtual(lambda clock: story(clock, **given), NOON)

    asked = inspect.signature(story)
    others = [each for name, each in asked.parameters.items() if name != "clock"]
    test.__signature__ = asked.replace(parameters=others)  # type: ignore[attr-defined]
    del test.__wrapped__
    return test


class Rig:
    """An order centre on the files of `data`, put together as `profile.py` does, with `actors` for partners."""

    def __init__(
        self,
        data: Path,
        clock: Clock,
        *,
        actors: Sequence[Actor] = (),
        shard: Callable[[Path, int], SqliteShard] = SqliteShard,
        seed: str = "seed",
        probe: Callable[[str], None] = no_probe,
        commit_s: float = 0.0,
        place: Place = ALONE,
        policy: Policy = POLICY,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        """`commit_s`: how long a commit is on its way to the disk, while the loop goes on."""
        data.mkdir(exist_ok=True)
        self.data = data
        self.clock = clock
        entropy = SeededEntropy(seed)
        self.vault = AesGcmVault(bytes(32), entropy)
        self.place = place
        self.stores = [shard(shard_file(data, n), n) for n in range(place.process, SHARDS, place.processes)]
        for n in range(SHARDS):
            if not shard_file(data, n).exists():
                shard(shard_file(data, n), n).close()
        self.readers = [SqliteShard(shard_file(data, n), n, readonly=True) for n in range(SHARDS)]
        self.overview = SqliteOverview(data / "overview.sqlite")
        self.search = SqliteSearch(data / "search.sqlite")
        self.checks = SqliteChecks(data / "checks.sqlite")
        self.meters = Meters()
        self.bus = Bus(
            [(store, self.readers[store.shard]) for store in self.stores],
            readers=self.readers,
            placement=read_placement(self.readers, place.processes),
            clock=clock,
            entropy=entropy,
            vault=self.vault,
            policy=policy,
            revision=1,
            committer=slow_commits(clock, commit_s) if commit_s else commit_inline,
            meters=self.meters,
            probe=probe,
        )
        self.peers = {n: Peer(n, clock) for n in range(place.processes) if n != place.process}
        self.bus.connect(self.peers)
        self.reads = Reader(self.readers, self.vault, self.overview, self.search, self.bus.placement)
        self.relay = Relay(self.bus)
        self.wakeups = Wakeups(self.bus)
        self.runner = Runner(self.bus, actors, self.reads.person)
        self.heartbeat = Heartbeat(self.bus, policy, self.reads, self.checks, witnesses, self.reads.person)
        watched = self.heartbeat.watched
        self.views = Views(self.bus, self.reads, self.overview, self.search, self.checks, watched)
        slot_rows = lambda n: SqliteSlotRows(shard_file(data, n))  # noqa: E731
        leaving = Leaving(self.bus, self.relay, self.runner, self.views, slot_rows, lambda: False)
        self.mover = Mover(self.bus, self.relay, self.runner, slot_rows, leaving)

    async def start(self) -> None:
        await self.mover.recover()
        if self.place.wires is not None:
            await self.place.wires.start(lambda: Inlet(self.bus), self.peers)
        self.views.start()
        self.runner.start()
        await self.relay.start()
        self.wakeups.start()
        self.heartbeat.start()

    async def stop(self) -> None:
        self.heartbeat.stop()
        self.wakeups.stop()
        self.runner.stop()
        await self.bus.stop()
        if self.place.wires is not None:
            await self.place.wires.stop()
        self.views.stop()
        for shard in (*self.stores, *self.readers):
            shard.close()
        self.overview.close()
        self.search.close()
        self.checks.close()

    # -- doing

    def inbound(self, command: Command, *key: str, raw: bytes = b"", operator: str = "system") -> Inbound:
        """A message that stands for `command`; without a key it is one that never came before."""
        return Inbound(
            command=command,
            key=key or ("test", str(next(_serial))),
            source="test",
            shop="",
            happened_at=self.clock.now(),
            raw=raw,
            operator=operator,
        )

    async def ask(self, command: Command, *key: str, raw: bytes = b"") -> Reply:
        return await self.bus.ask(self.inbound(command, *key, raw=raw))

    async def accepted(self, command: Command, *key: str, raw: bytes = b"") -> Accepted:
        """`ask`, which must not be refused."""
        reply = await self.ask(command, *key, raw=raw)
        assert isinstance(reply, Accepted), reply
        return reply

    async def submit(self, *messages: Inbound | NotUnderstood) -> list[Reply]:
        """All messages in one submit; the replies of the inbound ones."""
        replies: list[Sequence[Reply]] = []
        assert self.bus.submit(messages, replies.append) is None
        while not replies:
            await self.clock.sleep(0.001)
        assert len(replies) == 1
        return list(replies[0])

    async def quiet(self, within_s: float = 10.0) -> None:
        """Until nothing is queued and every fact has had its reactions; partners are given half a second."""
        until = self.clock.monotonic() + within_s
        calm = 0
        while calm < 10:
            assert self.clock.monotonic() < until, "the loop does not come to rest"
            await self.clock.sleep(0.05)
            calm = 0 if self.bus.backlog() or self.relay.lag() else calm + 1

    # -- seeing

    def rows(self) -> dict[str, int]:
        """How many rows each table holds, over all shards."""
        return {table: sum(store.count(table) for store in self.readers) for table in TABLES}

    def facts(self, key: str) -> list[str]:
        """The names of all facts of an aggregate, oldest first."""
        return [row.fact for row in self.reads.timeline(key) if row.aggregate == key]

    def state(self, key: str) -> Any:
        found = self.reads.order(key)
        assert found is not None, key
        return found


def slow_commits(clock: Clock, commit_s: float) -> Committer:
    """On the disk after half of it; the loop hears of that after the other half."""

    async def commit(work: Callable[[], None]) -> None:
        await clock.sleep(commit_s / 2)
        work()
        await clock.sleep(commit_s / 2)

    return commit


@asynccontextmanager
async def opened(data: Path, clock: Clock, **more: Any) -> AsyncIterator[Rig]:
    rig = Rig(data, clock, **more)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.stop()


def shard_file(data: Path, shard: int) -> Path:
    return data / f"shard-{shard}.sqlite"


def as_after_a_crash(data: Path, to: Path) -> Path:
    """A copy of the files as they lie on the disk this moment: what a killed process would leave behind."""
    shutil.copytree(data, to)
    return to


def findings(data: Path, asked: Asked = PLAIN) -> list[Finding]:
    """What a check of the files in `data` finds."""
    return [
        finding for shard in range(SHARDS) for finding in findings_of(shard_file(data, shard), shard, asked)
    ]


def findings_of(file: Path, shard: int, asked: Asked = PLAIN) -> list[Finding]:
    return check_shard(lambda n: SqliteAudit(file, n), shard, SHARDS, lambda _: None, asked).findings


def later(seconds: float) -> datetime:
    """`seconds` after the noon at which every test begins."""
    return NOON + timedelta(seconds=seconds)
