"""A lost index that is killed while it is made anew goes on where it was, and ends as what was lost."""

import asyncio
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from tests.flow.parties import place

from tongdan.domain.kernel.messages import Command
from tongdan.ports import EVERY_ORDER, Accepted, Inbound, OrderRow
from tongdan.profile import Centre, embedded

pytestmark = pytest.mark.server

CONF: Final = Path(__file__).parents[3] / "conf"
PROCESS: Final = Path(__file__).with_name("rebuilding.py")
ORDERS: Final = 150
KILLS: Final = 3


async def test_a_killed_rebuild_goes_on_and_ends_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = await _written(data)
    for leftover in data.glob("search.sqlite*"):
        leftover.unlink()
    lacking = [_lives(data, killed=True) for _ in range(KILLS)]
    assert all(begun > ended for begun, ended in lacking)
    assert all(later <= ended for (_, ended), (later, _) in pairwise(lacking))
    assert _lives(data, killed=False)[1] == 0
    centre = embedded(data, CONF)
    await centre.start()
    assert centre.reads.orders(EVERY_ORDER, limit=ORDERS + 1) == before
    await centre.stop()


async def _written(data: Path) -> list[OrderRow]:
    centre = embedded(data, CONF)
    await centre.start()
    replies = await asyncio.gather(*[_asked(centre, place(f"A-{n}", shop="mp-main")) for n in range(ORDERS)])
    assert all(isinstance(reply, Accepted) for reply in replies)
    await centre.quiet()
    await centre.tokens.catch_up()
    centre.views.flush()
    rows = centre.reads.orders(EVERY_ORDER, limit=ORDERS + 1)
    await centre.stop()
    assert len(rows) == ORDERS
    return rows


async def _asked(centre: Centre, command: Command) -> object:
    now = centre.clock.now()
    return await centre.bus.ask(
        Inbound(command=command, key=(str(command),), source="test", shop="mp-main", happened_at=now, raw=b"")
    )


def _lives(data: Path, *, killed: bool) -> tuple[int, int]:
    """How many journal rows the index lacked when this life began to read, and when it was killed or done."""
    with subprocess.Popen(
        [sys.executable, str(PROCESS), str(data), str(CONF)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = last = int(process.stdout.readline())
        for line in process.stdout:
            last = 0 if line == "whole\n" else int(line)
            if killed and first - last > 50:
                process.kill()
                break
    return first, last
