"""`tongdan credential` and `tongdan health`: keys are sealed and bound on the files, and secrets never shown."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, tongdan

from tongdan.profile import CREDENTIALS, SEALED, reading

SECRET = "a-very-secret-word"


@pytest.fixture
def sealed(data: Path) -> Path:
    done = tongdan("credential", "import", "--data", data)
    assert done.exit_code == 0, done.stderr
    return data


def spare(data: Path, *more: object, fields: object = None) -> tuple[object, ...]:
    file = data / "spare.json"
    file.write_text(json.dumps(fields or {"partner_id": "P", "check_word": SECRET}))
    return ("credential", "put", "sf/main", "spare", "--from", file, *more, "--data", data, "--conf", CONF)


def test_the_plain_file_is_imported_once_and_then_gone(data: Path) -> None:
    tasks = len(json.loads((data / CREDENTIALS).read_text()))
    done = tongdan("credential", "import", "--data", data)
    assert done.exit_code == 0 and f"{tasks} keys" in done.stdout
    assert not (data / CREDENTIALS).exists()
    again = tongdan("credential", "import", "--data", data)
    assert again.exit_code == 1 and SEALED in again.stderr


def test_a_standby_is_put_bound_and_its_history_shown(sealed: Path) -> None:
    put = tongdan(*spare(sealed, "--standby", "--expires", "2030-01-31", "--idle-days", "7"))
    assert put.exit_code == 0 and SECRET not in put.stdout + put.stderr
    where = ("--data", sealed, "--conf", CONF)
    bind = tongdan("credential", "bind", "sf/main", "spare", "--reason", "main is frozen", *where)
    assert bind.exit_code == 0, bind.stderr
    history = json.loads(tongdan("credential", "history", "sf/main", *where, "--json").stdout)
    changes = [(each["before"], each["key"], each["reason"]) for each in history]
    assert changes == [("main", "spare", "main is frozen"), ("", "main", "first")]
    listed = tongdan("credential", "list", *where)
    assert "spare" in listed.stdout and SECRET not in listed.stdout


@pytest.mark.parametrize(
    ("more", "fields", "code"),
    [
        (("--environment", "test", "--standby"), None, 1),
        (("--environment", "sandbox"), None, 1),
        (("--expires", "soon"), None, 2),
        (("--allow", "nowhere"), None, 1),
        ((), ["no", "object"], 2),
        ((), {"check_word": 1}, 2),
    ],
)
def test_what_is_no_key_is_refused_and_nothing_is_written(
    sealed: Path, more: tuple[str, ...], fields: object, code: int
) -> None:
    assert tongdan(*spare(sealed)).exit_code == 0  # the journal has heard of what was imported
    rows, file = reading(sealed).counts()["journal_rows"], (sealed / SEALED).read_bytes()
    result = tongdan(*spare(sealed, *more, fields=fields))
    assert result.exit_code == code and result.stderr and SECRET not in result.stderr
    assert (reading(sealed).counts()["journal_rows"], (sealed / SEALED).read_bytes()) == (rows, file)


def test_before_the_first_scan_nothing_counts_as_fine(sealed: Path) -> None:
    shown = tongdan("health", "show", "--data", sealed, "--conf", CONF)
    assert shown.exit_code == 0 and "health scan" in shown.stderr
