"""Cainiao as the second source of tracks: what it is asked, and that only its own word for "none" is a no."""

import hashlib
import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, credentials

from tongdan.adapters.partners.cainiao_tracks import CainiaoTracks
from tongdan.domain.fulfillment.track_facts import RecordTrackSearch, SearchTracks
from tongdan.ports import HttpResponse

SHIPMENT, WAYBILL = "MP20260127000892-S1", "SF7444703608745"
SEARCH = SearchTracks(partner="tracks/cainiao", shipment=SHIPMENT, carrier="SF", waybills=(WAYBILL,))
NODE = {"status": "ACCEPT", "desc": "已揽收", "time": "2026-01-27 11:00:00", "city": "嘉兴市"}


def asked(answer: object) -> tuple[CainiaoTracks, Partner]:
    settings = CONF.partners.cainiao_link
    assert settings is not None
    body = answer if isinstance(answer, HttpResponse) else ok(json.dumps(answer).encode())
    partner = Partner("link.cainiao.com", body)
    return CainiaoTracks(settings, partner.wire), partner


async def found(answer: object) -> RecordTrackSearch:
    actor, _ = asked(answer)
    command = (await done(actor.perform(errand(SEARCH, SHIPMENT)))).command
    assert isinstance(command, RecordTrackSearch)
    return command


async def test_what_is_asked_is_signed_over_its_content() -> None:
    actor, partner = asked({"success": True, "data": {"logisticsDetails": [NODE]}})
    await done(actor.perform(errand(SEARCH, SHIPMENT)))
    (request,) = partner.asked
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    content = form["logistics_interface"]
    held: Any = credentials().get("cainiao-link/main")
    digest = b64encode(hashlib.md5((content + held["secret"]).encode()).digest()).decode()
    assert (form["data_digest"], form["logistic_provider_id"]) == (digest, held["provider_id"])
    assert form["msg_type"] == "guoguo.pickup.query.logistics.detail"
    assert json.loads(content) == {
        "request": {"mailNo": WAYBILL}, "accessOption": {"accessCode": held["access_code"]}
    }  # fmt: skip


async def test_a_node_is_a_yes_and_nothing_of_it_is_kept() -> None:
    assert await found({"success": True, "data": {"logisticsDetails": [NODE]}}) == RecordTrackSearch(
        shipment=SHIPMENT, source="tracks/cainiao", waybills=(WAYBILL,), seen=(WAYBILL,)
    )


@pytest.mark.parametrize("data", [None, {}, {"logisticsDetails": None}, {"logisticsDetails": []}])
async def test_success_without_a_node_is_a_no(data: object) -> None:
    assert (await found({"success": True, "data": data})).seen == ()


@pytest.mark.parametrize(
    ("answer", "wide", "key"),
    [
        (HttpResponse(401, {}, b"Invalid AppKey"), True, True),
        ({"success": "false", "errorCode": "S02"}, True, True),
        ({"success": "false", "errorCode": "S07"}, True, False),
        ({"success": False, "errorCode": "S14"}, True, False),
        ({"success": False}, True, False),
        ({"success": "false", "errorCode": "S12"}, False, False),
    ],
)
async def test_every_other_no_is_no_answer(answer: object, wide: bool, key: bool) -> None:
    actor, _ = asked(answer)
    failure = await failed(actor.perform(errand(SEARCH, SHIPMENT)))
    assert (failure.partner_wide, failure.turned_away) == (wide, key)
