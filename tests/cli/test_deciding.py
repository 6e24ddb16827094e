"""Promises of the commands that write: a dead letter is replayed or skipped once, with who and why in the journal; a
refusal writes nothing; a key is shown once and kept as a hash; a demo leaves real credentials alone.
"""

import getpass
import json
from pathlib import Path

from tests.cli.conftest import tongdan

from tongdan.profile import reading


def _letters(data: Path) -> list[str]:
    return [
        each["effect"]
        for each in json.loads(tongdan("dead-letters", "list", "--json", "--data", data).stdout)
    ]


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_a_dead_letter_is_shown_with_its_error(data: Path) -> None:
    shown = tongdan("dead-letters", "list", "--data", data)
    assert "no such order" in shown.stdout
    assert len(_letters(data)) == 1


def test_a_skipped_letter_is_gone_and_the_journal_says_who_and_why(data: Path) -> None:
    (effect,) = _letters(data)
    before = _rows(data)
    result = tongdan("dead-letters", "skip", effect, "--reason", "told them by phone", "--data", data)
    assert result.exit_code == 0, result.output
    assert _letters(data) == []
    last = [row for row in reading(data).journal() if row.fact == "EffectSkipped"]
    assert [(row.operator, row.body["reason"]) for row in last] == [(getpass.getuser(), "told them by phone")]
    assert _rows(data) == before + 1
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0


def test_a_replayed_letter_waits_to_be_sent_again(data: Path) -> None:
    (effect,) = _letters(data)
    outstanding = reading(data).counts()["effects_outstanding"]
    assert (
        tongdan("dead-letters", "replay", effect, "--reason", "they are back", "--data", data).exit_code == 0
    )
    assert _letters(data) == []
    assert reading(data).counts()["effects_outstanding"] == outstanding
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0


def test_an_unknown_effect_is_refused_and_nothing_is_written(data: Path) -> None:
    before = _rows(data)
    result = tongdan("dead-letters", "skip", "1.1.999.0", "--reason", "x", "--data", data)
    assert result.exit_code == 1
    assert "1.1.999.0" in result.stderr
    assert _rows(data) == before


def test_a_key_is_shown_once_and_kept_as_a_hash(data: Path) -> None:
    made = tongdan("keys", "create", "console", "--scope", "read", "--scope", "operate", "--data", data)
    token = made.stdout.strip()
    assert token.startswith("td_")
    assert token not in (data / "api-keys.json").read_text()
    listed = json.loads(tongdan("keys", "list", "--json", "--data", data).stdout)
    assert [(key["name"], key["scopes"]) for key in listed] == [("console", ["operate", "read"])]
    again = tongdan("keys", "create", "console", "--data", data)
    assert again.exit_code == 2
    assert "already" in again.stderr
    assert tongdan("keys", "revoke", "console", "--data", data).exit_code == 0
    assert json.loads(tongdan("keys", "list", "--json", "--data", data).stdout) == []
    assert tongdan("keys", "revoke", "console", "--data", data).exit_code == 2


def test_a_demo_leaves_the_credentials_of_real_partners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "credentials.json").write_text("{}")
    result = tongdan("demo", "--once", "--data", data)
    assert result.exit_code == 2
    assert [path.name for path in data.iterdir()] == ["credentials.json"]
    assert (data / "credentials.json").read_text() == "{}"
