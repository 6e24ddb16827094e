"""A day beside finance's list over the API: looked at, taken away as a file, and told again where that is right.

A repair looks anew before it does anything: what has been mended meanwhile is refused, and a second click is the first.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.flow.finance_desk import FinanceDesk
from tongdan.ports import Accepted
from tongdan.surfaces.http.access import Bookkeeper, SellerReader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.reconciling import Sheet, repair, rows_of, sheet_of

PATH: Final = "/api/v1/reconciliation"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

NOT_TO_MEND: Final = RefusalKind(
    "not-to-mend",
    409,
    en="Telling finance of {order} again is not certainly right for {day}: look at the day anew for its cause.",
    zh="{order} 在 {day} 不属于可直接重发的差异：请重新查看该日及其原因。",
)

Day = Annotated[date | None, Query(alias="date", description="The business day (UTC+8); default: yesterday.")]
Shop = Annotated[str, Query(max_length=64, description="Only this shop.")]


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class StepShape(_Shape):
    """What one cause makes of the difference: finance's less ours."""

    cause: str
    title: str
    title_zh: str
    found: int
    orders: int
    amount_fen: int


class PlaceShape(_Shape):
    slot: int
    epoch: int
    seq: int
    fact: str
    at: datetime


class DifferenceShape(_Shape):
    cause: str
    order: str = Field(description="Ours; empty: unknown here.")
    name: str = Field(description="What finance calls it; empty: it does not have it.")
    shop: str
    ours_fen: int | None = Field(description="null: not counted here that day.")
    theirs_fen: int | None = Field(description="null: not counted there.")
    why: str
    why_zh: str
    evidence: list[PlaceShape] = Field(description="The rows of the audit trail that the cause follows from.")
    mends: bool = Field(description="Telling finance again is certainly right.")


class ReconciliationShape(_Shape):
    """Both counts, the steps from ours to finance's, and each difference; `residue` is what nothing explains."""

    day: date
    shop: str
    asked_at: datetime
    moment: str = Field(description="By which moment finance counts: paid or placed.")
    ours: int
    ours_fen: int
    theirs: int
    theirs_fen: int
    matched: int
    steps: list[StepShape]
    residue: int
    residue_fen: int
    differences: list[DifferenceShape]


class MendBody(Body):
    day: Annotated[date, Field(strict=False)]
    order: Annotated[str, StringConstraints(min_length=1, max_length=64)]


def router_of(desk: FinanceDesk) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["finance"])

    @router.get("")
    async def look(
        parts: PartsOf, who: SellerReader, day: Day = None, shop: Shop = ""
    ) -> ReconciliationShape:
        """A day's orders beside finance's own list: both counts, and each difference with its cause. Nothing changes.

        某日订单与财务清单比对：双方单数，以及每一处差异及其原因。不作任何改动。
        """
        return ReconciliationShape.model_validate(await _sheet(desk, parts, day, shop))

    @router.get("/export", response_class=Response)
    async def export(parts: PartsOf, who: SellerReader, day: Day = None, shop: Shop = "") -> Response:
        """The same as an XLSX file, with the rows of the audit trail that each cause rests on.

        同样内容的 XLSX 文件，含每个原因所依据的审计记录。
        """
        sheet = await _sheet(desk, parts, day, shop)
        headers = {"Content-Disposition": f'attachment; filename="finance-{sheet.day}.xlsx"'}
        return Response(write_xlsx(rows_of(sheet)), media_type=XLSX, headers=headers)

    @router.post("/repairs")
    async def mend(parts: PartsOf, who: Bookkeeper, body: MendBody) -> Done:
        """Tell finance of an order again, where it should have it and does not. A second time does nothing more.

        重新通知财务（仅限确定应入账而缺失的订单）；重复提交不会重复通知。
        """
        sheet = await _sheet(desk, parts, body.day, "")
        found = next((each for each in sheet.differences if each.mends and each.order == body.order), None)
        if found is None:
            raise Refused(NOT_TO_MEND.of(order=body.order, day=body.day.isoformat()))
        reply = await parts.bus.ask(replace(repair(sheet, found, parts.clock.now()), operator=who.name))
        if not isinstance(reply, Accepted):
            raise Refused(reply)
        position = f"{reply.slot}.{reply.epoch}.{reply.seq}"
        return Done(aggregate=reply.aggregate, position=position, duplicate=reply.duplicate)

    return router


async def _sheet(desk: FinanceDesk, parts: Parts, day: date | None, shop: str) -> Sheet:
    found = await desk.reconcile(day or business_day(parts.clock.now()) - timedelta(days=1), shop)
    if isinstance(found, Refusal):
        raise Refused(found)
    return sheet_of(found)
