"""Refunds by line: money to the fen, what has not left stays here, what has left has left, stock is freed exactly."""

from typing import Any

import pytest
from tests.domain.centre import (
    Centre,
    after,
    detail,
    left,
    line,
    pay,
    place,
    platform_order,
    said,
    settled,
    signed,
)
from tests.domain.packed import Shop
from tests.domain.test_catalog import SET, define

from tongdan.domain.fulfillment.commands import RecordRecall
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Closing, Partly, Stage
from tongdan.domain.orders.commands import RecordPlatformRefund, RefundUnits
from tongdan.domain.orders.facts import TellFinance
from tongdan.domain.orders.goods.commands import StopUnits
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.money.refund_facts import RefundPayment
from tongdan.domain.orders.status import partly, status

NAMES = {stage: stage.name.lower() for stage in Stage}


def refund(order: str, *units: tuple[int, int], amount_fen: int | None = None) -> RefundUnits:
    named = tuple([Units(*each) for each in units])
    return RefundUnits(order=order, units=named, amount_fen=amount_fen, reason="not wanted")


def stop(order: str, *units: tuple[int, int]) -> StopUnits:
    return StopUnits(order=order, units=tuple([Units(*each) for each in units]), reason="not wanted")


def told_by_platform(
    order: str, *sold: tuple[str, int], amount_fen: int = 3_000, reference: str = "A1"
) -> RecordPlatformRefund:
    return RecordPlatformRefund(
        order=order, reference=reference, sold=sold, amount_fen=amount_fen, refunded_at=after(400)
    )


def at(centre: Centre, order: str) -> dict[int, dict[str, int]]:
    return {
        each.line.no: {NAMES[stage]: each.at(stage) for stage in Stage if each.at(stage)}
        for each in centre.order(order).lines
    }


def stock(centre: Centre, sku: str) -> tuple[int, int]:
    """(on hand, reserved) in the east."""
    level = centre.states[f"stock/{sku}"].levels["EAST"]
    return level.on_hand, level.reserved


def money(centre: Centre) -> list[int]:
    return [each.amount_fen for each in centre.effects_of(RefundPayment)]


@pytest.fixture
def held(centre: Centre) -> str:
    """Three shirts for 100.01 yuan and a hat for 30, paid, waiting for the hat."""
    order = centre.stocked(SHIRT=5).placed(line(1, units=3, amount_fen=10_001), line(2, "HAT", 1, 3_000))
    centre.told(pay(order, 13_001))
    return order


@pytest.fixture
def released(centre: Centre, held: str) -> str:
    centre.stocked(HAT=5)
    return held


def test_what_no_warehouse_has_stops_and_frees_its_stock_while_the_rest_goes_on(
    centre: Centre, held: str
) -> None:
    assert centre.told(refund(held, (1, 1))) == ["UnitsWithdrawn", "RefundRequested", "LinesRefunded"]
    assert at(centre, held) == {1: {"reserved": 2, "stopped": 1}, 2: {"waiting": 1}}
    assert (stock(centre, "SHIRT"), money(centre)) == ((5, 2), [3_333])
    assert (status(centre.order(held)), centre.order(held).owed_fen) == (Status.PAID, 3_333)

    centre.stocked(HAT=1)
    (push,) = centre.effects_of(PushToWms)
    assert [(item.line, item.units) for item in push.items] == [(1, 2), (2, 1)]
    assert centre.tickets() == set()


def test_without_the_line_that_was_short_the_rest_is_released(centre: Centre, held: str) -> None:
    assert centre.told(refund(held, (2, 1)))[:2] == ["UnitsWithdrawn", "OrderReleased"]
    assert (centre.order(held).worries, centre.tickets()) == ((), set())
    assert at(centre, held) == {1: {"released": 3}, 2: {"stopped": 1}}
    assert status(centre.order(held)) is Status.RELEASED
    centre.stocked(HAT=9)
    assert stock(centre, "HAT") == (9, 0), "what was not wanted any more is not reserved later"


def test_refunds_of_a_line_one_by_one_add_up_to_its_price(centre: Centre, released: str) -> None:
    for _ in range(3):
        centre.told(refund(released, (1, 1)))
    assert (money(centre), sum(money(centre))) == ([3_333, 3_334, 3_334], 10_001)
    assert centre.refused(refund(released, (1, 1))).name == "too-many-units"


def test_the_price_of_a_line_bears_its_part_of_the_discount_and_none_of_the_freight(centre: Centre) -> None:
    lines = line(1, amount_fen=9_000), line(2, "HAT", 1, 1_000)
    centre.stocked(SHIRT=5)
    centre.told(place(*lines, amount_fen=8_000, freight_fen=1_000, discount_fen=3_000))
    order = centre.names["MP", "mp-1", "C-1"]
    centre.told(pay(order, 8_000))
    centre.told(refund(order, (1, 1)))
    assert money(centre) == [6_300]


