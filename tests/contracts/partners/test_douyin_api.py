"""Calls to Douyin: what goes out, what a detail becomes, and which error codes are whose fault."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import CONF, NOW, STAMP, credentials, golden
from tests.contracts.partners.test_every_actor import FETCH, ORDER, WRITE_BACK

from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import NoteDone, RecordDetail
from tongdan.domain.orders.lines import Line

HOST = "openapi-fxg.jinritemai.com"
NATIVE = "4781234567890123456"


def douyin(partner: Partner) -> ChannelActor:
    return ChannelActor("channel/DY/dy-main", DOUYIN, CONF.policy.channels["DY"], partner.wire)


def expected_sign(method: str, body: bytes) -> str:
    app = credentials().get("douyin/dy-main")
    secret, text = app["app_secret"], body.decode()
    whole = secret + f"app_key{app['app_key']}method{method}param_json{text}timestamp{STAMP}v2" + secret
    return hmac.new(secret.encode(), whole.encode(), hashlib.sha256).hexdigest()


async def test_a_detail_is_asked_for_with_a_signed_call() -> None:
    partner = Partner(HOST, ok(golden("douyin/detail.json")))
    await done(douyin(partner).perform(errand(FETCH, ORDER)))
    (asked,), query = partner.asked, partner.query()
    assert asked.url.startswith(f"https://{HOST}/order/orderDetail?")
    assert asked.body == b'{"shop_order_id":"4781234567890123456"}'
    assert (query["method"], query["v"], query["timestamp"]) == ("order.orderDetail", "2", STAMP)
    assert query["access_token"] == "token-of-the-shop"
    assert query["sign"] == expected_sign("order.orderDetail", asked.body)


async def test_a_detail_becomes_the_order_with_its_lines() -> None:
    raw = golden("douyin/detail.json")
    outcome = await done(douyin(Partner(HOST, ok(raw))).perform(errand(FETCH, ORDER)))
    assert outcome.raw == raw
    assert outcome.command == RecordDetail(
        channel="DY",
        shop="dy-main",
        native=NATIVE,
        native_status="2",
        said_at=NOW + timedelta(seconds=61),
        lines=(
            Line(
                no=1,
                sku="DOWN-JACKET-M",
                units=1,
                amount_fen=12_400,
                native=NATIVE,
                platform_sku="1778899001122334455",
                title="羽绒服 M",
            ),
            Line(
                no=2,
                sku="SOCKS",
                units=2,
                amount_fen=0,
                native="4781234567890123457",
                platform_sku="1778899001122334456",
                title="袜子",
                gift=True,
            ),
        ),
        amount_fen=12_900,
        freight_fen=500,
        discount_fen=1_000,
        placed_at=NOW,
        paid_at=NOW + timedelta(seconds=60),
        transaction="4200002601270001",
        ship_by=NOW + timedelta(seconds=172_860),
        region="广东",
        person=Person(
            name="陈**",
            phone="120****5678",
            province="广东省",
            city="深圳市",
            district="南山区",
            detail="粤海街道科苑路***",
            buyer="1@#oZk3",
            sealed={
                "encrypt_post_receiver": "##aZ3f#NmQ=#",
                "encrypt_post_tel": "$$kP9$x7Y=$1$$",
                "encrypt_detail": "#zJ8kf2#==#",
                "open_address_id": "#oaid9f8e7d",
            },
        ),
    )


def detail(**differs: object) -> bytes:
    whole = json.loads(golden("douyin/detail.json"))
    whole["data"]["shop_order_detail"] |= differs
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("differs", "status", "paid"),
    [
        ({"main_status": 1, "order_status": 1, "pay_time": 0}, "1", False),
        ({"main_status": 103, "order_status": 1}, "103", False),  # a deposit is not the price
        ({"main_status": 105, "order_status": 105}, "105", True),
        ({"main_status": 21, "order_status": 4}, "21", True),
        ({"main_status": 0, "order_status": 3}, "3", True),
    ],
)
async def test_main_status_says_more_than_order_status(
    differs: dict[str, object], status: str, paid: bool
) -> None:
    outcome = await done(douyin(Partner(HOST, ok(detail(**differs)))).perform(errand(FETCH, ORDER)))
    assert isinstance(outcome.command, RecordDetail)
    assert (outcome.command.native_status, outcome.command.paid_at is not None) == (status, paid)


@pytest.mark.parametrize(
    "differs",
    [
        {"order_id": "4781234567890123457"},
        {"sku_order_list": []},
        {"pay_amount": "129.00"},
        {"create_time": 17_694_864_000_000},
        {"mask_post_addr": "浙江省"},
    ],
)
async def test_a_detail_that_cannot_be_read_is_a_dead_letter_without_its_values(
    differs: dict[str, object],
) -> None:
    failure = await failed(douyin(Partner(HOST, ok(detail(**differs)))).perform(errand(FETCH, ORDER)))
    assert (failure.final, failure.partner_wide) == (True, False)
    assert "陈" not in failure.error and "129" not in failure.error


async def test_a_shipment_is_written_back_under_its_own_request_id() -> None:
    partner = Partner(HOST, said(200, code=10_000, msg="success", data={"pack_id": "7011"}))
    outcome = await done(douyin(partner).perform(errand(WRITE_BACK, ORDER)))
    assert outcome.command == NoteDone(order=ORDER, outcome="channel/written-back")
    (asked,) = partner.asked
    assert json.loads(asked.body) == {
        "order_id_list": [NATIVE],
        "shipped_order_info": [{"shipped_order_id": NATIVE, "shipped_num": 1}],
        "company_code": "shunfeng",
        "logistics_code": "SF1",
        "request_id": f"{ORDER}-S1.1",
    }
    assert asked.body == json.dumps(json.loads(asked.body), sort_keys=True, separators=(",", ":")).encode()
    assert partner.query()["sign"] == expected_sign("order.logisticsAddSinglePack", asked.body)


async def test_a_request_id_that_exists_means_it_took_place() -> None:
    partner = Partner(HOST, said(200, code=40_003, sub_code="isv.idempotent-id-existed"))
    outcome = await done(douyin(partner).perform(errand(WRITE_BACK, ORDER)))
    assert outcome.command == NoteDone(order=ORDER, outcome="channel/written-back")


@pytest.mark.parametrize(
    ("code", "sub_code", "partner_wide", "final"),
    [
        (20_000, "dop.service-error", True, False),
        (20_001, "isp.service-error:1", True, False),
        (30_001, "dop.app-forbidden", True, False),
        (30_002, "", True, False),
        (40_003, "isv.access-token-expired", True, False),
        (40_003, "isv.signature-invalid", True, False),
        (50_001, "dop.token-generate-failed:app-forbidden", True, False),
        (60_000, "", True, False),
        (40_004, "isv.parameter-invalid:1", False, True),
        (50_002, "isv.business-failed:2002", False, True),
        (70_000, "isp.api-service-off", False, True),
        (12_345, "", False, False),
    ],
)
async def test_error_codes_say_whose_fault_it_is(
    code: int, sub_code: str, partner_wide: bool, final: bool
) -> None:
    answer = said(200, code=code, sub_code=sub_code, sub_msg="收件人陈小明", log_id="L-1")
    failure = await failed(douyin(Partner(HOST, answer)).perform(errand(WRITE_BACK, ORDER)))
    assert (failure.partner_wide, failure.final) == (partner_wide, final)
    assert str(code) in failure.error and sub_code in failure.error and "L-1" in failure.error
    assert "陈" not in failure.error
    assert (failure.retry_after_s > 0) == (code == 60_000)
