"""Who takes part in the tests of the loop: the commands people and partners send, and small partners that answer.

A `Partner` is a real actor of a few lines. It remembers what it was asked and what took place, answers as a friendly
partner would, and can be told how its next calls are to go.
"""

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from tests.flow.rig import NOON, Rig
from tests.flow.toys import Explode

from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    CountStock,
    Package,
    PackageItem,
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsProcess,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Command, Effect, Person
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    NoteChannelEvent,
    NoteDone,
    PlaceOrder,
    RecordDetail,
    RecordPayment,
    RecordPaymentFailure,
    RecordPrepay,
    RecordRefund,
    RecordSettlement,
    RequestPayment,
)
from tongdan.domain.orders.facts import FetchDetail, Prepay, TellFinance, WriteBackShipment
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.money.refund_facts import ClosePayment, QueryRefund, RefundPayment
from tongdan.ports import Clock, Done, Errand, Failed, Repeat, Undo, Verb

PERSON = Person(name="张三", phone="13800000000", province="浙江", city="杭州", detail="西湖路 1 号")

# ---- what comes in


def place(
    native: str = "A-1",
    *,
    channel: str = "MP",
    buyer: str = "user-1",
    shop: str = "mp-1",
    sku: str = "SHIRT",
    units: int = 1,
) -> PlaceOrder:
    """An own shop's order of `units` shirts at 99 yuan."""
    line = Line(no=1, sku=sku, units=units, amount_fen=9_900 * units)
    return PlaceOrder(
        channel=channel,
        shop=shop,
        native=native,
        buyer=buyer,
        lines=(line,),
        amount_fen=9_900 * units,
        placed_at=NOON,
        region="浙江",
        person=PERSON,
    )


def say(
    native: str, event: str = "created", status: str = "1", said_at: datetime = NOON, *, channel: str = "DY"
) -> NoteChannelEvent:
    """A push of a platform about one of its orders."""
    return NoteChannelEvent(
        channel=channel, shop="dy-1", native=native, event=event, native_status=status, said_at=said_at
    )


def pay(order: str, transaction: str = "T-1", *, attempt: int = 1, amount_fen: int = 9_900) -> RecordPayment:
    return RecordPayment(
        order=order, attempt=attempt, transaction=transaction, amount_fen=amount_fen, paid_at=NOON
    )


def detail(native: str, *, paid: bool = True) -> RecordDetail:
    line = Line(no=1, sku="SHIRT", units=1, amount_fen=9_900, native=f"{native}-1")
    return RecordDetail(
        channel="DY",
        shop="dy-1",
        native=native,
        native_status="2" if paid else "1",
        said_at=NOON,
        lines=(line,),
        amount_fen=9_900,
        placed_at=NOON,
        paid_at=NOON if paid else None,
        transaction="DY-T",
        region="浙江",
        person=PERSON,
    )


def count(on_hand: int, sku: str = "SHIRT") -> CountStock:
    return CountStock(sku=sku, warehouse="EAST", on_hand=on_hand, counted_at=NOON)


async def place_and_pay(rig: Rig, native: str = "A-1") -> str:
    """An own shop's order, in stock, paid, and with its warehouse; its id."""
    order = (await rig.accepted(place(native))).aggregate
    await rig.quiet()
    await rig.accepted(RequestPayment(order=order, method="wechat"))
    await rig.accepted(pay(order, f"T-{native}"))
    await rig.quiet()
    return order


async def deliver(rig: Rig, order: str) -> None:
    """The warehouse sends the order's first shipment whole, and the receiver signs for it."""
    shipment = f"{order}-S1"
    items = tuple(PackageItem(item.sku, item.units) for item in rig.state(shipment).items)
    sent = rig.clock.now()
    package = Package("SF", f"SF{order}", 500, items)
    await rig.accepted(
        ConfirmDelivery(
            shipment=shipment, warehouse="EAST", packages=(package,), final=True, confirmed_at=sent
        )
    )
    await rig.quiet()
    signed = rig.clock.now()
    await rig.accepted(RecordWmsProcess(shipment=shipment, status="SIGN", operated_at=signed))
    await rig.quiet()


async def settle(rig: Rig, order: str, amount_fen: int = 9_900) -> None:
    await rig.accepted(
        RecordSettlement(
            order=order, amount_fen=amount_fen, reference=f"R-{order}", settled_at=rig.clock.now()
        )
    )
    await rig.quiet()


# ---- who is spoken to

Outcome = Done | Failed
Way = Callable[[Errand], Awaitable[Outcome]]
NATURAL = Verb(Repeat.NATURAL, Undo.REVERSIBLE)


