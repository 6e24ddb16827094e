"""Money that goes back: what is owed goes once, what failed waits for a person, and only what fits is believed."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, left, pay, platform_order

from tongdan.domain.fulfillment.commands import RecordRecall
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Partly, RefundStage
from tongdan.domain.orders.commands import (
    CancelOrder,
    PayBack,
    RecordPayment,
    RecordPaymentFailure,
    RecordPrepay,
    RecordPrepayRefused,
    RecordRefund,
    RecordRefundRefused,
    RefundUnits,
    RequestPayment,
    RequestRefund,
)
from tongdan.domain.orders.facts import TellFinance
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.money.refund_facts import ClosePayment, QueryRefund, RefundPayment
from tongdan.domain.orders.money.refunds import MAX_ASKED, MAX_REFUNDS
from tongdan.domain.orders.status import partly, status

BY_HAND = replace(POLICY, shops={name: replace(shop, pays_back=False) for name, shop in POLICY.shops.items()})
PRICE_FEN = 9_900


def again(order: str, attempt: int = 2) -> RecordPayment:
    """The order is paid once more."""
    return RecordPayment(
        order=order, attempt=attempt, transaction=f"T{attempt}", amount_fen=PRICE_FEN, paid_at=after(90)
    )


def result(order: str, stage: RefundStage, no: int = 1, **differs: Any) -> RecordRefund:
    """The provider's word on a refund of the whole second payment, unless it `differs`."""
    said: dict[str, Any] = {
        "attempt": 2,
        "transaction": "T2",
        "amount_fen": PRICE_FEN,
        "reference": "503",
        "said_at": after(200),
    }
    return RecordRefund(order=order, refund=no, stage=stage, **said | differs)


def grant(order: str, amount_fen: int | None = None) -> RequestRefund:
    return RequestRefund(order=order, amount_fen=amount_fen, reason="goodwill")


def cancel(order: str) -> CancelOrder:
    return CancelOrder(order=order, reason="buyer")


def send(centre: Centre, order: str) -> None:
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))


@pytest.fixture
def unpaid(centre: Centre) -> str:
    return centre.stocked(SHIRT=5).placed()


@pytest.fixture
def paid(centre: Centre, unpaid: str) -> str:
    """An order of one shirt, 99 yuan, paid (T1) and released."""
    centre.told(pay(unpaid))
    return unpaid


@pytest.fixture
def twice(centre: Centre, paid: str) -> str:
    """It is paid a second time (T2)."""
    centre.told(again(paid))
    return paid


# ---- what goes back by itself


def test_a_second_payment_goes_back_once_and_only_it(centre: Centre, twice: str) -> None:
    assert centre.effects_of(RefundPayment) == [
        RefundPayment(
            partner="payment/wechat",
            shop="mp-1",
            out_trade_no=f"{twice}-P2",
            transaction="T2",
            out_refund_no=f"{twice}-R1",
            amount_fen=PRICE_FEN,
            total_fen=PRICE_FEN,
        )
    ]
    assert centre.told(again(twice)) == []
    assert centre.told(PayBack(order=twice, transaction="T2")) == []
    assert centre.told(PayBack(order=twice, transaction="T1")) == []
    assert centre.tickets() == {(twice, "payment-duplicated")}
    assert status(centre.order(twice)) is Status.RELEASED

    assert centre.told(result(twice, RefundStage.SUCCEEDED)) == ["RefundSucceeded"]
    state = centre.order(twice)
    assert (state.received_fen, state.owed_fen, state.refunded_fen) == (19_800, 9_900, 9_900)
    assert (status(state), partly(state)) == (Status.RELEASED, Partly.NO)
    assert (state.worries, centre.tickets()) == ((), set())
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid"]


def test_money_for_a_cancelled_order_goes_back(centre: Centre, unpaid: str) -> None:
    centre.told(cancel(unpaid))
    assert centre.effects_of(RefundPayment) == []
    centre.told(again(unpaid))
    (effect,) = centre.effects_of(RefundPayment)
    assert (effect.transaction, effect.amount_fen) == ("T2", PRICE_FEN)
    assert status(centre.order(unpaid)) is Status.REFUND_PENDING
    centre.told(result(unpaid, RefundStage.SUCCEEDED))
    assert status(centre.order(unpaid)) is Status.REFUNDED
    assert centre.tickets() == set()


