"""Secrets come from a file that only its owner reads, change without a restart, and are never told."""

import json
import os
from pathlib import Path

import pytest

from tongdan.adapters.credentials_file import CredentialsFile, CredentialsRefused, write_credentials

FIRST = {"own/mp-main": {"secret": "first-secret"}, "finance/main": {"secret": "other-secret"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "credentials.json"
    write_credentials(file, FIRST)
    return file


def test_what_was_written_is_read(path: Path) -> None:
    held = CredentialsFile(path)
    assert {name: dict(held.get(name)) for name in FIRST} == FIRST


def test_the_file_is_its_owners_alone_and_no_draft_stays(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["credentials.json"]


def test_a_missing_credential_is_named(path: Path) -> None:
    with pytest.raises(KeyError, match="own/nobody"):
        CredentialsFile(path).get("own/nobody")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777])
def test_a_file_that_others_may_read_is_refused_as_a_whole(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(CredentialsRefused, match="chmod 600"):
        CredentialsFile(path).get("own/mp-main")


def test_rights_given_away_later_are_noticed_and_so_is_their_return(path: Path) -> None:
    held = CredentialsFile(path)
    held.get("own/mp-main")
    path.chmod(0o644)
    with pytest.raises(CredentialsRefused):
        held.get("own/mp-main")
    path.chmod(0o600)
    assert held.get("own/mp-main")["secret"] == "first-secret"


def test_a_changed_file_is_read_at_the_next_use(path: Path) -> None:
    held = CredentialsFile(path)
    before = held.get("own/mp-main"), held.get("finance/main")
    write_credentials(path, FIRST | {"own/mp-main": {"secret": "second-secret"}})
    assert held.get("own/mp-main")["secret"] == "second-secret"
    assert before[0]["secret"] == "first-secret"
    assert held.get("finance/main") is before[1]


def test_a_credential_taken_away_is_gone(path: Path) -> None:
    held = CredentialsFile(path)
    held.get("own/mp-main")
    write_credentials(path, {"finance/main": {"secret": "x"}})
    with pytest.raises(KeyError):
        held.get("own/mp-main")


def test_a_file_half_written_does_not_stop_anything(path: Path) -> None:
    held = CredentialsFile(path)
    held.get("own/mp-main")
    path.write_text('{"own/mp-main": {"sec')
    assert held.get("own/mp-main")["secret"] == "first-secret"
    path.write_text(json.dumps({"own/mp-main": {"secret": "third"}}))
    assert held.get("own/mp-main")["secret"] == "third"


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', '{"a": {"b": 1}}', "[" * 100_000, "\xff"])
def test_a_file_that_is_no_credentials_is_refused_without_quoting_it(path: Path, text: str) -> None:
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CredentialsRefused) as refused:
        CredentialsFile(path).get("a")
    assert str(refused.value) == "credentials.json: expected JSON, name → field → text"


def test_no_file_is_a_refusal_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CredentialsRefused, match=r"credentials\.json: No such file"):
        CredentialsFile(tmp_path / "credentials.json").get("a")


def test_what_is_handed_out_cannot_be_changed(path: Path) -> None:
    found = CredentialsFile(path).get("own/mp-main")
    with pytest.raises(TypeError):
        found["secret"] = "mine"  # type: ignore[index]
