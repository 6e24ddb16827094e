"""Buyers are told once of each thing, in the first way that works, and what they did not hear is a ticket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import NOON, POLICY, Centre, after, left, line, pay, signed

from tongdan.domain.kernel.keys import receipt_alias
from tongdan.domain.kernel.messages import Command, Decision
from tongdan.domain.kernel.notices import NoticePolicy, NoticeRule, Quiet, Way, quiet_until
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.notices.commands import (
    PlanNotice,
    RecordNobodyThere,
    RecordNoticeRefused,
    RecordNoticeSent,
    RecordReceipt,
    ResendNotice,
)
from tongdan.domain.notices.facts import AskReceipt, SendNotice
from tongdan.domain.notices.model import MAX_SENDINGS, NoticeStage
from tongdan.domain.orders.commands import CancelOrder, TellAgain
from tongdan.domain.orders.facts import TellService
from tongdan.domain.orders.goods.commands import NoteRepacked
from tongdan.domain.orders.lines import Units
from tongdan.domain.sync.commands import SendByAlias

MINI = Way(
    means="wechat-mini", template="T-SHIP", fields={"thing1": "carrier", "c2": "waybill"}, page="p?id={order}"
)
SMS = Way(means="sms", template="SMS_1", signature="同单", fields={"no": "order"})
RULES = tuple(
    NoticeRule(kind=kind, channels=("MP",), ways=(MINI, SMS)) for kind in ("shipped", "signed", "cancelled")
)
TELLS = NoticePolicy(
    rules=RULES, platform_informs=("DY",), send_within_s=7_200, receipt_within_s=3_600, ask_times=2
)


def centre(notices: NoticePolicy = TELLS) -> Centre:
    return Centre(replace(POLICY, notices=notices)).stocked(SHIRT=10)


def shipped(on: Centre, *waybills: str) -> tuple[str, str]:
    """An own shop's paid order of which one unit left with each waybill, and the sending of its first notice."""
    order = on.placed(line(units=len(waybills), amount_fen=9_900))
    on.told(pay(order))
    for waybill in waybills:
        on.told(left(f"{order}-S1", waybill, ("SHIRT", 1), final=waybill == waybills[-1]))
    return order, f"{order}/shipped/{order}-S1.1/1"


def stage(on: Centre, sending: str) -> NoticeStage:
    state: Any = on.states["notice/" + sending.rpartition("/")[0]]
    found: NoticeStage = state.stage
    return found


def arrived(sending: str, *, delivered: bool = True, code: str = "DELIVERED") -> RecordReceipt:
    return RecordReceipt(sending=sending, delivered=delivered, code=code, said_at=after(500))


def next_of(sending: str) -> str:
    key, _, no = sending.rpartition("/")
    return f"{key}/{int(no) + 1}"


def test_each_parcel_is_told_once_and_is_delivered_with_its_receipt_alone() -> None:
    on = centre()
    order, sending = shipped(on, "SF1", "SF2")
    effects = on.effects_of(SendNotice)
    assert [(each.partner, each.sending) for each in effects] == [
        ("notice/wechat-mini", sending),
        ("notice/wechat-mini", f"{order}/shipped/{order}-S1.2/1"),
    ]
    assert (effects[0].values, effects[0].page) == ({"thing1": "SF", "c2": "SF1"}, f"p?id={order}")
    on.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    assert len(on.effects_of(SendNotice)) == 2
    assert on.told(RecordNoticeSent(sending=sending, reference="9")) == ["NoticeSent"]
    assert stage(on, sending) is NoticeStage.SENT
    assert on.told(arrived(sending)) == ["NoticeDelivered"]
    assert stage(on, sending) is NoticeStage.DELIVERED
    assert on.told(arrived(sending)) == on.told(arrived(sending, delivered=False)) == []
    assert on.tickets() == set()


