"""The audit trail as a person looks through it: newest first, filtered, a bounded look at a time; and checking it all.

A filter that matches little is not waited for: each page says how far back it has looked, and the next goes on there.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tongdan.flow.verify import Report
from tongdan.ports import Clock, JournalRow
from tongdan.surfaces.http.access import Operator, Reader, SellerReader
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import FactShape, fact_shape
from tongdan.surfaces.refusals import ALREADY_VERIFYING, INVALID_FIELD

PATH: Final = "/api/v1/audit"
STEP_ROWS: Final = 100  # read before the loop may do something else
MAX_LOOKED: Final = 5_000  # rows looked at for one page
MAX_FINDINGS: Final = 100

log = logging.getLogger(__name__)

router: Final = APIRouter(prefix="/audit", tags=["operations"])

Word = Annotated[str, Query(max_length=64)]
Instant = Annotated[str, Query(max_length=40, description="RFC 3339.")]


class AuditPage(BaseModel):
    """`facts` that match, of the `looked` rows that were looked at, back to `back_to`."""

    facts: list[FactShape]
    looked: int
    back_to: datetime | None
    next: str | None = Field(description="Pass as `cursor` to look further back; null: there are no more.")


@router.get("/facts")
async def facts(
    parts: PartsOf, who: Reader, order: Word = "", shop: Word = "", operator: Word = "", source: Word = "",
    fact: Word = "", since: Instant = "", until: Instant = "",
    cursor: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AuditPage:  # fmt: skip
    """Facts, newest first. A page ends once it holds `limit` facts, or has looked at 5,000 rows.

    审计日志查询，最新的在前；满 `limit` 条或已查 5,000 行即返回一页。
    """
    begin = read_instant("since", since) if since else None
    end = read_instant("until", until) if until else None
    wanted = {"shop": shop, "operator": operator, "source": source, "fact": fact}

    def matches(row: JournalRow) -> bool:
        if any(value and getattr(row, field) != value for field, value in wanted.items()):
            return False
        return (begin is None or row.recorded_at >= begin) and (end is None or row.recorded_at < end)

    if order:
        parts.find_order(order)
        rows = parts.reads.timeline(order)[::-1]
        back_to = rows[-1].recorded_at if rows else None
        found = [fact_shape(row, reveal=False) for row in rows if matches(row)]
        return AuditPage(facts=found, looked=len(rows), back_to=back_to, next=None)
    return await _looked_through(parts, matches, begin, cursor, limit)


async def _looked_through(
    parts: Parts, matches: Callable[[JournalRow], bool], begin: datetime | None, cursor: str, limit: int
) -> AuditPage:
    found, looked, back_to = list[FactShape](), 0, None
    while True:
        try:
            rows, cursor = parts.reads.history(before=cursor, limit=STEP_ROWS)
        except ValueError:
            raise Refused(
                INVALID_FIELD.of(
                    field="cursor", en="expected the `next` of a page", zh="应为上一页返回的 next"
                )
            ) from None
        looked += len(rows)
        back_to = rows[-1].recorded_at if rows else back_to
        found += [fact_shape(row, reveal=False) for row in rows if matches(row)]
        if begin is not None and back_to is not None and back_to < begin:
            cursor = ""
        if not cursor or len(found) >= limit or looked >= MAX_LOOKED:
            return AuditPage(facts=found, looked=looked, back_to=back_to, next=cursor or None)
        await parts.clock.sleep(0)


class FindingShape(BaseModel):
    shard: int | None
    where: str
    what: str


class Checking(BaseModel):
    """The last check that this process was asked for; `done` of `total` readings of rows."""

    state: Literal["never", "running", "done", "failed"]
    by: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    done: int = 0
    total: int = 0
    rows: int = 0
    clean: bool | None = None
    findings: list[FindingShape] = []


Verify = Callable[[Callable[[int, int], None]], Report]


def router_of(verify: Verify, clock: Clock) -> APIRouter:
    """`verify(progress)` checks everything; it is called in a thread of its own."""
    router = APIRouter(prefix=PATH, tags=["operations"])
    last, tasks = [Checking(state="never")], set[asyncio.Task[None]]()

    async def run(checking: Checking) -> None:
        def progress(done: int, total: int) -> None:
            checking.done, checking.total = done, total

        try:
            report = await asyncio.to_thread(verify, progress)
        except Exception as error:
            log.error("the check of everything broke off: %s", type(error).__name__)
            checking.state = "failed"
        else:
            checking.rows, checking.clean, checking.state = report.rows, report.clean, "done"
            checking.findings = [
                FindingShape(shard=each.shard, where=each.where, what=each.what)
                for each in report.findings[:MAX_FINDINGS]
            ]
        checking.ended_at = clock.now()

    @router.post("/verify", status_code=202)
    async def begin(who: Operator) -> Checking:
        """Recompute everything from the journal: chains, states, effects, wake-ups. One check at a time.

        从审计日志重新计算并核对全部数据：哈希链、状态、外发动作、定时；同时只进行一次。
        """
        if last[0].state == "running":
            raise Refused(ALREADY_VERIFYING.of())
        last[0] = Checking(state="running", by=who.name, begun_at=clock.now())
        task = asyncio.create_task(run(last[0]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return last[0]

    @router.get("/verify")
    async def checked(who: SellerReader) -> Checking:
        """How far the check has come, and what it has found.

        核对的进度与结果。
        """
        return last[0]

    return router
