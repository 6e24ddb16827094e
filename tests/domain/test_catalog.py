"""The catalogue: own SKUs, what platforms call them, and bundles. What an order needs to know finds it by itself."""

import pytest
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after, detail, left, line, pay, place, platform_order, said

from tongdan.domain.catalog import model
from tongdan.domain.catalog.commands import DefineSku, FindMatch, MatchOffer, SetCost
from tongdan.domain.catalog.model import Description
from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.keys import kind_of, offer_key, sku_key, stock_key
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import CancelOrder, LiftHold
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.goods.commands import NoteMatched, OpenBundle
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import UNMATCHED_HOLD
from tongdan.domain.orders.status import status

STRICT = replace(POLICY, shops={**POLICY.shops, "dy-1": replace(POLICY.shops["dy-1"], match_skus=True)})
OFFER = offer_key("DY", "dy-1", "900")
SET = (Part("CUP", 2, 1_000), Part("POT", 1, 7_000))


def sold(no: int = 1, offer: str = "900", sku: str = "", units: int = 2, amount_fen: int = 9_900) -> Line:
    """A line as Douyin's detail gives it."""
    return Line(
        no=no, sku=sku, units=units, amount_fen=amount_fen, native=f"N{no}", platform_sku=offer, title="杯"
    )


def paid_detail(*lines: Line) -> list[object]:
    return [
        said("created", 1, "1"),
        detail(*lines, seconds=63, status="2", paid_at=after(60), transaction="D1"),
    ]


def announce(centre: Centre, *lines: Line) -> str:
    for command in paid_detail(*lines):
        centre.send(command)  # type: ignore[arg-type]
    return platform_order(centre)


def match(sku: str, offer: str = "900") -> MatchOffer:
    return MatchOffer(channel="DY", shop="dy-1", offer=offer, sku=sku)


def define(sku: str, *parts: Part, **more: object) -> DefineSku:
    return DefineSku(sku=sku, description=Description(title="茶杯", **more), parts=parts)  # type: ignore[arg-type]


# ---- own SKUs


def test_a_description_replaces_the_one_before_and_saying_it_twice_changes_nothing(centre: Centre) -> None:
    assert centre.told(define("CUP", weight_g=300, limit_units=5)) == ["SkuDescribed"]
    assert centre.told(define("CUP", weight_g=300, limit_units=5)) == []
    assert centre.told(define("CUP", weight_g=310)) == ["SkuDescribed"]
    assert centre.states[sku_key("CUP")].description == Description(title="茶杯", weight_g=310)


def test_a_bundle_is_defined_changed_and_becomes_ordinary_again(centre: Centre) -> None:
    assert centre.told(define("SET", *SET)) == ["SkuDescribed", "BundleDefined"]
    assert centre.states[stock_key("SET")].parts == SET
    assert centre.told(define("SET", *SET)) == []
    assert centre.told(define("SET")) == ["BundleDefined"]
    assert centre.states[stock_key("SET")].parts == ()


def test_what_a_sku_costs_stays_when_it_is_described_anew(centre: Centre) -> None:
    centre.told(define("CUP"))
    assert centre.refused(SetCost(sku="CUP", cost_fen=-1)).name == "out-of-range"
    assert centre.told(SetCost(sku="CUP", cost_fen=0)) == ["SkuCosted"]
    assert centre.told(SetCost(sku="CUP", cost_fen=0)) == []
    centre.told(define("CUP", weight_g=310))
    assert centre.states["sku/CUP"].cost_fen == 0
    assert centre.told(SetCost(sku="CUP", cost_fen=None)) == ["SkuCosted"]
    assert centre.states["sku/CUP"].cost_fen is None


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (define(""), "code-invalid"),
        (define(" CUP"), "code-invalid"),
        (define("C" * 65), "code-invalid"),
        (define("CUP", barcode="1\n2"), "code-invalid"),
        (DefineSku(sku="CUP", description=Description(title=" ")), "words-invalid"),
        (DefineSku(sku="CUP", description=Description(title="x" * 201)), "words-invalid"),
        (define("CUP", weight_g=-1), "out-of-range"),
        (define("CUP", limit_units=1_000_001), "out-of-range"),
        (define("SET", Part("CUP", 0)), "out-of-range"),
        (define("SET", Part("CUP", 1, -1)), "out-of-range"),
        (define("SET", Part("", 1)), "code-invalid"),
        (define("SET", Part("SET", 1)), "bundle-invalid"),
        (define("SET", Part("CUP", 1), Part("CUP", 2)), "bundle-invalid"),
        (define("SET", *[Part(f"P{n}", 1) for n in range(51)]), "too-many-parts"),
        (match(" "), "code-invalid"),
        (match("CUP", offer=""), "code-invalid"),
    ],
)
def test_what_cannot_be_is_refused_by_name(centre: Centre, command: DefineSku, name: str) -> None:
    refusal = centre.refused(command)
    assert (refusal.name, refusal.status) == (name, 422)
    assert refusal.zh


