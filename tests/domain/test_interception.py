"""A parcel nobody wants any more is turned back by its carrier: each step is proven, and money waits for the goods."""

from itertools import permutations

import pytest
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, left, pay, platform_order, said

from tongdan.domain.fulfillment.commands import (
    PlanShipment,
    RecallShipment,
    RecordInterception,
    RecordRecall,
    RecordTracks,
)
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.intercept_facts import InterceptParcel
from tongdan.domain.kernel.policy import CarrierMap
from tongdan.domain.kernel.status import Status
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import CancelOrder
from tongdan.domain.orders.money.refund_facts import RefundPayment
from tongdan.domain.orders.status import status

SF = CarrierMap(
    code="SF", name_zh="顺丰", name_en="SF", zone="Asia/Shanghai", intercepts=True,
    statuses={"50": "picked_up", "99": "returned", "80": "signed"},
)  # fmt: skip
SILENT = replace(SF, intercepts=False)


def centre_with(carrier: CarrierMap = SF) -> Centre:
    return Centre(replace(POLICY, carriers={"SF": carrier})).stocked(SHIRT=5)


def own(centre: Centre) -> str:
    order = centre.placed()
    centre.told(pay(order))
    assert status(centre.order(order)) is Status.RELEASED
    return order


def tracks(shipment: str, *nodes: tuple[str, float], waybill: str = "W1") -> RecordTracks:
    return RecordTracks(
        shipment=shipment,
        tracks=tuple(Track(carrier="SF", waybill=waybill, code=code, at=after(at)) for code, at in nodes),
    )


def answer(shipment: str, accepted: bool = True, dispatch: str = "") -> RecordInterception:
    return RecordInterception(
        shipment=shipment,
        dispatch=dispatch or f"{shipment}.1",
        accepted=accepted,
        reason="" if accepted else "8252",
    )


def caught(centre: Centre, order: str) -> str:
    """Cancelled while the warehouse was at it; the parcel left, and its carrier has agreed to turn it back."""
    shipment = f"{order}-S1"
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(RecordRecall(shipment=shipment, stopped=False, reason="left"))
    assert centre.effects_of(InterceptParcel) == []  # nothing has been confirmed yet
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    (asked,) = centre.effects_of(InterceptParcel)
    assert (asked.partner, asked.waybill, asked.dispatch) == ("carrier/SF", "W1", f"{shipment}.1")
    assert centre.told(answer(shipment)) == ["InterceptionAccepted"]
    assert centre.told(answer(shipment)) == []
    return shipment


def test_from_the_warehouses_no_to_the_parcel_that_is_back_and_only_then_the_money() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = caught(centre, order)
    assert centre.tickets() == {(shipment, "recall-failed"), (order, "left-after-cancel")}
    assert centre.effects_of(RefundPayment) == []
    assert centre.told(tracks(shipment, ("50", 110), ("99", 200))) == ["ParcelTracked"] * 2
    assert centre.effects_of(RefundPayment) == []
    assert centre.told(tracks(shipment, ("80", 300))) == ["ParcelTracked", "ParcelReturned"]
    (refund,) = centre.effects_of(RefundPayment)
    assert refund.amount_fen == 9_900
    assert centre.order(order).units(Stage.STOPPED) == 1
    assert centre.order(order).parcels[0].returned_at == after(300)
    assert centre.tickets() == set()
    assert status(centre.order(order)) is Status.REFUND_PENDING


@pytest.mark.parametrize("nodes", list(permutations([("50", 110), ("99", 200), ("80", 300)])))
def test_the_order_in_which_nodes_arrive_does_not_matter(nodes: tuple[tuple[str, float], ...]) -> None:
    centre = centre_with()
    shipment = caught(centre, own(centre))
    for node in nodes:
        centre.told(tracks(shipment, node))
    assert "ShipmentSigned" not in centre.facts()
    assert centre.facts().count("ParcelReturned") == 1
    assert centre.states[shipment] == centre.folded(shipment)
    assert centre.wake_at(shipment, centre.states[shipment]) is None


def test_a_signature_of_what_is_to_turn_back_is_not_the_buyers() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = caught(centre, order)
    assert centre.told(tracks(shipment, ("80", 300))) == ["ParcelTracked"]
    assert centre.order(order).units(Stage.SIGNED) == 0
    assert centre.wake_at(shipment, centre.states[shipment]) is not None  # the carrier will be asked


