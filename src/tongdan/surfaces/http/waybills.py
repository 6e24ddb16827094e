"""E-waybills over the API: which numbers a shipment has, get one again, leave it to the warehouse, fetch the label.

A label is personal data: it is fetched from the carrier for this answer, journaled with who asked, and not kept.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.fulfillment.waybill_commands import GiveUpWaybill, TakeWaybill
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.labels import LabelDesk, find_shipment
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Body, Packing, ReasonBody
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.http.shipments import PATH, Shape

MEDIA: Final = {"pdf": "application/pdf", "json": "application/json"}


class CarrierBody(Body):
    carrier: Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Za-z0-9]*$")] = Field(
        "", description="Another carrier; without it the same one.", examples=["ZTO"]
    )


class NothingBody(Body):
    pass


class NumberShape(Shape):
    """`stage`: asked, live, refused, dropped (being cancelled), cancelled, stuck (the carrier does not cancel it)."""

    key: str
    carrier: str
    waybill: str
    stage: str
    reason: str
    asked_at: datetime
    printed: int


class WaybillsShape(Shape):
    """`waits`: the warehouse has not been told of it, because its number is not there. `left_under`: what parcels left
    under, whoever took the number."""

    shipment: str
    order: str
    warehouse: str
    waits: bool
    numbers: list[NumberShape]
    left_under: list[str]


def shape_of(id: str, shipment: Shipment) -> WaybillsShape:
    numbers = [
        NumberShape(
            key=each.key, carrier=each.carrier, waybill=each.waybill, stage=each.stage.name.lower(), reason=each.reason,
            asked_at=each.asked_at, printed=each.printed,
        )
        for each in shipment.labels
    ]  # fmt: skip
    left_under = [f"{each.carrier} {each.waybill}" for each in shipment.departures if each.waybill]
    return WaybillsShape(
        shipment=id, order=shipment.order, warehouse=shipment.warehouse, waits=shipment.unpushed, numbers=numbers,
        left_under=list(dict.fromkeys(left_under)),
    )  # fmt: skip


def router_of(desk: LabelDesk) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["actions"])

    @router.get("/{id}/waybill", tags=["orders"])
    async def show(parts: PartsOf, who: Reader, id: Id) -> WaybillsShape:
        """The numbers that the seller took for a shipment, and what became of each.

        商家为发货单自取的电子面单号及其状态。
        """
        return shape_of(id, _shipment(parts, id))

    @router.post("/{id}/waybill")
    async def get(asking: Packing, parts: PartsOf, id: Id, body: CarrierBody) -> Done:
        """Ask for a number again after the carrier refused, of the same carrier or another.

        承运商拒绝后重新取号，可改用其他承运商。
        """
        shop = _shipment(parts, id).shop
        return await asking.of(TakeWaybill(shipment=id, carrier=body.carrier), shop)

    @router.post("/{id}/waybill/cancel")
    async def cancel(asking: Packing, parts: PartsOf, id: Id, body: ReasonBody) -> Done:
        """Give the number up before the warehouse has the shipment: it goes back, and the warehouse takes one.

        下发仓库之前放弃运单号：已取的号将取消，改由仓库取号。
        """
        shop = _shipment(parts, id).shop
        return await asking.of(GiveUpWaybill(shipment=id, reason=body.reason), shop)

    @router.post("/{id}/waybill/print", response_class=Response)
    async def fetch(asking: Packing, parts: PartsOf, id: Id, body: NothingBody) -> Response:
        """The label, as the carrier makes it: a PDF, or print data for its component. It is noted who took it.

        面单文件：PDF，或云打印组件所需的打印数据；取用人会记入审计日志。
        """
        shop = _shipment(parts, id).shop
        printed = await desk.fetch(id, lambda command: asking.reply(command, shop))
        if isinstance(printed, Refusal):
            raise Refused(printed)
        headers = {
            "Content-Disposition": f'attachment; filename="{printed.file_name}"',
            "Cache-Control": "no-store",
        }
        return Response(printed.content, media_type=MEDIA[printed.form], headers=headers)

    return router


def _shipment(parts: Parts, id: str) -> Shipment:
    """Raises Refused when there is none."""
    found = find_shipment(parts.reads, id)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found
