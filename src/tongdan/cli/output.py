"""How commands speak: results to stdout, everything else to stderr, and one way to fail.

With --json stdout holds one JSON document and nothing else, so a pipe may trust it. Exit codes: 0 it holds, 1 it
does not, 2 the command was used wrongly.
"""

from typing import Final, Literal, NoReturn

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

HOLDS: Final = 0
DOES_NOT_HOLD: Final = 1
USED_WRONGLY: Final = 2
WIDE: Final = 200


def _console(*, stderr: bool) -> Console:
    """As wide as the terminal; where nobody looks (a pipe, a log) wide enough that nothing is folded."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)


out: Final = _console(stderr=False)
err: Final = _console(stderr=True)


def emit(value: object) -> None:
    """One JSON document on stdout; times are RFC 3339 in UTC, bytes base64."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def fail(message: str, code: int = USED_WRONGLY) -> NoReturn:
    err.print(Text(message, style="red"))
    raise typer.Exit(code)


def table(*columns: str, right: tuple[str, ...] = (), fold: tuple[str, ...] = ()) -> Table:
    """An empty table; columns in `right` are set flush right, only those in `fold` may be broken into lines."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, header_style="bold", pad_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in right else "left"
        made.add_column(column, justify=side, overflow="fold", no_wrap=column not in fold)
    return made


def add_row(to: Table, *cells: object) -> None:
    """A row of plain texts: what partners say is shown, never read as markup."""
    to.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def progress() -> Progress:
    """A progress bar on stderr that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )
