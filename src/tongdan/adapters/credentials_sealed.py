"""Credentials in one file, each key encrypted under the master key: its name and what is declared of it lie open.

A key is authenticated with its task and name, so none can be put in another's place, and its environment is sealed with
it, so none can be called what it is not. The file is written whole under a lock, and read again when it has changed:
a new key needs no restart in any process.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from tongdan.adapters.credentials_file import (
    LOOK_EVERY_S,
    MAX_BYTES,
    MODE,
    CredentialsFile,
    CredentialsRefused,
    marks_of,
    write_private,
)
from tongdan.adapters.vault import SALT_BYTES, AesGcmVault
from tongdan.domain.confighealth.commands import PutKey
from tongdan.ports import Clock, Entropy

PLAIN_KEY: Final = "main"  # what the one key of a task in the plain file is called
MAX_KEYS: Final = 1_000

Fields = Mapping[str, str]


class _Sealed(msgspec.Struct, frozen=True):
    said: PutKey
    salt: bytes
    sealed: bytes


class _Content(msgspec.Struct, frozen=True):
    environment: str
    fields: dict[str, str]


_decoder: Final = msgspec.json.Decoder(list[_Sealed])
_content: Final = msgspec.json.Decoder(_Content)


class SealedRing:
    """`ports.KeyRing` from the file at `path`, which need not be there yet. Looked at every LOOK_EVERY_S at most."""

    is_sealed: Final = True

    def __init__(self, path: Path, vault: AesGcmVault, entropy: Entropy, clock: Clock) -> None:
        self._path: Final = path
        self._vault: Final = vault
        self._entropy: Final = entropy
        self._clock: Final = clock
        self._looked_s = -LOOK_EVERY_S
        self._seen: tuple[int, ...] = ()
        self._held: dict[tuple[str, str], _Sealed] = {}
        self._keys: Mapping[str, Mapping[str, PutKey]] = {}
        self._opened: dict[tuple[str, str], tuple[_Sealed, Fields]] = {}

    def keys(self) -> Mapping[str, Mapping[str, PutKey]]:
        """Raises CredentialsRefused when the file is no good."""
        self._refresh()
        return self._keys

    def fields(self, task: str, key: str) -> Fields:
        self._refresh()
        held = self._held.get((task, key))
        if held is None:
            raise KeyError(f"no credential {task!r} under {key!r}")
        opened = self._opened.get((task, key))
        if opened is None or opened[0] is not held:
            opened = held, self._open(held)
            self._opened[task, key] = opened
        return opened[1]

    def put(self, said: PutKey, fields: Fields) -> PutKey:
        """Raises ValueError when there would be more than MAX_KEYS, or than MAX_BYTES of them."""
        plain = msgspec.json.encode(_Content(said.environment, dict(sorted(fields.items()))))
        said = msgspec.structs.replace(
            said, fingerprint=self._vault.token("credential", plain.decode()).hex()
        )
        salt = self._entropy.token(SALT_BYTES)
        sealed = _Sealed(said, salt, self._vault.seal(salt, _subject(said), plain))
        with _locked(self._path):
            held = {(each.said.task, each.said.key): each for each in read(self._path)}
            held[said.task, said.key] = sealed
            if len(held) > MAX_KEYS:
                raise ValueError(f"expected at most {MAX_KEYS} keys")
            write_private(self._path, msgspec.json.format(msgspec.json.encode(list(held.values()))))
        self._looked_s = -LOOK_EVERY_S
        return said

    def _open(self, held: _Sealed) -> Fields:
        try:
            content = _content.decode(self._vault.open(held.salt, _subject(held.said), held.sealed))
        except (ValueError, msgspec.MsgspecError):
            raise KeyError(f"{held.said.task}/{held.said.key} does not open under this master key") from None
        if content.environment != held.said.environment:
            raise KeyError(f"{held.said.task}/{held.said.key} is sealed as a key of {content.environment}")
        return MappingProxyType(content.fields)

    def _refresh(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        try:
            marks = marks_of(os.stat(self._path))
        except FileNotFoundError:
            marks = ()
        if marks == self._seen:
            return
        # What did not change stays the same object, so what was derived from it is kept.
        found = {(each.said.task, each.said.key): each for each in (read(self._path) if marks else ())}
        self._held = {
            name: old if (old := self._held.get(name)) == new else new for name, new in found.items()
        }
        keys: dict[str, dict[str, PutKey]] = {}
        for (task, key), each in self._held.items():
            keys.setdefault(task, {})[key] = each.said
        self._keys = keys
        self._seen = marks


class PlainRing:
    """`ports.KeyRing` over the plain file: each task has one key, and nothing is known of it."""

    is_sealed: Final = False

    def __init__(self, file: CredentialsFile) -> None:
        self._file: Final = file

    def keys(self) -> Mapping[str, Mapping[str, PutKey]]:
        return {}

    def fields(self, task: str, key: str) -> Fields:
        return self._file.get(task)

    def put(self, said: PutKey, fields: Fields) -> PutKey:
        raise ValueError("the credentials are not sealed")


def open_ring(
    plain: Path, sealed: Path, vault: AesGcmVault, entropy: Entropy, clock: Clock
) -> SealedRing | PlainRing:
    """The sealed file, or the plain one where only that is there. Raises CredentialsRefused when both are."""
    if not plain.exists():
        return SealedRing(sealed, vault, entropy, clock)
    if sealed.exists():
        raise CredentialsRefused(
            f"both {plain.name} and {sealed.name} are there, and they may differ: what is in use is the sealed one; "
            f"put what the other has of newer keys with `tongdan credential put`, then delete {plain.name} "
            f"· {plain.name} 与 {sealed.name} 同时存在：请用 `tongdan credential put` 补录较新的密钥后删除 {plain.name}"
        )
    return PlainRing(CredentialsFile(plain, clock))


def read(path: Path) -> list[_Sealed]:
    """Raises CredentialsRefused when the file is no good; empty when there is none."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise CredentialsRefused(f"{path.name}: others may read it; chmod 600 it")
            if status.st_size > MAX_BYTES:
                raise CredentialsRefused(f"{path.name}: larger than {MAX_BYTES} bytes")
            return _decoder.decode(file.read())
    except FileNotFoundError:
        return []
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise CredentialsRefused(f"{path.name}: not as `tongdan credential` writes it") from None


def generations(path: Path) -> set[int]:
    """The generations of the master key that something in the file is sealed under."""
    return {each.sealed[0] for each in read(path)}


def _subject(said: PutKey) -> str:
    return f"credential/{said.task}/{said.key}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT, MODE), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