def test_what_is_refused_goes_another_way_and_what_fails_in_the_last_is_a_ticket() -> None:
    on = centre()
    order, sending = shipped(on, "SF1")
    assert on.told(RecordNoticeRefused(sending=sending, reason="43101")) == ["NoticeMissed", "NoticeSending"]
    second = next_of(sending)
    assert on.effects_of(SendNotice)[-1].partner == "notice/sms"
    assert on.effects_of(SendNotice)[-1].sending == second
    assert on.effects_of(SendNotice)[-1].values == {"no": order}
    on.told(RecordNoticeSent(sending=second, reference="B1"))
    assert on.tickets() == set()
    assert on.told(arrived(second, delivered=False, code="UNDELIV")) == ["NoticeMissed"]
    assert stage(on, sending) is NoticeStage.FAILED
    assert on.tickets() == {(f"notice/{order}/shipped/{order}-S1.1", "notice-missed")}
    # It reached the phone after all: what arrived has arrived, and the ticket closes.
    assert on.told(arrived(second)) == ["NoticeDelivered"]
    assert on.tickets() == set()


def test_a_receipt_that_does_not_come_is_asked_for_and_then_a_ticket() -> None:
    on = centre(replace(TELLS, rules=(NoticeRule(kind="shipped", channels=("MP",), ways=(SMS,)),)))
    _, sending = shipped(on, "SF1")
    on.told(RecordNoticeSent(sending=sending, reference="B1"))
    assert on.wait(3 * 3_600 - 1) == ["NoticeReceiptAsked"] * 2
    assert [each.reference for each in on.effects_of(AskReceipt)] == ["B1", "B1"]
    assert on.wait(1) == ["NoticeMissed"]
    assert stage(on, sending) is NoticeStage.UNKNOWN
    assert {kind for _, kind in on.tickets()} == {"notice-missed"}
    assert on.told(arrived(sending)) == ["NoticeDelivered"]
    assert on.tickets() == set()


def test_wechat_cannot_be_asked_so_the_next_way_is_taken() -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    on.told(RecordNoticeSent(sending=sending, reference="9"))
    assert on.wait(3_600) == ["NoticeMissed", "NoticeSending"]
    assert on.effects_of(AskReceipt) == []
    # Its receipt comes late: nothing more has to be sent.
    assert on.told(arrived(sending)) == ["NoticeDelivered"]
    assert on.withdrawn[-2:] == [("notice/" + sending[:-2], verb) for verb in ("SendNotice", "AskReceipt")]


def by_number(number: str) -> SendByAlias:
    receipt = Receipt(delivered=True, code="0 success", at=after(500))
    return SendByAlias(
        alias=receipt_alias("wechat-mini", number), source="notice/wechat-mini", letter=receipt
    )


def test_a_receipt_that_names_wechats_number_only_finds_its_notice_early_or_late() -> None:
    on = centre()
    _, sending = shipped(on, "SF1", "SF2")
    other = sending.replace("S1.1", "S1.2")
    on.told(by_number("17"))
    on.told(RecordNoticeSent(sending=sending, reference="17"))
    on.told(RecordNoticeSent(sending=other, reference="18"))
    assert (stage(on, sending), stage(on, other)) == (NoticeStage.DELIVERED, NoticeStage.SENT)
    on.told(by_number("18"))
    assert stage(on, other) is NoticeStage.DELIVERED


def test_a_receipt_of_a_message_whose_answer_was_lost_bothers_nobody() -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    on.told(by_number("17"))
    on.told(RecordNoticeSent(sending=sending, reference="18"))
    on.told(by_number("18"))
    on.wait(7 * 86_400)
    assert on.tickets() == set()


def test_a_provider_that_takes_nothing_is_given_up_and_the_last_one_is_waited_for() -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    assert on.wait(7_200) == ["NoticeMissed", "NoticeSending"]
    assert on.wait(7_200) == ["NoticeMissed"]
    assert (stage(on, sending), len(on.tickets())) == (NoticeStage.UNKNOWN, 1)
    assert on.told(RecordNoticeSent(sending=sending, reference="9")) == []
    assert on.told(RecordNoticeSent(sending=next_of(sending), reference="B")) == ["NoticeSent"]
    on.told(arrived(next_of(sending)))
    assert on.tickets() == set()


