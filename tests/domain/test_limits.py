"""What one buyer may have of a SKU: counted over orders, never exceeded, given back by what is cancelled."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import PERSON, Centre, line

from tongdan.domain.catalog.commands import DefineSku
from tongdan.domain.catalog.model import Description
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import WakeUp
from tongdan.domain.orders.commands import CancelOrder, PlaceOrder
from tongdan.domain.orders.goods.limits import PURCHASE_LIMIT

SHOP = "mp-1"


def centre(limit_units: int) -> Centre:
    at = Centre()
    at.send(DefineSku(sku="SHIRT", description=Description(title="T", limit_units=limit_units)))
    at.send(CountStock(sku="SHIRT", warehouse="EAST", on_hand=500, counted_at=at.now))
    return at


def place(at: Centre, native: str, buyer: str, units: int, *, then: bool = True) -> str:
    command = PlaceOrder(
        channel="MP",
        shop=SHOP,
        native=native,
        buyer=buyer,
        lines=(line(units=units),),
        amount_fen=9_900,
        placed_at=at.now,
        region="浙江",
        person=PERSON,
    )
    (at.send if then else at.tell)(command)
    return at.names["MP", SHOP, native]


def counted(at: Centre, buyer: str) -> int:
    limit = at.states.get(f"limit/{SHOP}/{buyer}/SHIRT")
    return 0 if limit is None else limit.counted_units


def test_a_buyer_gets_as_much_as_they_may_and_the_next_order_is_cancelled_by_name() -> None:
    at = centre(3)
    first, second = place(at, "1", "u-1", 2), place(at, "2", "u-1", 2)
    other = place(at, "3", "u-2", 3)
    assert [at.states[id].cancelled for id in (first, second, other)] == [False, True, False]
    assert at.states[second].cancelled_by == PURCHASE_LIMIT
    assert (counted(at, "u-1"), counted(at, "u-2")) == (2, 3)
    assert at.states["stock/SHIRT"].levels["EAST"].reserved == 5
    assert at.facts(second).count("LimitExceeded") == 1


def test_what_is_cancelled_or_not_paid_is_given_back() -> None:
    at = centre(2)
    first = place(at, "1", "u-1", 2)
    at.send(CancelOrder(order=first, reason="changed my mind"))
    assert counted(at, "u-1") == 0
    second = place(at, "2", "u-1", 2)
    assert not at.states[second].cancelled
    at.now = at.states[second].pay_by
    at.send(WakeUp(key=second))
    assert (at.states[second].cancelled, counted(at, "u-1")) == (True, 0)


def test_without_a_limit_nothing_is_counted_and_a_limit_may_be_taken_away() -> None:
    at = centre(0)
    place(at, "1", "u-1", 99)
    assert "LimitFound" not in at.facts()
    at.send(DefineSku(sku="SHIRT", description=Description(title="T", limit_units=1)))
    assert at.states[place(at, "2", "u-1", 2)].cancelled
    at.send(DefineSku(sku="SHIRT", description=Description(title="T")))
    assert not at.states[place(at, "3", "u-1", 2)].cancelled


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_in_any_order_of_arrival_nobody_has_more_than_they_may(
    orders: list[tuple[int, str, bool]], limit: int, chance: Random
) -> None:
    at = centre(limit)
    placed = [
        (place(at, str(no), buyer, units, then=False), buyer, units)
        for no, (units, buyer, _) in enumerate(orders)
    ]
    cancels = [id for (id, _, _), (_, _, cancelled) in zip(placed, orders, strict=True) if cancelled]
    while at.lanes or cancels:
        if cancels and chance.random() < 0.5:
            at.tell(CancelOrder(order=cancels.pop(), reason="r"))
        elif at.lanes:
            at.step(chance.choice(sorted(at.lanes)))
    for buyer in "ab":
        kept = [units for id, of, units in placed if of == buyer and not at.states[id].cancelled]
        assert sum(kept) == counted(at, buyer) <= limit
    for key in [key for key in at.states if key.startswith("limit/")]:
        assert at.folded(key) == at.states[key]
