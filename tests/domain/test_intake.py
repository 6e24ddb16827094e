"""How orders come in: an own shop's whole, a platform's by whatever it says first."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.centre import NOON, PERSON, POLICY, Centre, after, detail, line, place, platform_order, said

from tongdan.domain.fulfillment.commands import ReserveStock
from tongdan.domain.fulfillment.facts import PushToWms
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import NoteDone, NoteSystemStatus
from tongdan.domain.orders.facts import FetchDetail, TellFinance
from tongdan.domain.orders.model import Said
from tongdan.domain.orders.status import status

# ---- own shops


def test_a_placed_order_is_created_reserved_and_named(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed(line(units=2), native="C-1")
    assert status(centre.order(order)) is Status.CREATED
    assert centre.facts() == ["StockCounted", "OrderCreated", "StockReserved", "AliasClaimed", "LineReserved"]
    assert centre.people == {order: PERSON}
    assert centre.states["alias/client-order/mp-1/C-1"].order == order
    assert centre.order(order).pay_by == after(1_800)
    assert centre.states["stock/SHIRT"].bucket(order).reservation(order, 1).until == after(2_700)


def test_neither_state_nor_facts_know_a_person(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed()
    centre.told(said("paid", 1))
    centre.told(detail(seconds=2, status="2"))
    centre.told(said("address", 3, person=PERSON, region="浙江"))
    written = repr((centre.journal, centre.states, centre.effects))
    assert order in written
    for private in (PERSON.name, PERSON.phone, PERSON.detail):
        assert private not in written


def test_the_same_order_again_is_the_same_order(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed()
    facts = len(centre.journal)
    assert centre.told(place()) == []
    assert centre.names["MP", "mp-1", "C-1"] == order
    assert len(centre.journal) == facts


@pytest.mark.parametrize(
    "other",
    [
        place(line(units=2)),
        place(line(sku="HAT")),
        place(line(), line(no=2)),
        place(freight_fen=100, amount_fen=10_000),
        place(discount_fen=100, amount_fen=9_800),
        place(amount_fen=9_901),
    ],
    ids=["units", "sku", "lines", "freight", "discount", "sum"],
)
def test_an_order_number_is_not_used_twice(centre: Centre, other: Any) -> None:
    order = centre.stocked(SHIRT=5).placed()
    refusal = centre.refused(other)
    assert (refusal.name, refusal.status) == ("order-number-reused", 409)
    assert order in refusal.en
    assert order in refusal.zh


def test_one_number_from_two_buyers_is_two_orders_and_a_ticket(centre: Centre) -> None:
    centre.stocked(SHIRT=5)
    centre.told(place(native="C-1", buyer="u-1"))
    first = centre.names.pop(("MP", "mp-1", "C-1"))  # another buyer's slot does not know the name
    centre.told(place(native="C-1", buyer="u-2"))
    second = centre.names["MP", "mp-1", "C-1"]
    assert first != second
    assert centre.states["alias/client-order/mp-1/C-1"].order == first
    assert centre.tickets() == {(second, "alias-contested")}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (place(lines=()), refusals.NO_LINES),
        (place(*[line(no=n) for n in range(1, 202)]), refusals.TOO_MANY_LINES),
        (place(line(), line()), refusals.DUPLICATE_LINE),
        (place(line(units=0)), refusals.BAD_UNITS),
        (place(line(units=-1)), refusals.BAD_UNITS),
        (place(line(units=100_001)), refusals.BAD_UNITS),
        (place(line(amount_fen=-1), line(2)), refusals.BAD_AMOUNT),
        (place(line(amount_fen=MAX_FEN + 1)), refusals.BAD_AMOUNT),
        (place(freight_fen=-1, amount_fen=9_899), refusals.BAD_AMOUNT),
        (place(discount_fen=9_901, amount_fen=-1), refusals.BAD_AMOUNT),
        (place(amount_fen=9_899), refusals.AMOUNTS_DISAGREE),
        (place(freight_fen=1), refusals.AMOUNTS_DISAGREE),
    ],
)
def test_a_mistaken_order_is_refused_by_name(centre: Centre, command: Any, kind: Any) -> None:
    refusal = centre.refused(command)
    assert (refusal.name, refusal.status) == (kind.name, 422)
    assert centre.names == {}


def test_amounts_add_up_with_freight_and_discount(centre: Centre) -> None:
    centre.told(place(line(amount_fen=1_000), freight_fen=600, discount_fen=250, amount_fen=1_350))
    assert centre.order(centre.names["MP", "mp-1", "C-1"]).amount_fen == 1_350


def test_an_order_for_nothing_is_paid_from_the_start(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(place(discount_fen=9_900, amount_fen=0))
    order = centre.names["MP", "mp-1", "C-1"]
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.order(order).attempts == ()
    assert centre.states["stock/SHIRT"].bucket(order).reservation(order, 1).until is None


# ---- platforms: announced, then known


def test_whatever_a_platform_says_first_announces_the_order(centre: Centre) -> None:
    assert centre.told(said("created", 1, "1")) == ["OrderAnnounced", "ChannelReported"]
    order = platform_order(centre)
    assert status(centre.order(order)) is Status.ANNOUNCED
    (fetch,) = centre.effects_of(FetchDetail)
    assert (fetch.partner, fetch.native) == ("channel/DY/dy-1", "4781")
    assert centre.order(order).detail_by == after(600)


def test_a_payment_is_never_without_an_order(centre: Centre) -> None:
    assert centre.told(said("paid", 60, "2", amount_fen=9_900)) == [
        "OrderAnnounced",
        "ChannelReported",
        "OrderPaid",
    ]
    assert status(centre.order(platform_order(centre))) is Status.PAID
    (told,) = centre.effects_of(TellFinance)
    assert (told.milestone, told.amount_fen, told.at) == ("paid", 9_900, after(60))


def test_the_detail_makes_it_a_whole_order(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("paid", 60, "2", amount_fen=9_900))
    assert centre.told(detail(seconds=61, status="2", ship_by=after(7_200))) == [
        "ChannelReported",
        "OrderDetailed",
    ]
    order = platform_order(centre)
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.order(order).ship_by == after(7_200)
    assert centre.people == {order: PERSON}


def test_a_detail_that_says_paid_pays(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("created", 1, "1"))
    assert centre.told(detail(seconds=61, status="2", paid_at=after(60))) == [
        "ChannelReported",
        "OrderDetailed",
        "OrderPaid",
    ]
    paid = centre.order(platform_order(centre)).paid
    assert (paid.amount_fen, paid.paid_at) == (9_900, after(60))


def test_a_pulled_order_needs_no_push(centre: Centre) -> None:
    assert centre.told(detail()) == ["OrderAnnounced", "ChannelReported", "OrderDetailed"]
    assert centre.effects_of(FetchDetail) == []


def test_a_sum_that_the_push_did_not_name_comes_with_the_detail(centre: Centre) -> None:
    centre.told(said("paid", 60, "2"))
    centre.told(detail(seconds=61, status="2"))
    assert centre.order(platform_order(centre)).paid.amount_fen == 9_900
    assert [each.amount_fen for each in centre.effects_of(TellFinance)] == [0, 9_900]


def test_a_detail_that_does_not_come_is_a_ticket_until_it_comes(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("created", 1, "1"))
    order = platform_order(centre)
    assert centre.wait(599) == []
    assert centre.wait(1) == ["DetailOverdue"]
    assert centre.tickets() == {(order, "detail-overdue")}
    assert centre.wait(100_000) == []
    centre.told(detail())
    assert centre.tickets() == set()


# ---- platforms: what they say again, late, or wrongly


def test_the_same_news_again_is_no_news(centre: Centre) -> None:
    centre.told(said("created", 1, "1"))
    centre.told(said("paid", 60, "2", amount_fen=9_900))
    facts = len(centre.journal)
    assert centre.told(said("paid", 60, "2", amount_fen=9_900)) == []
    assert len(centre.journal) == facts


def test_older_news_is_kept_as_evidence_and_changes_nothing(centre: Centre) -> None:
    centre.told(said("paid", 60, "2", amount_fen=9_900))
    before = centre.order(platform_order(centre))
    assert centre.told(said("created", 1, "1")) == ["ChannelReported"]
    assert centre.journal[-1][1].stale  # type: ignore[attr-defined]
    assert centre.order(platform_order(centre)) == before


def test_of_two_things_said_at_once_the_one_further_along_holds(centre: Centre) -> None:
    centre.told(said("paid", 60, "2", amount_fen=9_900))
    centre.told(said("created", 60, "1"))
    assert centre.order(platform_order(centre)).said["channel"].status == "paid"


def test_a_status_that_the_map_does_not_know_is_a_ticket_not_a_crash(centre: Centre) -> None:
    centre.told(said("other", 1, "777"))
    order = platform_order(centre)
    assert centre.tickets() == {(order, "unknown-status")}
    assert centre.order(order).said["channel"] == Said(native="777", status="", said_at=after(1))


def test_a_tag_without_meaning_is_still_kept(centre: Centre) -> None:
    centre.told(said("created", 1, "1"))
    assert centre.told(said("other", 2, reason="tag 113")) == ["ChannelReported"]
    assert centre.order(platform_order(centre)).said["channel"].status == "created"
    assert centre.tickets() == set()


def test_an_unknown_channel_says_nothing_we_understand(centre: Centre) -> None:
    centre.told(said("created", 1, "1", channel="XX"))
    assert centre.tickets() == {(centre.names["XX", "dy-1", "4781"], "unknown-status")}


def test_a_lost_payment_push_is_noticed_by_what_comes_after_it(centre: Centre) -> None:
    centre.told(said("created", 1, "1"))
    centre.told(detail(seconds=2))
    assert len(centre.effects_of(FetchDetail)) == 1
    centre.told(said("other", 90, "2"))
    assert len(centre.effects_of(FetchDetail)) == 2


def test_a_channel_that_says_shipped_too_early_contradicts(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=61, status="2", paid_at=after(60)))
    order = platform_order(centre)
    centre.told(said("shipped", 70, "3"))
    assert centre.tickets() == {(order, "channel-contradicts")}
    assert status(centre.order(order)) is Status.RELEASED


def test_what_the_platform_does_not_release_yet_is_held(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=61, status="105", paid_at=after(60)))
    order = platform_order(centre)
    assert centre.order(order).holds == ("channel",)
    assert status(centre.order(order)) is Status.PAID
    centre.told(said("other", 90, "2"))
    assert centre.order(order).holds == ()
    assert status(centre.order(order)) is Status.RELEASED


def test_a_detail_may_lift_what_the_platform_held(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(detail(seconds=61, status="105", paid_at=after(60)))
    assert centre.told(detail(seconds=90, status="2", paid_at=after(60))) == [
        "ChannelReported",
        "OrderReleased",
    ]


def test_what_a_platform_has_sold_has_to_be_found(centre: Centre) -> None:
    centre.told(detail(seconds=2))
    assert centre.tickets() == {(platform_order(centre), "line-short")}


def test_what_an_own_shop_has_not_been_paid_for_need_not_be_found(centre: Centre) -> None:
    centre.placed()
    assert centre.tickets() == set()
    centre.told(place(native="C-2", discount_fen=9_900, amount_fen=0))
    assert centre.tickets() == {(centre.names["MP", "mp-1", "C-2"], "line-short")}


# ---- evidence of other systems


def test_what_a_system_last_said_is_kept_and_moves_nothing(centre: Centre) -> None:
    order = centre.placed()
    said_by = {"order": order, "system": "finance"}
    assert centre.told(NoteSystemStatus(**said_by, native_status="BOOKED", said_at=after(9))) == [
        "SystemSaid"
    ]
    assert centre.told(NoteSystemStatus(**said_by, native_status="BOOKED", said_at=after(9))) == []
    assert centre.told(NoteSystemStatus(**said_by, native_status="OPEN", said_at=after(3))) == ["SystemSaid"]
    assert centre.order(order).said["finance"].native == "BOOKED"
    assert status(centre.order(order)) is Status.CREATED
    assert centre.told(NoteDone(order=order, outcome="finance/paid")) == []


def test_deadlines_are_those_of_the_policy_under_which_they_began() -> None:
    centre = Centre()
    order = centre.placed()
    centre.policy = type(POLICY)()
    assert centre.order(order).pay_by == after(1_800)
    assert centre.now == NOON


def test_a_line_is_reserved_once_however_often_it_is_asked_for(centre: Centre) -> None:
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    again = ReserveStock(sku="SHIRT", order=order, line=1, attempt=1, units=2, region="浙江", until=None)
    assert centre.told(again) == []
    assert centre.states["stock/SHIRT"].levels["EAST"].available == 3


# ---- what is only known to have changed


def test_an_order_only_its_listing_knows_is_announced_and_fetched(centre: Centre) -> None:
    assert centre.told(said("changed", 60)) == ["OrderAnnounced", "ChannelReported"]
    assert len(centre.effects_of(FetchDetail)) == 1


def test_what_changed_before_the_channel_last_spoke_writes_nothing(centre: Centre) -> None:
    centre.told(said("paid", 60, "2", amount_fen=9_900))
    facts = len(centre.journal)
    assert centre.told(said("changed", 30)) == []
    assert centre.told(replace(said("changed", 60), listed=True)) == []
    assert len(centre.journal) == facts
    assert len(centre.effects_of(FetchDetail)) == 1


def test_a_price_pushed_in_the_second_of_the_detail_came_after_it(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("created", 1, "1"))
    centre.told(detail(seconds=1, status="1"))
    order = platform_order(centre)
    centre.told(said("amount", 1, "1", amount_fen=9_000))
    assert centre.order(order).amount_fen == 9_000
    centre.told(detail(seconds=1, status="1"))
    assert centre.order(order).amount_fen == 9_000


def test_what_changed_in_the_second_the_channel_last_spoke_of_is_looked_into(centre: Centre) -> None:
    """It ordered and paid within one second, and the detail was fetched between the two."""
    centre.stocked(SHIRT=5).told(said("changed", 1))
    centre.told(detail(seconds=1, status="1"))
    order = platform_order(centre)
    centre.told(said("changed", 1))
    centre.told(replace(said("changed", 1), listed=True))
    assert len(centre.effects_of(FetchDetail)) == 3
    centre.told(detail(seconds=1, status="2", paid_at=after(1)))
    assert centre.order(order).paid is not None
    assert centre.told(replace(said("changed", 1), listed=True)) == []
    assert len(centre.effects_of(FetchDetail)) == 3


def test_a_later_change_has_the_detail_fetched_until_it_is_known(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("created", 1, "1"))
    centre.told(detail(seconds=2, status="1"))
    centre.told(said("changed", 90))
    assert len(centre.effects_of(FetchDetail)) == 2
    centre.told(detail(seconds=90, status="2", paid_at=after(80)))
    assert centre.told(replace(said("changed", 90), listed=True)) == []
    assert centre.order(platform_order(centre)).paid is not None
    assert len(centre.effects_of(FetchDetail)) == 2


def test_a_change_moves_nothing_before_the_detail_is_there(centre: Centre) -> None:
    """A platform that lets an order go tells only then who receives it."""
    centre.stocked(SHIRT=5).told(said("changed", 1))
    centre.told(detail(seconds=2, status="105", paid_at=after(1), person=Person(phone="masked")))
    order = platform_order(centre)
    assert centre.people[order] == Person(phone="masked")
    centre.told(said("changed", 90))
    assert status(centre.order(order)) is Status.PAID
    centre.told(detail(seconds=90, status="2", paid_at=after(1), person=PERSON))
    assert status(centre.order(order)) is Status.RELEASED
    assert centre.people[order] == PERSON


def test_what_a_push_said_had_left_contradicts_when_its_detail_says_the_same(centre: Centre) -> None:
    centre.stocked(SHIRT=5).told(said("paid", 2, "3", amount_fen=9_900))
    order = platform_order(centre)
    assert (order, "channel-contradicts") not in centre.tickets()
    centre.told(detail(seconds=2, status="3", paid_at=after(1)))
    assert centre.order(order).holds == ("left-already",)
    assert (order, "channel-contradicts") in centre.tickets()


def test_what_left_before_it_was_known_is_held_and_does_not_leave_again(centre: Centre) -> None:
    """A backfill brings orders that another system has shipped; or a map has two codes swapped."""
    centre.stocked(SHIRT=5).told(said("changed", 1))
    centre.told(detail(seconds=2, status="3", paid_at=after(1)))
    order = platform_order(centre)
    assert (status(centre.order(order)), centre.order(order).holds) == (Status.PAID, ("left-already",))
    assert centre.effects_of(PushToWms) == []
    assert (order, "channel-contradicts") in centre.tickets()
