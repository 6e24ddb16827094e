"""Stock beside what the warehouses' systems say, and taking their numbers over: the same over the API and here.

Taking over is a stock count like one of a file, dated when the warehouse was asked; where both agree there is none.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.fulfillment.wms_stock import Compared
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.stock_desk import StockDesk
from tongdan.ports import Clock, CommandBus, Inbound
from tongdan.surfaces.imports import Refused, tell

SOURCE: Final = "wms/stock"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`theirs` None: its system did not name the SKU, `difference` neither. `ours` None: nothing was counted there."""

    sku: str
    warehouse: str
    theirs: int | None
    ours: int | None
    difference: int | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`adopted` rows were counted anew; `refused` were not."""

    rows: list[Row]
    adopted: int
    refused: list[Refused]


async def compare_stock(
    desk: StockDesk, bus: CommandBus, clock: Clock, warehouse: str, skus: list[str], who: str, *, adopt: bool
) -> Comparison | Refusal:
    """With `adopt` the counts are committed in the name of `who`; without it nothing is written."""
    found = await desk.compare(warehouse, skus)
    if isinstance(found, Refusal):
        return found
    adopted, refused = 0, list[Refused]()
    if adopt:
        told = await tell(bus, clock, list(counts(found)), who)
        adopted, refused = told.accepted, told.refused
    rows = [
        Row(sku=each.sku, warehouse=each.warehouse, theirs=each.theirs, ours=each.ours, difference=each.difference)
        for each in found
    ]  # fmt: skip
    return Comparison(rows=rows, adopted=adopted, refused=refused)


def counts(found: Iterable[Compared]) -> Iterable[Inbound]:
    """A stock count for each row where the warehouse says another number."""
    for each in found:
        if each.theirs is not None and each.theirs != each.ours:
            yield Inbound(
                command=CountStock(
                    sku=each.sku, warehouse=each.warehouse, on_hand=each.theirs, counted_at=each.asked_at
                ),
                key=(SOURCE, each.warehouse, each.sku, each.asked_at.isoformat(), str(each.theirs)),
                source=SOURCE,
                shop="",
                happened_at=each.asked_at,
                raw=msgspec.json.encode(each),
            )
