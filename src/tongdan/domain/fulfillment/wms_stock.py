"""What a warehouse's own system says lies there: asked when a person wants to compare, and compared with what we hold.

Nothing of it is a fact: who finds the warehouse right has its numbers counted, as any other stock count.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.kernel.messages import Effect, RefusalKind

MAX_SKUS: Final = 100  # asked for by name
MAX_ROWS: Final = 20_000  # of one comparison
PAGE_ROWS: Final = 100  # the most the interface gives at once

UNKNOWN_WAREHOUSE: Final = RefusalKind(
    "unknown-warehouse",
    404,
    en="There is no warehouse {warehouse!r} in conf/warehouses.yml. Expected one of: {known}.",
    zh="conf/warehouses.yml 中没有仓库 {warehouse!r}。应为以下之一：{known}。",
)
NO_STOCK_QUERY: Final = RefusalKind(
    "no-stock-query",
    409,
    en="No system that tells its stock is configured for {warehouse}. Name another warehouse, or import a count: "
    "tongdan import stock",
    zh="{warehouse} 未配置可查询库存的仓储系统。请指定其他仓库，或导入盘点：tongdan import stock",
)
STOCK_UNAVAILABLE: Final = RefusalKind(
    "stock-unavailable",
    503,
    en="The system of {warehouse} does not tell its stock now: {reason}. Nothing was changed; ask again, and if it "
    "stays so, look at its credential.",
    zh="{warehouse} 的仓储系统暂时无法提供库存：{reason}。未作任何改动；请稍后再试，若仍不行，请检查凭证。",
    retry_after_s=30,
)
TOO_MUCH_STOCK: Final = RefusalKind(
    "too-much-stock",
    422,
    en="More than {limit} rows would be compared. Name a warehouse, or SKUs (at most {skus}).",
    zh="比对超过 {limit} 行。请指定仓库或商品（最多 {skus} 个）。",
)


class QueryStock(Effect, frozen=True, kw_only=True):
    """Qimen `stock.query`: a read, made when a person asks; it stands in no lane. `sku` "": all; `page` from 1."""

    warehouse: str
    sku: str = ""
    page: int = 1


class Told(msgspec.Struct, frozen=True):
    """What its system says lies in a warehouse of one SKU, sound and whether or not it is locked for an order."""

    sku: str
    units: int


class StockPage(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` stood on the page, also those that are no sound stock; `total`: in all, if it was said."""

    told: tuple[Told, ...]
    rows: int
    total: int | None = None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """`theirs` None: its system did not name the SKU. `ours` None: nothing was ever counted there."""

    sku: str
    warehouse: str
    theirs: int | None
    ours: int | None
    asked_at: datetime

    @property
    def difference(self) -> int | None:
        """Theirs less ours; None where they said nothing."""
        return None if self.theirs is None else self.theirs - (self.ours or 0)


def compared(
    warehouse: str, theirs: Iterable[Told], ours: Mapping[str, int], skus: Iterable[str], asked_at: datetime
) -> list[Compared]:
    """One row a SKU that either side has, or that was asked for, by SKU. Batches of one SKU are added up."""
    units: dict[str, int] = {}
    for told in theirs:
        units[told.sku] = units.get(told.sku, 0) + told.units
    return [
        Compared(sku=sku, warehouse=warehouse, theirs=units.get(sku), ours=ours.get(sku), asked_at=asked_at)
        for sku in sorted({*units, *ours, *skus})
    ]
