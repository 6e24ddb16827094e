"""The scan before dawn comes by itself, and keeps a key warm that its partner would freeze unused."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import time, timedelta
from pathlib import Path

from tests.flow.rig import Rig, opened, virtual
from tests.flow.test_credentials import Book, Ring

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.credentials_file import CredentialsFile
from tongdan.adapters.health_probes import NoProbes
from tongdan.adapters.partners.sf_api import sf_warmer
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.confighealth.checks import IDLE
from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.keys import HEALTH_BOARD, credential_key
from tongdan.flow.credential_desk import CredentialDesk
from tongdan.flow.health_scan import HealthScan
from tongdan.labs.world.provision import CREDENTIALS, provision
from tongdan.labs.world.world import World
from tongdan.ports import Clock

TASK = "sf/main"
IDLE_DAYS = 7
CONF = load_conf(Path(__file__).parents[2] / "conf")


class Sealed(Ring):
    """One key of SF, as the simulated SF knows it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        key = PutKey(
            task=TASK, key="main", fingerprint="f", environment="production", by="li", idle_days=IDLE_DAYS
        )
        super().__init__(key)

    def fields(self, task: str, key: str) -> Mapping[str, str]:
        return self._fields


class Calling(NoProbes):
    """SF is asked as it really is; nothing else is looked at."""

    def __init__(self, transport: InProcessTransport, clock: Clock) -> None:
        self._warm = sf_warmer(CONF.partners.sf, transport, clock)

    async def warm(self, task: str, fields: Mapping[str, str]) -> bool | None:
        return await self._warm(fields) if task == TASK else None


class Dawn:
    def __init__(self, rig: Rig, scan: HealthScan, world: World) -> None:
        self.rig, self.scan, self.world = rig, scan, world

    def times(self, key: str, fact: str) -> list[str]:
        rows = [row for row in self.rig.reads.timeline(key) if row.fact == fact]
        return [f"{row.recorded_at.astimezone(SHANGHAI):%d %H:%M}" for row in rows]


@asynccontextmanager
async def dawn(data: Path, clock: Clock, *, fields: Mapping[str, str] | None = None) -> AsyncIterator[Dawn]:
    """A centre whose timer scans at 04:30, beside a simulated SF; `fields`: the key that it holds."""
    provision(data, CONF.policy, CONF.partners, SeededEntropy("credentials"))
    held = CredentialsFile(data / CREDENTIALS).get(TASK)
    world = World(
        seed=1, clock=clock, centre=InProcessTransport({}, clock), data=data, policy=CONF.policy,
        partners=CONF.partners, speed=1.0, orders=0,
    )  # fmt: skip
    async with opened(data / "centre", clock) as rig:
        ring, policy = Sealed(fields or held), HealthPolicy()
        desk = CredentialDesk(rig.bus, rig.reads, ring, Book(), {TASK: ""}, policy, clock)  # type: ignore[arg-type]
        probes = Calling(InProcessTransport(world.handlers, clock), clock)
        scan = HealthScan(
            rig.bus, rig.reads, desk, probes, at=time(4, 30), callbacks=(), mails=False
        )  # fmt: skip
        await desk.start()
        scan.start()
        try:
            yield Dawn(rig, scan, world)
        finally:
            scan.stop()
            await world.close()


@virtual
async def test_it_scans_every_day_before_dawn_by_itself(clock: Clock, tmp_path: Path) -> None:
    async with dawn(tmp_path, clock) as at:
        await clock.sleep(timedelta(days=3).total_seconds())  # from noon of the 27th on
        assert at.times(HEALTH_BOARD, "HealthScanned") == ["28 04:30", "29 04:30", "30 04:30"]
        assert {scan.by for scan in at.scan.board().scans} == {"tongdan"}
        at.scan.stop()
        await clock.sleep(timedelta(days=2).total_seconds())
        assert len(at.scan.board().scans) == 3


@virtual
async def test_a_key_that_nobody_uses_is_called_with_before_it_is_frozen(
    clock: Clock, tmp_path: Path
) -> None:
    """Frozen after seven days without a call, warned of two days before: the scan of the sixth night calls."""
    async with dawn(tmp_path, clock) as at:
        await clock.sleep(timedelta(days=12).total_seconds())
        assert at.times(credential_key(TASK), "KeyWarmed") == ["02 04:30", "07 04:30"]
        assert at.world.sf.queries == 2
        assert [found for found in at.scan.board().findings if found.check == IDLE] == []
        at.scan.desk.book.note(TASK, "main", clock.now())  # somebody uses it, so nobody has to
        await clock.sleep(timedelta(days=4).total_seconds())
        assert at.world.sf.queries == 2


@virtual
async def test_a_key_that_cannot_be_kept_warm_is_a_finding_every_night_until_it_is_frozen(
    clock: Clock, tmp_path: Path
) -> None:
    wrong = {"partner_id": "X", "check_word": "Y", "push_secret": "Z"}
    async with dawn(tmp_path, clock, fields=wrong) as at:
        await clock.sleep(timedelta(days=5, hours=17).total_seconds())
        (found,) = [each for each in at.scan.board().findings if each.check == IDLE]
        assert (found.severity, found.about) == ("warning", f"{TASK}/main")
        await clock.sleep(timedelta(days=1).total_seconds())
        (found,) = [each for each in at.scan.board().findings if each.check == IDLE]
        assert found.severity == "critical"
        assert at.times(credential_key(TASK), "KeyWarmed") == []
