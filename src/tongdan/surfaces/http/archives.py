"""The archive over the API: a little at a time, so that a request is answered within seconds and may be repeated."""

from datetime import date
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.archive import Archiver
from tongdan.surfaces.http.access import Operator, Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused

PATH: Final = "/api/v1/archive"


class UntilBody(Body):
    until: date | None = Field(
        None, strict=False, description="Up to the end of this day (UTC+8); default: the newest sealed one."
    )


class ArchivedShape(BaseModel):
    """`rows` went into the archive; about `left` more are old enough. Ask again until no rows go any more."""

    until: date
    rows: int
    left: int


def router_of(archiver: Archiver) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["operations"])

    @router.get("")
    async def due(who: Reader) -> ArchivedShape:
        """About how many rows of the journal may go into the archive now. Changes nothing.

        当前约有多少日志行可归档；不做任何更改。
        """
        newest = archiver.newest()
        return ArchivedShape(until=newest, rows=0, left=archiver.left(newest))

    @router.post("")
    async def archive(who: Operator, body: UntilBody) -> ArchivedShape:
        """Move some of the oldest rows into archive files.

        将最旧的一部分日志行移入归档文件。
        """
        until = body.until or archiver.newest()
        done = await archiver.step(until)
        if isinstance(done, Refusal):
            raise Refused(done)
        return ArchivedShape(until=until, rows=done.rows, left=done.left)

    return router
