"""After-sales: whatever order a channel's words come in they lead to one state, on the right lines, to the fen; each
answer is sent once, and what the platform says to it is a fact."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.domain.centre import (
    POLICY,
    Centre,
    after,
    detail,
    left,
    line,
    pay,
    platform_order,
    said,
    signed,
)

from tongdan.domain.catalog.commands import DefineSku
from tongdan.domain.catalog.model import Description
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleReport, AfterSaleStage
from tongdan.domain.kernel.keys import after_sale_alias, alias_key, waybill_alias
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.policy import AfterSaleMap, CarrierMap, ChannelMap
from tongdan.domain.kernel.status import Status
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.after_sale_commands import RequestAfterSale, TellAfterSale
from tongdan.domain.orders.axes import Partly, RefundStage
from tongdan.domain.orders.commands import RecordPrepay, RecordRefund, RequestPayment
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import AFTER_SALE_HOLD
from tongdan.domain.orders.money.refund_facts import RefundPayment
from tongdan.domain.orders.status import partly, status
from tongdan.domain.returns.answering import possible
from tongdan.domain.returns.commands import AnswerAfterSale, RecordAfterSale, RecordAnswer
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Answer,
    FetchAfterSale,
    LineUnits,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.commands import SendByAlias

OWN = AfterSaleMap(
    kinds={kind.value: kind.value for kind in AfterSaleKind},
    stages={stage.value: stage.value for stage in AfterSaleStage},
    reasons={"used": "goods were used"},
    return_addresses={"mp-1": "EAST"},
    decide_within_s=3_600,
)
DOUYIN = replace(
    POLICY.channels["DY"],
    carriers={"SF": "shunfeng"},
    after_sale=AfterSaleMap(
        kinds={"0": "return_refund", "1": "refund_only", "2": "refund_only", "3": "exchange", "7": "reissue"},
        stages={
            "6": "applied",
            "7": "awaiting_return",
            "8": "resending",
            "11": "returning",
            "12": "refunded",
            "12-2": "refunding",
            "13": "resent",
            "14": "exchanged",
            "27": "refused",
            "28": "closed",
        },
        reasons={"101": "shipped already"},
        return_addresses={"dy-1": "900"},
    ),
)
SF = CarrierMap(code="SF", name_zh="顺丰", name_en="SF", zone="Asia/Shanghai", statuses={"80": "signed"})
WITH = replace(
    POLICY,
    channels={
        "DY": DOUYIN,
        "MP": ChannelMap(code="MP", name_zh="自营", name_en="Own", zone="UTC", statuses={}, after_sale=OWN),
    },
    carriers={"SF": SF},
)
LINES = (line(1, "SHIRT", 2, 9_900, native="N1"), line(2, "HAT", 1, 3_000, native="N2"))


def spoken(seconds: float, number: str = "70", **more: Any) -> Command:
    return said("after-sale", seconds, after_sale=number, **more)


def report(seconds: float, stage: str = "6", kind: str = "2", **more: Any) -> AfterSaleReport:
    whole: dict[str, Any] = {
        "kind": kind,
        "stage": stage,
        "said_at": after(seconds),
        "amount_fen": 9_900,
        "sold": (("N1", 2),),
        **more,
    }
    return AfterSaleReport(**whole)


class Told(Centre):
    """A Douyin order of two lines, paid; its after-sale is A1."""

    def __init__(self, *, paid: bool = True, shipped: bool = False) -> None:
        super().__init__(WITH)
        self.stocked(SHIRT=9, HAT=9)
        self.told(said("created", 1, "1"))
        self.id = platform_order(self)
        self.a1 = f"{self.id}-A1"
        if paid:
            self.told(detail(*LINES, seconds=5, status="2", paid_at=after(4), transaction="D1"))
        if shipped:
            self.told(left(f"{self.id}-S1", "SF1", ("SHIRT", 2), ("HAT", 1)))
            self.told(signed(f"{self.id}-S1"))

    def says(self, seconds: float, stage: str = "6", kind: str = "2", **more: Any) -> list[str]:
        if self.a1 not in self.states:
            self.told(spoken(seconds))
        told = report(seconds, stage, kind, **more)
        return self.told(RecordAfterSale(after_sale=self.a1, report=told))

    def answer(self, answer: Answer, **more: str) -> list[str]:
        return self.told(AnswerAfterSale(after_sale=self.a1, answer=answer, **more))

    @property
    def case(self) -> Any:
        return self.states[self.a1]

    def status(self) -> Status:
        return status(self.order(self.id))

    @property
    def partly(self) -> Partly:
        return partly(self.order(self.id))


def test_the_first_word_gives_it_a_number_and_asks_for_the_rest() -> None:
    centre = Told()
    centre.told(spoken(100))
    (fetch,) = centre.effects_of(FetchAfterSale)
    assert (fetch.partner, fetch.native, fetch.number) == ("channel/DY/dy-1", "4781", "70")
    assert centre.states[alias_key(after_sale_alias("DY", "dy-1", "70"))].order == centre.a1
    assert centre.case.stage is None and centre.status() is Status.RELEASED


def test_what_was_said_before_or_is_listed_again_is_not_asked_again() -> None:
    centre = Told()
    centre.told(spoken(100, listed=True))
    assert centre.told(spoken(100, listed=True)) == []
    assert centre.told(spoken(99)) == []
    assert len(centre.effects_of(FetchAfterSale)) == 1
    centre.told(spoken(100))  # a message of its own: two changes of one second have one time
    assert len(centre.effects_of(FetchAfterSale)) == 2


def test_it_is_placed_on_its_lines() -> None:
    centre = Told()
    centre.says(100, sold=(("N1", 1),), amount_fen=4_950, decide_by=after(5_000))
    assert centre.case.units == (LineUnits(1, 1),)
    assert (centre.case.kind, centre.case.stage) == (AfterSaleKind.REFUND_ONLY, AfterSaleStage.APPLIED)
    assert centre.order(centre.id).after_sales[0].units == (Units(1, 1),)
    assert centre.partly & Partly.AFTER_SALE and not centre.tickets()


def test_it_waits_for_the_lines_of_an_order_nobody_knows_yet() -> None:
    centre = Told(paid=False)
    centre.says(100)
    assert centre.case.units == ()
    centre.told(detail(*LINES, seconds=5, status="2", paid_at=after(4)))
    assert centre.case.units == (LineUnits(1, 2),) and not centre.tickets()


@pytest.mark.parametrize(
    ("problem", "more"),
    [
        ("line", {"sold": (("N9", 1),)}),
        ("units", {"sold": (("N1", 3),)}),
        ("amount", {"amount_fen": 12_901}),
    ],
)
def test_what_does_not_fit_is_a_ticket_until_it_does(problem: str, more: dict[str, Any]) -> None:
    centre = Told()
    centre.says(100, **more)
    assert centre.order(centre.id).after_sales[0].problem == problem
    assert (centre.a1, "after-sale-unmatched") in centre.tickets()
    centre.says(101)
    assert centre.case.units == (LineUnits(1, 2),) and not centre.tickets()


def test_two_after_sales_together_may_not_ask_for_more_than_was_paid() -> None:
    centre = Told()
    centre.says(100)
    centre.told(spoken(101, "71"))
    second = f"{centre.id}-A2"
    more = report(101, sold=(("N2", 1),), amount_fen=3_001)
    centre.told(RecordAfterSale(after_sale=second, report=more))
    assert (second, "after-sale-unmatched") in centre.tickets()


def test_an_order_is_held_while_a_refund_of_it_is_undecided() -> None:
    centre = Centre(WITH).stocked(SHIRT=9, HAT=9)
    centre.told(said("created", 1, "1"))
    id = platform_order(centre)
    centre.told(spoken(3))
    centre.told(RecordAfterSale(after_sale=f"{id}-A1", report=report(3)))
    centre.told(detail(*LINES, seconds=5, status="2", paid_at=after(4)))
    assert centre.order(id).holds == (AFTER_SALE_HOLD,) and not centre.order(id).shipments
    centre.told(RecordAfterSale(after_sale=f"{id}-A1", report=report(6, "28")))
    assert centre.order(id).holds == () and len(centre.order(id).shipments) == 1


def test_money_that_the_platform_paid_back_is_seen_on_the_order() -> None:
    centre = Told(shipped=True)
    centre.says(300, "12-2", "1", sold=(), amount_fen=12_900)
    assert centre.status() is Status.REFUND_PENDING
    centre.says(301, "12", "1", sold=(), amount_fen=12_900)
    assert centre.status() is Status.REFUNDED
    part = Told(shipped=True)
    part.says(300, "12", "1", sold=(("N2", 1),), amount_fen=3_000)
    assert part.status() is Status.SIGNED and part.partly == Partly.REFUNDED


def test_units_whose_price_went_back_before_they_left_stay_here() -> None:
    centre = Centre(WITH).stocked(SHIRT=9, HAT=9)
    centre.told(said("created", 1, "1"))
    id = platform_order(centre)
    centre.told(spoken(3))
    centre.told(RecordAfterSale(after_sale=f"{id}-A1", report=report(3)))
    centre.told(detail(*LINES, seconds=5, status="2", paid_at=after(4)))
    centre.told(RecordAfterSale(after_sale=f"{id}-A1", report=report(6, "12")))
    (planned,) = centre.order(id).shipments
    assert planned.units == (Units(2, 1),)
    assert [line.stopped for line in centre.order(id).lines] == [2, 0]
    assert partly(centre.order(id)) & Partly.REFUNDED and not centre.tickets()


def test_a_bundle_is_all_its_parts() -> None:
    centre = Centre(WITH).stocked(TEA=9, CUP=9)
    parts = (Part(sku="TEA", units=2), Part(sku="CUP", units=1))
    centre.send(DefineSku(sku="BOX", description=Description(title="box"), parts=parts))
    centre.told(said("created", 1, "1"))
    id = platform_order(centre)
    centre.told(detail(line(1, "BOX", 2, 9_900, native="N1"), seconds=5, status="2", paid_at=after(4)))
    centre.told(spoken(10))
    centre.told(RecordAfterSale(after_sale=f"{id}-A1", report=report(10, sold=(("N1", 1),))))
    assert centre.states[f"{id}-A1"].units == (LineUnits(1, 2), LineUnits(2, 1))


def test_goods_that_all_come_back_make_it_returning() -> None:
    centre = Told(shipped=True)
    centre.says(300, "11", "0", sold=(), amount_fen=12_900)
    assert centre.status() is Status.RETURNING
    centre.says(301, "28", "0", sold=(), amount_fen=12_900)
    assert centre.status() is Status.SIGNED
    part = Told(shipped=True)
    part.says(300, "11", "0", sold=(("N1", 1),), amount_fen=100)
    assert part.status() is Status.SIGNED and part.partly == Partly.AFTER_SALE


def test_a_word_no_map_knows_is_one_ticket_and_changes_nothing() -> None:
    centre = Told()
    centre.says(100)
    before = centre.case.stage
    assert centre.says(101, "99") == ["AfterSaleNotUnderstood"]
    assert centre.says(102, "99") == []
    assert centre.case.stage is before and (centre.a1, "unknown-status") in centre.tickets()
    centre.says(103, "28")
    assert not centre.tickets()


def test_what_has_ended_in_money_stays_ended() -> None:
    centre = Told(shipped=True)
    centre.says(300, "12", "1")
    assert centre.says(400, "28", "1") == ["AfterSaleContradicted"]
    assert centre.case.stage is AfterSaleStage.REFUNDED
    assert (centre.a1, "channel-contradicts") in centre.tickets()


# ---- answers


def test_an_answer_is_sent_once_and_the_platform_is_asked_what_came_of_it() -> None:
    centre = Told(shipped=True)
    centre.says(300, "6", "0", mark="v7")
    assert possible(centre.case) == (Answer.AGREE, Answer.REFUSE)
    assert centre.answer(Answer.AGREE) == ["AnswerAsked"]
    (effect,) = centre.effects_of(AgreeToReturn)
    assert (effect.address, effect.case.mark, effect.case.number) == ("900", "v7", "70")
    again = AnswerAfterSale(after_sale=centre.a1, answer=Answer.AGREE)
    assert centre.refused(again).name == "answer-pending"
    asked = len(centre.effects_of(FetchAfterSale))
    assert centre.told(RecordAnswer(after_sale=centre.a1, no=1)) == ["AnswerTaken"]
    assert len(centre.effects_of(FetchAfterSale)) == asked + 1
    assert centre.told(RecordAnswer(after_sale=centre.a1, no=1)) == []


def test_an_answer_that_comes_too_late_is_a_fact_and_heals_with_the_next_news() -> None:
    centre = Told()
    centre.says(100)
    centre.answer(Answer.REFUSE, reason="101", evidence="https://e/1.jpg")
    (effect,) = centre.effects_of(RefuseAfterSale)
    assert (effect.reason, effect.evidence) == ("101", "https://e/1.jpg")
    centre.told(RecordAnswer(after_sale=centre.a1, no=1, error="50002"))
    assert centre.case.answers[0].taken is False
    assert (centre.a1, "after-sale-not-taken") in centre.tickets()
    centre.says(101, "12")
    assert (centre.a1, "after-sale-not-taken") not in centre.tickets()


def test_money_and_parcels_are_answered_each_in_their_way() -> None:
    refund = Told()
    refund.says(100)
    refund.answer(Answer.REFUND)
    (effect,) = refund.effects_of(AgreeToRefund)
    assert effect.case.amount_fen == 9_900
    exchange = Told(shipped=True)
    exchange.says(300, "8", "3")
    exchange.answer(Answer.SEND, carrier="SF", waybill="SF9")
    (sent,) = exchange.effects_of(SendReplacement)
    assert (sent.carrier, sent.waybill) == ("SF", "SF9")


@pytest.mark.parametrize(
    ("name", "stage", "kind", "answer", "more"),
    [
        ("after-sale-not-waiting", "28", "2", Answer.REFUND, {}),
        ("answer-not-possible", "6", "2", Answer.AGREE, {}),
        ("refusal-reason-unknown", "6", "2", Answer.REFUSE, {"reason": "7"}),
        ("waybill-missing", "8", "3", Answer.SEND, {"carrier": "SF"}),
    ],
)
def test_an_answer_that_cannot_be_is_refused_by_name(
    name: str, stage: str, kind: str, answer: Answer, more: dict[str, str]
) -> None:
    centre = Told(shipped=True)
    centre.says(300, stage, kind)
    assert centre.refused(AnswerAfterSale(after_sale=centre.a1, answer=answer, **more)).name == name


def test_without_an_address_nothing_is_agreed() -> None:
    assert DOUYIN.after_sale is not None
    bare = replace(DOUYIN, after_sale=replace(DOUYIN.after_sale, return_addresses={}))
    centre = Told(shipped=True)
    centre.policy = replace(WITH, channels={**WITH.channels, "DY": bare})
    centre.says(300, "6", "0")
    agree = AnswerAfterSale(after_sale=centre.a1, answer=Answer.AGREE)
    assert centre.refused(agree).name == "return-address-missing"
    assert centre.told(replace(agree, address="901")) == ["AnswerAsked"]


def test_when_nobody_answers_the_platform_is_asked_what_it_has_decided() -> None:
    centre = Told()
    centre.says(100, decide_by=after(1_000))
    asked = len(centre.effects_of(FetchAfterSale))
    assert "AfterSaleOverdue" in centre.wait(1_001)
    assert len(centre.effects_of(FetchAfterSale)) == asked + 1
    assert (centre.a1, "after-sale-overdue") in centre.tickets()
    centre.says(1_001, "12")
    assert (centre.a1, "after-sale-overdue") not in centre.tickets()


def test_a_carrier_speaks_of_goods_that_come_back_by_their_waybill() -> None:
    centre = Told(shipped=True)
    track = Track(carrier="SF", waybill="SF8", code="80", at=after(900))
    early = SendByAlias(alias=waybill_alias("SF", "SF8"), source="carrier/sf", letter=track)
    centre.told(early)
    centre.says(800, "11", "0", carrier="shunfeng", waybill="SF8")
    assert (centre.case.carrier, centre.case.tracked) == ("SF", "signed")
    assert centre.case.stage is AfterSaleStage.RETURNING  # the platform says when it is received


# ---- an own shop


class Own(Centre):
    """An own shop's order of two shirts, paid, shipped and signed."""

    def __init__(self) -> None:
        super().__init__(WITH)
        self.stocked(SHIRT=9)
        self.id = self.placed(line(1, "SHIRT", 2, 9_900))
        self.a1 = f"{self.id}-A1"
        self.told(RequestPayment(order=self.id, method="wechat"))
        self.told(RecordPrepay(order=self.id, attempt=1, prepay="p"))
        self.told(pay(self.id))
        self.told(left(f"{self.id}-S1", "SF1", ("SHIRT", 2)))
        self.told(signed(f"{self.id}-S1"))
        self.now = after(300)

    def apply(self, **differs: Any) -> Command:
        whole: dict[str, Any] = {
            "order": self.id,
            "number": "K-1",
            "kind": AfterSaleKind.RETURN_REFUND,
            "units": (Units(1, 1),),
            "amount_fen": 4_950,
            **differs,
        }
        return RequestAfterSale(**whole)

    def buyer(self, stage: AfterSaleStage, **more: str) -> Command:
        return TellAfterSale(order=self.id, number="K-1", stage=stage, **more)

    def answer(self, answer: Answer, **more: str) -> list[str]:
        self.now = after((self.now - after(0)).total_seconds() + 1)
        return self.told(AnswerAfterSale(after_sale=self.a1, answer=answer, **more))

    @property
    def case(self) -> Any:
        return self.states[self.a1]


