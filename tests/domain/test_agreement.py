"""Which orders the board shows as odd: what no lag between systems explains, and nothing else."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, left, line, pay, said, settled, signed

from tongdan.domain.fulfillment.commands import RecordTracks, RecordWmsProcess
from tongdan.domain.fulfillment.shipment import NODE_MEANS, STEP_MEANS, ParcelStatus
from tongdan.domain.kernel.policy import CarrierMap
from tongdan.domain.kernel.status import IMPOSSIBLE, NAMES, Status
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.axes import Closing
from tongdan.domain.orders.checks.agreement import disagreeing
from tongdan.domain.orders.commands import CancelOrder, NoteSystemStatus
from tongdan.domain.orders.status import status

SF = CarrierMap(code="SF", name_zh="顺丰", name_en="SF", zone="Asia/Shanghai", statuses={"50": "picked_up"})
TELLS = {"1": "created", "2": "paid", "3": "shipped", "4": "cancelled", "5": "completed", "22": "refunded"}


def ship(centre: Centre, order: str) -> str:
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 2)))
    return f"{order}-S1"


def odd(centre: Centre, order: str) -> bool:
    return disagreeing(centre.order(order)) == ("channel",)


def oddities(centre: Centre, order: str, natives: Sequence[str]) -> set[str]:
    """Which of these words of its channel are odd, each said at once after the others."""
    found = set()
    for seconds, native in enumerate(natives, 500):
        centre.told(said("changed", seconds, native))
        if odd(centre, order):
            found.add(TELLS[native])
    return found


def test_a_platform_that_lags_behind_us_does_not_disagree(centre: Centre, sold: str) -> None:
    shipment = ship(centre, sold)
    assert status(centre.order(sold)) is Status.SHIPPED and not odd(centre, sold)
    centre.told(said("shipped", 400, "3"))
    centre.told(signed(shipment))
    assert status(centre.order(sold)) is Status.SIGNED and not odd(centre, sold)


def test_a_platform_that_completed_what_has_not_left_here_disagrees(centre: Centre, sold: str) -> None:
    assert not odd(centre, sold)
    assert oddities(centre, sold, ["5"]) == {"completed"}


def test_cancelled_on_both_sides_agrees_but_not_once_it_has_left(centre: Centre, sold: str) -> None:
    centre.told(said("cancelled", 90, "4"))
    assert not odd(centre, sold)
    ship(centre, sold)
    assert centre.order(sold).cancelled and odd(centre, sold)


@pytest.mark.parametrize("native", ["3", "5"])
def test_a_platform_that_sends_on_what_it_had_cancelled_disagrees(
    centre: Centre, sold: str, native: str
) -> None:
    centre.told(said("cancelled", 90, "4"))
    assert status(centre.order(sold)) in (Status.CANCELLED, Status.REFUND_PENDING, Status.REFUNDED)
    assert oddities(centre, sold, [native]) == {TELLS[native]}


def test_an_own_order_has_nobody_to_disagree_with(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    assert disagreeing(centre.order(order)) == ()
    centre.told(pay(order))
    assert disagreeing(centre.order(order)) == ()
    centre.told(CancelOrder(order=order, reason="test"))
    assert disagreeing(centre.order(order)) == ()


def test_a_platforms_order_that_has_left_before_it_was_known_is_odd(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(line(units=2, native="N1"), status="5", seconds=61))
    order = centre.names["DY", "dy-1", "4781"]
    assert status(centre.order(order)) in (Status.CREATED, Status.PAID) and odd(centre, order)


# ---- the other systems


def step(order: str, status: str, seconds: float = 90, shipment: str = "S1") -> RecordWmsProcess:
    return RecordWmsProcess(shipment=f"{order}-{shipment}", status=status, operated_at=after(seconds))


def erp(order: str, status: str) -> NoteSystemStatus:
    return NoteSystemStatus(order=order, system="erp", native_status="x", said_at=after(500), status=status)


def test_every_word_of_the_tables_is_a_status_or_means_nothing() -> None:
    assert {*STEP_MEANS.values(), *NODE_MEANS.values()} <= NAMES.keys()
    assert {*ParcelStatus} - NODE_MEANS.keys() == {ParcelStatus.EXCEPTION, ParcelStatus.RETURNED}
    for ours, impossible in IMPOSSIBLE.items():
        assert ours.name.lower() not in impossible  # nobody disagrees by saying the same
        assert impossible <= NAMES.keys()


def test_a_warehouse_that_goes_its_way_agrees_at_every_step(centre: Centre, order: str) -> None:
    for seconds, native in enumerate(("ACCEPT", "PRINT", "PICK", "PACKAGE", "DELIVERED"), 80):
        centre.told(step(order, native, seconds))
        assert disagreeing(centre.order(order)) == ()
    ship(centre, order)
    centre.told(step(order, "SIGN", 300))
    assert status(centre.order(order)) is Status.SIGNED and disagreeing(centre.order(order)) == ()


def test_signed_at_the_warehouse_and_not_sent_here_disagrees_until_it_is(centre: Centre, order: str) -> None:
    centre.told(step(order, "SIGN"))
    assert disagreeing(centre.order(order)) == ("wms/S1",)
    ship(centre, order)
    assert disagreeing(centre.order(order)) == ()


def test_a_warehouse_that_gives_up_what_has_left_disagrees(centre: Centre, order: str) -> None:
    ship(centre, order)
    centre.told(step(order, "CANCELED", 300))
    assert disagreeing(centre.order(order)) == ("wms/S1",)


def test_a_warehouse_that_gives_up_what_has_not_left_agrees(centre: Centre, order: str) -> None:
    centre.told(step(order, "CANCELED"))
    assert disagreeing(centre.order(order)) == ()


def test_a_cancelled_order_that_the_carrier_carries_disagrees(centre: Centre, order: str) -> None:
    centre.policy = replace(POLICY, carriers={"SF": SF})
    shipment = ship(centre, order)
    track = Track(carrier="SF", waybill="SF1", code="50", at=after(150))
    centre.told(RecordTracks(shipment=shipment, tracks=(track,)))
    assert centre.order(order).said["carrier/S1"].status == "shipped"
    assert disagreeing(centre.order(order)) == ()
    word = centre.order(order).said["carrier/S1"]
    never_left = replace(
        centre.order(order), parcels=(), closing=Closing.CANCELLED, lines=(), said={"carrier/S1": word}
    )
    assert disagreeing(never_left) == ("carrier/S1",)
    came_back = replace(
        centre.order(order),
        parcels=tuple([replace(each, returned_at=after(400)) for each in centre.order(order).parcels]),
        closing=Closing.CANCELLED,
        lines=(),
    )
    assert disagreeing(came_back) == ()


def test_an_erp_that_gave_up_what_goes_on_disagrees(centre: Centre, order: str) -> None:
    centre.told(erp(order, "released"))
    assert disagreeing(centre.order(order)) == ()
    centre.told(replace(erp(order, "cancelled"), said_at=after(600)))
    assert disagreeing(centre.order(order)) == ("erp",)


def test_settled_by_finance_and_not_sent_here_disagrees(centre: Centre, order: str) -> None:
    centre.told(settled(order))
    assert disagreeing(centre.order(order)) == ("finance",)
    ship(centre, order)
    assert disagreeing(centre.order(order)) == ()


def test_money_of_another_sum_disagrees(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    centre.told(pay(order, 1))
    assert disagreeing(centre.order(order)) == ("payment",)


def test_what_was_said_before_words_had_a_meaning_disagrees_with_nothing(centre: Centre, order: str) -> None:
    centre.told(NoteSystemStatus(order=order, system="wms/S1", native_status="SIGN", said_at=after(500)))
    assert disagreeing(centre.order(order)) == ()
