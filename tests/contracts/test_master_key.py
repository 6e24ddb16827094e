"""Promises of the vault and its master key: what is sealed opens only under its salt, subject and generation; the key
is the owner's alone; generations keep their numbers, and the newest is never lost.
"""

from pathlib import Path

import pytest

from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.master_key import MASTER_KEY_ENV, MasterKeyRefused, open_vault, retire, rotate
from tongdan.adapters.vault import AesGcmVault

SALT = b"s" * 16
PLAIN = "张三 13800000000".encode()


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(MASTER_KEY_ENV, raising=False)
    return tmp_path / "master.key"


def opened(key: Path) -> AesGcmVault:
    return open_vault(key, SystemEntropy())


def test_what_is_sealed_opens_under_its_own_salt_and_subject_only(key: Path) -> None:
    vault = opened(key)
    sealed = vault.seal(SALT, "MP1", PLAIN)
    assert vault.open(SALT, "MP1", sealed) == PLAIN
    assert sealed != vault.seal(SALT, "MP1", PLAIN)
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for salt, subject, what in (
        (b"t" * 16, "MP1", sealed), (SALT, "MP2", sealed), (SALT, "MP1", changed), (SALT, "MP1", b"\x01"),
        (b"", "MP1", sealed), (SALT, "MP1", b"\x02" + sealed[1:]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"open|short|salt|generation"):
            vault.open(salt, subject, what)
    with pytest.raises(ValueError, match="salt"):
        vault.seal(b"", "MP1", PLAIN)
    vault.forget()
    assert vault.open(SALT, "MP1", sealed) == PLAIN


def test_the_file_is_made_once_and_for_its_owner_alone(key: Path) -> None:
    sealed = opened(key).seal(SALT, "MP1", PLAIN)
    assert key.stat().st_mode & 0o777 == 0o600
    assert opened(key).open(SALT, "MP1", sealed) == PLAIN
    key.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        opened(key)
    key.chmod(0o600)
    for wrong in ("", "nonsense", "ab" * 31, "retired", f"{'ab' * 32}\nretired"):
        key.write_text(wrong)
        with pytest.raises(ValueError, match="64 hex digits"):
            opened(key)


def test_a_new_generation_seals_and_the_old_one_opens_until_it_is_retired(key: Path) -> None:
    first = opened(key)
    sealed = first.seal(SALT, "MP1", PLAIN)
    assert (first.generation, sealed[0]) == (1, 1)
    assert rotate(key, SystemEntropy()) == 2
    second = opened(key)
    assert second.open(SALT, "MP1", sealed) == PLAIN
    anew = second.seal(SALT, "MP1", PLAIN)
    assert (second.generation, anew[0]) == (2, 2)
    assert second.token("phone", "1") != first.token("phone", "1")
    with pytest.raises(ValueError, match="generation 2"):
        first.open(SALT, "MP1", anew)
    for never in (0, 2, 3):
        with pytest.raises(MasterKeyRefused):
            retire(key, SystemEntropy(), never)
    retire(key, SystemEntropy(), 1)
    with pytest.raises(MasterKeyRefused):
        retire(key, SystemEntropy(), 1)
    third = opened(key)
    assert third.open(SALT, "MP1", anew) == PLAIN
    with pytest.raises(ValueError, match="generation 1"):
        third.open(SALT, "MP1", sealed)
    assert rotate(key, SystemEntropy()) == 3
    assert key.stat().st_mode & 0o777 == 0o600


def test_the_environment_holds_generations_too_and_is_not_changed(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MASTER_KEY_ENV, "ab" * 32)
    sealed = opened(key).seal(SALT, "MP1", PLAIN)
    monkeypatch.setenv(MASTER_KEY_ENV, f"{'ab' * 32},{'cd' * 32}")
    vault = opened(key)
    assert (vault.generation, vault.open(SALT, "MP1", sealed)) == (2, PLAIN)
    with pytest.raises(MasterKeyRefused, match=MASTER_KEY_ENV):
        rotate(key, SystemEntropy())
    assert not key.exists()


def test_tokens_tell_kinds_and_values_apart_and_nothing_else(key: Path) -> None:
    vault = opened(key)
    tokens = {vault.token(kind, value) for kind in ("phone", "last4") for value in ("1", "2")}
    assert {len(token) for token in tokens} == {16}
    assert len(tokens) == 4
    assert vault.token("phone", "1") in tokens
