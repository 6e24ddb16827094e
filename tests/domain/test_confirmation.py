"""Two parties mark a refund before it takes effect; either takes it back, and what was done by then is undone."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.centre import Centre, after, detail, left, line, pay, platform_order
from tests.domain.protocol import COOLING_S, POLICY_OF_TWO

from tongdan.domain.fulfillment.commands import RecordRecall
from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.confirmation import CENTRE, FINANCE, Marker, RuleMark
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    CancelOrder,
    RecordPayment,
    RecordPlatformRefund,
    RecordRefund,
    RefundUnits,
    RequestRefund,
)
from tongdan.domain.orders.confirmation.commands import (
    ConfirmRefund,
    DisputeRefund,
    RecordRefundTold,
    RecordRepayment,
    WithdrawRefund,
    WriteOffRecovery,
)
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.money.refund_facts import QueryRefund, RefundPayment
from tongdan.domain.orders.status import status

ANN, BOB = Marker(party=CENTRE, by="ann"), Marker(party=FINANCE, by="bob")
PRICE_FEN = 9_900
SERVICE = "service"


def confirm(order: str, marker: Marker = BOB, **more: Any) -> ConfirmRefund:
    return ConfirmRefund(order=order, refund=1, marker=marker, **more)


def withdraw(order: str, marker: Marker = BOB) -> WithdrawRefund:
    return WithdrawRefund(order=order, refund=1, marker=marker, reason="the parcel was found")


def ask(order: str, amount_fen: int = PRICE_FEN, marker: Marker | None = ANN) -> RequestRefund:
    return RequestRefund(order=order, amount_fen=amount_fen, reason="lost", marker=marker)


def result(order: str, stage: RefundStage, amount_fen: int = PRICE_FEN) -> RecordRefund:
    return RecordRefund(
        order=order, refund=1, attempt=1, transaction="T1", amount_fen=amount_fen, stage=stage, reference="503",
        said_at=after(900),
    )  # fmt: skip


def heard(centre: Centre, order: str, partner: str, word: str) -> list[str]:
    return centre.told(RecordRefundTold(order=order, refund=1, partner=partner, word=word))


def words(centre: Centre) -> list[tuple[str, str]]:
    return [(each.partner, each.word.removeprefix("refund-")) for each in centre.effects_of(TellRefund)]


@pytest.fixture
def centre() -> Centre:
    return Centre(POLICY_OF_TWO)


@pytest.fixture
def shipped(centre: Centre) -> str:
    """An order of one shirt, 99 yuan, paid and shipped."""
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    return order


# ---- marks


def test_the_money_goes_when_both_have_marked_it_and_it_has_cooled_off(centre: Centre, shipped: str) -> None:
    assert centre.told(ask(shipped)) == ["RefundProposed", "RefundAnnounced", "RefundMarked"]
    assert words(centre) == [("finance", "requested")]
    assert status(centre.order(shipped)) is Status.REFUND_PENDING
    centre.wait(30 * 86_400)
    assert centre.effects_of(RefundPayment) == []

    names = ["RefundMarked", "RefundConfirmed", "RefundAnnounced", "RefundAnnounced"]
    assert centre.told(confirm(shipped, amount_fen=PRICE_FEN)) == names
    assert words(centre)[1:] == [("finance", "confirmed"), (SERVICE, "confirmed")]
    assert centre.wait(COOLING_S - 1) == []
    assert centre.effects_of(RefundPayment) == []
    assert centre.wait(1) == ["RefundRequested"]
    (effect,) = centre.effects_of(RefundPayment)
    assert (effect.out_refund_no, effect.amount_fen) == (f"{shipped}-R1", PRICE_FEN)
    centre.told(result(shipped, RefundStage.SUCCEEDED))
    assert status(centre.order(shipped)) is Status.REFUNDED
    assert centre.folded(shipped) == centre.order(shipped)


def test_the_same_person_does_not_mark_for_both(centre: Centre, shipped: str) -> None:
    centre.told(ask(shipped))
    refusal = centre.refused(confirm(shipped, Marker(party=FINANCE, by="ann")))
    assert refusal.name == "refund-same-marker"
    assert centre.told(confirm(shipped, Marker(party=CENTRE, by="carl"))) == []  # the centre has marked it
    assert centre.order(shipped).confirmation(1).missing == (FINANCE,)


def test_who_asks_for_finance_leaves_the_centre_to_be_waited_for(centre: Centre, shipped: str) -> None:
    centre.told(ask(shipped, marker=BOB))
    assert centre.order(shipped).confirmation(1).missing == (CENTRE,)
    centre.told(confirm(shipped, ANN))
    assert centre.order(shipped).confirmation(1).missing == ()


def test_a_mark_is_for_the_sum_that_was_looked_at(centre: Centre, shipped: str) -> None:
    centre.told(ask(shipped))
    assert centre.refused(confirm(shipped, amount_fen=PRICE_FEN - 1)).name == "refund-sum-differs"
    unknown = ConfirmRefund(order=shipped, refund=2, marker=BOB)
    assert centre.refused(unknown).name == "no-such-refund"


def test_what_the_provider_says_of_a_refund_it_was_not_asked_for_is_not_believed(
    centre: Centre, shipped: str
) -> None:
    centre.told(ask(shipped))
    assert centre.told(result(shipped, RefundStage.SUCCEEDED)) == ["RefundContradicted"]
    assert (shipped, "refund-contradicted:R1") in centre.tickets()
    assert centre.order(shipped).refunded_fen == 0


def test_what_goes_by_rule_is_marked_by_it_up_to_its_sum() -> None:
    rules = (RuleMark(cause="paid-twice", up_to_fen=PRICE_FEN),)
    policy = replace(POLICY_OF_TWO.confirmation, marked_by_rule=rules)
    for amount_fen, missing in ((PRICE_FEN, (FINANCE,)), (PRICE_FEN + 1, (FINANCE, CENTRE))):
        centre = Centre(replace(POLICY_OF_TWO, confirmation=policy))
        order = centre.stocked(SHIRT=5).placed()
        centre.told(pay(order))
        centre.told(
            RecordPayment(order=order, attempt=2, transaction="T2", amount_fen=amount_fen, paid_at=after(90))
        )
        its = centre.order(order).confirmation(1)
        assert its.missing == missing
        assert [each.by for each in its.marks] == ["rule/paid-twice"] * (2 - len(missing))
        assert centre.effects_of(RefundPayment) == []


def test_an_exempt_cause_needs_nobody() -> None:
    policy = replace(POLICY_OF_TWO.confirmation, exempt=("asked",))
    centre = Centre(replace(POLICY_OF_TWO, confirmation=policy))
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    assert centre.told(ask(order, 100)) == ["RefundRequested"]
    assert centre.refused(confirm(order)).name == "refund-not-waiting"
    assert centre.refused(withdraw(order)).name == "nothing-to-withdraw"


# ---- withdrawing


def test_a_withdrawn_refund_is_undone_at_each_system_the_last_told_first(
    centre: Centre, shipped: str
) -> None:
    before = centre.order(shipped)
    centre.told(ask(shipped))
    centre.told(confirm(shipped))
    heard(centre, shipped, "finance", "refund-confirmed")
    heard(centre, shipped, SERVICE, "refund-confirmed")
    assert centre.told(withdraw(shipped)) == ["RefundWithdrawn", "RefundAnnounced"]
    assert words(centre)[3:] == [(SERVICE, "withdrawn")]
    assert (
        heard(centre, shipped, SERVICE, "refund-confirmed") == []
    )  # an answer that comes late proves nothing
    assert heard(centre, shipped, SERVICE, "refund-withdrawn") == ["RefundTold", "RefundAnnounced"]
    assert words(centre)[4:] == [("finance", "withdrawn")]
    assert heard(centre, shipped, "finance", "refund-withdrawn") == ["RefundTold", "RefundUndone"]

    now = centre.order(shipped)
    assert (now.owed_fen, now.receivable_fen, status(now)) == (0, 0, status(before))
    assert now.refund(1).stage is RefundStage.WITHDRAWN
    assert centre.told(withdraw(shipped, ANN)) == []
    assert centre.refused(confirm(shipped, ANN)).name == "refund-not-waiting"
    centre.wait(30 * 86_400)
    assert (centre.effects_of(RefundPayment), centre.tickets()) == ([], set())
    assert centre.told(ask(shipped))[0] == "RefundProposed"  # all of it may still go back


def test_what_was_asked_for_and_not_sent_is_stopped_and_looked_for(centre: Centre, shipped: str) -> None:
    centre.told(ask(shipped))
    centre.told(confirm(shipped))
    centre.wait(COOLING_S)
    centre.told(withdraw(shipped))
    assert (shipped, "RefundPayment") in centre.withdrawn
    (question,) = centre.effects_of(QueryRefund)
    assert not question.accepted


@pytest.mark.parametrize("early", [True, False])
def test_money_that_has_left_is_recovered_to_its_end(centre: Centre, shipped: str, early: bool) -> None:
    """Whether the provider's word comes before the withdrawal or after it."""
    centre.told(ask(shipped))
    centre.told(confirm(shipped))
    centre.wait(COOLING_S)
    steps = [result(shipped, RefundStage.SUCCEEDED), withdraw(shipped)]
    for command in steps if early else reversed(steps):
        centre.told(command)
    assert centre.order(shipped).receivable_fen == PRICE_FEN
    assert (shipped, "recovery-open:R1") in centre.tickets()
    assert (centre.order(shipped).owed_fen, centre.order(shipped).refunded_fen) == (0, 0)

    def repaid(amount_fen: int, reference: str) -> RecordRepayment:
        return RecordRepayment(
            order=shipped, refund=1, amount_fen=amount_fen, reference=reference, repaid_at=after(5_000)
        )

    assert centre.refused(repaid(PRICE_FEN + 1, "B1")).name == "repayment-out-of-range"
    assert centre.told(repaid(4_900, "B1")) == ["RecoveryRepaid"]
    assert centre.told(repaid(4_900, "B1")) == []
    assert centre.order(shipped).receivable_fen == 5_000
    written = WriteOffRecovery(order=shipped, refund=1, by="ann", reason="cannot be reached")
    assert centre.told(written) == ["RecoveryWrittenOff"]
    assert (centre.order(shipped).receivable_fen, centre.tickets()) == (0, set())
    assert centre.refused(written).name == "no-recovery"
    assert centre.refused(ask(shipped)).name == "nothing-to-refund"  # WeChat pays a payment back once


