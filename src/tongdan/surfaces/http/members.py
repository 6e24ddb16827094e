"""Members: people with a name, a password and a role, narrowed to shops where the seller wants it.

A role is a set of scopes, the same that API keys have, so an endpoint states once what it needs. Passwords are kept as
Argon2id; whoever reads the file cannot sign in. A member's `generation` counts on when the password or the rights
change, which ends all sessions made before.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.owner_file import FileRefused, OwnerFile

MAX_MEMBERS: Final = 500
LEAST_PASSWORD: Final = 10
MOST_PASSWORD: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
_S: Final = Scope


class Role(StrEnum):
    OPERATIONS = "operations"
    WAREHOUSE = "warehouse"
    SERVICE = "service"
    FINANCE = "finance"
    ADMIN = "admin"


ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OPERATIONS: frozenset({_S.READ, _S.WRITE, _S.PACK, _S.REFUND, _S.OPERATE, _S.COST}),
    Role.WAREHOUSE: frozenset({_S.READ, _S.PACK}),
    Role.SERVICE: frozenset({_S.READ, _S.WRITE, _S.REVEAL}),
    Role.FINANCE: frozenset({_S.READ, _S.REFUND, _S.FINANCE, _S.COST}),
    Role.ADMIN: frozenset(Scope),
}


class Hidden(StrEnum):
    """What a role would show, and one member is not shown."""

    PHONE = "phone"
    COST = "cost"


_SHOWN_BY: Final = {Hidden.PHONE: Scope.REVEAL, Hidden.COST: Scope.COST}


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`shops`, `warehouses`: only these; none named: all. Whoever is `barred` cannot sign in. `refund_limit_fen`: the
    most that goes back of one order on this member's word; None: no limit. `subject`: whom an OpenID provider calls so;
    such a member has no password."""

    name: str
    role: Role
    password: str
    created_at: datetime
    shops: tuple[str, ...] = ()
    barred: bool = False
    refund_limit_fen: int | None = None
    generation: int = 1
    warehouses: tuple[str, ...] = ()
    hides: tuple[Hidden, ...] = ()
    subject: str = ""

    @property
    def scopes(self) -> frozenset[Scope]:
        return ROLES[self.role] - {_SHOWN_BY[each] for each in self.hides}

    @property
    def principal(self) -> Principal:
        return Principal(
            self.name, self.scopes, self.role, frozenset(self.shops), self.refund_limit_fen,
            frozenset(self.warehouses),
        )  # fmt: skip


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a member may do."""

    role: Role
    shops: tuple[str, ...] = ()
    warehouses: tuple[str, ...] = ()
    hides: tuple[Hidden, ...] = ()
    refund_limit_fen: int | None = None


class _File(msgspec.Struct):
    members: list[Member] = []


class Members:
    """The members in `path`; the file need not exist yet. Methods raise FileRefused."""

    def __init__(self, path: Path) -> None:
        self._file: Final = OwnerFile(path, _File)
        self._hasher: Final = PasswordHasher()
        self._nobodys: Final = self._hasher.hash("nobody's password")

    def all(self) -> list[Member]:
        return self._file.read().members

    def named(self, name: str) -> Member | None:
        return next((each for each in self.all() if each.name == name), None)

    def check(self, name: str, password: str) -> Member | None:
        """Who signs in; None: nobody that may. Takes as long for a name that is not known. About 50 ms of work."""
        member = self.named(name)
        known = member is not None and member.password
        try:
            self._hasher.verify(known or self._nobodys, password[:MOST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return None if member is None or not known or member.barred else member

    def add(
        self, name: str, role: Role, password: str, now: datetime, shops: Iterable[str] = (),
        refund_limit_fen: int | None = None, warehouses: Iterable[str] = (), hides: Iterable[Hidden] = (),
    ) -> Member:  # fmt: skip
        rights = Rights(
            role=role,
            shops=tuple(sorted(set(shops))),
            warehouses=tuple(sorted(set(warehouses))),
            hides=tuple(sorted(set(hides))),
            refund_limit_fen=refund_limit_fen,
        )
        return self._keep(_member(name, rights, now, password=self._hashed(password)))

    def provided(self, subject: str, name: str, rights: Rights, now: datetime) -> Member:
        """Whom a provider calls `subject`: made when they first come, with the rights that their groups have now."""
        member = next((each for each in self.all() if each.subject == subject), None)
        if member is None:
            return self._keep(_member(name, rights, now, subject=subject))
        changes = msgspec.structs.asdict(rights)
        if all(getattr(member, field) == value for field, value in changes.items()):
            return member
        return self._replace(member, changes)

    def change(self, name: str, *, password: str | None = None, **changes: Any) -> Member:
        """With new values for `barred` or some of `Rights`; every change ends the sessions."""
        member = self.named(name)
        if member is None:
            raise FileRefused(f"there is no member {name[:80]!r}", f"没有成员 {name[:80]!r}")
        if member.subject and (password is not None or changes.keys() - {"barred"}):
            raise FileRefused(
                f"{name} signs in by a provider, whose groups say what {name} may do; here only bar them",
                f"{name} 通过统一登录进入，权限由其所在的组决定；此处只能停用",
            )
        if password is not None:
            changes["password"] = self._hashed(password)
        return self._replace(member, changes)

    def _keep(self, member: Member) -> Member:
        kept, name = self.all(), member.name
        if _NAME.fullmatch(name) is None:
            raise FileRefused(
                f"a member's name is made of a-z, 0-9, '.', '_' and '-', got {name[:80]!r}",
                f"成员名只能由 a-z、0-9、'.'、'_'、'-' 组成，收到 {name[:80]!r}",
            )
        if self.named(name) is not None:
            raise FileRefused(f"there is a member {name!r} already", f"成员 {name!r} 已存在")
        if len(kept) >= MAX_MEMBERS:
            raise FileRefused(f"there are {MAX_MEMBERS} members already", f"已有 {MAX_MEMBERS} 名成员")
        self._file.write(_File([*kept, member]))
        return member

    def _replace(self, member: Member, changes: Mapping[str, Any]) -> Member:
        changed = msgspec.structs.replace(member, **changes, generation=member.generation + 1)
        before = self.all()
        members = [changed if each.name == member.name else each for each in before]
        if any(map(_administers, before)) and not any(map(_administers, members)):
            raise FileRefused(
                f"{member.name} is the last administrator: make another one first",
                f"{member.name} 是最后一名管理员，请先指定另一名",
            )
        self._file.write(_File(members))
        return changed

    def _hashed(self, password: str) -> str:
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise FileRefused(
                f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters",
                f"密码长度为 {LEAST_PASSWORD} 到 {MOST_PASSWORD} 个字符",
            )
        return self._hasher.hash(password)


def _administers(member: Member) -> bool:
    return member.role is Role.ADMIN and not member.barred


def _member(name: str, rights: Rights, now: datetime, *, password: str = "", subject: str = "") -> Member:
    return Member(
        name=name, password=password, subject=subject, created_at=now, **msgspec.structs.asdict(rights)
    )
