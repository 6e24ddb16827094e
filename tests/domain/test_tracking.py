"""What carriers tell of parcels: each node once, in the order of its time, whoever it was sent to and when."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import POLICY, Centre, after, left, line, pay, signed

from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.facts import QueryRoutes, ShipmentSigned
from tongdan.domain.fulfillment.shipment import MAX_TRACKS, ShipmentStage
from tongdan.domain.fulfillment.tracking import MAX_ASKED
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.policy import CarrierMap
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.axes import Stage
from tongdan.domain.sync.alias import MAX_PARKED_PER_SOURCE
from tongdan.domain.sync.commands import ClaimAlias, SendByAlias

SF = CarrierMap(
    code="SF",
    name_zh="顺丰",
    name_en="SF",
    zone="Asia/Shanghai",
    statuses={"50": "picked_up", "31": "in_transit", "80": "signed", "8000": "signed", "33": "exception"},
)
FOLLOWED = msgspec.structs.replace(POLICY, carriers={"SF": SF})
DAY_S = 86_400


def track(code: str, seconds: float, waybill: str = "SF1") -> Track:
    return Track(carrier="SF", waybill=waybill, code=code, at=after(seconds))


def letter(code: str, seconds: float, waybill: str = "SF1", source: str = "carrier/SF") -> SendByAlias:
    return SendByAlias(alias=f"waybill/SF/{waybill}", source=source, letter=track(code, seconds, waybill))


def shipped(*waybills: str, dispatched: bool = True) -> tuple[Centre, str]:
    """A paid order of two shirts for each waybill, and its shipment."""
    waybills = waybills or ("SF1",)
    centre = Centre(FOLLOWED).stocked(SHIRT=9)
    order = centre.placed(line(units=len(waybills)))
    centre.told(pay(order))
    shipment = f"{order}-S1"
    for no, waybill in enumerate(waybills if dispatched else (), 1):
        centre.told(left(shipment, waybill, ("SHIRT", 1), final=no == len(waybills)))
    return centre, shipment


def nodes(centre: Centre, shipment: str) -> list[tuple[str, str]]:
    return [(node.code, node.status) for node in centre.states[shipment].tracks]


def signed_at(centre: Centre) -> list[datetime]:
    return [fact.signed_at for _, fact in centre.journal if isinstance(fact, ShipmentSigned)]


# ---- parcels


def test_a_dispatched_parcel_claims_its_waybill() -> None:
    centre, shipment = shipped()
    assert centre.states["alias/waybill/SF/SF1"].order == shipment
    centre.told(letter("50", 110))
    assert nodes(centre, shipment) == [("50", "picked_up")]


def test_a_carrier_that_is_not_followed_claims_nothing_and_is_not_asked(centre: Centre) -> None:
    order = centre.stocked(SHIRT=1).placed(line())
    centre.told(pay(order))
    centre.told(left(f"{order}-S1", "YT1", ("SHIRT", 1)))
    assert not [key for key in centre.states if key.startswith("alias/waybill")]
    centre.wait(3 * DAY_S)
    assert centre.effects_of(QueryRoutes) == []


def test_news_of_the_carrier_waits_for_the_warehouse() -> None:
    centre, shipment = shipped(dispatched=False)
    centre.told(letter("50", 10))
    centre.told(letter("80", 90))
    assert centre.states["alias/waybill/SF/SF1"].order == ""
    assert nodes(centre, shipment) == []
    centre.told(left(shipment, "SF1", ("SHIRT", 1), seconds=100))
    assert nodes(centre, shipment) == [("50", "picked_up"), ("80", "signed")]
    assert centre.states[shipment].stage is ShipmentStage.SIGNED
    assert centre.states["alias/waybill/SF/SF1"].parked == ()


def test_by_our_own_id_a_signature_before_the_confirmation_waits_too() -> None:
    centre, shipment = shipped(dispatched=False)
    centre.told(RecordTracks(shipment=shipment, tracks=(track("80", 90),)))
    assert signed_at(centre) == []
    centre.told(left(shipment, "SF1", ("SHIRT", 1), seconds=100))
    assert signed_at(centre) == [after(90)]


def test_a_node_counts_once_however_it_came() -> None:
    centre, shipment = shipped()
    told = RecordTracks(shipment=shipment, tracks=(track("50", 110), track("50", 110), track("31", 200)))
    assert centre.told(told) == ["ParcelTracked", "ParcelTracked"]
    assert centre.told(told) == []
    centre.told(letter("31", 200))
    assert len(nodes(centre, shipment)) == 2


def test_a_node_after_the_signature_takes_nothing_back() -> None:
    """8000 comes after 80, and an exception may be told late: any signed node signs, at the earliest such time."""
    centre, shipment = shipped()
    for code, seconds in (("8000", 900), ("33", 400), ("80", 300)):
        centre.told(letter(code, seconds))
    assert signed_at(centre) == [after(900)]
    assert nodes(centre, shipment)[-1] == ("8000", "signed")
    assert centre.states[shipment].stage is ShipmentStage.SIGNED


@pytest.mark.parametrize("carrier_first", [True, False])
def test_whoever_says_signed_first_counts_and_the_other_is_harmless(carrier_first: bool) -> None:
    centre, shipment = shipped()
    news: list[Command] = [letter("80", 300), signed(shipment, 350)]
    for command in news if carrier_first else reversed(news):
        centre.told(command)
    assert signed_at(centre) == [after(300 if carrier_first else 350)]
    order = centre.states[centre.states[shipment].order]
    assert order.units(Stage.SIGNED) == 1


def test_the_carrier_signs_for_its_parcel_alone() -> None:
    centre, shipment = shipped("SF1", "SF2")
    centre.told(letter("80", 300, "SF2"))
    order = centre.states[centre.states[shipment].order]
    assert order.units(Stage.SIGNED) == 1
    assert [each.signed for each in centre.states[shipment].departures] == [False, True]
    centre.told(signed(shipment, 400))
    assert [each.signed for each in centre.states[shipment].departures] == [True, True]


def test_a_code_that_the_map_does_not_know_is_kept_and_a_ticket() -> None:
    centre, shipment = shipped()
    centre.told(letter("9527", 300))
    assert nodes(centre, shipment) == [("9527", "")]
    assert centre.tickets() == {(shipment, "unknown-track")}


def test_the_latest_nodes_are_kept() -> None:
    centre, shipment = shipped()
    tracks = tuple(track("31", 1_000 + n) for n in range(MAX_TRACKS))
    centre.told(RecordTracks(shipment=shipment, tracks=tracks))
    assert centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 500),))) == []
    centre.told(RecordTracks(shipment=shipment, tracks=(track("31", 9_000),)))
    assert len(centre.states[shipment].tracks) == MAX_TRACKS
    assert centre.states[shipment].tracks[0].at == after(1_001)
    assert centre.folded(shipment) == centre.states[shipment]


# ---- asking


def test_a_silent_parcel_is_asked_for_and_in_the_end_a_ticket() -> None:
    centre, shipment = shipped("SF1", "SF2")
    centre.wait(DAY_S - 1)
    assert centre.effects_of(QueryRoutes) == []
    centre.wait(1)
    assert centre.effects_of(QueryRoutes) == [
        QueryRoutes(partner="carrier/SF", shipment=shipment, waybills=("SF1", "SF2"))
    ]
    assert centre.withdrawn[-1] == (shipment, "QueryRoutes")
    centre.wait(30 * DAY_S)
    assert len(centre.effects_of(QueryRoutes)) == MAX_ASKED
    assert (shipment, "parcel-silent") in centre.tickets()
    centre.told(letter("31", 40 * DAY_S))
    assert (shipment, "parcel-silent") not in centre.tickets()


def test_the_answer_puts_the_next_question_off_and_a_signature_ends_it() -> None:
    centre, shipment = shipped()
    centre.wait(DAY_S)
    centre.told(RecordTracks(shipment=shipment, tracks=(track("31", 500),)))
    centre.wait(DAY_S - 1)
    assert len(centre.effects_of(QueryRoutes)) == 1
    centre.wait(1)
    assert len(centre.effects_of(QueryRoutes)) == 2
    centre.told(signed(shipment, 3 * DAY_S))
    centre.wait(30 * DAY_S)
    assert len(centre.effects_of(QueryRoutes)) == 2


# ---- what waits at an alias


def test_what_nobody_claims_is_a_ticket_and_waits_on() -> None:
    centre = Centre(FOLLOWED)
    key = "alias/waybill/SF/SF1"
    centre.told(letter("50", 1))
    assert centre.wait(DAY_S) == ["ClaimOverdue"]
    assert centre.tickets() == {(key, "claim-overdue")}
    assert centre.wait(30 * DAY_S) == []
    assert len(centre.states[key].parked) == 1
    late, shipment = shipped(dispatched=False)
    late.told(letter("50", 1))
    late.wait(DAY_S)
    assert (key, "claim-overdue") in late.tickets()
    late.told(left(shipment, "SF1", ("SHIRT", 1)))
    assert (key, "claim-overdue") not in late.tickets()
    assert nodes(late, shipment) == [("50", "picked_up")]


def test_no_more_can_wait_than_the_limit_of_its_source() -> None:
    centre = Centre(FOLLOWED)
    for n in range(MAX_PARKED_PER_SOURCE):
        assert centre.told(letter("31", n)) == ["LetterParked"]
    refusal = centre.refused(letter("31", 10_000))
    assert (refusal.name, refusal.status) == ("alias-full", 503)
    assert refusal.retry_after_s > 0
    assert centre.told(letter("31", 0)) == []  # it waits already
    assert centre.told(letter("31", 10_000, source="carrier/other")) == ["LetterParked"]


def test_what_waited_is_released_in_order_of_arrival() -> None:
    centre = Centre(FOLLOWED)
    for code, seconds in (("80", 9), ("50", 1), ("31", 5)):
        centre.told(letter(code, seconds))
    decision: Any = centre.tell(ClaimAlias(alias="waybill/SF/SF1", order="MP20260127000061-S1"))
    assert [type(fact).__name__ for fact in decision.facts] == ["AliasClaimed", *["LetterDelivered"] * 3]
    assert [fact.letter.code for fact in decision.facts[1:]] == ["80", "50", "31"]


STORY = (("50", 1), ("31", 50), ("33", 60), ("80", 300), ("8000", 310))


def canonical(centre: Centre, shipment: str) -> Any:
    state = centre.states[shipment]
    order = centre.states[state.order]
    alias = centre.states["alias/waybill/SF/SF1"]
    parcels = [(each.waybill, each.signed) for each in state.departures]
    return nodes(centre, shipment), parcels, state.stage, order.units(Stage.SIGNED), alias.parked, alias.order


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_order_of_claim_and_news_ends_the_same(data: st.DataObject) -> None:
    """Pushed by waybill or by our id, once or again, before or after the warehouse spoke, whichever lane moves."""
    expected_centre, expected = shipped()
    for each in STORY:
        expected_centre.told(letter(*each))
    centre, shipment = shipped(dispatched=False)
    news: list[Command] = [left(shipment, "SF1", ("SHIRT", 1)), signed(shipment, 305)]
    for code, seconds in (*STORY, data.draw(st.sampled_from(STORY))):
        by_id = RecordTracks(shipment=shipment, tracks=(track(code, seconds),))
        news.append(data.draw(st.sampled_from([letter(code, seconds), by_id])))
    for command in data.draw(st.permutations(news)):
        centre.tell(command)
        for _ in range(data.draw(st.integers(0, 3))):
            if centre.lanes:
                centre.step(data.draw(st.sampled_from(sorted(centre.lanes))))
    centre.catch_up()
    assert canonical(centre, shipment) == canonical(expected_centre, expected)
    assert centre.folded(shipment) == centre.states[shipment]
    assert centre.tickets() == set()