def test_the_price_of_a_cancelled_order_goes_back_when_its_goods_cannot_leave(
    centre: Centre, paid: str
) -> None:
    centre.told(cancel(paid))
    assert centre.effects_of(RefundPayment) == []  # the warehouse has not answered yet
    centre.told(RecordRecall(shipment=f"{paid}-S1", stopped=True, reason="ok"))
    (effect,) = centre.effects_of(RefundPayment)
    assert (effect.transaction, effect.amount_fen) == ("T1", PRICE_FEN)
    centre.told(result(paid, RefundStage.SUCCEEDED, attempt=1, transaction="T1"))
    assert status(centre.order(paid)) is Status.REFUNDED
    told = [(each.milestone, each.amount_fen) for each in centre.effects_of(TellFinance)]
    assert told == [("paid", PRICE_FEN), ("cancelled", PRICE_FEN), ("refunded", PRICE_FEN)]


def test_the_price_of_goods_that_left_waits_for_a_person(centre: Centre, paid: str) -> None:
    centre.told(cancel(paid))
    send(centre, paid)
    centre.told(RecordRecall(shipment=f"{paid}-S1", stopped=False, reason="left"))
    assert centre.effects_of(RefundPayment) == []
    assert (paid, "left-after-cancel") in centre.tickets()
    assert status(centre.order(paid)) is Status.REFUND_PENDING
    assert centre.told(grant(paid)) == ["RefundRequested"]


def test_where_the_policy_says_by_hand_nothing_goes_by_itself() -> None:
    centre = Centre(BY_HAND)
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    centre.told(again(order))
    assert centre.effects_of(RefundPayment) == []
    assert centre.tickets() == {(order, "payment-duplicated")}
    assert centre.told(grant(order)) == ["RefundRequested"]  # without a sum: what is owed
    (effect,) = centre.effects_of(RefundPayment)
    assert (effect.transaction, effect.amount_fen) == ("T2", PRICE_FEN)


def test_a_platform_pays_back_by_itself(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=2))
    order = platform_order(centre)
    assert centre.refused(grant(order, 100)).name == "platform-decides"
    assert centre.told(PayBack(order=order)) == []


# ---- what a person grants


def test_a_part_goes_back_and_the_order_goes_on(centre: Centre, paid: str) -> None:
    assert centre.told(grant(paid, 1_000)) == ["RefundRequested"]
    said: dict[str, Any] = {"attempt": 1, "transaction": "T1", "amount_fen": 1_000}
    centre.told(result(paid, RefundStage.SUCCEEDED, **said))
    state = centre.order(paid)
    assert (status(state), partly(state)) == (Status.RELEASED, Partly.REFUNDED)
    assert (state.owed_fen, state.refunded_fen) == (1_000, 1_000)
    send(centre, paid)
    assert status(centre.order(paid)) is Status.SHIPPED
    assert centre.told(grant(paid)) == ["RefundRequested"]  # without a sum: all that is left
    assert status(centre.order(paid)) is Status.REFUND_PENDING
    centre.told(result(paid, RefundStage.SUCCEEDED, no=2, **said | {"amount_fen": 8_900}))
    assert (status(centre.order(paid)), partly(centre.order(paid))) == (Status.REFUNDED, Partly.NO)


def test_a_refund_takes_from_the_surplus_first(centre: Centre) -> None:
    centre.policy = BY_HAND
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    centre.told(again(order))
    assert centre.told(grant(order, 12_000)) == ["RefundRequested", "RefundRequested"]
    sums = [(each.transaction, each.amount_fen) for each in centre.effects_of(RefundPayment)]
    assert sums == [("T2", 9_900), ("T1", 2_100)]
    assert centre.order(order).owed_fen == 12_000


@pytest.mark.parametrize("amount_fen", [0, -1, 9_901])
def test_a_sum_that_is_not_there_is_refused(centre: Centre, paid: str, amount_fen: int) -> None:
    refusal = centre.refused(grant(paid, amount_fen))
    assert (refusal.name, refusal.status) == ("refund-out-of-range", 422)
    assert "from 1 to 9900" in refusal.en