def test_platforms_inform_their_own_buyers_and_without_a_rule_nothing_is_written() -> None:
    on = centre()
    platform = PlanNotice(
        order="DY20260127000892", shop="dy-1", kind="shipped", about="1", happened_at=NOON, waybill="SF1"
    )
    assert on.told(platform) == []
    assert on.told(replace(platform, order="MP20260127000892", shop="mp-1", kind="refunded")) == []
    assert on.states.keys() == {"stock/SHIRT"}
    order, _ = shipped(on, "SF1")
    assert on.told(signed(f"{order}-S1")) == ["WmsProcessed", "ShipmentSigned"]
    assert on.effects_of(SendNotice)[-1].sending == f"{order}/signed/{order}-S1.1/1"


def test_the_cancelled_are_told_that_they_are() -> None:
    on = centre()
    order = on.placed()
    on.told(CancelOrder(order=order, reason="r"))
    assert [each.sending for each in on.effects_of(SendNotice)] == [f"{order}/cancelled/order/1"]


def test_nobody_is_told_anything_in_quiet_hours() -> None:
    """Noon of the tests is 12:00 in UTC+8."""
    on = centre(replace(TELLS, quiet=Quiet(begin_minute=11 * 60, end_minute=14 * 60)))
    _, sending = shipped(on, "SF1")
    assert (on.effects_of(SendNotice), stage(on, sending)) == ([], NoticeStage.WAITING)
    assert on.wait(2 * 3_600 - 1) == []
    assert on.wait(1) == ["NoticeSending"]
    # A failure that falls into them goes on when they are over.
    on.wait(21 * 3_600)
    assert stage(on, sending) is NoticeStage.UNKNOWN
    on.told(ResendNotice(notice="notice/" + sending[:-2], reason="r"))
    third = f"{sending[:-2]}/3"
    on.wait(1_800)
    assert on.told(RecordNoticeRefused(sending=third, reason="43101")) == ["NoticeMissed"]
    assert stage(on, sending) is NoticeStage.WAITING
    on.wait(3 * 3_600)
    assert on.effects_of(SendNotice)[-1].partner == "notice/sms"


def test_the_erased_are_nobody_to_tell() -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    assert on.told(RecordNobodyThere(sending=sending)) == ["NoticeWithheld"]
    assert on.wait(7 * 86_400) == []
    assert on.tickets() == set()


def test_a_person_has_it_sent_again_but_not_what_arrived_or_is_on_its_way() -> None:
    on = centre()
    order, sending = shipped(on, "SF1")
    again = ResendNotice(notice="notice/" + sending[:-2], reason="asked on the phone")
    assert on.refused(again).name == "notice-under-way"
    on.wait(2 * 7_200)
    on.policy = replace(POLICY, notices=replace(TELLS, rules=()))
    assert on.refused(again).name == "notice-without-rule"
    on.policy = replace(POLICY, notices=TELLS)
    assert on.told(again) == ["NoticeResent", "NoticeSending"]
    on.told(arrived(f"{sending[:-2]}/3"))
    assert on.tickets() == set()
    assert on.refused(again).name == "notice-arrived"
    bad = PlanNotice(order=order, shop="mp-1", kind="shipped", about="a/b", happened_at=NOON)
    with pytest.raises(AssertionError):
        on.told(bad)


def test_it_is_not_sent_for_ever() -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    for _ in range(MAX_SENDINGS):
        on.wait(2 * 7_200)
        on.tell(ResendNotice(notice="notice/" + sending[:-2], reason="r"))
        on.catch_up()
    on.wait(2 * 7_200)
    assert on.refused(ResendNotice(notice="notice/" + sending[:-2], reason="r")).name == "too-many-sendings"
    assert len(on.effects_of(SendNotice)) == MAX_SENDINGS


