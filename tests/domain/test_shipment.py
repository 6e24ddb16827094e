"""A shipment hears a warehouse that reports twice, late, in any order, and with the quirks of real ones."""

from itertools import permutations
from typing import Any

import pytest
from tests.domain.centre import NOON, Centre, after

from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    HandOverAgain,
    Package,
    PackageItem,
    PlanShipment,
    RecallShipment,
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsProcess,
    RecordWmsRefused,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, Item, PushToWms
from tongdan.domain.fulfillment.shipment import Shipment, ShipmentStage
from tongdan.domain.kernel.messages import Command

ORDER = "DY20260127000892"
ID = f"{ORDER}-S1"


class Dock(Centre):
    """A centre whose shipments are asked directly: what follows from them is not of interest here."""

    def send(self, command: Command) -> Any:
        return self.tell(command)

    @property
    def shipment(self) -> Shipment:
        return self.states[ID]  # type: ignore[no-any-return]

    def moved(self) -> list[tuple[str, list[tuple[int, int]]]]:
        """(fact, [(line, units)]) of all facts that carry units."""
        return [
            (type(fact).__name__, [(item.line, item.units) for item in fact.items])
            for _, fact in self.journal
            if hasattr(fact, "items") and type(fact).__name__ != "ShipmentPlanned"
        ]


def plan(*items: tuple[int, str, int]) -> PlanShipment:
    return PlanShipment(
        shipment=ID,
        order=ORDER,
        channel="DY",
        shop="dy-1",
        native="4781",
        warehouse="EAST",
        items=tuple(Item(no, sku, units, 100) for no, sku, units in items),
        placed_at=NOON,
        region="浙江",
    )


def confirm(*packages: Package, final: bool = True, seconds: float = 100, code: str = "c") -> ConfirmDelivery:
    return ConfirmDelivery(
        shipment=ID,
        warehouse="EAST",
        packages=packages,
        final=final,
        confirmed_at=after(seconds),
        out_biz_code=code,
    )


def package(waybill: str, **units: int) -> Package:
    return Package("STO2", waybill, 0, tuple(PackageItem(sku, n) for sku, n in units.items()))


def step(status: str, seconds: float) -> RecordWmsProcess:
    return RecordWmsProcess(shipment=ID, status=status, operated_at=after(seconds))


@pytest.fixture
def dock() -> Any:
    """Three A on line 1, one B on line 2, one more A on line 3."""
    dock = Dock()
    dock.told(plan((1, "A", 3), (2, "B", 1), (3, "A", 1)))
    yield dock
    assert dock.folded(ID) == dock.shipment


ALL = package("W1", A=4, B=1)


def test_a_planned_shipment_is_pushed_once(dock: Dock) -> None:
    assert dock.told(plan((1, "A", 3))) == []
    (push,) = dock.effects_of(PushToWms)
    assert (push.partner, push.shipment, len(push.items)) == ("wms/EAST", ID, 3)


def test_accepted_and_every_step_are_evidence(dock: Dock) -> None:
    accepted = RecordWmsAccepted(shipment=ID, wms_order="W")
    assert dock.told(accepted) == ["WmsAccepted"]
    assert dock.told(accepted) == []
    assert dock.told(step("PICK", 20)) == ["WmsProcessed"]
    assert dock.told(step("PICK", 20)) == []
    assert dock.told(step("ACCEPT", 10)) == ["WmsProcessed"]
    assert (dock.shipment.process, dock.shipment.process_at) == ("PICK", after(20))
    assert dock.told(step("DELIVERED", 30)) == ["WmsProcessed"]
    assert dock.shipment.stage is ShipmentStage.ACCEPTED


def test_of_two_steps_at_one_second_the_same_one_is_shown_however_they_arrive() -> None:
    shown = set()
    for names in (("PICK", "PACKAGE"), ("PACKAGE", "PICK")):
        dock = Dock()
        dock.told(plan((1, "A", 1)))
        for name in names:
            dock.told(step(name, 20))
        shown.add(dock.shipment.process)
    assert shown == {"PICK"}


def test_items_are_matched_by_sku_over_the_lines_in_order(dock: Dock) -> None:
    assert dock.told(confirm(ALL)) == ["ShipmentDispatched"]
    assert dock.moved() == [("ShipmentDispatched", [(1, 3), (2, 1), (3, 1)])]
    assert dock.shipment.stage is ShipmentStage.DISPATCHED


def test_a_confirmation_told_again_moves_nothing(dock: Dock) -> None:
    dock.told(confirm(ALL))
    assert dock.told(confirm(ALL)) == []
    assert dock.told(confirm(ALL, code="other", seconds=500)) == []
    assert dock.told(confirm(ALL, final=False)) == []


