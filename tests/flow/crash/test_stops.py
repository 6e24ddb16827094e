"""Ends and beginnings in order: SIGTERM leaves nothing accepted unanswered, and one directory has one owner."""

import asyncio
from pathlib import Path

import pytest
from tests.flow.crash.centre import ARTICLES, IN_USE, count_key
from tests.flow.crash.process import CentreProcess, free_ports
from tests.flow.crash.proof import acknowledged_keys, aftermath, findings
from tests.flow.crash.town import Stage, answered, busy, drained, query, staged

from tongdan.adapters.policy_files import load_conf
from tongdan.domain.kernel.slots import digest

pytestmark = pytest.mark.server


async def test_sigterm_answers_all_that_was_accepted(tmp_path: Path, seed: int) -> None:
    async with staged(tmp_path, seed) as stage:
        stage.town.answers_after_s = 0.5  # so that effects are under way, too
        await stage.centre.start()
        async with busy(stage, every_s=0.05, baskets=3):
            await answered(stage, 60)
            await stage.centre.stop(within_s=10.0)
            await asyncio.sleep(0.5)  # the last answers are still being read
        accepted = accepted_from_outside(stage)
        assert len(accepted) >= 60
        assert accepted - acknowledged_keys(stage) == set()
        stage.town.answers_after_s = 0.0
        await stage.centre.start()
        quiet = await drained(stage)
        await stage.centre.stop()
    assert findings(aftermath(stage, quiet=quiet)) == []


def accepted_from_outside(stage: Stage) -> set[bytes]:
    """The inbox, without the stock counts that the centre told itself when it began."""
    warehouses = load_conf(stage.conf).policy.warehouses
    counts = {digest(*count_key(code, n)) for code in warehouses for n in range(ARTICLES)}
    return {key for (key,) in query(stage.data, "SELECT key FROM inbox")} - counts


async def test_a_second_process_is_refused_by_name(tmp_path: Path, seed: int) -> None:
    async with staged(tmp_path, seed) as stage:
        await stage.centre.start()
        (port,) = free_ports(1)
        second = CentreProcess(stage.data, stage.conf, port, tmp_path / "second.log")
        await second.spawn()
        assert await second.dead(20.0) == IN_USE
        assert second.log().startswith(f"DataInUse: another process is serving {stage.data}")
        stage.town.order(6)
        quiet = await drained(stage)
        await stage.centre.stop()
    after = aftermath(stage, quiet=quiet)
    assert after.ledger.born == 6
    assert findings(after) == []