def test_customer_service_is_told_of_each_parcel_and_of_what_was_packed_anew() -> None:
    on = centre(NoticePolicy(tells_service=("mp-1",)))
    order = on.placed(line(units=2, amount_fen=9_900))
    on.told(pay(order))
    repacked = NoteRepacked(order=order, shipment=f"{order}-S2", units=(Units(1, 1),))
    assert on.told(repacked) == ["LinesRepacked"]
    assert on.told(repacked) == []
    on.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    on.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    told = [(each.event, each.shipment, each.waybill, each.units) for each in on.effects_of(TellService)]
    assert told == [
        ("repacked", f"{order}-S2", "", ((1, 1),)),
        ("shipped", f"{order}-S1", "SF1", ((1, 1),)),
    ]
    assert on.told(TellAgain(order=order, partner="service")) == ["ToldAgain"]
    again = on.effects_of(TellService)[-1]
    assert (again.event, again.waybill, again.units) == ("shipped", "SF1", ((1, 1),))
    nobody = centre()
    shipped(nobody, "SF1")
    assert nobody.effects_of(TellService) == []


_minutes = st.integers(0, 1_439)


@given(_minutes, _minutes, st.integers(-720, 840), st.integers(0, 10 * 86_400))
def test_quiet_hours_end_when_their_last_minute_does(begin: int, end: int, zone: int, seconds: int) -> None:
    at = datetime(2026, 1, 27, tzinfo=UTC) + timedelta(seconds=seconds)
    quiet = Quiet(begin_minute=begin, end_minute=end, zone_minutes=zone)
    until = quiet_until(quiet, at)
    local = (at + timedelta(minutes=zone)).hour * 60 + (at + timedelta(minutes=zone)).minute
    inside = begin <= local < end if begin <= end else local >= begin or local < end
    assert (until is not None) == inside
    if until is not None:
        assert at < until <= at + timedelta(days=1)
        assert ((until + timedelta(minutes=zone)).hour * 60 + (until + timedelta(minutes=zone)).minute) == end
        assert quiet_until(quiet, until) is None


_steps = st.lists(
    st.tuples(
        st.sampled_from(["sent", "refused", "delivered", "lost", "nobody", "wait", "resend"]),
        st.integers(1, 4),
        st.integers(600, 9_000),
    ),
    max_size=25,
)


@given(_steps)
def test_whatever_providers_say_it_ends_delivered_withheld_or_as_a_ticket(
    steps: list[tuple[str, int, int]],
) -> None:
    on = centre()
    _, sending = shipped(on, "SF1")
    key = "notice/" + sending[:-2]
    for what, no, seconds in steps:
        named = f"{sending[:-2]}/{no}"
        command: Command | None = {
            "sent": RecordNoticeSent(sending=named, reference="r"),
            "refused": RecordNoticeRefused(sending=named, reason="r"),
            "delivered": arrived(named),
            "lost": arrived(named, delivered=False),
            "nobody": RecordNobodyThere(sending=named),
            "resend": ResendNotice(notice=key, reason="r"),
        }.get(what)
        if command is None:
            on.wait(seconds)
        else:
            decision = on.tell(command)
            on.catch_up()
            assert isinstance(decision, Decision) or what == "resend"
        assert on.folded(key) == on.states[key]
    on.wait(7 * 86_400)
    ends = on.states[key].stage
    assert ends in (NoticeStage.DELIVERED, NoticeStage.WITHHELD, NoticeStage.FAILED, NoticeStage.UNKNOWN)
    missed = ends in (NoticeStage.FAILED, NoticeStage.UNKNOWN)
    assert on.tickets() == ({(key, "notice-missed")} if missed else set())
    sendings = [each.sending for each in on.effects_of(SendNotice)]
    assert len(sendings) == len(set(sendings)) <= MAX_SENDINGS
