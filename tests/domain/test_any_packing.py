"""Any sequence of merges, splits, undoings, cancellations and departures, in any order of arrival, loses nothing.

After everything has arrived every released unit and every fen lies in exactly one live parcel, each parcel was handed
to its warehouse once, and what a channel is told of an order is what has left of it. What is drawn: what people and
warehouses do, when the warehouse answers, and which lane of the relay moves.
"""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import line, said, signed
from tests.domain.packed import Shop

from tongdan.domain.fulfillment.commands import UndoPacking
from tongdan.domain.fulfillment.facts import LineUnits, PushToWms, Wanted
from tongdan.domain.kernel.messages import Decision
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.facts import WriteBackShipment

STEPS = 25
PEOPLE = ("merge", "merge", "split", "split", "undo", "undo", "cancel")
MOVES = (*PEOPLE, "part", "leave", "answer", "lane", "lane", "everything", "everything", "everything")


class Afternoon:
    """What is drawn, done to a shop of three orders."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.shop = draw, Shop()
        self.orders = [self.shop.sold(native) for native in "ABC"]
        self.waiting: list[Any] = []  # answers of the warehouse that are on their way

    def pick(self, things: Any) -> Any:
        return self.draw(st.sampled_from(sorted(things)))

    def live(self) -> list[str]:
        return sorted({id for order in self.orders for id in self.shop.live(order)})

    def step(self) -> None:
        self.waiting += self.shop.answers()
        getattr(self, "_" + self.draw(st.sampled_from(MOVES)))()

    def _merge(self) -> None:
        orders = self.draw(st.permutations(self.orders))[: self.draw(st.integers(2, 3))]
        merging = self.shop.merging(*orders)
        if merging.sources:
            self.shop.tell(merging)

    def _split(self) -> None:
        if live := self.live():
            shipment = self.pick(live)
            order, line = self.pick(self.shop.contents(shipment))
            units, to = self.draw(st.integers(1, 3)), self.pick(["EAST", "SOUTH"])
            named = (Wanted(to, (LineUnits(order, line, units),)),)
            self.shop.tell(self.shop.packing("split", shipment.partition("-")[0], (shipment,), named))

    def _undo(self) -> None:
        formed = [id for id in self.shop.shipments() if "-S1" in id and not id.endswith("-S1")]
        if formed:
            shipment = self.pick(set(formed) & set(self.live()) or formed)
            self.shop.tell(UndoPacking(order=shipment.partition("-")[0], shipment=shipment))

    def _cancel(self) -> None:
        order = self.pick(self.orders)
        self.shop.tell(said("cancelled", 500, "4", native=self.shop.order(order).native))

    def _part(self) -> None:
        if live := [id for id in self.live() if self.is_there(id)]:
            shipment = self.pick(live)
            sku = self.shop.states[shipment].still_to_leave()[0].sku
            self.shop.tell(self.shop.leaving(shipment, final=False, units={sku: 1}))

    def _leave(self) -> None:
        if live := [id for id in self.live() if self.is_there(id)]:
            self.shop.tell(self.shop.leaving(self.pick(live)))

    def is_there(self, shipment: str) -> bool:
        """The warehouse has not said, nor is about to say, that it will not send it."""
        return not any(getattr(each, "stopped", False) and each.shipment == shipment for each in self.waiting)

    def _answer(self) -> None:
        if self.waiting:
            self.shop.tell(self.waiting.pop(self.draw(st.integers(0, len(self.waiting) - 1))))

    def _lane(self) -> None:
        if self.shop.lanes:
            self.shop.step(self.pick(self.shop.lanes))

    def _everything(self) -> None:
        """All that is on its way arrives."""
        for each in self.waiting:
            self.shop.send(each)
        self.waiting.clear()
        self.shop.catch_up()
        self.shop.work()


def told(shop: Shop, order: str) -> Counter[str]:
    """Units by line, as the channel was told."""
    native = shop.order(order).native
    return sum(
        (Counter(dict(each.units)) for each in shop.effects_of(WriteBackShipment) if each.native == native),
        Counter[str](),
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_however_parcels_are_packed_every_unit_lies_in_one_and_leaves_once(data: Any) -> None:
    play = Afternoon(data.draw)
    shop = play.shop
    for _ in range(STEPS):
        play.step()
    play._everything()
    shop.check()
    for table in (state for key, state in shop.states.items() if key.startswith("packing/")):
        assert all(job.done for job in table.jobs), "a packing table waits for ever"

    for shipment, state in list(shop.shipments().items()):
        if state.still_to_leave():
            shop.leave(shipment)
            shop.told(signed(shipment, 9_000))
    shop.work().check()
    pushes = [each.shipment for each in shop.effects_of(PushToWms)]
    assert len(pushes) == len(set(pushes))
    for order in play.orders:
        found = shop.order(order)
        assert found.units(Stage.RELEASED) == 0
        assert found.early == ()
        if not found.cancelled:
            assert found.units(Stage.SHIPPED, Stage.SIGNED) == 4
            assert told(shop, order) == {"N1": 3, "N2": 1}
    assert {key: shop.folded(key) for key in shop.states} == shop.states
    levels = [level for sku in ("SHIRT", "HAT") for level in shop.states[f"stock/{sku}"].levels.values()]
    assert sum(level.reserved for level in levels) == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=8), st.integers(1, 9_999))
def test_no_fen_is_lost_however_a_line_is_cut(cuts: list[int], amount_fen: int) -> None:
    shop = Shop()
    order = shop.sold("A", line(1, "SHIRT", 9, amount_fen))
    for units in cuts:
        shipment = shop.work().live(order)[0]
        assert isinstance(shop.split(shipment, {(order, 1): units}), Decision)
        shop.work().check()
