"""What shops may sell: never more than there is, told at once when it falls, and only then when it rises."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import POLICY, Centre, after

from tongdan.domain.catalog.commands import DefineSku, MatchOffer
from tongdan.domain.catalog.model import Description
from tongdan.domain.fulfillment.commands import CountStock, ReleaseStock, ReserveStock
from tongdan.domain.fulfillment.quota import Available, Quota, divided, to_promise
from tongdan.domain.fulfillment.quota_commands import PushQuotas, RecordQuotaPublished
from tongdan.domain.fulfillment.quota_facts import Outlet, PublishQuota
from tongdan.domain.kernel.messages import NOTHING, Command, Decision, Refusal
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.kernel.quotas import QuotaPolicy, QuotaRule, ShopQuota
from tongdan.domain.orders.goods.commands import NoteReserved, NoteShortage

SHOPS = {
    id: Shop(id=id, channel=channel, native=id, name=id, legal_entity="E")
    for id, channel in (("a", "DY"), ("b", "PD"), ("c", "TB"))
}
SHOPS["watched"] = Shop(id="watched", channel="DY", native="w", name="w", legal_entity="E", owned=False)


def halves(**more: Any) -> QuotaRule:
    return QuotaRule(shops=(ShopQuota(shop="a", percent=50), ShopQuota(shop="b", percent=50)), **more)


class Stockroom(Centre):
    """A centre in which orders are numbers only: what goes to them is dropped."""

    confirmed = 0

    def tell(self, command: Command) -> Decision | Refusal:
        if isinstance(command, (NoteReserved, NoteShortage)):
            return NOTHING
        return super().tell(command)


def centre(*rules: QuotaRule) -> Stockroom:
    quotas = QuotaPolicy(every_s=10, rules=rules)
    return Stockroom(replace(POLICY, shops={**POLICY.shops, **SHOPS}, quotas=quotas))


def match(at: Stockroom, shop: str, offer: str, sku: str = "SHIRT", product: str = "") -> None:
    channel = SHOPS[shop].channel
    at.told(MatchOffer(channel=channel, shop=shop, offer=offer, sku=sku, product=product))


def count(at: Stockroom, units: int, sku: str = "SHIRT", warehouse: str = "EAST") -> None:
    at.told(CountStock(sku=sku, warehouse=warehouse, on_hand=units, counted_at=at.now))


def reserve(at: Stockroom, units: int, no: int, channel: str = "DY", sku: str = "SHIRT") -> str:
    order = f"{channel}20260127{no:06d}"
    at.told(ReserveStock(sku=sku, order=order, line=1, attempt=1, units=units, region="浙江", until=None))
    return order


def sent(at: Stockroom) -> list[tuple[str, int]]:
    return [(each.shop, each.units) for each in at.effects_of(PublishQuota)]


def confirm(at: Stockroom, effect: PublishQuota) -> None:
    key = f"{effect.channel}/{effect.shop}/{effect.offer}"
    at.send(RecordQuotaPublished(sku=effect.sku, outlet=key, units=effect.units, sequence=effect.sequence))


def confirm_all(at: Stockroom) -> None:
    """Every platform takes all it was sent, in the order of its lane, and what that leads to."""
    for _ in range(20):
        effects = at.effects_of(PublishQuota)
        done = at.confirmed
        if done == len(effects):
            return
        for effect in effects[done:]:
            confirm(at, effect)
        at.confirmed = len(effects)
    raise AssertionError("quotas are told for ever")


def published(at: Stockroom, sku: str = "SHIRT") -> dict[str, int]:
    return dict(at.states[f"quota/{sku}"].published)


# ---- arithmetic

rules = st.builds(
    QuotaRule,
    shops=st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 25), st.booleans()), min_size=1, max_size=4
    ).map(
        lambda each: tuple(
            ShopQuota(shop="abcd"[at], units=0 if shares else units, percent=percent if shares else 0)
            for at, (units, percent, shares) in enumerate(each)
        )
    ),
    buffer_units=st.integers(0, 20),
)
outlets = st.lists(st.sampled_from("abcdx"), max_size=8).map(
    lambda shops: [Outlet("DY", shop, str(at)) for at, shop in enumerate(shops)]
)


@given(rules, outlets, st.integers(0, 500))
def test_exclusive_parts_never_exceed_what_there_is(rule: QuotaRule, sold: list[Outlet], units: int) -> None:
    found = divided(units, rule, sold)
    assert all(n >= 0 for n in found.values())
    assert sum(found.values()) <= units
    assert set(found) == {each.key for each in sold if each.shop in {one.shop for one in rule.shops}}


@given(rules, outlets, st.integers(0, 500))
def test_shared_parts_of_one_shop_never_exceed_what_there_is(
    rule: QuotaRule, sold: list[Outlet], units: int
) -> None:
    found = divided(units, replace(rule, shared=True), sold)
    for shop in {each.shop for each in sold}:
        assert 0 <= sum(found.get(each.key, 0) for each in sold if each.shop == shop) <= units


@given(
    st.dictionaries(st.sampled_from("WXYZ"), st.integers(0, 100), max_size=4),
    st.integers(0, 50),
    st.integers(1, 4),
    rules,
)
def test_a_bundle_is_as_many_as_its_scarcest_part_makes(
    levels: dict[str, int], waiting: int, each: int, rule: QuotaRule
) -> None:
    parts = (Part(sku="P", units=each), Part(sku="R", units=1))
    told = {"P": Available(1, levels, waiting), "R": Available(1, {"W": 7}, 0)}
    units = to_promise(Quota(sku="B", parts=parts, available=told), rule)
    free = max(0, sum(levels.values()) - waiting)
    assert units == max(0, min(free // each, 7) - rule.buffer_units)
    assert to_promise(Quota(sku="B", parts=parts, available={"P": told["P"]}), rule) is None


def test_what_division_leaves_over_goes_to_whoever_lost_most() -> None:
    thirds = QuotaRule(shops=tuple(ShopQuota(shop=shop, percent=33) for shop in "abc"))
    sold = [Outlet("DY", shop, "1") for shop in "abc"]
    assert divided(10, thirds, sold) == {"DY/a/1": 3, "DY/b/1": 3, "DY/c/1": 3}
    assert divided(1, halves(), sold) == {"DY/a/1": 1, "DY/b/1": 0}
    fixed = QuotaRule(shops=(ShopQuota(shop="a", units=8), ShopQuota(shop="b", percent=50)))
    assert divided(10, fixed, sold) == {"DY/a/1": 8, "DY/b/1": 1}
    assert divided(5, fixed, sold) == {"DY/a/1": 5, "DY/b/1": 0}


# ---- following stock


def test_a_match_is_followed_by_a_quota_and_stock_by_new_ones() -> None:
    at = centre(halves(buffer_units=2))
    count(at, 22)
    match(at, "a", "11")
    assert sent(at) == [("a", 10)]
    confirm_all(at)
    match(at, "b", "22", product="7")
    assert sent(at) == [("a", 10), ("b", 10)]
    assert at.effects_of(PublishQuota)[-1].product == "7"
    confirm_all(at)
    reserve(at, 4, 1)
    assert sent(at)[2:] == []  # it was told a moment ago
    at.wait(10)
    assert sent(at)[2:] == [("a", 8), ("b", 8)]


def test_a_burst_is_told_at_most_once_in_the_interval() -> None:
    at = centre(halves())
    count(at, 100)
    match(at, "a", "11")
    confirm_all(at)
    at.wait(60)
    told = at.facts("stock/SHIRT").count("AvailabilityTold")
    for no in range(30):
        reserve(at, 1, no)
    assert at.facts("stock/SHIRT").count("AvailabilityTold") == told + 1
    at.wait(60)
    assert at.facts("stock/SHIRT").count("AvailabilityTold") == told + 2
    confirm_all(at)
    assert published(at) == {"DY/a/11": 35}


def test_without_a_rule_nothing_is_told() -> None:
    at = centre(halves(skus=("HAT",)))
    count(at, 9)
    match(at, "a", "11")
    assert at.facts("quota/SHIRT") == ["OutletListed"]
    assert at.facts("stock/SHIRT") == ["StockCounted"]
    assert at.refused(PushQuotas(sku="SHIRT")).name == "no-quota-rule"


def test_a_watched_shop_is_told_nothing() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="watched", percent=100),)))
    count(at, 9)
    match(at, "watched", "11")
    assert sent(at) == []


def test_a_number_rises_only_when_the_lower_one_is_confirmed() -> None:
    at = centre(
        QuotaRule(skus=("SHIRT",), shops=(ShopQuota(shop="a", units=10), ShopQuota(shop="b", percent=100)))
    )
    count(at, 30)
    match(at, "a", "11")
    match(at, "b", "22")
    confirm_all(at)
    assert published(at) == {"DY/a/11": 10, "PD/b/22": 20}
    rule = QuotaRule(skus=("SHIRT",), shops=(ShopQuota(shop="a", units=25), ShopQuota(shop="b", percent=100)))
    at.policy = replace(at.policy, quotas=QuotaPolicy(rules=(rule,)))
    before = len(sent(at))
    at.send(PushQuotas(sku="SHIRT"))
    assert sorted(sent(at)[before:]) == [("a", 10), ("b", 5)]  # b lets go of 15 first
    lowered = next(each for each in at.effects_of(PublishQuota)[before:] if each.shop == "b")
    before = len(sent(at))
    confirm(at, lowered)
    assert ("a", 25) in sent(at)[before:]


def test_what_is_on_its_way_is_withdrawn_by_what_is_newer_and_an_old_answer_changes_little() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="a", percent=100),)))
    count(at, 30)
    match(at, "a", "11")
    at.wait(10)
    reserve(at, 12, 1)
    old, new = at.effects_of(PublishQuota)[-2:]
    assert (old.units, new.units) == (30, 18)
    assert new.sequence > old.sequence
    assert ("quota/SHIRT", "PublishQuota") in at.withdrawn
    confirm(at, old)  # it had left before it could be withdrawn
    assert at.states["quota/SHIRT"].promised("DY/a/11") == 30
    confirm(at, new)
    assert at.states["quota/SHIRT"].promised("DY/a/11") == 18


def test_a_platform_that_counts_down_itself_is_told_again_though_the_number_is_the_same() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="a", units=5), ShopQuota(shop="b", units=5))))
    count(at, 100)
    match(at, "a", "11")
    match(at, "b", "22")
    confirm_all(at)
    at.wait(20)
    before = len(sent(at))
    reserve(at, 2, 1, channel="PD")
    assert sent(at)[before:] == [("b", 5)]


def test_units_that_wait_are_sold_already() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="a", percent=100),)))
    count(at, 5)
    match(at, "a", "11")
    confirm_all(at)
    at.wait(20)
    reserve(at, 9, 1)
    confirm_all(at)
    assert published(at) == {"DY/a/11": 0}


def test_a_bundle_follows_its_parts_and_follows_others_when_it_is_made_of_others() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="a", percent=100),)))
    for sku, units in (("CUP", 9), ("BOX", 30), ("TIE", 4)):
        count(at, units, sku)
    title = Description(title="Set")

    def set_of(*parts: Part) -> DefineSku:
        return DefineSku(sku="SET", description=title, parts=parts)

    at.told(set_of(Part(sku="CUP", units=2), Part(sku="BOX", units=1)))
    match(at, "a", "11", "SET")
    confirm_all(at)
    assert published(at, "SET") == {"DY/a/11": 4}
    at.wait(20)
    reserve(at, 5, 1, sku="CUP")
    confirm_all(at)
    assert published(at, "SET") == {"DY/a/11": 2}
    at.told(set_of(Part(sku="TIE", units=1), Part(sku="BOX", units=1)))
    confirm_all(at)
    assert published(at, "SET") == {"DY/a/11": 4}
    assert at.states["stock/CUP"].watchers == ()


def test_another_sku_takes_an_outlet_over() -> None:
    at = centre(QuotaRule(shops=(ShopQuota(shop="a", percent=100),)))
    count(at, 5)
    count(at, 7, "HAT")
    match(at, "a", "11")
    confirm_all(at)
    match(at, "a", "11", "HAT")
    confirm_all(at)
    assert published(at) == {}
    assert published(at, "HAT") == {"DY/a/11": 7}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 9)),
        st.tuples(st.just("release"), st.integers(0, 5)),
        st.tuples(st.just("count"), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.integers(1, 15)),
        st.tuples(st.just("confirm"), st.integers(0, 3)),
    ),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(steps)
@pytest.mark.parametrize("buffer", [0, 3])
def test_platforms_together_are_never_promised_more_than_falling_stock_forces(
    buffer: int, todo: list[tuple[str, int]]
) -> None:
    """No decision raises what all may be offering beyond what there is; at the end all offer what the rule says."""
    at = centre(halves(buffer_units=buffer))
    count(at, 40)
    match(at, "a", "11")
    match(at, "b", "22")
    done, orders = 0, list[str]()
    for no, (what, n) in enumerate(todo):
        known = at.states["quota/SHIRT"]
        before = sum(known.promised(each.key) or 0 for each in known.outlets)
        if what == "reserve":
            orders.append(reserve(at, n, no, "PD" if n % 2 else "DY"))
        elif what == "release" and n < len(orders):
            at.send(ReleaseStock(sku="SHIRT", order=orders[n], line=1, attempt=1))
        elif what == "count":
            at.now = max(at.now, after(no + 1))
            count(at, n)
        elif what == "wait":
            at.wait(n)
        else:
            for effect in at.effects_of(PublishQuota)[done : done + n]:
                confirm(at, effect)
                done += 1
        known = at.states["quota/SHIRT"]
        units = to_promise(known, at.policy.quotas.rules[0])
        assert units is not None
        assert sum(known.promised(each.key) or 0 for each in known.outlets) <= max(units, before)
    at.confirmed = done
    at.wait(30)
    confirm_all(at)
    known = at.states["quota/SHIRT"]
    units = to_promise(known, at.policy.quotas.rules[0])
    assert units is not None
    assert published(at) == divided(units, at.policy.quotas.rules[0], known.outlets)
    assert known.asked == {}
    levels, waiting = at.states["stock/SHIRT"].available()
    assert units == max(0, sum(levels.values()) - waiting - buffer)
    assert at.folded("quota/SHIRT") == known
    assert at.folded("stock/SHIRT") == at.states["stock/SHIRT"]
