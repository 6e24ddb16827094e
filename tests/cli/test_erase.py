"""Promises of `tongdan erase` and of the master key's commands: looking changes nothing, only what was shown is erased,
a running centre is asked instead of its files; a rotated key seals anew and is retired only when nothing needs it.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PERSON, tongdan
from tests.cli.test_serving import centre

from tongdan.profile import apply_erasures, reading

__all__ = ["centre"]  # a fixture


def _order(data: Path) -> str:
    found = reading(data).find("MP", "mp-main", "M-1")
    assert found is not None
    return found


def _erase(data: Path, *words: str) -> dict[str, object]:
    result = tongdan("erase", *words, "--json", "--data", data, "--conf", CONF)
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


def _readable(data: Path) -> bool:
    return reading(data).person(_order(data)) is not None


def test_without_a_yes_it_only_shows(data: Path) -> None:
    order, before = _order(data), reading(data).counts()
    shown = tongdan("erase", "--phone", PERSON.phone, "--data", data, "--conf", CONF)
    assert shown.exit_code == 0, shown.output
    assert order in shown.stdout
    assert "Nothing was changed" in shown.stderr
    assert PERSON.phone not in shown.output
    told = _erase(data, "--phone", PERSON.phone)
    assert told["erased"] is None
    assert reading(data).counts() == before
    assert not (data / "erasures.jsonl").exists()
    assert _readable(data)


def test_with_a_yes_the_person_is_gone_and_the_check_is_clean(data: Path) -> None:
    order, before = _order(data), reading(data).counts()["journal_rows"]
    told = _erase(data, "--phone", PERSON.phone, "--yes")
    assert told["erased"] == {
        "orders": [order],
        "quarantined": [],
        "pending": [],
        "unknown": [],
        "scrubbed": True,
    }
    assert not _readable(data)
    assert reading(data).counts()["journal_rows"] == before + 1
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0
    assert _erase(data, "--phone", PERSON.phone, "--yes")["erased"] is None
    assert PERSON.phone not in (data / "erasures.jsonl").read_text()


def test_a_wrong_use_erases_nobody(data: Path) -> None:
    before = reading(data).counts()
    assert tongdan("erase", "--yes", "--data", data, "--conf", CONF).exit_code == 1
    unknown = tongdan("erase", "--subject", "MP20260127000001", "--yes", "--data", data, "--conf", CONF)
    assert unknown.exit_code == 1
    assert "no such order" in unknown.stderr
    assert tongdan("erase", "--phone", PERSON.phone, "--data", data / "nowhere").exit_code == 2
    assert reading(data).counts() == before


def test_a_restored_directory_forgets_them_again(data: Path, tmp_path: Path) -> None:
    backup = Path(shutil.copytree(data, tmp_path / "backup"))
    _erase(data, "--subject", _order(data), "--yes")
    shutil.copy(data / "erasures.jsonl", backup)
    assert _readable(backup)
    assert apply_erasures(backup, CONF) == 1
    assert not _readable(backup)
    assert apply_erasures(backup, CONF) == 0
    assert tongdan("verify", "--workers", "1", "--data", backup).exit_code == 0


@pytest.mark.server
def test_a_running_centre_is_asked(data: Path, centre: subprocess.Popen[str]) -> None:
    order = _order(data)
    assert _erase(data, "--phone", PERSON.phone)["erased"] is None
    assert _readable(data)
    told = _erase(data, "--phone", PERSON.phone, "--yes")
    assert told["erased"] == {
        "orders": [order],
        "quarantined": [],
        "pending": [],
        "unknown": [],
        "scrubbed": True,
    }
    assert not _readable(data)
    assert json.loads((data / "api-keys.json").read_text())["keys"] == []
    assert centre.poll() is None


# ---- the master key


def test_a_rotated_key_seals_anew_and_opens_what_is_old(data: Path) -> None:
    before = (data / "master.key").read_text().split()
    assert tongdan("keys", "rotate-master", "--data", data).exit_code == 0
    after = (data / "master.key").read_text().split()
    assert after[:1] == before
    assert len(after) == 2
    assert (data / "master.key").stat().st_mode & 0o777 == 0o600
    assert _readable(data)
    shown = _erase(data, "--phone", PERSON.phone)["preview"]
    assert isinstance(shown, dict)
    assert [each["order"] for each in shown["orders"]] == [_order(data)]  # its tokens were made anew


def test_a_generation_is_retired_only_when_nothing_needs_it(data: Path) -> None:
    tongdan("keys", "rotate-master", "--data", data)
    kept = (data / "master.key").read_text()
    in_use = tongdan("keys", "retire-master", "1", "--data", data)
    assert in_use.exit_code == 1
    assert "can be read" in in_use.stderr
    assert tongdan("keys", "retire-master", "2", "--data", data).exit_code == 1
    assert (data / "master.key").read_text() == kept
    rows = reading(data).orders()
    _erase(data, *(word for row in rows for word in ("--subject", row.id)), "--yes")
    assert tongdan("keys", "retire-master", "1", "--data", data).exit_code == 0
    assert (data / "master.key").read_text().split() == ["retired", kept.split()[1]]
    assert reading(data).counts()["orders"] == len(rows)
    assert tongdan("keys", "retire-master", "1", "--data", data).exit_code == 1
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0
    told = tongdan("keys", "rotate-master", "--data", data)
    assert "3" in told.stderr