def test_a_refund_of_what_is_owed_anyway_leaves_a_ticket_when_withdrawn(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed()
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(pay(order))
    centre.told(withdraw(order, ANN))
    assert centre.tickets() == {(order, "paid-after-cancel"), (order, "refund-withdrawn:R1")}
    assert centre.order(order).owed_fen == PRICE_FEN
    assert status(centre.order(order)) is Status.REFUND_PENDING
    asked = RequestRefund(order=order, reason="still owed", marker=ANN)
    centre.told(asked)
    centre.told(ConfirmRefund(order=order, refund=2, marker=BOB))
    centre.wait(COOLING_S)
    centre.told(replace(result(order, RefundStage.SUCCEEDED), refund=2))
    assert centre.tickets() == set()


def test_a_platform_s_refund_that_finance_withdraws_is_a_conflict_for_people(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=2))
    order = platform_order(centre)
    disputed = DisputeRefund(order=order, reference="AS1", by="finance/main", reason="not ours")
    assert centre.refused(disputed).name == "no-such-platform-refund"
    centre.told(RecordPlatformRefund(order=order, reference="AS1", amount_fen=100, refunded_at=after(60)))
    assert centre.told(disputed) == ["RefundDisputed"]
    assert (order, "refund-disputed:AS1") in centre.tickets()


