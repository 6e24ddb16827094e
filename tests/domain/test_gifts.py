"""Gift rules: who gets what is decided once, by what was bought and when; gifts are lines that never delay an order."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import (
    NOON,
    POLICY,
    Centre,
    after,
    detail,
    left,
    line,
    pay,
    place,
    platform_order,
)
from tests.domain.test_catalog import SET, define, match, sold

from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.gifts import MAX_GIFT_LINES, WAIT, Bought, GiftRule, Present, gifts
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Partly, Stage
from tongdan.domain.orders.commands import CancelOrder, RequestPayment
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.goods.commands import StopUnits
from tongdan.domain.orders.goods.gifts import bought
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import partly, status


def rule(name: str = "cup", *presents: tuple[str, int], **more: Any) -> GiftRule:
    gives = tuple([Present(sku=sku, units=n) for sku, n in presents or (("CUP", 1),)])
    return GiftRule(name=name, name_en="A cup", name_zh="杯子", gifts=gives, **{"units_from": 1, **more})


def named(rules: list[GiftRule], *goods: Bought, shop: str = "mp-1", at: Any = NOON) -> list[tuple[str, int]]:
    return [(each.rule.name, each.times) for each in gifts(goods, rules, shop, at)]


SHIRTS = Bought("SHIRT", 5, 50_000)
HAT = Bought("HAT", 1, 3_000)


# ---- the rules


@pytest.mark.parametrize(
    ("conditions", "times"),
    [
        ({"units_from": 5}, 1),
        ({"units_from": 6}, 1),
        ({"units_from": 7}, 0),
        ({"units_from": 2, "repeats": True, "at_most_times": 9}, 3),
        ({"units_from": 2, "repeats": True, "at_most_times": 2}, 2),
        ({"units_from": 2, "repeats": False}, 1),
        ({"skus": ("SHIRT",), "units_from": 6}, 0),
        ({"skus": ("SHIRT", "HAT"), "units_from": 6}, 1),
        ({"units_from": 0, "amount_from_fen": 53_000}, 1),
        ({"units_from": 0, "amount_from_fen": 53_001}, 0),
        ({"units_from": 0, "amount_from_fen": 20_000, "repeats": True, "at_most_times": 9}, 2),
        ({"units_from": 1, "amount_from_fen": 20_000, "repeats": True, "at_most_times": 9}, 2),
        ({"skus": ("HAT",), "units_from": 1, "amount_from_fen": 3_001}, 0),
        ({"active": False}, 0),
        ({"shops": ("dy-1",)}, 0),
        ({"shops": ("dy-1", "mp-1")}, 1),
        ({"since": NOON}, 1),
        ({"until": NOON}, 0),
        ({"since": NOON + timedelta(microseconds=1)}, 0),
        ({"until": NOON + timedelta(microseconds=1)}, 1),
    ],
)
def test_what_a_rule_asks_for(conditions: dict[str, Any], times: int) -> None:
    assert named([rule(**conditions)], SHIRTS, HAT) == ([("cup", times)] if times else [])


def test_rules_add_up_unless_one_is_exclusive() -> None:
    a, b = rule("a"), rule("b", priority=5)
    assert named([a, b], HAT) == [("b", 1), ("a", 1)]
    alone = replace(b, exclusive=True)
    assert named([a, alone], HAT) == [("b", 1)]
    assert named([replace(a, exclusive=True), b], HAT) == [("b", 1)], "another gave already"
    assert named([a, replace(alone, skus=("SHIRT",))], HAT) == [("a", 1)], "it does not apply"


def test_an_order_gets_a_bounded_number_of_gifts() -> None:
    many = [rule(f"r{n:03}") for n in range(2 * MAX_GIFT_LINES)]
    assert len(named(many, HAT)) == MAX_GIFT_LINES


RULES = st.lists(
    st.builds(
        rule,
        st.sampled_from([f"r{n}" for n in range(9)]),
        skus=st.sampled_from([(), ("A",), ("A", "B")]),
        units_from=st.integers(1, 5),
        amount_from_fen=st.sampled_from([0, 100, 5_000]),
        repeats=st.booleans(),
        at_most_times=st.integers(1, 4),
        exclusive=st.booleans(),
        priority=st.integers(0, 2),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)
GOODS = st.lists(
    st.builds(Bought, st.sampled_from("ABC"), st.integers(1, 9), st.integers(0, 9_999)), max_size=5
)


@given(RULES, GOODS, st.randoms())
def test_neither_the_order_of_rules_nor_that_of_lines_decides(
    rules: list[GiftRule], goods: list[Bought], chance: Any
) -> None:
    expected = named(rules, *goods)
    chance.shuffle(rules)
    chance.shuffle(goods)
    assert named(rules, *goods) == expected


# ---- orders

CUP = rule(skus=("SHIRT",), units_from=2, repeats=True, at_most_times=3)


@pytest.fixture
def giving() -> Centre:
    return Centre(replace(POLICY, gifts=(CUP,)))


def test_a_gift_is_a_line_that_costs_nothing_and_goes_with_the_rest(giving: Centre) -> None:
    order = giving.stocked(SHIRT=9, CUP=9).placed(line(units=5))
    state: Order = giving.order(order)
    gift = state.lines[1]
    assert (gift.line.sku, gift.line.units, gift.line.amount_fen, gift.line.rule) == ("CUP", 2, 0, "cup")
    assert gift.reserved == 2
    assert giving.facts(order)[:2] == ["OrderCreated", "GiftGiven"]
    giving.told(pay(order))
    (push,) = giving.effects_of(PushToWms)
    assert [(item.sku, item.units, item.amount_fen) for item in push.items] == [
        ("SHIRT", 5, 9_900),
        ("CUP", 2, 0),
    ]
    giving.told(left(f"{order}-S1", "SF1", ("SHIRT", 5), ("CUP", 2)))
    assert giving.states["stock/CUP"].levels["EAST"].on_hand == 7
    assert status(giving.order(order)) is Status.SHIPPED
    assert giving.folded(order) == giving.order(order)


def test_the_channel_is_not_told_of_what_it_did_not_sell(giving: Centre) -> None:
    giving.stocked(SHIRT=9, CUP=9).told(
        detail(line(units=2, native="N1"), status="2", seconds=61, paid_at=after(60))
    )
    order = platform_order(giving)
    giving.told(left(f"{order}-S1", "SF1", ("CUP", 1), final=False))
    assert giving.effects_of(WriteBackShipment) == []
    giving.told(left(f"{order}-S1", "SF2", ("SHIRT", 2)))
    (told,) = giving.effects_of(WriteBackShipment)
    assert told.units == (("N1", 2),)


def test_a_gift_that_is_not_there_is_dropped_and_the_rest_goes(giving: Centre) -> None:
    order = giving.stocked(SHIRT=9).placed(line(units=2))
    assert giving.facts(order)[-2:] == ["GiftDropped", "UnitsWithdrawn"]
    assert giving.told(RequestPayment(order=order, method="wechat")) == ["PaymentRequested"]
    assert status(giving.order(order)) is Status.CREATED
    giving.told(pay(order))
    assert (status(giving.order(order)), partly(giving.order(order))) == (Status.RELEASED, Partly.NO)
    giving.stocked(CUP=9)
    assert giving.states["stock/CUP"].levels["EAST"].reserved == 0, "it does not wait in the queue"
    assert giving.tickets() == set()


def test_a_gift_worth_waiting_for_delays_the_parcel_but_not_the_payment() -> None:
    centre = Centre(replace(POLICY, gifts=(replace(CUP, when_short=WAIT),)))
    order = centre.stocked(SHIRT=9).placed(line(units=2))
    assert centre.told(RequestPayment(order=order, method="wechat")) == ["PaymentRequested"]
    centre.told(pay(order))
    assert centre.effects_of(PushToWms) == []
    centre.stocked(CUP=1)
    assert len(centre.effects_of(PushToWms)) == 1


def test_rules_that_change_later_change_no_order(giving: Centre) -> None:
    order = giving.stocked(SHIRT=9, CUP=9).placed(line(units=2))
    giving.policy = replace(POLICY, gifts=(replace(CUP, gifts=(Present(sku="POT", units=9),)),))
    giving.told(pay(order))
    assert giving.told(place(line(units=2))) == [], "the same order again"
    assert [each.line.sku for each in giving.order(order).lines] == ["SHIRT", "CUP"]
    assert giving.facts(order).count("GiftGiven") == 1


def test_without_its_goods_no_gift_is_sent(giving: Centre) -> None:
    giving.stocked(CUP=9).told(detail(line(units=2, native="N1"), status="2", seconds=61, paid_at=after(60)))
    order = platform_order(giving)
    giving.told(StopUnits(order=order, units=(Units(1, 2),), reason="refunded"))
    assert giving.order(order).units(Stage.STOPPED) == 3
    assert giving.states["stock/CUP"].levels["EAST"].reserved == 0
    assert giving.effects_of(PushToWms) == []


def test_a_gift_may_be_a_bundle_and_is_dropped_as_one() -> None:
    centre = Centre(replace(POLICY, gifts=(rule("set", ("SET", 1)),)))
    centre.told(define("SET", *SET))
    order = centre.stocked(SHIRT=9, CUP=9, POT=9).placed(line())
    lines = {each.line.sku: each for each in centre.order(order).lines}
    assert {sku: (each.reserved, each.line.amount_fen) for sku, each in lines.items()} == {
        "SHIRT": (1, 9_900),
        "CUP": (2, 0),
        "POT": (1, 0),
    }
    short = Centre(replace(POLICY, gifts=(rule("set", ("SET", 1)),)))
    short.told(define("SET", *SET))
    order = short.stocked(SHIRT=9, CUP=9).placed(line())
    assert [each.stopped for each in short.order(order).lines] == [0, 2, 1]
    assert short.states["stock/CUP"].levels["EAST"].reserved == 0
    assert [fact for fact in short.facts(order) if fact == "GiftDropped"] == ["GiftDropped"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_gifts_do_not_depend_on_when_lines_are_matched_or_bundles_opened(data: Any) -> None:
    rules = (
        rule("set", ("HAT", 1), skus=("SET",), units_from=2),
        rule("any", ("HAT", 1), amount_from_fen=9_000),
    )
    centre = Centre(replace(POLICY, gifts=rules)).stocked(CUP=99, POT=99, HAT=9)
    centre.told(define("SET", *SET))
    lines = sold(1, offer="901", amount_fen=5_001), sold(2, amount_fen=4_000)
    waiting: list[Any] = [
        detail(*lines, seconds=63, status="2", paid_at=after(60)),
        match("CUP"),
        match("SET", offer="901"),
    ]
    while waiting or centre.lanes:
        move = data.draw(st.sampled_from([*centre.lanes, *range(len(waiting))]))
        if isinstance(move, tuple):
            centre.step(move)
        else:
            centre.tell(waiting.pop(move))
    order = platform_order(centre)
    state: Order = centre.order(order)
    assert [each.line.rule for each in state.lines if each.line.rule] == ["any", "set"]
    assert sorted(bought(state)) == [("CUP", 2, 4_000), ("SET", 2, 5_001)]
    assert status(state) is Status.RELEASED
    assert centre.folded(order) == state


# ---- limited rules


def limited(times: int) -> Centre:
    return Centre(replace(POLICY, gifts=(rule("cup", limit_times=times),))).stocked(SHIRT=99, CUP=99)


def cups(centre: Centre, order: str) -> tuple[int, int]:
    gift = centre.order(order).lines[1]
    return gift.reserved, gift.stopped


def test_the_first_orders_get_a_limited_gift_and_a_cancelled_one_gives_it_back() -> None:
    centre = limited(2)
    orders = [centre.placed(line(), native=f"C-{n}") for n in range(3)]
    assert [cups(centre, each) for each in orders] == [(1, 0), (1, 0), (0, 1)]
    assert centre.states["gift/cup"].given == 2
    centre.told(CancelOrder(order=orders[0], reason="buyer"))
    assert centre.states["gift/cup"].claims == {orders[1]: 1}
    fourth = centre.placed(line(), native="C-4")
    assert cups(centre, fourth) == (1, 0)
    assert centre.folded("gift/cup") == centre.states["gift/cup"]


def test_a_limited_gift_that_is_short_can_be_given_to_another() -> None:
    centre = Centre(replace(POLICY, gifts=(rule("cup", limit_times=1),))).stocked(SHIRT=99)
    first = centre.placed(line())
    assert (cups(centre, first), centre.states["gift/cup"].given) == ((0, 1), 0)
    centre.stocked(CUP=9)
    assert cups(centre, centre.placed(line(), native="C-2")) == (1, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_more_is_given_than_the_limit_however_news_is_mixed(data: Any) -> None:
    centre = limited(2)
    waiting: list[Any] = [place(line(), native=f"C-{n}") for n in range(4)]
    cancelled = data.draw(st.sets(st.integers(0, 3), max_size=2))
    waiting += list(cancelled)
    while waiting or centre.lanes:
        ready = [
            n for n, each in enumerate(waiting)
            if not isinstance(each, int) or ("MP", "mp-1", f"C-{each}") in centre.names
        ]  # fmt: skip
        move = data.draw(st.sampled_from([*centre.lanes, *ready]))
        if isinstance(move, tuple):
            centre.step(move)
            continue
        each = waiting.pop(move)
        if isinstance(each, int):
            each = CancelOrder(order=centre.names["MP", "mp-1", f"C-{each}"], reason="buyer")
        centre.tell(each)
    orders = list(centre.names.values())
    held = sum(cups(centre, order)[0] for order in orders)
    count = centre.states["gift/cup"]
    assert held == count.given == sum(count.claims.values()) <= 2
    assert centre.states["stock/CUP"].levels["EAST"].reserved == held


def test_what_had_left_before_it_was_known_gets_nothing_even_when_it_is_matched_later() -> None:
    centre = Centre(replace(POLICY, gifts=(rule(),))).stocked(CUP=9)
    centre.told(detail(sold(), seconds=63, status="3", paid_at=after(60)))
    centre.told(match("CUP"))
    assert [each.line.rule for each in centre.order(platform_order(centre)).lines] == [""]


def test_rules_that_are_switched_off_leave_no_trace() -> None:
    centre = Centre(replace(POLICY, gifts=(rule(active=False),))).stocked(CUP=9)
    centre.told(detail(sold(), seconds=63, status="2", paid_at=after(60)))
    centre.told(match("CUP"))
    assert not [fact for fact in centre.facts() if fact.startswith("Gift")]
