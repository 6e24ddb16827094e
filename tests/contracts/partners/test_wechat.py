"""WeChat Pay notices: what a payment, a failure and a refund become, and what cannot be ours."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.contracts.partners.played import (
    MCHID,
    credentials,
    golden,
    only,
    wechat_push,
    wechat_seal,
    why,
)

from tongdan.adapters.partners.wechat import WechatDoor
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RecordPayment, RecordPaymentFailure, RecordRefund
from tongdan.ports import Mistake, PushRequest

DOOR = WechatDoor(credentials())
MP_ORDER = "MP20260127000892"


def notice(**differs: object) -> PushRequest:
    return wechat_push(
        wechat_seal(json.dumps(json.loads(golden("wechat/transaction.json")) | differs).encode())
    )


def test_a_payment() -> None:
    message = only(DOOR, notice())
    paid_at = datetime(2026, 1, 27, 4, 0, 35, tzinfo=UTC)
    assert message.command == RecordPayment(
        order=MP_ORDER,
        attempt=1,
        transaction="4200002601271217752501201407033",
        amount_fen=20_500,
        paid_at=paid_at,
    )
    assert message.key == ("wechat", MCHID, "EV-2018022511223320873")
    assert (message.source, message.happened_at) == ("payment/wechat", paid_at)
    assert b"oUpF8" not in message.raw and b"oUpF8" not in msgspec.json.encode(message.command)


def test_a_payment_that_failed() -> None:
    message = only(DOOR, notice(trade_state="PAYERROR"))
    assert message.command == RecordPaymentFailure(order=MP_ORDER, attempt=1, reason="PAYERROR")
    assert message.happened_at == datetime(2026, 1, 27, 4, 0, 36, tzinfo=UTC)


def refund(event: str = "SUCCESS", **differs: Any) -> PushRequest:
    said = json.loads(golden("wechat/refund.json")) | {"refund_status": event} | differs
    return wechat_push(wechat_seal(json.dumps(said).encode(), f"REFUND.{event}"))


def test_a_refund() -> None:
    message = only(DOOR, refund())
    said_at = datetime(2026, 1, 28, 4, 0, 35, tzinfo=UTC)
    assert message.command == RecordRefund(
        order=MP_ORDER,
        refund=1,
        attempt=1,
        transaction="4200002601271217752501201407033",
        amount_fen=20_500,
        stage=RefundStage.SUCCEEDED,
        reference="50200207182018070300011301001",
        said_at=said_at,
    )
    assert message.key == ("wechat", MCHID, "EV-2018022511223320873")
    assert message.happened_at == said_at
    assert "招商银行" not in message.raw.decode() + str(message.command)


@pytest.mark.parametrize(
    ("event", "stage"), [("ABNORMAL", RefundStage.ABNORMAL), ("CLOSED", RefundStage.FAILED)]
)
def test_a_refund_that_did_not_arrive(event: str, stage: RefundStage) -> None:
    """Without a time of its own it was said when the notice was made."""
    command = only(DOOR, refund(event, success_time=None)).command
    assert isinstance(command, RecordRefund)
    assert (command.stage, command.said_at) == (stage, datetime(2026, 1, 27, 4, 0, 36, tzinfo=UTC))


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"out_refund_no": "by-hand-17"}, "`out_refund_no` is no refund of ours"),
        ({"out_refund_no": f"{MP_ORDER}-P1"}, "`out_refund_no` is no refund of ours"),
        (
            {"out_trade_no": "MP20260127000893-P1"},
            "`out_trade_no` is no payment attempt of the order that `out_refund_no` belongs to",
        ),
        ({"mchid": "1900000110"}, "`mchid` is not the merchant this address belongs to"),
        ({"refund_status": "CLOSED"}, "`event_type` and `refund_status` say different things"),
        (
            {"amount": {"refund": -1}},
            "expected a known status, a `transaction_id` and a positive `amount.refund`",
        ),
        ({"amount": {"total": 1}}, "Object missing required field `refund` - at `$.amount`"),
        (
            {"amount": {"refund": 1, "currency": "USD"}},
            "currency-not-supported: expected `amount.currency` CNY",
        ),
    ],
)
def test_a_refund_that_cannot_be_ours_is_kept_with_the_reason(differs: dict[str, Any], reason: str) -> None:
    assert why(DOOR, refund(**differs)) == reason


def test_a_refund_in_a_status_that_nobody_knows_is_kept_with_the_reason() -> None:
    assert why(DOOR, refund("LOST")).startswith("expected a known status")


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"out_trade_no": "1217752501201407033233368018"}, "`out_trade_no` is no payment attempt of ours"),
        ({"out_trade_no": MP_ORDER}, "`out_trade_no` is no payment attempt of ours"),
        ({"mchid": "1900000110"}, "`mchid` is not the merchant this address belongs to"),
        (
            {"amount": {"total": 1, "currency": "USD"}},
            "currency-not-supported: expected `amount.currency` CNY",
        ),
        ({"amount": {"total": 0}}, "expected `transaction_id` and a positive `amount.total`"),
        ({"amount": {"total": "20500"}}, "Expected `int`, got `str` - at `$.amount.total`"),
        ({"success_time": "2026-01-27 12:00:35"}, "a value is out of range or malformed"),
    ],
)
def test_a_payment_that_cannot_be_ours_is_kept_with_the_reason(
    differs: dict[str, object], reason: str
) -> None:
    assert why(DOOR, notice(**differs)) == reason


def test_wechat_is_answered_in_its_own_words() -> None:
    push = notice()
    assert json.loads(DOOR.answer(push, []).body) == {"code": "SUCCESS", "message": "成功"}
    with pytest.raises(Mistake) as refused:
        DOOR.open(msgspec.structs.replace(push, body=b" " * 2_000_000))
    answer = DOOR.refuse(push, refused.value.refusal)
    assert json.loads(answer.body) == {"code": "FAIL", "message": "失败"}
