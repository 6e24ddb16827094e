"""Effects to send: an order that emits whatever a test asks for, and a partner that is told of it."""

from tests.flow.parties import Partner, count, detail
from tests.flow.rig import NOON, Rig
from tests.flow.toys import Emit

from tongdan.domain.kernel.messages import Effect
from tongdan.domain.orders.facts import TellFinance, WriteBackShipment
from tongdan.ports import Clock, Repeat, Undo, Verb


def tell(order: str, milestone: str = "paid", partner: str = "finance") -> TellFinance:
    return TellFinance(
        partner=partner, order=order, channel="MP", shop="mp-1", milestone=milestone, amount_fen=1, at=NOON
    )


def write_back(request: str = "R-1") -> WriteBackShipment:
    return WriteBackShipment(
        partner="finance",
        channel="MP",
        shop="mp-1",
        native="A-1",
        carrier="SF",
        waybill="SF1",
        units=(),
        request=request,
    )


def finance(clock: Clock, repeat: Repeat = Repeat.NATURAL, **more: float) -> Partner:
    """A partner that is told milestones and write-backs, and may be told again as `repeat` says."""
    verb = Verb(repeat, Undo.REVERSIBLE, **more)  # type: ignore[arg-type]
    return Partner("finance", clock, {TellFinance: verb, WriteBackShipment: verb})


async def order_in(rig: Rig, native: str = "1001") -> str:
    """An order that waits for nothing and emits nothing by itself."""
    await rig.accepted(count(100))
    order = (await rig.accepted(detail(native, paid=False))).aggregate
    await rig.quiet()
    return order


async def emit(rig: Rig, order: str, *effects: Effect) -> list[str]:
    """Have the order emit these; their ids."""
    reply = await rig.accepted(Emit(order=order, effects=effects))
    return [f"{reply.slot}.{reply.epoch}.{reply.seq}.{n}" for n in range(len(effects))]


def dead(rig: Rig) -> list[str]:
    return [letter.effect for letter in rig.reads.dead_letters()]
