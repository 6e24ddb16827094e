"""Units and fen are conserved over any sequence of what may befall an order, whatever the order of arrival.

What befalls it: gifts and bundles, merging and splitting, refunds by line and without, units stopped, reissues and
their undoing, cancellation, departures, signatures, a warehouse that answers when it likes. Laws (`laws`): every unit
is at exactly one stage; what is not to leave is stopped or called back; the lines' amounts are what they were; no more
goes back than came in. When all has arrived, stock stands behind exactly what is reserved, released or held back (what
was called back beside units that still leave is freed with the last of them), and what has left has left in a parcel.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, line, pay, place, said, signed
from tests.domain.packed import Shop
from tests.domain.test_catalog import SET, define
from tests.domain.test_gifts import rule
from tests.domain.test_line_refunds import refund, stop, told_by_platform
from tests.domain.test_reissues import reissue, undo

from tongdan.domain.fulfillment.commands import UndoPacking
from tongdan.domain.fulfillment.facts import LineUnits, Wanted
from tongdan.domain.kernel.messages import Command, Decision
from tongdan.domain.kernel.parts import share
from tongdan.domain.orders.axes import RefundStage, Stage
from tongdan.domain.orders.commands import CancelOrder, RecordRefund, RequestRefund
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order

STEPS = 25
ON_HAND = 90
SKUS = ("SHIRT", "HAT", "CUP", "POT")
RULES = (
    rule("cup", ("CUP", 2), skus=("SHIRT",), units_from=2),
    rule("scarce", ("GOLD", 1), units_from=1),
    rule("one", ("HAT", 1), units_from=1, limit_times=1),
)
LINES = (
    line(1, "SHIRT", 3, 10_000, native="N1"),
    line(2, "SET", 2, 5_001, native="N2"),
    line(3, "HAT", 1, 3_001, native="N3"),
)
SUM_FEN = sum(each.amount_fen for each in LINES)
OUT = (Stage.SHIPPED, Stage.SIGNED)


class Store(Shop):
    """A shop with gift rules, a bundle, and goods in one warehouse; nobody has any GOLD."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = replace(POLICY, gifts=RULES)
        self.told(define("SET", *SET))
        self.stocked(CUP=ON_HAND, POT=ON_HAND)


