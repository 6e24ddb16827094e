"""`tongdan slots`: where the 256 slots lie, and moving one to another shard, beside a running centre or without one."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ask_service, on_files, read_service
from tongdan.cli.language import prose, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, fail, out, progress, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.moving import Move
from tongdan.profile import Centre, placement_of
from tongdan.surfaces.http.keys import Scope

API: Final = "/api/v1/slots"
LOOK_EVERY_S: Final = 0.3
ENDED: Final = frozenset({"done", "failed"})

app: Final = typer.Typer(
    no_args_is_help=True,
    help=prose(
        """Where the slots lie: each order belongs to one of 256 slots, each slot lies in one shard (a file).""",
        """槽的位置：每个订单属于 256 个槽之一，每个槽位于一个分片（文件）中。""",
    ),
)

SHOW_HELP: Final = teach(
    """List the shards with the slots that lie in them, and those that lie elsewhere than their number says.""",
    """列出各分片持有的槽，以及不在其原位的槽。""",
    "tongdan slots show",
    "tongdan slots show --json",
)
MOVE_HELP: Final = teach(
    """Move a slot to another shard, while orders flow.

Most of its rows are copied while it goes on taking orders; then it is sealed for a moment, in which messages for its
orders are told to come again (503 with Retry-After), and the rest follows. Ids, chains and histories stay as they are.
A move that is cut off anywhere is taken back or finished by itself.""",
    """在订单流动的同时将一个槽迁移到另一分片。

大部分数据在继续接单时复制；随后短暂封存，期间该槽订单的消息会被要求重发（503 与 Retry-After），其余数据随即跟上。
单号、哈希链与历史均不变。任何一步中断都会自动退回或继续完成。""",
    "tongdan slots move 17 3",
)


@app.command("show", help=SHOW_HELP)
def show(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        placement = placement_of(reading.data)
    shards = [{"shard": shard, "slots": placement.slots_of(shard)} for shard in range(placement.shards)]
    if json:
        emit(shards)
        return
    shown = table(t("shard", "分片"), t("slots", "槽数"), t("not at home", "不在原位"), right=("slots",))
    for shard in range(placement.shards):
        slots = placement.slots_of(shard)
        strangers = [str(slot) for slot in slots if slot % placement.shards != shard]
        add_row(shown, shard, len(slots), " ".join(strangers) or "-")
    out.print(shown)


@app.command("move", help=MOVE_HELP)
def move(
    slot: Annotated[int, typer.Argument(min=0, max=255, help=t("The slot.", "槽。"), show_default=False)],
    to: Annotated[int, typer.Argument(min=0, help=t("The shard.", "目标分片。"), show_default=False)],
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    with open_reading(data):
        pass  # exits with 2 unless there is data
    begun = ask_service(data, f"{API}/{slot}/move", {"to": to}, Scope.OPERATE)
    ended = asyncio.run(_follow(data, begun)) if begun is not None else _offline(data, conf, slot, to)
    if json:
        emit(ended)
    elif ended.phase == "done":
        out.print(
            t(
                f"Slot {slot} lies in shard {to} now: {ended.copied} rows, sealed for {ended.sealed_ms} ms.",
                f"槽 {slot} 现位于分片 {to}：{ended.copied} 行日志，封存 {ended.sealed_ms} 毫秒。",
            )
        )
    if ended.phase == "failed":
        fail(t(f"Slot {slot} stays where it was: ", f"槽 {slot} 仍在原处：") + ended.why, DOES_NOT_HOLD)


async def _follow(data: Path, begun: dict[str, Any]) -> Move:
    """Until the serving centre has ended the move."""
    move, clock = msgspec.convert(begun, Move), SystemClock()
    with progress() as bar:
        task = bar.add_task(t("copying", "复制中"), total=None)
        while move.phase not in ENDED:
            await clock.sleep(LOOK_EVERY_S)
            told = read_service(data, API, Scope.READ)
            if told is None:
                fail(
                    t("The centre has stopped; the move is finished or taken back at its next start.",
                      "订单中心已停止；迁移将在下次启动时完成或退回。"),
                    DOES_NOT_HOLD,
                )  # fmt: skip
            moves = [msgspec.convert(each, Move) for each in told["moves"]]
            move = next((each for each in moves if each.id == move.id), move)
            bar.update(task, completed=move.copied, total=move.total or None)
    return move


def _offline(data: Path, conf: Path | None, slot: int, to: int) -> Move:
    async def work(centre: Centre) -> Move | Refusal:
        await centre.mover.recover()
        begun = await centre.mover.move(slot, to)
        if isinstance(begun, Refusal):
            return begun
        with progress() as bar:
            task = bar.add_task(t("copying", "复制中"), total=None)
            while True:
                (now,) = [each for each in await centre.mover.moves() if each.id == begun.id]
                bar.update(task, completed=now.copied, total=now.total or None)
                if now.phase in ENDED:
                    return now
                await centre.clock.sleep(LOOK_EVERY_S / 10)

    return on_files(data, conf, work, t("Cannot move: ", "无法迁移："))
