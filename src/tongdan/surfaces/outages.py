"""Outages of partners and what becomes of what they held up, as it is shown over the API and on the command line."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.guard.outage import FOUND, LEFT, RESENT, WAITING, Compensation, Missed, Outage
from tongdan.domain.guard.outage_facts import Cause
from tongdan.domain.kernel.messages import RefusalKind
from tongdan.ports import Reads
from tongdan.surfaces.words import local_time

LISTED: Final = 100  # outages of a list
READ_AT_MOST: Final = 20_000  # effects that a process reads which serves besides
SHOWN: Final = 200  # effects of a report, those that are left first; a file has all
UNKNOWN_OUTAGE: Final = RefusalKind(
    "unknown-outage",
    404,
    en="{partner!r} has no outage {no}. Expected a partner and a number as `tongdan compensation list` shows them.",
    zh="{partner!r} 没有第 {no} 次中断。合作方与序号见 `tongdan compensation list`。",
)
TOO_LARGE: Final = RefusalKind(
    "outage-too-large",
    413,
    en="That outage held up {missed} effects, and at most {most} are read beside the service. "
    "Run `tongdan compensation export {partner} {no} --out FILE` on its machine.",
    zh="该次中断积压 {missed} 条推送，服务中最多读取 {most} 条。请在服务器上运行 "
    "`tongdan compensation export {partner} {no} --out 文件`。",
)
CAUSES: Final[dict[Cause, tuple[str, str]]] = {
    Cause.KEY_REFUSED: ("key refused", "密钥被拒"),
    Cause.KEY_UNUSABLE: ("no usable key", "无可用密钥"),
    Cause.UNREACHABLE: ("unreachable", "无法连接"),
    Cause.NO_ANSWER: ("no answer", "无应答"),
    Cause.TROUBLE: ("the partner's own trouble", "对方故障"),
}
WAYS: Final = {
    RESENT: ("sent again", "已补发"),
    FOUND: ("there already", "对方已有"),
    WAITING: ("still waiting", "待补发"),
    LEFT: ("left to a person", "转人工"),
}


class OutageView(msgspec.Struct, frozen=True, kw_only=True):
    """`took_s`: from when it was back until nothing waited, or until now. `lanes`: aggregates that something was sent
    for; `lanes_broken`: of these, where something overtook what came before it; a list says so when nothing waits."""

    partner: str
    no: int
    cause: str
    cause_en: str
    cause_zh: str
    error: str
    since: datetime
    ended_at: datetime | None
    compensated_at: datetime | None
    took_s: int | None
    missed: int
    resent: int
    found: int
    waiting: int
    left: int
    lanes: int | None
    lanes_broken: int | None


def outage_list(reads: Reads, now: datetime) -> list[OutageView]:
    """The latest first; what goes on is counted as it stands."""
    return [outage_of(reads, partner, outage, now) for partner, outage in reads.outages()[:LISTED]]


def outage_of(reads: Reads, partner: str, outage: Outage, now: datetime) -> OutageView:
    """As a list shows it."""
    if outage.compensated_at is None:
        at = reads.progress(partner, outage, now)
        took = None if outage.back_at is None else now - outage.back_at
        counted = replace(outage, resent=at.resent, found=at.found, left=at.left)
        report = Compensation(partner=partner, outage=counted, waiting=at.waiting, took=took, effects=())
        return replace(outage_view(report), lanes=None, lanes_broken=None)
    took = outage.compensated_at - (outage.back_at or outage.since)
    return outage_view(Compensation(partner=partner, outage=outage, waiting=0, took=took, effects=()))


def outage_view(report: Compensation) -> OutageView:
    outage = report.outage
    en, zh = CAUSES[outage.cause]
    return OutageView(
        partner=report.partner,
        no=outage.no,
        cause=outage.cause.value,
        cause_en=en,
        cause_zh=zh,
        error=outage.error,
        since=outage.since,
        ended_at=outage.ended_at,
        compensated_at=outage.compensated_at,
        took_s=None if report.took is None else round(report.took.total_seconds()),
        missed=report.missed,
        resent=outage.resent,
        found=outage.found,
        waiting=report.waiting,
        left=outage.left,
        lanes=outage.lanes,
        lanes_broken=outage.lanes_broken,
    )


def first_left(report: Compensation) -> list[Missed]:
    """What a page shows of it."""
    order = (LEFT, WAITING, FOUND, RESENT)
    return sorted(report.effects, key=lambda each: order.index(each.how))[:SHOWN]


def outage_rows(report: Compensation) -> Iterator[tuple[str, ...]]:
    """The rows of a file, beneath a heading in both languages."""
    yield (
        "effect 动作", "order 对象", "verb 动词", "outcome 结果", "结果", "at 时间 (UTC+8)", "why 原因",
    )  # fmt: skip
    for each in report.effects:
        at = "" if each.at is None else local_time(each.at)
        yield (each.effect, each.aggregate, each.verb, *WAYS[each.how], at, each.why)
