"""What is to be paid out, by when, what finance and a bill say of it; finance is told again of what it has not."""

import pytest
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, left, platform_order, said, settled, signed

from tongdan.domain.orders.facts import TellFinance
from tongdan.domain.orders.money.telling import TellFinanceAgain
from tongdan.domain.orders.standing import standing

DAY_S = 86_400


@pytest.fixture
def watched() -> Centre:
    channel = replace(POLICY.channels["DY"], settles_within_s=7 * DAY_S)
    return Centre(replace(POLICY, channels={"DY": channel})).stocked(SHIRT=5)


def arrived(centre: Centre) -> str:
    centre.told(said("paid", 1, "2"))
    centre.told(detail(status="2"))
    order = platform_order(centre)
    centre.told(left(f"{order}-S1", "W1", ("SHIRT", 1)))
    centre.told(signed(f"{order}-S1", 60))
    return order


def seen_by_others(centre: Centre, order: str) -> frozenset[str]:
    return standing(centre.order(order), after(0)).reached


def test_what_is_not_paid_out_in_time_is_a_ticket_until_it_is(watched: Centre) -> None:
    order = arrived(watched)
    assert watched.order(order).settle_by == after(60 + 7 * DAY_S)
    assert "SettlementOverdue" not in watched.wait(7 * DAY_S)
    assert watched.wait(120).count("SettlementOverdue") == 1
    assert (order, "settlement-overdue") in watched.tickets()
    assert watched.wait(30 * DAY_S).count("SettlementOverdue") == 0
    watched.told(settled(order))
    assert (order, "settlement-overdue") not in watched.tickets()
    assert watched.states[order] == watched.folded(order)


def test_what_is_settled_in_time_is_none(watched: Centre) -> None:
    order = arrived(watched)
    watched.told(settled(order))
    assert "SettlementOverdue" not in watched.wait(30 * DAY_S)


def test_where_the_channel_does_not_say_nothing_is_waited_for() -> None:
    centre = Centre().stocked(SHIRT=5)
    order = arrived(centre)
    assert centre.order(order).settle_by is None


def test_a_bill_and_finance_tell_of_one_settlement(watched: Centre) -> None:
    order = arrived(watched)
    assert watched.told(settled(order, 9_900, "bill/wechat/1")) == ["OrderSettled"]
    assert "settled" not in seen_by_others(watched, order)  # nobody else has that bill
    assert watched.told(settled(order, 9_900, "记-1")) == ["SettlementBooked"]
    assert "settled" in seen_by_others(watched, order)
    assert watched.told(settled(order, 9_900, "记-1")) == []
    assert watched.told(settled(order, 9_900, "bill/wechat/1")) == []
    assert watched.told(settled(order, 9_000, "记-2")) == ["SettlementMismatched"]


def test_finance_is_told_again_of_a_payment_as_it_was(watched: Centre) -> None:
    order = arrived(watched)
    first = watched.effects_of(TellFinance)[0]
    assert watched.told(TellFinanceAgain(order=order, reason="lost")) == ["MilestoneRetold"]
    again = watched.effects_of(TellFinance)[-1]
    assert (again.milestone, again.amount_fen, again.at) == ("paid", 9_900, first.at)
    assert watched.states[order] == watched.folded(order)


def test_of_what_is_not_paid_or_is_off_finance_is_not_told_again(watched: Centre) -> None:
    watched.told(said("created", 1, "1"))
    watched.told(detail(status="1"))
    order = platform_order(watched)
    assert watched.refused(TellFinanceAgain(order=order, reason="lost")).name == "not-counted-yet"