# ---- matching


def test_a_line_without_an_own_sku_holds_its_order_until_somebody_says_which_it_is(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5), sold())
    assert centre.order(order).holds == (UNMATCHED_HOLD,)
    assert (OFFER, "offer-unmatched") in centre.tickets()
    assert [key for key in centre.states if kind_of(key) == "stock"] == ["stock/CUP"]
    assert centre.told(match("CUP")) == ["OfferMatched", "MatchFound"]
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.order(order).holds == ()
    assert centre.tickets() == set()
    (push,) = centre.effects_of(PushToWms)
    assert [(item.sku, item.units, item.amount_fen) for item in push.items] == [("CUP", 2, 9_900)]
    assert centre.folded(order) == centre.order(order)
    assert centre.folded(OFFER) == centre.states[OFFER]


def test_a_match_made_before_answers_every_later_order(centre: Centre) -> None:
    centre.stocked(CUP=5).told(match("CUP"))
    assert status(centre.order(announce(centre, sold()))) is Status.RELEASED
    assert centre.tickets() == set()


def test_an_own_code_of_the_platforms_sku_needs_no_match(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5), sold(sku="CUP"))
    assert status(centre.order(order)) is Status.RELEASED
    assert OFFER not in centre.states


def test_a_shop_whose_codes_are_no_own_skus_matches_each(centre: Centre) -> None:
    strict = Centre(STRICT).stocked(TEA=5)
    order = announce(strict, sold(sku="CUP"))
    assert strict.states[OFFER].outer == "CUP"
    assert strict.order(order).holds == (UNMATCHED_HOLD,)
    strict.told(match("TEA"))
    assert status(strict.order(order)) is Status.RELEASED
    own = strict.placed(line(sku="TEA"))
    strict.told(pay(own))
    assert status(strict.order(own)) is Status.RELEASED


def test_the_hold_falls_with_the_last_line(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5, POT=5), sold(1), sold(2, offer="901"))
    centre.told(match("CUP"))
    assert centre.order(order).holds == (UNMATCHED_HOLD,)
    assert status(centre.order(order)) is Status.PAID
    centre.told(match("POT", offer="901"))
    assert status(centre.order(order)) is Status.RELEASED


def test_lifting_the_hold_by_hand_asks_again_and_lets_nothing_go(centre: Centre) -> None:
    order = announce(centre, sold())
    assert centre.told(LiftHold(order=order, hold=UNMATCHED_HOLD)) == ["LinesUnmatched"]
    assert centre.order(order).holds == (UNMATCHED_HOLD,)
    assert len(centre.states[OFFER].waiting) == 1


def test_what_is_cancelled_before_its_match_stays_cancelled(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5), sold())
    centre.send(said("cancelled", 100, "4"))
    centre.told(match("CUP"))
    assert status(centre.order(order)) is Status.CANCELLED
    assert centre.order(order).units(Stage.STOPPED) == 2
    assert centre.states[stock_key("CUP")].levels["EAST"].reserved == 0
    assert "stock/" not in centre.states


def test_an_answer_that_comes_again_changes_nothing(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5), sold())
    centre.told(match("CUP"))
    assert centre.told(match("CUP")) == []
    assert centre.told(NoteMatched(order=order, line=1, sku="POT")) == []
    assert centre.told(NoteMatched(order=order, line=9, sku="POT")) == []


