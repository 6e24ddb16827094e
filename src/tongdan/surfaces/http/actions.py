"""What a person or another system may ask of an order: hold it, let go, cancel, change address or amount, pay back.

Every action is a command like any partner's: journaled with who asked and what was sent, answered after its commit,
and repeated without harm under the same Idempotency-Key.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.adapters.partners.regions import region_of
from tongdan.domain.fulfillment.commands import RecallShipment
from tongdan.domain.kernel.confirmation import CENTRE, FINANCE, Marker
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Command, Person, ReplayEffect, SkipEffect
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    CommentOnOrder,
    LiftHold,
    PlaceHold,
    RefundUnits,
    RequestRefund,
)
from tongdan.domain.orders.goods.commands import ReissueUnits, UndoReissue
from tongdan.domain.orders.intake import MAX_LINES
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.money.refunds import beyond_word
from tongdan.domain.orders.remarks import MAX_COMMENT
from tongdan.ports import Accepted, Inbound, Reply
from tongdan.surfaces.http.access import Packer, Refunder, ShopOperator, Writer
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.members import Role
from tongdan.surfaces.http.orders import SOURCE, Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.refusals import NOT_ALL_SHOPS, NOT_ALLOWED

router: Final = APIRouter(tags=["actions"])

IdempotencyKey = Annotated[
    str,
    Header(
        max_length=128,
        pattern=r"^[!-~]*$",
        description="Your own number of this request; repeat it when an answer did not arrive.",
    ),
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
HoldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
ReissueNo = Annotated[int, Path(ge=1, le=1_000, description="Its number in the order.")]
ShipmentId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\d{14,26}-S[1-9]\d{0,3}$")]
EffectId = Annotated[str, StringConstraints(pattern=r"^\d{1,3}\.\d{1,9}\.\d{1,15}\.\d{1,4}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class HoldBody(Body):
    hold: HoldName = Field(examples=["review"])
    note: str = Field("", max_length=200, description="For whoever reads it next. No personal data.")


class CancelBody(Body):
    reason: Words


class AddressBody(Body):
    name: Words
    phone: Annotated[str, StringConstraints(min_length=5, max_length=32)]
    province: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    city: Annotated[str, StringConstraints(max_length=64)]
    district: Annotated[str, StringConstraints(max_length=64)] = ""
    detail: Words


class AmountBody(Body):
    amount_fen: int = Field(ge=0, le=MAX_FEN)
    reason: Words


class RefundBody(Body):
    amount_fen: int | None = Field(
        None, ge=1, le=MAX_FEN, description="Without it: what is owed, or else all that is left."
    )
    reason: Words = Field(description="For the audit trail. No personal data.")


class UnitsBody(Body):
    line: int = Field(ge=1, le=10_000)
    units: int = Field(ge=1, le=1_000_000)


class LineRefundBody(Body):
    lines: list[UnitsBody] = Field(min_length=1, max_length=MAX_LINES)
    amount_fen: int | None = Field(
        None, ge=0, le=MAX_FEN, description="Without it: what the buyer paid for these units."
    )
    reason: Words = Field(description="For the audit trail. No personal data.")


class ReissueBody(Body):
    lines: list[UnitsBody] = Field(min_length=1, max_length=MAX_LINES)
    reason: Words = Field(description="For the audit trail. No personal data.")


class CommentBody(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_COMMENT, strip_whitespace=True)] = (
        Field(description="For the staff, and for good. No personal data.")
    )


class ReasonBody(Body):
    reason: Words


class Asking:
    """Who asks, under which number, with which body: what every action has in common."""

    def __init__(self, parts: Parts, who: Principal, request: Request, key: str) -> None:
        self._parts: Final = parts
        self._who: Final = who
        self._request: Final = request
        self._key: Final = key or parts.entropy.token(16).hex()

    async def of_order(self, id: str, command: Command) -> Done:
        return await self.of(command, self._parts.find_order(id).shop)

    def shop_of(self, *ids: str) -> str:
        """The shop of these orders and shipments; "" when there are several. Raises Refused with what is not seen."""
        states = {id: self._parts.reads.order(id) if parse(id) else None for id in ids}
        unseen = [id for id, state in states.items() if state is None]
        if unseen and self._who.narrowed:
            raise Refused(UNKNOWN_ID.of(id=unseen[0][:64]))
        shops = {getattr(state, "shop", "") for state in states.values()}
        return shops.pop() if len(shops) == 1 else ""

    @property
    def refund_limit_fen(self) -> int | None:
        return self._who.refund_limit_fen

    def marker(self, party: str = "") -> Marker:
        """Who asks, as who marks a refund; "": for the party they belong to. Raises Refused when it is not theirs."""
        who = self._who
        for_finance = who.role == Role.FINANCE or Scope.REFUND not in who.scopes
        found = party or (FINANCE if for_finance else CENTRE)
        scope = Scope.FINANCE if found == FINANCE else Scope.REFUND
        if scope not in who.scopes or (found == CENTRE and who.role == Role.FINANCE):
            raise Refused(NOT_ALLOWED.of(name=who.name, scope=scope.value))
        return Marker(party=found, by=who.person)

    def stay_within_limit(self, id: str, amount_fen: int) -> None:
        """Raises Refused when more would go back of this order than the caller may pay back."""
        if refusal := beyond_word(self._parts.find_order(id), amount_fen, self.refund_limit_fen):
            raise Refused(refusal)

    def about(self, name: str) -> "Asking":
        """The same request, for one of the several that it is about."""
        return Asking(self._parts, self._who, self._request, f"{self._key}/{name}")

    async def of(self, command: Command, shop: str = "", raw: bytes | None = None) -> Done:
        """Commit and answer. Raises Refused with what the decider, or a full queue, says.

        `raw`: what is kept as received, if not the whole body.
        """
        reply = await self.reply(command, shop, raw)
        if not isinstance(reply, Accepted):
            raise Refused(reply)
        position = f"{reply.slot}.{reply.epoch}.{reply.seq}"
        return Done(aggregate=reply.aggregate, position=position, duplicate=reply.duplicate)

    async def reply(self, command: Command, shop: str = "", raw: bytes | None = None) -> Reply:
        """Commit; whatever the decider, or a full queue, says. What belongs to no shop is for who sees all of them."""
        if not self._who.sees(shop):
            return NOT_ALL_SHOPS.of(name=self._who.name)
        return await self._parts.bus.ask(
            Inbound(
                command=command,
                key=(SOURCE, self._who.name, self._request.url.path, self._key),
                source=SOURCE,
                shop=shop,
                happened_at=self._parts.clock.now(),
                raw=await self._request.body() if raw is None else raw,
                operator=self._who.name,
            )
        )


async def _writing(
    parts: PartsOf, who: Writer, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


async def _packing(
    parts: PartsOf, who: Packer, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


async def _refunding(
    parts: PartsOf, who: Refunder, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


async def _operating(
    parts: PartsOf, who: ShopOperator, request: Request, idempotency_key: IdempotencyKey = ""
) -> Asking:
    return Asking(parts, who, request, idempotency_key)


Writing = Annotated[Asking, Depends(_writing)]
Packing = Annotated[Asking, Depends(_packing)]
Refunding = Annotated[Asking, Depends(_refunding)]
Operating = Annotated[Asking, Depends(_operating)]


@router.post("/orders/{id}/hold")
async def hold(asking: Writing, id: Id, body: HoldBody) -> Done:
    """Hold an order: it is not released while one of its holds stands.

    挂起订单：任一挂起未解除时不会下发。
    """
    return await asking.of_order(id, PlaceHold(order=id, hold=body.hold, note=body.note))


@router.post("/orders/{id}/lift-hold")
async def lift_hold(asking: Writing, id: Id, body: HoldBody) -> Done:
    """Lift one hold of an order.

    解除订单的一个挂起。
    """
    return await asking.of_order(id, LiftHold(order=id, hold=body.hold, note=body.note))


@router.post("/orders/{id}/cancel")
async def cancel(asking: Writing, id: Id, body: CancelBody) -> Done:
    """Cancel an order; what was handed to a warehouse is recalled.

    取消订单；已下发仓库的部分会被拦截。
    """
    return await asking.of_order(id, CancelOrder(order=id, reason=body.reason))


@router.post("/orders/{id}/address")
async def address(asking: Writing, id: Id, body: AddressBody) -> Done:
    """Change where an order goes, before it is released.

    下发前变更收货地址。
    """
    person = Person(**body.model_dump())
    return await asking.of_order(
        id, ChangeAddress(order=id, region=region_of(person.province), person=person)
    )


@router.post("/orders/{id}/amount")
async def amount(asking: Writing, id: Id, body: AmountBody) -> Done:
    """Change what an unpaid order costs.

    变更未付款订单的金额。
    """
    return await asking.of_order(id, ChangeAmount(order=id, amount_fen=body.amount_fen, reason=body.reason))


@router.post("/orders/{id}/refund")
async def refund(asking: Refunding, id: Id, body: RefundBody) -> Done:
    """Pay back some or all of what the buyer paid. Where two parties have to mark it, this is the mark of yours.

    退回买家的部分或全部款项；须双方确认时，此操作即为本方确认。结果见订单的 `refunds`。
    """
    command = RequestRefund(
        order=id,
        amount_fen=body.amount_fen,
        reason=body.reason,
        limit_fen=asking.refund_limit_fen,
        marker=asking.marker(),
    )
    return await asking.of_order(id, command)


@router.post("/orders/{id}/refund-lines")
async def refund_lines(asking: Refunding, id: Id, body: LineRefundBody) -> Done:
    """Pay back the price of some units of an own shop's order. Those that have not left do not leave.

    按商品行退款（仅退款，自有店铺）；尚未发出的部分不再发出。
    """
    units = _units(body.lines)
    command = RefundUnits(
        order=id,
        units=units,
        amount_fen=body.amount_fen,
        reason=body.reason,
        limit_fen=asking.refund_limit_fen,
        marker=asking.marker(),
    )
    return await asking.of_order(id, command)


@router.post("/orders/{id}/reissue")
async def reissue(asking: Writing, id: Id, body: ReissueBody) -> Done:
    """Send units once more that left, and were lost, damaged or missing. Nothing is charged; the channel is not told.

    补发已发出但丢失、破损或缺少的商品；不收费，不回传渠道。
    """
    command = ReissueUnits(order=id, units=_units(body.lines), reason=body.reason)
    return await asking.of_order(id, command)


@router.post("/orders/{id}/reissues/{reissue}/undo")
async def undo_reissue(asking: Writing, id: Id, reissue: ReissueNo, body: ReasonBody) -> Done:
    """Not to be sent again after all, while nothing of it has left; what a warehouse has been given is recalled.

    撤销尚未发出的补发；已下发仓库的部分会被拦截。
    """
    return await asking.of_order(id, UndoReissue(order=id, reissue=reissue, reason=body.reason))


@router.post("/orders/{id}/comment")
async def comment(asking: Writing, id: Id, body: CommentBody) -> Done:
    """Say something about an order to whoever reads it next; it stands on the timeline.

    给订单加备注，显示在时间线上。
    """
    return await asking.of_order(id, CommentOnOrder(order=id, text=body.text))


def _units(lines: list[UnitsBody]) -> tuple[Units, ...]:
    return tuple([Units(each.line, each.units) for each in lines])


@router.post("/shipments/{shipment}/intercept")
async def intercept(asking: Writing, shipment: ShipmentId, body: ReasonBody) -> Done:
    """Call a shipment back from its warehouse or, once it has left, from its carrier; the timeline tells each answer.

    召回发货单：请仓库停发，已发出的请承运商拦截退回；每一步答复见订单时间线。
    """
    return await asking.of(RecallShipment(shipment=shipment, reason=body.reason), asking.shop_of(shipment))


@router.post("/dead-letters/{effect}/replay", tags=["operations"])
async def replay(asking: Operating, effect: EffectId, body: ReasonBody) -> Done:
    """Send a dead letter again, with a fresh deadline.

    重发死信，并重新计时。
    """
    return await asking.of(ReplayEffect(effect=effect, reason=body.reason))


@router.post("/dead-letters/{effect}/skip", tags=["operations"])
async def skip(asking: Operating, effect: EffectId, body: ReasonBody) -> Done:
    """Give a dead letter up; its lane goes on.

    放弃死信，其队列继续。
    """
    return await asking.of(SkipEffect(effect=effect, reason=body.reason))
