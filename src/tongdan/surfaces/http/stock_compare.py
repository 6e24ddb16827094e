"""Stock beside what the warehouses' systems say, over the API; their numbers are taken over if the caller says so."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.fulfillment.wms_stock import MAX_SKUS
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.stock_desk import StockDesk
from tongdan.surfaces.http.access import Operator
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.imports import RefusedShape
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.stock_compare import compare_stock

PATH: Final = "/api/v1/stock/compare"

Sku = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


class CompareBody(Body):
    warehouse: Annotated[str, StringConstraints(max_length=64)] = Field("", description="Without it: all.")
    skus: list[Sku] = Field([], max_length=MAX_SKUS, description="Without them: whatever either side has.")
    adopt: bool = Field(False, description="Take over what the warehouse says, as a stock count.")


class ComparedShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    sku: str
    warehouse: str
    theirs: int | None = Field(description="On hand there, sound; null: its system did not name the SKU.")
    ours: int | None = Field(description="On hand; null: nothing was ever counted there.")
    difference: int | None = Field(description="Theirs less ours; null where they said nothing.")


class ComparisonShape(BaseModel):
    """`rows` are as they were before anything was taken over."""

    rows: list[ComparedShape]
    adopted: int = Field(description="Rows that were counted anew.")
    refused: list[RefusedShape]


def router_of(desk: StockDesk) -> APIRouter:
    router = APIRouter(tags=["stock"])

    @router.post(PATH)
    async def compare(parts: PartsOf, who: Operator, body: CompareBody) -> ComparisonShape:
        """Ask the warehouses' systems for their stock and compare it with ours. Nothing changes without `adopt`.

        向仓储系统查询库存并与本系统比对；仅 adopt=true 时按对方数量重新盘点。
        """
        found = await compare_stock(
            desk, parts.bus, parts.clock, body.warehouse, body.skus, who.name, adopt=body.adopt
        )
        if isinstance(found, Refusal):
            raise Refused(found)
        return ComparisonShape(
            rows=[ComparedShape.model_validate(each) for each in found.rows],
            adopted=found.adopted,
            refused=[
                RefusedShape(what=each.what, error=each.error, message=each.en, message_zh=each.zh)
                for each in found.refused
            ],
        )

    return router
