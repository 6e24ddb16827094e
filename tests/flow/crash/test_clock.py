"""The centre's clock is set back an hour under load, and put right again: nothing stalls, nothing happens twice.

Meanwhile own shops, WeChat Pay and finance are told that their messages are not fresh, and partners tell the centre
the same; what carries no time goes on. A breaker that was open when the clock was set must not stay so for an hour.
"""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import busy, drained, staged

pytestmark = pytest.mark.server


async def test_a_clock_set_back_an_hour_delays_nothing_for_an_hour(tmp_path: Path, seed: int) -> None:
    began = datetime.now(UTC)
    async with staged(tmp_path, seed) as stage:
        await stage.centre.start()
        async with busy(stage):
            await asyncio.sleep(2.0)
            stage.town.be_down("qimen", 4.0)
            stage.town.order(60)
            await asyncio.sleep(2.0)
            stage.centre.send(signal.SIGUSR1)
            await asyncio.sleep(8.0)
            stage.centre.send(signal.SIGUSR2)
            await asyncio.sleep(1.0)
        quiet = await drained(stage)
        await stage.centre.stop()
    after = aftermath(stage, quiet=quiet)
    rows = [row for rows in after.facts.values() for row in rows]
    an_hour_ago = [row for row in rows if began - timedelta(hours=1) < row.recorded_at < began]
    assert {"OrderAnnounced", "WmsProcessed"} <= {row.fact for row in an_hour_ago}
    answered = {row.source for row in an_hour_ago if row.fact == "WmsAccepted"}
    assert answered == {f"wms/{code}" for code in stage.town.policy.warehouses}
    assert any(answered.response.status == 401 for answered in stage.line.answered)
    assert findings(after) == []
