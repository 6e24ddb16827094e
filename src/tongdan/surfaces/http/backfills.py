"""Reading a channel back: all that was changed in a span of time is listed again, and what was missed comes in.

Asking is a command like any other; how far it has come is read from the pull of the shop.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from tongdan.domain.sync.commands import RequestBackfill
from tongdan.surfaces.http.actions import Body, Operating
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import Done

router: Final = APIRouter(tags=["operations"])

Shop = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class BackfillBody(Body):
    since: str = Field(description="RFC 3339, with an offset.", examples=["2026-01-26T00:00:00+08:00"])
    until: str = Field(
        description="RFC 3339; itself no part of the span.", examples=["2026-01-27T00:00:00+08:00"]
    )


@router.post("/shops/{shop}/backfills")
async def backfill(asking: Operating, parts: PartsOf, shop: Shop, body: BackfillBody) -> Done:
    """Read again all that the shop's channel has changed in [since, until). Known orders stay as they are.

    回补:重新读取该店铺渠道在 [since, until) 内变更的全部订单,已知订单不受影响。
    """
    known = parts.policy.shops.get(shop)
    command = RequestBackfill(
        channel="" if known is None else known.channel,  # no channel lists the orders of a shop that is none
        shop=shop,
        since=read_instant("since", body.since),
        until=read_instant("until", body.until),
    )
    return await asking.of(command, shop)
