"""Notices to buyers over the API: those that did not arrive, those that were never made, and sending one (again)."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.surfaces import notices
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Body, Words, Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import Done, NoticeShape

router: Final = APIRouter(prefix="/notices", tags=["notices"])


class NoticeList(BaseModel):
    notices: list[NoticeShape]


class ResendBody(Body):
    notice: str = Field(max_length=200, examples=["notice/MP20260127000892/shipped/MP20260127000892-S1.1"])
    reason: Words = Field(description="For the audit trail. No personal data.")


@router.get("")
async def listed(
    parts: PartsOf, who: Reader, which: Literal["failed", "missing", "all"] = "failed",
    order: Annotated[str, Query(max_length=64, description="Only this order's, whatever their stage.")] = "",
    shop: Annotated[str, Query(max_length=64)] = "", limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> NoticeList:  # fmt: skip
    """Notices that did not arrive or of which nobody knows, or parcels of which nobody was told.

    未送达或结果未知的通知；`missing` 为从未生成通知的包裹；`order` 为某一订单的全部通知。
    """
    if order:
        parts.find_order(order)
        rows = notices.of_order(parts.reads, order)
    elif which == notices.MISSING:
        rows = notices.missing(parts.reads, parts.policy, limit, shop)
    else:
        rows = notices.every(parts.reads, limit, failed=which == "failed", shop=shop)
    return NoticeList(notices=[NoticeShape.model_validate(row) for row in rows])


@router.post("/resend")
async def resend(asking: Writing, parts: PartsOf, body: ResendBody) -> Done:
    """Send a notice again that did not arrive, or one that is missing. It cannot be taken back.

    重发未送达的通知，或补发缺失的通知；发出后无法撤回。
    """
    found = notices.sending(parts.reads, parts.policy, body.notice, body.reason)
    if isinstance(found, Refusal):
        raise Refused(found)
    return await asking.of(*found)
