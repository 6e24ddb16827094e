"""What somebody who runs Tongdan looks at: quarantine, dead letters, strangers, health, the audit trail."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from tongdan.surfaces.audit_trail import Form, lines_of
from tongdan.surfaces.http.access import Operator, Reader
from tongdan.surfaces.http.metrics import CONTENT_TYPE, exposition
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import Parts, PartsOf

EXPORT_ROWS: Final = 100  # rows read before the loop may do something else
BACKLOG_DEGRADED: Final = 10_000

router: Final = APIRouter(tags=["operations"])
open_router: Final = APIRouter(tags=["operations"])

Limit = Annotated[int, Query(ge=1, le=1_000)]


class Letter(BaseModel):
    """An effect that could not be done. It blocks its lane until it is replayed or skipped."""

    effect: str
    aggregate: str
    partner: str
    verb: str
    tries: int
    error: str
    since: datetime


class Stranger(BaseModel):
    """A push that could not be authenticated: what is remembered of it."""

    at: datetime
    source: str
    door: str
    peer: str
    reason: str
    length_bytes: int


class Worry(BaseModel):
    what: str
    message: str
    message_zh: str


class Health(BaseModel):
    live: bool = True
    ready: bool
    degraded: list[Worry] = Field(
        description="What works less than it should; orders are taken all the same."
    )


@router.get("/quarantine")
async def quarantine(parts: PartsOf, who: Reader, limit: Limit = 200) -> list[dict[str, Any]]:
    """Authentic messages that nobody understood, newest first. Their payloads stay sealed.

    通过验签但无法理解的报文，最新的在前；报文内容保持加密。
    """
    return parts.reads.quarantine(limit)


@router.get("/dead-letters")
async def dead_letters(parts: PartsOf, who: Reader) -> list[Letter]:
    """Effects that could not be done.

    未能完成的外发动作。
    """
    return [Letter.model_validate(row, from_attributes=True) for row in parts.reads.dead_letters()]


@router.get("/strangers")
async def strangers(parts: PartsOf, who: Operator) -> list[Stranger]:
    """The last pushes that could not be authenticated, newest first.

    最近未通过身份校验的推送，最新的在前。
    """
    return [Stranger.model_validate(each, from_attributes=True) for each in reversed(parts.samples())]


@router.get("/audit/export", response_class=StreamingResponse)
async def export(
    parts: PartsOf,
    who: Reader,
    form: Annotated[Form, Query(alias="format")] = Form.JSONL,
    since: Annotated[
        str, Query(max_length=40, description="RFC 3339: only what was recorded from then on.")
    ] = "",
    shop: Annotated[str, Query(max_length=64)] = "",
) -> StreamingResponse:
    """The audit trail, one row a fact, streamed. Payloads and personal data are not in it; the hashes are.

    审计日志，每条事实一行，流式输出；不含报文和个人信息，含链哈希。
    """
    start = read_instant("since", since) if since else None
    rows = parts.reads.journal(since=start, shop=shop)
    kind = "text/csv; charset=utf-8" if form is Form.CSV else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="audit.{form.value}"'}
    return StreamingResponse(_streamed(parts, lines_of(rows, form)), media_type=kind, headers=headers)


async def _streamed(parts: Parts, lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A little at a time, for intake shares the thread."""
    while chunk := b"".join(islice(lines, EXPORT_ROWS)):
        yield chunk
        await parts.clock.sleep(0)


@open_router.get("/health", responses={503: {"model": Health}})
async def health(parts: PartsOf, response: Response) -> Health:
    """Whether it lives, takes requests, and what works less than it should. Needs no key.

    是否存活、是否接收请求、哪些部分降级。无需密钥。
    """
    ready = parts.ready()
    if not ready:
        response.status_code = 503
    return Health(ready=ready, degraded=worries(parts))


def worries(parts: Parts) -> list[Worry]:
    """What works less than it should, in words a person can act on."""
    counts = parts.counts()
    dead, parked, backlog = (counts.get(name, 0) for name in ("dead_letters", "parked", "backlog"))
    found: list[tuple[str, str, str]] = []
    if dead:
        found.append(
            ("dead-letters", f"{dead} dead letters wait for a person.", f"{dead} 条死信等待人工处理。")
        )
    if parked:
        en = f"{parked} facts could not be digested; their tickets say why."
        found.append(("parked", en, f"{parked} 条事实未能处理，原因见工单。"))
    if backlog > BACKLOG_DEGRADED:
        found.append(("backlog", f"{backlog} commands wait to be written.", f"{backlog} 条命令等待写入。"))
    found += [
        (
            f"partner/{each}",
            f"{each} does not answer; what is meant for it waits.",
            f"{each} 无响应，相关动作等待中。",
        )
        for each in sorted(parts.meters.breakers_open)
    ]
    return [Worry(what=what, message=en, message_zh=zh) for what, en, zh in found]


@router.get("/metrics", response_class=Response)
async def metrics(parts: PartsOf, who: Reader) -> Response:
    """The process in numbers, in the Prometheus text format.

    进程指标，Prometheus 文本格式。
    """
    return Response(exposition(await parts.all_meters(), parts.counts()), media_type=CONTENT_TYPE)