def test_intermediate_confirmations_may_be_cumulative(dock: Dock) -> None:
    dock.told(confirm(package("W1", A=2), final=False))
    assert dock.shipment.stage is ShipmentStage.PARTLY_DISPATCHED
    dock.told(confirm(package("W1", A=2), package("W2", A=2, B=1), seconds=200))
    assert dock.moved() == [
        ("ShipmentDispatched", [(1, 2)]),
        ("ShipmentDispatched", [(1, 1), (2, 1), (3, 1)]),
    ]
    assert [d.dispatch for d in dock.shipment.departures] == [f"{ID}.1", f"{ID}.2"]


def test_parcels_without_waybill_are_told_by_their_confirmation(dock: Dock) -> None:
    blank = confirm(package("", A=2), package("", A=1), final=False, code="c1")
    dock.told(blank)
    assert dock.told(blank) == []
    dock.told(confirm(package("", A=1, B=1), code="c2"))
    assert dock.moved() == [("ShipmentDispatched", [(1, 3)]), ("ShipmentDispatched", [(2, 1), (3, 1)])]


def test_what_is_missing_at_the_end_is_short(dock: Dock) -> None:
    assert dock.told(confirm(package("W1", A=3))) == ["ShipmentDispatched", "ShipmentShort"]
    assert dock.moved()[-1] == ("ShipmentShort", [(2, 1), (3, 1)])
    assert dock.told(confirm(package("W1", A=3))) == []
    dock.told(step("SIGN", 300))
    assert dock.shipment.stage is ShipmentStage.SIGNED


def test_what_was_short_may_still_come(dock: Dock) -> None:
    dock.told(confirm(package("W1", A=3), seconds=200))
    assert dock.told(confirm(package("W2", A=1, B=1), final=False)) == ["ShipmentDispatched"]
    assert dock.shipment.stage is ShipmentStage.DISPATCHED


def test_what_was_never_asked_for_is_surplus_once(dock: Dock) -> None:
    much = confirm(package("W1", A=5, B=1, C=2))
    assert dock.told(much) == ["ShipmentDispatched", "ShipmentSurplus"]
    assert [(item.sku, item.units) for item in dock.journal[-1][1].items] == [("A", 1), ("C", 2)]  # type: ignore[attr-defined]
    assert dock.told(much) == []
    assert dock.shipment.stage is ShipmentStage.DISPATCHED


def test_a_parcel_of_strangers_moves_no_unit_of_ours(dock: Dock) -> None:
    assert dock.told(confirm(package("W1", C=1), final=False)) == ["ShipmentSurplus"]
    assert dock.shipment.stage is ShipmentStage.PLANNED
    assert dock.told(RecordWmsRefused(shipment=ID, reason="r")) == ["WmsRefused"]


# ---- signatures


def test_a_signature_before_its_confirmation_waits(dock: Dock) -> None:
    assert dock.told(step("SIGN", 300)) == ["WmsProcessed"]
    assert dock.told(confirm(ALL, seconds=100)) == ["ShipmentDispatched", "ShipmentSigned"]
    assert dock.shipment.stage is ShipmentStage.SIGNED
    assert dock.told(step("SIGN", 300)) == []


def test_a_confirmation_that_is_dated_after_its_signature_is_still_the_one_signed_for(dock: Dock) -> None:
    dock.told(step("SIGN", 300))
    assert dock.told(confirm(ALL, seconds=400)) == ["ShipmentDispatched", "ShipmentSigned"]


def test_a_signature_covers_what_had_left_by_then() -> None:
    reports = [
        confirm(package("W1", A=2), final=False, seconds=100),
        step("SIGN", 200),
        confirm(package("W2", A=1), final=False, seconds=300),
        confirm(package("W3", A=1, B=1), seconds=400),
    ]
    ends = set()
    for order in permutations(reports):
        dock = Dock()
        dock.told(plan((1, "A", 4), (2, "B", 1)))
        for report in (*order, *order):
            dock.told(report)
        signed = frozenset(d.waybill for d in dock.shipment.departures if d.signed)
        ends.add((dock.shipment.stage, frozenset(dock.shipment.left().items()), "W1" in signed))
        assert dock.told(step("SIGN", 500)) == ["WmsProcessed", "ShipmentSigned"]
        assert dock.shipment.stage is ShipmentStage.SIGNED
    assert ends == {(ShipmentStage.DISPATCHED, frozenset({(("", 1), 4), (("", 2), 1)}), True)}


# ---- refused and recalled


def test_a_refusal_stops_what_has_not_left(dock: Dock) -> None:
    refused = RecordWmsRefused(shipment=ID, reason="no such item")
    assert dock.told(refused) == ["WmsRefused"]
    assert dock.told(refused) == []
    assert dock.told(confirm(ALL)) == ["ShipmentDispatched"]
    assert dock.told(refused) == []


@pytest.mark.parametrize("status", ["REJECT", "CANCELED", "CLOSED"])
def test_a_warehouse_may_give_up_by_a_step(dock: Dock, status: str) -> None:
    assert dock.told(step(status, 50)) == ["WmsProcessed", "WmsRefused"]
    assert dock.told(RecordWmsRefused(shipment=ID, reason=status)) == []


