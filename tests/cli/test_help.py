"""Promises: every command explains itself with an example, in both languages; wrong use is exit code 2."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer.main
from tests.cli.conftest import tongdan

from tongdan.cli.main import app


def _commands() -> Iterator[tuple[str, ...]]:
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((name, each) for each in command.commands)
        else:
            yield (name,)


@pytest.mark.parametrize("words", list(_commands()), ids=" ".join)
def test_help_teaches_by_example(words: tuple[str, ...]) -> None:
    result = tongdan(*words, "--help")
    assert result.exit_code == 0
    assert f"tongdan {' '.join(words)}" in result.stdout.split("Options")[0]


def test_every_command_of_the_page_is_there() -> None:
    assert {words[0] for words in _commands()} == {
        "serve", "demo", "order", "shipment", "verify", "dead-letters", "tickets", "export", "import", "keys", "erase",
        "archive", "backfill", "quarantine", "backup", "restore", "slots", "catalog", "holds", "members", "widget",
        "incident", "notices", "reconcile", "settlement", "pulse", "repair",
        "aftersale", "gifts", "quotas", "stock",
        "waybill", "recovery", "credential", "health", "compensation",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", [("nothing",), ("order", "show"), ("verify", "--workers", "-1"), ("--nothing",)]
)
def test_wrong_use_is_exit_code_2(words: tuple[str, ...]) -> None:
    result = tongdan(*words)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "environ", "text"),
    [
        (("--lang", "zh", "verify", "--help"), {"LANG": "C"}, "退出码 0：全部一致"),
        (("verify", "--help"), {"LANG": "zh_CN.UTF-8"}, "退出码 0：全部一致"),
        (("verify", "--help"), {"LANG": "C"}, "Exit code 0: everything agrees"),
    ],
)
def test_help_speaks_the_users_language(words: tuple[str, ...], environ: dict[str, str], text: str) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "TONGDAN_LANG")}
    command = [sys.executable, "-c", "from tongdan.cli.main import app; app()", *words]
    said = subprocess.run(
        command, env={**clean, **environ, "COLUMNS": "200"}, capture_output=True, check=True
    )
    assert text in said.stdout.decode()
