"""Marking and withdrawing refunds, and following money that is to be recovered.

Who belongs to finance marks for finance, everybody else who may pay back marks for the order centre; whoever may do
both says for which. The same person does not mark twice, by whatever key.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from tongdan.domain.kernel.confirmation import CENTRE, FINANCE
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.orders.confirmation.commands import (
    ConfirmRefund,
    RecordRepayment,
    WithdrawRefund,
    WriteOffRecovery,
)
from tongdan.surfaces.confirmations import Waiting, recoveries, unconfirmed
from tongdan.surfaces.http.access import Confirmer, Reader
from tongdan.surfaces.http.actions import Asking, Body, IdempotencyKey, Refunding, Words
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.members import Role
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import ConfirmationShape, Done, confirmation_shape

router: Final = APIRouter(tags=["confirmations"])

RefundNo = Annotated[int, Path(ge=1, le=9_999, description="The n of `…-Rn`.")]
Party = Literal["finance", "centre"]


class PartyBody(Body):
    party: Party | None = Field(None, description="Without it: the one you belong to.")


class ConfirmBody(PartyBody):
    amount_fen: int | None = Field(
        None, ge=1, le=MAX_FEN, description="The sum you looked at; another one is refused."
    )


class WithdrawBody(PartyBody):
    reason: Words = Field(description="For the audit trail. No personal data.")


class RepaymentBody(Body):
    amount_fen: int = Field(ge=1, le=MAX_FEN)
    reference: Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)] = Field(
        description="The payment that brought it back; the same one counts once."
    )


class WriteOffBody(Body):
    reason: Words = Field(description="For the audit trail. No personal data.")


class WaitingShape(BaseModel):
    """`mine`: the party whose mark you may give; null: none of the missing ones."""

    id: str = Field(examples=["MP20260127000892-R1"])
    order: str
    refund: int
    shop: str
    amount_fen: int
    since: datetime
    mine: Party | None
    confirmation: ConfirmationShape


async def _confirming(
    parts: PartsOf, who: Confirmer, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


Confirming = Annotated[Asking, Depends(_confirming)]


@router.post("/orders/{id}/refunds/{refund}/confirm")
async def confirm(asking: Confirming, id: Id, refund: RefundNo, body: ConfirmBody) -> Done:
    """Mark a refund for your party. When both have, it is executed after its cooling time.

    代表本方确认退款；双方均确认后，经冷静期执行。
    """
    marker = asking.marker(body.party or "")
    asking.stay_within_limit(id, 0)
    command = ConfirmRefund(order=id, refund=refund, marker=marker, amount_fen=body.amount_fen)
    return await asking.of_order(id, command)


@router.post("/orders/{id}/refunds/{refund}/withdraw")
async def withdraw(asking: Confirming, id: Id, refund: RefundNo, body: WithdrawBody) -> Done:
    """Take a refund back, before or after it was executed. Every system that was told of it is told; money that has
    left is to be recovered.

    撤回退款，执行前后均可。已告知的系统逐一撤销；已退出的款项转为追回。
    """
    marker = asking.marker(body.party or "")
    return await asking.of_order(
        id, WithdrawRefund(order=id, refund=refund, marker=marker, reason=body.reason)
    )


@router.post("/orders/{id}/refunds/{refund}/repayment")
async def repayment(
    parts: PartsOf, asking: Confirming, id: Id, refund: RefundNo, body: RepaymentBody
) -> Done:
    """Money of a withdrawn refund has come back.

    登记追回的款项。
    """
    command = RecordRepayment(
        order=id, refund=refund, amount_fen=body.amount_fen, reference=body.reference,
        repaid_at=parts.clock.now(),
    )  # fmt: skip
    return await asking.of_order(id, command)


@router.post("/orders/{id}/refunds/{refund}/write-off")
async def write_off(asking: Refunding, id: Id, refund: RefundNo, body: WriteOffBody) -> Done:
    """Give up on the rest of what is to be recovered.

    核销未追回的余额。
    """
    asking.stay_within_limit(id, 0)
    command = WriteOffRecovery(order=id, refund=refund, by=asking.marker().by, reason=body.reason)
    return await asking.of_order(id, command)


@router.get("/confirmations")
async def waiting(parts: PartsOf, who: Reader) -> list[WaitingShape]:
    """Refunds that wait for a mark, the oldest first.

    待确认的退款，最早的在前。
    """
    return [_shape(each, who) for each in unconfirmed(parts.reads)]


@router.get("/recoveries")
async def to_recover(parts: PartsOf, who: Reader) -> list[WaitingShape]:
    """Money that left although its refund was withdrawn, and is not back yet.

    退款撤回后待追回的款项。
    """
    return [_shape(each, who) for each in recoveries(parts.reads)]


def _shape(each: Waiting, who: Principal) -> WaitingShape:
    its = each.confirmation
    return WaitingShape(
        id=each.id, order=each.order, refund=each.refund.no, shop=each.shop, amount_fen=each.refund.amount_fen,
        since=each.since, mine=_mine(each, who), confirmation=confirmation_shape(its),
    )  # fmt: skip


def _mine(each: Waiting, who: Principal) -> Party | None:
    if any(mark.by == who.person for mark in each.confirmation.marks):
        return None
    if FINANCE in each.confirmation.missing and Scope.FINANCE in who.scopes:
        return "finance"
    may = Scope.REFUND in who.scopes and who.role != Role.FINANCE
    return "centre" if CENTRE in each.confirmation.missing and may else None
