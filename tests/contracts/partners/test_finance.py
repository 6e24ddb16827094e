"""The finance system's settlements, in both forms of sums and times."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import (
    CONF,
    credentials,
    finance_push,
    golden,
    hmac_push,
    only,
    why,
)
from tests.contracts.partners.test_every_actor import TELL

from tongdan.adapters.partners.finance import FinanceActor, FinanceDoor
from tongdan.domain.orders.commands import NoteDone, RecordSettlement

DOOR = FinanceDoor(credentials(), ZoneInfo("Asia/Shanghai"))
ORDER = "DY20260127000892"


@pytest.mark.parametrize("unit", ["fen", "yuan"])
def test_a_settlement_in_fen_and_rfc3339_or_in_yuan_and_local_time(unit: str) -> None:
    message = only(DOOR, finance_push(golden(f"finance/settled-{unit}.json")))
    assert message.command == RecordSettlement(
        order=ORDER,
        amount_fen=12_900,
        reference="BILL-202602-0007",
        settled_at=datetime(2026, 2, 2, 18, 0, tzinfo=UTC),
    )
    assert message.key == ("finance", "main", f"S-{1 if unit == 'fen' else 2}")


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"type": "refunded"}, "expected `type` settled, refund-confirmed or refund-withdrawn"),
        ({"order_id": "A-1"}, "`order_id` is no order of ours"),
        ({"order_id": f"{ORDER}-S1"}, "`order_id` is no order of ours"),
        ({"currency": "USD"}, "currency-not-supported: expected `currency` CNY"),
        ({"amount": "129.00"}, "expected either `amount_fen` (integer) or `amount` (yuan in text)"),
        ({"amount_fen": None}, "expected either `amount_fen` (integer) or `amount` (yuan in text)"),
        ({"amount_fen": None, "amount": "129.005"}, "a value is out of range or malformed"),
        ({"settled_at": "3 February"}, "a value is out of range or malformed"),
        ({"settled_at": "0001-01-01T00:00:00+23:59"}, "a value is out of range or malformed"),
        ({"settled_at": "1999-12-31T23:59:59Z"}, "a value is out of range or malformed"),
        ({"id": ""}, "expected `id` and `reference` of at most 128 characters"),
    ],
)
def test_a_settlement_that_cannot_be_read_is_kept_with_the_reason(
    differs: dict[str, object], reason: str
) -> None:
    body = json.dumps(json.loads(golden("finance/settled-fen.json")) | differs).encode()
    assert why(DOOR, finance_push(body)) == reason


# ---- told of milestones

HOST = "finance.example.com"


def finance(partner: Partner) -> FinanceActor:
    return FinanceActor("finance", CONF.partners.finance, partner.wire)


async def test_a_milestone_is_told_signed_like_its_own_messages() -> None:
    partner = Partner(HOST, ok(b"{}"))
    outcome = await done(finance(partner).perform(errand(TELL, ORDER)))
    assert outcome.command == NoteDone(order=ORDER, outcome="finance/paid")
    (asked,) = partner.asked
    assert json.loads(asked.body) == {
        "id": "E-7",
        "type": "paid",
        "order_id": ORDER,
        "channel": "DY",
        "shop": "dy-main",
        "amount_fen": 12_900,
        "currency": "CNY",
        "at": "2026-01-27T04:00:00Z",
    }
    expected = hmac_push("secret of the finance system", "", asked.body, nonce="E-7-1").headers
    assert dict(asked.headers) == {"content-type": "application/json", **expected}


@pytest.mark.parametrize(
    ("status", "partner_wide", "final"),
    [(401, True, False), (403, True, False), (404, False, True), (422, False, True)],
)
async def test_a_milestone_refused(status: int, partner_wide: bool, final: bool) -> None:
    failure = await failed(finance(Partner(HOST, said(status))).perform(errand(TELL, ORDER)))
    assert (failure.partner_wide, failure.final) == (partner_wide, final)
