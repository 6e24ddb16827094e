"""Asking SF to turn a parcel back: what is asked, and which of its answers end the asking."""

import json
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF
from tests.contracts.partners.test_every_actor import INTERCEPT
from tests.contracts.partners.test_sf import HOST, ZONE, answer, said, sf

from tongdan.adapters.partners.sf_api import SfActor
from tongdan.adapters.partners.sf_intercept import SfInterceptions
from tongdan.adapters.partners.sf_line import SfLine
from tongdan.domain.fulfillment.commands import RecordInterception

SHIPMENT = INTERCEPT.shipment


def told(accepted: bool, reason: str = "") -> RecordInterception:
    return RecordInterception(
        shipment=SHIPMENT, dispatch=INTERCEPT.dispatch, accepted=accepted, reason=reason
    )


def asked(partner: Partner) -> dict[str, object]:
    form = {name: values[0] for name, values in parse_qs(partner.asked[0].body.decode()).items()}
    assert form["serviceCode"] == "EXP_RECE_WANTED_INTERCEPT"
    content: dict[str, object] = json.loads(form["msgData"])
    return content


async def test_it_asks_for_the_way_back_to_the_sender_who_pays_in_cash() -> None:
    partner = Partner(HOST, ok(said(msgData=None)))
    outcome = await done(sf(partner).perform(errand(INTERCEPT, SHIPMENT)))
    assert outcome.command == told(accepted=True)
    sender = CONF.partners.qimen.sender
    assert asked(partner) == {
        "waybillNo": INTERCEPT.waybill,
        "serviceCode": "2",
        "role": "1",
        "payMode": "1",
        "newDestAddress": {
            "province": sender.province,
            "city": sender.city,
            "county": sender.district,
            "address": sender.detail,
            "contact": sender.name,
            "phone": sender.mobile,
        },
    }


async def test_with_a_monthly_card_the_card_pays() -> None:
    partner = Partner(HOST, ok(said(msgData=None)))
    line = SfLine(replace(CONF.partners.sf, monthly_card="7551234567"), partner.wire)
    await done(
        SfActor("carrier/SF", line, ZONE, SfInterceptions(line, CONF.partners)).perform(
            errand(INTERCEPT, SHIPMENT)
        )
    )
    assert (asked(partner)["payMode"], asked(partner)["monthlyCardNo"]) == ("4", "7551234567")


async def test_nobody_needs_to_know_the_receiver() -> None:
    partner = Partner(HOST, ok(said(msgData=None)))
    await done(sf(partner).perform(errand(INTERCEPT, SHIPMENT, person=None)))


async def test_a_no_ends_the_asking_in_sfs_own_word() -> None:
    partner = Partner(HOST, ok(answer({"success": False, "errorCode": "8252", "errorMsg": "运单已签收"})))
    outcome = await done(sf(partner).perform(errand(INTERCEPT, SHIPMENT)))
    assert outcome.command == told(accepted=False, reason="SF 8252")


@pytest.mark.parametrize("code", ["8018", "8247"])
async def test_a_parcel_that_sf_does_not_know_yet_is_asked_for_again(code: str) -> None:
    partner = Partner(HOST, ok(answer({"success": False, "errorCode": code, "errorMsg": "未查询到"})))
    failure = await failed(sf(partner).perform(errand(INTERCEPT, SHIPMENT)))
    assert (failure.final, failure.partner_wide, failure.retry_after_s) == (False, False, 600.0)


async def test_an_account_that_may_not_stops_the_partner_and_not_the_parcel() -> None:
    partner = Partner(HOST, ok(answer({"success": False, "errorCode": "8119"})))
    failure = await failed(sf(partner).perform(errand(INTERCEPT, SHIPMENT)))
    assert (failure.final, failure.partner_wide) == (False, True)
