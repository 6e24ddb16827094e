"""Stock and quotas over the API: what lies where, what platforms were told they may sell, and telling them again."""

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.fulfillment.quota_commands import PushQuotas
from tongdan.domain.kernel.messages import Refusal
from tongdan.surfaces import quotas
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import Done

PATH: Final = "/api/v1/quotas"
router: Final = APIRouter(prefix="/api/v1", tags=["stock"])


class InWarehouseShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    warehouse: str
    on_hand: int
    reserved: int
    available: int


class StockShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    sku: str
    warehouses: list[InWarehouseShape]
    waiting_units: int = Field(description="Wanted by orders, and not there.")
    parts: dict[str, int] = Field(description="Of a bundle: units of each part. It has no stock of its own.")


class OutletShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    channel: str
    shop: str
    offer: str = Field(description="The platform's own number of the SKU.")
    product: str = Field(description='The platform\'s number of the goods; "": nobody has said.')
    due: int | None = Field(description="What the rule says; null: it says nothing of this shop.")
    asked: int | None = Field(description="On its way to the platform; null: nothing is.")
    published: int | None = Field(description="What the platform confirmed last; null: nothing yet.")


class QuotasShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    sku: str
    units: int | None = Field(description="May be sold in all; null without a rule, or before it is known.")
    buffer_units: int
    shared: bool
    outlets: list[OutletShape]


@router.get("/stock/{sku:path}")
async def show_stock(parts: PartsOf, who: Reader, sku: str) -> StockShape:
    """A SKU's stock in each warehouse.

    单个商品在各仓的库存。
    """
    found = quotas.stock_of(parts.reads, sku)
    if isinstance(found, Refusal):
        raise Refused(found)
    return StockShape.model_validate(found)


@router.get("/quotas/{sku:path}")
async def show_quotas(parts: PartsOf, who: Reader, sku: str) -> QuotasShape:
    """What platforms were told they may sell of a SKU, and what the rules say.

    单个商品在各平台的库存配额：应发布、发布中与已发布数量。
    """
    found = quotas.quotas_of(parts.reads, parts.policy.quotas, sku)
    if isinstance(found, Refusal):
        raise Refused(found)
    return QuotasShape.model_validate(found)


@router.post("/quotas/{sku:path}")
async def push_quotas(asking: Writing, sku: str) -> Done:
    """Tell all platforms again what they may sell of a SKU, under the rules in force.

    按现行规则重新向各平台发布单个商品的库存配额。
    """
    return await asking.of(PushQuotas(sku=sku))
