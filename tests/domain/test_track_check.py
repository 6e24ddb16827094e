"""Signed without a track: found only when every source says that it knows none, and over when a node turns up."""

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.centre import POLICY, Centre, after, detail, left, line, pay, platform_order, said, signed
from tests.domain.test_tracking import SF, track

from tongdan.domain.confighealth.commands import ReportKeyFailed
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.track_check import Seen, Verdict, verdict
from tongdan.domain.fulfillment.track_checking import AGAIN_S, MAX_SEARCHES, WITHIN_S
from tongdan.domain.fulfillment.track_facts import RecordTrackSearch, SearchTracks
from tongdan.domain.fulfillment.untracked import MANY
from tongdan.domain.fulfillment.waybill_commands import RecordWaybill
from tongdan.domain.kernel.policy import WaybillTerms
from tongdan.domain.orders.commands import NoteSystemStatus

GRACE_S = POLICY.deadlines.signed_track_grace_s
OWN, CAINIAO = "carrier/SF", "tracks/cainiao"
SOURCES = (OWN, CAINIAO)
TWO = msgspec.structs.replace(POLICY, carriers={"SF": msgspec.structs.replace(SF, tracked_by=("cainiao",))})


def gone(centre: Centre, *waybills: str) -> str:
    """An order whose parcels have left under these waybills; its shipment."""
    order = centre.placed(line(units=len(waybills)), native=f"C-{waybills[0]}")
    centre.told(pay(order, 9_900))
    shipment = f"{order}-S1"
    for no, waybill in enumerate(waybills, 1):
        centre.told(left(shipment, waybill, ("SHIRT", 1), final=no == len(waybills)))
    return shipment


def doubtful(*waybills: str) -> tuple[Centre, str]:
    """Its warehouse says that it is signed for, and the grace is over."""
    centre = Centre(TWO).stocked(SHIRT=99)
    shipment = gone(centre, *(waybills or ("SF1",)))
    centre.told(signed(shipment))
    centre.wait(GRACE_S)
    return centre, shipment


def answer(
    centre: Centre, shipment: str, source: str, *seen: str, of: tuple[str, ...] = ("SF1",)
) -> list[str]:
    return centre.told(RecordTrackSearch(shipment=shipment, source=source, waybills=of, seen=seen))


def asked(centre: Centre) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.partner, each.waybills) for each in centre.effects_of(SearchTracks)]


# ---- the verdict


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(list(Seen))))
def test_no_is_said_only_when_everybody_says_no_and_one_yes_is_enough(sources: dict[str, Seen]) -> None:
    said = verdict(sources)
    if Seen.UNKNOWN in sources.values():
        assert said is not Verdict.UNTRACKED
    assert (said is Verdict.TRACKED) == (Seen.KNOWN in sources.values())
    assert (said is Verdict.UNTRACKED) == (bool(sources) and set(sources.values()) == {Seen.NONE})


@given(
    st.permutations([(OWN, Seen.NONE), (CAINIAO, Seen.NONE)])
    | st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from([Seen.NONE, Seen.KNOWN])), max_size=3)
)
def test_whatever_order_sources_answer_in_a_ticket_follows_the_verdict(
    answers: list[tuple[str, Seen]],
) -> None:
    centre, shipment = doubtful()
    said: dict[str, Seen] = dict.fromkeys(SOURCES, Seen.UNKNOWN)
    for source, seen in answers:
        if said[source] is Seen.UNKNOWN and Seen.KNOWN not in said.values():
            said[source] = seen
        answer(centre, shipment, source, *(["SF1"] if seen is Seen.KNOWN else []))
    found = [kind for _, kind in centre.tickets() if kind.startswith("signed-without-track")]
    assert bool(found) == (verdict(said) is Verdict.UNTRACKED)


# ---- one parcel


def test_after_the_grace_both_sources_are_asked_and_two_times_no_is_found() -> None:
    centre = Centre(TWO).stocked(SHIRT=9)
    shipment = gone(centre, "SF1")
    centre.told(signed(shipment))
    centre.wait(GRACE_S - 1)
    assert asked(centre) == []
    centre.wait(1)
    assert asked(centre) == [(OWN, ("SF1",)), (CAINIAO, ("SF1",))]
    assert answer(centre, shipment, OWN) == ["TrackSourceAnswered"]
    assert centre.tickets() == set()
    assert answer(centre, shipment, CAINIAO) == ["TrackSourceAnswered", "SignedWithoutTrack"]
    assert centre.tickets() == {(shipment, "signed-without-track:SF1")}


def test_found_within_ten_minutes_of_the_word_signed() -> None:
    assert GRACE_S < WITHIN_S == 600


