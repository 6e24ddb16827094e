"""Bill files over the API, checked or written, and the orders that are signed for and have not been paid out."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.policy_files import ConfError
from tongdan.domain.kernel.messages import RefusalKind
from tongdan.surfaces import settlements
from tongdan.surfaces.http.access import Reader, SellerWriter
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import PartsOf

PATH: Final = "/api/v1/settlements"
BAD_BILL: Final = RefusalKind(
    "bill-not-readable", 422, en="The bill {what}. Nothing was written.", zh="账单{what}。未写入任何内容。"
)

Form = Annotated[
    str, Query(alias="as", pattern=r"^[a-z0-9-]{1,64}$", description="wechat, alipay, or a map.")
]


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OpenShape(_Shape):
    """A row of which nobody knows what it is for; written, it is a ticket."""

    line: int
    name: str
    reference: str
    order: str
    amount_fen: int
    why: str
    why_zh: str


class BillFault(_Shape):
    """`line` 0: the file's own totals are not those of its rows."""

    line: int
    en: str
    zh: str


class BillShape(_Shape):
    """matched + fees + explained + open = total, to the fen."""

    rows: int
    matched: int
    matched_fen: int
    fees_fen: int
    explained_fen: int
    open_fen: int
    total_fen: int
    settles: int = Field(description="Orders that it settles.")
    open: list[OpenShape]
    faults: list[BillFault]
    applied: bool = Field(description="false: nothing was written.")
    accepted: int
    duplicates: int
    refused: int


class DueShape(_Shape):
    order: str
    channel: str
    shop: str
    amount_fen: int
    signed_at: datetime
    due_at: datetime | None = Field(description="null: the channel's map does not say when it pays out.")


def router_of(conf: Path) -> APIRouter:
    """`conf` is where the maps of bills are."""
    router = APIRouter(prefix=PATH, tags=["finance"])

    @router.post("/bills")
    async def bill(
        parts: PartsOf, who: SellerWriter, request: Request, form: Form = "wechat", apply: bool = False
    ) -> BillShape:
        """Lay a bill file beside the orders, to the fen; with `apply` settle them, and raise tickets for what is open.

        核对账单文件（精确到分）；apply=true 时登记结算，并为无法匹配的行生成工单。
        """
        try:
            read = settlements.read_bill(await request.body(), form, conf)
        except FileRefused as refused:
            raise Refused(BAD_BILL.of(what=refused.fault.en)) from None
        except ConfError as error:
            raise Refused(BAD_BILL.of(what=f"has no usable map: {error}")) from None
        found = await settlements.lay_beside(
            parts.reads, parts.policy, parts.bus, parts.clock, read, form, who.name, apply=apply
        )
        return BillShape.model_validate(found)

    @router.get("/due")
    async def due(
        parts: PartsOf, who: Reader, shop: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=2_000)] = 500,
    ) -> list[DueShape]:  # fmt: skip
        """Orders that are signed for and have not been paid out, longest due first.

        已签收尚未结算的订单，最早应结算的在前。
        """
        found = settlements.due(parts.reads, parts.policy, shop, limit)
        return [DueShape.model_validate(each) for each in found]

    return router
