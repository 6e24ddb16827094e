"""SF's route pushes and route query: what they say, and whom they are believed."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import md5
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, HeldCredentials, credentials, golden, only, sf_push, why
from tests.contracts.partners.test_every_actor import ORDER, QUERY

from tongdan.adapters.partners.sf import MAX_ROUTES, SfDoor
from tongdan.adapters.partners.sf_api import SfActor
from tongdan.adapters.partners.sf_intercept import SfInterceptions
from tongdan.adapters.partners.sf_line import SfLine, digest
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.sync.commands import SendByAlias
from tongdan.ports import Accepted, Inbound, NotUnderstood, Unauthentic

ZONE = ZoneInfo("Asia/Shanghai")
DOOR = SfDoor(credentials(), "main", ZONE)
HOST = "bspgw.sf-express.com"
SHIPMENT = f"{ORDER}-S1"
FIRST, SECOND = QUERY.waybills
PICKED_UP = Track(carrier="SF", waybill=FIRST, code="50", at=datetime(2026, 1, 27, 4, 8, 57, tzinfo=UTC))
SIGNED = Track(carrier="SF", waybill=SECOND, code="80", at=datetime(2026, 1, 28, 1, 30, tzinfo=UTC))


# ---- pushes


def test_a_node_with_a_foreign_order_number_goes_by_its_waybill() -> None:
    message = only(DOOR, sf_push(golden("sf/route-waybill.json")))
    assert message.command == SendByAlias(alias=f"waybill/SF/{FIRST}", source="carrier/SF", letter=PICKED_UP)
    assert message.happened_at == PICKED_UP.at
    assert message.source == "carrier/SF"


def test_a_node_that_names_our_shipment_goes_there() -> None:
    message = only(DOOR, sf_push(golden("sf/route-order.json")))
    assert message.command == RecordTracks(shipment=SHIPMENT, tracks=(SIGNED,))


@pytest.mark.parametrize("order", [ORDER, f"{ORDER}-P1", f"{ORDER}-S0", "", None])
def test_an_id_of_ours_that_is_no_shipment_is_no_way(order: str | None) -> None:
    push = json.loads(golden("sf/route-order.json"))
    push["Body"]["WaybillRoute"][0]["orderid"] = order
    assert type(only(DOOR, sf_push(json.dumps(push).encode())).command) is SendByAlias


def test_place_and_remark_stay_in_the_raw_payload() -> None:
    message = only(DOOR, sf_push(golden("sf/route-order.json")))
    assert "陈小明".encode() in message.raw
    assert "陈小明" not in repr(message.command) and "杭州" not in repr(message.command)


def test_of_many_nodes_each_stands_for_itself() -> None:
    push = sf_push(golden("sf/routes.json"))
    first, second, third = DOOR.open(push)
    assert isinstance(first, Inbound) and isinstance(second, Inbound) and isinstance(third, NotUnderstood)
    assert (type(first.command), type(second.command)) == (SendByAlias, RecordTracks)
    assert len({first.key, second.key}) == 2
    assert b"SF7444703608747" in third.raw and b"SF7444703608745" not in third.raw
    assert (
        DOOR.answer(push, [Accepted(ORDER, 1, 1, 1)] * 2).body
        == '{"return_code":"0000","return_msg":"成功"}'.encode()
    )


def test_one_refused_node_has_the_whole_push_come_again() -> None:
    push = sf_push(golden("sf/routes.json"))
    answer = DOOR.answer(push, [Accepted(ORDER, 1, 1, 1), UNKNOWN_ID.of(id=SHIPMENT)])
    assert (answer.status, json.loads(answer.body)["return_code"]) == (404, "1000")


def test_too_many_nodes_are_kept_unread() -> None:
    push = json.loads(golden("sf/route-order.json"))
    push["Body"]["WaybillRoute"] *= MAX_ROUTES + 1
    assert why(DOOR, sf_push(json.dumps(push).encode())) == "expected at most 100 of `WaybillRoute`"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mailno", "SF 1"),
        ("mailno", "SF/1"),
        ("mailno", ""),
        ("opCode", ""),
        ("opCode", "5 0"),
        ("acceptTime", "2026-01-27T12:08:57Z"),
        ("id", "9" * 65),
    ],
)
def test_a_field_that_cannot_be_is_named_or_kept(field: str, value: str) -> None:
    push = json.loads(golden("sf/route-order.json"))
    push["Body"]["WaybillRoute"][0][field] = value
    reason = why(DOOR, sf_push(json.dumps(push).encode()))
    assert value not in reason or not value


@pytest.mark.parametrize(
    "secret", ["", "push-secret-of-the-accoun", "push-secret-of-the-account/", "main", "é"]
)
def test_any_other_address_is_unauthentic(secret: str) -> None:
    with pytest.raises(Unauthentic, match="the address is not the secret one"):
        DOOR.open(sf_push(golden("sf/routes.json"), f"/push/sf/{secret}"))


def test_without_a_push_secret_every_address_is_unauthentic() -> None:
    for held in ({}, {"sf/main": {"partner_id": "P"}}, {"sf/main": {"push_secret": ""}}):
        with pytest.raises(Unauthentic):
            SfDoor(HeldCredentials(held), "main", ZONE).open(sf_push(golden("sf/routes.json"), "/push/sf/"))


# ---- the query


def answer(data: object, code: str = "A1000") -> bytes:
    text = None if data is None else json.dumps(data)
    return json.dumps(
        {"apiResultCode": code, "apiErrorMsg": "", "apiResponseID": "1", "apiResultData": text}
    ).encode()


def said(**more: object) -> bytes:
    return answer({"success": True, "errorCode": "S0000", "errorMsg": None, **more})


def sf(partner: Partner) -> SfActor:
    line = SfLine(CONF.partners.sf, partner.wire)
    return SfActor("carrier/SF", line, ZONE, SfInterceptions(line, CONF.partners))


ROUTES = [
    {"mailNo": FIRST, "routes": [{"acceptTime": "2026-01-27 12:08:57", "remark": "", "opCode": "50"}]},
    {"mailNo": SECOND, "routes": [{"acceptTime": "2026-01-28 09:30:00", "remark": "陈小明", "opCode": "80"}]},
    {"mailNo": "SF0000000000000", "routes": [{"acceptTime": "2026-01-28 09:30:00", "opCode": "80"}]},
]  # fmt: skip


def test_the_digest_of_the_documents_example() -> None:
    content = '{"language":"zh-CN","orderId":"QIAO-20200618-004"}'
    made = digest(content, "12312334453453", "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci")
    assert made == "IIKJtuLVzoFTu4kHI8M8vA=="


def test_the_digest_encodes_as_java_does() -> None:
    """A space is +, `*` stays, `~` does not."""
    encoded = b"%7B+*%7E%E9%A1%BA-_."
    assert digest("{ *~", "顺", "-_.") == b64encode(md5(encoded).digest()).decode()


async def test_it_asks_for_all_waybills_and_proves_who_asks() -> None:
    partner = Partner(HOST, ok(said(msgData={"routeResps": []})))
    await done(sf(partner).perform(errand(QUERY, SHIPMENT)))
    form = {name: values[0] for name, values in parse_qs(partner.asked[0].body.decode()).items()}
    assert (form["partnerID"], form["serviceCode"]) == ("TDKJ", "EXP_RECE_SEARCH_ROUTES")
    assert form["timestamp"] == "1769486400000"
    assert form["msgDigest"] == digest(form["msgData"], form["timestamp"], "check word of the account")
    assert json.loads(form["msgData"]) == {
        "language": "zh-CN",
        "trackingType": "1",
        "trackingNumber": [FIRST, SECOND],
        "methodType": "1",
        "checkPhoneNo": CHEN.phone[-4:],
    }


async def test_the_answer_is_what_a_push_would_have_told() -> None:
    partner = Partner(HOST, ok(said(msgData={"routeResps": ROUTES})))
    outcome = await done(sf(partner).perform(errand(QUERY, SHIPMENT)))
    assert outcome.command == RecordTracks(shipment=SHIPMENT, tracks=(PICKED_UP, SIGNED))


@pytest.mark.parametrize("code", ["8018", "8024", "6150", "8247"])
async def test_a_parcel_that_sf_does_not_know_yet_is_no_failure(code: str) -> None:
    partner = Partner(HOST, ok(answer({"success": False, "errorCode": code, "errorMsg": "未查询到"})))
    outcome = await done(sf(partner).perform(errand(QUERY, SHIPMENT, person=None)))
    assert outcome.command == RecordTracks(shipment=SHIPMENT, tracks=())


@pytest.mark.parametrize(
    ("body", "partner_wide", "final", "retry_after_s"),
    [
        (answer(None, "A1001"), False, True, 0.0),
        (answer(None, "A1002"), True, False, 0.0),
        (answer(None, "A1004"), True, False, 0.0),
        (answer(None, "A1005"), True, False, 5.0),
        (answer(None, "A1006"), True, False, 0.0),
        (answer(None, "A1099"), True, False, 0.0),
        (answer({"success": False, "errorCode": "8119"}), True, False, 0.0),
        (answer({"success": False, "errorCode": "8003"}), False, True, 0.0),
    ],
    ids=["A1001", "A1002", "A1004", "A1005", "A1006", "A1099", "8119", "8003"],
)
async def test_whose_fault_it_is(body: bytes, partner_wide: bool, final: bool, retry_after_s: float) -> None:
    failure = await failed(sf(Partner(HOST, ok(body))).perform(errand(QUERY, SHIPMENT)))
    assert (failure.partner_wide, failure.final, failure.unknown) == (partner_wide, final, False)
    assert failure.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    "data",
    [None, [], "S0000", {"success": "yes"}, {"success": True, "msgData": {"routeResps": [{"routes": []}]}}],
)
async def test_a_carried_call_is_not_yet_an_answer(data: object) -> None:
    """A1000 says only that the call was carried."""
    failure = await failed(sf(Partner(HOST, ok(answer(data)))).perform(errand(QUERY, SHIPMENT)))
    assert (failure.partner_wide, failure.unknown, failure.final) == (True, True, False)
