"""The ledger of a day: was anything lost, did everything heal, and can every exception be named?

Two equations must hold. Orders born = orders in the centre + orders refused by name. Faults injected =
faults healed + faults with an open ticket. Beyond them no order, fault or none, may differ from what its
partners say unless a ticket is open about it. Whoever breaks one of these is listed as an offender.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tongdan.domain.kernel import ids
from tongdan.domain.orders.model import Order
from tongdan.labs.world.faults import KINDS, OUTAGE, Fault, Heals
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.testimony import Disagreement, Witnesses, disagreements
from tongdan.labs.world.world import World
from tongdan.ports import Reads

MAX_TICKETS: Final = 100_000


class Offender(msgspec.Struct, frozen=True):
    """What breaks an equation: `order` is the channel's or client's number, `id` ours ("": none)."""

    what: str
    order: str
    id: str
    detail: str = ""


class FaultCount(msgspec.Struct, frozen=True):
    """How the faults of one kind ended."""

    kind: str
    en: str
    zh: str
    injected: int
    healed: int
    open_tickets: int


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a day. `born` and `in_centre` count by channel, `refused` by the refusal's name."""

    seed: int
    day: str
    source: str
    quiet: bool
    born: dict[str, int]
    in_centre: dict[str, int]
    refused: dict[str, int]
    faults: tuple[FaultCount, ...]
    offenders: tuple[Offender, ...]
    messages: dict[str, int]
    sample: str  # an order that met a fault and healed: worth a look at its timeline

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
        orders = sum(self.born.values()) == sum(self.in_centre.values()) + sum(self.refused.values())
        faults = self.injected == self.healed + self.open_tickets
        return orders and faults and not self.offenders and self.quiet


class _Case(msgspec.Struct, frozen=True):
    """One order after the day. `tickets` are the kinds of those open about it."""

    channel: str
    native: str
    id: str
    refused: str
    differs: tuple[Disagreement, ...]
    tickets: tuple[str, ...]

    @property
    def unexplained(self) -> bool:
        return bool(self.differs) and not self.tickets


def report(world: World, reads: Reads, *, quiet: bool) -> Ledger:
    """Compare what the partners know with what the centre answers. `quiet` is what `World.run` returned."""
    cases = list(_cases(world, reads))
    by_native = {case.native: case for case in cases}
    verdicts = [(fault, _verdict(fault, by_native, cases)) for fault in world.faults.injected]
    return Ledger(
        seed=world.seed,
        day=world.day,
        source=world.retail.source,
        quiet=quiet,
        born=dict(sorted(Counter(case.channel for case in cases).items())),
        in_centre=dict(sorted(Counter(case.channel for case in cases if case.id).items())),
        refused=dict(sorted(Counter(case.refused for case in cases if case.refused).items())),
        faults=tuple(_counts(verdicts)),
        offenders=(*_order_offenders(cases), *_fault_offenders(verdicts, by_native), *_given_up(world)),
        messages=_messages(world),
        sample=_sample(verdicts, by_native),
    )


def _cases(world: World, reads: Reads) -> Iterator[_Case]:
    tickets = _open_tickets(reads)
    witnesses = Witnesses(world)
    douyin, own = world.shops["DY"].id, world.shops["MP"].id
    for platform_order in world.douyin.orders.values():
        id = reads.find("DY", douyin, platform_order.id) or ""
        said = witnesses.of_douyin(platform_order, id)
        differs = tuple(disagreements(said, _order(reads, id))) if id else ()
        yield _Case("DY", platform_order.id, id, "", differs, tickets.get(id, ()))
    for own_order in world.own_shop.orders.values():
        id = reads.find("MP", own, own_order.no) or ""
        said = witnesses.of_own(own_order, id)
        differs = tuple(disagreements(said, _order(reads, id))) if id else ()
        if own_order.id and own_order.id != id:
            differs = (*differs, Disagreement("id", own_order.id, id))
        yield _Case("MP", own_order.no, id, own_order.refused, differs, tickets.get(id, ()))


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


def _verdict(fault: Fault, by_native: dict[str, _Case], cases: list[_Case]) -> str:
    """`healed`, `ticket`, or why neither."""
    if fault.kind == OUTAGE:
        return "unhealed" if any(case.unexplained for case in cases) else "healed"
    case = by_native[fault.order]
    heals = KINDS[fault.kind].heals
    if case.refused:
        return "healed"
    if not case.id:
        return "unhealed"
    if case.tickets and (case.differs or heals is not Heals.ITSELF):
        return "ticket"
    if case.differs or heals is Heals.PERSON:
        return "unhealed"
    return "healed"


def _counts(verdicts: list[tuple[Fault, str]]) -> Iterator[FaultCount]:
    for kind in KINDS.values():
        ends = [verdict for fault, verdict in verdicts if fault.kind == kind.name]
        if ends:
            yield FaultCount(
                kind.name, kind.en, kind.zh, len(ends), ends.count("healed"), ends.count("ticket")
            )


def _order_offenders(cases: list[_Case]) -> Iterator[Offender]:
    seen: dict[str, str] = {}
    for case in cases:
        if not case.id and not case.refused:
            yield Offender("born, but neither in the centre nor refused", case.native, "")
        if case.id and case.refused:
            yield Offender("refused, but in the centre", case.native, case.id, case.refused)
        if case.id and case.id in seen:
            yield Offender("one id for two orders", case.native, case.id, seen[case.id])
        seen[case.id] = case.native
        if case.unexplained:
            detail = "; ".join(f"{each.what}: {each.partners} ≠ {each.centre}" for each in case.differs)
            yield Offender("differs from its partners, and no ticket is open", case.native, case.id, detail)


def _fault_offenders(verdicts: list[tuple[Fault, str]], by_native: dict[str, _Case]) -> Iterator[Offender]:
    for fault, verdict in verdicts:
        if verdict == "unhealed":
            case = by_native.get(fault.order)
            what = f"fault {fault.id} ({fault.kind} at {fault.where}) neither healed nor has a ticket"
            yield Offender(what, fault.order, case.id if case else "")


def _given_up(world: World) -> Iterator[Offender]:
    for name, outbox in _outboxes(world):
        for given_up in outbox.given_up:
            yield Offender(f"{name} gave up telling {given_up.where}", given_up.order, "")


def _messages(world: World) -> dict[str, int]:
    """How many messages each partner sent, repeats included."""
    return {name: outbox.sent for name, outbox in _outboxes(world)}


def _outboxes(world: World) -> Iterator[tuple[str, Outbox[Any]]]:
    yield "douyin", world.douyin.outbox
    yield "own shop", world.own_shop.outbox
    yield "wechat", world.wechat.outbox
    yield "qimen", world.warehouses.outbox
    yield "finance", world.finance.outbox
    yield "sf", world.sf.outbox


def _sample(verdicts: list[tuple[Fault, str]], by_native: dict[str, _Case]) -> str:
    for fault, verdict in verdicts:
        if verdict == "healed" and fault.order in by_native and by_native[fault.order].id:
            return by_native[fault.order].id
    return next((case.id for case in by_native.values() if case.id), "")
