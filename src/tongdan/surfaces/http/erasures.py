"""Forgetting people over the API: look first, then erase what was shown.

Both need a key of scope `erase`. Who is meant stands in the body, never in an address that a proxy would log.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.erasure import Asked, Erasure
from tongdan.flow.tokens import SUBJECT_LIMIT
from tongdan.surfaces.http.access import Eraser
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused

PATH: Final = "/api/v1/erasures"

OrderId = Annotated[str, StringConstraints(max_length=64)]


class WhoBody(Body):
    phone: str = Field("", max_length=32)
    receiver: str = Field("", max_length=200, description="The platform's own id of a buyer or receiver.")
    subjects: list[OrderId] = Field([], max_length=SUBJECT_LIMIT)


class OrdersBody(Body):
    subjects: list[OrderId] = Field(min_length=1, max_length=SUBJECT_LIMIT)


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DoomedShape(Shape):
    """An order and what erasing it costs: `sealed` values become unreadable, `to_ship` units can no longer be sent."""

    order: str
    channel: str
    shop: str
    native: str
    status: int
    sealed: int
    to_ship: int


class PreviewShape(Shape):
    """`possible`: only a masked phone is known, and it fits; erase them by id if you know that they are meant.
    `quarantined`: messages nobody could read in which the phone or id stands; name them like orders to delete them."""

    orders: list[DoomedShape]
    possible: list[DoomedShape]
    quarantined: list[str]
    erased: list[str]
    unknown: list[str]


class ErasedShape(Shape):
    """`pending`: could not be written now, will be at the next start. `scrubbed` false: old pages stay until then."""

    orders: list[str]
    quarantined: list[str]
    pending: list[str]
    unknown: list[str]
    scrubbed: bool


def router_of(erasure: Erasure) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["operations"])

    @router.post("/preview")
    async def preview(who: Eraser, body: WhoBody) -> PreviewShape:
        """Which orders a person is behind, and what would be lost. Changes nothing.

        某人涉及哪些订单、删除后会失去什么。不做任何更改。
        """
        asked = Asked(phone=body.phone, receiver=body.receiver, subjects=tuple(body.subjects))
        shown = await erasure.preview(asked)
        if isinstance(shown, Refusal):
            raise Refused(shown)
        return PreviewShape.model_validate(shown)

    @router.post("")
    async def erase(who: Eraser, body: OrdersBody) -> ErasedShape:
        """Make the personal data of these orders unreadable, for good. The orders themselves stay.

        使这些订单的个人信息永久不可读；订单本身保留。
        """
        done = await erasure.erase(body.subjects, who.name)
        if isinstance(done, Refusal):
            raise Refused(done)
        return ErasedShape.model_validate(done)

    return router
