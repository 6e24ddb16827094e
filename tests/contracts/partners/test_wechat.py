"""WeChat Pay notices: what a payment, a failure and a refund become, and what cannot be ours."""

import json
from datetime import UTC, datetime

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
from tongdan.domain.orders.commands import (
    NoteSystemStatus,
    RecordPayment,
    RecordPaymentFailure,
)
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


def test_a_refund_is_noted_as_the_payment_systems_word() -> None:
    sealed = wechat_seal(golden("wechat/refund.json")).replace(b"TRANSACTION.SUCCESS", b"REFUND.SUCCESS")
    said_at = datetime(2026, 1, 27, 4, 0, 36, tzinfo=UTC)
    assert only(DOOR, wechat_push(sealed)).command == NoteSystemStatus(
        order=MP_ORDER, system="payment", native_status="REFUND.SUCCESS", said_at=said_at
    )


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