def test_where_nothing_came_in_or_all_went_back_nothing_is_left(centre: Centre, unpaid: str) -> None:
    assert centre.refused(grant(unpaid)).name == "nothing-to-refund"
    centre.told(cancel(unpaid))
    centre.told(again(unpaid))
    assert centre.refused(grant(unpaid, 1)).name == "nothing-to-refund"


def test_all_the_money_of_goods_still_to_be_sent_goes_back_by_cancelling(centre: Centre, paid: str) -> None:
    refusal = centre.refused(grant(paid))
    assert (refusal.name, refusal.status) == ("cancel-instead", 409)
    assert "1 units" in refusal.en


def test_refunds_of_one_order_are_counted(centre: Centre, paid: str) -> None:
    for _ in range(MAX_REFUNDS):
        assert centre.told(grant(paid, 1)) == ["RefundRequested"]
    assert centre.refused(grant(paid, 1)).name == "too-many-refunds"


@given(
    limit_fen=st.integers(0, 12_000),
    sums=st.lists(st.none() | st.integers(1, 12_000), min_size=1, max_size=6),
    lines=st.sets(st.integers(0, 5)),
)
def test_no_more_goes_back_than_a_persons_word_reaches(
    limit_fen: int, sums: list[int | None], lines: set[int]
) -> None:
    """However many ask at once: each is decided on what those before it have left."""
    centre = Centre(BY_HAND)
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    send(centre, order)
    centre.told(again(order))
    for n, amount_fen in enumerate(sums):
        named: dict[str, Any] = {
            "order": order,
            "amount_fen": amount_fen,
            "reason": "x",
            "limit_fen": limit_fen,
        }
        by_line = n in lines
        gone_fen = sum(each.amount_fen for each in centre.order(order).refunds)
        decided = centre.send(
            RefundUnits(units=(Units(1, 1),), **named) if by_line else RequestRefund(**named)
        )
        now_fen = sum(each.amount_fen for each in centre.order(order).refunds)
        assert now_fen <= max(limit_fen, gone_fen)
        if isinstance(decided, Refusal):
            assert now_fen == gone_fen
        if amount_fen is not None and gone_fen + amount_fen > limit_fen and not by_line:
            assert isinstance(decided, Refusal) and decided.name == "above-refund-limit"


def test_a_word_without_limit_reaches_as_far_as_the_money(centre: Centre, paid: str) -> None:
    limited = RequestRefund(order=paid, amount_fen=101, reason="x", limit_fen=100)
    refusal = centre.refused(limited)
    assert (refusal.name, refusal.status) == ("above-refund-limit", 403)
    assert centre.told(grant(paid, 101)) == ["RefundRequested"]
    assert "101 fen are on their way" in centre.refused(replace(limited, amount_fen=1)).en


# ---- what becomes of it


def test_the_result_may_come_before_the_answer_and_twice(centre: Centre, twice: str) -> None:
    assert centre.told(result(twice, RefundStage.SUCCEEDED)) == ["RefundSucceeded"]
    assert centre.told(result(twice, RefundStage.ACCEPTED)) == []
    assert centre.told(result(twice, RefundStage.SUCCEEDED)) == []
    assert centre.told(result(twice, RefundStage.ABNORMAL)) == []
    assert centre.order(twice).refunded_fen == PRICE_FEN


def test_what_the_buyers_account_did_not_take_is_a_ticket_until_it_did(centre: Centre, twice: str) -> None:
    centre.told(result(twice, RefundStage.ACCEPTED))
    assert centre.told(result(twice, RefundStage.ABNORMAL)) == ["RefundAbnormal"]
    assert centre.tickets() == {(twice, "payment-duplicated"), (twice, "refund-abnormal:R1")}
    assert centre.told(PayBack(order=twice, transaction="T2")) == []  # it still holds its sum
    assert centre.told(result(twice, RefundStage.ACCEPTED)) == []
    assert centre.told(result(twice, RefundStage.SUCCEEDED)) == ["RefundSucceeded"]
    assert centre.tickets() == set()


