"""Packing anew as a person asks for it: say what would happen, then do it.

A proposal is made by the very deciders that will carry it out, fed with the answers that the warehouses are hoped to
give; so what is shown is what will be, unless a parcel leaves meanwhile. What speaks against it has a name and a
remedy. Receivers are compared here, outside the domain, and nobody is shown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tongdan.domain.fulfillment import packing, recalling
from tongdan.domain.fulfillment.commands import NoteGiven, PackAnew, UndoPacking
from tongdan.domain.fulfillment.facts import LineUnits, Member, ParcelsFormed, UnitsGiven, Wanted
from tongdan.domain.fulfillment.packing import MERGE, SPLIT, Table
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import packing_key, stock_key
from tongdan.domain.kernel.messages import Context, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.orders.goods.reservation import open_shipments
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.refusals import ORDER_CLOSED
from tongdan.flow import repacking_refusals as no
from tongdan.flow.receivers import receiver_of
from tongdan.ports import Clock, Reads

MAX_ORDERS: Final = 10  # of one parcel


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel asked for in a split: (order, line, units) each; `order` "": whose name it goes under, `units` 0: all of
    the line that is there; `warehouse` "": where it lies."""

    units: tuple[tuple[str, int, int], ...]
    warehouse: str = ""


class PackedLine(msgspec.Struct, frozen=True, kw_only=True):
    order: str
    line: int
    sku: str
    units: int
    amount_fen: int


class ParcelToBe(msgspec.Struct, frozen=True, kw_only=True):
    """`shipment` is its number if nothing comes between; "" where the order's own packing table will number it."""

    shipment: str
    order: str
    warehouse: str
    lines: tuple[PackedLine, ...]


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against it, by name, in both languages."""

    error: str
    message: str
    message_zh: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`sources` are called back from their warehouses, `parcels` are formed of what is in them. With `refused` not
    empty it cannot be done."""

    what: str
    order: str
    sources: tuple[str, ...]
    parcels: tuple[ParcelToBe, ...]
    refused: tuple[Objection, ...]


class Proposal(NamedTuple):
    """What would happen, why not, and the command that does it (None: there is none that could)."""

    preview: Preview
    refusals: tuple[Refusal, ...]
    command: PackAnew | UndoPacking | None


