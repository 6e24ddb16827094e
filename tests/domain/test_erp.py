"""The ERP's copy of an order: pushed with the first release, taken back with a cancellation, never twice."""

from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, detail, line, pay, platform_order, said

from tongdan.domain.orders.commands import CancelOrder, LiftHold, PlaceHold, RequestPayment
from tongdan.domain.orders.erp_facts import CancelAtErp, PushToErp
from tongdan.domain.orders.facts import OrderReleased

KEPT = replace(
    POLICY, shops={**POLICY.shops, **{id: replace(POLICY.shops[id], erp="main") for id in ("mp-1", "dy-1")}}
)


def paid(centre: Centre) -> str:
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    centre.told(RequestPayment(order=order, method="wechat"))
    centre.told(pay(order))
    return order


def test_an_order_is_pushed_when_it_goes_to_the_warehouses() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    (push,) = centre.effects_of(PushToErp)
    assert (push.partner, push.order, push.shop, push.native) == ("erp/main", order, "mp-1", "C-1")
    assert push.lines == (line(units=2),)
    assert (push.amount_fen, push.paid_at) == (9_900, centre.order(order).paid.paid_at)
    (released,) = [fact for _, fact in centre.journal if isinstance(fact, OrderReleased)]
    assert released.lines == push.lines


def test_an_order_that_is_held_is_pushed_once_it_is_let_go() -> None:
    centre = Centre(KEPT)
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    centre.told(PlaceHold(order=order, hold="review"))
    centre.told(RequestPayment(order=order, method="wechat"))
    centre.told(pay(order))
    assert centre.effects_of(PushToErp) == []
    centre.told(LiftHold(order=order, hold="review"))
    assert len(centre.effects_of(PushToErp)) == 1


def test_a_cancelled_order_is_taken_back() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    centre.told(CancelOrder(order=order, reason="changed mind"))
    (cancel,) = centre.effects_of(CancelAtErp)
    assert (cancel.partner, cancel.order, cancel.reason) == ("erp/main", order, "changed mind")
    assert (order, "PushToErp") in centre.withdrawn


def test_what_the_erp_never_heard_of_is_not_taken_back() -> None:
    centre = Centre(KEPT)
    order = centre.stocked(SHIRT=5).placed()
    centre.told(CancelOrder(order=order, reason="changed mind"))
    assert (centre.effects_of(PushToErp), centre.effects_of(CancelAtErp)) == ([], [])


def test_a_platforms_order_is_pushed_under_its_own_number_too() -> None:
    centre = Centre(KEPT).stocked(SHIRT=5)
    centre.told(said("paid", 1, "2"))
    centre.told(detail(seconds=2, status="2", paid_at=centre.now))
    (push,) = centre.effects_of(PushToErp)
    assert (push.order, push.native) == (platform_order(centre), "4781")
    centre.told(said("cancelled", 3, "21"))
    assert len(centre.effects_of(CancelAtErp)) == 1


def test_a_shop_without_an_erp_tells_none() -> None:
    centre = Centre()
    order = paid(centre)
    centre.told(CancelOrder(order=order, reason="changed mind"))
    assert (centre.effects_of(PushToErp), centre.effects_of(CancelAtErp)) == ([], [])
