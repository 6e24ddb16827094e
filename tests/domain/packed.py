"""Orders of one shop and one receiver on a packing table, beside a warehouse that answers what it is asked."""

from collections import Counter
from typing import Any

from tests.domain.centre import NOON, Centre, after, detail, left, line, said

from tongdan.domain.fulfillment.commands import PackAnew, RecordRecall, RecordWmsAccepted, UndoPacking
from tongdan.domain.fulfillment.facts import CancelAtWms, LineUnits, Member, PushToWms, Wanted
from tongdan.domain.fulfillment.recalling import not_callable
from tongdan.domain.kernel.keys import kind_of
from tongdan.domain.kernel.messages import Decision, Refusal
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order

LINES = (line(1, "SHIRT", 3, 10_000, native="N1"), line(2, "HAT", 1, 3_001, native="N2"))


class Shop(Centre):
    """`sold` puts orders into the centre; `warehouse` answers every call, unless a parcel has left."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[str] = set()
        self._answered = 0
        self.stocked(SHIRT=90, HAT=90, SHIRT_SOUTH=90)

    def sold(self, native: str, *lines: Line) -> str:
        told = detail(*(lines or LINES), native=native, status="2", seconds=61, paid_at=after(60))
        self.tell(told)
        self.catch_up()
        return self.names["DY", "dy-1", native]

    def merge(self, *orders: str) -> Decision | Refusal:
        return self.send(self.merging(*orders))

    def merging(self, *orders: str) -> PackAnew:
        sources = [id for order in orders for id in self.live(order)]
        return self.packing("merge", orders[0], tuple(dict.fromkeys(sources)))

    def split(self, shipment: str, *parcels: dict[tuple[str, int], int], to: str = "EAST") -> Any:
        wanted = tuple(Wanted(to, tuple(LineUnits(*of, n) for of, n in each.items())) for each in parcels)
        return self.send(self.packing("split", shipment.partition("-")[0], (shipment,), wanted))

    def undo(self, shipment: str) -> Decision | Refusal:
        return self.send(UndoPacking(order=shipment.partition("-")[0], shipment=shipment))

    def packing(
        self, what: str, order: str, sources: tuple[str, ...], parcels: tuple[Wanted, ...] = ()
    ) -> PackAnew:
        orders = dict.fromkeys([order, *(id for each in sources for id in self.states[each].orders())])
        return PackAnew(
            order=order, what=what, channel="DY", shop="dy-1", members=tuple(map(self.member, orders)),
            sources=sources, parcels=parcels,
        )  # fmt: skip

    def member(self, id: str) -> Member:
        return Member(order=id, native=self.order(id).native, region="浙江", placed_at=NOON)

    def cancel(self, order: str) -> None:
        self.told(said("cancelled", 500, "4", native=self.order(order).native))

    # -- the warehouse

    def answers(self) -> list[Any]:
        """What the warehouse answers to what it was asked since the last time."""
        asked = [effect for _, effect in self.effects if isinstance(effect, PushToWms | CancelAtWms)]
        fresh, self._answered = asked[self._answered :], len(asked)
        return [self.answer(each) for each in fresh]

    def answer(self, effect: PushToWms | CancelAtWms) -> Any:
        if isinstance(effect, PushToWms):
            return RecordWmsAccepted(shipment=effect.shipment, wms_order=f"W-{effect.shipment}")
        stopped = effect.shipment not in self.gone
        return RecordRecall(shipment=effect.shipment, stopped=stopped, reason="" if stopped else "packed")

    def work(self) -> "Shop":
        """Let the warehouse answer until it has nothing to answer."""
        for _ in range(50):
            answers = self.answers()
            if not answers:
                return self
            for each in answers:
                self.send(each)
        raise AssertionError("the warehouse is asked for ever")

    def leave(self, shipment: str, *, final: bool = True, units: dict[str, int] | None = None) -> None:
        """One parcel of a shipment leaves, with everything unless said."""
        self.told(self.leaving(shipment, final=final, units=units))

    def leaving(self, shipment: str, *, final: bool = True, units: dict[str, int] | None = None) -> Any:
        here = Counter[str]()
        for item in self.states[shipment].still_to_leave():
            here[item.sku] += item.units
        self.gone.add(shipment)
        waybill = f"SF-{shipment}-{len(self.states[shipment].departures)}"
        return left(shipment, waybill, *(units or here).items(), final=final)

    # -- looking

    def shipments(self) -> dict[str, Any]:
        return {key: state for key, state in self.states.items() if kind_of(key) == "shipment"}

    def live(self, order: str) -> list[str]:
        """The shipments an order's lines can be called back from."""
        return [
            id for id, each in self.shipments().items()
            if order in each.orders() and not not_callable(each, each.shop)
        ]  # fmt: skip

    def contents(self, shipment: str) -> dict[tuple[str, int], int]:
        """Units by order and line."""
        state = self.states[shipment]
        return {(state.owner(item), item.line): item.units for item in state.items}

    def check(self) -> None:
        """Nothing is under way: every released unit lies in exactly one parcel, and every fen with it."""
        assert not self.lanes
        units, fen, here = Counter[tuple[str, int]](), Counter[tuple[str, int]](), Counter[tuple[str, int]]()
        for each in self.shipments().values():
            for item in each.items:
                units[each.owner(item), item.line] += item.units
                fen[each.owner(item), item.line] += item.amount_fen
            for item in each.still_to_leave():
                here[each.owner(item), item.line] += item.units
        for id, order in self.states.items():
            if not isinstance(order, Order):
                continue
            for state in order.lines:
                of = id, state.line.no
                assert sum(state.at(stage) for stage in Stage) == state.line.units
                assert units[of] == state.line.units, f"{of} lies in {units[of]} parcels' units"
                assert fen[of] == state.line.amount_fen
                assert here[of] == state.released, f"{of}: {here[of]} are to leave, {state.released} released"
