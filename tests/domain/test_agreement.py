"""Which orders the board shows as odd: what no lag between systems explains, and nothing else."""

from collections.abc import Sequence

import pytest
from tests.domain.centre import Centre, detail, left, line, pay, said, signed

from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.checks.agreement import disagreeing
from tongdan.domain.orders.commands import CancelOrder
from tongdan.domain.orders.status import status

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
    centre.told(pay(order, 19_800))
    assert disagreeing(centre.order(order)) == ()
    centre.told(CancelOrder(order=order, reason="test"))
    assert disagreeing(centre.order(order)) == ()


def test_a_platforms_order_that_has_left_before_it_was_known_is_odd(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(line(units=2, native="N1"), status="5", seconds=61))
    order = centre.names["DY", "dy-1", "4781"]
    assert status(centre.order(order)) in (Status.CREATED, Status.PAID) and odd(centre, order)
