"""Money: any number of attempts, one that counts, and never a fen that nobody accounts for."""

from typing import Any

import pytest
from tests.domain.centre import NOON, Centre, after, detail, line, place, platform_order, said

from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import AttemptStage
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAmount,
    LiftHold,
    PlaceHold,
    RecordPayment,
    RecordPaymentFailure,
    RecordPrepay,
    RecordPrepayRefused,
    RequestPayment,
)
from tongdan.domain.orders.facts import Prepay, TellFinance
from tongdan.domain.orders.status import status


def money(
    order: str, attempt: int = 1, amount_fen: int = 9_900, transaction: str = "", seconds: float = 60
) -> Any:
    return RecordPayment(
        order=order,
        attempt=attempt,
        transaction=transaction or f"T{attempt}",
        amount_fen=amount_fen,
        paid_at=after(seconds),
    )


def ask(order: str, method: str = "wechat") -> RequestPayment:
    return RequestPayment(order=order, method=method)


@pytest.fixture
def order(centre: Centre) -> str:
    """An order of 99 yuan with stock behind it."""
    return centre.stocked(SHIRT=5).placed()


def accounts(centre: Centre, order: str) -> tuple[int, int]:
    """(received, owed back) in fen."""
    state = centre.order(order)
    return state.received_fen, state.owed_fen


def test_an_attempt_is_opened_under_a_number_of_ours(centre: Centre, order: str) -> None:
    assert centre.told(ask(order)) == ["PaymentRequested"]
    (prepay,) = centre.effects_of(Prepay)
    assert prepay == Prepay(
        partner="payment/wechat",
        shop="mp-1",
        out_trade_no=f"{order}-P1",
        amount_fen=9_900,
    )
    assert centre.told(RecordPrepay(order=order, attempt=1, prepay="wx1")) == ["PrepayIssued"]
    assert centre.told(RecordPrepay(order=order, attempt=1, prepay="wx1")) == []
    assert centre.order(order).attempts[0].stage is AttemptStage.OPEN


def test_a_failed_wallet_and_then_a_card_count_once(centre: Centre, order: str) -> None:
    centre.told(ask(order, "wallet"))
    centre.told(RecordPrepay(order=order, attempt=1, prepay="wx1"))
    assert centre.told(RecordPaymentFailure(order=order, attempt=1, reason="NOTENOUGH")) == ["PaymentFailed"]
    centre.told(ask(order, "card"))
    centre.told(RecordPrepay(order=order, attempt=2, prepay="wx2"))
    assert centre.told(money(order, attempt=2)) == ["OrderPaid", "OrderReleased"]

    state = centre.order(order)
    assert [(each.no, each.method, each.stage) for each in state.attempts] == [
        (1, "wallet", AttemptStage.FAILED),
        (2, "card", AttemptStage.PAID),
    ]
    assert centre.facts().count("OrderPaid") == 1
    assert [(each.milestone, each.amount_fen) for each in centre.effects_of(TellFinance)] == [("paid", 9_900)]
    assert accounts(centre, order) == (9_900, 0)
    assert centre.tickets() == set()


