"""What keeps personal data unreadable for strangers, and makes it unreadable for everybody once it is erased."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class ErasureEntry(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    operator: str
    subjects: tuple[str, ...]


class ErasureLog(Protocol):
    """Outside the store and its backups, so that a restore brings nobody back. Raises StoreFailure."""

    def append(self, subjects: Sequence[str], at: datetime, operator: str) -> ErasureEntry:
        """Durable when it returns."""

    def entries(self) -> list[ErasureEntry]: ...


class Vault(Protocol):
    """Seals personal data under a per-subject key derived from a salt: without the salt nobody reads it again."""

    def seal(self, salt: bytes, subject: str, plain: bytes) -> bytes: ...

    def open(self, salt: bytes, subject: str, sealed: bytes) -> bytes:
        """Raises ValueError when it does not open (wrong salt, subject, key, or changed bytes)."""

    @property
    def generation(self) -> int:
        """Of the master key under which seals and tokens are made now."""

    def token(self, kind: str, value: str) -> bytes:
        """16 bytes that stand for `value` in an index: equal for equal values, and telling nothing without the key."""

    def tokens(self, kind: str, value: str) -> tuple[bytes, ...]:
        """The token under every generation of the master key that is known, the newest first."""

    def forget(self) -> None:
        """Drop derived keys from memory."""
