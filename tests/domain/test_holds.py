"""Holds, and what may change while an order is still here."""

import pytest
from tests.domain.centre import PERSON, Centre, detail, pay, platform_order, said

from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    CompleteOrder,
    LiftHold,
    PlaceHold,
)
from tongdan.domain.orders.status import status


def test_a_held_order_is_released_when_the_last_hold_is_lifted(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed()
    assert centre.told(PlaceHold(order=order, hold="review")) == ["HoldPlaced"]
    assert centre.told(PlaceHold(order=order, hold="review")) == []
    centre.told(PlaceHold(order=order, hold="risk"))
    centre.told(pay(order))
    assert status(centre.order(order)) is Status.PAID
    assert centre.told(LiftHold(order=order, hold="risk")) == ["HoldLifted"]
    assert centre.told(LiftHold(order=order, hold="risk")) == []
    assert centre.told(LiftHold(order=order, hold="review")) == ["HoldLifted", "OrderReleased"]


@pytest.mark.parametrize("hold", ["", "Review", "a b", "x" * 41])
def test_a_hold_has_a_plain_name(centre: Centre, hold: str) -> None:
    order = centre.placed()
    assert centre.refused(PlaceHold(order=order, hold=hold)).name == "hold-name-invalid"


def test_holds_are_bounded(centre: Centre) -> None:
    order = centre.placed()
    for n in range(20):
        centre.told(PlaceHold(order=order, hold=f"h{n}"))
    assert centre.refused(PlaceHold(order=order, hold="one-more")).name == "too-many-holds"


def test_what_is_released_no_longer_changes(centre: Centre, order: str) -> None:
    address = ChangeAddress(order=order, region="北京", person=PERSON)
    assert centre.refused(address).name == "already-released"
    assert centre.refused(PlaceHold(order=order, hold="review")).name == "already-released"
    assert centre.refused(ChangeAmount(order=order, amount_fen=1, reason="r")).name == "already-paid"


def test_what_is_cancelled_no_longer_changes(centre: Centre) -> None:
    order = centre.placed()
    centre.told(CancelOrder(order=order, reason="buyer"))
    for command in (
        ChangeAddress(order=order, region="北京", person=PERSON),
        ChangeAmount(order=order, amount_fen=1, reason="r"),
        PlaceHold(order=order, hold="review"),
        CompleteOrder(order=order),
    ):
        assert centre.refused(command).name == "order-closed"


def test_address_and_amount_change_before_payment(centre: Centre) -> None:
    order = centre.placed()
    assert centre.told(ChangeAddress(order=order, region="北京", person=PERSON)) == ["AddressChanged"]
    assert centre.told(ChangeAmount(order=order, amount_fen=9_000, reason="goodwill")) == ["AmountChanged"]
    assert centre.told(ChangeAmount(order=order, amount_fen=9_000, reason="goodwill")) == []
    assert centre.refused(ChangeAmount(order=order, amount_fen=0, reason="r")).name == "amount-out-of-range"
    assert (centre.order(order).region, centre.order(order).amount_fen) == ("北京", 9_000)


def test_of_two_addresses_the_one_said_later_holds(centre: Centre) -> None:
    newer = PERSON.__class__(name="新")
    centre.told(said("address", 30, region="北京", person=newer))
    centre.told(said("address", 20, region="广东", person=PERSON))
    centre.told(detail(seconds=10))
    order = platform_order(centre)
    assert centre.order(order).region == "北京"
    assert centre.people[order] == newer
    centre.told(said("address", 40, region="上海", person=PERSON))
    assert centre.order(order).region == "上海"
    assert centre.people[order] == PERSON


def test_of_two_amounts_the_one_said_later_holds(centre: Centre) -> None:
    centre.told(said("amount", 30, amount_fen=9_000))
    centre.told(said("amount", 20, amount_fen=9_500))
    centre.told(detail(seconds=10))
    order = platform_order(centre)
    assert centre.order(order).amount_fen == 9_000
    centre.told(detail(seconds=50, amount_fen=8_000))
    assert centre.order(order).amount_fen == 8_000


def test_an_address_that_changes_after_hand_over_is_a_ticket(centre: Centre, sold: str) -> None:
    centre.told(said("address", 90, region="北京", person=PERSON.__class__(name="新")))
    assert centre.tickets() == {(sold, "address-too-late")}
    assert centre.order(sold).region == "浙江"
    assert centre.people[sold] == PERSON