def test_a_node_within_the_grace_ends_it_and_nobody_is_asked() -> None:
    centre = Centre(TWO).stocked(SHIRT=9)
    shipment = gone(centre, "SF1")
    centre.told(signed(shipment))
    told = centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 0),)))
    assert told == ["ParcelTracked", "TrackTurnedUp"]
    centre.wait(WITHIN_S)
    assert (asked(centre), centre.tickets(), centre.states[shipment].checks) == ([], set(), {})


def test_a_parcel_with_a_node_is_never_in_doubt() -> None:
    centre = Centre(TWO).stocked(SHIRT=9)
    shipment = gone(centre, "SF1")
    centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 0),)))
    centre.told(signed(shipment))
    assert centre.states[shipment].checks == {}


def test_a_carrier_that_nobody_can_be_asked_about_is_left_alone(centre: Centre) -> None:
    shipment = gone(centre.stocked(SHIRT=1), "YT1")
    centre.told(signed(shipment))
    centre.wait(WITHIN_S)
    assert (asked(centre), centre.states[shipment].checks) == ([], {})


def test_only_the_parcel_without_a_node_is_asked_for() -> None:
    centre = Centre(TWO).stocked(SHIRT=9)
    shipment = gone(centre, "SF1", "SF2")
    centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 0, "SF2"),)))
    centre.told(signed(shipment))
    centre.wait(GRACE_S)
    assert asked(centre) == [(OWN, ("SF1",)), (CAINIAO, ("SF1",))]


def test_one_source_that_knows_it_is_enough_and_the_other_may_answer_later() -> None:
    centre, shipment = doubtful()
    assert answer(centre, shipment, CAINIAO, "SF1") == ["TrackSourceAnswered", "TrackTurnedUp"]
    assert answer(centre, shipment, OWN) == ["TrackSourceAnswered"]
    assert (centre.tickets(), centre.states[shipment].checks) == (set(), {})


def test_the_carriers_own_nodes_count_like_pushed_ones() -> None:
    centre, shipment = doubtful()
    found = RecordTrackSearch(
        shipment=shipment, source=OWN, waybills=("SF1",), seen=("SF1",), tracks=(track("50", 0),)
    )
    assert centre.told(found) == ["TrackSourceAnswered", "ParcelTracked", "TrackTurnedUp"]
    assert centre.told(found) == []


def test_a_source_that_does_not_answer_is_unknown_and_has_an_alarm_of_its_own() -> None:
    centre, shipment = doubtful()
    answer(centre, shipment, CAINIAO)
    centre.wait(WITHIN_S)
    silent = (f"pulse/{OWN}", "track-source-silent")
    assert centre.tickets() == {silent}
    centre.wait(2 * AGAIN_S)
    assert centre.tickets() == {silent}
    assert len(asked(centre)) == 2
    # It is back: its alarm ends, and the verdict follows.
    told = answer(centre, shipment, OWN)
    assert told == ["TrackSourceAnswered", "SignedWithoutTrack"]
    assert centre.tickets() == {(shipment, "signed-without-track:SF1")}


@pytest.mark.parametrize("source", SOURCES)
def test_a_late_source_that_knows_it_ends_everything(source: str) -> None:
    centre, shipment = doubtful()
    centre.wait(WITHIN_S)
    assert centre.tickets() == {(f"pulse/{each}", "track-source-silent") for each in SOURCES}
    answer(centre, shipment, source, "SF1")
    other = next(each for each in SOURCES if each != source)
    assert centre.tickets() == {(f"pulse/{other}", "track-source-silent")}
    answer(centre, shipment, other)
    assert (centre.tickets(), centre.states[shipment].checks) == (set(), {})


def test_a_track_that_turns_up_closes_the_ticket() -> None:
    centre, shipment = doubtful()
    for source in SOURCES:
        answer(centre, shipment, source)
    told = centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 0),)))
    assert told == ["ParcelTracked", "TrackTurnedUp"]
    assert (centre.tickets(), centre.states[shipment].checks) == (set(), {})


def test_what_is_found_is_asked_for_again_a_bounded_number_of_times_and_found_once() -> None:
    centre, shipment = doubtful()
    for times in range(1, MAX_SEARCHES + 1):
        assert len(asked(centre)) == 2 * times
        for source in SOURCES:
            answer(centre, shipment, source)
        centre.wait(AGAIN_S)
    assert len(asked(centre)) == 2 * MAX_SEARCHES
    found = [fact for _, fact in centre.journal if type(fact).__name__ == "SignedWithoutTrack"]
    assert len(found) == 1


