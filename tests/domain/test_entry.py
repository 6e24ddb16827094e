"""Orders that a person enters: the rules of any order, paid as it was said, and refused by the field that is wrong."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.domain.centre import NOON, PERSON, POLICY, Centre, line, place

from tongdan.domain.kernel.policy import HoldRule
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import CancelOrder, LiftHold, RequestRefund
from tongdan.domain.orders.entry_facts import Entry
from tongdan.domain.orders.facts import Prepay, TellFinance
from tongdan.domain.orders.money.offline import MEANS
from tongdan.domain.orders.money.refund_facts import RefundPayment
from tongdan.domain.orders.status import status

CASH = Entry(reason="ordered by phone", payment="cash", reference="R-7")
COD_SHOPS = {"mp-1": msgspec.structs.replace(POLICY.shops["mp-1"], cash_on_delivery=True)}
COD_POLICY = msgspec.structs.replace(POLICY, shops=COD_SHOPS)


def entered(at: Centre, entry: Entry = CASH, **more: Any) -> str:
    at.told(place(entry=entry, **more))
    return at.names["MP", "mp-1", "C-1"]


@pytest.mark.parametrize("means", MEANS)
def test_what_was_paid_offline_counts_and_the_order_goes_to_its_warehouse(means: str) -> None:
    at = Centre().stocked(SHIRT=5)
    paid_at = NOON - timedelta(hours=2)
    id = entered(at, Entry(reason="fair", payment=means, reference=" R-7 ", paid_at=paid_at))
    order = at.order(id)
    assert status(order) is Status.RELEASED
    assert [(each.transaction, each.amount_fen, each.paid_at) for each in order.payments] == [
        ("R-7", 9_900, paid_at)
    ]
    assert [each.method for each in order.attempts] == [f"offline-{means}"]
    assert at.facts(id).count("OrderEntered") == at.facts(id).count("OrderPaid") == 1
    assert [each.milestone for each in at.effects_of(TellFinance)][:1] == ["paid"]
    assert at.effects_of(Prepay) == []
    assert at.folded(id) == order


def test_it_is_told_once_however_often_it_is_sent() -> None:
    at = Centre().stocked(SHIRT=5)
    entered(at)
    before = len(at.journal)
    assert at.told(place(entry=CASH)) == []
    assert len(at.journal) == before
    assert at.refused(place(line(units=2), entry=CASH)).name == "order-number-reused"


def test_without_stock_it_is_short_and_goes_when_some_has_come() -> None:
    at = Centre()
    id = entered(at)
    assert (status(at.order(id)), at.order(id).lines[0].short) == (Status.PAID, True)
    at.stocked(SHIRT=1)
    assert status(at.order(id)) is Status.RELEASED


def test_rules_hold_it_like_any_other() -> None:
    rule = HoldRule(name="dear", action="review", name_en="dear", name_zh="大额", amount_above_fen=100)
    at = Centre(msgspec.structs.replace(POLICY, holds=(rule,))).stocked(SHIRT=5)
    id = entered(at)
    assert (status(at.order(id)), at.order(id).holds) == (Status.PAID, ("review-dear",))
    at.send(LiftHold(order=id, hold="review-dear", note=""))
    assert status(at.order(id)) is Status.RELEASED


def test_cash_on_delivery_is_released_and_collected_at_the_door() -> None:
    at = Centre(COD_POLICY).stocked(SHIRT=5)
    order = at.order(entered(at, Entry(reason="by phone", payment="cod")))
    assert (status(order), order.cod, order.payments) == (Status.RELEASED, True, ())


def test_what_costs_nothing_needs_no_payment() -> None:
    at = Centre().stocked(SHIRT=5)
    order = at.order(
        entered(at, Entry(reason="a sample", payment="none"), lines=(line(amount_fen=0),), amount_fen=0)
    )
    assert (status(order), order.payments) == (Status.RELEASED, ())


@pytest.mark.parametrize(
    ("entry", "more", "name"),
    [
        (Entry(reason=" ", payment="cash", reference="1"), {}, "reason-missing"),
        (Entry(reason="x" * 201, payment="cash", reference="1"), {}, "reason-missing"),
        (Entry(reason="for 13800000000", payment="cash", reference="1"), {}, "comment-names-person"),
        (Entry(reason="r", payment="wechat", reference="1"), {}, "payment-unknown"),
        (Entry(reason="r", payment="none"), {}, "payment-unknown"),
        (
            Entry(reason="r", payment="cash", reference="1"),
            {"amount_fen": 0, "discount_fen": 9_900},
            "payment-unknown",
        ),
        (Entry(reason="r", payment="cod"), {}, "no-cash-on-delivery"),
        (Entry(reason="r", payment="transfer", reference=" "), {}, "payment-reference-missing"),
        (
            Entry(reason="r", payment="cash", reference="1", paid_at=NOON + timedelta(seconds=1)),
            {},
            "paid-in-the-future",
        ),
        (CASH, {"amount_fen": 9_800}, "amounts-disagree"),
        (CASH, {"lines": ()}, "no-lines"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_written(
    entry: Entry, more: dict[str, Any], name: str
) -> None:
    assert Centre().refused(place(**{"entry": entry, **more})).name == name


def test_the_payment_provider_is_not_asked_to_pay_back_what_it_never_had() -> None:
    at = Centre()
    id = entered(at)
    assert at.refused(RequestRefund(order=id, amount_fen=100, reason="late")).name == "paid-offline"
    at.send(CancelOrder(order=id, reason="changed their mind"))
    assert at.effects_of(RefundPayment) == []
    assert (status(at.order(id)), at.order(id).owed_fen) == (Status.REFUND_PENDING, 9_900)
    assert at.people[id] == PERSON
