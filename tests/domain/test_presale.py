"""Presale: deposit, then balance; nothing leaves before both are in, and what becomes of the deposit is stated."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import NOON, POLICY, Centre, after, detail, place, platform_order, said

from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import CancelOrder, ChangeAmount, RecordPayment, RequestPayment
from tongdan.domain.orders.facts import Prepay, TellFinance
from tongdan.domain.orders.money.refund_facts import RefundPayment
from tongdan.domain.orders.status import status

DAY_S = 86_400
DEPOSIT_FEN, BALANCE_FEN = 1_900, 8_000


def presold(centre: Centre, **more: Any) -> str:
    whole: dict[str, Any] = {"deposit_fen": DEPOSIT_FEN, "balance_by": after(7 * DAY_S)} | more
    centre.told(place(**whole))
    return centre.names["MP", "mp-1", "C-1"]


def paid(
    order: str, amount_fen: int, transaction: str, attempt: int = 1, seconds: float = 60
) -> RecordPayment:
    return RecordPayment(
        order=order, attempt=attempt, transaction=transaction, amount_fen=amount_fen, paid_at=after(seconds)
    )


@pytest.fixture
def shop() -> Centre:
    return Centre().stocked(SHIRT=5)


def test_two_sums_are_asked_for_and_only_the_second_releases(shop: Centre) -> None:
    order = presold(shop)
    shop.told(RequestPayment(order=order, method="wechat"))
    assert shop.told(paid(order, DEPOSIT_FEN, "T-D")) == ["DepositPaid"]
    assert status(shop.order(order)) is Status.CREATED
    assert shop.order(order).holds == ("presale-balance",)
    shop.told(RequestPayment(order=order, method="wechat"))
    assert [each.amount_fen for each in shop.effects_of(Prepay)] == [DEPOSIT_FEN, BALANCE_FEN]
    told = shop.told(paid(order, BALANCE_FEN, "T-B", 2, seconds=5 * DAY_S))
    assert told == ["BalancePaid", "HoldLifted", "OrderPaid", "OrderReleased"]
    state = shop.order(order)
    assert (state.received_fen, state.paid.amount_fen, status(state)) == (9_900, 9_900, Status.RELEASED)
    assert state.ship_by == after(5 * DAY_S) + timedelta(seconds=POLICY.deadlines.ship_within_s)
    assert [(each.milestone, each.amount_fen) for each in shop.effects_of(TellFinance)] == [("paid", 9_900)]
    assert shop.states[order] == shop.folded(order)


def test_its_stock_waits_for_the_balance(shop: Centre) -> None:
    order = presold(shop)
    shop.told(paid(order, DEPOSIT_FEN, "T-D"))
    shop.wait(6 * DAY_S)
    assert shop.order(order).units(Stage.RESERVED) == 1


def test_a_deposit_whose_balance_never_comes_is_forfeited(shop: Centre) -> None:
    order = presold(shop)
    shop.told(paid(order, DEPOSIT_FEN, "T-D"))
    assert shop.wait(7 * DAY_S) == ["OrderCancelled"]
    state = shop.order(order)
    assert (status(state), state.owed_fen) == (Status.CANCELLED, 0)
    assert shop.effects_of(RefundPayment) == []
    assert shop.states["stock/SHIRT"].levels["EAST"].reserved == 0


def test_who_ends_it_before_gives_the_deposit_back(shop: Centre) -> None:
    order = presold(shop)
    shop.told(paid(order, DEPOSIT_FEN, "T-D"))
    shop.told(CancelOrder(order=order, reason="seller"))
    assert [each.amount_fen for each in shop.effects_of(RefundPayment)] == [DEPOSIT_FEN]
    assert status(shop.order(order)) is Status.REFUND_PENDING


def test_a_whole_presale_that_is_cancelled_gives_both_sums_back(shop: Centre) -> None:
    centre = Centre()  # nothing in stock, so nothing is released
    order = presold(centre)
    centre.told(paid(order, DEPOSIT_FEN, "T-D"))
    centre.told(paid(order, BALANCE_FEN, "T-B", 2))
    centre.told(CancelOrder(order=order, reason="buyer"))
    assert sorted(each.amount_fen for each in centre.effects_of(RefundPayment)) == [DEPOSIT_FEN, BALANCE_FEN]


def test_what_left_keeps_both_sums_until_a_person_says_otherwise(shop: Centre) -> None:
    order = presold(shop)
    shop.told(paid(order, DEPOSIT_FEN, "T-D"))
    shop.told(paid(order, BALANCE_FEN, "T-B", 2))
    shop.told(CancelOrder(order=order, reason="buyer"))  # it is with the warehouse, and may have left
    assert shop.effects_of(RefundPayment) == []


def test_nobody_pays_in_time_and_nothing_is_owed(shop: Centre) -> None:
    order = presold(shop)
    assert shop.wait(3_600) == ["OrderCancelled"]
    assert shop.order(order).received_fen == 0


def test_a_deposit_paid_twice_goes_back_once(shop: Centre) -> None:
    order = presold(shop)
    shop.told(paid(order, DEPOSIT_FEN, "T-D"))
    assert shop.told(paid(order, DEPOSIT_FEN, "T-D")) == []
    assert shop.told(paid(order, DEPOSIT_FEN, "T-D2", 2)) == ["PaymentDuplicated"]
    assert [each.amount_fen for each in shop.effects_of(RefundPayment)] == [DEPOSIT_FEN]
    assert shop.order(order).presale.deposit.transaction == "T-D"


def test_another_sum_is_a_persons(shop: Centre) -> None:
    order = presold(shop)
    assert shop.told(paid(order, 9_900, "T-W")) == ["PaymentMismatched"]
    assert shop.tickets() == {(order, "payment-mismatched")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"deposit_fen": 0},
        {"deposit_fen": 9_900},
        {"deposit_fen": -1},
        {"balance_by": None},
        {"balance_by": NOON},
    ],
)
def test_a_deposit_that_does_not_fit_is_refused(shop: Centre, wrong: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"deposit_fen": DEPOSIT_FEN, "balance_by": after(DAY_S)} | wrong
    assert shop.refused(place(**whole)).name == "deposit-out-of-range"


def test_the_price_stays_above_the_deposit(shop: Centre) -> None:
    order = presold(shop)
    said = shop.refused(ChangeAmount(order=order, amount_fen=DEPOSIT_FEN, reason="r"))
    assert said.name == "deposit-out-of-range"


def test_the_same_presale_again_is_the_same_order_and_another_deposit_is_not(shop: Centre) -> None:
    presold(shop)
    assert shop.told(place(deposit_fen=DEPOSIT_FEN, balance_by=after(7 * DAY_S))) == []
    other = place(deposit_fen=DEPOSIT_FEN + 1, balance_by=after(7 * DAY_S))
    assert shop.refused(other).name == "order-number-reused"


def test_a_platforms_presale_is_held_until_its_balance_is_in() -> None:
    statuses = {**POLICY.channels["DY"].statuses, "deposit": "deposit_paid"}
    channel = replace(POLICY.channels["DY"], statuses=statuses)
    centre = Centre(replace(POLICY, channels={"DY": channel})).stocked(SHIRT=5)
    centre.told(detail(status="deposit"))
    order = platform_order(centre)
    assert centre.order(order).holds == ("presale-balance",)
    centre.told(said("paid", 90, "2"))
    assert centre.order(order).holds == ()
    assert status(centre.order(order)) is Status.RELEASED


@given(
    st.lists(st.sampled_from([DEPOSIT_FEN, BALANCE_FEN, 9_900, 100]), min_size=1, max_size=6),
    st.integers(0, 6),
)
def test_of_whatever_comes_in_every_fen_is_kept_owed_or_forfeited(sums: list[int], cancel_after: int) -> None:
    centre = Centre().stocked(SHIRT=5)
    order = presold(centre)
    for n, sum_fen in enumerate(sums):
        if n == cancel_after:
            centre.send(CancelOrder(order=order, reason="r"))
        centre.told(paid(order, sum_fen, f"T-{n}", n + 1))
    state = centre.order(order)
    assert state.received_fen == sum(sums)
    assert 0 <= state.owed_fen <= state.received_fen
    if state.cancelled:
        assert state.owed_fen == state.received_fen
    assert (state.paid is not None) <= (DEPOSIT_FEN in sums and BALANCE_FEN in sums)
    free = not {"presale-balance", "payment"} & set(state.holds)
    assert bool(state.shipments) == (state.paid is not None and free)
    assert centre.states[order] == centre.folded(order)
