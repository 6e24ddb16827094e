"""The demo as it runs: stage, centre, world, the day, the reckoning, and then a service that stays.

The world keeps its own books and the centre never sees them; `labs/world/report.py` compares the two at the end.
"""

import asyncio
import contextlib
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

import typer
import uvloop

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.transport import HttpTransport
from tongdan.cli.language import t
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, emit, err, fail, out
from tongdan.cli.reckoning import Watch, print_ledger
from tongdan.cli.serve import told_to_stop
from tongdan.cli.service import Service
from tongdan.cli.stage import NotADemo, Stage, set_stage
from tongdan.flow.repacking import Repacking
from tongdan.flow.verify import Report
from tongdan.labs.world.packing import PackingRoom
from tongdan.labs.world.report import Ledger, report
from tongdan.labs.world.world import World
from tongdan.ports import Entropy
from tongdan.profile import API_KEYS, Centre, DataInUse, embedded, verify_data
from tongdan.surfaces.http.keys import ApiKeys, Scope

KEY: Final = "demo"
STILL_S: Final = 2.0  # so long nobody may stir before the day is over
DEADLINE_S: Final = 900.0
ORDERS_A_PAIR: Final = 20  # for so many orders, somebody orders twice within minutes, beside them


class Wanted(NamedTuple):
    data: Path
    conf: Path
    seed: int
    orders: int
    faults: float
    speed: float
    api_port: int
    once: bool
    json: bool


def perform(wanted: Wanted) -> None:
    """Exits with 0 when both equations hold and the journal agrees, with 1 when not, with 2 when it cannot begin."""
    data = wanted.data
    try:
        holds = uvloop.run(_perform(wanted))
    except NotADemo:
        fail(
            t(
                f"{data} holds credentials that the demo did not make; name another directory with --data.",
                f"{data} 中的密钥不是演示生成的；请用 --data 指定其他目录。",
            )
        )
    except DataInUse:
        fail(t(f"Another process serves {data}.", f"{data} 正由另一进程使用。"))
    except OSError as error:
        fail(t("Cannot listen or write: ", "无法监听或写入：") + str(error))
    raise typer.Exit(HOLDS if holds else DOES_NOT_HOLD)


async def _perform(wanted: Wanted) -> bool:
    async with HttpTransport() as partners_line, HttpTransport() as centre_line:
        with set_stage(wanted.data, wanted.conf) as stage:
            return await _on(stage, wanted, partners_line, centre_line)


async def _on(stage: Stage, wanted: Wanted, partners_line: HttpTransport, centre_line: HttpTransport) -> bool:
    entropy = SystemEntropy()
    centre = embedded(wanted.data, stage.conf, entropy=entropy, transport=partners_line)
    service = Service(centre, entropy, host="127.0.0.1", push_port=stage.push, api_port=wanted.api_port)
    world = _world(wanted, stage, centre_line)
    stop = asyncio.create_task(told_to_stop())
    try:
        await service.start()
        await world.host(stage.partners)
        play = asyncio.create_task(_play(wanted, world, service, entropy))
        await asyncio.wait({play, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not play.done():
            play.cancel()
            await asyncio.wait({play})
            err.print(t("Stopped before the day was over.", "一天未结束即停止。"))
            return False
        if play.result() and not wanted.once:
            await stop
            err.print(t("Stopping ...", "正在停止……"))
        return play.result()
    finally:
        await world.close()
        await service.stop()


async def _play(wanted: Wanted, world: World, service: Service, entropy: Entropy) -> bool:
    """The day, its books, the journal; whether all of it holds."""
    ledger = await _day(wanted, world, service.centre)
    checked = await asyncio.to_thread(verify_data, wanted.data)
    _tell(wanted, ledger, checked, service, entropy)
    return ledger.holds and checked.clean


def _world(wanted: Wanted, stage: Stage, centre_line: HttpTransport) -> World:
    read = load_conf(stage.conf)
    return World(
        seed=wanted.seed, clock=SystemClock(), centre=centre_line, data=wanted.data, policy=read.policy,
        partners=read.partners, speed=wanted.speed, orders=wanted.orders, faults=wanted.faults, day=stage.day,
    )  # fmt: skip


async def _day(wanted: Wanted, world: World, centre: Centre) -> Ledger:
    err.print(
        t(f"Day {world.day} of: {world.retail.source}", f"{world.day}，数据来源：{world.retail.source}")
    )
    err.print(t("Counting stock ...", "盘点库存……"))
    await world.count_stock(centre.bus)
    repacking = Repacking(centre.reads, centre.policy, centre.clock)
    room = PackingRoom(world, repacking, centre.bus, centre.reads, wanted.orders // ORDERS_A_PAIR)
    room.open()
    watch = Watch(world, centre, wanted.speed)
    showing = asyncio.create_task(watch.show())
    try:
        quiet = await world.run(still_s=STILL_S, deadline_s=DEADLINE_S, busy=watch.busy)
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing
    if room.done:
        packed = ", ".join(f"{what} {times}" for what, times in sorted(room.done.items()))
        err.print(t("Packed anew by hand: ", "人工重新打包：") + packed)
    centre.views.flush()  # the report reads tickets from a list that follows the commits a moment later
    return report(world, centre.reads, quiet=quiet)


def _tell(wanted: Wanted, ledger: Ledger, checked: Report, service: Service, entropy: Entropy) -> None:
    if wanted.json:
        emit({"holds": ledger.holds and checked.clean, "ledger": ledger, "verified_rows": checked.rows})
        return
    print_ledger(ledger)
    agrees = t("everything agrees", "全部一致") if checked.clean else t("DOES NOT AGREE", "不一致")
    out.print(t("Journal recomputed: ", "日志重算：") + f"{checked.rows} " + t("rows, ", "行，") + agrees)
    for finding in checked.findings:
        err.print(f"  {finding.where}: {finding.what}", style="red", markup=False)
    option = f" --data {wanted.data}" if wanted.data != Path("data") else ""
    link = "" if wanted.once else f"{service.api_url}/enter?key={_key(service.centre, entropy)}&to="
    if link:
        out.print(t("\nThe status board:", "\n状态总览："))
        out.print(f"  {link}/board", soft_wrap=True, markup=False)
    out.print(t("\nLook at an order that met a fault:", "\n看看一张遇到故障的订单："))
    if link:
        out.print(f"  {link}/orders/{ledger.sample}", soft_wrap=True, markup=False)
    for command in (f"order timeline {ledger.sample}", "tickets", "verify"):
        out.print(f"  {_program()} {command}{option}", soft_wrap=True, markup=False)
    if not wanted.once:
        out.print(t("\nServing until Ctrl-C.", "\n持续服务，按 Ctrl-C 停止。"))


def _program() -> str:
    """How to call the command from here."""
    return "tongdan" if shutil.which("tongdan") else sys.argv[0]


def _key(centre: Centre, entropy: Entropy) -> str:
    """A fresh key for the link; the last demo's stops working."""
    keys = ApiKeys(centre.data / API_KEYS)
    if any(key.name == KEY for key in keys.all()):
        keys.revoke(KEY)
    return keys.issue(KEY, [Scope.READ, Scope.OPERATE], entropy, centre.clock.now())
