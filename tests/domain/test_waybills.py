"""Promises of numbers that the seller takes: one live number a parcel, none left live that nobody uses, none reused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import POLICY, Centre, after, left, line, pay

from tongdan.domain.fulfillment.commands import CallBack, RecallShipment, RecordRecall, RecordWmsRefused
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.fulfillment.shipment import Label, LabelStage
from tongdan.domain.fulfillment.waybill_commands import (
    GiveUpWaybill,
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
    TakeWaybill,
)
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill
from tongdan.domain.fulfillment.waybills import MAX_LABELS
from tongdan.domain.kernel.policy import CarrierMap, Policy, WaybillTerms
from tongdan.domain.orders.commands import CancelOrder


def carrier(code: str, *channels: str, through: str = "sf") -> CarrierMap:
    terms = WaybillTerms(through=through, channels=channels) if channels else None
    return CarrierMap(code=code, name_zh=code, name_en=code, zone="Asia/Shanghai", waybill=terms)


def policy(waybill: str = "seller", *channels: str) -> Policy:
    east = msgspec.structs.replace(POLICY.warehouses["EAST"], waybill=waybill, carrier="SF")
    carriers = {
        "SF": carrier("SF", *(channels or ("MP",))),
        "ZTO": carrier("ZTO", "MP"),
        "YTO": carrier("YTO"),
    }
    return msgspec.structs.replace(POLICY, warehouses={**POLICY.warehouses, "EAST": east}, carriers=carriers)


def sold(how: Policy | None = None) -> tuple[Centre, str]:
    """A centre with one paid order of two shirts in the east warehouse, and its shipment."""
    centre = Centre(how or policy()).stocked(SHIRT=9)
    order = centre.placed(line(units=2))
    centre.told(pay(order))
    return centre, f"{order}-S1"


def got(shipment: str, waybill: str = "SF1", no: int = 1) -> RecordWaybill:
    return RecordWaybill(shipment=shipment, key=shipment if no == 1 else f"{shipment}.{no}", waybill=waybill)


def labels(centre: Centre, shipment: str) -> list[tuple[str, str]]:
    state: Any = centre.states[shipment]
    return [(label.waybill, label.stage.name) for label in state.labels]


def test_the_warehouse_hears_of_a_shipment_together_with_its_number() -> None:
    centre, shipment = sold()
    (get,) = centre.effects_of(GetWaybill)
    assert (get.partner, get.key, get.natives) == ("carrier/SF", shipment, ("C-1",))
    assert centre.effects_of(PushToWms) == []
    assert centre.told(got(shipment)) == ["WaybillGot"]
    (push,) = centre.effects_of(PushToWms)
    assert (push.carrier, push.waybill, push.shipment) == ("SF", "SF1", shipment)
    assert centre.folded(shipment) == centre.states[shipment]


def test_by_default_the_warehouse_takes_the_number_and_nothing_is_asked() -> None:
    centre, shipment = sold(policy("warehouse"))
    assert centre.effects_of(GetWaybill) == []
    (push,) = centre.effects_of(PushToWms)
    assert (push.carrier, push.waybill) == ("", "")
    assert centre.facts(shipment) == ["ShipmentPlanned"]


def test_receivers_a_carrier_cannot_be_given_leave_the_number_to_the_warehouse_and_say_so() -> None:
    centre, shipment = sold(policy("seller", "TB"))
    assert centre.effects_of(GetWaybill) == []
    assert len(centre.effects_of(PushToWms)) == 1
    assert centre.facts(shipment) == ["ShipmentPlanned", "WaybillLeft"]


def test_a_number_told_twice_is_one_and_a_second_number_goes_back() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    assert centre.told(got(shipment)) == []
    assert centre.effects_of(CancelWaybill) == []
    assert centre.told(got(shipment, "SF2")) == ["WaybillDropped"]
    (cancel,) = centre.effects_of(CancelWaybill)
    assert (cancel.key, cancel.waybill) == (shipment, "SF2")
    done = RecordWaybillCancelled(shipment=shipment, key=shipment, waybill="SF2", cancelled=True)
    assert centre.told(done) == ["WaybillCancelled"]
    assert labels(centre, shipment) == [("SF1", "LIVE"), ("SF2", "CANCELLED")]
    assert len(centre.effects_of(PushToWms)) == 1
    assert centre.folded(shipment) == centre.states[shipment]


def test_a_parcel_cancelled_before_its_number_came_never_reaches_the_warehouse() -> None:
    centre, shipment = sold()
    centre.told(CancelOrder(order=shipment.partition("-")[0], reason="changed my mind"))
    assert centre.effects_of(CancelAtWms) == centre.effects_of(PushToWms) == []
    assert "ShipmentRecalled" in centre.facts(shipment)
    assert (shipment, "GetWaybill") in centre.withdrawn
    (cancel,) = centre.effects_of(CancelWaybill)
    assert (cancel.key, cancel.waybill) == (shipment, "")
    # it was on its way already: the number comes, is not used, and goes back by the cancel that waits behind it
    assert centre.told(got(shipment)) == ["WaybillGot"]
    assert centre.effects_of(PushToWms) == []
    done = RecordWaybillCancelled(shipment=shipment, key=shipment, waybill="", cancelled=True)
    assert centre.told(done) == ["WaybillCancelled"]
    assert labels(centre, shipment) == [("SF1", "CANCELLED")]
    assert centre.folded(shipment) == centre.states[shipment]


def test_a_number_is_cancelled_when_the_warehouse_has_stopped_the_parcel_and_not_before() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(RecallShipment(shipment=shipment, reason="cancelled"))
    assert len(centre.effects_of(CancelAtWms)) == 1
    assert centre.effects_of(CancelWaybill) == []
    centre.told(RecordRecall(shipment=shipment, stopped=True, reason=""))
    assert len(centre.effects_of(CancelWaybill)) == 1


def test_a_parcel_that_left_before_it_could_be_stopped_keeps_its_number() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(RecallShipment(shipment=shipment, reason="cancelled"))
    centre.told(left(shipment, "SF1", ("SHIRT", 2)))
    centre.told(RecordRecall(shipment=shipment, stopped=False, reason="left"))
    assert centre.effects_of(CancelWaybill) == []
    assert labels(centre, shipment) == [("SF1", "LIVE")]


@pytest.mark.parametrize(
    ("waybill", "units", "goes_back"),
    [("SF1", 2, False), ("SF9", 2, True), ("", 2, False), ("SF1", 1, False), ("SF9", 1, True)],
)
def test_only_a_number_under_which_nothing_left_goes_back(waybill: str, units: int, goes_back: bool) -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(left(shipment, waybill, ("SHIRT", units)))
    assert len(centre.effects_of(CancelWaybill)) == goes_back


def test_what_the_warehouse_refuses_gives_its_number_back() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(RecordWmsRefused(shipment=shipment, reason="not filed"))
    assert labels(centre, shipment) == [("SF1", "DROPPED")]
    assert len(centre.effects_of(CancelWaybill)) == 1


def test_packed_anew_before_its_number_came_it_gives_its_units_at_once() -> None:
    centre, shipment = sold()
    order = shipment.partition("-")[0]
    told = centre.tell(CallBack(shipment=shipment, packing=order, job=1, shop="mp-1"))
    assert [type(fact).__name__ for fact in told.facts] == ["CalledBack", "UnitsGiven", "WaybillDropped"]  # type: ignore[union-attr]
    assert centre.effects_of(CancelAtWms) == []
    assert centre.folded(shipment) == centre.states[shipment]


def test_a_refused_number_is_a_ticket_and_a_person_asks_again_under_another_key() -> None:
    centre, shipment = sold()
    assert centre.refused(TakeWaybill(shipment=shipment)).name == "waybill-asked"
    centre.told(RecordWaybillRefused(shipment=shipment, key=shipment, reason="out of range"))
    assert centre.tickets() == {(shipment, "waybill-refused")}
    assert centre.refused(TakeWaybill(shipment=shipment, carrier="YTO")).name == "carrier-gives-no-numbers"
    assert centre.told(TakeWaybill(shipment=shipment, carrier="ZTO")) == ["WaybillAsked"]
    assert centre.tickets() == set()
    assert [(each.partner, each.key) for each in centre.effects_of(GetWaybill)] == [
        ("carrier/SF", shipment), ("carrier/ZTO", f"{shipment}.2")
    ]  # fmt: skip
    centre.told(got(shipment, "ZTO1", no=2))
    (push,) = centre.effects_of(PushToWms)
    assert (push.carrier, push.waybill) == ("ZTO", "ZTO1")
    assert centre.refused(TakeWaybill(shipment=shipment)).name == "warehouse-takes-number"
    assert centre.effects_of(CancelWaybill) == []


def test_a_person_leaves_the_number_to_the_warehouse_until_it_has_been_told() -> None:
    centre, shipment = sold()
    give_up = GiveUpWaybill(shipment=shipment, reason="the carrier is on strike")
    assert centre.told(give_up) == ["WaybillDropped", "WaybillLeft"]
    (push,) = centre.effects_of(PushToWms)
    assert push.waybill == ""
    assert len(centre.effects_of(CancelWaybill)) == 1
    assert centre.refused(give_up).name == "waybill-in-use"
    centre.told(got(shipment))  # late, and not used
    assert len(centre.effects_of(PushToWms)) == 1
    plain, other = sold(policy("warehouse"))
    assert plain.refused(GiveUpWaybill(shipment=other, reason="x")).name == "no-waybill"


def test_a_refused_parcel_that_is_cancelled_closes_its_ticket_and_cancels_nothing() -> None:
    centre, shipment = sold()
    centre.told(RecordWaybillRefused(shipment=shipment, key=shipment, reason="out of range"))
    centre.told(RecallShipment(shipment=shipment, reason="cancelled"))
    assert (shipment, "waybill-refused") not in centre.tickets()
    assert centre.effects_of(CancelWaybill) == []
    assert centre.refused(TakeWaybill(shipment=shipment)).name == "nothing-to-send"


def test_a_number_the_carrier_will_not_cancel_is_a_ticket() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(RecordWmsRefused(shipment=shipment, reason="not filed"))
    no = RecordWaybillCancelled(
        shipment=shipment, key=shipment, waybill="SF1", cancelled=False, reason="8252"
    )
    assert centre.told(no) == ["WaybillNotCancelled"]
    assert (shipment, "waybill-not-cancelled") in centre.tickets()
    assert centre.told(no) == []


def test_a_parcel_that_left_under_a_number_given_back_is_a_ticket() -> None:
    centre, shipment = sold()
    centre.told(got(shipment))
    centre.told(RecordWmsRefused(shipment=shipment, reason="not filed"))
    told = centre.told(left(shipment, "SF1", ("SHIRT", 2)))
    assert told == ["ShipmentDispatched", "WaybillNotCancelled"]
    assert (shipment, "waybill-not-cancelled") in centre.tickets()
    done = RecordWaybillCancelled(shipment=shipment, key=shipment, waybill="SF1", cancelled=True)
    assert centre.told(done) == []
    assert len(centre.effects_of(CancelWaybill)) == 1
    assert centre.folded(shipment) == centre.states[shipment]


def test_a_label_is_given_out_only_of_a_live_number_and_counted() -> None:
    centre, shipment = sold()
    printed = RecordWaybillPrinted(shipment=shipment, key=shipment, form="pdf", length_bytes=900)
    assert centre.refused(printed).name == "no-waybill"
    centre.told(got(shipment))
    assert centre.told(printed) == centre.told(printed) == ["WaybillPrinted"]
    state: Any = centre.states[shipment]
    assert state.live_label == Label(
        key=shipment, carrier="SF", asked_at=state.labels[0].asked_at, waybill="SF1", stage=LabelStage.LIVE, printed=2
    )  # fmt: skip


def test_numbers_are_asked_for_a_bounded_number_of_times() -> None:
    centre, shipment = sold()
    for no in range(1, MAX_LABELS + 1):
        key = shipment if no == 1 else f"{shipment}.{no}"
        centre.told(RecordWaybillRefused(shipment=shipment, key=key, reason="no"))
        if no < MAX_LABELS:
            centre.told(TakeWaybill(shipment=shipment))
    assert centre.refused(TakeWaybill(shipment=shipment)).name == "too-many-waybills"
    assert len({each.key for each in centre.effects_of(GetWaybill)}) == MAX_LABELS


def test_a_number_that_was_long_waited_for_closes_the_ticket_of_an_exhausted_balance() -> None:
    centre, shipment = sold()
    centre.now = after(3_600)
    centre.tell(got(shipment))
    (fact,) = [each for _, each in centre.journal if type(each).__name__ == "WaybillGot"]
    assert fact.ends == ("waybills-exhausted",)  # type: ignore[attr-defined]


STEPS = st.sampled_from(
    ("got", "got-other", "refused", "cancelled", "not-cancelled", "take", "give-up", "recall", "stopped", "kept",
     "wms-refused", "left", "left-other")
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_whatever_happens_in_whatever_order_no_parcel_has_two_live_numbers(steps: list[str]) -> None:
    """And a number that the carrier gave is live, travels, or was asked to be cancelled; keys are never used again."""
    centre, shipment = sold()
    for step in steps:
        state: Any = centre.states[shipment]
        key = state.labels[-1].key
        made = {
            "got": RecordWaybill(shipment=shipment, key=key, waybill=f"W-{key}"),
            "got-other": RecordWaybill(shipment=shipment, key=key, waybill=f"X-{key}"),
            "refused": RecordWaybillRefused(shipment=shipment, key=key, reason="no"),
            "cancelled": RecordWaybillCancelled(shipment=shipment, key=key, waybill="", cancelled=True),
            "not-cancelled": RecordWaybillCancelled(shipment=shipment, key=key, waybill="", cancelled=False),
            "take": TakeWaybill(shipment=shipment),
            "give-up": GiveUpWaybill(shipment=shipment, reason="x"),
            "recall": RecallShipment(shipment=shipment, reason="x"),
            "stopped": RecordRecall(shipment=shipment, stopped=True, reason=""),
            "kept": RecordRecall(shipment=shipment, stopped=False, reason="no"),
            "wms-refused": RecordWmsRefused(shipment=shipment, reason="no"),
            "left": left(shipment, f"W-{key}", ("SHIRT", 2)),
            "left-other": left(shipment, "WMS-1", ("SHIRT", 2)),
        }
        centre.send(made[step])
    state = centre.states[shipment]
    assert centre.folded(shipment) == state
    live = [label for label in state.labels if label.stage is LabelStage.LIVE]
    assert len(live) <= 1
    assert len(centre.effects_of(PushToWms)) <= 1
    asked_back = {(each.key, each.waybill) for each in centre.effects_of(CancelWaybill)}
    for label in state.labels:
        given_back = (label.key, label.waybill) in asked_back or (label.key, "") in asked_back
        assert (
            label.stage in (LabelStage.LIVE, LabelStage.ASKED, LabelStage.REFUSED)
            or given_back
            or not label.waybill
        )
    if not state.still_to_leave():
        travels = {departure.waybill for departure in state.departures}
        assert all(label.waybill in travels for label in live)
    gets = [each.key for each in centre.effects_of(GetWaybill)]
    assert len(gets) == len(set(gets))
