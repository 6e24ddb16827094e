"""Stock behind every SKU that the orders of a benchmark name, counted through the order centre itself.

`python -m bench.stock PLACE`: without it every order would be short, and its reactions be tickets instead of
reservations. It is done once; each run starts from a copy of the files it leaves.
"""

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from bench.baskets import read_baskets
from bench.generator import MOST_BASKETS
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Inbound
from tongdan.profile import Centre, embedded

_ON_HAND: Final = 10_000_000
_AT_ONCE: Final = 2_000


def _counts(centre: Centre) -> Iterator[Inbound]:
    now, (warehouse, *_) = centre.clock.now(), centre.policy.warehouses
    for sku in sorted({line.sku for basket in read_baskets(MOST_BASKETS).items for line in basket.lines}):
        count = CountStock(sku=sku, warehouse=warehouse, on_hand=_ON_HAND, counted_at=now)
        yield Inbound(
            command=count, key=("bench", "count", sku), source="wms/qimen", shop="", happened_at=now, raw=b""
        )


async def _count(place: Path) -> None:
    centre = embedded(place / "data", place / "conf")
    await centre.start()
    try:
        counts = _counts(centre)
        while messages := list(islice(counts, _AT_ONCE)):
            replies = await asyncio.gather(*(centre.bus.ask(message) for message in messages))
            if refused := [reply for reply in replies if isinstance(reply, Refusal)]:
                raise SystemExit(f"stock was refused: {refused[0]}")
        await centre.quiet()
    finally:
        await centre.stop()


if __name__ == "__main__":
    asyncio.run(_count(Path(sys.argv[1])))
