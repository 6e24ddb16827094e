"""Cash on delivery: it ships before it is paid, the warehouse collects, and money that does not come is a ticket."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.centre import (
    POLICY,
    Centre,
    after,
    detail,
    left,
    line,
    platform_order,
    said,
    settled,
    signed,
)

from tongdan.domain.fulfillment.commands import CallBack
from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import PlaceHold, RequestPayment
from tongdan.domain.orders.facts import TellFinance
from tongdan.domain.orders.status import status

DAY_S = 86_400


def policy(**more: Any) -> Any:
    channel = replace(
        POLICY.channels["DY"], statuses={**POLICY.channels["DY"].statuses, "cod": "cod_to_ship"}
    )
    shop = Shop(id="mp-1", channel="MP", native="mp-1", name="Own", legal_entity="E", cash_on_delivery=True)
    return replace(POLICY, channels={"DY": channel}, shops={**POLICY.shops, "mp-1": shop}, **more)


@pytest.fixture
def cash() -> Centre:
    return Centre(policy()).stocked(SHIRT=5, HAT=5)


def sold(centre: Centre) -> str:
    centre.told(detail(status="cod"))
    return platform_order(centre)


def test_a_platforms_order_is_released_before_it_is_paid_and_the_warehouse_collects(cash: Centre) -> None:
    order = sold(cash)
    assert status(cash.order(order)) is Status.RELEASED
    assert cash.order(order).paid is None
    (push,) = cash.effects_of(PushToWms)
    assert push.collect_fen == 9_900


@pytest.mark.parametrize("commands", list(permutations([said("created", 1, "cod"), detail(status="cod")])))
def test_push_and_detail_may_come_in_any_order(cash: Centre, commands: tuple[Any, ...]) -> None:
    for command in commands:
        cash.told(command)
    order = platform_order(cash)
    assert status(cash.order(order)) is Status.RELEASED
    assert cash.facts().count("CashOnDelivery") == 1
    assert cash.states[order] == cash.folded(order)


def test_a_hold_holds_it_like_any_other(cash: Centre) -> None:
    cash.told(said("created", 1, "1"))
    order = platform_order(cash)
    cash.told(PlaceHold(order=order, hold="review"))
    cash.told(detail(status="cod"))
    assert status(cash.order(order)) is Status.CREATED


def test_its_stock_does_not_expire_and_nobody_waits_for_a_payment(cash: Centre) -> None:
    order = cash.placed()
    assert cash.told(RequestPayment(order=order, method="cod")) == ["CashOnDelivery", "OrderReleased"]
    assert cash.refused(RequestPayment(order=order, method="wechat")).name == "already-paid"
    cash.told(left(f"{order}-S1", "W1", ("SHIRT", 1)))
    cash.wait(3 * DAY_S)
    assert not cash.order(order).cancelled
    assert status(cash.order(order)) is Status.SHIPPED


def test_a_shop_that_does_not_offer_it_says_so() -> None:
    centre = Centre().stocked(SHIRT=5)
    order = centre.placed()
    assert centre.refused(RequestPayment(order=order, method="cod")).name == "no-cash-on-delivery"


def test_the_settlement_brings_the_money(cash: Centre) -> None:
    order = sold(cash)
    cash.told(left(f"{order}-S1", "W1", ("SHIRT", 1)))
    cash.told(signed(f"{order}-S1"))
    assert cash.told(settled(order)) == ["OrderPaid", "OrderSettled"]
    assert status(cash.order(order)) is Status.SETTLED
    assert [told.milestone for told in cash.effects_of(TellFinance)] == ["signed", "paid"]
    assert cash.told(settled(order)) == []
    cash.wait(30 * DAY_S)
    assert cash.tickets() == set()


def test_a_settlement_of_another_sum_is_no_payment(cash: Centre) -> None:
    order = cash.placed()
    cash.told(RequestPayment(order=order, method="cod"))
    assert cash.told(settled(order, amount_fen=9_000)) == ["SettlementMismatched"]
    assert cash.order(order).paid is None


def test_signed_for_and_not_paid_by_the_deadline_is_a_ticket_until_the_money_comes(cash: Centre) -> None:
    order = sold(cash)
    cash.told(left(f"{order}-S1", "W1", ("SHIRT", 1)))
    cash.told(signed(f"{order}-S1"))
    cash.wait(11 * DAY_S)
    assert cash.tickets() == {(order, "cash-overdue")}
    cash.told(detail(status="5", seconds=12 * DAY_S, paid_at=after(12 * DAY_S)))
    assert cash.tickets() == set()
    assert cash.order(order).paid is not None


def test_several_parcels_collect_the_whole_price_to_the_fen(cash: Centre) -> None:
    cash.stocked(HAT_SOUTH=9)
    lines = (line(1, "SHIRT", 1, 3_333, native="N1"), line(2, "HAT", 9, 3_334, native="N2"))
    cash.told(detail(*lines, status="cod", amount_fen=7_167, freight_fen=500))
    pushes = cash.effects_of(PushToWms)
    assert {push.warehouse for push in pushes} == {"EAST", "SOUTH"}
    assert sum(push.collect_fen for push in pushes) == 7_167
    assert all(push.collect_fen > 0 for push in pushes)


def test_a_parcel_that_collects_is_not_packed_anew(cash: Centre) -> None:
    order = sold(cash)
    told = cash.tell(CallBack(shipment=f"{order}-S1", packing=order, job=1, shop="dy-1"))
    assert [type(fact).__name__ for fact in told.facts] == ["CallBackRefused"]  # type: ignore[union-attr]
