"""Two centres on the same data, because somebody removed the lock: who came first stops by itself, nothing is lost.

Both supervisors share nothing but the files. What proves the owner is the generation in each shard: the first centre's
next transaction finds another one there.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.flow.crash.company import Company
from tests.flow.crash.process import free_ports
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import answered, busy, drained, staged

pytestmark = pytest.mark.server

GIVES_UP: Final = 1  # the supervisor's exit code when one of its processes cannot go on
BESIDE_S: Final = 3.0  # how long the second one serves alone, at ports nobody calls


async def test_who_came_first_stops_by_itself(tmp_path: Path, seed: int, say: Callable[[str], None]) -> None:
    async with staged(tmp_path, seed, centre_of=Company) as stage:
        first = stage.centre
        assert isinstance(first, Company)
        (port,) = free_ports(1)
        second = Company(stage.data, stage.conf, port, tmp_path / "second.log")
        await first.start()
        await first.tell(0, "stock")
        async with busy(stage):
            await answered(stage, 60)
            (stage.data / "lock").unlink()
            try:
                await second.start()
                assert await first.dead(60.0) == GIVES_UP
                assert "exit code 4" in first.log()
                await asyncio.sleep(BESIDE_S)
                await second.stop()
            finally:
                await second.end()
            await first.start()
            await answered(stage, len(stage.line.answered) + 60)
        quiet = await drained(stage)
        await first.stop()
    after = aftermath(stage, quiet=quiet)
    say(f"{after.messages} (two centres on the same data)")
    assert findings(after) == []
