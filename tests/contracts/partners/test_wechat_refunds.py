"""Calls to WeChat Pay about money that is not wanted: sending it back, asking for the result, closing an attempt."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from tests.contracts.partners.called import Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import CONF, MCHID, NOW, golden, wechat_push
from tests.contracts.partners.test_every_actor import ASK_REFUND, CLOSE, OWN, REFUND
from tests.contracts.partners.test_wechat_api import HOST, signed, transaction, wechat

from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    RecordPayment,
    RecordPaymentFailure,
    RecordRefund,
    RecordRefundRefused,
)
from tongdan.ports import HttpRequest, HttpResponse

REFUNDS = f"https://{HOST}/v3/refund/domestic/refunds"
TRADE = f"https://{HOST}/v3/pay/transactions/out-trade-no/{OWN}-P1"
NOT_THERE = said(404, code="RESOURCE_NOT_EXISTS")


class Answering(Partner):
    """Answers `GET` and `POST` each in its own way."""

    def __init__(self, post: HttpResponse, get: HttpResponse) -> None:
        super().__init__(HOST, post)
        self.get = get

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        answer = await super()._handle(request)
        return self.get if request.method == "GET" else answer


def refund(status: str = "PROCESSING", **differs: Any) -> HttpResponse:
    """The answer's own shape: `status`, no merchant, no `refund_status`."""
    told = json.loads(golden("wechat/refund.json"))
    del told["mchid"], told["refund_status"]
    if status != "SUCCESS":
        del told["success_time"]
    told |= {"status": status, "channel": "ORIGINAL", "create_time": "2026-01-27T12:00:00+08:00"}
    return signed(json.dumps(told | differs).encode())


async def test_money_is_sent_back_under_our_number() -> None:
    partner = Partner(HOST, refund())
    outcome = await done(wechat(partner).perform(errand(REFUND, OWN)))
    assert outcome.command == RecordRefund(
        order=OWN,
        refund=1,
        attempt=1,
        transaction=REFUND.transaction,
        amount_fen=20_500,
        stage=RefundStage.ACCEPTED,
        reference="50200207182018070300011301001",
        said_at=NOW,
    )
    (asked,) = partner.asked
    assert (asked.method, asked.url) == ("POST", REFUNDS)
    assert json.loads(asked.body) == {
        "transaction_id": REFUND.transaction,
        "out_refund_no": f"{OWN}-R1",
        "notify_url": f"{CONF.partners.wechat.notify_url}{MCHID}",
        "amount": {"refund": 20_500, "total": 20_500, "currency": "CNY"},
    }


@pytest.mark.parametrize("effect", [REFUND, ASK_REFUND])
@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("PROCESSING", RefundStage.ACCEPTED),
        ("SUCCESS", RefundStage.SUCCEEDED),
        ("ABNORMAL", RefundStage.ABNORMAL),
        ("CLOSED", RefundStage.FAILED),
    ],
)
async def test_every_status_is_told_by_the_answer_and_by_the_query(
    effect: Any, status: str, stage: RefundStage
) -> None:
    outcome = await done(wechat(Partner(HOST, refund(status))).perform(errand(effect, OWN)))
    assert isinstance(outcome.command, RecordRefund)
    succeeded_at = datetime(2026, 1, 28, 4, 0, 35, tzinfo=UTC)
    assert outcome.command.stage is stage
    assert outcome.command.said_at == (succeeded_at if status == "SUCCESS" else NOW)


async def test_the_query_asks_by_our_number() -> None:
    partner = Partner(HOST, refund())
    await done(wechat(partner).perform(errand(ASK_REFUND, OWN)))
    assert [(asked.method, asked.url) for asked in partner.asked] == [("GET", f"{REFUNDS}/{OWN}-R1")]


@pytest.mark.parametrize("effect", [REFUND, ASK_REFUND])
@pytest.mark.parametrize(
    "answer",
    [
        refund("GONE"),
        refund(out_refund_no=f"{OWN}-R2"),
        refund(out_trade_no="MP20260127000893-P1"),
        ok(refund().body),
        ok(refund().body, wechat_push(b"another body").headers),
    ],
    ids=[
        "unknown status",
        "another refund",
        "another order's payment",
        "unsigned",
        "signed for another body",
    ],
)
async def test_an_answer_that_cannot_be_ours_is_not_believed(effect: Any, answer: HttpResponse) -> None:
    failure = await failed(wechat(Partner(HOST, answer)).perform(errand(effect, OWN)))
    assert (failure.unknown, failure.final) == (True, False)