def test_an_own_shops_buyer_returns_goods_and_has_the_money_back() -> None:
    centre = Own()
    centre.told(centre.apply())
    assert centre.told(centre.apply()) == []
    assert centre.case.units == (LineUnits(1, 1),) and centre.case.decide_by == after(3_900)
    centre.answer(Answer.AGREE)
    assert centre.case.stage == "awaiting_return"
    centre.told(centre.buyer(AfterSaleStage.RETURNING, carrier="SF", waybill="SF8"))
    track = Track(carrier="SF", waybill="SF8", code="80", at=after(900))
    centre.now = after(900)
    centre.told(SendByAlias(alias=waybill_alias("SF", "SF8"), source="carrier/sf", letter=track))
    assert centre.case.stage == "received"
    centre.answer(Answer.REFUND)
    (refund,) = centre.effects_of(RefundPayment)
    assert refund.amount_fen == 4_950 and centre.case.stage == "refunding"
    centre.told(
        RecordRefund(
            order=centre.id,
            refund=1,
            attempt=1,
            transaction="T1",
            amount_fen=4_950,
            stage=RefundStage.SUCCEEDED,
            reference="503",
            said_at=after(1_000),
        )
    )
    assert centre.case.stage is AfterSaleStage.REFUNDED
    assert partly(centre.order(centre.id)) == Partly.REFUNDED and not centre.tickets()
    assert not list(centre.effects_of(AgreeToRefund))


