"""Keys lie encrypted, change without a restart in every process, and cannot be put in one another's place."""

import json
import os
from pathlib import Path

import pytest

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_file import CredentialsRefused, write_credentials
from tongdan.adapters.credentials_sealed import MAX_KEYS, PlainRing, SealedRing, generations, open_ring
from tongdan.adapters.master_key import open_vault
from tongdan.adapters.vault import AesGcmVault
from tongdan.domain.confighealth.commands import PutKey
from tongdan.profile import CREDENTIALS, MASTER_KEY, SEALED, DataInUse, lock, seal_credentials

SECRET = {"partner_id": "P-1", "check_word": "a-very-secret-word"}


class Later(SystemClock):
    """Looks anew at each use."""

    def __init__(self) -> None:
        self._at_s = 0.0

    def monotonic(self) -> float:
        self._at_s += 1.0
        return self._at_s


def vault(data: Path) -> AesGcmVault:
    return open_vault(data / MASTER_KEY, SystemEntropy())


def ring(data: Path) -> SealedRing:
    return SealedRing(data / SEALED, vault(data), SystemEntropy(), Later())


def said(key: str = "main", task: str = "sf/main", environment: str = "production") -> PutKey:
    return PutKey(task=task, key=key, fingerprint="", environment=environment, by="li")


def test_what_was_sealed_is_read_and_stands_nowhere_in_the_file(tmp_path: Path) -> None:
    put = ring(tmp_path).put(said(), SECRET)
    raw = (tmp_path / SEALED).read_bytes()
    assert b"a-very-secret-word" not in raw and b"P-1" not in raw and b"sf/main" in raw
    assert (tmp_path / SEALED).stat().st_mode & 0o777 == 0o600
    again = ring(tmp_path)
    assert dict(again.fields("sf/main", "main")) == SECRET
    assert again.keys() == {"sf/main": {"main": put}}
    assert len(put.fingerprint) == 32 and "P-1" not in put.fingerprint


def test_one_secret_has_one_fingerprint_and_another_another(tmp_path: Path) -> None:
    held = ring(tmp_path)
    first = held.put(said("a"), SECRET).fingerprint
    assert held.put(said("b"), dict(reversed(SECRET.items()))).fingerprint == first
    assert held.put(said("c"), {**SECRET, "check_word": "x"}).fingerprint != first


def test_a_new_key_is_seen_by_every_process_and_the_others_stay_the_same_object(tmp_path: Path) -> None:
    here, there = ring(tmp_path), ring(tmp_path)
    here.put(said(), SECRET)
    before = there.fields("sf/main", "main")
    here.put(said("spare"), {"check_word": "other"})
    assert dict(there.fields("sf/main", "spare")) == {"check_word": "other"}
    assert there.fields("sf/main", "main") is before
    here.put(said(), {"check_word": "renewed"})
    assert dict(there.fields("sf/main", "main")) == {"check_word": "renewed"}


def test_a_key_does_not_open_in_anothers_place_nor_in_another_environment(tmp_path: Path) -> None:
    held = ring(tmp_path)
    held.put(said("sandbox", environment="test"), SECRET)
    for change in ({"task": "sf/other"}, {"key": "main"}, {"environment": "production"}):
        content = json.loads((tmp_path / SEALED).read_text())
        forged = [{**each, "said": {**each["said"], **change}} for each in content]
        other = tmp_path / "forged.json"
        other.write_text(json.dumps(forged))
        other.chmod(0o600)
        at = {"task": "sf/main", "key": "sandbox", **change}
        with pytest.raises(KeyError):
            SealedRing(other, vault(tmp_path), SystemEntropy(), Later()).fields(at["task"], at["key"])


def test_under_another_master_key_nothing_opens(tmp_path: Path) -> None:
    ring(tmp_path).put(said(), SECRET)
    other = AesGcmVault(bytes(32), SystemEntropy())
    with pytest.raises(KeyError, match="does not open"):
        SealedRing(tmp_path / SEALED, other, SystemEntropy(), Later()).fields("sf/main", "main")
    assert generations(tmp_path / SEALED) == {1}


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'[{"said":1}]'])
def test_a_broken_file_is_refused_and_a_missing_key_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SEALED).write_bytes(content)
    (tmp_path / SEALED).chmod(0o600)
    with pytest.raises(CredentialsRefused, match=SEALED):
        ring(tmp_path).keys()
    (tmp_path / SEALED).chmod(0o644)
    with pytest.raises(CredentialsRefused, match="chmod 600"):
        ring(tmp_path).keys()
    (tmp_path / SEALED).unlink()
    with pytest.raises(KeyError, match="sf/main"):
        ring(tmp_path).fields("sf/main", "main")


def test_too_many_keys_are_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongdan.adapters.credentials_sealed.MAX_KEYS", 2)
    held = ring(tmp_path)
    held.put(said("a"), SECRET)
    held.put(said("b"), SECRET)
    before = (tmp_path / SEALED).read_bytes()
    with pytest.raises(ValueError, match="at most 2"):
        held.put(said("c"), SECRET)
    assert (tmp_path / SEALED).read_bytes() == before
    assert MAX_KEYS == 1_000


def test_the_plain_file_is_sealed_whole_and_then_gone(tmp_path: Path) -> None:
    plain = {"sf/main": SECRET, "finance/main": {"secret": "another-secret"}}
    write_credentials(tmp_path / CREDENTIALS, plain)
    assert isinstance(opened(tmp_path), PlainRing)
    assert seal_credentials(tmp_path, "li") == 2
    assert not (tmp_path / CREDENTIALS).exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(f".{SEALED}")]
    held = opened(tmp_path)
    assert {task: dict(held.fields(task, "main")) for task in held.keys()} == plain  # noqa: SIM118
    assert {one.by for keys in held.keys().values() for one in keys.values()} == {"li"}


def test_two_files_are_refused_at_the_start_and_at_the_import(tmp_path: Path) -> None:
    ring(tmp_path).put(said(), SECRET)
    write_credentials(tmp_path / CREDENTIALS, {"sf/main": SECRET})
    before = (tmp_path / SEALED).read_bytes()
    with pytest.raises(CredentialsRefused, match="both"):
        opened(tmp_path)
    with pytest.raises(CredentialsRefused, match="already"):
        seal_credentials(tmp_path, "li")
    assert (tmp_path / SEALED).read_bytes() == before and (tmp_path / CREDENTIALS).exists()


def test_nothing_is_sealed_while_somebody_serves_or_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(CredentialsRefused):
        seal_credentials(tmp_path, "li")
    write_credentials(tmp_path / CREDENTIALS, {"sf/main": SECRET})
    with lock(tmp_path), pytest.raises(DataInUse):
        seal_credentials(tmp_path, "li")
    assert not (tmp_path / SEALED).exists()


def opened(data: Path) -> SealedRing | PlainRing:
    return open_ring(data / CREDENTIALS, data / SEALED, vault(data), SystemEntropy(), Later())
