"""Reissues: what left is sent once more, in a shipment of its own; money, status and channel know nothing of it."""

from typing import Any

import pytest
from tests.domain.centre import Centre, after, detail, left, line, pay, platform_order, signed
from tests.domain.test_catalog import SET, define
from tests.domain.test_cod import policy as cash_policy
from tests.domain.test_line_refunds import at, refund, stock

from tongdan.domain.fulfillment.commands import RecordRecall
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Closing, Partly
from tongdan.domain.orders.commands import CancelOrder, ErasePerson
from tongdan.domain.orders.deadlines import deadlines
from tongdan.domain.orders.facts import TellFinance, WriteBackShipment
from tongdan.domain.orders.goods.commands import ReissueUnits, UndoReissue
from tongdan.domain.orders.goods.reissues import MAX_REISSUES
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.status import partly, status


def reissue(order: str, *units: tuple[int, int]) -> ReissueUnits:
    return ReissueUnits(order=order, units=tuple([Units(*each) for each in units]), reason="lost")


def undo(order: str, no: int = 1) -> UndoReissue:
    return UndoReissue(order=order, reissue=no, reason="found")


@pytest.fixture
def gone(centre: Centre) -> str:
    """Two shirts and a hat of an own shop, shipped and signed for."""
    order = centre.stocked(SHIRT=5, HAT=1).placed(line(1, units=2), line(2, "HAT", 1, 3_000))
    centre.told(pay(order, 12_900))
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 2), ("HAT", 1)))
    centre.told(signed(f"{order}-S1"))
    return order


def test_what_was_lost_leaves_again_in_a_shipment_of_its_own(centre: Centre, gone: str) -> None:
    before = centre.order(gone)
    assert centre.told(reissue(gone, (1, 1))) == ["UnitsReissued"]
    push = centre.effects_of(PushToWms)[-1]
    assert (push.shipment, [(i.line, i.sku, i.units, i.amount_fen) for i in push.items]) == (
        f"{gone}-S2",
        [(3, "SHIRT", 1, 0)],
    )
    centre.told(left(f"{gone}-S2", "SF2", ("SHIRT", 1), seconds=300))
    state = centre.order(gone)
    assert at(centre, gone) == {1: {"signed": 2}, 2: {"signed": 1}, 3: {"shipped": 1}}
    assert (status(state), partly(state)) == (Status.SIGNED, Partly.NO)
    assert [parcel.waybill for parcel in state.parcels] == ["SF1", "SF2"]
    assert (state.amount_fen, state.owed_fen, state.complete_at) == (12_900, 0, before.complete_at)
    assert stock(centre, "SHIRT") == (2, 0)
    centre.told(signed(f"{gone}-S2", 400))
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid", "signed"]
    assert centre.tickets() == set()


def test_no_promise_is_broken_and_no_status_goes_back_while_it_waits(centre: Centre, gone: str) -> None:
    centre.told(reissue(gone, (2, 1)))
    assert at(centre, gone)[3] == {"waiting": 1}
    assert (status(centre.order(gone)), deadlines(centre.order(gone))["ship"]) == (Status.SIGNED, None)
    assert centre.tickets() == {(gone, "line-short")}
    centre.wait(8 * 86_400)
    assert centre.order(gone).closing is Closing.COMPLETED
    centre.stocked(HAT=3)
    assert at(centre, gone)[3] == {"released": 1}
    assert status(centre.order(gone)) is Status.COMPLETED
    assert centre.tickets() == set()


def test_the_channel_is_not_told_of_the_second_waybill(centre: Centre) -> None:
    centre.stocked(SHIRT=9).told(
        detail(line(units=2, native="N1"), status="2", seconds=61, paid_at=after(60))
    )
    order = platform_order(centre)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 2)))
    centre.told(reissue(order, (1, 2)))
    centre.told(left(f"{order}-S2", "SF2", ("SHIRT", 2), seconds=300))
    (told,) = centre.effects_of(WriteBackShipment)
    assert told.waybill == "SF1"


def test_undone_before_a_warehouse_has_it(centre: Centre, gone: str) -> None:
    centre.told(reissue(gone, (2, 1)))
    assert centre.told(undo(gone)) == ["ReissueUndone", "UnitsWithdrawn"]
    assert (at(centre, gone)[3], centre.tickets()) == ({"stopped": 1}, set())
    centre.wait(1)
    centre.stocked(HAT=3)
    assert stock(centre, "HAT") == (3, 0)
    assert centre.told(undo(gone)) == []
    assert centre.told(reissue(gone, (2, 1))) == ["UnitsReissued"]