def test_a_channel_that_says_signed_is_doubted_like_a_warehouse() -> None:
    statuses = {**TWO.channels["DY"].statuses, "9": "signed"}
    policy = msgspec.structs.replace(
        TWO, channels={"DY": msgspec.structs.replace(TWO.channels["DY"], statuses=statuses)}
    )
    centre = Centre(policy).stocked(SHIRT=9)
    centre.told(said("paid", 10, "2"))
    centre.told(detail(status="2", paid_at=after(5)))
    order = platform_order(centre)
    shipment = f"{order}-S1"
    centre.told(left(shipment, "SF1", ("SHIRT", 1)))
    centre.told(said("changed", 500, "9"))
    assert centre.states[shipment].checks["SF1"].by == "channel"
    centre.wait(GRACE_S)
    assert asked(centre) == [(OWN, ("SF1",)), (CAINIAO, ("SF1",))]


def test_any_other_system_that_says_signed_is_doubted_too_also_of_what_has_a_number_and_has_not_left() -> (
    None
):
    warehouses = {
        code: msgspec.structs.replace(each, waybill="seller", carrier="SF")
        for code, each in TWO.warehouses.items()
    }
    terms = WaybillTerms(through="sf", channels=("MP",), product="1", template="t")
    carriers = {"SF": msgspec.structs.replace(TWO.carriers["SF"], waybill=terms)}
    centre = Centre(msgspec.structs.replace(TWO, warehouses=warehouses, carriers=carriers)).stocked(SHIRT=9)
    order = centre.placed(line())
    centre.told(pay(order))
    shipment = f"{order}-S1"
    centre.told(RecordWaybill(shipment=shipment, key=shipment, waybill="SF1"))
    word = NoteSystemStatus(order=order, system="erp", native_status="5", said_at=after(100), status="signed")
    centre.told(word)
    centre.told(word)
    assert centre.states[shipment].checks["SF1"].by == "erp"
    centre.wait(GRACE_S)
    assert asked(centre) == [(OWN, ("SF1",)), (CAINIAO, ("SF1",))]
    for source in SOURCES:
        answer(centre, shipment, source)
    assert centre.tickets() == {(shipment, "signed-without-track:SF1")}


# ---- many


def many(centre: Centre, n: int) -> list[str]:
    shipments = []
    for no in range(1, n + 1):
        shipments.append(gone(centre, f"SF{no}"))
        centre.told(signed(shipments[-1]))
    centre.wait(GRACE_S)
    for no, shipment in enumerate(shipments, 1):
        for source in SOURCES:
            answer(centre, shipment, source, of=(f"SF{no}",))
    return shipments


def cluster(centre: Centre) -> str:
    summary: str = centre.states["ticket/untracked/SF/many-signed-without-track"].summary
    return summary


def test_few_are_a_ticket_each_and_no_cluster() -> None:
    centre = Centre(TWO).stocked(SHIRT=99)
    many(centre, MANY - 1)
    assert len(centre.tickets()) == MANY - 1


def test_many_at_once_are_one_alarm_that_names_how_many_and_since_when() -> None:
    centre = Centre(TWO).stocked(SHIRT=99)
    shipments = many(centre, MANY + 2)
    assert len(centre.tickets()) == MANY + 2 + 1
    first: datetime = min(centre.states["untracked/SF"].parcels.values())
    assert cluster(centre).startswith(f"SF ×{MANY + 2}, 2026-01-27 {first.hour + 8:02}:")
    for no, shipment in enumerate(shipments, 1):
        centre.told(RecordTracks(shipment=shipment, tracks=(track("50", 0, f"SF{no}"),)))
    assert centre.tickets() == set()


def test_a_key_that_was_not_taken_shortly_before_is_the_likely_cause() -> None:
    centre = Centre(TWO).stocked(SHIRT=99)
    centre.told(ReportKeyFailed(task="sf/main", key="main", partner=OWN, error="SF gateway: HTTP 401"))
    many(centre, MANY)
    assert "sf/main/main ✗ 2026-01-27 12:00:00 SF gateway: HTTP 401" in cluster(centre)


def test_a_key_that_was_not_taken_days_ago_is_not() -> None:
    centre = Centre(TWO).stocked(SHIRT=99)
    centre.told(ReportKeyFailed(task="sf/main", key="main", partner=OWN, error="SF gateway: HTTP 401"))
    centre.now = after(3 * 86_400)
    shipments = []
    for no in range(1, MANY + 1):
        shipments.append(gone(centre, f"SF{no}"))
        said = signed(shipments[-1])
        centre.told(msgspec.structs.replace(said, operated_at=centre.now))
    centre.wait(GRACE_S)
    for no, shipment in enumerate(shipments, 1):
        for source in SOURCES:
            answer(centre, shipment, source, of=(f"SF{no}",))
    assert "✗" not in cluster(centre)
