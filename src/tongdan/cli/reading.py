"""Opening the data to read it, beside a running centre or without one.

Nothing here takes the data's lock or writes, so every reading command may be run while the centre serves.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tongdan.cli.language import t
from tongdan.cli.output import DOES_NOT_HOLD, fail
from tongdan.domain.kernel.policy import Policy
from tongdan.ports import Reads, StoreFailure
from tongdan.profile import NoData, reading


class Reading(NamedTuple):
    reads: Reads
    data: Path

    def policy(self) -> Policy:
        """The policy that was last in force on this data."""
        kept = sorted((self.data / "policies").glob("*.json"), key=lambda path: int(path.stem))
        if not kept:
            return Policy()
        return msgspec.convert(json.loads(kept[-1].read_text())["policy"], Policy)


@contextmanager
def open_reading(data: Path) -> Iterator[Reading]:
    """Exits with 2 when `data` holds nothing, with 1 when it cannot be read."""
    try:
        yield Reading(reading(data), data)
    except NoData:
        fail(
            t(
                f"{data} holds no data of an order centre. Start one with `tongdan serve` or `tongdan demo`, "
                "or name another directory with --data.",
                f"{data} 里没有订单中心的数据。请先运行 tongdan serve 或 tongdan demo，或用 --data 指定其他目录。",
            )
        )
    except StoreFailure as failure:
        fail(t(f"The data cannot be read: {failure}", f"数据无法读取：{failure}"), DOES_NOT_HOLD)
