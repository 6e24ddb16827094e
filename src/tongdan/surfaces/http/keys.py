"""Local API keys: who calls, and what they may do.

A key is 32 bytes of chance; the file holds its SHA-256 only (a hash without salt is enough for what cannot be
guessed), so whoever reads the file cannot call.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from tongdan.ports import Entropy
from tongdan.surfaces.http.owner_file import FileRefused, OwnerFile

PREFIX: Final = "td_"
TOKEN_BYTES: Final = 32
MAX_KEYS: Final = 500
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


class Scope(StrEnum):
    READ = "read"  # orders, timelines, lists, metrics; personal data masked
    WRITE = "write"  # hold, cancel, change, pack
    PACK = "pack"  # merge and split parcels, waybills; part of `write`
    REFUND = "refund"  # pay back; mark refunds for the order centre
    FINANCE = "finance"  # mark refunds for finance
    REVEAL = "reveal"  # personal data and payloads as received
    COST = "cost"  # what SKUs cost the seller
    OPERATE = "operate"  # dead letters
    ERASE = "erase"  # personal data, for good
    MANAGE = "manage"  # members and their rights


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """`owner`: whose word it is when the key is used; "" for keys that were made before owners were kept."""

    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: datetime
    owner: str = ""


class Principal(msgspec.Struct, frozen=True):
    """Who calls: an API key, or a member with a `role`. `shops`, `warehouses`: only these; none named: all.

    `refund_limit_fen`: the most that goes back of one order; None: no limit. `owner`: whose key it is.
    """

    name: str
    scopes: frozenset[Scope]
    role: str = ""
    shops: frozenset[str] = frozenset()
    refund_limit_fen: int | None = None
    warehouses: frozenset[str] = frozenset()
    owner: str = ""

    @property
    def person(self) -> str:
        """Whose word it is: the same for a member and for the keys that are theirs."""
        return self.owner or (self.name if self.role else f"key/{self.name}")

    @property
    def narrowed(self) -> bool:
        """Does not see all that the seller has."""
        return bool(self.shops or self.warehouses)

    def sees(self, shop: str) -> bool:
        """May see what belongs to this shop; to none ("") if it may see what concerns them all."""
        return shop in self.shops if self.shops else bool(shop) or not self.warehouses


class _File(msgspec.Struct):
    keys: list[ApiKey] = []


class ApiKeys:
    """The keys in `path`; the file need not exist yet. Methods raise FileRefused."""

    def __init__(self, path: Path) -> None:
        self._file: Final = OwnerFile(path, _File)

    def check(self, token: str) -> Principal | None:
        """Whose token this is; None: nobody's. Takes as long for a wrong one as for a right one."""
        given, found = _hash(token), None
        for key in self.all():
            if hmac.compare_digest(key.sha256, given):
                found = key
        return None if found is None else principal_of(found)

    def all(self) -> list[ApiKey]:
        return self._file.read().keys

    def named(self, name: str) -> ApiKey | None:
        return next((key for key in self.all() if key.name == name), None)

    def issue(
        self, name: str, scopes: Iterable[Scope], entropy: Entropy, now: datetime, owner: str = ""
    ) -> str:
        """A new key of `owner`'s; its token is returned this once and never stored."""
        kept, scopes = self.all(), tuple(sorted(set(scopes)))
        if _NAME.fullmatch(name) is None:
            raise FileRefused(
                f"a key's name is made of a-z, 0-9, '.', '_' and '-', got {name[:80]!r}",
                f"密钥名称只能由 a-z、0-9、'.'、'_'、'-' 组成，收到 {name[:80]!r}",
            )
        if not scopes:
            raise FileRefused(
                f"a key needs at least one scope: {', '.join(Scope)}",
                f"密钥至少需要一个权限：{', '.join(Scope)}",
            )
        if self.named(name) is not None:
            raise FileRefused(
                f"there is a key {name!r} already; revoke it first, or choose another name",
                f"密钥 {name!r} 已存在；请先吊销它，或换一个名称",
            )
        if len(kept) >= MAX_KEYS:
            raise FileRefused(
                f"there are {MAX_KEYS} keys already; revoke some first",
                f"已有 {MAX_KEYS} 个密钥；请先吊销一些",
            )
        token = PREFIX + urlsafe_b64encode(entropy.token(TOKEN_BYTES)).decode().rstrip("=")
        self._file.write(
            _File([*kept, ApiKey(name=name, scopes=scopes, sha256=_hash(token), created_at=now, owner=owner)])
        )
        return token

    def revoke(self, name: str) -> None:
        kept = self.all()
        left = [key for key in kept if key.name != name]
        if len(left) == len(kept):
            raise FileRefused(f"there is no key {name[:80]!r}", f"没有密钥 {name[:80]!r}")
        self._file.write(_File(left))


def principal_of(key: ApiKey) -> Principal:
    return Principal(key.name, frozenset(key.scopes), owner=key.owner)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
