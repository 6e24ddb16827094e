"""The ledger of a day: was anything lost, did everything heal, and can every exception be named?

Two equations must hold. Orders born = orders in the centre + orders refused by name. Faults injected =
faults healed + faults with an open ticket. Beyond them no order, fault or none, may differ from what its
partners say unless a ticket is open about it. Whoever breaks one of these is listed as an offender.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.domain.kernel import ids
from tongdan.domain.orders.model import Order
from tongdan.labs.world.faults import KINDS, Heals
from tongdan.labs.world.notice_books import untold
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.platforms import NAMES
from tongdan.labs.world.testimony import Disagreement, Witnesses, disagreements
from tongdan.labs.world.world import World
from tongdan.ports import Reads

MAX_TICKETS: Final = 100_000
OWN: Final = "MP"

_LOST: Final = ("born, but neither in the centre nor refused", "已产生，但既不在中心也未被拒绝")
_BOTH: Final = ("refused, but in the centre", "已被拒绝，却在中心")
_SHARED: Final = ("two orders share one id", "两张订单共用一个单号")
_DIFFERS: Final = ("differs from its partners, and no ticket is open", "与伙伴不一致，且没有未关闭的工单")
_UNHEALED: Final = ("a fault neither healed nor has a ticket", "故障既未自愈也没有工单")
_UNTOLD: Final = ("its buyer was not told, and nobody knows", "买家未被告知，且无人知晓")
_GAVE_UP: Final = ("a partner gave up telling the centre", "伙伴放弃了通知中心")


class Offender(msgspec.Struct, frozen=True):
    """Who breaks an equation, and how (`what` in English, `zh` in Chinese).

    `order` is the channel's or client's number, `id` ours ("" if there is none).
    """

    what: str
    zh: str
    order: str
    id: str
    detail: str = ""


class Met(msgspec.Struct, frozen=True):
    """One fault that happened, to which order, at which place of its way, and how it ended.

    `end` is "healed", "ticket" or "unhealed"; `order` and `id` are "" for an outage.
    """

    fault: str
    kind: str
    where: str
    at: datetime
    order: str
    id: str
    end: str


class FaultCount(msgspec.Struct, frozen=True):
    """How the faults of one kind ended."""

    kind: str
    en: str
    zh: str
    injected: int
    healed: int
    open_tickets: int


class ChannelCount(msgspec.Struct, frozen=True):
    """What came of the orders of one channel: `pushed` messages, repeats included; `told` parcels written back."""

    code: str
    en: str
    zh: str
    born: int
    in_centre: int
    refused: int
    faults: int
    pushed: int
    told: int


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a day. `refused` counts by the refusal's name."""

    seed: int
    day: str
    source: str
    quiet: bool
    channels: tuple[ChannelCount, ...]
    refused: dict[str, int]
    faults: tuple[FaultCount, ...]
    met: tuple[Met, ...]
    offenders: tuple[Offender, ...]
    messages: dict[str, int]
    sample: str  # an order that met a fault and healed: worth a look at its timeline

    @property
    def born(self) -> int:
        return sum(channel.born for channel in self.channels)

    @property
    def in_centre(self) -> int:
        return sum(channel.in_centre for channel in self.channels)

    @property
    def injected(self) -> int:
        return sum(count.injected for count in self.faults)

    @property
    def healed(self) -> int:
        return sum(count.healed for count in self.faults)

    @property
    def open_tickets(self) -> int:
        return sum(count.open_tickets for count in self.faults)

    @property
    def holds(self) -> bool:
        """Both equations, and nobody left over."""
        orders = self.born == self.in_centre + sum(self.refused.values())
        faults = self.injected == self.healed + self.open_tickets
        return orders and faults and not self.offenders and self.quiet


class _Case(msgspec.Struct, frozen=True):
    """One order after the day. `tickets`: the kinds of those open about it; `told`: parcels its channel heard of."""

    channel: str
    native: str
    id: str
    refused: str
    differs: tuple[Disagreement, ...]
    tickets: tuple[str, ...]
    told: int = 0

    @property
    def unexplained(self) -> bool:
        return bool(self.differs) and not self.tickets


def report(world: World, reads: Reads, *, quiet: bool) -> Ledger:
    """Compare what the partners know with what the centre answers. `quiet` is what `World.run` returned."""
    cases = list(_cases(world, reads))
    met = tuple(_met(world, cases))
    return Ledger(
        seed=world.seed,
        day=world.day,
        source=world.retail.source,
        quiet=quiet,
        channels=tuple(_channels(world, cases)),
        refused=dict(sorted(Counter(case.refused for case in cases if case.refused).items())),
        faults=tuple(_counts(met)),
        met=met,
        offenders=(
            *_order_offenders(cases),
            *_fault_offenders(met),
            *_untold(world, reads),
            *_given_up(world),
        ),
        messages=_messages(world),
        sample=next(
            (one.id for one in met if one.end == "healed" and one.id), next((c.id for c in cases), "")
        ),
    )


