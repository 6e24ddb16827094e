"""Members over the API: who they are and what they may do, for those who manage them; one's own password for all.

What was done is in the log of the service, by whom and to whom; a password is in no log and in no answer.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.flow.repacking_refusals import NO_SUCH_WAREHOUSE
from tongdan.surfaces.catalog import shop_of
from tongdan.surfaces.http.access import Manager, Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.members import LEAST_PASSWORD, MOST_PASSWORD, Hidden, Member, Role
from tongdan.surfaces.http.owner_file import FileRefused
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import MEMBER_REFUSED, WRONG_PASSWORD

router: Final = APIRouter(prefix="/members", tags=["members"])
log = logging.getLogger(__name__)
T = TypeVar("T")

Name = Annotated[str, StringConstraints(max_length=64)]
Password = Annotated[str, StringConstraints(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD)]


RefundLimit = Annotated[
    int | None, Field(ge=0, le=MAX_FEN, description="The most that goes back of one order; null: no limit.")
]


class MemberShape(BaseModel):
    name: str
    role: Role
    scopes: list[str]
    shops: list[str]
    warehouses: list[str]
    hides: list[Hidden] = Field(description="What the role would show.")
    refund_limit_fen: int | None
    barred: bool
    by_provider: bool = Field(description="Signs in by the provider, whose groups say what they may do.")
    created_at: datetime


class MemberList(BaseModel):
    members: list[MemberShape]


class NewMember(Body):
    name: Name
    role: Annotated[Role, Field(strict=False)]
    password: Password
    shops: list[str] = Field([], max_length=500, description="Only these; none named: all.")
    warehouses: list[str] = Field([], max_length=500, description="Only these; none named: all.")
    hides: list[Annotated[Hidden, Field(strict=False)]] = Field([], description="What the role would show.")
    refund_limit_fen: RefundLimit = None


class Changes(Body):
    """What is left out stays; a `refund_limit_fen` of null is none. Every change ends the member's sessions."""

    role: Annotated[Role, Field(strict=False)] | None = None
    password: Password | None = None
    shops: list[str] | None = Field(None, max_length=500)
    warehouses: list[str] | None = Field(None, max_length=500)
    hides: list[Annotated[Hidden, Field(strict=False)]] | None = None
    refund_limit_fen: RefundLimit = None
    barred: bool | None = None


class OwnPassword(Body):
    old: Annotated[str, StringConstraints(max_length=MOST_PASSWORD)]
    new: Password


@router.get("")
async def members(parts: PartsOf, who: Manager) -> MemberList:
    """All members.

    全部成员。
    """
    return MemberList(members=[_shape(each) for each in parts.members.all()])


@router.post("", status_code=201)
async def add(parts: PartsOf, who: Manager, body: NewMember) -> MemberShape:
    """A new member.

    新增成员。
    """
    _known(parts, body.shops, body.warehouses)
    now = parts.clock.now()
    made = await _aside(
        lambda: parts.members.add(
            body.name, body.role, body.password, now, body.shops, body.refund_limit_fen, body.warehouses,
            body.hides,
        )
    )  # fmt: skip
    log.info("%s added the member %s as %s", who.name, made.name, made.role)
    return _shape(made)


@router.patch("/{name}")
async def change(
    parts: PartsOf, who: Manager, name: Annotated[str, Path(max_length=64)], body: Changes
) -> MemberShape:
    """Change a member's role, shops or password, or bar the member.

    更改成员的角色、店铺、密码，或停用成员。
    """
    changes = body.model_dump(exclude_none=True)
    if "refund_limit_fen" in body.model_fields_set:
        changes["refund_limit_fen"] = body.refund_limit_fen
    _known(parts, body.shops or (), body.warehouses or ())
    for field in {"shops", "warehouses", "hides"} & changes.keys():
        changes[field] = tuple(sorted(set(changes[field])))
    changed = await _aside(lambda: parts.members.change(name, **changes))
    log.info("%s changed %s of the member %s", who.name, ", ".join(sorted(changes)), changed.name)
    return _shape(changed)


@router.post("/self/password", status_code=204)
async def change_own_password(parts: PartsOf, who: Reader, body: OwnPassword) -> None:
    """Change one's own password; sign in again afterwards.

    修改自己的密码，之后请重新登录。
    """
    member = await asyncio.to_thread(parts.members.check, who.name, body.old) if who.role else None
    if member is None:
        raise Refused(WRONG_PASSWORD.of())
    await _aside(lambda: parts.members.change(member.name, password=body.new))


async def _aside(work: Callable[[], T]) -> T:
    """Hashing a password takes longer than the loop may be held. Raises Refused."""
    try:
        return await asyncio.to_thread(work)
    except FileRefused as refused:
        raise Refused(MEMBER_REFUSED.of(en=refused.en, zh=refused.zh)) from None


def _known(parts: Parts, shops: Iterable[str], warehouses: Iterable[str]) -> None:
    for shop in shops:
        if isinstance(found := shop_of(parts.policy.shops, shop), Refusal):
            raise Refused(found)
    for code in warehouses:
        if code not in parts.policy.warehouses:
            raise Refused(NO_SUCH_WAREHOUSE.of(warehouse=code[:64], known=", ".join(parts.policy.warehouses)))


def _shape(member: Member) -> MemberShape:
    return MemberShape(
        name=member.name, role=member.role, scopes=sorted(member.scopes), shops=list(member.shops),
        warehouses=list(member.warehouses), hides=list(member.hides), by_provider=bool(member.subject),
        refund_limit_fen=member.refund_limit_fen, barred=member.barred, created_at=member.created_at,
    )  # fmt: skip