@pytest.mark.parametrize("closed", [True, False])
def test_what_failed_is_owed_and_goes_again_only_on_a_persons_word(
    centre: Centre, twice: str, closed: bool
) -> None:
    refused = RecordRefundRefused(order=twice, refund=1, reason="INVALID_REQUEST")
    assert centre.told(result(twice, RefundStage.FAILED) if closed else refused) == ["RefundFailed"]
    assert centre.told(refused) == []
    assert centre.tickets() == {(twice, "payment-duplicated"), (twice, "refund-failed:R1")}
    assert centre.told(PayBack(order=twice, transaction="T2")) == []
    assert centre.told(grant(twice)) == ["RefundRequested"]
    assert [each.out_refund_no for each in centre.effects_of(RefundPayment)] == [f"{twice}-R1", f"{twice}-R2"]
    centre.told(result(twice, RefundStage.SUCCEEDED, no=2))
    state = centre.order(twice)
    assert (state.owed_fen, state.refunded_fen, centre.tickets()) == (9_900, 9_900, set())


@pytest.mark.parametrize(
    "differs",
    [{"no": 2}, {"amount_fen": 9_899}, {"transaction": "T1"}, {"attempt": 1}],
    ids=lambda differs: next(iter(differs)),
)
def test_what_does_not_fit_is_a_ticket_and_moves_nothing(
    centre: Centre, twice: str, differs: dict[str, Any]
) -> None:
    before = centre.order(twice)
    assert centre.told(result(twice, RefundStage.SUCCEEDED, **differs)) == ["RefundContradicted"]
    assert centre.order(twice) == before
    assert (twice, f"refund-contradicted:R{differs.get('no', 1)}") in centre.tickets()


@pytest.mark.parametrize(
    ("first", "then"),
    [(RefundStage.SUCCEEDED, RefundStage.FAILED), (RefundStage.FAILED, RefundStage.SUCCEEDED)],
)
def test_a_second_end_is_not_believed(
    centre: Centre, twice: str, first: RefundStage, then: RefundStage
) -> None:
    centre.told(result(twice, first))
    before = centre.order(twice)
    assert centre.told(result(twice, then)) == ["RefundContradicted"]
    assert centre.order(twice) == before


def test_a_result_that_does_not_come_is_asked_for_a_bounded_number_of_times(
    centre: Centre, twice: str
) -> None:
    centre.told(result(twice, RefundStage.ACCEPTED))
    assert centre.wait(10_799) == []
    assert centre.wait(1) == ["RefundAsked"]
    asked = QueryRefund(partner="payment/wechat", shop="mp-1", out_refund_no=f"{twice}-R1", accepted=True)
    assert centre.effects_of(QueryRefund) == [asked]
    centre.wait(30 * 86_400)
    assert centre.effects_of(QueryRefund) == [asked] * MAX_ASKED
    assert (twice, "refund-overdue:R1") in centre.tickets()
    centre.told(result(twice, RefundStage.SUCCEEDED))
    assert (twice, "refund-overdue:R1") not in centre.tickets()


def test_a_refund_that_nobody_answered_is_asked_for_too(centre: Centre, twice: str) -> None:
    """It may have been given up as a dead letter: what was never sent is free to be sent again."""
    assert centre.wait(10_800) == ["RefundAsked"]
    assert [query.accepted for query in centre.effects_of(QueryRefund)] == [False]
    never = RecordRefundRefused(order=twice, refund=1, reason="RESOURCE_NOT_EXISTS")
    assert centre.told(never) == ["RefundFailed"]
    assert centre.told(grant(twice)) == ["RefundRequested"]


def test_a_result_that_came_is_not_asked_for(centre: Centre, twice: str) -> None:
    centre.told(result(twice, RefundStage.ACCEPTED))
    centre.told(result(twice, RefundStage.SUCCEEDED))
    centre.wait(30 * 86_400)
    assert centre.effects_of(QueryRefund) == []


# ---- payments that were opened and are no longer wanted


