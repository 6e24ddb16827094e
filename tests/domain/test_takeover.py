"""Open orders of the system used before: the platform finds the same order, and what had left does not leave again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.centre import NOON, PERSON, Centre, after, detail, line, platform_order, said

from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import LiftHold, TakeOverOrder
from tongdan.domain.orders.facts import FetchDetail, WriteBackShipment
from tongdan.domain.orders.lines import LeftParcel, Units
from tongdan.domain.orders.model import LEFT_HOLD, RECEIVER_HOLD, Said
from tongdan.domain.orders.status import status

TWO = (line(units=3, native="N1"), line(no=2, sku="HAT", units=1, native="N2"))


def parcel(*units: tuple[int, int], no: str = "D1") -> LeftParcel:
    left = tuple([Units(line, n) for line, n in units])
    return LeftParcel(dispatch=no, carrier="SF", waybill=f"SF{no}", units=left, shipped_at=after(-600))


def taken(*left: LeftParcel, lines: Any = TWO, **more: Any) -> TakeOverOrder:
    """The order 4781 as Jushuitan knows it, an hour before noon."""
    return TakeOverOrder(
        **{
            "channel": "DY",
            "shop": "dy-1",
            "native": "4781",
            "system": "jushuitan",
            "native_status": "已付款待审核",
            "said_at": after(-600),
            "lines": lines,
            "amount_fen": sum(each.amount_fen for each in lines),
            "placed_at": after(-3_600),
            "paid_at": after(-3_500),
            "left": left,
            "region": "浙江",
            "person": PERSON,
            **more,
        }
    )


@pytest.fixture
def shop(centre: Centre) -> Centre:
    return centre.stocked(SHIRT=5, HAT=5)


def test_an_order_not_sent_yet_is_an_ordinary_one(shop: Centre) -> None:
    shop.told(taken())
    order = platform_order(shop)
    assert status(shop.order(order)) is Status.RELEASED
    assert shop.people[order] == PERSON
    assert shop.order(order).said == {
        "jushuitan": Said(native="已付款待审核", status="", said_at=after(-600))
    }
    assert [effect.order for effect in shop.effects_of(PushToWms)] == [order]


def test_the_same_again_changes_nothing(shop: Centre) -> None:
    shop.told(taken(parcel((1, 2))))
    assert shop.told(taken(parcel((1, 2)))) == []


def test_the_platform_finds_the_same_order_whoever_was_first(shop: Centre) -> None:
    shop.told(taken())
    order = platform_order(shop)
    shop.told(said("paid", 1, "2"))
    shop.told(detail(*TWO, seconds=2, status="2", paid_at=after(1)))
    assert platform_order(shop) == order
    assert shop.facts(order).count("OrderPaid") == shop.facts(order).count("OrderReleased") == 1


def test_what_has_left_asks_for_no_stock_and_is_not_told_to_the_channel(shop: Centre) -> None:
    shop.told(taken(parcel((1, 3), (2, 1)), native_status="已发货"))
    order = platform_order(shop)
    assert status(shop.order(order)) is Status.SHIPPED
    assert shop.states["stock/SHIRT"].levels["EAST"].available == 5
    assert (shop.effects_of(PushToWms), shop.effects_of(WriteBackShipment)) == ([], [])
    shop.told(detail(*TWO, seconds=2, status="3"))
    assert shop.order(order).holds == ()
    shop.told(said("completed", 3, "5"))
    assert status(shop.order(order)) is Status.COMPLETED


def test_of_an_order_partly_sent_only_the_rest_leaves(shop: Centre) -> None:
    shop.told(taken(parcel((1, 2))))
    order = platform_order(shop)
    first, second = shop.order(order).lines
    assert (first.shipped, first.released, second.released) == (2, 1, 1)
    (pushed,) = shop.effects_of(PushToWms)
    assert sorted((item.sku, item.units) for item in pushed.items) == [("HAT", 1), ("SHIRT", 1)]
    assert shop.states["stock/SHIRT"].levels["EAST"].available == 4


def test_a_later_file_adds_what_was_sent_since(shop: Centre) -> None:
    shop.told(taken(holds=("question",)))
    order = platform_order(shop)
    assert shop.order(order).units(Stage.RESERVED) == 4
    told = shop.told(taken(parcel((1, 2)), native_status="已发货", said_at=after(-300)))
    assert told == ["SystemSaid", "LinesLeftElsewhere", "ReservationRetried"]
    first, second = shop.order(order).lines
    assert (first.shipped, first.reserved, second.reserved) == (2, 1, 1)
    assert shop.states["stock/SHIRT"].levels["EAST"].available == 4
    assert shop.order(order).holds == ("question",)


def test_what_is_handed_over_here_cannot_have_left_there(shop: Centre) -> None:
    shop.told(taken())
    refusal = shop.refused(taken(parcel((1, 1))))
    assert refusal.name == "sent-from-both"
    assert "SFD1" in refusal.en and "SFD1" in refusal.zh


def test_what_the_platform_said_had_left_is_free_once_it_is_known_what(shop: Centre) -> None:
    shop.told(detail(*TWO, seconds=2, status="101", paid_at=NOON))
    order = platform_order(shop)
    assert shop.order(order).holds == (LEFT_HOLD,)
    shop.told(taken(parcel((1, 3))))
    assert shop.order(order).holds == ()
    first, second = shop.order(order).lines
    assert (first.shipped, second.released) == (3, 1)


def test_a_hold_of_before_holds_here(shop: Centre) -> None:
    shop.told(taken(holds=("question", "presale")))
    order = platform_order(shop)
    assert status(shop.order(order)) is Status.PAID
    shop.told(LiftHold(order=order, hold="question"))
    assert status(shop.order(order)) is Status.PAID
    shop.told(LiftHold(order=order, hold="presale"))
    assert status(shop.order(order)) is Status.RELEASED


def test_a_masked_receiver_is_asked_of_the_channel_before_anything_leaves(shop: Centre) -> None:
    shop.told(taken(masked=True, person=Person(name="张*", phone="138****0000", province="浙江")))
    order = platform_order(shop)
    assert (status(shop.order(order)), shop.order(order).holds) == (Status.PAID, (RECEIVER_HOLD,))
    assert [effect.native for effect in shop.effects_of(FetchDetail)] == ["4781"]
    sealed = Person(name="张*", province="浙江", sealed={"open_address_id": "#x#"})
    shop.told(detail(*TWO, seconds=2, status="2", person=sealed))
    assert shop.people[order] == sealed
    assert status(shop.order(order)) is Status.RELEASED


def test_of_a_masked_receiver_that_has_everything_nobody_is_asked(shop: Centre) -> None:
    shop.told(taken(parcel((1, 3), (2, 1)), masked=True, holds=("question",)))
    assert shop.order(platform_order(shop)).holds == ()
    assert shop.effects_of(FetchDetail) == []


def test_an_unpaid_order_waits_for_its_money(shop: Centre) -> None:
    shop.told(taken(paid_at=None))
    order = platform_order(shop)
    assert status(shop.order(order)) is Status.CREATED
    shop.told(taken(said_at=after(-300)))
    assert status(shop.order(order)) is Status.RELEASED


def test_what_is_paid_at_the_door_leaves_before_it_is_paid(shop: Centre) -> None:
    shop.told(taken(paid_at=None, cod=True))
    order = shop.order(platform_order(shop))
    assert (status(order), order.paid, order.cod) == (Status.RELEASED, None, True)


def test_a_cancelled_order_stays_cancelled(shop: Centre) -> None:
    shop.told(said("cancelled", 1, "4"))
    order = platform_order(shop)
    shop.told(taken(holds=("question",), masked=True))
    assert status(shop.order(order)) is Status.CANCELLED
    assert shop.order(order).units(Stage.STOPPED) == 4
    assert shop.states["stock/SHIRT"].levels["EAST"].available == 5


@given(
    sent=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=3),
    platform_first=st.booleans(),
    in_two_files=st.booleans(),
)
def test_units_are_conserved_and_leave_once(
    sent: list[tuple[int, int]], platform_first: bool, in_two_files: bool
) -> None:
    centre = Centre().stocked(SHIRT=5, HAT=5)
    left, parcels = [3, 1], []
    for n, (shirts, hats) in enumerate(sent):
        take = [min(shirts, left[0]), min(hats, left[1])]
        left = [left[0] - take[0], left[1] - take[1]]
        units = [(no, units) for no, units in enumerate(take, 1) if units]
        if units:
            parcels.append(parcel(*units, no=f"D{n}"))
    if platform_first:
        centre.told(detail(*TWO, seconds=-700, status="1"))
    if in_two_files:
        centre.told(taken(*parcels[:1], paid_at=None))
    centre.told(taken(*parcels))
    order = centre.order(platform_order(centre))
    assert centre.folded(platform_order(centre)) == order
    assert [each.shipped for each in order.lines] == [3 - left[0], 1 - left[1]]
    assert [each.released for each in order.lines] == left
    assert [item.units for effect in centre.effects_of(PushToWms) for item in effect.items] == [
        n for n in left if n
    ]
    assert centre.states["stock/SHIRT"].levels["EAST"].available == 5 - left[0]
    assert centre.states["stock/HAT"].levels["EAST"].available == 5 - left[1]
