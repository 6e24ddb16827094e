"""`tongdan quarantine`: messages that were authentic and that nobody understood; retry them once the mistake is mended.

A retry reads the message again under today's configuration and does what it stands for under the key it would have
had, so it happens once. While a centre serves the data it is asked over its API; otherwise the command opens the data.
"""

import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import typer

from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.language import t, teach
from tongdan.cli.orders import RevealOption
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.quarantine import Outcome
from tongdan.profile import Centre
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.masking import mask_raw
from tongdan.surfaces.words import local_time

API: Final = "/api/v1/quarantine"
CANNOT: Final = t("Cannot do it: ", "无法执行：")
ASK_WITHIN_S: Final = 600.0  # so many messages may be meant
SHOWN: Final = 50

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Messages nobody understood: look, retry, discard.", "无法理解的报文：查看、重试、丢弃。"),
)

T = TypeVar("T")
IdArgument = Annotated[str, typer.Argument(metavar="ID", help=t("As `list` shows it.", "见 list。"))]


@app.command(
    "list",
    help=teach(
        "List what is in quarantine, newest first: from whom, and why it was not understood. No payloads.",
        "列出隔离区中的报文，最新的在前：来源与无法理解的原因，不含内容。",
        "tongdan quarantine list",
        "tongdan quarantine list --json",
    ),
)
def list_messages(data: DataOption = DATA, limit: LimitOption = 200, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        rows: list[dict[str, Any]] = reading.reads.quarantine(limit)
    if json:
        emit(rows)
        return
    if not rows:
        out.print(t("Nothing is in quarantine.", "隔离区为空。"))
        return
    why = t("reason", "原因")
    shown = table("ID", t("source", "来源"), t("shop", "店铺"), why, t("received", "接收时间"), fold=(why,))
    for row in rows:
        add_row(shown, row["id"], row["source"], row["shop"], row["reason"], local_time(row["received_at"]))
    out.print(shown)


@app.command(
    help=teach(
        "Show a message with its payload, masked unless --reveal.",
        "显示一条报文及内容；不加 --reveal 则打码。",
        "tongdan quarantine show 2.17",
        "tongdan quarantine show 2.17 --reveal",
    )
)
def show(
    id: IdArgument, data: DataOption = DATA, reveal: RevealOption = False, json: JsonOption = False
) -> None:
    with open_reading(data) as reading:
        found = reading.reads.quarantined(id)
    if found is None:
        fail(t(f"Nothing in quarantine has the id {id}.", f"隔离区中没有编号 {id}。"), DOES_NOT_HOLD)
    row, raw = found
    payload = raw.decode(errors="replace") if reveal else mask_raw(raw)
    if json:
        emit({**row, "payload": payload})
        return
    out.print(f"{row['source']} {row['shop']} {local_time(row['received_at'])}", markup=False)
    out.print(str(row["reason"]), markup=False, style="red")
    out.print(payload, markup=False)


@app.command(
    help=teach(
        """Read messages again, after a status map, a shop or a credential was mended, and do what they stand for.

It shows first what would become of each; nothing changes before you confirm (or say --yes). What is understood leaves
quarantine; the rest stays, with the reason of today. A message that has come again meanwhile is not done twice.""",
        """在修正状态映射、店铺或凭证之后，重新解读报文并执行。

先显示每条的结果，确认（或加 --yes）后才执行。已能理解的移出隔离区，其余保留并更新原因。
其间已重发的报文不会执行两次。""",
        "tongdan quarantine retry 2.17",
        "tongdan quarantine retry --source channel/douyin --yes",
        'tongdan quarantine retry --reason "no shop of channel DY"',
    )
)
def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help=t("As `list` shows them.", "见 list。"))
    ] = None,
    source: Annotated[str, typer.Option("--source", help=t("All of a source.", "某来源的全部。"))] = "",
    shop: Annotated[str, typer.Option("--shop", help=t("All of a shop.", "某店铺的全部。"))] = "",
    reason: Annotated[
        str, typer.Option("--reason", help=t("All with this in their reason.", "原因中含此文字的全部。"))
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help=t("Do it without asking.", "不再询问，直接执行。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    with open_reading(data):
        pass  # exits with 2 unless there is data
    if not (ids or source or shop or reason):
        fail(
            t(
                "Name messages by ID, --source, --shop or --reason.",
                "请用编号、--source、--shop 或 --reason 指定报文。",
            )
        )
    choice = {"ids": ids or [], "source": source, "shop": shop, "reason": reason}
    shown = _outcomes(data, conf, "preview", choice)
    if not json:
        _print(shown)
    ready = [each.id for each in shown if not each.reason]
    done = None
    if ready and (yes or (not json and _confirmed(len(ready)))):
        done = _outcomes(data, conf, "retry", {"ids": [each.id for each in shown]})
    if json:
        emit({"preview": shown, "done": done})
    elif done is not None:
        gone = sum(each.done for each in done)
        out.print(
            t(f"{gone} done, {len(done) - gone} stay.", f"{gone} 条已执行，{len(done) - gone} 条保留。")
        )
    raise typer.Exit(HOLDS if done is None or all(each.done for each in done) else DOES_NOT_HOLD)


@app.command(
    help=teach(
        "Delete a message for good. Who did so and why goes into the audit trail; the message does not.",
        "永久删除一条报文。操作人与原因写入审计日志，报文内容不写入。",
        'tongdan quarantine discard 2.17 --reason "a test of theirs"',
    )
)
def discard(
    id: IdArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", prompt=t("Why", "原因"), help=t("Goes into the audit trail.", "写入审计日志。")
        ),
    ],
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    with open_reading(data):
        pass  # exits with 2 unless there is data
    path = f"{API}/{quote(id, safe='')}/discard"
    if ask_service(data, path, {"reason": reason}, Scope.OPERATE) is None:
        on_files(
            data,
            conf,
            lambda centre: _nothing_or(centre.quarantine.discard(id, reason, operator())),
            CANNOT,
        )
    err.print(t(f"{id} is deleted.", f"{id} 已删除。"))


async def _nothing_or(refused: Awaitable[Refusal | None]) -> Refusal | str:
    return await refused or ""


def _outcomes(data: Path, conf: Path | None, verb: str, choice: dict[str, Any]) -> list[Outcome]:
    told = ask_service(data, f"{API}/{verb}", choice, Scope.OPERATE, within_s=ASK_WITHIN_S)
    if told is not None:
        return msgspec.convert(told, list[Outcome])

    async def ask(centre: Centre) -> list[Outcome] | Refusal:
        to = centre.quarantine
        named = choice["ids"] or to.choose(
            source=choice["source"], shop=choice["shop"], reason=choice["reason"]
        )
        return await (to.preview(named) if verb == "preview" else to.retry(named, operator()))

    return on_files(data, conf, ask, CANNOT)


def _confirmed(n: int) -> bool:
    if not sys.stdin.isatty():
        err.print(t("Nothing was changed. Add --yes to retry them.", "未做任何更改。加 --yes 以执行。"))
        return False
    return typer.confirm(t(f"Do what these {n} stand for?", f"执行这 {n} 条报文？"), err=True)


def _print(shown: Sequence[Outcome]) -> None:
    if not shown:
        out.print(t("Nothing fits.", "没有符合条件的报文。"))
        return
    what = t("would become", "结果")
    rows = table("ID", t("source", "来源"), what, fold=(what,))
    for each in shown[:SHOWN]:
        told = [" ".join(pair) for pair in zip(each.commands, each.about, strict=True)]
        stays = t("stays: ", "保留：") + each.reason
        add_row(rows, each.id, each.source, stays if each.reason else ", ".join(told))
    out.print(rows)
    if (more := len(shown) - SHOWN) > 0:
        out.print(t(f"... and {more} more", f"……另有 {more} 条"))