def test_what_was_withdrawn_of_an_order_that_is_cancelled_since_is_owed(centre: Centre) -> None:
    """A cancelled order owes all that came in: what a withdrawn refund would have covered, too."""
    order = centre.stocked(SHIRT=5).placed()
    centre.told(pay(order))
    centre.told(ask(order, 4_900))
    centre.told(CancelOrder(order=order, reason="buyer"))
    centre.told(RecordRecall(shipment=f"{order}-S1", stopped=True, reason="ok"))
    assert [each.amount_fen for each in centre.order(order).refunds] == [4_900, 5_000]
    centre.told(withdraw(order))
    assert centre.order(order).owed_fen == PRICE_FEN
    assert (order, "refund-withdrawn:R1") in centre.tickets()


def test_goods_that_still_lie_in_their_parcel_leave_with_it(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5, HAT=5).placed(line(), line(2, "HAT"))
    centre.told(pay(order, amount_fen=2 * PRICE_FEN))
    before = centre.order(order)
    centre.told(RefundUnits(order=order, units=(Units(2, 1),), reason="not wanted", marker=ANN))
    assert (order, "withdrawn-in-parcel") in centre.tickets()
    centre.told(withdraw(order))
    heard(centre, order, "finance", "refund-withdrawn")
    assert centre.order(order).lines == before.lines
    assert centre.tickets() == set()


def test_a_recall_that_a_withdrawn_refund_asked_for_is_answered_by_sending_again(centre: Centre) -> None:
    """The parcel was stopped at its warehouse for a refund by line: the goods go in a new one."""
    order = centre.stocked(SHIRT=5, HAT_SOUTH=5).placed(line(), line(2, "HAT"))
    centre.told(pay(order, amount_fen=2 * PRICE_FEN))
    pushed = {each.shipment: each.items[0].sku for each in centre.effects_of(PushToWms)}
    shipment = next(name for name, sku in pushed.items() if sku == "HAT")
    centre.told(RefundUnits(order=order, units=(Units(2, 1),), reason="not wanted", marker=ANN))
    centre.told(RecordRecall(shipment=shipment, stopped=True, reason="ok"))
    assert centre.order(order).line(2).stopped == 1

    centre.told(withdraw(order))
    assert heard(centre, order, "finance", "refund-withdrawn") == [
        "RefundTold",
        "UnitsWantedAgain",
        "RefundUndone",
    ]
    state = centre.order(order).line(2)
    assert (state.stopped, state.withdrawn, state.refunded, state.released) == (0, 0, 0, 1)
    again = [each for each in centre.effects_of(PushToWms) if each.shipment not in pushed]
    assert [(each.items[0].sku, each.items[0].units) for each in again] == [("HAT", 1)]
    assert centre.tickets() == set()
    assert centre.folded(order) == centre.order(order)
