"""The ERP's copy of an order: pushed with the first release, told anew when it changes, taken back when cancelled."""

from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, detail, left, line, pay, platform_order, said

from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAmount,
    CommentOnOrder,
    LiftHold,
    PlaceHold,
    RecordPlatformRefund,
    RecordRefund,
    RequestPayment,
    RequestRefund,
    TellAgain,
)
from tongdan.domain.orders.erp_facts import CancelAtErp, ErpParcel, PushToErp, ReviseAtErp
from tongdan.domain.orders.facts import OrderReleased
from tongdan.domain.orders.lines import Units

KEPT = replace(
    POLICY, shops={**POLICY.shops, **{id: replace(POLICY.shops[id], erp="main") for id in ("mp-1", "dy-1")}}
)


def paid(centre: Centre, native: str = "C-1") -> str:
    order = centre.stocked(SHIRT=5).placed(line(units=2), native=native)
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


def succeeded(centre: Centre, order: str) -> RecordRefund:
    """The provider's word that the order's first refund is back."""
    refund = centre.order(order).refund(1)
    return RecordRefund(
        order=order,
        refund=1,
        attempt=refund.attempt,
        transaction=refund.transaction,
        amount_fen=refund.amount_fen,
        stage=RefundStage.SUCCEEDED,
        reference="50-1",
        said_at=centre.now,
    )


def revisions(centre: Centre) -> list[ReviseAtErp]:
    return centre.effects_of(ReviseAtErp)


def test_what_changes_after_the_release_is_told_as_a_whole_and_numbered() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 2)))
    (gone,) = revisions(centre)
    (parcel,) = centre.order(order).parcels
    assert gone.parcels == (ErpParcel(carrier="SF", waybill=parcel.waybill, units=(Units(1, 2),)),)
    assert (gone.partner, gone.order, gone.revision) == ("erp/main", order, 1)
    assert (gone.copy.lines, gone.copy.amount_fen, gone.refunded_fen) == ((line(units=2),), 9_900, 0)
    centre.told(RequestRefund(order=order, amount_fen=900, reason="goodwill"))
    assert len(revisions(centre)) == 1  # nothing is back yet
    centre.told(succeeded(centre, order))
    (_, back) = revisions(centre)
    assert (back.revision, back.refunded_fen, back.parcels) == (2, 900, gone.parcels)
    assert centre.order(order).erp_revision == 2


def test_lines_that_do_not_leave_are_no_longer_told() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))  # all that will leave
    (push,) = centre.effects_of(PushToErp)
    (*_, last) = revisions(centre)
    assert (push.lines[0].units, last.copy.lines[0].units) == (2, 1)
    assert [each.revision for each in revisions(centre)] == list(range(1, last.revision + 1))


def test_what_a_platform_has_paid_back_is_told() -> None:
    centre = Centre(KEPT).stocked(SHIRT=5)
    centre.told(detail(line(units=2, native="N1"), status="2", paid_at=centre.now))
    order = platform_order(centre)
    told = RecordPlatformRefund(order=order, reference="AS-1", amount_fen=500, refunded_at=centre.now)
    for _ in range(2):
        centre.told(told)
    (revision,) = revisions(centre)
    assert (revision.revision, revision.refunded_fen, revision.copy.amount_fen) == (1, 500, 9_900)


def test_a_revision_that_was_not_sent_gives_way_to_the_next_and_to_the_cancellation() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1), final=False))
    assert centre.withdrawn.count((order, "ReviseAtErp")) == 1
    centre.told(left(f"{order}-S1", "SF2", ("SHIRT", 1), seconds=120))
    assert [each.revision for each in revisions(centre)] == [1, 2]
    assert centre.withdrawn.count((order, "ReviseAtErp")) == 2
    other = paid(centre, "C-2")
    centre.told(CancelOrder(order=other, reason="changed mind"))
    assert (other, "ReviseAtErp") in centre.withdrawn
    assert {each.order for each in revisions(centre)} == {order}


def test_what_is_no_part_of_its_copy_is_not_told_to_it() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    centre.told(CommentOnOrder(order=order, text="called the buyer"))
    assert revisions(centre) == []
    assert centre.order(order).erp_revision == 0


def test_before_its_release_nothing_is_revised() -> None:
    centre = Centre(KEPT)
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    centre.told(ChangeAmount(order=order, amount_fen=9_000, reason="rebate"))
    assert revisions(centre) == []


def test_a_shop_without_an_erp_tells_none() -> None:
    centre = Centre()
    order = paid(centre)
    centre.told(CancelOrder(order=order, reason="changed mind"))
    assert (centre.effects_of(PushToErp), centre.effects_of(CancelAtErp)) == ([], [])


def test_an_erp_that_sees_the_order_otherwise_is_told_how_it_stands_now() -> None:
    centre = Centre(KEPT)
    order = paid(centre)
    assert centre.told(TellAgain(order=order, partner="erp/main")) == ["ErpRevised", "ToldAgain"]
    (told,) = revisions(centre)
    (push,) = centre.effects_of(PushToErp)
    assert (told.revision, told.copy) == (1, push)
    centre.told(CancelOrder(order=order, reason="changed mind"))
    assert centre.told(TellAgain(order=order, partner="erp/main")) == ["ToldAgain"]
    first, second = centre.effects_of(CancelAtErp)
    assert (first.order, first.partner) == (second.order, second.partner)


def test_another_erp_or_one_that_was_never_given_the_order_is_told_nothing() -> None:
    centre = Centre(KEPT)
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    assert centre.told(TellAgain(order=order, partner="erp/main")) == []
    assert centre.told(TellAgain(order=order, partner="erp/books")) == []
