"""From the release to the end: shipped, signed, settled, completed, cancelled; and what time alone brings about."""

from typing import Any

import pytest
from tests.domain.centre import Centre, after, detail, left, line, pay, platform_order, said, settled, signed

from tongdan.domain.fulfillment.commands import (
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsRefused,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import AfterSale, Closing, Partly, Stage
from tongdan.domain.orders.commands import CancelOrder, ChangeAmount, CompleteOrder
from tongdan.domain.orders.facts import TellFinance, WriteBackShipment
from tongdan.domain.orders.goods.commands import (
    NoteReservationExpired,
    NoteShipmentStopped,
    NoteShipped,
    NoteSigned,
)
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.status import after_sale, partly, status

# ---- release


def test_each_warehouse_gets_one_shipment(centre: Centre) -> None:
    centre.stocked(SHIRT=5, HAT_SOUTH=5)
    order = centre.placed(line(units=2), line(2, "HAT", 3, 1_000))
    centre.told(pay(order, 10_900))
    pushes = centre.effects_of(PushToWms)
    assert [(each.partner, each.shipment) for each in pushes] == [
        ("wms/EAST", f"{order}-S1"),
        ("wms/SOUTH", f"{order}-S2"),
    ]
    assert [[(i.line, i.sku, i.units, i.amount_fen) for i in each.items] for each in pushes] == [
        [(1, "SHIRT", 2, 9_900)],
        [(2, "HAT", 3, 1_000)],
    ]


def test_nothing_is_released_before_everything_is_reserved(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(
        detail(line(native="N1"), line(2, "HAT", native="N2"), status="2", seconds=61, paid_at=after(60))
    )
    order = platform_order(centre)
    assert status(centre.order(order)) is Status.PAID
    assert centre.tickets() == {(order, "line-short")}
    centre.stocked(HAT=1)
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.tickets() == set()


# ---- shipped and signed


def test_split_and_partial_shipment_are_told_parcel_by_parcel(centre: Centre, sold: str) -> None:
    shipment = f"{sold}-S1"
    centre.told(left(shipment, "W1", ("SHIRT", 1), final=False))
    state = centre.order(sold)
    assert (status(state), partly(state)) == (Status.SHIPPED, Partly.SHIPPED)
    centre.told(left(shipment, "W2", ("SHIRT", 1), seconds=110))
    state = centre.order(sold)
    assert (status(state), partly(state)) == (Status.SHIPPED, Partly.NO)
    backs = centre.effects_of(WriteBackShipment)
    assert [(b.partner, b.native, b.waybill, b.units, b.request) for b in backs] == [
        ("channel/DY/dy-1", "4781", "W1", (("N1", 1),), f"{shipment}.1"),
        ("channel/DY/dy-1", "4781", "W2", (("N1", 1),), f"{shipment}.2"),
    ]
    assert centre.states["stock/SHIRT"].levels["EAST"].on_hand == 3
    centre.told(signed(shipment, 105))
    state = centre.order(sold)
    assert (status(state), partly(state)) == (Status.SHIPPED, Partly.SIGNED)
    centre.told(signed(shipment, 210))
    assert status(centre.order(sold)) is Status.SIGNED
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid", "signed"]


def test_parcels_that_are_confirmed_after_they_were_signed_for_count_one_by_one(
    centre: Centre, sold: str
) -> None:
    shipment = f"{sold}-S1"
    centre.told(signed(shipment, 210))
    centre.told(left(shipment, "W1", ("SHIRT", 1), final=False))
    centre.told(left(shipment, "W2", ("SHIRT", 1), seconds=110))
    assert status(centre.order(sold)) is Status.SIGNED
    assert [parcel.signed_at for parcel in centre.order(sold).parcels] == [after(210), after(210)]


def test_an_own_shop_is_not_written_back_to(centre: Centre, order: str) -> None:
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 2)))
    assert status(centre.order(order)) is Status.SHIPPED
    assert centre.effects_of(WriteBackShipment) == []


