"""`tongdan dead-letters`: effects that could not be done, each blocking its lane until a person decides.

A decision is a command like any other: journaled with who decided and why. While a centre serves the data it is asked
over its API, with a key made for this one question; otherwise the command opens the data itself.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.cli.asking import ask
from tongdan.cli.language import t, teach
from tongdan.cli.output import add_row, emit, err, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import ReplayEffect, SkipEffect
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import local_time

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Effects that could not be done: look, replay, skip.", "未能完成的外部动作：查看、重发、跳过。"),
)

EffectArgument = Annotated[str, typer.Argument(metavar="EFFECT", help=t("As `list` shows it.", "见 list。"))]
ReasonOption = Annotated[
    str,
    typer.Option("--reason", prompt=t("Why", "原因"), help=t("Goes into the audit trail.", "写入审计日志。")),
]


@app.command(
    "list",
    help=teach(
        """List dead letters: which effect, at which partner, why it failed, since when.

Whatever comes after it for the same order and partner waits behind it.""",
        """列出死信：哪个动作、哪个伙伴、为何失败、自何时起。

同一订单、同一伙伴的后续动作都排在它后面等待。""",
        "tongdan dead-letters list",
        "tongdan dead-letters list --json",
    ),
)
def list_letters(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        letters = reading.reads.dead_letters()
    if json:
        emit(letters)
        return
    if not letters:
        out.print(t("No dead letters.", "没有死信。"))
        return
    effect, error = t("effect", "动作"), t("error", "错误")
    columns = (effect, t("order", "对象"), t("partner", "伙伴"), t("verb", "动词"), t("tries", "次数"))
    shown = table(*columns, error, t("since", "自"), fold=(error,))
    for each in letters:
        add_row(
            shown, each.effect, each.aggregate, each.partner, each.verb, each.tries, each.error, local_time(each.since)
        )  # fmt: skip
    out.print(shown)


@app.command(
    help=teach(
        "Send a dead letter again, with a fresh deadline.",
        "重发死信，并重新计时。",
        'tongdan dead-letters replay 17.1.42.0 --reason "warehouse is back"',
    )
)
def replay(
    effect: EffectArgument, reason: ReasonOption, data: DataOption = DATA, conf: ConfOption = None
) -> None:
    _decide(data, conf, ReplayEffect(effect=effect, reason=reason), "replay")
    err.print(t(f"{effect} will be sent again.", f"{effect} 将重发。"))


@app.command(
    help=teach(
        "Give a dead letter up; its lane goes on.",
        "放弃死信，队列继续。",
        'tongdan dead-letters skip 17.1.42.0 --reason "told them by phone"',
    )
)
def skip(
    effect: EffectArgument, reason: ReasonOption, data: DataOption = DATA, conf: ConfOption = None
) -> None:
    _decide(data, conf, SkipEffect(effect=effect, reason=reason), "skip")
    err.print(t(f"{effect} is given up.", f"{effect} 已放弃。"))


def _decide(data: Path, conf: Path | None, command: ReplayEffect | SkipEffect, verb: str) -> None:
    """Exits with 1 when it is refused."""
    with open_reading(data):
        pass  # exits with 2 unless there is data
    path = f"/api/v1/dead-letters/{command.effect}/{verb}"
    ask(data, conf, path, {"reason": command.reason}, Scope.OPERATE, command)