def _channels(world: World, cases: list[_Case]) -> Iterator[ChannelCount]:
    struck = {fault.order for fault in world.faults.injected}
    outboxes: dict[str, Outbox[Any]] = {
        code: platform.outbox for code, platform in world.platforms.by_code.items()
    }
    for code, outbox in {**outboxes, OWN: world.own_shop.outbox}.items():
        its, how = [case for case in cases if case.channel == code], world.policy.channels[code]
        yield ChannelCount(
            code=code,
            en=how.name_en,
            zh=how.name_zh,
            born=len(its),
            in_centre=sum(bool(case.id) for case in its),
            refused=sum(bool(case.refused) for case in its),
            faults=sum(case.native in struck for case in its),
            pushed=outbox.sent,
            told=sum(case.told for case in its),
        )


def _cases(world: World, reads: Reads) -> Iterator[_Case]:
    tickets = _open_tickets(reads)
    witnesses = Witnesses(world)
    for code, platform in world.platforms.by_code.items():
        for native, sold in platform.orders.items():
            id = reads.find(code, world.shops[code].id, native) or ""
            differs = tuple(disagreements(witnesses.of_sold(sold, id), _order(reads, id))) if id else ()
            yield _Case(code, native, id, "", differs, tickets.get(id, ()), len(sold.waybills))
    for own_order in world.own_shop.orders.values():
        id = reads.find(OWN, world.shops[OWN].id, own_order.no) or ""
        said = witnesses.of_own(own_order, id)
        differs = tuple(disagreements(said, _order(reads, id))) if id else ()
        if own_order.id and own_order.id != id:
            differs = (*differs, Disagreement("id", own_order.id, id))
        yield _Case(OWN, own_order.no, id, own_order.refused, differs, tickets.get(id, ()))


def _order(reads: Reads, id: str) -> Order:
    order = reads.order(id)
    assert isinstance(order, Order)
    return order


def _open_tickets(reads: Reads) -> dict[str, tuple[str, ...]]:
    """Kinds of the open tickets by the order they are about (tickets of its shipments included)."""
    found: dict[str, tuple[str, ...]] = {}
    for ticket in reads.tickets(open_only=True, limit=MAX_TICKETS):
        if (parsed := ids.parse(ticket.subject)) is not None:
            found[parsed.order] = (*found.get(parsed.order, ()), ticket.kind)
    return found


def _met(world: World, cases: list[_Case]) -> Iterator[Met]:
    by_native = {case.native: case for case in cases}
    for fault in world.faults.injected:
        case = by_native.get(fault.order)
        if case is None:  # an outage is over when nobody is left behind
            end = "unhealed" if any(each.unexplained for each in cases) else "healed"
        else:
            end = _end(KINDS[fault.kind].heals, case)
        id = "" if case is None else case.id
        yield Met(fault.id, fault.kind, fault.where, fault.at, fault.order, id, end)


def _end(heals: Heals, case: _Case) -> str:
    if case.refused:
        return "healed"
    if not case.id:
        return "unhealed"
    if case.tickets and (case.differs or heals is not Heals.ITSELF):
        return "ticket"
    return "unhealed" if case.differs or heals is Heals.PERSON else "healed"


def _counts(met: tuple[Met, ...]) -> Iterator[FaultCount]:
    for kind in KINDS.values():
        ends = [one.end for one in met if one.kind == kind.name]
        if ends:
            yield FaultCount(
                kind.name, kind.en, kind.zh, len(ends), ends.count("healed"), ends.count("ticket")
            )


def _order_offenders(cases: list[_Case]) -> Iterator[Offender]:
    seen: dict[str, str] = {}
    for case in cases:
        if not case.id and not case.refused:
            yield Offender(*_LOST, case.native, "")
        if case.id and case.refused:
            yield Offender(*_BOTH, case.native, case.id, case.refused)
        if case.id and case.id in seen:
            yield Offender(*_SHARED, case.native, case.id, seen[case.id])
        seen[case.id] = case.native
        if case.unexplained:
            detail = "; ".join(f"{each.what}: {each.partners} ≠ {each.centre}" for each in case.differs)
            yield Offender(*_DIFFERS, case.native, case.id, detail)


def _fault_offenders(met: tuple[Met, ...]) -> Iterator[Offender]:
    for one in met:
        if one.end == "unhealed":
            yield Offender(*_UNHEALED, one.order, one.id, f"{one.fault} {one.kind} {one.where}")


def _untold(world: World, reads: Reads) -> Iterator[Offender]:
    tickets = {(each.subject, each.kind) for each in reads.tickets(open_only=True, limit=MAX_TICKETS)}
    for each in untold(world, reads, tickets):
        yield Offender(*_UNTOLD, world.setting.names.native_of(each.order), each.order, each.detail)


def _given_up(world: World) -> Iterator[Offender]:
    for name, outbox in _outboxes(world):
        for given_up in outbox.given_up:
            yield Offender(*_GAVE_UP, given_up.order, "", f"{name} {given_up.where}")


def _messages(world: World) -> dict[str, int]:
    """How many messages each partner sent, repeats included."""
    return {name: outbox.sent for name, outbox in _outboxes(world)}


def _outboxes(world: World) -> Iterator[tuple[str, Outbox[Any]]]:
    for code, platform in world.platforms.by_code.items():
        yield NAMES[code], platform.outbox
    yield "own shop", world.own_shop.outbox
    yield "wechat", world.wechat.outbox
    yield "qimen", world.warehouses.outbox
    yield "finance", world.finance.outbox
    yield "sf", world.sf.outbox
    if world.tellers.sms is not None:
        yield "sms", world.tellers.sms.outbox
    if world.tellers.mini is not None:
        yield "wechat-mini", world.tellers.mini.outbox