class Partner:
    """An actor that keeps what took place at it by business key.

    `next` holds how the coming calls are to go, one each; with none left they go `otherwise`, which is well. `asked`
    lists the effects it was sent in order, `looked` those it was asked about (a `blind` one cannot tell), `happened`
    counts what took place by the effect's id.
    """

    def __init__(self, name: str, clock: Clock, verbs: Mapping[type[Effect], Verb] | None = None) -> None:
        self.partner = name
        self.verbs: Mapping[type[Effect], Verb] = verbs or dict.fromkeys(_ANSWERS, NATURAL)
        self.clock = clock
        self.next: deque[Way] = deque()
        self.otherwise: Way = self.well
        self.blind = False
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self.looked: list[str] = []
        self.happened: Counter[str] = Counter()

    async def perform(self, errand: Errand) -> Outcome:
        self.asked.append(errand.id)
        self.asked_at.append(self.clock.monotonic())
        return await (self.next.popleft() if self.next else self.otherwise)(errand)

    async def look_up(self, errand: Errand) -> Outcome | None:
        self.looked.append(errand.id)
        if self.blind:
            return Failed("cannot tell", unknown=True)
        return Done(answer(errand)) if self.happened[errand.id] else None

    # -- ways a call can go

    async def well(self, errand: Errand) -> Outcome:
        self.happened[errand.id] += 1
        return Done(answer(errand), b"partner's answer")

    async def lost_answer(self, errand: Errand) -> Outcome:
        """It takes place, and nobody learns of it."""
        self.happened[errand.id] += 1
        return Failed("no answer", unknown=True)

    async def taken(self, errand: Errand) -> Outcome:
        """Well, but a refund is only accepted: its result is to come."""
        if not isinstance(errand.effect, RefundPayment):
            return await self.well(errand)
        self.happened[errand.id] += 1
        return Done(refund_result(errand, RefundStage.ACCEPTED), b"partner's answer")

    async def down(self, errand: Errand) -> Outcome:
        return Failed("out of service", partner_wide=True)

    async def busy(self, errand: Errand) -> Outcome:
        """This one does not go, perhaps later."""
        return Failed("this one not now")

    async def never(self, errand: Errand) -> Outcome:
        return Failed("cannot be", final=True)

    async def silent(self, errand: Errand) -> Outcome:
        """It takes place and the line stays open."""
        self.happened[errand.id] += 1
        await self.clock.sleep(10_000)
        raise AssertionError("somebody waited")

    async def broken(self, errand: Errand) -> Outcome:
        raise RuntimeError("a mistake in the actor")

    async def absurd(self, errand: Errand) -> Outcome:
        """It takes place, and what is learnt makes the decider fail."""
        self.happened[errand.id] += 1
        return Done(Explode(order=errand.aggregate))

    def after(self, seconds: float, then: Way | None = None) -> Way:
        """Slowly; what takes place does so at the start."""

        async def slowly(errand: Errand) -> Outcome:
            result = await (then or self.well)(errand)
            await self.clock.sleep(seconds)
            return result

        return slowly

    def come_again_in(self, seconds: float) -> Way:
        async def later(errand: Errand) -> Outcome:
            return Failed("too many calls", retry_after_s=seconds)

        return later


_ANSWERS: dict[type[Effect], Callable[[Errand], Command]] = {
    FetchDetail: lambda errand: detail(errand.effect.native),  # type: ignore[attr-defined]
    WriteBackShipment: lambda errand: NoteDone(order=errand.aggregate, outcome="written-back"),
    Prepay: lambda errand: RecordPrepay(
        order=errand.aggregate, attempt=_attempt(errand), prepay=f"prepay-{errand.id}"
    ),
    PushToWms: lambda errand: RecordWmsAccepted(shipment=errand.aggregate, wms_order=f"W-{errand.id}"),
    CancelAtWms: lambda errand: RecordRecall(shipment=errand.aggregate, stopped=True, reason=""),
    ClosePayment: lambda errand: RecordPaymentFailure(
        order=errand.aggregate, attempt=_attempt(errand), reason="CLOSED"
    ),
    RefundPayment: lambda errand: refund_result(errand, RefundStage.SUCCEEDED),
    QueryRefund: lambda errand: NoteDone(order=errand.aggregate, outcome="nothing new"),
    TellFinance: lambda errand: NoteDone(order=errand.aggregate, outcome="told"),
}


def answer(errand: Errand) -> Command:
    """What is learnt from an effect that took place."""
    return _ANSWERS[type(errand.effect)](errand)


def refund_result(errand: Errand, stage: RefundStage) -> RecordRefund:
    """The provider's word on a refund it was sent."""
    effect: Any = errand.effect
    refund = parse(effect.out_refund_no)
    assert refund is not None
    return RecordRefund(
        order=refund.order,
        refund=refund.part_no,
        attempt=_attempt(errand),
        transaction=effect.transaction,
        amount_fen=effect.amount_fen,
        stage=stage,
        reference=f"50-{effect.out_refund_no}",
        said_at=NOON,
    )


def _attempt(errand: Errand) -> int:
    parsed = parse(errand.effect.out_trade_no)  # type: ignore[attr-defined]
    assert parsed is not None
    return parsed.part_no


def everybody(clock: Clock) -> list[Partner]:
    """A friendly partner behind every effect."""
    return [Partner(name, clock) for name in ("channel/DY/dy-1", "payment/wechat", "wms/EAST", "finance")]
