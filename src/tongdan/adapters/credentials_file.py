"""Credentials in one JSON file that only its owner may read: `{"douyin/APP": {"app_key": "…", …}, …}`.

The file is looked at when it is used and read again when it has changed, so a key is replaced without a
restart. A file that others may read is refused as a whole. While somebody is half-way through editing it,
what was read last holds.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from tongdan.ports import Clock

MAX_BYTES: Final = 4 * 2**20
MODE: Final = 0o600
LOOK_EVERY_S: Final = 0.5

_decoder: Final = msgspec.json.Decoder(dict[str, dict[str, str]])


class CredentialsRefused(KeyError):
    """The file cannot be used: missing, readable by others, or no JSON. Says which, and no more."""

    def __str__(self) -> str:
        return str(self.args[0])


class CredentialsFile:
    """`ports.Credentials` from the file at `path`. An unchanged credential is the same object each time.

    With a clock the file is looked at every LOOK_EVERY_S at most, without one at every use.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path: Final = path
        self._clock: Final = clock
        self._looked_s = -LOOK_EVERY_S
        self._seen: tuple[int, ...] = ()
        self._held: Mapping[str, Mapping[str, str]] = {}

    def get(self, name: str) -> Mapping[str, str]:
        """Raises KeyError naming the missing credential, CredentialsRefused when the file is no good."""
        self._refresh()
        try:
            return self._held[name]
        except KeyError:
            raise KeyError(f"no credential {name!r}") from None

    def all(self) -> Mapping[str, Mapping[str, str]]:
        self._refresh()
        return self._held

    def _refresh(self) -> None:
        if self._clock is not None:
            now_s = self._clock.monotonic()
            if self._seen and now_s - self._looked_s < LOOK_EVERY_S:
                return
            self._looked_s = now_s
        try:
            now = marks_of(os.stat(self._path))
        except OSError as error:
            raise CredentialsRefused(f"{self._path.name}: {error.strerror}") from None
        if now == self._seen:
            return
        raw, marks = self._read()
        try:
            held = _decoder.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if self._seen:
                return
            raise CredentialsRefused(f"{self._path.name}: expected JSON, name → field → text") from None
        # A credential that did not change stays the same object, so what was derived from it is kept.
        self._held = {
            name: old if (old := self._held.get(name)) == fields else MappingProxyType(fields)
            for name, fields in held.items()
        }
        self._seen = marks

    def _read(self) -> tuple[bytes, tuple[int, ...]]:
        """The bytes, and the marks of the very file they were read from."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if stat.S_IMODE(status.st_mode) & 0o077:
                    raise CredentialsRefused(f"{self._path.name}: others may read it; chmod 600 it")
                if status.st_size > MAX_BYTES:
                    raise CredentialsRefused(f"{self._path.name}: larger than {MAX_BYTES} bytes")
                return file.read(), marks_of(status)
        except OSError as error:
            raise CredentialsRefused(f"{self._path.name}: {error.strerror}") from None


def read_credentials(path: Path) -> dict[str, dict[str, str]]:
    """All of it. Raises CredentialsRefused when the file is no good."""
    return {name: dict(fields) for name, fields in CredentialsFile(path).all().items()}


def write_credentials(path: Path, credentials: Mapping[str, Mapping[str, str]]) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(credentials)))


def write_private(path: Path, content: bytes) -> None:
    """Replace the file in one step; nobody but its owner can read it at any moment."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def marks_of(status: os.stat_result) -> tuple[int, ...]:
    """What tells one state of the file from another, its rights included."""
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)