def test_a_carrier_that_refuses_is_a_ticket_and_the_parcel_goes_its_way() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = f"{order}-S1"
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    assert centre.told(answer(shipment, accepted=False)) == ["InterceptionRefused"]
    assert (shipment, f"interception-refused:{shipment}.1") in centre.tickets()
    assert centre.told(tracks(shipment, ("80", 300))) == ["ParcelTracked", "ShipmentSigned"]
    assert centre.order(order).units(Stage.SIGNED) == 1
    assert centre.effects_of(RefundPayment) == []


def test_a_parcel_that_comes_back_although_the_carrier_had_refused_is_back() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = f"{order}-S1"
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    centre.told(answer(shipment, accepted=False))
    centre.told(tracks(shipment, ("99", 200), ("80", 300)))
    assert centre.tickets() == set()
    assert len(centre.effects_of(RefundPayment)) == 1


def test_a_carrier_that_cannot_be_asked_leaves_it_to_a_person() -> None:
    centre = centre_with(SILENT)
    order = own(centre)
    shipment = f"{order}-S1"
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    assert centre.effects_of(InterceptParcel) == []
    assert (order, "left-after-cancel") in centre.tickets()


def test_a_platforms_refund_of_what_is_on_its_way_turns_the_parcel_back() -> None:
    centre = centre_with()
    centre.told(said("paid", 1, "2"))
    centre.told(detail(status="2", paid_at=after(1)))
    order = platform_order(centre)
    shipment = f"{order}-S1"
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    told = centre.told(said("other", 150, "21"))
    assert told == ["ChannelReported", "ParcelsWantedBack"]
    assert centre.told(said("other", 160, "21")) == ["ChannelReported"]
    assert [effect.waybill for effect in centre.effects_of(InterceptParcel)] == ["W1"]
    centre.told(answer(shipment))
    centre.told(tracks(shipment, ("99", 200), ("80", 300)))
    assert centre.tickets() == set()
    assert centre.effects_of(RefundPayment) == []  # the platform has paid the buyer


def test_a_parcel_the_buyer_refused_comes_back_and_is_a_ticket() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = f"{order}-S1"
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    told = centre.told(tracks(shipment, ("99", 200), ("80", 300)))
    assert told == ["ParcelTracked", "ParcelTracked", "ParcelReturned"]
    assert centre.tickets() == {(order, "parcel-returned")}
    assert centre.effects_of(RefundPayment) == []
    assert centre.told(CancelOrder(order=order, reason="refused")) == ["OrderCancelled"]
    assert [effect.amount_fen for effect in centre.effects_of(RefundPayment)] == [9_900]
    assert (shipment, "recall-failed") not in centre.tickets()


def test_what_was_signed_is_not_asked_for() -> None:
    centre = centre_with()
    order = own(centre)
    shipment = f"{order}-S1"
    centre.told(left(shipment, "W1", ("SHIRT", 1)))
    centre.told(tracks(shipment, ("80", 150)))
    centre.told(RecallShipment(shipment=shipment, reason="late"))
    assert centre.effects_of(InterceptParcel) == []
    assert centre.tickets() == {(shipment, "recall-failed")}


def test_a_parcel_of_two_orders_is_turned_back_when_neither_wants_it() -> None:
    centre = centre_with()
    first, second = "MP20260127000001", "MP20260127000257"
    shipment = f"{first}-S1"
    items = (Item(1, "SHIRT", 1), Item(1, "SHIRT", 1, order=second, native="C-2"))
    centre.tell(
        PlanShipment(
            shipment=shipment, order=first, channel="MP", shop="mp-1", native="C-1", warehouse="EAST", items=items,
            placed_at=after(0), region="浙江",
        )
    )  # fmt: skip
    centre.tell(left(shipment, "W1", ("SHIRT", 2)))
    centre.tell(RecallShipment(shipment=shipment, reason="cancelled", order=second))
    assert centre.effects_of(InterceptParcel) == []
    assert centre.facts(shipment)[-2:] == ["RecallRequested", "RecallFailed"]
    centre.tell(RecallShipment(shipment=shipment, reason="cancelled", order=first))
    assert [effect.waybill for effect in centre.effects_of(InterceptParcel)] == ["W1"]
