"""`tongdan incident`: a case that went wrong is run again, the old process beside Tongdan on one seeded day."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tongdan.cli.language import prose, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import ConfOption, JsonOption, conf_dir

if TYPE_CHECKING:
    from tongdan.labs.incidents.outcome import Figure, Outcome

MEMORY: Final = Path("/dev/shm")

app: Final = typer.Typer(
    no_args_is_help=True,
    help=prose(
        """Replays of cases that went wrong: the old process and Tongdan, side by side.""",
        """事故重演：旧流程与同单在同一天并排运行。""",
    ),
)

LIST_HELP: Final = teach(
    """List the replays.""", """列出可重演的事故。""", "tongdan incident list", "tongdan incident list --json"
)
RUN_HELP: Final = teach(
    """Run a replay and print both columns.

Both sides are programmes that run on virtual time, in memory, and meet the same day; their figures are counted, none is
written down. Exit code 0 only if Tongdan's column holds.""",
    """重演一次事故并打印两列数字。

两边都是真实运行的程序，在虚拟时间和内存中经历同一天；数字由运行得出，没有任何预设。仅当同单一列成立时退出码为 0。""",
    "tongdan incident run never-notified",
    "tongdan incident run never-notified --seed 3 --json",
)


@app.command("list", help=LIST_HELP)
def list_incidents(json: JsonOption = False) -> None:
    from tongdan.labs.incidents.registry import INCIDENTS  # noqa: PLC0415 (loads the world)

    if json:
        emit(
            [
                {"name": each.name, "title": each.title[0], "title_zh": each.title[1]}
                for each in INCIDENTS.values()
            ]
        )
        return
    shown = table(t("name", "名称"), t("what went wrong", "事故"))
    for each in INCIDENTS.values():
        add_row(shown, each.name, t(*each.title))
    out.print(shown)


@app.command("run", help=RUN_HELP)
def run(
    name: Annotated[
        str, typer.Argument(help=t("See `tongdan incident list`.", "见 tongdan incident list。"))
    ],
    seed: Annotated[int, typer.Option("--seed", help=t("Of the day.", "这一天的随机种子。"))] = 1,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    from tongdan.labs.incidents.registry import INCIDENTS  # noqa: PLC0415 (loads the world)

    incident = INCIDENTS.get(name)
    if incident is None:
        known = ", ".join(INCIDENTS)
        fail(
            t(f"There is no replay {name}. Expected one of {known}.", f"没有重演 {name}。应为 {known} 之一。")
        )
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        outcome = incident.replay(seed, conf_dir(conf), Path(place))
    if json:
        emit(outcome)
    else:
        out.print(t(*incident.title) + t(f" (seed {seed})", f"（种子 {seed}）"))
        err.print(t("Before: ", "旧流程：") + t(*incident.old), markup=False)
        print_columns(outcome)
        err.print(t("Has to hold: ", "须成立：") + t(*incident.says), markup=False)
        for offender in outcome.offenders:
            err.print(f"  {offender}", style="red", markup=False)
    if not outcome.holds:
        raise typer.Exit(DOES_NOT_HOLD)


def print_columns(outcome: "Outcome") -> None:
    """The two columns of any replay."""
    before, now = t("before", "旧流程"), t("Tongdan", "同单")
    shown = table("", before, now, right=(before, now))
    for row in outcome.rows:
        add_row(shown, t(row.en, row.zh), _figure(row.old), _figure(row.tongdan))
    out.print(shown)


def _figure(figure: "Figure") -> str:
    if figure is None:
        return "—"
    return f"{figure:,}" if isinstance(figure, int | float) else figure
