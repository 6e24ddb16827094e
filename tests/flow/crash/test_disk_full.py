"""A full disk: callers are told to come again, nothing acknowledged is lost, and afterwards everything goes on.

The disk is a small one of its own where the machine lets us mount it (root), so that writing fails as it does in
life; elsewhere a limit on the size of files, set on the running process, stands in for it.
"""

import asyncio
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import Stage, answered, busy, drained, staged

pytestmark = pytest.mark.server

DISK_MB: Final = 256  # room for four logs that are not yet written back
FULL_FOR_S: Final = 3.0


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
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=700", "tmpfs", str(data))
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a disk; the limit on file sizes stands in")
    try:
        yield Disk(data, _write_ballast, lambda stage: (stage.data / "ballast").unlink())
    finally:
        subprocess.run(("umount", str(data)), check=True)


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


def _write_ballast(stage: Stage) -> None:
    with (stage.data / "ballast").open("wb", buffering=0) as ballast:
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
