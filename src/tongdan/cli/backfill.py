"""`tongdan backfill`: read again what a shop's channel changed in a span of days, and see how far it has come.

The serving centre does the reading, between its regular looks; without one the span is noted and read at the next
start. What is known already stays as it is, so a span may be read as often as one likes.
"""

import asyncio
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ask
from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, emit, err, fail, out, progress
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, serving
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.keys import pull_key
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.sync.commands import RequestBackfill
from tongdan.domain.sync.pull import Job, Pull
from tongdan.surfaces.http.keys import Scope

API: Final = "/api/v1/shops"
LOOK_EVERY_S: Final = 0.5
STALLED_AFTER_S: Final = 120.0

HELP: Final = teach(
    """Read again all orders that a shop's channel changed from one day to another (UTC+8, both included).

The centre that serves the data reads them between its regular looks, keeping to the platform's limits; without one they
are read at the next start. Orders that are known stay as they are, so nothing is doubled. An order that left before it
was known is held, with a ticket.""",
    """重新读取某店铺渠道在两天之间（UTC+8，首尾均含）变更的全部订单。

由正在服务的订单中心在例行拉取之间读取，并遵守平台限制；未在服务时，于下次启动后读取。已知订单不变，不会重复。
首次得知时渠道已显示发货的订单会被挂起，并产生工单。""",
    "tongdan backfill --shop pd-main --from 2026-01-01 --to 2026-01-31",
    "tongdan backfill --shop pd-main --from 2026-01-27 --to 2026-01-27 --no-wait",
)


def backfill(
    shop: Annotated[
        str, typer.Option("--shop", help=t("Its id in conf/shops.yml.", "conf/shops.yml 中的店铺标识。"))
    ],
    since: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help=t("The first day.", "第一天。")),
    ],
    to: Annotated[
        datetime,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help=t("The last day.", "最后一天。")),
    ],
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help=t("Watch until it is read.", "等待并显示进度。"))
    ] = True,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        its = _shop(reading.policy().shops, shop)
    command = RequestBackfill(
        channel=its.channel, shop=shop, since=_midnight(since.date()), until=_end(to.date())
    )
    body = {"since": command.since.isoformat(), "until": command.until.isoformat()}
    ask(data, conf, f"{API}/{shop}/backfills", body, Scope.OPERATE, command, shop)
    job = _newest(_pull(data, its))
    if job is None:
        out.print(t("Read already.", "已读取完毕。"))
    elif serving(data) is None:
        err.print(t("Noted; it is read when a centre serves.", "已登记；订单中心启动后读取。"))
    elif wait:
        asyncio.run(_watch(data, its, job))
        out.print(t("Read.", "已读取完毕。"))
    if json:
        emit({"shop": shop, "since": command.since, "until": command.until})


def _shop(shops: dict[str, Shop], id: str) -> Shop:
    if id not in shops:
        known = ", ".join(sorted(shops))
        fail(t(f"There is no shop {id}. Expected one of {known}.", f"没有店铺 {id}。应为 {known} 之一。"))
    return shops[id]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _end(day: date) -> datetime:
    """The end of the day; of today, now."""
    return min(_midnight(day + timedelta(days=1)), SystemClock().now())


def _pull(data: Path, shop: Shop) -> Pull:
    with open_reading(data) as reading:
        state = reading.reads.order(pull_key(shop.channel, shop.id))
    assert isinstance(state, Pull)
    return state


def _newest(pull: Pull) -> Job | None:
    """What was just asked for; None when it has been read meanwhile."""
    return next((job for job in pull.jobs if job.no == pull.jobs_begun), None)


async def _watch(data: Path, shop: Shop, job: Job) -> None:
    """Until it is read. Exits with 1 when nothing has moved for STALLED_AFTER_S: it goes on by itself all the same."""
    clock, whole_s = SystemClock(), int((job.until - job.read_to).total_seconds())
    moved_s, left_s = clock.monotonic(), whole_s
    with progress() as bar:
        task = bar.add_task(t("reading (seconds of time)", "读取中（时间秒数）"), total=whole_s)
        while True:
            now = next((each for each in _pull(data, shop).jobs if each.no == job.no), None)
            if now is None:
                return
            if (left := int((now.until - now.read_to).total_seconds())) != left_s:
                left_s, moved_s = left, clock.monotonic()
            bar.update(task, completed=whole_s - left_s)
            if clock.monotonic() - moved_s > STALLED_AFTER_S:
                fail(
                    t("Nothing has moved for two minutes; it goes on when the channel answers. "
                      "`tongdan dead-letters list` shows what it is waiting for.",
                      "两分钟内没有进展；渠道恢复应答后会继续。可用 tongdan dead-letters list 查看原因。"),
                    DOES_NOT_HOLD,
                )  # fmt: skip
            await clock.sleep(LOOK_EVERY_S)