class Day:
    def __init__(self, draw: Any, *, own: bool) -> None:
        self.draw, self.own, self.shop = draw, own, Store()
        self.waiting: list[Command] = []
        self.orders = [self._own(n) if own else self._sold(n) for n in "AB"]

    def _own(self, native: str) -> str:
        lines = [
            Line(no=each.no, sku=each.sku, units=each.units, amount_fen=each.amount_fen) for each in LINES
        ]
        self.shop.tell(place(*lines, native=native))
        self.shop.catch_up()
        order = self.shop.names["MP", "mp-1", native]
        self.waiting.append(pay(order, SUM_FEN))
        return order

    def _sold(self, native: str) -> str:
        self.shop.tell(detail(*LINES, native=native, status="2", seconds=61, paid_at=after(60)))
        return self.shop.names["DY", "dy-1", native]

    def pick(self, things: Any) -> Any:
        return self.draw(st.sampled_from(sorted(things)))

    def some(self, order: str) -> tuple[int, int]:
        line = self.draw(st.sampled_from(self.shop.order(order).lines))
        return line.line.no, self.draw(st.integers(1, 3))

    def step(self) -> None:
        order = self.pick(self.orders)
        what = self.draw(st.sampled_from((*PEOPLE, *(OWN if self.own else PLATFORM), *MOVES)))
        getattr(self, "_" + what)(order)
        for each in self.orders:
            laws(self.shop, each)

    def ask(self, command: Command) -> None:
        """A person asks, and may be refused."""
        self.shop.tell(command)

    def _stop(self, order: str) -> None:
        self.ask(stop(order, self.some(order)))

    def _reissue(self, order: str) -> None:
        self.ask(reissue(order, self.some(order)))

    def _undo_reissue(self, order: str) -> None:
        self.ask(undo(order, self.draw(st.integers(1, 3))))

    def _refund_lines(self, order: str) -> None:
        amount_fen = self.draw(st.none() | st.integers(0, SUM_FEN))
        self.ask(refund(order, self.some(order), amount_fen=amount_fen))

    def _refund(self, order: str) -> None:
        self.ask(RequestRefund(order=order, amount_fen=self.draw(st.integers(1, SUM_FEN)), reason="goodwill"))

    def _refund_result(self, order: str) -> None:
        open_ = [each for each in self.shop.order(order).refunds if each.stage is RefundStage.REQUESTED]
        if open_:
            one = self.draw(st.sampled_from(open_))
            stage = self.draw(st.sampled_from([RefundStage.SUCCEEDED, RefundStage.FAILED]))
            self.shop.tell(
                RecordRefund(
                    order=order, refund=one.no, attempt=one.attempt, transaction=one.transaction,
                    amount_fen=one.amount_fen, stage=stage, reference="r", said_at=after(900),
                )
            )  # fmt: skip

    def _platform_refund(self, order: str) -> None:
        native, n = self.pick(["N1", "N2", "N3", "N9"]), self.draw(st.integers(1, 2))
        reference, amount_fen = self.pick(["A1", "A2", "A3"]), self.draw(st.integers(0, SUM_FEN))
        told = told_by_platform(order, (native, n), amount_fen=amount_fen, reference=reference)
        assert isinstance(self.shop.tell(told), Decision)

    def _cancel(self, order: str) -> None:
        if self.draw(st.integers(0, 3)):
            return
        if self.own:
            self.ask(CancelOrder(order=order, reason="buyer"))
        else:
            self.shop.tell(said("cancelled", 500, "4", native=self.shop.order(order).native))

    # -- parcels and messages

    def live(self) -> list[str]:
        return sorted({id for order in self.orders for id in self.shop.live(order)})

    def _merge(self, _: str) -> None:
        merging = self.shop.merging(*self.orders) if not self.own else None
        if merging is not None and merging.sources:
            self.shop.tell(merging)

    def _split(self, _: str) -> None:
        if not self.own and (live := self.live()):
            shipment = self.pick(live)
            order, no = self.pick(self.shop.contents(shipment))
            named = (Wanted("EAST", (LineUnits(order, no, self.draw(st.integers(1, 2))),)),)
            self.shop.tell(self.shop.packing("split", shipment.partition("-")[0], (shipment,), named))

    def _unpack(self, _: str) -> None:
        if formed := [id for id in self.shop.shipments() if len(id.rpartition("-S")[2]) > 3]:
            shipment = self.pick(formed)
            self.shop.tell(UndoPacking(order=shipment.partition("-")[0], shipment=shipment))

    def _leave(self, _: str) -> None:
        there = [id for id in self.live() if not self._being_stopped(id)]
        if there:
            shipment = self.pick(there)
            here = self.shop.states[shipment].still_to_leave()
            units, final = (None, True) if self.draw(st.booleans()) else ({here[0].sku: 1}, False)
            self.shop.tell(self.shop.leaving(shipment, final=final, units=units))

    def _being_stopped(self, shipment: str) -> bool:
        return any(getattr(each, "stopped", False) and each.shipment == shipment for each in self.waiting)  # type: ignore[attr-defined]

    def _sign(self, _: str) -> None:
        if out := [id for id, each in self.shop.shipments().items() if each.departures]:
            self.shop.tell(signed(self.pick(out), 9_000))

    def _answer(self, _: str) -> None:
        self.waiting += self.shop.answers()
        if self.waiting:
            self.shop.tell(self.waiting.pop(self.draw(st.integers(0, len(self.waiting) - 1))))

    def _lane(self, _: str) -> None:
        if self.shop.lanes:
            self.shop.step(self.pick(self.shop.lanes))

    def _everything(self, _: str = "") -> None:
        for _n in range(9):
            self.waiting += self.shop.answers()
            for each in self.waiting:
                self.shop.send(each)
            self.waiting.clear()
            self.shop.catch_up()
            self.shop.work()

    def send_all(self) -> None:
        """Every shipment leaves with all that its warehouse still has."""
        for shipment, state in list(self.shop.shipments().items()):
            if state.still_to_leave():
                self.shop.leave(shipment)
        self._everything()