def test_the_same_payment_told_twice_is_one(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    centre.told(money(order))
    assert centre.told(money(order)) == []
    assert accounts(centre, order) == (9_900, 0)


def test_a_second_payment_is_owed_back(centre: Centre, order: str) -> None:
    centre.told(ask(order, "wallet"))
    centre.told(ask(order, "card"))
    centre.told(money(order, attempt=1))
    assert centre.told(money(order, attempt=2)) == ["PaymentDuplicated"]
    assert accounts(centre, order) == (19_800, 9_900)
    assert centre.tickets() == {(order, "payment-duplicated")}
    assert status(centre.order(order)) is Status.RELEASED


def test_one_attempt_paid_under_two_transactions_is_two_sums(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    centre.told(money(order, transaction="A"))
    assert centre.told(money(order, transaction="B")) == ["PaymentDuplicated"]
    assert accounts(centre, order) == (19_800, 9_900)


def test_money_for_an_attempt_that_had_failed_counts(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    centre.told(RecordPaymentFailure(order=order, attempt=1, reason="timeout"))
    assert centre.told(money(order)) == ["OrderPaid", "OrderReleased"]
    assert centre.told(RecordPaymentFailure(order=order, attempt=1, reason="late")) == []


def test_money_for_an_attempt_that_nobody_remembers_counts(centre: Centre, order: str) -> None:
    assert centre.told(money(order, attempt=7)) == ["OrderPaid", "OrderReleased"]
    assert centre.order(order).attempts[0].no == 7


def test_a_wrong_sum_holds_the_order_until_a_person_accepts_it(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    assert centre.told(money(order, amount_fen=9_000)) == ["PaymentMismatched"]
    assert centre.tickets() == {(order, "payment-mismatched")}
    assert centre.order(order).holds == ("payment",)
    assert status(centre.order(order)) is Status.CREATED
    assert centre.effects_of(TellFinance) == []

    assert centre.told(LiftHold(order=order, hold="payment", note="agreed")) == [
        "HoldLifted",
        "OrderPaid",
        "OrderReleased",
    ]
    assert accounts(centre, order) == (9_000, 0)
    assert centre.order(order).paid.paid_at == after(60)


def test_a_wrong_sum_goes_back_when_the_order_is_cancelled(centre: Centre, order: str) -> None:
    centre.told(money(order, amount_fen=9_000))
    centre.told(CancelOrder(order=order, reason="buyer"))
    assert accounts(centre, order) == (9_000, 9_000)
    assert status(centre.order(order)) is Status.REFUND_PENDING


def test_money_after_the_cancellation_is_owed_back(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    centre.told(CancelOrder(order=order, reason="buyer"))
    assert status(centre.order(order)) is Status.CANCELLED
    assert centre.told(money(order)) == ["PaidAfterCancel"]
    assert centre.told(money(order)) == []
    assert accounts(centre, order) == (9_900, 9_900)
    assert status(centre.order(order)) is Status.REFUND_PENDING
    assert centre.tickets() == {(order, "paid-after-cancel")}


def test_a_prepay_that_the_provider_refuses_is_a_failed_attempt(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    assert centre.told(RecordPrepayRefused(order=order, attempt=1, reason="PARAM_ERROR")) == ["PaymentFailed"]
    assert centre.told(RecordPrepayRefused(order=order, attempt=1, reason="PARAM_ERROR")) == []
    assert centre.told(RecordPrepay(order=order, attempt=1, prepay="late")) == []
    assert centre.told(RecordPaymentFailure(order=order, attempt=9, reason="unknown")) == []


def test_an_old_sum_paid_after_the_amount_changed_is_a_wrong_sum(centre: Centre, order: str) -> None:
    centre.told(ask(order))
    assert centre.told(ChangeAmount(order=order, amount_fen=9_000, reason="goodwill")) == ["AmountChanged"]
    assert centre.told(money(order)) == ["PaymentMismatched"]


# ---- no payment without stock


def test_there_is_no_payment_before_stock_stands_behind_every_line(centre: Centre) -> None:
    centre.stocked(SHIRT=5).tell(place())
    order = centre.names["MP", "mp-1", "C-1"]
    refusal = centre.refused(ask(order))
    assert (refusal.name, refusal.status, refusal.retry_after_s) == ("stock-pending", 409, 1)
    centre.catch_up()
    assert centre.told(ask(order)) == ["PaymentRequested"]


def test_what_is_out_of_stock_cannot_be_paid(centre: Centre) -> None:
    order = centre.stocked(SHIRT=1).placed(line(), line(no=2, units=2))
    refusal = centre.refused(ask(order))
    assert (refusal.name, refusal.status, refusal.retry_after_s) == ("out-of-stock", 409, 0)
    assert "line(s) 2" in refusal.en
    assert centre.tickets() == set()  # nobody has bought it yet


def test_what_came_in_stock_can_be_paid(centre: Centre) -> None:
    order = centre.placed()
    centre.refused(ask(order))
    centre.stocked(SHIRT=1)
    assert centre.told(ask(order)) == ["PaymentRequested"]


@pytest.mark.parametrize("name", ["order-closed", "already-paid", "too-many-payment-attempts"])
def test_further_payments_are_refused_by_name(centre: Centre, order: str, name: str) -> None:
    if name == "order-closed":
        centre.told(CancelOrder(order=order, reason="buyer"))
    elif name == "already-paid":
        centre.told(money(order))
    else:
        for _ in range(20):
            centre.told(ask(order))
    refusal = centre.refused(ask(order))
    assert (refusal.name, refusal.status) == (name, 409)


# ---- platforms collect by themselves


def test_a_platform_order_is_not_paid_through_us(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=2))
    assert centre.refused(ask(platform_order(centre))).name == "platform-decides"


def test_a_platform_that_collects_after_its_own_cancellation_is_a_ticket(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=2))
    order = platform_order(centre)
    centre.told(said("cancelled", 50, "4"))
    assert centre.told(said("paid", 60, "2", amount_fen=9_900)) == ["ChannelReported", "PaidAfterCancel"]
    assert centre.tickets() == {(order, "paid-after-cancel")}
    assert status(centre.order(order)) is Status.CANCELLED  # it pays back by itself
    assert accounts(centre, order) == (0, 0)


def test_a_payment_keeps_the_stock_for_good(centre: Centre, order: str) -> None:
    bucket = centre.states["stock/SHIRT"].bucket(order)
    assert bucket.reservation(order, 1).until == after(2_700)
    centre.told(PlaceHold(order=order, hold="review"))
    assert centre.told(money(order)) == ["OrderPaid"]
    assert centre.states["stock/SHIRT"].bucket(order).reservation(order, 1).until is None
    centre.wait(10_000)
    assert "ReservationExpired" not in centre.facts()


def test_money_that_the_platform_took_before_it_cancelled_is_no_surprise(centre: Centre) -> None:
    centre.told(said("cancelled", 60, "4"))
    assert centre.told(said("paid", 60, "2", amount_fen=9_900)) == ["ChannelReported", "OrderPaid"]
    assert centre.tickets() == set()


def test_the_promise_to_ship_begins_with_the_payment(centre: Centre, order: str) -> None:
    assert centre.order(order).ship_by is None
    centre.told(money(order))
    assert centre.order(order).ship_by == after(60 + 172_800)
    assert centre.now == NOON