def test_a_cancelled_order_has_what_could_still_be_paid_closed(centre: Centre, unpaid: str) -> None:
    for _ in range(4):
        centre.told(RequestPayment(order=unpaid, method="wechat"))
    centre.told(RecordPrepay(order=unpaid, attempt=1, prepay="wx1"))
    centre.told(RecordPrepay(order=unpaid, attempt=2, prepay="wx2"))
    centre.told(RecordPaymentFailure(order=unpaid, attempt=2, reason="NOTENOUGH"))  # it may be tried again
    centre.told(RecordPrepayRefused(order=unpaid, attempt=3, reason="PARAM_ERROR"))  # never opened
    centre.told(cancel(unpaid))
    closes = [(each.partner, each.out_trade_no) for each in centre.effects_of(ClosePayment)]
    assert closes == [("payment/wechat", f"{unpaid}-P{no}") for no in (4, 1, 2)]
    assert centre.told(RecordPaymentFailure(order=unpaid, attempt=1, reason="CLOSED")) == ["PaymentFailed"]


def test_what_was_paid_is_not_closed(centre: Centre, unpaid: str) -> None:
    centre.told(RequestPayment(order=unpaid, method="wechat"))
    centre.told(pay(unpaid))
    centre.told(cancel(unpaid))
    assert centre.effects_of(ClosePayment) == []


# ---- whatever happens


STEPS = st.one_of(
    st.builds(lambda n, fen: ("paid", n, fen), st.integers(1, 3), st.sampled_from([PRICE_FEN, 5_000])),
    st.builds(lambda fen: ("granted", fen), st.none() | st.sampled_from([1, 4_900, 5_000, 9_900, 20_000])),
    st.builds(
        lambda nth, stage, wrong_fen: ("said", nth, stage, wrong_fen),
        st.integers(0, 5),
        st.sampled_from([each for each in RefundStage if each is not RefundStage.REQUESTED]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    st.builds(lambda nth: ("refused", nth), st.integers(0, 5)),
    st.sampled_from([("cancelled",), ("stopped",), ("waited",)]),
)


def _command(centre: Centre, order: str, step: tuple[Any, ...]) -> Command | None:
    """What a step sends; None where what it speaks of is not there."""
    sent = centre.effects_of(RefundPayment)
    match step:
        case ("paid", n, fen):
            return RecordPayment(
                order=order, attempt=n, transaction=f"T{n}", amount_fen=fen, paid_at=after(60)
            )
        case ("granted", fen):
            return grant(order, fen)
        case ("said", nth, stage, wrong_fen) if nth < len(sent):
            effect = sent[nth]
            said: dict[str, Any] = {"attempt": int(effect.transaction[1:]), "transaction": effect.transaction}
            return result(order, stage, nth + 1, amount_fen=effect.amount_fen + wrong_fen, **said)
        case ("refused", nth):
            return RecordRefundRefused(order=order, refund=nth + 1, reason="NO")
        case ("cancelled",):
            return cancel(order)
        case ("stopped",) if f"{order}-S1" in centre.states:
            return RecordRecall(shipment=f"{order}-S1", stopped=True, reason="ok")
    return None


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=30))
def test_never_more_goes_back_than_came_in(steps: list[tuple[Any, ...]]) -> None:
    """Whatever is paid, granted, told, refused, cancelled and repeated, in any order."""
    centre = Centre()
    order = centre.stocked(SHIRT=5).placed()
    for step in steps:
        if step == ("waited",):
            centre.wait(11_000)
        elif command := _command(centre, order, step):
            centre.send(command)
        state = centre.order(order)
        came_in = {payment.transaction: payment.amount_fen for payment in state.payments}
        held: Counter[str] = Counter()
        for refund in state.refunds:
            held[refund.transaction] += refund.amount_fen if refund.stage is not RefundStage.FAILED else 0
        assert all(fen <= came_in[transaction] for transaction, fen in held.items())
        assert state.refunded_fen <= sum(held.values()) <= state.owed_fen <= state.received_fen
        sent = [effect.out_refund_no for effect in centre.effects_of(RefundPayment)]
        assert sent == [f"{order}-R{refund.no}" for refund in state.refunds]
    assert centre.folded(order) == centre.order(order)