def test_a_parcel_with_nothing_else_in_it_is_called_back(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5, HAT_SOUTH=5).placed(line(1, units=2), line(2, "HAT", 1, 3_000))
    centre.told(pay(order, 12_900))
    assert len(centre.effects_of(PushToWms)) == 2
    centre.told(refund(order, (2, 1)))
    (cancel,) = centre.effects_of(CancelAtWms)
    assert cancel.shipment == f"{order}-S2"
    centre.told(RecordRecall(shipment=f"{order}-S2", stopped=True, reason="ok"))
    assert at(centre, order) == {1: {"released": 2}, 2: {"stopped": 1}}
    assert centre.states["stock/HAT"].levels["SOUTH"].reserved == 0
    assert centre.tickets() == set()


def test_beside_what_is_wanted_a_person_splits_it_off(centre: Centre, released: str) -> None:
    centre.told(refund(released, (1, 1)))
    assert (centre.effects_of(CancelAtWms), centre.tickets()) == ([], {(released, "withdrawn-in-parcel")})
    centre.told(left(f"{released}-S1", "SF1", ("SHIRT", 2), ("HAT", 1)))
    assert at(centre, released) == {1: {"shipped": 2, "stopped": 1}, 2: {"shipped": 1}}
    assert (stock(centre, "SHIRT"), stock(centre, "HAT")) == ((3, 0), (4, 0))
    assert "left-though-withdrawn" not in {kind for _, kind in centre.tickets()}


def test_what_leaves_though_it_was_refunded_is_told_and_stock_is_right(centre: Centre, released: str) -> None:
    centre.told(refund(released, (1, 2)))
    centre.told(left(f"{released}-S1", "SF1", ("SHIRT", 3), ("HAT", 1)))
    assert at(centre, released) == {1: {"shipped": 3}, 2: {"shipped": 1}}
    assert (released, "left-though-withdrawn") in centre.tickets()
    assert centre.order(released).line(1).withdrawn == 0
    assert (stock(centre, "SHIRT"), centre.order(released).line(1).refunded) == ((2, 0), 2)


def test_after_it_has_left_only_money_goes_back(centre: Centre, released: str) -> None:
    centre.told(left(f"{released}-S1", "SF1", ("SHIRT", 3), ("HAT", 1)))
    assert centre.told(refund(released, (1, 1), amount_fen=1_000)) == ["RefundRequested", "LinesRefunded"]
    assert at(centre, released) == {1: {"shipped": 3}, 2: {"shipped": 1}}
    assert (money(centre), centre.order(released).line(1).refunded) == ([1_000], 1)


def test_the_last_line_refunded_ends_the_order(centre: Centre, released: str) -> None:
    """All else is signed for: finance is told, and the order ends by itself."""
    centre.told(left(f"{released}-S1", "SF1", ("SHIRT", 3), final=False))
    centre.told(signed(f"{released}-S1"))
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid"]
    centre.told(refund(released, (2, 1)))
    centre.told(RecordRecall(shipment=f"{released}-S1", stopped=True, reason="ok"))
    assert status(centre.order(released)) is Status.SIGNED
    assert [each.milestone for each in centre.effects_of(TellFinance)] == ["paid", "signed"]
    centre.wait(8 * 86_400)
    assert centre.order(released).closing is Closing.COMPLETED


@pytest.mark.parametrize(
    ("units", "amount_fen", "name"),
    [
        ((), None, "no-units"),
        (((9, 1),), None, "no-such-line"),
        (((1, 0),), None, "too-many-units"),
        (((1, 4),), None, "too-many-units"),
        (((1, 1), (1, 1)), None, "line-named-twice"),
        (((1, 1),), 13_002, "refund-out-of-range"),
        (((1, 1),), 13_001, "cancel-instead"),
        (((1, 3), (2, 1)), None, "cancel-instead"),
        (((1, 3), (2, 1)), 1, "cancel-instead"),
    ],
)
def test_what_cannot_be_refunded_is_refused(
    centre: Centre, held: str, units: tuple[tuple[int, int], ...], amount_fen: int | None, name: str
) -> None:
    assert centre.refused(refund(held, *units, amount_fen=amount_fen)).name == name


def test_units_can_be_stopped_without_money(centre: Centre, held: str) -> None:
    assert centre.told(stop(held, (1, 9)))[0] == "UnitsWithdrawn"
    assert (at(centre, held)[1], money(centre), stock(centre, "SHIRT")) == ({"stopped": 3}, [], (5, 0))
    assert centre.told(stop(held, (1, 1))) == []
    assert centre.refused(stop(held, (9, 1))).name == "no-such-line"


def test_a_smaller_reservation_takes_the_place_of_a_larger_one_at_once(centre: Centre, held: str) -> None:
    """Whoever waits for the SKU gets only what is really free."""
    other = centre.placed(line(units=4), native="C-2")
    centre.told(stop(held, (1, 1)))
    assert centre.order(other).line(1).short
    assert (stock(centre, "SHIRT"), at(centre, held)[1]) == ((5, 2), {"reserved": 2, "stopped": 1})


# ---- platforms