@pytest.mark.parametrize(
    ("status", "code", "wide", "retry_after_s"),
    [
        (403, "NOT_ENOUGH", False, 600.0),
        (429, "FREQUENCY_LIMITED", True, 0.0),
        (403, "FREQUENCY_LIMITED", True, 0.0),
        (500, "SYSTEM_ERROR", True, 0.0),
        (401, "SIGN_ERROR", True, 0.0),
        (403, "NO_AUTH", True, 0.0),
    ],
)
async def test_what_may_pass_is_tried_again_as_it_is(
    status: int, code: str, wide: bool, retry_after_s: float
) -> None:
    partner = Partner(HOST, said(status, code=code))
    failure = await failed(wechat(partner).perform(errand(REFUND, OWN)))
    assert (failure.partner_wide, failure.final, failure.retry_after_s) == (wide, False, retry_after_s)
    assert len(partner.asked) == 1


@pytest.mark.parametrize("code", ["INVALID_REQUEST", "USER_ACCOUNT_ABNORMAL", "RESOURCE_NOT_EXISTS"])
async def test_a_refusal_counts_once_the_refund_is_known_not_to_exist(code: str) -> None:
    partner = Answering(said(403, code=code), NOT_THERE)
    outcome = await done(wechat(partner).perform(errand(REFUND, OWN)))
    assert outcome.command == RecordRefundRefused(order=OWN, refund=1, reason=code)
    assert [asked.method for asked in partner.asked] == ["POST", "GET"]


async def test_a_refusal_of_what_exists_answers_with_what_exists() -> None:
    outcome = await done(
        wechat(Answering(said(400, code="INVALID_REQUEST"), refund("SUCCESS"))).perform(errand(REFUND, OWN))
    )
    assert isinstance(outcome.command, RecordRefund)
    assert outcome.command.stage is RefundStage.SUCCEEDED


async def test_a_refusal_that_cannot_be_looked_into_is_not_an_outcome() -> None:
    partner = Answering(said(400, code="INVALID_REQUEST"), said(403, code="STRANGE"))
    failure = await failed(wechat(partner).perform(errand(REFUND, OWN)))
    assert (failure.unknown, failure.final) == (True, False)


async def test_a_refund_that_was_accepted_and_is_not_there_is_not_given_up() -> None:
    failure = await failed(wechat(Partner(HOST, NOT_THERE)).perform(errand(ASK_REFUND, OWN)))
    assert (failure.unknown, failure.final, failure.partner_wide) == (True, False, False)


async def test_a_refund_that_was_never_accepted_and_is_not_there_was_never_sent() -> None:
    asking = replace(ASK_REFUND, accepted=False)
    outcome = await done(wechat(Partner(HOST, NOT_THERE)).perform(errand(asking, OWN)))
    assert outcome.command == RecordRefundRefused(order=OWN, refund=1, reason="RESOURCE_NOT_EXISTS")


# ---- closing


async def test_an_attempt_is_closed() -> None:
    partner = Partner(HOST, HttpResponse(204, wechat_push(b"").headers, b""))
    outcome = await done(wechat(partner).perform(errand(CLOSE, OWN)))
    assert outcome.command == RecordPaymentFailure(order=OWN, attempt=1, reason="CLOSED")
    (asked,) = partner.asked
    assert (asked.method, asked.url, json.loads(asked.body)) == ("POST", f"{TRADE}/close", {"mchid": MCHID})


@pytest.mark.parametrize(
    ("status", "code"), [(400, "ORDER_CLOSED"), (404, "ORDER_NOT_EXIST"), (404, "RESOURCE_NOT_EXISTS")]
)
async def test_what_cannot_be_paid_need_not_be_closed(status: int, code: str) -> None:
    outcome = await done(wechat(Partner(HOST, said(status, code=code))).perform(errand(CLOSE, OWN)))
    assert outcome.command == RecordPaymentFailure(order=OWN, attempt=1, reason=code)


async def test_an_attempt_that_is_paid_answers_as_a_payment() -> None:
    partner = Answering(said(400, code="ORDERPAID"), transaction())
    outcome = await done(wechat(partner).perform(errand(CLOSE, OWN)))
    assert isinstance(outcome.command, RecordPayment)
    assert (outcome.command.order, outcome.command.attempt, outcome.command.amount_fen) == (OWN, 1, 20_500)
    assert [asked.url for asked in partner.asked] == [f"{TRADE}/close", f"{TRADE}?mchid={MCHID}"]


async def test_a_payment_that_cannot_be_read_yet_is_asked_for_again() -> None:
    partner = Answering(said(400, code="ORDERPAID"), ok(golden("wechat/transaction.json")))
    failure = await failed(wechat(partner).perform(errand(CLOSE, OWN)))
    assert (failure.unknown, failure.final) == (True, False)


async def test_a_closing_nobody_signed_is_not_believed() -> None:
    failure = await failed(wechat(Partner(HOST, HttpResponse(204, {}, b""))).perform(errand(CLOSE, OWN)))
    assert (failure.unknown, failure.final) == (True, False)
