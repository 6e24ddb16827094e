"""The status board over the API: the counts, and the orders behind one of them.

Every channel that is configured is a row and every column stands in it, so that a zero is told from what is missing.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.status import Status
from tongdan.ports import Cell
from tongdan.surfaces import board
from tongdan.surfaces.board import COLUMN_OF, COLUMNS, Age, Filter
from tongdan.surfaces.catalog import NO_SUCH_SHOP, shop_of
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import OrderList, item_shape
from tongdan.surfaces.refusals import INVALID_FIELD
from tongdan.surfaces.searching import percent_indexed

router: Final = APIRouter(prefix="/board", tags=["board"])

PAGE: Final = 50

ShopFilter = Annotated[str, Query(max_length=64, description="Only this shop.")]
WarehouseFilter = Annotated[str, Query(max_length=64, description="Only what leaves from here.")]
AgeFilter = Annotated[Age, Query(description="How long ago it was placed.")]


class CellShape(BaseModel):
    column: str
    orders: int
    odd: int = Field(description="Of how many of them the systems disagree.")


class ChannelCells(BaseModel):
    channel: str
    name: str
    name_zh: str
    cells: list[CellShape]


class Counts(BaseModel):
    as_of: datetime = Field(
        description="When the index was read; it is a moment behind the orders themselves."
    )
    percent_indexed: int | None = Field(
        description="How much of the journal the index has while it is being made anew, and these counts too low; "
        "null: they are right."
    )
    channels: list[ChannelCells]


class ColumnShape(BaseModel):
    id: str
    title: str
    title_zh: str


class Choice(BaseModel):
    id: str
    name: str


class Board(Counts):
    columns: list[ColumnShape]
    shops: list[Choice] = Field(description="Those that the caller may see.")
    warehouses: list[Choice]


@router.get("")
async def show(
    parts: PartsOf, who: Reader, shop: ShopFilter = "", warehouse: WarehouseFilter = "",
    age: AgeFilter = Age.ANY,
) -> Board:  # fmt: skip
    """How many orders of each channel stand where, and of how many the systems disagree.

    各渠道各状态的订单数，以及其中系统不一致的单数。
    """
    counted = counts(parts, filter_of(parts, who, shop, warehouse, age))
    policy = parts.policy
    return Board(
        as_of=counted.as_of,
        percent_indexed=counted.percent_indexed,
        channels=counted.channels,
        columns=[ColumnShape(id=each.id, title=each.en, title_zh=each.zh) for each in COLUMNS],
        shops=[Choice(id=each.id, name=each.name) for each in policy.shops.values() if who.sees(each.id)],
        warehouses=[
            Choice(id=each.code, name=each.name)
            for each in policy.warehouses.values()
            if not who.warehouses or each.code in who.warehouses
        ],
    )


@router.get("/orders")
async def orders(
    parts: PartsOf, who: Reader,
    column: Annotated[str, Query(max_length=32, description="The `id` of a column.")],
    channel: Annotated[str, Query(max_length=8, description="None: of all channels.")] = "",
    odd: Annotated[bool, Query(description="Only those whose systems disagree.")] = False,
    shop: ShopFilter = "", warehouse: WarehouseFilter = "", age: AgeFilter = Age.ANY,
    cursor: Annotated[str, Query(max_length=64, description="`next` of the page before.")] = "",
) -> OrderList:  # fmt: skip
    """The orders that a cell of the board counts, newest first.

    看板某一格所计的订单，最新的在前。
    """
    cell = next((each for each in COLUMNS if each.id == column), None)
    if cell is None:
        known = ", ".join(each.id for each in COLUMNS)
        raise Refused(
            INVALID_FIELD.of(field="column", en=f"expected one of {known}", zh=f"应为 {known} 之一")
        )
    filter = filter_of(parts, who, shop, warehouse, age)
    query = board.orders_in(cell, channel, filter, parts.clock.now(), odd=odd)
    try:
        rows = parts.reads.orders(query, before=cursor, limit=PAGE)
    except ValueError:
        raise Refused(
            INVALID_FIELD.of(field="cursor", en="expected the `next` of a page", zh="应为上一页返回的 next")
        ) from None
    return OrderList(
        orders=[item_shape(row) for row in rows],
        next=rows[-1].cursor if len(rows) == PAGE else None,
    )


def filter_of(parts: Parts, who: Principal, shop: str, warehouse: str, age: Age) -> Filter:
    """What is asked for; what of it the caller may see, the reads know. Raises Refused."""
    if not shop:
        return Filter((), warehouse, age)
    if isinstance(found := shop_of(parts.policy.shops, shop), Refusal) or not who.sees(shop):
        known = ", ".join(each for each in parts.policy.shops if who.sees(each))
        raise Refused(NO_SUCH_SHOP.of(shop=shop, known=known))
    return Filter((found.id,), warehouse, age)


def counts(parts: Parts, filter: Filter) -> Counts:
    """Raises StoreFailure."""
    at, cells = parts.boards.cells(filter)
    total, odd = _by_column(cells)
    named = {code: (each.name_en, each.name_zh) for code, each in parts.policy.channels.items()}
    rows = named | {cell.channel: (cell.channel, cell.channel) for cell in cells if cell.channel not in named}
    return Counts(
        as_of=at,
        percent_indexed=percent_indexed(parts.reads),
        channels=[
            ChannelCells(
                channel=code, name=en, name_zh=zh,
                cells=[
                    CellShape(column=each.id, orders=total[code, each.id], odd=odd[code, each.id])
                    for each in COLUMNS
                ],
            )
            for code, (en, zh) in rows.items()
        ],
    )  # fmt: skip


def _by_column(cells: Sequence[Cell]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    total, odd = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for cell in cells:
        where = (cell.channel, COLUMN_OF[Status(cell.status)].id)
        total[where] += cell.orders
        odd[where] += cell.odd
    return total, odd