def test_news_of_lines_that_are_not_known_yet_waits(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("paid", 60, "2", amount_fen=9_900))
    order = platform_order(centre)
    shipment, units = f"{order}-S1", (Units(1, 1),)
    sign = NoteSigned(order=order, shipment=shipment, dispatches=(f"{shipment}.1",), signed_at=after(200))
    ship = NoteShipped(
        order=order,
        shipment=shipment,
        dispatch=f"{shipment}.1",
        carrier="SF",
        waybill="W1",
        units=units,
        shipped_at=after(100),
    )
    assert centre.told(sign) == ["NewsCameEarly"]
    assert centre.told(ship) == ["NewsCameEarly"]
    assert centre.told(ship) == []
    assert status(centre.order(order)) is Status.PAID
    centre.told(detail(status="2", seconds=61))
    assert centre.facts(order)[-3:] == ["OrderReleased", "LinesShipped", "LinesSigned"]
    assert status(centre.order(order)) is Status.SIGNED
    assert centre.order(order).early == ()
    assert centre.told(ship) == []
    assert centre.told(sign) == []


def test_what_waits_is_bounded(centre: Centre) -> None:
    centre.told(said("created", 1, "1"))
    order = platform_order(centre)
    news = [
        NoteSigned(order=order, shipment=f"{order}-S1", dispatches=(f"{order}-S1.{n}",), signed_at=after(n))
        for n in range(65)
    ]
    for each in news[:64]:
        assert centre.told(each) == ["NewsCameEarly"]
    refusal = centre.refused(news[64])
    assert (refusal.name, refusal.status, refusal.retry_after_s) == ("too-early", 503, 60)


def test_units_that_a_warehouse_will_not_send_are_a_ticket(centre: Centre, order: str) -> None:
    centre.told(RecordWmsRefused(shipment=f"{order}-S1", reason="no such item"))
    state = centre.order(order)
    assert state.units(Stage.STOPPED) == 2
    assert centre.tickets() == {(order, "lines-stopped")}
    assert status(state) is Status.RELEASED
    stop = NoteShipmentStopped(
        order=order, shipment=f"{order}-S1", units=(Units(1, 2),), reason="no such item"
    )
    assert centre.told(stop) == []


def test_units_that_leave_after_all_have_left(centre: Centre, order: str) -> None:
    centre.told(RecordWmsRefused(shipment=f"{order}-S1", reason="no such item"))
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 2)))
    assert centre.order(order).units(Stage.SHIPPED) == 2
    assert centre.order(order).units(Stage.STOPPED) == 0


# ---- settled and completed


def test_an_own_order_completes_by_itself_a_week_after_the_signature(centre: Centre, order: str) -> None:
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 2)))
    centre.told(signed(f"{order}-S1", 200))
    assert centre.told(settled(order)) == ["OrderSettled"]
    assert status(centre.order(order)) is Status.SETTLED
    assert centre.wait(200 + 604_799) == []
    assert centre.wait(1) == ["OrderCompleted"]
    assert status(centre.order(order)) is Status.COMPLETED
    assert centre.order(order).completed_at == after(200 + 604_800)
    assert centre.wait(10_000_000) == []


def test_a_buyer_may_complete_what_was_never_signed_for(centre: Centre, order: str) -> None:
    refusal = centre.refused(CompleteOrder(order=order))
    assert (refusal.name, refusal.status) == ("not-shipped-yet", 409)
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 2)))
    assert centre.told(CompleteOrder(order=order)) == ["OrderCompleted"]
    assert centre.told(CompleteOrder(order=order)) == []
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid", "signed"]


def test_finance_hears_of_the_signature_once(centre: Centre, sold: str) -> None:
    centre.told(left(f"{sold}-S1", "W1", ("SHIRT", 2)))
    centre.told(signed(f"{sold}-S1"))
    centre.told(said("completed", 400, "5"))
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid", "signed"]


def test_finance_hears_of_no_signature_while_units_are_here(centre: Centre, sold: str) -> None:
    centre.told(left(f"{sold}-S1", "W1", ("SHIRT", 1), final=False))
    centre.told(said("completed", 400, "5"))
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid"]
    assert status(centre.order(sold)) is Status.SHIPPED


def test_an_order_of_which_nothing_left_cannot_be_completed(centre: Centre, order: str) -> None:
    centre.told(RecordWmsRefused(shipment=f"{order}-S1", reason="no such item"))
    assert centre.refused(CompleteOrder(order=order)).name == "not-shipped-yet"


