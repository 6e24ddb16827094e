"""Local API keys: who calls, and what they may do.

A key is 32 bytes of chance; the file holds its SHA-256 only (a hash without salt is enough for what cannot be
guessed), so whoever reads the file cannot call. The file is read again when it changes: a key revoked in another
process stops working at the next request.
"""

import hmac
import os
import re
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from tongdan.ports import Entropy

PREFIX: Final = "td_"
TOKEN_BYTES: Final = 32
MAX_KEYS: Final = 500
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


class Scope(StrEnum):
    READ = "read"  # orders, timelines, lists, metrics; personal data masked
    WRITE = "write"  # hold, cancel, change
    REVEAL = "reveal"  # personal data and payloads as received
    OPERATE = "operate"  # dead letters
    ERASE = "erase"  # personal data, for good


class KeysRefused(Exception):
    """The keys cannot be used or changed like this; the message says what to do, in English and Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: datetime


class Principal(msgspec.Struct, frozen=True):
    """Who calls."""

    name: str
    scopes: frozenset[Scope]


class _File(msgspec.Struct):
    keys: list[ApiKey] = []


class ApiKeys:
    """The keys in `path`; the file need not exist yet. Methods raise KeysRefused."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._read_at = (-1, -1)
        self._keys: list[ApiKey] = []

    def check(self, token: str) -> Principal | None:
        """Whose token this is; None: nobody's. Takes as long for a wrong one as for a right one."""
        given, found = _hash(token), None
        for key in self.all():
            if hmac.compare_digest(key.sha256, given):
                found = key
        return None if found is None else Principal(found.name, frozenset(found.scopes))

    def all(self) -> list[ApiKey]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return []
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._read_at:
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise KeysRefused(
                    f"{self._path} must be readable by its owner only: chmod 600 {self._path}",
                    f"{self._path} 只能由其所有者读取：chmod 600 {self._path}",
                )
            try:
                self._keys = msgspec.json.decode(self._path.read_bytes(), type=_File).keys
            except msgspec.DecodeError as error:
                raise KeysRefused(
                    f"{self._path} is no file of keys: {error}", f"{self._path} 不是密钥文件：{error}"
                ) from None
            self._read_at = version
        return self._keys

    def issue(self, name: str, scopes: Iterable[Scope], entropy: Entropy, now: datetime) -> str:
        """A new key; its token is returned this once and never stored."""
        kept, scopes = self.all(), tuple(sorted(set(scopes)))
        if _NAME.fullmatch(name) is None:
            raise KeysRefused(
                f"a key's name is made of a-z, 0-9, '.', '_' and '-', got {name[:80]!r}",
                f"密钥名称只能由 a-z、0-9、'.'、'_'、'-' 组成，收到 {name[:80]!r}",
            )
        if not scopes:
            raise KeysRefused(
                f"a key needs at least one scope: {', '.join(Scope)}",
                f"密钥至少需要一个权限：{', '.join(Scope)}",
            )
        if any(key.name == name for key in kept):
            raise KeysRefused(
                f"there is a key {name!r} already; revoke it first, or choose another name",
                f"密钥 {name!r} 已存在；请先吊销它，或换一个名称",
            )
        if len(kept) >= MAX_KEYS:
            raise KeysRefused(
                f"there are {MAX_KEYS} keys already; revoke some first",
                f"已有 {MAX_KEYS} 个密钥；请先吊销一些",
            )
        token = PREFIX + urlsafe_b64encode(entropy.token(TOKEN_BYTES)).decode().rstrip("=")
        self._write([*kept, ApiKey(name=name, scopes=scopes, sha256=_hash(token), created_at=now)])
        return token

    def revoke(self, name: str) -> None:
        kept = self.all()
        left = [key for key in kept if key.name != name]
        if len(left) == len(kept):
            raise KeysRefused(f"there is no key {name[:80]!r}", f"没有密钥 {name[:80]!r}")
        self._write(left)

    def _write(self, keys: list[ApiKey]) -> None:
        """Whole or not at all: a process that reads meanwhile sees the file before or after."""
        part = self._path.with_name(self._path.name + ".new")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_File(keys)), indent=1))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