def test_an_own_shops_buyer_wants_all_back_before_it_leaves() -> None:
    centre = Centre(WITH).stocked(SHIRT=9)
    id = centre.placed(line(1, "SHIRT", 2, 9_900))
    centre.told(RequestPayment(order=id, method="wechat"))
    centre.told(RecordPrepay(order=id, attempt=1, prepay="p"))
    centre.told(pay(id))
    centre.told(
        RequestAfterSale(
            order=id, number="K-1", kind=AfterSaleKind.REFUND_ONLY, units=(Units(1, 2),), amount_fen=9_900
        )
    )
    centre.now = after(90)
    centre.told(AnswerAfterSale(after_sale=f"{id}-A1", answer=Answer.REFUND))
    assert centre.order(id).cancelled and not centre.tickets()


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("line-not-of-order", {"units": (Units(2, 1),)}),
        ("units-not-left", {"units": (Units(1, 3),)}),
        ("units-not-left", {"units": (Units(1, 0),)}),
        ("refund-out-of-range", {"amount_fen": 9_901}),
    ],
)
def test_what_was_not_bought_is_not_applied_for(name: str, differs: dict[str, Any]) -> None:
    centre = Own()
    assert centre.refused(centre.apply(**differs)).name == name


def test_units_are_applied_for_once_and_again_when_it_was_withdrawn() -> None:
    centre = Own()
    centre.told(centre.apply(units=(Units(1, 2),)))
    assert centre.refused(centre.apply(number="K-2")).name == "units-not-left"
    centre.now = after(301)
    centre.told(centre.buyer(AfterSaleStage.CLOSED))
    assert centre.case.stage is AfterSaleStage.CLOSED
    assert centre.refused(centre.apply()).name == "after-sale-decided"
    centre.told(centre.apply(number="K-2"))
    assert centre.states[f"{centre.id}-A2"].stage is AfterSaleStage.APPLIED


