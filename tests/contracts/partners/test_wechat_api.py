"""Calls to WeChat Pay: opening an attempt, looking one up, and believing only what the platform signed."""

import json

import msgspec
import pytest
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import (
    CONF,
    MCHID,
    PUBLIC_KEY_ID,
    credentials,
    golden,
    wechat_keys,
    wechat_push,
)
from tests.contracts.partners.test_every_actor import OWN, PREPAY
from wechatpayv3.utils import rsa_verify

from tongdan.adapters.partners.wechat_api import WechatActor
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.commands import RecordPayment, RecordPrepay, RecordPrepayRefused
from tongdan.ports import HttpResponse

HOST = "api.mch.weixin.qq.com"
PREPAID = b'{"prepay_id":"wx201410272009395522657a690389285100"}'


def wechat(partner: Partner) -> WechatActor:
    return WechatActor("payment/wechat", CONF.partners.wechat, CONF.policy, partner.wire)


def signed(body: bytes) -> HttpResponse:
    return ok(body, wechat_push(body).headers)


def transaction(**differs: object) -> HttpResponse:
    return signed(json.dumps(json.loads(golden("wechat/transaction.json")) | differs).encode())


async def test_an_attempt_is_opened_under_its_own_number() -> None:
    partner = Partner(HOST, signed(PREPAID))
    outcome = await done(wechat(partner).perform(errand(PREPAY, OWN)))
    assert outcome.command == RecordPrepay(
        order=OWN, attempt=1, prepay="wx201410272009395522657a690389285100"
    )
    assert outcome.raw == PREPAID
    (asked,) = partner.asked
    assert (asked.method, asked.url) == ("POST", f"https://{HOST}/v3/pay/transactions/jsapi")
    assert json.loads(asked.body) == {
        "appid": "wxd678efh567hg6787",
        "mchid": MCHID,
        "description": "同单小程序",
        "out_trade_no": f"{OWN}-P1",
        "notify_url": f"https://orders.example.com/push/wechat/{MCHID}",
        "amount": {"total": 20_500, "currency": "CNY"},
        "payer": {"openid": "openid-1"},
    }


async def test_the_request_is_signed_so_that_the_package_verifies_it() -> None:
    partner = Partner(HOST, signed(PREPAID))
    await done(wechat(partner).perform(errand(PREPAY, OWN)))
    (asked,) = partner.asked
    scheme, _, rest = asked.headers["authorization"].partition(" ")
    fields = dict(item.split("=", 1) for item in rest.split(","))
    fields = {name: value.strip('"') for name, value in fields.items()}
    assert (scheme, fields["mchid"]) == ("WECHATPAY2-SHA256-RSA2048", MCHID)
    assert fields["serial_no"] == credentials().get(f"wechat/{MCHID}")["serial_no"]
    assert asked.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    head = f"POST\n/v3/pay/transactions/jsapi\n{fields['timestamp']}"
    public = wechat_keys().merchant.public_key()
    assert rsa_verify(head, fields["nonce_str"], asked.body.decode(), fields["signature"], public)
    assert not rsa_verify(head, fields["nonce_str"], asked.body.decode() + " ", fields["signature"], public)


async def test_each_try_has_its_own_nonce() -> None:
    partner = Partner(HOST, signed(PREPAID))
    for tries in (1, 2):
        await done(wechat(partner).perform(errand(PREPAY, OWN, tries=tries)))
    first, second = (asked.headers["authorization"] for asked in partner.asked)
    assert first.split("nonce_str")[1][:40] != second.split("nonce_str")[1][:40]


async def test_without_a_payer_nothing_is_asked() -> None:
    partner = Partner(HOST, signed(PREPAID))
    nobody = msgspec.structs.replace(CHEN, payer="")
    for person in (nobody, None):
        refused = await done(wechat(partner).perform(errand(PREPAY, OWN, person=person)))
        assert refused.command == RecordPrepayRefused(order=OWN, attempt=1, reason="payer-unknown")
    assert partner.asked == []


