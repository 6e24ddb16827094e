"""Parcels packed anew: merged, split and undone before they leave, with every unit in exactly one live parcel."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from tests.domain.centre import after, left, line, signed
from tests.domain.packed import LINES, Shop

from tongdan.domain.fulfillment.commands import (
    CallBack,
    NoteGiven,
    NoteKept,
    PackAnew,
    RecordTracks,
    TakeBack,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, LineUnits, PushToWms, Wanted
from tongdan.domain.fulfillment.packing import MAX_JOBS, MAX_SOURCES
from tongdan.domain.kernel.messages import Decision, Refusal
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.goods.commands import NoteRepacked
from tongdan.domain.orders.lines import Units


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    assert {key: shop.folded(key) for key in shop.states} == shop.states
    shop.check()


def merged(shop: Shop, *natives: str) -> tuple[str, ...]:
    """Orders under these numbers, in one parcel; their ids, and last the parcel's."""
    orders = [shop.sold(native) for native in natives]
    shop.work().merge(*orders)
    shop.work()
    return (*orders, f"{orders[0]}-S1001")


# ---- merged


def test_two_orders_go_in_one_parcel_under_the_first_ones_name(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    assert shop.contents(parcel) == {(a, 1): 3, (a, 2): 1, (b, 1): 3, (b, 2): 1}
    assert shop.contents(f"{a}-S1") == shop.contents(f"{b}-S1") == {}
    push = shop.effects_of(PushToWms)[-1]
    assert (push.shipment, push.order, push.native) == (parcel, a, "A")
    assert [(i.order, i.native, i.line, i.amount_fen) for i in push.items] == [
        (a, "A", 1, 10_000), (a, "A", 2, 3_001), (b, "B", 1, 10_000), (b, "B", 2, 3_001)
    ]  # fmt: skip
    assert [each.shipment for each in shop.effects_of(CancelAtWms)] == [f"{a}-S1", f"{b}-S1"]
    assert shop.order(a).packed == shop.order(b).packed == (parcel,)


def test_the_merged_parcel_moves_every_order_in_it_and_each_is_written_back_by_itself(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.leave(parcel)
    shop.told(signed(parcel))
    for order in (a, b):
        assert shop.order(order).units(Stage.SIGNED) == 4
        assert [each.shipment for each in shop.order(order).parcels] == [parcel]
    told = shop.effects_of(WriteBackShipment)
    assert [(each.native, each.units) for each in told] == [
        ("A", (("N1", 3), ("N2", 1))), ("B", (("N1", 3), ("N2", 1)))
    ]  # fmt: skip
    assert len({each.request for each in told}) == 2
    assert len({each.waybill for each in told}) == 1


def test_what_warehouse_and_carrier_say_of_the_parcel_is_kept_with_every_order(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.leave(parcel)
    track = Track(carrier="SF", waybill=f"SF-{parcel}-0", code="50", at=after(150))
    shop.told(RecordTracks(shipment=parcel, tracks=(track,)))
    assert shop.order(a).said["carrier/S1001"].native == "50"
    assert shop.order(b).said[f"carrier/{parcel}"].native == "50"


def test_a_parcel_that_leaves_in_parts_signs_for_each_order_what_was_in_them(shop: Shop) -> None:
    a, b = shop.sold("A", line(1, "SHIRT", 1, 900)), shop.sold("B", line(1, "HAT", 1, 500))
    shop.merge(a, b)
    parcel = f"{a}-S1001"
    shop.work().leave(parcel, final=False, units={"SHIRT": 1})
    shop.leave(parcel)
    shop.told(signed(parcel))
    assert shop.order(a).units(Stage.SIGNED) == shop.order(b).units(Stage.SIGNED) == 1
    assert shop.order(a).early == shop.order(b).early == ()


def test_a_shipment_that_has_left_goes_as_it_is_and_the_others_are_packed(shop: Shop) -> None:
    a, b, c = (shop.sold(native) for native in "ABC")
    merging = shop.work().merging(a, b, c)
    shop.leave(f"{b}-S1")
    shop.told(merging)
    shop.work()
    assert shop.contents(f"{a}-S1001") == {(a, 1): 3, (a, 2): 1, (c, 1): 3, (c, 2): 1}
    assert shop.order(b).units(Stage.SHIPPED) == 4
    assert shop.facts(f"{b}-S1").count("CallBackRefused") == 1


def test_a_warehouse_that_says_no_keeps_its_parcel_and_raises_no_ticket(shop: Shop) -> None:
    a, b = shop.sold("A"), shop.sold("B")
    shop.gone.add(f"{b}-S1")
    shop.work().merge(a, b)
    shop.work()
    assert shop.live(b) == [f"{b}-S1"]
    assert shop.contents(f"{a}-S1001") == {(a, 1): 3, (a, 2): 1}
    assert shop.tickets() == set()


def test_a_shipment_of_another_shop_is_not_called_back(shop: Shop) -> None:
    a = shop.sold("A")
    call = CallBack(shipment=f"{a}-S1", packing=a, job=9, shop="mp-1")
    decision = shop.tell(call)
    shop.lanes.clear()  # there is no table that it could answer
    assert isinstance(decision, Decision)
    assert [type(fact).__name__ for fact in decision.facts] == ["CallBackRefused"]
    assert shop.live(a) == [f"{a}-S1"]
    assert shop.effects_of(CancelAtWms) == []


def test_a_push_that_was_not_sent_is_withdrawn_and_cancelled_all_the_same(shop: Shop) -> None:
    a, b = shop.sold("A"), shop.sold("B")
    shop.merge(a, b)
    assert shop.withdrawn == [(f"{a}-S1", "PushToWms"), (f"{b}-S1", "PushToWms")]
    assert len(shop.effects_of(CancelAtWms)) == 2
    shop.work()
    assert shop.live(a) == shop.live(b) == [f"{a}-S1001"]


# ---- cancelled


def test_an_order_cancelled_before_the_warehouse_answers_never_comes_into_the_parcel(shop: Shop) -> None:
    a, b = shop.sold("A"), shop.sold("B")
    shop.work().merge(a, b)
    shop.cancel(b)
    shop.work()
    assert shop.contents(f"{a}-S1001") == {(a, 1): 3, (a, 2): 1}
    assert shop.order(b).units(Stage.STOPPED) == 4
    assert shop.tickets() == set()


def test_an_order_cancelled_afterwards_leaves_the_parcel_and_the_rest_ships(shop: Shop) -> None:
    a, b, c, parcel = merged(shop, "A", "B", "C")
    shop.cancel(b)
    shop.work()
    assert shop.order(b).units(Stage.STOPPED) == 4
    rest = f"{a}-S1002"
    assert shop.live(a) == shop.live(c) == [rest]
    assert shop.contents(rest) == {(a, 1): 3, (a, 2): 1, (c, 1): 3, (c, 2): 1}
    assert shop.contents(parcel) == {(b, 1): 3, (b, 2): 1}
    shop.leave(rest)
    assert shop.order(a).units(Stage.SHIPPED) == shop.order(c).units(Stage.SHIPPED) == 4
    assert shop.tickets() == set()


def test_when_the_first_order_leaves_the_only_other_goes_under_its_own_name(shop: Shop) -> None:
    a, b, _ = merged(shop, "A", "B")
    shop.cancel(a)
    shop.work()
    assert shop.live(b) == [f"{b}-S1001"]
    push = shop.effects_of(PushToWms)[-1]
    assert (push.order, push.native) == (b, "B")


def test_when_all_leave_nothing_is_packed_again(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.cancel(a)
    shop.cancel(b)
    shop.work()
    assert shop.order(a).units(Stage.STOPPED) == shop.order(b).units(Stage.STOPPED) == 4
    assert len(shop.effects_of(PushToWms)) == 3
    assert [each.shipment for each in shop.effects_of(CancelAtWms)].count(parcel) == 1


def test_an_order_that_leaves_too_late_is_a_ticket_and_the_parcel_goes(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.leave(parcel)
    shop.cancel(b)
    shop.work()
    assert (parcel, "recall-failed") in shop.tickets()
    assert shop.order(a).units(Stage.SHIPPED) == shop.order(b).units(Stage.SHIPPED) == 4


def test_an_order_that_hears_of_its_parcel_after_it_was_cancelled_leaves_it(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.cancel(b)
    note = NoteRepacked(order=b, shipment=f"{a}-S1009", units=(Units(1, 3),))
    decision = shop.tell(note)
    shop.lanes.clear()  # that shipment is an invention
    assert isinstance(decision, Decision)
    assert [fact.wanted for fact in decision.facts] == [False]  # type: ignore[attr-defined]
    shop.work()
    assert shop.live(a) == [f"{a}-S1002"]
    assert shop.contents(parcel) == {(b, 1): 3, (b, 2): 1}


# ---- split


def test_some_units_go_in_a_parcel_of_their_own_and_no_fen_is_lost(shop: Shop) -> None:
    a = shop.sold("A")
    shop.work().split(f"{a}-S1", {(a, 1): 1}, {(a, 1): 1})
    shop.work()
    assert [shop.contents(f"{a}-S100{n}") for n in (1, 2, 3)] == [
        {(a, 1): 1},
        {(a, 1): 1},
        {(a, 1): 1, (a, 2): 1},
    ]
    shirts = [shop.states[f"{a}-S100{n}"].items[0].amount_fen for n in (1, 2, 3)]
    assert shirts == [3_333, 3_333, 3_334]


def test_units_that_leave_from_elsewhere_are_reserved_there(shop: Shop) -> None:
    a = shop.sold("A")
    shop.work().split(f"{a}-S1", {(a, 1): 2}, to="SOUTH")
    shop.work()
    levels = shop.states["stock/SHIRT"].levels
    assert (levels["EAST"].reserved, levels["SOUTH"].reserved) == (1, 2)
    assert shop.effects_of(PushToWms)[-2].warehouse == "SOUTH"
    shop.told(replace(left(f"{a}-S1001", "SF-S", ("SHIRT", 2)), warehouse="SOUTH"))
    shop.leave(f"{a}-S1002")
    levels = shop.states["stock/SHIRT"].levels
    assert [(levels[at].on_hand, levels[at].reserved) for at in ("EAST", "SOUTH")] == [(89, 0), (88, 0)]
    assert [each for each in shop.states["stock/SHIRT"].reservations() if each.units] == []


def test_what_is_moved_beyond_what_is_free_is_a_ticket(shop: Shop) -> None:
    a = shop.sold("A")
    shop.work().split(f"{a}-S1", {(a, 2): 1}, to="SOUTH")
    shop.work()
    assert (a, "stock-overdrawn") in shop.tickets()
    assert shop.states["stock/HAT"].levels["SOUTH"].reserved == 1


def test_moved_units_are_freed_with_their_line(shop: Shop) -> None:
    a = shop.sold("A")
    shop.work().split(f"{a}-S1", {(a, 1): 2}, to="SOUTH")
    shop.work().cancel(a)
    shop.work()
    assert {at: each.reserved for at, each in shop.states["stock/SHIRT"].levels.items()} == {
        "EAST": 0,
        "SOUTH": 0,
    }


# ---- undone


def test_undoing_a_merge_gives_each_order_its_parcel_back(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    assert isinstance(shop.undo(parcel), Decision)
    shop.work()
    assert (shop.live(a), shop.live(b)) == ([f"{a}-S1002"], [f"{b}-S1001"])
    assert shop.contents(f"{b}-S1001") == {(b, 1): 3, (b, 2): 1}


def test_undoing_a_split_makes_one_parcel_of_it_where_it_was(shop: Shop) -> None:
    a = shop.sold("A")
    shop.work().split(f"{a}-S1", {(a, 1): 2}, to="SOUTH")
    shop.work().undo(f"{a}-S1002")
    shop.work()
    assert shop.contents(f"{a}-S1003") == {(a, 1): 3, (a, 2): 1}
    assert shop.states[f"{a}-S1003"].warehouse == "EAST"
    assert shop.states[f"{a}-S1003"].items[0].amount_fen == 10_000
    assert shop.states["stock/SHIRT"].levels["SOUTH"].reserved == 0


def test_only_what_a_person_packed_is_undone_and_the_later_step_first(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    shop.split(parcel, {(a, 1): 1, (b, 1): 1})
    shop.work()
    refused = {name: shop.undo(each) for name, each in (("first", parcel), ("never", f"{a}-S1"))}
    assert isinstance(refused["first"], Refusal)
    assert isinstance(refused["never"], Refusal)
    assert (refused["first"].name, refused["never"].name) == ("undo-later-first", "nothing-to-undo")


# ---- repeated, refused


def test_what_is_told_again_changes_nothing(shop: Shop) -> None:
    a, b, parcel = merged(shop, "A", "B")
    before = len(shop.journal)
    call = CallBack(shipment=f"{a}-S1", packing=a, job=1, shop="dy-1")
    given = shop.states[f"packing/{a}"].jobs[0].given[0]
    again = NoteGiven(order=a, job=1, source=f"{a}-S1", warehouse="EAST", items=given.items)
    kept = NoteKept(order=a, job=1, source=f"{b}-S1", reason="late")
    for each in (again, kept, NoteRepacked(order=b, shipment=parcel, units=(Units(1, 3),))):
        assert shop.told(each) == []
    assert len(shop.journal) == before
    assert shop.told(call) == ["CallBackRefused"]  # it has nothing left, and the table does not ask any more
    assert shop.contents(parcel) == {(a, 1): 3, (a, 2): 1, (b, 1): 3, (b, 2): 1}


def test_what_comes_back_to_a_table_comes_once(shop: Shop) -> None:
    _, b, parcel = merged(shop, "A", "B")
    shop.undo(parcel)
    shop.work()
    (given,) = shop.states[f"packing/{b}"].jobs[0].given
    again = TakeBack(
        order=b, channel="DY", shop="dy-1", lead=shop.member(b), source=given.source, warehouse="EAST",
        items=given.items,
    )  # fmt: skip
    assert shop.told(again) == []


def test_one_shipment_is_packed_once_at_a_time(shop: Shop) -> None:
    a, b = shop.sold("A"), shop.sold("B")
    merging = shop.work().merging(a, b)
    shop.told(merging)
    assert shop.refused(merging).name == "packing-under-way"
    shop.work()


@pytest.mark.parametrize(
    ("sources", "parcels", "name"),
    [
        ((), (), "too-many-shipments"),
        (("x-S1", "x-S1"), (), "too-many-shipments"),
        (tuple(f"x-S{n}" for n in range(1, MAX_SOURCES + 2)), (), "too-many-shipments"),
        (("x-S1",), (Wanted("EAST", ()),), "too-many-parcels"),
        (("x-S1",), (Wanted("EAST", (LineUnits("x", 1, 0),)),), "too-many-parcels"),
        (("x-S1",), (Wanted("EAST", (LineUnits("x", 1, 1),)),) * 21, "too-many-parcels"),
    ],
)
def test_what_cannot_be_packed_is_refused_by_name(
    shop: Shop, sources: tuple[str, ...], parcels: tuple[Wanted, ...], name: str
) -> None:
    a = shop.sold("A")
    command = PackAnew(
        order=a, what="split", channel="DY", shop="dy-1", members=(), sources=sources, parcels=parcels
    )
    assert shop.refused(command).name == name


def test_a_table_has_an_end(shop: Shop) -> None:
    a = shop.sold("A", *LINES)
    for _ in range(MAX_JOBS):
        (shipment,) = shop.work().live(a)
        assert isinstance(shop.split(shipment), Decision)
    (shipment,) = shop.work().live(a)
    refusal = shop.split(shipment)
    assert isinstance(refusal, Refusal)
    assert refusal.name == "packed-too-often"
