"""The heartbeat over the API: how the checks of each partner stand, checking an order now, mending a difference."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.kernel.keys import ticket_key
from tongdan.domain.sync.dispute_facts import ChooseRepair
from tongdan.domain.sync.ticket import Ticket
from tongdan.flow.heartbeat import Heartbeat
from tongdan.surfaces.http.access import Reader, Repairer, SellerReader
from tongdan.surfaces.http.actions import Asking, Body, IdempotencyKey
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.http.tickets import not_yours
from tongdan.surfaces.pulse import pulse_rows

REPAIR: Final = "/api/v1/tickets/repair"


class PulseShape(BaseModel):
    """A partner as the heartbeat knows it. `colour`: green, yellow (suspected), red (taken to be down)."""

    model_config = ConfigDict(from_attributes=True)

    partner: str
    colour: str
    orders: int = Field(description="Orders that are compared with it.")
    due: int = Field(description="Of these, due for a check by now.")
    odd: int = Field(description="Of these, seen differently when they were last checked.")
    oldest_s: int = Field(description="How long the order has not been checked that waits longest.")
    lag_s: int = Field(description="How long the most overdue check is overdue.")
    beat_at: datetime | None
    checked: int = Field(description="Orders checked by the last beat.")
    error: str = Field(description="Why the last beat ended early; empty if it did not.")


class RepairBody(Body):
    subject: str = Field(max_length=64, description="The order.", examples=["DY20260127000892"])
    kind: str = Field(max_length=64, examples=["differs-status"])
    choice: str = Field(max_length=32, description="read: take over theirs; tell: tell ours again; leave.")
    partner: str = Field("", max_length=128, description="One side; without it: every side.")
    reason: str = Field("", max_length=200, description="Needed to leave it. No personal data.")


async def _repairing(
    parts: PartsOf, who: Repairer, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


Repairing = Annotated[Asking, Depends(_repairing)]


def router_of(heartbeat: Heartbeat) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/api/v1/pulse")
    async def pulse(parts: PartsOf, who: SellerReader) -> list[PulseShape]:
        """How the comparison with every partner stands.

        与各合作方核对的进展。
        """
        rows = pulse_rows(heartbeat.checks, parts.policy.pulse, parts.clock.now())
        return [PulseShape.model_validate(row) for row in rows]

    @router.post("/api/v1/orders/{id}/check", status_code=202)
    async def check(parts: PartsOf, who: Reader, id: Annotated[str, Path(max_length=64)]) -> None:
        """Have an order compared with all its partners at their next beat.

        在下一次心跳时与各合作方核对该订单。
        """
        parts.find_order(id)
        heartbeat.checks.hasten(id, parts.clock.now())

    @router.post(REPAIR)
    async def repair(asking: Repairing, parts: PartsOf, who: Repairer, body: RepairBody) -> Done:
        """Decide how a difference is mended. It closes when a later heartbeat finds that both sides agree.

        选择差异的处理方式;待后续心跳确认双方一致后工单自动关闭。
        """
        shop = asking.shop_of(body.subject)
        ticket = parts.reads.order(ticket_key(body.subject, body.kind))
        if isinstance(ticket, Ticket) and ticket.dispute and (no := not_yours(who, ticket.dispute.owner)):
            raise Refused(no)
        done = await asking.of(
            ChooseRepair(
                subject=body.subject,
                kind=body.kind,
                choice=body.choice,
                partner=body.partner,
                reason=body.reason,
            ),
            shop,
        )
        heartbeat.checks.hasten(body.subject, parts.clock.now())
        return done

    return router
