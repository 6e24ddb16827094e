"""Looking for orders: by one text, by fields, page by page, counted; and the same written into a file.

The same question is asked in the address or, where a person is named in it, in a body that no proxy writes down. An
index is a moment behind: `after` waits for it, and every page says how far behind it is.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.status import Status
from tongdan.ports import COUNTED
from tongdan.surfaces import order_file
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import OrderList, StatusShape, item_shape, status_shape
from tongdan.surfaces.refusals import INVALID_FIELD
from tongdan.surfaces.searching import Asked, Found, behind, counted, percent_indexed, search
from tongdan.surfaces.words import Language

router: Final = APIRouter(tags=["orders"])

WAIT_S: Final = 1.0  # for the index to have what `after` names
_LOOK_AGAIN_S: Final = 0.02

Short = Annotated[str, Field(max_length=64)]
Shops = Annotated[list[Short], Field(max_length=200)]
Code = Annotated[int, Field(ge=0, le=99)]
Instant = Annotated[str, Field(max_length=40, examples=["2026-01-27T15:00:00+08:00"])]
Fen = Annotated[int, Field(ge=0, le=MAX_FEN)]


class Question(BaseModel):
    """Which orders; all that is said must hold."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        "", max_length=64,
        description="Any id or whole number, waybill, phone or its last four digits, two or more characters of a name, "
        "SKU, or words of the goods; `read_as` says how it was taken.",
    )  # fmt: skip
    phone: str = Field(
        "", max_length=32, description="Whole, masked as a platform shows it, or its last four."
    )
    name: str = Field("", max_length=32, description="Two or more characters that stand together.")
    sku: Short = ""
    waybill: str = Field("", max_length=64, description="Or any other whole number of the order outside.")
    words: Short = Field("", description="Words of the goods' titles; in Chinese two characters or more.")
    channel: str = Field("", max_length=2)
    shop: Shops = Field([], description="One of these shops.")
    status: list[Code] = Field([], max_length=100, description="One of these status codes (signed = 5).")
    warehouse: Short = ""
    placed_since: Instant = ""
    placed_until: Instant = ""
    amount_min_fen: Fen | None = None
    amount_max_fen: Fen | None = None
    odd: bool = Field(False, description="Only orders whose systems disagree.")
    held: bool = Field(False, description="Only orders that are held.")

    def asked(self) -> Asked:
        """Raises Refused naming a field."""
        return Asked(
            q=self.q, phone=self.phone, name=self.name, sku=self.sku, waybill=self.waybill, words=self.words,
            channel=self.channel, shops=tuple(self.shop), statuses=tuple(sorted(set(self.status))),
            warehouse=self.warehouse, since=_instant("placed_since", self.placed_since),
            until=_instant("placed_until", self.placed_until), least_fen=self.amount_min_fen,
            most_fen=self.amount_max_fen, odd=self.odd, held=self.held,
        )  # fmt: skip


class Paged(Question):
    """Which orders, and which page of them."""

    cursor: str = Field("", max_length=200, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=200)
    count: bool = Field(False, description=f"Count them, exactly up to {COUNTED:,}.")
    after: str = Field(
        "", pattern=r"^(\d{1,3}\.\d{1,9}\.\d{1,15})?$",
        description="A position that an answer gave: wait up to a second until the index has it.",
    )  # fmt: skip


class Exported(Question):
    form: order_file.Form = "xlsx"
    language: Language = "zh"


class OrderPage(OrderList):
    count: int | None = Field(
        description="How many there are; null: not asked, or no index can count them now."
    )
    more: bool = Field(description="There are more than `count`.")
    read_as: str = Field(description="How `q` was read: id, number, phone, name or words.")
    also: list[str] = Field(description="How else `q` could be read and would find something.")
    as_of: datetime
    behind: int = Field(
        description="Journal rows that are committed and not in the index yet; 0: it has all."
    )
    percent_indexed: int | None = Field(
        description="How much of the journal the index has while it is being made anew: orders are missing here, and "
        "`count` is null. Null: it lacks nothing but what `behind` says."
    )


@router.get("/orders")
async def list_orders(parts: PartsOf, who: Reader, asked: Annotated[Paged, Query()]) -> OrderPage:
    """Orders, newest first. Name people in the body of a POST, which no proxy writes down.

    订单列表，最新的在前。按手机号、姓名查询请用 POST，避免被代理记录。
    """
    return await _page(parts, asked)


@router.post("/orders/search")
async def search_orders(parts: PartsOf, who: Reader, asked: Paged) -> OrderPage:
    """Orders, newest first; the same question as `GET /orders`, in the body.

    订单查询，条件与 `GET /orders` 相同，放在请求体中。
    """
    return await _page(parts, asked)


@router.post("/orders/export", response_class=StreamingResponse)
async def export_orders(parts: PartsOf, who: Reader, asked: Exported) -> StreamingResponse:
    """The orders as a CSV or XLSX file, without personal data; `X-Orders` says how many, `10000+` beyond a count.

    将订单导出为 CSV 或 XLSX 文件（不含个人信息）；`X-Orders` 为订单数，超过计数上限为 `10000+`。
    """
    question = asked.asked()
    first = _found(parts, question, "", order_file.PAGE)
    count, more = counted(parts.reads, first.query)
    headers = {
        "Content-Disposition": f'attachment; filename="orders.{asked.form}"',
        "X-Orders": f"{count or 0}{'+' if more else ''}",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(
        _file(parts, question, first, asked), media_type=order_file.TYPES[asked.form], headers=headers
    )


@router.get("/statuses")
async def statuses(who: Reader, parts: PartsOf) -> list[StatusShape]:
    """The canonical statuses, in the order in which an order goes through them.

    规范状态列表，按流转顺序。
    """
    return [status_shape(int(each)) for each in Status]


async def _page(parts: Parts, asked: Paged) -> OrderPage:
    late = await _waited(parts) if asked.after else behind(parts.reads)
    found = _found(parts, asked.asked(), asked.cursor, asked.limit)
    count, more = counted(parts.reads, found.query) if asked.count else (None, False)
    return OrderPage(
        orders=[item_shape(row) for row in found.rows], next=found.next, count=count, more=more,
        read_as=found.read_as, also=list(found.also), as_of=parts.clock.now(), behind=late,
        percent_indexed=percent_indexed(parts.reads),
    )  # fmt: skip


def _found(parts: Parts, asked: Asked, cursor: str, limit: int) -> Found:
    try:
        found = search(parts.reads, asked, cursor, limit)
    except ValueError:
        raise Refused(
            INVALID_FIELD.of(field="cursor", en="expected the `next` of a page", zh="应为上一页返回的 next")
        ) from None
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


async def _waited(parts: Parts) -> int:
    """Wait for what is committed by now; what any answer has told is."""
    wanted = {shard: last for shard, (_, last) in parts.reads.indexed().items()}
    until_s = parts.clock.monotonic() + WAIT_S
    while True:
        reached = {shard: pos for shard, (pos, _) in parts.reads.indexed().items()}
        late = sum(max(0, last - reached.get(shard, 0)) for shard, last in wanted.items())
        if not late or parts.clock.monotonic() >= until_s:
            return late
        await parts.clock.sleep(_LOOK_AGAIN_S)


def _instant(field: str, text: str) -> datetime | None:
    return read_instant(field, text) if text else None


async def _file(parts: Parts, question: Asked, first: Found, asked: Exported) -> AsyncIterator[bytes]:
    for piece in order_file.in_file(parts.reads, question, first, asked.form, asked.language):
        yield piece
        await parts.clock.sleep(0)
