"""Packing parcels anew over the API: merge, split, undo. Without `apply` it is only shown what would happen.

What is applied is a command like any other: journaled with who asked, answered after its commit. The warehouses answer
afterwards; a parcel that leaves first goes as it is, and the timeline of its order says so.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.fulfillment.packing import MAX_PARCELS
from tongdan.flow.repacking import MAX_ORDERS, Part, Proposal, Repacking
from tongdan.surfaces.http.actions import Asking, Body, Packing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.shapes import Done

PATH: Final = "/api/v1/shipments"
MAX_LINES: Final = 200

Ours = Annotated[str, StringConstraints(max_length=64)]
Apply = Annotated[bool, Field(description="Do it. Otherwise it is only shown what would happen.")]


class MergeBody(Body):
    orders: list[Ours] = Field(
        max_length=10 * MAX_ORDERS, examples=[["DY20260127000892", "DY20260127001148"]]
    )
    apply: Apply = False


class LineBody(Body):
    order: Ours = Field("", description="Whose line; needed where a parcel holds several orders' lines.")
    line: int = Field(ge=1, le=10_000)
    units: int = Field(0, ge=0, le=1_000_000, description="0: all of it.")


class ParcelBody(Body):
    lines: list[LineBody] = Field(min_length=1, max_length=MAX_LINES)
    warehouse: str = Field(
        "", max_length=64, description="Where it is to leave from; otherwise where it lies."
    )


class SplitBody(Body):
    parcels: list[ParcelBody] = Field(min_length=1, max_length=MAX_PARCELS)
    apply: Apply = False


class UndoBody(Body):
    apply: Apply = False


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PackedLineShape(Shape):
    order: str
    line: int
    sku: str
    units: int
    amount_fen: int


class ParcelToBeShape(Shape):
    """`shipment` is its number, unless something comes between; "": the order's own packing table will number it."""

    shipment: str
    order: str
    warehouse: str
    lines: list[PackedLineShape]


class ObjectionShape(Shape):
    error: str
    message: str
    message_zh: str


class RepackingShape(Shape):
    """`sources` are called back from their warehouses, `parcels` formed of what is in them; `refused`: why it cannot
    be. `done` is set when it was applied."""

    what: str
    order: str
    sources: list[str]
    parcels: list[ParcelToBeShape]
    refused: list[ObjectionShape]
    done: Done | None = None


def router_of(repacking: Repacking) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["actions"])

    @router.post("/merge")
    async def merge(asking: Packing, body: MergeBody) -> RepackingShape:
        """Put the parcels of several orders of one shop and one receiver into one, before they leave.

        合单：同一店铺、同一收件人的多张订单在出库前合为一个包裹。
        """
        shop = asking.shop_of(*body.orders)
        return await _answer(asking, repacking.merge(body.orders), shop, apply=body.apply)

    @router.post("/{id}/split")
    async def split(asking: Packing, id: Id, body: SplitBody) -> RepackingShape:
        """Put some units of a shipment into parcels of their own, also in other warehouses, before it leaves.

        拆单：出库前将发货单的部分商品单独成包，也可改由其他仓库发出。
        """
        shop = asking.shop_of(id)
        parts = [
            Part(units=tuple((each.order, each.line, each.units) for each in parcel.lines), warehouse=parcel.warehouse)
            for parcel in body.parcels
        ]  # fmt: skip
        return await _answer(asking, repacking.split(id, parts), shop, apply=body.apply)

    @router.post("/{id}/undo")
    async def undo(asking: Packing, id: Id, body: UndoBody) -> RepackingShape:
        """Undo the merge or split that formed this shipment, before its parcels leave.

        撤销产生此发货单的合单或拆单，须在其包裹出库之前。
        """
        shop = asking.shop_of(id)
        return await _answer(asking, repacking.undo(id), shop, apply=body.apply)

    return router


async def _answer(asking: Asking, proposal: Proposal, shop: str, *, apply: bool) -> RepackingShape:
    """Raises Refused with the first objection when it was to be applied."""
    shown = RepackingShape.model_validate(proposal.preview)
    if apply:
        if proposal.command is None:
            raise Refused(proposal.refusals[0])
        shown.done = await asking.of(proposal.command, shop)
    return shown
