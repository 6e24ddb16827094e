"""The board as it changes, as server-sent events: the counts whenever they have, else now and then that they have not.

Each process looks into the index for its own listeners. A listener is let go after a while and comes back by itself,
so that who may no longer look is out, and where the service stops nobody holds it up.
"""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tongdan.ports import StoreFailure
from tongdan.surfaces.board import Age, Boards, Filter
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.board import AgeFilter, ShopFilter, WarehouseFilter, counts, filter_of
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import TOO_MANY_LISTENERS

router: Final = APIRouter(prefix="/live", tags=["board"])

MAX_LISTENERS: Final = 200  # of one process
EVERY_S: Final = 1.0
QUIET_S: Final = 15.0  # proxies cut what is silent for longer
LASTS_S: Final = 300.0


class Stream(StreamingResponse):
    """Takes a listener's place for as long as it is sent."""

    media_type = "text/event-stream"

    def __init__(self, boards: Boards, events: AsyncIterator[str]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._boards: Final = boards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._boards.watching.n += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._boards.watching.n -= 1


@router.get(
    "/board",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def listen(
    parts: PartsOf, who: Reader, shop: ShopFilter = "", warehouse: WarehouseFilter = "",
    age: AgeFilter = Age.ANY,
) -> Stream:  # fmt: skip
    """The counts of the board as server-sent events: `counts` when they have changed, at most once a second.

    以服务器推送事件返回看板计数：变化时推送 `counts`，每秒至多一次。
    """
    if parts.boards.watching.n >= MAX_LISTENERS:
        raise Refused(TOO_MANY_LISTENERS.of(limit=MAX_LISTENERS))
    return Stream(parts.boards, _events(parts, filter_of(parts, who, shop, warehouse, age)))


async def _events(parts: Parts, filter: Filter) -> AsyncIterator[str]:
    clock = parts.clock
    until_s, quiet_s = clock.monotonic() + LASTS_S, clock.monotonic()
    before = None
    while parts.ready() and clock.monotonic() < until_s:
        try:
            now = counts(parts, filter)
        except StoreFailure:
            return  # whoever comes back is told why
        if (shown := (now.channels, now.percent_indexed)) != before:
            before, quiet_s = shown, clock.monotonic()
            yield f"event: counts\ndata: {now.model_dump_json()}\n\n"
        elif clock.monotonic() - quiet_s >= QUIET_S:
            quiet_s = clock.monotonic()
            yield f"event: unchanged\ndata: {now.as_of.isoformat()}\n\n"
        await clock.sleep(EVERY_S)
