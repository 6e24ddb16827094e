"""What every channel with after-sales promises, on golden messages (`partners/golden/README.md` says whence they are).

A new channel is a `Case` here. That an answer can be given in the platform's console only is part of what it promises.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import pytest
from msgspec.structs import replace
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import (
    CONF,
    NOW,
    credentials,
    douyin_push,
    golden,
    jd_push,
    kuaishou_push,
    pinduoduo_push,
    taobao_push,
)

from tongdan.adapters.partners import CHANNELS
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_after_sales import VERBS, Answering
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.adapters.partners.pinduoduo import PINDUODUO
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.domain.kernel.after_sales import (
    AFTER_SALES,
    AfterSaleKind,
    AfterSaleReport,
    AfterSaleStage,
)
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.domain.returns.commands import RecordAfterSale, RecordAnswer
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Case,
    FetchAfterSale,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import HttpResponse, Inbound, PushRequest, Repeat, Undo

SAID_AT = datetime(2026, 1, 27, 5, 0, 5, tzinfo=UTC)
LISTING = Listing(window_s=1_800, page_size=50)


class Told(NamedTuple):
    """A channel and its golden bytes. `answers`: answer → the platform's yes, and what it has to be asked with; "" for
    one that can be given in its console only. `noes`: what it says to an answer that comes too late."""

    channel: Channel
    shop: str
    native: str
    number: str
    push: Callable[[bytes], PushRequest]
    message: bytes
    detail: bytes
    listing: bytes
    report: AfterSaleReport
    kind: AfterSaleKind
    stage_word: tuple[bytes, bytes]
    moved: bytes
    answers: dict[str, tuple[bytes, tuple[str, ...]]]
    no: bytes
    pages: int = 2

    @property
    def partner(self) -> str:
        return f"channel/{self.channel.code}/{self.shop}"

    @property
    def case(self) -> Case:
        return Case(
            channel=self.channel.code,
            shop=self.shop,
            native=self.native,
            number=self.number,
            kind=self.kind,
            stage=AfterSaleStage.APPLIED,
            amount_fen=self.report.amount_fen,
            mark=self.report.mark,
        )

    def platform(self, *answers: bytes) -> "Platform":
        return Platform(self, answers)

    def fetch(self, **differs: str) -> FetchAfterSale:
        named = {
            "channel": self.channel.code,
            "shop": self.shop,
            "native": self.native,
            "number": self.number,
        }
        return FetchAfterSale(partner=self.partner, **named | differs)

    def answering(self, answer: str, kind: AfterSaleKind | None = None) -> Answering:
        case, how = self.case, CONF.policy.channels[self.channel.code].after_sale
        assert how is not None
        if kind is not None:
            case = Case(**{name: getattr(case, name) for name in Case.__struct_fields__} | {"kind": kind})
        if answer == "agree":
            return AgreeToReturn(partner=self.partner, no=1, case=case, address="900")
        if answer == "refund":
            return AgreeToRefund(partner=self.partner, no=1, case=case)
        if answer == "refuse":
            reason = next(iter(how.reasons), "1")
            return RefuseAfterSale(
                partner=self.partner,
                no=1,
                case=case,
                reason=reason,
                note="已发出",
                evidence="https://e/1.jpg",
            )
        return SendReplacement(partner=self.partner, no=1, case=case, carrier="SF", waybill="SF9")


class Platform(Partner):
    """Gives its answers in turn, the last one again and again."""

    def __init__(self, told: Told, answers: tuple[bytes, ...]) -> None:
        how = CONF.policy.channels[told.channel.code]
        assert how.after_sale is not None
        how = replace(how, after_sale=replace(how.after_sale, listing=LISTING))
        super().__init__(urlsplit(how.base_url).netloc, ok(answers[0]))
        self._answers = [ok(answer) for answer in answers]
        self.actor = ChannelActor(told.partner, told.channel, how, self.wire)

    async def _handle(self, request: Any) -> HttpResponse:
        self.answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        return await super()._handle(request)

    @property
    def said(self) -> str:
        return unquote_plus(self.asked[-1].url + self.asked[-1].body.decode()).replace("\\", "")


def error(key: str, **said: object) -> bytes:
    return json.dumps({key: said}, ensure_ascii=False).encode()


DOUYIN_DONE = b'{"code":10000,"msg":"success","data":{"items":[]}}'
PDD_DONE = b'{"response":{"result":{"success":true}}}'
JD_DONE = (
    b'{"jingdong_pop_afs_soa_refundapply_replyRefund_responce":{"code":"0","replyResult":{"success":true}}}'
)
KUAISHOU_DONE = b'{"result":1,"msg":"","error_msg":"SUCCESS","code":"","requestId":"r","data":true}'
CASES = (
    Told(
        channel=DOUYIN, shop="dy-main", native="4781234567890123456", number="7012345678901234567",
        push=douyin_push, message=golden("douyin/aftersale-200.json"),
        detail=golden("douyin/aftersale-detail.json"), listing=golden("douyin/aftersale-list.json"),
        report=AfterSaleReport(
            kind="0", stage="6", said_at=SAID_AT, amount_fen=12_900, sold=(("4781234567890123456", 1),),
            applied_at=SAID_AT, decide_by=SAID_AT + timedelta(days=2), reason="1", mark="1769490005",
        ),
        kind=AfterSaleKind.RETURN_REFUND,
        stage_word=(b'"after_sale_status":6', b'"after_sale_status":77'),
        moved=golden("douyin/aftersale-detail.json").replace(b'"after_sale_status":6', b'"after_sale_status":7'),
        answers={
            "agree": (DOUYIN_DONE, ('"type":101', '"receiver_address_id":900', '"update_time":1769490005')),
            "refund": (DOUYIN_DONE, ('"type":111', '"update_time":1769490005')),
            "refuse": (DOUYIN_DONE, ('"type":102', '"reject_reason_code":3', "https://e/1.jpg")),
            "send": (DOUYIN_DONE, ('"type":311', '"company_code":"shunfeng"', '"logistics_code":"SF9"')),
        },
        no=b'{"code":50002,"msg":"no","sub_code":"isv.business-failed:20309541","data":{},"log_id":"l"}',
        pages=3,
    ),
    Told(
        channel=PINDUODUO, shop="pd-main", native="260127-339507978993455", number="7381745730",
        push=pinduoduo_push, message=golden("pinduoduo/refund.json"),
        detail=golden("pinduoduo/aftersale-detail.json"), listing=golden("pinduoduo/aftersale-list.json"),
        report=AfterSaleReport(
            kind="2", stage="3", said_at=SAID_AT, amount_fen=1_990, sold=(("1200345678", 1),),
            applied_at=SAID_AT, decide_by=SAID_AT + timedelta(days=2),
        ),
        kind=AfterSaleKind.RETURN_REFUND,
        stage_word=(b'"after_sales_status":3', b'"after_sales_status":77'),
        moved=golden("pinduoduo/aftersale-detail.json").replace(b'"after_sales_status":3', b'"after_sales_status":7'),
        answers={
            "agree": (PDD_DONE, ('"after_sales_id":7381745730', '"return_address_id":"900"')),
            "refund": (PDD_DONE, ("pdd.refund.agree", '"order_sn":"260127-339507978993455"')),
            "refuse": (b"", ()),
            "send": (PDD_DONE, ('"shipping_id":44', '"tracking_number":"SF9"')),
        },
        no=error("error_response", error_code=30_000, error_msg="陈小明 120", request_id="r"),
        pages=3,
    ),
    Told(
        channel=TAOBAO, shop="tb-main", native="4051234567890123456", number="210048812345678901",
        push=taobao_push, message=golden("taobao/refund.json"),
        detail=golden("taobao/aftersale-detail.json"), listing=golden("taobao/aftersale-list.json"),
        report=AfterSaleReport(
            kind="REFUND_AND_RETURN", stage="WAIT_SELLER_AGREE", said_at=SAID_AT, amount_fen=1_990,
            sold=(("4051234567890123456", 1),), applied_at=SAID_AT, decide_by=SAID_AT + timedelta(days=2),
            mark="1769490005123|aftersale",
        ),
        kind=AfterSaleKind.RETURN_REFUND,
        stage_word=(b'"WAIT_SELLER_AGREE"', b'"77"'),
        moved=golden("taobao/aftersale-detail.json").replace(b"WAIT_SELLER_AGREE", b"WAIT_BUYER_RETURN_GOODS"),
        answers={
            "agree": (
                b'{"rp_returngoods_agree_response":{"is_success":true,"request_id":"r"}}',
                ("seller_address_id=900", "refund_version=1769490005123", "refund_phase=aftersale"),
            ),
            "refund": (
                b'{"rp_refunds_agree_response":{"succ":true,"msg_code":"OP_SUCC","request_id":"r"}}',
                ("refund_infos=210048812345678901|1990|1769490005123|aftersale",),
            ),
            "refuse": (
                b'{"refund_refuse_response":{"is_success":true,"request_id":"r"}}',
                ("refuse_reason_id=1", "https://e/1.jpg"),
            ),
            "send": (
                b'{"tmall_exchange_consigngoods_response":{"request_id":"r"}}',
                ("logistics_no=SF9", "logistics_company_name=SF"),
            ),
        },
        no=error("error_response", code=15, msg="no", sub_code="isv.refund-status-error", sub_msg="陈小明 120"),
    ),
    Told(
        channel=JD, shop="jd-main", native="302349786309732", number="55510001",
        push=jd_push, message=golden("jd/refund.json"),
        detail=golden("jd/aftersale-detail.json"), listing=golden("jd/aftersale-list.json"),
        report=AfterSaleReport(
            kind="cancel", stage="0", said_at=SAID_AT, amount_fen=1_990, applied_at=SAID_AT,
        ),
        kind=AfterSaleKind.REFUND_ONLY,
        stage_word=(b'"status":"0"', b'"status":"77"'),
        moved=golden("jd/aftersale-detail.json").replace(b'"status":"0"', b'"status":"1"'),
        answers={
            "agree": (b"", ()),
            "refund": (JD_DONE, ('"id":55510001', '"status":1', '"outWareStatus":2')),
            "refuse": (JD_DONE, ('"status":2', '"rejectType":1', "https://e/1.jpg")),
            "send": (b"", ()),
        },
        no=b'{"jingdong_pop_afs_soa_refundapply_replyRefund_responce":{"replyResult":{"success":false,"errorCode":"3"}}}',
    ),
    Told(
        channel=KUAISHOU, shop="ks-main", native="2602700041470428", number="2602700001110428",
        push=kuaishou_push, message=golden("kuaishou/refund.json"),
        detail=golden("kuaishou/aftersale-detail.json"), listing=golden("kuaishou/aftersale-list.json"),
        report=AfterSaleReport(
            kind="1", stage="11", said_at=SAID_AT, amount_fen=6_152, sold=(("2602700041470428", 1),),
            applied_at=SAID_AT, decide_by=SAID_AT + timedelta(days=2), reason="1", mark="1769490005000|11|1",
        ),
        kind=AfterSaleKind.RETURN_REFUND,
        stage_word=(b'"status":11', b'"status":77'),
        moved=golden("kuaishou/aftersale-detail.json").replace(b'"status":11', b'"status":30'),
        answers={
            "agree": (KUAISHOU_DONE, ("returngoods/approve", '"refundAmount":6152', '"addressId":900')),
            "refund": (KUAISHOU_DONE, ("confirm/receipt", '"refundId":2602700001110428', '"status":11')),
            "refuse": (KUAISHOU_DONE, ('"reasonCode":1', '"refundVersion":1769490005000', "https://e/1.jpg")),
            "send": (KUAISHOU_DONE, ("confirm/and/send", '"expressCode":4', '"expressNo":"SF9"')),
        },
        no='{"result":2001,"error_msg":"陈小明 120","code":"807000","sub_code":"2001","requestId":"r"}'.encode(),
        pages=0,
    ),
)  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda told: told.channel.code)
def told(request: pytest.FixtureRequest) -> Told:
    found: Told = request.param
    return found


def test_every_channel_stands_here() -> None:
    answered = {channel.code for channel in CHANNELS if channel.after_sales is not None}
    assert {told.channel.code for told in CASES} == answered == {channel.code for channel in CHANNELS}
    for code in (*answered, "MP"):
        how = CONF.policy.channels[code].after_sale
        assert how is not None
        stages = set(how.stages.values())
        assert {"applied", "refused", "refunded", "closed"} <= stages
        assert "refund_only" in how.kinds.values()


def test_a_push_about_an_after_sale_names_it_and_its_order(told: Told) -> None:
    door = ChannelDoor(told.channel, credentials(), CONF.policy)
    (message,) = door.open(told.push(told.message))
    assert isinstance(message, Inbound)
    command = message.command
    assert isinstance(command, NoteChannelEvent)
    assert (command.native, command.after_sale) == (told.native, told.number)
    assert not command.listed and abs(command.said_at - SAID_AT) < timedelta(minutes=1)


async def test_the_detail_is_the_whole_after_sale(told: Told) -> None:
    platform = told.platform(told.detail)
    outcome = await done(platform.actor.perform(errand(told.fetch(), "A1")))
    assert outcome.command == RecordAfterSale(after_sale="A1", report=told.report)
    how = CONF.policy.channels[told.channel.code].after_sale
    assert how is not None
    assert how.kinds[told.report.kind] == told.kind
    assert how.stages[told.report.stage] == "applied"
    assert outcome.raw == told.detail


async def test_a_word_nobody_knows_comes_through_and_is_in_no_map(told: Told) -> None:
    body = told.detail.replace(*told.stage_word)
    assert body != told.detail
    command = (await done(told.platform(body).actor.perform(errand(told.fetch(), "A1")))).command
    assert isinstance(command, RecordAfterSale)
    how = CONF.policy.channels[told.channel.code].after_sale
    assert how is not None and command.report.stage == "77" and "77" not in how.stages


@pytest.mark.parametrize("field", ["native", "number"])
async def test_the_detail_of_another_is_a_dead_letter(told: Told, field: str) -> None:
    other = told.fetch(**{field: getattr(told, field)[:-1] + "9"})
    failure = await failed(told.platform(told.detail).actor.perform(errand(other, "A1")))
    assert (failure.final, failure.partner_wide) == (True, False)


async def test_a_listing_names_what_has_changed(told: Told) -> None:
    platform = told.platform(told.listing)
    effect = ListOrders(
        partner=told.partner,
        channel=told.channel.code,
        shop=told.shop,
        since=NOW - timedelta(minutes=20),
        until=NOW + timedelta(minutes=5),
        page=2,
        cursor="",
        what=AFTER_SALES,
    )
    outcome = await done(platform.actor.perform(errand(effect, "pull")))
    assert outcome.raw == b"" and isinstance(outcome.command, RecordListing)
    listed = Listed(native=told.native, said_at=SAID_AT, after_sale=told.number)
    assert (outcome.command.what, outcome.command.orders, outcome.command.pages) == (
        AFTER_SALES,
        (listed,),
        told.pages,
    )


ANSWERS = [(each, answer) for each in CASES for answer in each.answers]
IDS = [f"{each.channel.code}-{answer}" for each, answer in ANSWERS]


def effect_of(told: Told, answer: str) -> Answering:
    return told.answering(answer, AfterSaleKind.EXCHANGE if answer == "send" else None)


@pytest.mark.parametrize(("told", "answer"), ANSWERS, ids=IDS)
async def test_an_answer_is_given_in_the_platforms_words_or_left_to_its_console(
    told: Told, answer: str
) -> None:
    body, asked_with = told.answers[answer]
    platform = told.platform(body or b"{}")
    outcome = await done(platform.actor.perform(errand(effect_of(told, answer), "A1")))
    assert isinstance(outcome.command, RecordAnswer)
    if body:
        assert outcome.command == RecordAnswer(after_sale="A1", no=1)
        assert len(platform.asked) == 1
        assert [each for each in asked_with if each not in platform.said] == []
    else:
        assert outcome.command.error and not platform.asked


GIVEN = [(each, answer) for each, answer in ANSWERS if each.answers[answer][0]]


@pytest.mark.parametrize(("told", "answer"), GIVEN, ids=[f"{a.channel.code}-{b}" for a, b in GIVEN])
async def test_a_no_of_the_platform_is_a_fact_and_no_failure(told: Told, answer: str) -> None:
    outcome = await done(told.platform(told.no).actor.perform(errand(effect_of(told, answer), "A1")))
    assert isinstance(outcome.command, RecordAnswer)
    assert outcome.command.error and "陈小明" not in outcome.command.error


@pytest.mark.parametrize(("told", "answer"), GIVEN, ids=[f"{a.channel.code}-{b}" for a, b in GIVEN])
async def test_an_answer_nobody_knows_of_is_looked_for_before_it_is_given_again(
    told: Told, answer: str
) -> None:
    still = told.platform(told.detail)
    assert await still.actor.look_up(errand(told.answering(answer), "A1")) is None
    outcome = await done(told.platform(told.moved).actor.look_up(errand(told.answering(answer), "A1")))
    assert outcome.command == RecordAnswer(after_sale="A1", no=1)


def test_what_is_declared_of_each_verb(told: Told) -> None:
    verbs = told.platform(b"{}").actor.verbs
    assert {kind: verbs[kind] for kind in VERBS} == VERBS
    assert VERBS[FetchAfterSale].repeat is Repeat.NATURAL
    assert all(VERBS[kind].repeat is Repeat.QUERY_FIRST for kind in VERBS if kind is not FetchAfterSale)
    assert VERBS[AgreeToRefund].undo is Undo.IRREVERSIBLE