def test_a_changed_match_speaks_of_later_orders_only(centre: Centre) -> None:
    order = announce(centre.stocked(CUP=5), sold())
    centre.told(match("CUP"))
    assert centre.told(match("POT")) == ["OfferMatched"]
    assert centre.order(order).lines[0].line.sku == "CUP"
    assert centre.told(match("")) == ["OfferMatched"]
    asked = FindMatch(channel="DY", shop="dy-1", offer="900", outer="", title="杯", order=order, line=2)
    assert centre.told(asked) == ["MatchAwaited"]


def test_what_waits_for_one_match_is_bounded(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model.MAX_WAITING == 1_000
    monkeypatch.setattr("tongdan.domain.catalog.offers.MAX_WAITING", 2)
    order = announce(centre, sold())

    def asked(no: int) -> FindMatch:
        return FindMatch(channel="DY", shop="dy-1", offer="900", outer="", title="杯", order=order, line=no)

    assert centre.told(asked(2)) == ["MatchAwaited"]
    assert centre.told(asked(2)) == []
    assert centre.refused(asked(3)).name == "offer-full"


# ---- bundles


def test_a_bundle_is_opened_for_stock_and_warehouse_whichever_shop_sold_it(centre: Centre) -> None:
    centre.stocked(CUP=10, POT=10).told(define("SET", *SET))
    own = centre.placed(line(1, "SET", 3, 10_001), line(2, "HAT", 1, 0))
    centre.stocked(HAT=1).told(pay(own, 10_001))
    lines = [
        (each.line.no, each.line.sku, each.line.units, each.line.amount_fen)
        for each in centre.order(own).lines
    ]
    assert lines == [(1, "CUP", 6, 2_222), (2, "HAT", 1, 0), (3, "POT", 3, 7_779)]
    (push,) = centre.effects_of(PushToWms)
    assert {(item.sku, item.units) for item in push.items} == {("CUP", 6), ("HAT", 1), ("POT", 3)}
    assert centre.states[stock_key("CUP")].levels["EAST"].reserved == 6
    assert centre.folded(own) == centre.order(own)
    assert centre.folded(stock_key("SET")) == centre.states[stock_key("SET")]


def test_the_channel_is_told_of_bundles_not_of_parts(centre: Centre) -> None:
    centre.stocked(CUP=10, POT=10).told(define("SET", *SET))
    order = announce(centre, sold(sku="SET", units=2))
    shipment = f"{order}-S1"
    centre.told(left(shipment, "A", ("CUP", 3), final=False, seconds=100))
    centre.told(left(shipment, "B", ("CUP", 1), final=False, seconds=110))
    centre.told(left(shipment, "C", ("POT", 2), final=True, seconds=120))
    told = [(each.waybill, each.units) for each in centre.effects_of(WriteBackShipment)]
    assert told == [("A", (("N1", 1),)), ("B", (("N1", 1),))]
    assert status(centre.order(order)) is Status.SHIPPED


def test_a_bundle_within_a_bundle_is_short_and_not_opened_for_ever(centre: Centre) -> None:
    centre.told(define("SET", Part("BOX", 1)))
    centre.told(define("BOX", Part("SET", 1)))
    order = announce(centre, sold(sku="SET", units=1))
    assert centre.facts(order).count("BundleOpened") == 1
    assert (order, "line-short") in centre.tickets()


def test_a_bundle_is_opened_once(centre: Centre) -> None:
    centre.stocked(CUP=10, POT=10).told(define("SET", *SET))
    order = announce(centre, sold(sku="SET"))
    assert centre.told(OpenBundle(order=order, line=1, attempt=1, parts=SET)) == []
    assert centre.facts(order).count("BundleOpened") == 1


def test_a_cancelled_order_opens_nothing(centre: Centre) -> None:
    centre.stocked(CUP=10, POT=10).told(define("SET", *SET))
    centre.tell(place(line(1, "SET", 1, 100)))
    order = centre.names["MP", "mp-1", "C-1"]
    centre.told(CancelOrder(order=order, reason="buyer"))
    assert "BundleOpened" not in centre.facts(order)
    assert [centre.states[stock_key(sku)].levels["EAST"].reserved for sku in ("CUP", "POT")] == [0, 0]