@pytest.fixture
def bought(centre: Centre) -> str:
    """A platform's order: two shirts and a hat, paid, waiting for the hat."""
    lines = line(1, units=2, native="N1"), line(2, "HAT", 1, 3_000, native="N2")
    centre.stocked(SHIRT=5).told(detail(*lines, status="2", seconds=61, paid_at=after(60)))
    return platform_order(centre)


def test_what_a_platform_paid_back_is_recorded_and_does_not_leave(centre: Centre, bought: str) -> None:
    assert centre.tickets() == {(bought, "line-short")}
    told = centre.told(told_by_platform(bought, ("N2", 1)))
    assert (centre.order(bought).worries, centre.tickets()) == ((), set())
    assert told == ["LinesRefunded", "UnitsWithdrawn", "OrderReleased"]
    assert at(centre, bought) == {1: {"released": 2}, 2: {"stopped": 1}}
    state = centre.order(bought)
    assert (status(state), partly(state)) == (Status.RELEASED, Partly.REFUNDED | Partly.STOPPED)
    assert (money(centre), state.platform_refunded_fen, state.line(2).refunded) == ([], 3_000, 1)
    assert [(e.milestone, e.amount_fen) for e in centre.effects_of(TellFinance)][1:] == [("refunded", 3_000)]
    assert centre.told(told_by_platform(bought, ("N2", 1))) == []
    centre.told(settled(bought, 9_900))
    assert centre.order(bought).settled_at is not None


def test_a_refund_that_comes_before_the_lines_are_known_waits_for_them(centre: Centre) -> None:
    centre.told(said("paid", 60, "2", amount_fen=12_900))
    order = platform_order(centre)
    assert centre.told(told_by_platform(order, ("N2", 1))) == ["LinesRefunded"]
    lines = line(1, units=2, native="N1"), line(2, "HAT", 1, 3_000, native="N2")
    centre.stocked(SHIRT=5, HAT=5).told(detail(*lines, status="2", seconds=90, paid_at=after(60)))
    assert at(centre, order) == {1: {"released": 2}, 2: {"stopped": 1}}
    assert (centre.order(order).platform_refunded_fen, stock(centre, "HAT")) == (3_000, (5, 0))


def test_money_alone_and_names_nobody_knows(centre: Centre, bought: str) -> None:
    assert centre.told(told_by_platform(bought, amount_fen=500)) == ["LinesRefunded"]
    assert centre.told(told_by_platform(bought, ("N9", 1), reference="A2")) == ["LinesRefunded"]
    assert (bought, "refund-of-unknown-line") in centre.tickets()
    centre.told(told_by_platform(bought, reference="A3", amount_fen=99_999))
    state = centre.order(bought)
    assert state.platform_refunded_fen == state.paid.amount_fen, "no more than came in"


def test_a_refunded_bundle_is_all_its_parts_opened_or_not(centre: Centre) -> None:
    centre.told(define("SET", *SET))
    lines = line(1, "SET", 3, 9_000, native="N1"), line(2, "HAT", 1, 3_000, native="N2")
    centre.stocked(CUP=20, POT=20).tell(detail(*lines, status="2", seconds=61, paid_at=after(60)))
    order = platform_order(centre)
    centre.tell(told_by_platform(order, ("N1", 1), amount_fen=3_000))
    centre.catch_up()
    per = {part.sku: part.units for part in SET}
    kept = {
        each.line.sku: (each.reserved, each.stopped) for each in centre.order(order).lines if each.line.bundle
    }
    assert kept == {sku: (2 * n, n) for sku, n in per.items()}
    centre.told(told_by_platform(order, ("N1", 1), amount_fen=3_000, reference="A2"))
    kept = {
        each.line.sku: (each.reserved, each.stopped) for each in centre.order(order).lines if each.line.bundle
    }
    assert kept == {sku: (n, 2 * n) for sku, n in per.items()}
    assert {sku: stock(centre, sku)[1] for sku in per} == per


def test_a_platform_does_not_pay_for_an_own_shop_and_the_other_way_round(
    centre: Centre, held: str, bought: str
) -> None:
    commands: list[tuple[Command, Any]] = [
        (told_by_platform(held), "own-shop-pays"),
        (refund(bought, (1, 1)), "platform-decides"),
    ]
    for command, name in commands:
        assert centre.refused(command).name == name


def test_what_a_person_splits_off_is_called_back_and_the_ticket_closes() -> None:
    shop = Shop()
    order = shop.sold("A")  # three shirts and a hat
    shop.work().told(told_by_platform(order, ("N1", 1)))
    assert shop.tickets() == {(order, "withdrawn-in-parcel")}
    shop.split(f"{order}-S1", {(order, 1): 1})
    shop.work()
    assert at(shop, order) == {1: {"released": 2, "stopped": 1}, 2: {"released": 1}}
    assert (shop.tickets(), shop.order(order).worries) == (set(), ())
    for shipment in shop.live(order):
        shop.leave(shipment)
    assert (status(shop.order(order)), stock(shop, "SHIRT")) == (Status.SHIPPED, (88, 0))
