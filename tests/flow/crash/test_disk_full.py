"""A full disk: callers are told to come again, nothing acknowledged is lost, and afterwards everything goes on.

The disk is a small one of its own where the machine lets us mount it (root), so that writing fails as it does in
life; elsewhere a limit on the size of files, set on the running process, stands in for it. Of several processes one
has its shard on a small disk: that one refuses, the others go on.
"""

import asyncio
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.flow.crash.company import Company
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import Stage, answered, busy, drained, query, staged

from tongdan.profile import SHARDS

pytestmark = pytest.mark.server

DISK_MB: Final = 256  # room for four logs that are not yet written back
FULL_FOR_S: Final = 3.0
FULL: Final = 2  # the shard that has a disk of its own
SHARD_DISK_MB: Final = 64


class Disk(NamedTuple):
    """Where the data lie, and how it is made full and free again for a running centre."""

    data: Path
    fill: Callable[[Stage], None]
    free: Callable[[Stage], None]


@pytest.fixture(params=["small disk", "file size limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    data = tmp_path / "disk"
    data.mkdir(mode=0o700)
    if request.param == "file size limit":
        yield Disk(data, _limit_files, _lift_the_limit)
        return
    with _mounted(data, DISK_MB):
        yield Disk(data, lambda stage: _write_ballast(data), lambda stage: (data / "ballast").unlink())


@contextmanager
def _mounted(folder: Path, size_mb: int) -> Iterator[None]:
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=700", "tmpfs", str(folder))
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a disk; the limit on file sizes stands in")
    try:
        yield
    finally:
        subprocess.run(("umount", str(folder)), check=True)


async def test_a_full_disk_refuses_and_loses_nothing(
    tmp_path: Path, seed: int, say: Callable[[str], None], disk: Disk
) -> None:
    async with staged(tmp_path, seed, data=disk.data) as stage:
        await stage.centre.start()
        async with busy(stage):
            await answered(stage, 60)
            disk.fill(stage)
            await asyncio.sleep(FULL_FOR_S)
            refused = stage.line.turned_away.copy()
            disk.free(stage)
            await answered(stage, len(stage.line.answered) + 60)
        quiet = await drained(stage)
        await stage.centre.stop()
    assert stage.centre.lives == 1
    assert set(refused) == {503}
    assert refused[503] > 0
    after = aftermath(stage, quiet=quiet)
    say(f"{after.messages} (disk full, {refused[503]} times told to come again)")
    assert findings(after) == []


async def test_the_full_disk_of_one_shard_leaves_the_others_at_work(
    tmp_path: Path, seed: int, say: Callable[[str], None]
) -> None:
    data, disk = tmp_path / "data", tmp_path / "disk"
    for folder in (data, disk):
        folder.mkdir(mode=0o700)
    name = f"shard-{FULL}.sqlite"
    (data / name).symlink_to(disk / name)
    with _mounted(disk, SHARD_DISK_MB):
        async with staged(tmp_path, seed, centre_of=Company) as stage:
            company = stage.centre
            assert isinstance(company, Company)
            await company.start()
            await company.tell(0, "stock")
            pids = [stands["pid"] for stands in await company.each("stands")]
            async with busy(stage, every_s=0.2):
                await answered(stage, 60)
                _write_ballast(disk)
                before = _taken_in(stage)
                await asyncio.sleep(FULL_FOR_S)
                refused, meanwhile = stage.line.turned_away.copy(), _taken_in(stage)
                (disk / "ballast").unlink()
                await answered(stage, len(stage.line.answered) + 60)
            quiet = await drained(stage)
            assert [stands["pid"] for stands in await company.each("stands")] == pids
            await company.stop()
        assert set(refused) == {503}
        grew = [now > then for now, then in zip(meanwhile, before, strict=True)]
        assert grew == [shard != FULL for shard in range(SHARDS)]
        after = aftermath(stage, quiet=quiet)
        say(f"{after.messages} (one shard's disk full, {refused[503]} times told to come again)")
        assert findings(after) == []


def _taken_in(stage: Stage) -> list[int]:
    """How many messages each shard has."""
    return [number for (number,) in query(stage.data, "SELECT count(*) FROM inbox")]


def _write_ballast(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(262_144)):
                pass
        except OSError:
            return


def _limit_files(stage: Stage) -> None:
    """No file may grow beyond the largest there is, which is the journal of the log that is being written."""
    largest = max(path.stat().st_size for path in stage.data.glob("shard-*"))
    resource.prlimit(stage.centre.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def _lift_the_limit(stage: Stage) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(stage.centre.pid, resource.RLIMIT_FSIZE, unlimited)
