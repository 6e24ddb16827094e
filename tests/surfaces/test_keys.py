"""API keys: what is stored opens nothing, what is revoked stops at once, what others may read is not used."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tongdan.adapters.clock import SystemEntropy
from tongdan.surfaces.http.keys import ApiKeys, Principal, Scope
from tongdan.surfaces.http.owner_file import FileRefused

NOW = datetime(2026, 1, 27, tzinfo=UTC)
CHANCE = SystemEntropy()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api-keys.json"


def test_a_token_names_its_caller_and_is_not_in_the_file(path: Path) -> None:
    token = ApiKeys(path).issue("console", [Scope.READ, Scope.WRITE], CHANCE, NOW)
    assert ApiKeys(path).check(token) == Principal("console", frozenset({Scope.READ, Scope.WRITE}))
    assert token.removeprefix("td_") not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("wrong", ["", "td_", "td_" + "A" * 43, "张三", "\ud800"])
def test_a_wrong_token_is_nobodys(path: Path, wrong: str) -> None:
    keys = ApiKeys(path)
    assert keys.check(wrong) is None
    keys.issue("console", [Scope.READ], CHANCE, NOW)
    assert keys.check(wrong) is None


def test_a_key_revoked_by_another_process_stops_working(path: Path) -> None:
    serving, elsewhere = ApiKeys(path), ApiKeys(path)
    first = serving.issue("first", [Scope.READ], CHANCE, NOW)
    second = elsewhere.issue("second", [Scope.READ], CHANCE, NOW)
    assert serving.check(second) is not None
    elsewhere.revoke("first")
    assert serving.check(first) is None
    assert serving.check(second) is not None


def test_a_file_that_others_may_read_is_not_used(path: Path) -> None:
    token = ApiKeys(path).issue("console", [Scope.READ], CHANCE, NOW)
    path.chmod(0o644)
    with pytest.raises(FileRefused, match="chmod 600"):
        ApiKeys(path).check(token)


def test_what_is_refused_leaves_the_file_as_it_was(path: Path) -> None:
    keys = ApiKeys(path)
    keys.issue("console", [Scope.READ], CHANCE, NOW)
    before = path.read_bytes()
    for name, scopes in [("console", [Scope.READ]), ("Console!", [Scope.READ]), ("other", [])]:
        with pytest.raises(FileRefused):
            keys.issue(name, scopes, CHANCE, NOW)
    with pytest.raises(FileRefused, match="no key"):
        keys.revoke("other")
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_file_that_is_none_is_named(path: Path) -> None:
    path.write_text("{]")
    path.chmod(0o600)
    with pytest.raises(FileRefused, match=r"api-keys\.json is not what it should be"):
        ApiKeys(path).check("td_x")