def test_a_settlement_of_another_sum_is_a_ticket_until_it_is_right(centre: Centre, order: str) -> None:
    assert centre.told(settled(order, 9_000)) == ["SettlementMismatched"]
    assert centre.tickets() == {(order, "settlement-mismatched")}
    assert centre.told(settled(order, 9_900, "B2")) == ["OrderSettled"]
    assert centre.tickets() == set()
    assert centre.told(settled(order, 9_900, "B2")) == []
    assert centre.told(settled(order, 9_900, "B3")) == ["SettlementMismatched"]


def test_a_settlement_before_the_signature_shows_when_all_is_signed(centre: Centre, order: str) -> None:
    centre.told(settled(order))
    assert status(centre.order(order)) is Status.RELEASED
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 2)))
    assert status(centre.order(order)) is Status.SHIPPED
    centre.told(signed(f"{order}-S1"))
    assert status(centre.order(order)) is Status.SETTLED


# ---- cancelled


def test_an_unpaid_order_is_cancelled_in_time_and_its_stock_is_free(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed()
    assert centre.wait(1_799) == []
    assert centre.wait(1) == ["OrderCancelled"]
    assert status(centre.order(order)) is Status.CANCELLED
    assert centre.states["stock/SHIRT"].levels["EAST"].available == 5
    assert centre.wait(100_000) == []
    assert centre.withdrawn == [(order, "Prepay")]


def test_a_paid_order_that_is_cancelled_is_owed_back(centre: Centre, order: str) -> None:
    assert centre.told(CancelOrder(order=order, reason="changed my mind")) == ["OrderCancelled"]
    assert centre.told(CancelOrder(order=order, reason="changed my mind")) == []
    state = centre.order(order)
    assert (status(state), after_sale(state)) == (Status.REFUND_PENDING, AfterSale.REFUND_DUE)
    assert state.owed_fen == 9_900
    assert centre.effects_of(TellFinance)[-1].milestone == "cancelled"


def test_a_cancelled_order_is_called_back_and_its_stock_freed(centre: Centre, order: str) -> None:
    shipment = f"{order}-S1"
    centre.told(CancelOrder(order=order, reason="buyer"))
    (cancel,) = centre.effects_of(CancelAtWms)
    assert (cancel.partner, cancel.shipment) == ("wms/EAST", shipment)
    assert (shipment, "PushToWms") in centre.withdrawn
    assert centre.states["stock/SHIRT"].levels["EAST"].reserved == 2
    centre.told(RecordRecall(shipment=shipment, stopped=True, reason="ok"))
    assert centre.order(order).units(Stage.STOPPED) == 2
    assert centre.states["stock/SHIRT"].levels["EAST"].reserved == 0
    assert centre.tickets() == set()


def test_what_left_in_spite_of_the_cancellation_is_told(centre: Centre, sold: str) -> None:
    shipment = f"{sold}-S1"
    centre.told(RecordWmsAccepted(shipment=shipment, wms_order="W"))
    centre.told(said("cancelled", 90, "4"))
    centre.told(RecordRecall(shipment=shipment, stopped=False, reason="already packed"))
    centre.told(left(shipment, "W1", ("SHIRT", 2)))
    assert status(centre.order(sold)) is Status.CANCELLED
    assert centre.order(sold).units(Stage.SHIPPED) == 2
    assert centre.effects_of(WriteBackShipment) == []
    assert centre.tickets() == {(shipment, "recall-failed"), (sold, "left-after-cancel")}
    assert centre.states["stock/SHIRT"].levels["EAST"].reserved == 0


def test_after_shipping_an_own_order_is_returned_not_cancelled(centre: Centre, order: str) -> None:
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 1), final=False))
    refusal = centre.refused(CancelOrder(order=order, reason="late"))
    assert (refusal.name, refusal.status) == ("already-shipped", 409)


def test_a_platform_may_cancel_what_has_left(centre: Centre, sold: str) -> None:
    shipment = f"{sold}-S1"
    centre.told(left(shipment, "W1", ("SHIRT", 2)))
    centre.told(said("shipped", 101, "3"))
    assert centre.told(said("cancelled", 120, "4")) == ["ChannelReported", "OrderCancelled"]
    assert centre.tickets() == {(shipment, "recall-failed")}
    assert status(centre.order(sold)) is Status.CANCELLED
    assert centre.order(sold).owed_fen == 0