@pytest.mark.parametrize(
    "answer",
    [ok(PREPAID), ok(PREPAID, wechat_push(b"another body").headers), ok(PREPAID, {"wechatpay-serial": "0"})],
    ids=["unsigned", "signature of another body", "unknown serial"],
)
async def test_an_answer_the_platform_did_not_sign_is_not_believed(answer: HttpResponse) -> None:
    failure = await failed(wechat(Partner(HOST, answer)).perform(errand(PREPAY, OWN)))
    assert (failure.unknown, failure.final) == (True, False)
    assert "not authentic" in failure.error


@pytest.mark.parametrize("code", ["PARAM_ERROR", "OUT_TRADE_NO_USED", "ORDER_CLOSED", "INVALID_REQUEST"])
async def test_a_refused_attempt_is_an_outcome(code: str) -> None:
    outcome = await done(
        wechat(Partner(HOST, said(400, code=code, message="openid 有误"))).perform(errand(PREPAY, OWN))
    )
    assert outcome.command == RecordPrepayRefused(order=OWN, attempt=1, reason=code)


@pytest.mark.parametrize(("status", "code"), [(401, "SIGN_ERROR"), (403, "NO_AUTH"), (401, "")])
async def test_what_speaks_of_the_merchant_stops_the_partner(status: int, code: str) -> None:
    failure = await failed(wechat(Partner(HOST, said(status, code=code))).perform(errand(PREPAY, OWN)))
    assert (failure.partner_wide, failure.final, failure.unknown) == (True, False, False)


async def test_paid_already_is_left_to_the_look_up() -> None:
    failure = await failed(wechat(Partner(HOST, said(400, code="ORDERPAID"))).perform(errand(PREPAY, OWN)))
    assert (failure.unknown, failure.final, failure.partner_wide) == (True, False, False)


async def test_a_shop_without_a_merchant_is_a_dead_letter() -> None:
    partner = Partner(HOST, signed(PREPAID))
    failure = await failed(
        wechat(partner).perform(errand(msgspec.structs.replace(PREPAY, shop="dy-main"), OWN))
    )
    assert failure.final and partner.asked == []


# ---- looking up


async def test_a_look_up_asks_by_our_number() -> None:
    partner = Partner(HOST, said(404, code="ORDER_NOT_EXIST"))
    assert await wechat(partner).look_up(errand(PREPAY, OWN)) is None
    (asked,) = partner.asked
    assert asked.method == "GET"
    assert asked.url == f"https://{HOST}/v3/pay/transactions/out-trade-no/{OWN}-P1?mchid={MCHID}"


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING"])
async def test_an_attempt_still_open_may_be_sent_again(state: str) -> None:
    """The same number with the same sum gives a prepay id again; the query itself does not tell it."""
    answer = transaction(trade_state=state, transaction_id="", success_time="")
    assert await wechat(Partner(HOST, answer)).look_up(errand(PREPAY, OWN)) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("CLOSED", RecordPrepayRefused(order=OWN, attempt=1, reason="CLOSED")),
        ("PAYERROR", RecordPrepayRefused(order=OWN, attempt=1, reason="PAYERROR")),
    ],
)
async def test_an_attempt_that_ended_is_an_outcome(state: str, expected: Command) -> None:
    outcome = await done(wechat(Partner(HOST, transaction(trade_state=state))).look_up(errand(PREPAY, OWN)))
    assert outcome.command == expected


async def test_an_attempt_that_was_paid_repairs_a_lost_notice() -> None:
    outcome = await done(wechat(Partner(HOST, transaction())).look_up(errand(PREPAY, OWN)))
    assert isinstance(outcome.command, RecordPayment)
    assert (outcome.command.order, outcome.command.attempt, outcome.command.amount_fen) == (OWN, 1, 20_500)


async def test_a_payment_the_platform_did_not_sign_is_no_payment() -> None:
    failure = await failed(
        wechat(Partner(HOST, ok(golden("wechat/transaction.json")))).look_up(errand(PREPAY, OWN))
    )
    assert failure.unknown


async def test_a_look_up_that_could_not_tell_says_so() -> None:
    failure = await failed(wechat(Partner(HOST, said(403, code="NO_AUTH"))).look_up(errand(PREPAY, OWN)))
    assert (failure.partner_wide, failure.final) == (True, False)
