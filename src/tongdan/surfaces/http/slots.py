"""Where slots lie, and moving one to another shard, over the API. A move goes on by itself; ask again how far it is."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.moving import Mover
from tongdan.surfaces.http.access import Operator, Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused

PATH: Final = "/api/v1/slots"

Slot = Annotated[int, Path(ge=0, le=255)]


class TargetBody(Body):
    to: int = Field(ge=0, le=255, description="The shard it is to lie in.")


class ShardShape(BaseModel):
    """A shard, the process that owns it, and the slots that lie in it."""

    shard: int
    process: int
    slots: list[int]


class MoveShape(BaseModel):
    """`phase`: copying, sealing, handing-over, clearing, done, or failed with `why`. Only while it is sealed, orders of
    this slot are told to come again."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    slot: int
    source: int
    to: int
    phase: str
    total: int
    copied: int
    sealed_ms: int
    why: str


class PlacesShape(BaseModel):
    shards: list[ShardShape]
    moves: list[MoveShape]


def router_of(mover: Mover) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["operations"])

    @router.get("")
    async def places(who: Reader) -> PlacesShape:
        """Which shard holds which slots, and the moves that are under way or were lately.

        各分片持有哪些槽,以及正在进行或最近的迁移。
        """
        placement = mover.placement
        shards = [
            ShardShape(shard=shard, process=placement.owner_of(shard), slots=placement.slots_of(shard))
            for shard in range(placement.shards)
        ]
        return PlacesShape(
            shards=shards, moves=[MoveShape.model_validate(move) for move in await mover.moves()]
        )

    @router.post("/{slot}/move", status_code=202)
    async def move(who: Operator, slot: Slot, body: TargetBody) -> MoveShape:
        """Move a slot to another shard while orders flow. Answered when it has begun.

        在订单流动的同时将一个槽迁移到另一分片;开始后即应答。
        """
        begun = await mover.move(slot, body.to)
        if isinstance(begun, Refusal):
            raise Refused(begun)
        return MoveShape.model_validate(begun)

    return router