def test_an_own_shops_refusal_may_be_followed_by_another_wish() -> None:
    centre = Own()
    centre.told(centre.apply())
    centre.answer(Answer.REFUSE, reason="used")
    assert centre.case.stage is AfterSaleStage.REFUSED
    centre.now = after(400)
    centre.told(centre.apply(kind=AfterSaleKind.REFUND_ONLY, amount_fen=1_000))
    assert (centre.case.kind, centre.case.stage) == (AfterSaleKind.REFUND_ONLY, AfterSaleStage.APPLIED)


# ---- whatever order the words come in

REPORTS = (
    report(300, "6", "0"),
    report(310, "27", "0"),
    report(320, "6", "1", amount_fen=5_000, sold=(("N1", 1),)),
    report(320, "7", "0"),
    report(330, "11", "0", waybill="SF8", carrier="shunfeng"),
    report(340, "12", "0"),
    report(350, "28", "0"),
)


def outcome(centre: Told) -> Any:
    """All but when it was heard of, and how often."""
    order = centre.order(centre.id)
    case = replace(centre.case, seen_at=None, worries=(), applied_at=None)
    axis = [replace(each, seen_at=None) for each in order.after_sales]
    return case, axis, centre.status(), centre.partly


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_order_and_any_repetition_lead_to_the_same_after_sale(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(REPORTS), min_size=1, max_size=6, unique=True))
    straight, mixed = Told(shipped=True), Told(shipped=True)
    for each in sorted(chosen, key=lambda told: told.said_at):
        straight.told(spoken((each.said_at - after(0)).total_seconds()))
        straight.told(RecordAfterSale(after_sale=straight.a1, report=each))
    repeated = data.draw(st.permutations(chosen + data.draw(st.lists(st.sampled_from(chosen), max_size=4))))
    mixed.told(spoken(299))
    for each in repeated:
        mixed.told(spoken((each.said_at - after(0)).total_seconds()))
        mixed.told(RecordAfterSale(after_sale=mixed.a1, report=each))
    assert outcome(mixed) == outcome(straight)
    assert mixed.folded(mixed.a1) == mixed.case
    assert mixed.folded(mixed.id) == mixed.order(mixed.id)
    assert len(mixed.order(mixed.id).after_sales) == 1
