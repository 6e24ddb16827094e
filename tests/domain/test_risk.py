"""Review and risk: a rule holds an order before it can be released, and only a person or the rule lets it go."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import (
    PERSON,
    POLICY,
    Centre,
    after,
    detail,
    line,
    pay,
    place,
    platform_order,
    said,
)

from tongdan.domain.guard.commands import ListMark, UnlistMark
from tongdan.domain.kernel.messages import Command, Person
from tongdan.domain.kernel.policy import HoldRule
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import CancelOrder, ChangeAddress, LiftHold
from tongdan.domain.orders.model import RISK_HOLD
from tongdan.domain.orders.status import status

OTHER = Person(name="李四", phone="13900000000", province="浙江", city="杭州", detail="西湖路 2 号")


def rule(name: str = "r", action: str = "risk", **conditions: Any) -> HoldRule:
    return HoldRule(name=name, action=action, name_en="why", name_zh="原因", **conditions)


def centre_with(*rules: HoldRule) -> Centre:
    return Centre(replace(POLICY, holds=rules)).stocked(SHIRT=50)


LARGE = rule("large", "review", amount_above_fen=9_899)
LISTED = rule("listed", blacklisted=True)
THREE = rule("three", orders_at_least=3, within_s=3_600)
FIRST = rule("first", "review", first_order=True, amount_above_fen=5_000)


def test_without_a_rule_nothing_is_asked_and_nothing_held() -> None:
    centre = centre_with()
    order = centre.placed()
    centre.told(pay(order))
    assert centre.order(order).holds == ()
    assert not {"RiskAsked", "MarkChecked", "HeldByRule"} & set(centre.facts())


@pytest.mark.parametrize(
    ("one", "held"),
    [
        (rule(amount_above_fen=9_899), True),
        (rule(amount_above_fen=9_900), False),
        (rule(amount_above_fen=1, shops=("dy-1",)), False),
        (rule(amount_above_fen=1, channels=("MP",)), True),
        (rule(skus=("SHIRT",)), True),
        (rule(skus=("HAT",)), False),
        (rule(regions=("浙江",)), True),
        (rule(regions=("新疆",)), False),
        (rule(incomplete_address=True), False),
        (rule(address_changed=True), False),
        (rule(amount_above_fen=1, active=False), False),
    ],
)
def test_what_the_order_itself_shows_holds_it_at_once(one: HoldRule, held: bool) -> None:
    centre = centre_with(one)
    order = centre.placed()
    centre.told(pay(order))
    assert centre.order(order).holds == (("risk-r",) if held else ())
    assert status(centre.order(order)) is (Status.PAID if held else Status.RELEASED)
    assert "RiskAsked" not in centre.facts()


@pytest.mark.parametrize(
    ("person", "held"),
    [
        (PERSON, False),
        (replace(PERSON, detail="路 1"), True),
        (replace(PERSON, city=""), True),
        (replace(PERSON, phone=""), True),
        (replace(PERSON, detail="西***"), False),
        (replace(PERSON, detail="", sealed={"oaid": "x"}), False),
    ],
)
def test_an_address_nobody_finds_is_held_unless_it_cannot_be_read(person: Person, held: bool) -> None:
    centre = centre_with(rule(incomplete_address=True))
    centre.told(place(person=person))
    assert centre.order(centre.names["MP", "mp-1", "C-1"]).holds == (("risk-r",) if held else ())


def test_a_buyer_on_the_blacklist_is_held_until_a_person_decides() -> None:
    centre = centre_with(LISTED)
    mark = f"phone/{PERSON.phone}"
    assert centre.told(ListMark(mark=mark, reason="never pays")) == ["MarkListed"]
    assert centre.told(ListMark(mark=mark, reason="never pays")) == []
    order = centre.placed()
    centre.told(pay(order))
    assert centre.order(order).holds == ("risk-listed",)
    assert centre.told(UnlistMark(mark=mark, reason="mistaken")) == ["MarkUnlisted"]
    other = centre.placed(native="C-2")
    centre.told(pay(other))
    assert status(centre.order(other)) is Status.RELEASED
    assert centre.told(LiftHold(order=order, hold="risk-listed")) == ["HoldLifted", "OrderReleased"]


def test_the_third_order_of_a_buyer_within_the_hour_is_held_whoever_pays_first() -> None:
    centre = centre_with(THREE)
    orders = [centre.placed(native=f"C-{n}") for n in range(3)]
    for order in reversed(orders):
        centre.told(pay(order))
    assert [centre.order(order).holds for order in orders] == [(), (), ("risk-three",)]
    assert [status(centre.order(order)) for order in orders] == [
        Status.RELEASED,
        Status.RELEASED,
        Status.PAID,
    ]


def test_what_lies_further_back_than_the_window_does_not_count() -> None:
    centre = centre_with(THREE)
    for n in range(5):
        order = centre.placed(native=f"C-{n}")
        assert centre.order(order).holds == ()
        centre.now += timedelta(seconds=1_800)


def test_one_buyer_under_two_numbers_is_counted_by_each_mark() -> None:
    centre = centre_with(THREE)
    for n, person in enumerate((PERSON, OTHER, PERSON)):
        centre.told(place(native=f"C-{n}", buyer="u-1", person=person))
    assert centre.order(centre.names["MP", "mp-1", "C-2"]).holds == ("risk-three",)


def test_the_first_order_of_a_buyer_is_held_and_the_next_is_not() -> None:
    centre = centre_with(FIRST)
    order, again = centre.placed(), centre.placed(native="C-2")
    assert centre.order(order).holds == ("review-first",)
    assert centre.order(again).holds == ()


def test_known_by_one_mark_a_buyer_is_no_first_one() -> None:
    centre = centre_with(FIRST)
    centre.placed()
    centre.told(place(native="C-2", buyer="u-2"))  # the same phone
    assert centre.order(centre.names["MP", "mp-1", "C-2"]).holds == ()


def test_no_order_is_released_while_its_buyer_is_asked_about() -> None:
    centre = centre_with(LISTED)
    centre.told(ListMark(mark=f"phone/{PERSON.phone}", reason="x"))
    centre.tell(place(amount_fen=0, discount_fen=9_900))  # free, so it is paid at once
    order = centre.names["MP", "mp-1", "C-1"]
    assert centre.order(order).holds == (RISK_HOLD,)
    for lane in list(centre.lanes):  # its stock answers, its marks do not
        while centre.lanes.get(lane) and not _asks_a_mark(centre.lanes[lane][0]):
            centre.step(lane)
    assert "OrderReleased" not in centre.facts()
    centre.catch_up()
    assert centre.order(order).holds == ("risk-listed",)
    assert "OrderReleased" not in centre.facts()


def _asks_a_mark(command: Command) -> bool:
    return type(command).__name__ in ("CheckMark", "NoteRiskAnswer")


def test_a_platforms_order_is_held_with_its_detail_and_released_with_the_last_answer() -> None:
    centre = centre_with(LISTED)
    centre.told(said("paid", 1, "2"))
    told = centre.told(detail(status="2", paid_at=after(1)))
    assert "RiskAsked" in told and "OrderReleased" not in told
    order = platform_order(centre)
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.order(order).checks == ()


def test_a_person_lets_an_order_go_whose_answers_do_not_come() -> None:
    centre = centre_with(LISTED)
    centre.tell(place())
    order = centre.names["MP", "mp-1", "C-1"]
    centre.tell(LiftHold(order=order, hold=RISK_HOLD))
    assert centre.order(order).checks == ()
    centre.catch_up()
    assert centre.order(order).holds == ()


def test_an_address_changed_after_payment_is_looked_at_again() -> None:
    moved = rule("moved", "review", address_changed=True, lift_after_s=600)
    centre = Centre(replace(POLICY, holds=(moved, LISTED)))  # nothing in stock, so nothing is released
    centre.told(ListMark(mark=f"phone/{OTHER.phone}", reason="x"))
    order = centre.placed()
    centre.told(ChangeAddress(order=order, region="浙江", person=PERSON))
    assert centre.order(order).holds == ()  # not paid yet
    centre.told(pay(order))
    centre.told(ChangeAddress(order=order, region="浙江", person=OTHER))
    assert set(centre.order(order).holds) == {"review-moved", "risk-listed"}
    assert centre.wait(600) == ["HoldLifted"]
    assert centre.order(order).holds == ("risk-listed",)


def test_a_hold_that_lifts_itself_releases_the_order() -> None:
    centre = centre_with(rule("cool", "review", amount_above_fen=1, lift_after_s=600))
    order = centre.placed()
    centre.told(pay(order))
    assert centre.wait(600) == ["HoldLifted", "OrderReleased"]


def test_an_order_that_was_cancelled_meanwhile_is_not_held() -> None:
    centre = centre_with(LISTED)
    centre.told(ListMark(mark=f"phone/{PERSON.phone}", reason="x"))
    centre.tell(place())
    order = centre.names["MP", "mp-1", "C-1"]
    centre.tell(CancelOrder(order=order, reason="buyer"))
    centre.catch_up()
    assert "HeldByRule" not in centre.facts()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2_000)), min_size=1, max_size=12), st.data())
def test_of_a_buyer_no_more_orders_go_by_than_the_rule_allows(
    orders: list[tuple[int, int]], data: st.DataObject
) -> None:
    """However the questions and answers of different buyers' orders overtake each other."""
    centre = centre_with(THREE)
    for n, (buyer, pause_s) in enumerate(orders):
        centre.tell(place(line(), native=f"C-{n}", buyer=f"u-{buyer}", person=replace(PERSON, phone="")))
        centre.now += timedelta(seconds=pause_s)
        for _ in range(data.draw(st.integers(0, 6))):
            if centre.lanes:
                centre.step(data.draw(st.sampled_from(sorted(centre.lanes))))
    centre.catch_up()
    for buyer in range(4):
        seen = centre.states.get(f"mark/buyer/u-{buyer}")
        orders_seen = seen.seen if seen is not None else ()
        for free in [each for each in orders_seen if not centre.order(each.order).holds]:
            window = [each for each in orders_seen if free.at - timedelta(hours=1) < each.at <= free.at]
            assert window.index(free) < 2
    assert all(centre.order(key).checks == () for key in centre.names.values())