def test_a_recall_withdraws_the_push_and_cancels_in_any_case(dock: Dock) -> None:
    recall = RecallShipment(shipment=ID, reason="buyer")
    assert dock.told(recall) == ["RecallRequested"]
    assert dock.told(recall) == []
    assert dock.withdrawn == [(ID, "PushToWms")]
    (cancel,) = dock.effects_of(CancelAtWms)
    assert (cancel.partner, cancel.shipment, cancel.reason) == ("wms/EAST", ID, "buyer")
    stopped = RecordRecall(shipment=ID, stopped=True, reason="ok")
    assert dock.told(stopped) == ["ShipmentRecalled"]
    assert dock.told(stopped) == []
    assert dock.moved() == [("ShipmentRecalled", [(1, 3), (2, 1), (3, 1)])]


def test_a_cancel_may_be_answered_by_a_step(dock: Dock) -> None:
    dock.told(RecallShipment(shipment=ID, reason="buyer"))
    assert dock.told(step("CANCELED", 50)) == ["WmsProcessed", "ShipmentRecalled"]
    assert dock.told(RecordRecall(shipment=ID, stopped=True, reason="ok")) == []


def test_a_recall_that_fails_is_told_once(dock: Dock) -> None:
    dock.told(RecallShipment(shipment=ID, reason="buyer"))
    no = RecordRecall(shipment=ID, stopped=False, reason="packed")
    assert dock.told(no) == ["RecallFailed"]
    assert dock.told(no) == []
    assert dock.told(confirm(ALL)) == ["ShipmentDispatched"]


def test_a_recall_of_what_has_left_fails_and_asks_nobody(dock: Dock) -> None:
    dock.told(confirm(ALL))
    assert dock.told(RecallShipment(shipment=ID, reason="buyer")) == ["RecallRequested", "RecallFailed"]
    assert dock.effects_of(CancelAtWms) == []
    assert dock.withdrawn == []


def test_a_recall_of_half_a_shipment_calls_back_the_other_half(dock: Dock) -> None:
    dock.told(confirm(package("W1", A=3), final=False))
    assert dock.told(RecallShipment(shipment=ID, reason="buyer")) == ["RecallRequested", "RecallFailed"]
    assert len(dock.effects_of(CancelAtWms)) == 1
    assert dock.told(RecordRecall(shipment=ID, stopped=True, reason="ok")) == ["ShipmentRecalled"]
    assert dock.moved()[-1] == ("ShipmentRecalled", [(2, 1), (3, 1)])
    assert dock.told(confirm(package("W1", A=3))) == []


def test_what_leaves_in_spite_of_the_recall_has_left(dock: Dock) -> None:
    dock.told(RecallShipment(shipment=ID, reason="buyer"))
    dock.told(RecordRecall(shipment=ID, stopped=True, reason="ok"))
    assert dock.told(confirm(ALL)) == ["ShipmentDispatched"]
    assert dock.shipment.stage is ShipmentStage.DISPATCHED


def test_a_closing_confirmation_of_what_was_recalled_is_not_short(dock: Dock) -> None:
    dock.told(RecallShipment(shipment=ID, reason="buyer"))
    dock.told(RecordRecall(shipment=ID, stopped=True, reason="ok"))
    assert dock.told(confirm()) == []


# ---- told again


def again(partner: str = "wms/EAST") -> HandOverAgain:
    return HandOverAgain(shipment=ID, partner=partner)


def test_a_warehouse_that_has_not_heard_of_a_shipment_is_handed_the_same_again(dock: Dock) -> None:
    first, *_ = dock.effects_of(PushToWms)
    assert dock.told(again()) == ["WmsToldAgain"]
    assert dock.effects_of(PushToWms)[1:] == [first]
    dock.told(RecordWmsAccepted(shipment=ID, wms_order="W-1"))
    assert dock.told(again()) == ["WmsToldAgain"]


def test_a_warehouse_that_has_not_heard_of_a_recall_is_asked_again(dock: Dock) -> None:
    dock.told(RecallShipment(shipment=ID, reason="cancelled"))
    dock.told(RecordRecall(shipment=ID, stopped=True, reason=""))
    assert dock.told(again()) == ["WmsToldAgain"]
    first, second = dock.effects_of(CancelAtWms)
    assert first == second
    assert len(dock.effects_of(PushToWms)) == 1
    assert dock.told(RecordRecall(shipment=ID, stopped=True, reason="")) == []


def test_what_has_left_was_refused_or_lies_elsewhere_is_told_nobody_again(dock: Dock) -> None:
    assert dock.told(again("wms/SOUTH")) == []
    dock.told(RecordWmsRefused(shipment=ID, reason="no such article"))
    assert dock.told(again()) == []
    dock.told(confirm(ALL))
    assert dock.told(again()) == []
    assert len(dock.effects_of(PushToWms)) == 1