class Repacking:
    """Makes proposals from committed states; a proposal changes nothing."""

    def __init__(self, reads: Reads, policy: Policy, clock: Clock) -> None:
        self._reads: Final = reads
        self._policy: Final = policy
        self._clock: Final = clock

    def merge(self, orders: Sequence[str]) -> Proposal:
        """All parcels of these orders that can be called back, in one, under the first order's name."""
        known, refusals = self._orders(orders)
        if len(set(orders)) < 2:
            refusals.append(no.NOTHING_TO_MERGE.of())
        sources: dict[str, Shipment] = {}
        for id, order in known.items():
            found = self._callable(id, order)
            sources |= found
            if not found:
                refusals.append(self._why_none(id, order))
        if known and not refusals:
            refusals += self._apart(known, sources)
        command = self._command(MERGE, orders[0], sources, ()) if sources and not refusals else None
        return self._propose(MERGE, orders[0] if orders else "", command, sources, refusals)

    def split(self, shipment: str, parts: Sequence[Part]) -> Proposal:
        """The named units in parcels of their own; what is not named stays together."""
        lead = shipment.rpartition("-")[0]
        found = self._shipment(shipment)
        if found is None:
            return self._propose(SPLIT, lead, None, {}, [UNKNOWN_ID.of(id=shipment[:64])])
        why_not = recalling.not_callable(found, found.shop)
        refusals = [no.not_callable(shipment, why_not)] if why_not else []
        parts = [_resolved(part, found) for part in parts]
        refusals += self._misfits(shipment, found, parts)
        wanted = tuple([_wanted(part, found.warehouse) for part in parts])
        command = None if refusals else self._command(SPLIT, lead, {shipment: found}, wanted)
        return self._propose(SPLIT, lead, command, {shipment: found}, refusals)

    def undo(self, shipment: str) -> Proposal:
        """What a merge or split has formed, packed as it was before."""
        lead = shipment.rpartition("-")[0]
        table = self._table(lead)
        if table is None or self._shipment(shipment) is None:
            return self._propose(packing.UNDO, lead, None, {}, [UNKNOWN_ID.of(id=shipment[:64])])
        command = UndoPacking(order=lead, shipment=shipment)
        started = packing.undo_packing(table, command, self._context(lead))
        if isinstance(started, Refusal):
            return self._propose(packing.UNDO, lead, None, {}, [started])
        sources = {id: self._shipment(id) for id in started.facts[0].sources}  # type: ignore[attr-defined]
        there = {id: each for id, each in sources.items() if each is not None}
        refusals = [
            no.not_callable(id, why)
            for id, each in there.items() if (why := recalling.not_callable(each, each.shop))
        ]  # fmt: skip
        return self._propose(packing.UNDO, lead, None if refusals else command, there, refusals)

    # ---- what speaks against it

    def _orders(self, ids: Sequence[str]) -> tuple[dict[str, Order], list[Refusal]]:
        """The orders that may be packed anew, and why the others may not."""
        found: dict[str, Order] = {}
        refusals = list[Refusal]()
        if len(set(ids)) > MAX_ORDERS:
            return found, [no.TOO_MANY_ORDERS.of(limit=MAX_ORDERS, got=len(ids))]
        for id in dict.fromkeys(ids):
            order, shop = self._order(id), None
            if order is None:
                refusals.append(UNKNOWN_ID.of(id=id[:64]))
            elif (shop := self._policy.shops.get(order.shop)) is not None and not shop.owned:
                refusals.append(no.WATCHED_ONLY.of(order=id))
            elif order.cancelled:
                refusals.append(ORDER_CLOSED.of(order=id, closing=order.closing.name.lower()))
            elif not order.shipments:
                refusals.append(no.not_released(id, order.holds, order.paid is not None))
            else:
                found[id] = order
        return found, refusals

    def _why_none(self, id: str, order: Order) -> Refusal:
        """Why no parcel of an order can be called back: what is true of its latest."""
        shipment = open_shipments(order, id)[-1]
        found = self._shipment(shipment)
        why = recalling.not_callable(found, found.shop) if found is not None else no.HANDED_OVER
        return no.not_callable(shipment, why)

    def _apart(self, orders: Mapping[str, Order], sources: Mapping[str, Shipment]) -> Iterator[Refusal]:
        """What keeps these orders apart: shop, receiver, warehouse; or that they are together already."""
        if len(sources) < 2:
            yield no.NOTHING_TO_MERGE.of()
        first, *others = orders
        receiver = receiver_of(self._reads.person(first))
        if receiver is None:
            yield no.RECEIVER_UNKNOWN.of(order=first)
        for id in others:
            theirs = receiver_of(self._reads.person(id))
            if orders[id].shop != orders[first].shop:
                yield no.DIFFERENT_SHOPS.of(order=id, shop=orders[id].shop, first=orders[first].shop)
            elif theirs is None:
                yield no.RECEIVER_UNKNOWN.of(order=id)
            elif receiver is not None and theirs != receiver:
                yield no.DIFFERENT_RECEIVERS.of(order=id)
        warehouses = sorted({each.warehouse for each in sources.values()})
        if len(warehouses) > 1:
            yield no.DIFFERENT_WAREHOUSES.of(warehouses=", ".join(warehouses))

    def _misfits(self, id: str, shipment: Shipment, parts: Sequence[Part]) -> Iterator[Refusal]:
        """Units that are not in the shipment, warehouses there are not, stock that is not free there."""
        here = {(shipment.owner(item), item.line): item for item in shipment.still_to_leave()}
        asked, moved = Counter[tuple[str, int]](), Counter[tuple[str, str]]()
        for part in parts:
            for order, line, units in part.units:
                asked[order, line] += units
                if (item := here.get((order, line))) and part.warehouse not in ("", shipment.warehouse):
                    moved[part.warehouse, item.sku] += units
        for (order, line), units in asked.items():
            held = here[order, line].units if (order, line) in here else 0
            if units > held:
                yield no.NO_SUCH_LINE.of(shipment=id, order=order, line=line, held=held, asked=units)
        known = self._policy.warehouses
        for warehouse in sorted({part.warehouse for part in parts} - {"", *known}):
            yield no.NO_SUCH_WAREHOUSE.of(warehouse=warehouse, known=", ".join(known))
        for (warehouse, sku), units in moved.items():
            free = self._free(sku, warehouse)
            if warehouse in known and units > free:
                yield no.NOT_FREE_THERE.of(warehouse=warehouse, sku=sku, free=free, asked=units)
        whole = all(asked[of] == item.units for of, item in here.items())
        if not asked or (whole and len(parts) == 1 and not moved):
            yield no.NOTHING_TO_SPLIT.of(shipment=id)

    # ---- what would happen

    def _propose(
        self, what: str, order: str, command: PackAnew | UndoPacking | None, sources: Mapping[str, Shipment],
        refusals: Iterable[Refusal],
    ) -> Proposal:  # fmt: skip
        against = list(refusals)
        formed = None if command is None or against else self._rehearse(command, sources)
        if isinstance(formed, Refusal):
            against.append(formed)
        parcels = _parcels(formed) if isinstance(formed, ParcelsFormed) else ()
        refused = tuple([Objection(error=each.name, message=each.en, message_zh=each.zh) for each in against])
        preview = Preview(what=what, order=order, sources=tuple(sources), parcels=parcels, refused=refused)
        return Proposal(preview, tuple(against), None if against else command)

    def _rehearse(
        self, command: PackAnew | UndoPacking, sources: Mapping[str, Shipment]
    ) -> ParcelsFormed | Refusal:
        """The deciders' own answer, if every warehouse gives back what is asked for."""
        table, ctx = self._table(command.order), self._context(command.order)
        if isinstance(command, PackAnew):
            decision = packing.pack_anew(table, command, ctx)
        else:
            assert table is not None
            decision = packing.undo_packing(table, command, ctx)
        if isinstance(decision, Refusal):
            return decision
        (started,) = decision.facts
        table = packing.evolve(table, started)
        fact = started
        for id, shipment in sources.items():
            called = replace(shipment, called=(command.order, table.jobs[-1].no))
            (given,) = [f for f in recalling.stopped(called, "").facts if isinstance(f, UnitsGiven)]
            note = NoteGiven(
                order=command.order, job=given.job, source=id, warehouse=given.warehouse, items=given.items
            )
            answer = packing.note_given(table, note, ctx)
            assert not isinstance(answer, Refusal)
            for fact in answer.facts:
                table = packing.evolve(table, fact)
        assert isinstance(fact, ParcelsFormed)
        return fact

    def _command(
        self, what: str, order: str, sources: Mapping[str, Shipment], parcels: tuple[Wanted, ...]
    ) -> PackAnew:
        members = dict.fromkeys([order, *(id for each in sources.values() for id in each.orders())])
        first = next(iter(sources.values()))
        return PackAnew(
            order=order, what=what, channel=first.channel, shop=first.shop,
            members=tuple([self._member(id) for id in members]), sources=tuple(sources), parcels=parcels,
        )  # fmt: skip

    def _member(self, id: str) -> Member:
        order = self._order(id)
        assert order is not None
        assert order.placed_at is not None
        return Member(order=id, native=order.native, region=order.region, placed_at=order.placed_at)

    # ---- committed states

    def _callable(self, id: str, order: Order) -> dict[str, Shipment]:
        """The parcels of an order that can be called back."""
        found = {shipment: self._shipment(shipment) for shipment in open_shipments(order, id)}
        return {
            shipment: each for shipment, each in found.items()
            if each is not None and id in each.orders() and not recalling.not_callable(each, order.shop)
        }  # fmt: skip

    def _order(self, id: str) -> Order | None:
        parsed = parse(id)
        state = self._reads.order(id) if parsed is not None and not parsed.part else None
        return state if isinstance(state, Order) else None

    def _shipment(self, id: str) -> Shipment | None:
        parsed = parse(id)
        state = self._reads.order(id) if parsed is not None and parsed.part == "S" else None
        return state if isinstance(state, Shipment) else None

    def _table(self, order: str) -> Table | None:
        state = self._reads.order(packing_key(order)) if parse(order) is not None else None
        return state if isinstance(state, Table) else None

    def _free(self, sku: str, warehouse: str) -> int:
        stock = self._reads.order(stock_key(sku))
        level = stock.levels.get(warehouse) if isinstance(stock, Stock) else None
        return 0 if level is None else level.available

    def _context(self, order: str) -> Context:
        return Context(self._clock.now(), packing_key(order), self._policy, 0)


def _resolved(part: Part, shipment: Shipment) -> Part:
    """The part with every order and every number of units named."""
    here = {(shipment.owner(item), item.line): item.units for item in shipment.still_to_leave()}
    units = [
        (order or shipment.order, line, n or max(1, here.get((order or shipment.order, line), 0)))
        for order, line, n in part.units
    ]
    return replace(part, units=tuple(units))


def _wanted(part: Part, warehouse: str) -> Wanted:
    units = tuple([LineUnits(order, line, n) for order, line, n in part.units])
    return Wanted(part.warehouse or warehouse, units)


def _parcels(formed: ParcelsFormed) -> tuple[ParcelToBe, ...]:
    return tuple(
        [
            ParcelToBe(
                shipment=each.shipment, order=each.lead.order, warehouse=each.warehouse,
                lines=tuple([
                    PackedLine(order=i.order, line=i.line, sku=i.sku, units=i.units, amount_fen=i.amount_fen)
                    for i in each.items
                ]),
            )
            for each in formed.parcels
        ]
    )  # fmt: skip
