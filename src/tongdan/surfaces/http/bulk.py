"""One action on many orders: first what each of them would do, then the same done.

The preview is the decision that would be taken now, by the functions that will take it, and writes nothing. A page
sends the orders a few at a time, so that it can show how far it is and stop.
"""

from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from tongdan.domain.kernel.messages import Command
from tongdan.surfaces import holds
from tongdan.surfaces.http.access import Writer
from tongdan.surfaces.http.actions import Body, Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.holds import Orders, Outcomes, context_of, done
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import INVALID_FIELD

router: Final = APIRouter(prefix="/bulk", tags=["actions"])


class BulkBody(Body):
    """`hold` and `lift` need the name of a hold, `cancel` a reason."""

    action: Literal["hold", "lift", "cancel"]
    orders: Orders
    hold: str = Field("", max_length=40, examples=["review"])
    reason: Annotated[str, Field(max_length=200, description="For the audit trail. No personal data.")] = ""


@router.post("/preview")
async def preview(asking: Writing, parts: PartsOf, who: Writer, body: BulkBody) -> Outcomes:
    """What each of these orders would do. Changes nothing.

    预览每张订单的结果，不做任何更改。
    """
    return await done(asking, _said(parts, body), apply=False)


@router.post("/apply")
async def apply(asking: Writing, parts: PartsOf, who: Writer, body: BulkBody) -> Outcomes:
    """Do it; an order that says no stands in no other's way.

    执行；个别订单被拒不影响其余订单。
    """
    return await done(asking, _said(parts, body), apply=True)


def _said(parts: Parts, body: BulkBody) -> list[tuple[Command, holds.Outcome]]:
    if body.action == "cancel" and not body.reason.strip():
        raise Refused(INVALID_FIELD.of(field="reason", en="say why", zh="请说明原因"))
    if body.action != "cancel" and not body.hold:
        raise Refused(INVALID_FIELD.of(field="hold", en="name the hold", zh="请填写挂起名称"))
    return [_of(parts, body, id) for id in dict.fromkeys(body.orders)]


def _of(parts: Parts, body: BulkBody, id: str) -> tuple[Command, holds.Outcome]:
    order, ctx = parts.find_order(id), context_of(parts, id)
    if body.action == "hold":
        return holds.placing(id, order, body.hold, body.reason, ctx)
    if body.action == "lift":
        return holds.lifting(id, order, body.hold, body.reason, ctx)
    return holds.cancelling(id, order, body.reason.strip(), ctx)