PEOPLE = ("stop", "reissue", "undo_reissue", "cancel")
OWN = ("refund_lines", "refund_lines", "refund", "refund_result")
PLATFORM = ("platform_refund", "platform_refund", "merge", "split", "split", "unpack")
MOVES = ("leave", "sign", "answer", "lane", "lane", "everything", "everything")


def laws(centre: Centre, id: str) -> None:
    """What holds after every single step."""
    order: Order = centre.order(id)
    for each in order.lines:
        assert sum(each.at(stage) for stage in Stage) == each.line.units
        assert min(each.at(stage) for stage in Stage) >= 0
        assert 0 <= each.apart <= each.called_back <= each.released
        assert 0 <= each.withdrawn - each.called_back <= each.stopped
        assert 0 <= each.refunded <= each.line.units
        assert each.line.amount_fen == 0 or not (each.line.gift or each.line.replaces)
    assert sum(each.line.amount_fen for each in order.lines) == SUM_FEN == order.amount_fen
    going = [each for each in order.refunds if each.stage is not RefundStage.FAILED]
    assert sum(each.amount_fen for each in going) <= order.owed_fen <= order.received_fen
    if order.paid is not None:
        assert order.platform_refunded_fen <= order.paid.amount_fen


def settled(shop: Shop, orders: list[str]) -> None:
    """What holds when all has arrived."""
    wanted, left, late = Counter[str](), Counter[str](), Counter[str]()
    lies = Counter[tuple[str, int]]()
    for shipment in shop.shipments().values():
        for item in shipment.still_to_leave():
            lies[shipment.owner(item), item.line] += item.units
    for id in orders:
        order: Order = shop.order(id)
        assert order.early == ()
        for each in order.lines:
            held = 0 if order.cancelled else each.held_back
            wanted[each.line.sku] += each.reserved + each.released + held
            late[each.line.sku] += each.withdrawn - each.called_back if each.released else 0
            left[each.line.sku] += each.at(Stage.SHIPPED) + each.at(Stage.SIGNED)
            assert lies[id, each.line.no] == each.released, f"{id} {each.line.no}"
            gone = sum(u.units for parcel in order.parcels for u in parcel.units if u.line == each.line.no)
            assert gone == each.shipped + each.signed
    for sku in SKUS:
        level = shop.states[f"stock/{sku}"].levels["EAST"]
        assert wanted[sku] <= level.reserved <= wanted[sku] + late[sku], sku
        assert (sku, level.on_hand) == (sku, ON_HAND - left[sku])
    assert {key: shop.folded(key) for key in shop.states} == shop.states


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans())
def test_whatever_befalls_orders_no_unit_and_no_fen_is_lost(data: Any, own: bool) -> None:
    day = Day(data.draw, own=own)
    for _ in range(STEPS):
        day.step()
    day._everything()
    for order in day.orders:
        laws(day.shop, order)
    settled(day.shop, day.orders)
    day.send_all()
    assert all(day.shop.order(order).units(Stage.RELEASED) == 0 for order in day.orders)
    settled(day.shop, day.orders)


@given(st.integers(0, 10**13), st.integers(1, 100_000), st.data())
def test_an_amount_taken_by_units_is_taken_whole(amount_fen: int, units: int, data: Any) -> None:
    """Whatever the cuts, each share is within a fen of the exact one and the last leaves nothing."""
    cuts = sorted({0, units, *data.draw(st.lists(st.integers(0, units), max_size=20))})
    shares = [share(amount_fen, units, at, to - at) for at, to in pairwise(cuts)]
    assert sum(shares) == amount_fen
    for fen, (at, to) in zip(shares, pairwise(cuts), strict=True):
        assert abs(fen * units - amount_fen * (to - at)) < units