def test_undone_after_a_warehouse_has_it(centre: Centre, gone: str) -> None:
    centre.told(reissue(gone, (1, 2)))
    assert centre.told(undo(gone)) == ["ReissueUndone", "UnitsWithdrawn"]
    (cancel,) = centre.effects_of(CancelAtWms)
    assert cancel.shipment == f"{gone}-S2"
    centre.told(RecordRecall(shipment=f"{gone}-S2", stopped=True, reason="ok"))
    assert (at(centre, gone)[3], stock(centre, "SHIRT")) == ({"stopped": 2}, (3, 0))
    assert (centre.tickets(), status(centre.order(gone))) == (set(), Status.SIGNED)


def test_a_reissue_that_is_lost_too_is_sent_again(centre: Centre, gone: str) -> None:
    centre.told(reissue(gone, (1, 1)))
    centre.told(left(f"{gone}-S2", "SF2", ("SHIRT", 1), seconds=300))
    assert centre.refused(undo(gone)).name == "reissue-left"
    assert centre.told(reissue(gone, (3, 1))) == ["UnitsReissued"]
    assert centre.refused(reissue(gone, (3, 1))).name == "nothing-to-reissue"
    assert centre.refused(reissue(gone, (1, 2))).name == "too-many-units"


@pytest.mark.parametrize(
    ("units", "name"),
    [
        ((), "no-units"),
        (((9, 1),), "no-such-line"),
        (((1, 3),), "too-many-units"),
        (((1, 0),), "too-many-units"),
        (((1, 1), (1, 1)), "line-named-twice"),
    ],
)
def test_what_cannot_be_sent_again_is_refused(
    centre: Centre, gone: str, units: tuple[tuple[int, int], ...], name: str
) -> None:
    assert centre.refused(reissue(gone, *units)).name == name


def test_nothing_left_paid_back_cancelled_or_erased(centre: Centre, gone: str) -> None:
    order = centre.placed(native="C-2")
    commands: list[tuple[Any, str]] = [
        (reissue(order, (1, 1)), "nothing-to-reissue"),
        (undo(gone), "no-such-reissue"),
    ]
    for command, name in commands:
        assert centre.refused(command).name == name
    centre.told(refund(gone, (1, 2)))
    assert centre.refused(reissue(gone, (1, 1))).name == "nothing-to-reissue"
    centre.told(CancelOrder(order=order, reason="buyer"))
    assert centre.refused(reissue(order, (1, 1))).name == "order-closed"
    centre.told(ErasePerson(order=gone))
    assert centre.refused(reissue(gone, (2, 1))).name == "person-erased"


def test_reissues_are_bounded(centre: Centre, gone: str) -> None:
    for no in range(1, MAX_REISSUES + 1):
        centre.told(reissue(gone, (2, 1)))
        centre.told(undo(gone, no))
    assert centre.refused(reissue(gone, (2, 1))).name == "too-many-reissues"


def test_what_is_sent_again_collects_nothing_at_the_door() -> None:
    centre = Centre(cash_policy()).stocked(SHIRT=9)
    centre.told(detail(status="cod"))
    order = platform_order(centre)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    centre.told(reissue(order, (1, 1)))
    assert [push.collect_fen for push in centre.effects_of(PushToWms)] == [9_900, 0]


def test_no_reissue_waits_for_another(centre: Centre, gone: str) -> None:
    centre.told(reissue(gone, (2, 1)))
    centre.told(reissue(gone, (1, 1)))
    assert (at(centre, gone)[3], at(centre, gone)[4]) == ({"waiting": 1}, {"released": 1})
    centre.wait(1)
    centre.stocked(HAT=1)
    assert at(centre, gone)[3] == {"released": 1}
    assert [push.shipment for push in centre.effects_of(PushToWms)] == [f"{gone}-S{n}" for n in (1, 2, 3)]


def test_what_has_become_a_bundle_since_goes_and_is_undone_as_its_parts(centre: Centre, gone: str) -> None:
    centre.told(define("SHIRT", *SET))
    centre.stocked(CUP=9, POT=9)
    centre.told(reissue(gone, (1, 1)))
    assert [(each.line.sku, each.released) for each in centre.order(gone).lines[2:]] == [
        ("CUP", 2),
        ("POT", 1),
    ]
    centre.told(undo(gone))
    centre.told(RecordRecall(shipment=f"{gone}-S2", stopped=True, reason="ok"))
    assert (stock(centre, "CUP"), stock(centre, "POT")) == ((9, 0), (9, 0))
