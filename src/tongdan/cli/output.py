"""How commands speak: results to stdout, everything else to stderr, and one way to fail.

With --json stdout holds one JSON document and nothing else, so a pipe may trust it. Exit codes: 0 it holds, 1 it
does not, 2 the command was used wrongly.
"""

from typing import Final, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

HOLDS: Final = 0
DOES_NOT_HOLD: Final = 1
USED_WRONGLY: Final = 2

out: Final = Console(highlight=False, soft_wrap=False)
err: Final = Console(stderr=True, highlight=False)


def emit(value: object) -> None:
    """One JSON document on stdout; times are RFC 3339 in UTC, bytes base64."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def fail(message: str, code: int = USED_WRONGLY) -> NoReturn:
    err.print(Text(message, style="red"))
    raise typer.Exit(code)


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; columns named in `right` are set flush right."""
    made = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
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