def test_a_cancellation_that_the_platform_has_gone_beyond_is_only_evidence(centre: Centre, sold: str) -> None:
    centre.told(left(f"{sold}-S1", "W1", ("SHIRT", 2)))
    centre.told(said("completed", 400, "5"))
    assert centre.told(said("cancelled", 90, "4")) == ["ChannelReported"]
    assert status(centre.order(sold)) is Status.COMPLETED


def test_a_refund_before_shipping_stops_the_order(centre: Centre, sold: str) -> None:
    assert centre.told(said("other", 90, "21")) == ["ChannelReported", "OrderCancelled"]
    assert len(centre.effects_of(CancelAtWms)) == 1


def test_an_order_that_was_cancelled_before_it_was_known_takes_no_stock(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("cancelled", 50, "4"))
    centre.told(detail(seconds=51, status="4"))
    order = platform_order(centre)
    assert status(centre.order(order)) is Status.CANCELLED
    assert centre.order(order).units(Stage.STOPPED) == 1
    assert "StockReserved" not in centre.facts()
    assert centre.states["stock/SHIRT"].levels["EAST"].reserved == 0


def test_shipped_by_a_platform_that_had_cancelled_contradicts(centre: Centre, sold: str) -> None:
    centre.told(said("cancelled", 90, "4"))
    centre.told(said("shipped", 95, "3"))
    assert (sold, "channel-contradicts") in centre.tickets()
    assert status(centre.order(sold)) is Status.CANCELLED


@pytest.mark.parametrize("ask", [CancelOrder, CompleteOrder, ChangeAmount])
def test_what_a_platform_decides_is_not_asked_of_us(centre: Centre, sold: str, ask: Any) -> None:
    more: dict[Any, dict[str, Any]] = {
        CancelOrder: {"reason": "r"},
        CompleteOrder: {},
        ChangeAmount: {"amount_fen": 1, "reason": "r"},
    }
    refusal = centre.refused(ask(order=sold, **more[ask]))
    assert (refusal.name, refusal.status) == ("platform-decides", 409)


# ---- time


def test_a_broken_promise_is_a_ticket_until_all_has_left(centre: Centre, sold: str) -> None:
    assert centre.wait(60 + 172_799) == []
    assert centre.wait(1) == ["ShipmentOverdue"]
    assert centre.tickets() == {(sold, "shipment-overdue")}
    assert centre.wait(1_000_000) == []
    centre.told(left(f"{sold}-S1", "W1", ("SHIRT", 1), final=False))
    assert centre.tickets() == {(sold, "shipment-overdue")}
    centre.told(left(f"{sold}-S1", "W2", ("SHIRT", 1)))
    assert centre.tickets() == set()


def test_a_cancellation_ends_the_worries_about_the_order(centre: Centre) -> None:
    centre.told(detail(status="2", seconds=61, paid_at=after(60)))
    order = platform_order(centre)
    centre.wait(200_000)
    assert centre.tickets() == {(order, "line-short"), (order, "shipment-overdue")}
    centre.told(said("cancelled", 200_100, "4"))
    assert centre.tickets() == set()


def test_a_reservation_that_expired_just_before_the_payment_is_asked_for_again(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=2))
    order = platform_order(centre)
    assert centre.wait(2_700) == ["ReservationExpired"]
    assert centre.order(order).units(Stage.WAITING) == 1
    assert centre.told(said("paid", 2_650, "2", amount_fen=9_900)) == [
        "ChannelReported",
        "OrderPaid",
        "ReservationRetried",
    ]
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.states["stock/SHIRT"].bucket(order).reservation(order, 1).attempt == 2


def test_a_payment_that_crosses_the_expiry_asks_again_as_well(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("paid", 60, "2", amount_fen=9_900))
    order = platform_order(centre)
    centre.told(said("other", 61, "105"))
    centre.told(detail(seconds=62, status="105"))
    expired = NoteReservationExpired(order=order, line=1, attempt=1)
    assert centre.told(expired) == ["LineReservationExpired", "ReservationRetried"]
    assert centre.told(expired) == []


def test_a_completed_order_may_still_be_closed_by_its_platform(centre: Centre, sold: str) -> None:
    centre.told(left(f"{sold}-S1", "W1", ("SHIRT", 2)))
    centre.told(said("completed", 400, "5"))
    centre.told(said("cancelled", 500, "4"))
    assert centre.order(sold).closing is Closing.CANCELLED
