"""Held orders over the API: the worklist, letting go or cancelling many at once, and the blacklist.

Without `apply` it is only shown what each order would do. What a person says of a buyer is turned into marks here; the
journal gets their tokens alone.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.guard.commands import ListMark, UnlistMark
from tongdan.domain.kernel.keys import mark_key
from tongdan.domain.kernel.messages import Command, Context, Refusal
from tongdan.surfaces import holds
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Asking, Body, Words, Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import Parts, PartsOf, gently

PATH: Final = "/api/v1/holds"

router: Final = APIRouter(prefix=PATH, tags=["holds"])

Ours = Annotated[str, Field(max_length=64)]
Orders = Annotated[list[Ours], Field(min_length=1, max_length=holds.MAX_ORDERS)]
Apply = Annotated[bool, Field(description="Do it. Otherwise it is only shown what would happen.")]


class HeldShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    channel: str
    shop: str
    native: str
    status: int
    amount_fen: int
    holds: list[str]
    why: list[str] = Field([], description="Why, hold by hold.")
    why_zh: list[str] = []
    lifts: dict[str, datetime] = Field(description="The holds that lift themselves, and when.")


class HeldList(BaseModel):
    orders: list[HeldShape]


class ReleaseBody(Body):
    orders: Orders
    hold: str = Field(max_length=40, examples=["risk-blacklist"])
    note: str = Field("", max_length=200, description="For whoever reads it next. No personal data.")
    apply: Apply = False


class CancelBody(Body):
    orders: Orders
    reason: Words
    apply: Apply = False


class OutcomeShape(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    order: str
    what: str = Field(description="refused, released, held, waiting or cancelled")
    en: str
    zh: str


class Outcomes(BaseModel):
    outcomes: list[OutcomeShape]
    applied: bool


class BuyerBody(Body):
    kind: str = Field(max_length=20, examples=["phone"])
    value: str = Field(max_length=200, description="It is turned into a token and kept nowhere.")
    reason: Words = Field(description="For the audit trail. No personal data.")


class ListedShape(BaseModel):
    mark: str
    listed_at: datetime | None
    why: str


class Blacklist(BaseModel):
    listed: list[ListedShape]


@router.get("")
async def held(
    parts: PartsOf, who: Reader, hold: Annotated[str, Query(max_length=40)] = "",
    shop: Annotated[str, Query(max_length=64)] = "", limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> HeldList:  # fmt: skip
    """Orders that are held, newest change first; `hold` is a name, or `risk` or `review` for all of a kind.

    被挂起的订单，最近变更在前；`hold` 为挂起名称，或用 `risk`、`review` 表示一类。
    """
    found: list[HeldShape] = []
    async for each in gently(parts, holds.looked_at(parts.reads, hold, shop)):
        if each is None:
            continue
        why = [holds.why(name, parts.policy) for name in each.holds]
        shape = HeldShape.model_validate({name: getattr(each, name) for name in each.__struct_fields__})
        found.append(shape.model_copy(update={"why": [en for en, _ in why], "why_zh": [zh for _, zh in why]}))
    return HeldList(orders=found)


@router.post("/release")
async def release(asking: Writing, parts: PartsOf, body: ReleaseBody) -> Outcomes:
    """Lift one hold of many orders; each says what it does then.

    批量解除挂起，逐单给出结果。
    """
    said = [
        holds.lifting(id, parts.find_order(id), body.hold, body.note, context_of(parts, id))
        for id in dict.fromkeys(body.orders)
    ]
    return await done(asking, said, body.apply)


@router.post("/cancel")
async def cancel(asking: Writing, parts: PartsOf, body: CancelBody) -> Outcomes:
    """Cancel many orders of own shops; a platform's are cancelled there.

    批量取消自有店铺的订单；平台订单请在平台取消。
    """
    said = [
        holds.cancelling(id, parts.find_order(id), body.reason, context_of(parts, id))
        for id in dict.fromkeys(body.orders)
    ]
    return await done(asking, said, body.apply)


async def done(asking: Asking, said: list[tuple[Command, holds.Outcome]], apply: bool) -> Outcomes:
    """An order that says no stands in nobody's way."""
    told = []
    for command, outcome in said:
        if apply and outcome.what != "refused":
            try:
                await asking.about(outcome.order).of_order(outcome.order, command)
            except Refused as refused:
                no = refused.refusal
                outcome = holds.Outcome(order=outcome.order, what="refused", en=no.en, zh=no.zh)
        told.append(OutcomeShape.model_validate(outcome))
    return Outcomes(outcomes=told, applied=apply)


@router.get("/blacklist")
async def blacklist(parts: PartsOf, who: Reader) -> Blacklist:
    """Who is on the blacklist, by token.

    黑名单（仅显示令牌）。
    """
    found = [m async for m in gently(parts, holds.known(parts.reads)) if m.listed_at is not None]
    return Blacklist(listed=[ListedShape(mark=m.mark, listed_at=m.listed_at, why=m.why) for m in found])


@router.post("/blacklist/add")
async def blacklist_add(asking: Writing, parts: PartsOf, body: BuyerBody) -> Blacklist:
    """Put a buyer on the blacklist, by phone, buyer, payer or receiver.

    将买家列入黑名单（手机号、买家、付款人或收件人标识）。
    """
    mark = _marks(parts, body)[0]
    await asking.about(mark).of(ListMark(mark=mark, reason=body.reason), raw=b"")
    return Blacklist(listed=[ListedShape(mark=mark, listed_at=parts.clock.now(), why=body.reason)])


@router.post("/blacklist/remove")
async def blacklist_remove(asking: Writing, parts: PartsOf, body: BuyerBody) -> Blacklist:
    """Take a buyer off the blacklist.

    将买家移出黑名单。
    """
    known = [mark for mark in _marks(parts, body) if parts.reads.order(mark_key(mark)) is not None]
    for mark in known:
        await asking.about(mark).of(UnlistMark(mark=mark, reason=body.reason), raw=b"")
    return Blacklist(listed=[ListedShape(mark=mark, listed_at=None, why="") for mark in known])


def _marks(parts: Parts, body: BuyerBody) -> list[str]:
    found = holds.marks(parts.reads, body.kind, body.value)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def context_of(parts: Parts, id: str) -> Context:
    return Context(parts.clock.now(), id, parts.policy, 0)
