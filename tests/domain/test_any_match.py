"""In whatever order lines and matches arrive, a match is found; opening bundles loses no unit and no fen."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import Centre, after, detail, said
from tests.domain.test_catalog import SET, define, match, sold

from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.messages import Decision
from tongdan.domain.kernel.parts import Part, opened, shared
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.status import status

FEN = st.integers(0, 10**13)
PARTS = st.lists(
    st.builds(Part, st.sampled_from("ABCDEFGH"), st.integers(1, 1_000), st.integers(0, 10**6)),
    min_size=1,
    max_size=8,
    unique_by=lambda part: part.sku,
).map(tuple)


@given(FEN, st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any))
def test_shares_add_up_and_differ_from_the_exact_ones_by_less_than_a_fen(
    amount_fen: int, weights: list[int]
) -> None:
    shares = shared(amount_fen, weights)
    assert sum(shares) == amount_fen
    total = sum(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert share >= 0
        assert abs(share * total - amount_fen * weight) < total


@given(PARTS, st.integers(1, 10_000), FEN)
def test_opening_conserves_units_and_fen(parts: tuple[Part, ...], units: int, amount_fen: int) -> None:
    found = opened(parts, units, amount_fen)
    assert [(part.sku, n) for part, n, _ in found] == [(part.sku, part.units * units) for part in parts]
    assert sum(fen for _, _, fen in found) == amount_fen


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_match_is_found_whatever_the_order_of_arrival(data: Any) -> None:
    """Two lines of one offer and one of a bundle; messages come in any order, some again, and any lane may move."""
    centre = Centre().stocked(CUP=100, POT=100)
    centre.told(define("SET", *SET))
    lines = (sold(1), sold(2, offer="901", amount_fen=1_001), sold(3))
    waiting: list[Any] = [
        said("created", 1, "1"),
        detail(*lines, seconds=63, status="2", paid_at=after(60), transaction="D1"),
        match("CUP"),
        match("SET", offer="901"),
    ]
    repeats = 0
    while waiting or centre.lanes:
        move = data.draw(st.sampled_from([*centre.lanes, *range(len(waiting))]))
        if isinstance(move, tuple):
            centre.step(move)
            continue
        message = waiting.pop(move)
        assert isinstance(centre.tell(message), Decision)
        if repeats < 6 and data.draw(st.integers(0, 2)) == 0:
            repeats += 1
            waiting.append(message)
    id = centre.names["DY", "dy-1", "4781"]
    order = centre.order(id)
    assert (status(order), order.holds) == (Status.RELEASED, ())
    assert centre.tickets() == set()
    (push,) = centre.effects_of(PushToWms)
    units = {sku: sum(item.units for item in push.items if item.sku == sku) for sku in ("CUP", "POT")}
    assert units == {"CUP": 8, "POT": 2}
    assert sum(item.amount_fen for item in push.items) == sum(each.amount_fen for each in lines)
    assert {sku: centre.states[f"stock/{sku}"].levels["EAST"].reserved for sku in units} == units
    assert centre.folded(id) == order
