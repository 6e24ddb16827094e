"""SF Express's numbers: an order is a number, found again when it was ordered before, cancelled by its key, printed."""

import json
from urllib.parse import parse_qs

import msgspec
import pytest
from tests.contracts.partners.called import CHEN, Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, GOLDEN
from tests.contracts.partners.test_every_actor import carrier, waybill_effects
from tests.contracts.partners.test_sf import answer

from tongdan.domain.fulfillment.waybill_commands import (
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
)
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.domain.sync.kinds import WAYBILLS_EXHAUSTED
from tongdan.ports import Errand, HttpRequest, HttpResponse

HOST = "bspgw.sf-express.com"
PRINTER = "eos-scp-core-shenzhen-futian1-oss.sf-express.com:443"
GET, CANCEL, PRINT = waybill_effects("SF")
SHIPMENT, NUMBER = GET.key, "SF7444703608745"
PDF = b"%PDF-1.4 label"


def golden(name: str) -> bytes:
    return (GOLDEN / "sf" / f"{name}.json").read_bytes()


def no(code: str) -> bytes:
    return answer({"success": False, "errorCode": code, "errorMsg": "陈小明 12012345678", "msgData": None})


class Sf(Partner):
    """Answers one call after the other."""

    def __init__(self, *bodies: bytes, label: HttpResponse | None = None) -> None:
        super().__init__(HOST, ok(b""))
        self._bodies = list(bodies)
        self._label = label
        transport = self.wire.transport
        transport._handlers[PRINTER] = self._handle  # type: ignore[attr-defined]

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if request.method == "GET":
            assert self._label is not None
            return self._label
        return ok(self._bodies.pop(0))

    async def perform(self, effect: Effect, person: Person | None = CHEN) -> object:
        return await carrier("carrier/SF", self.wire).perform(self.errand(effect, person))

    def errand(self, effect: Effect, person: Person | None = CHEN) -> Errand:
        return errand(effect, SHIPMENT, person=person)

    def calls(self) -> list[tuple[str, dict[str, object]]]:
        """Service and content of every call."""
        forms = [parse_qs(each.body.decode()) for each in self.asked if each.method == "POST"]
        return [(form["serviceCode"][0], json.loads(form["msgData"][0])) for form in forms]


async def perform(sf: Sf, effect: Effect, person: Person | None = CHEN) -> object:
    outcome = await done(carrier("carrier/SF", sf.wire).perform(sf.errand(effect, person)))
    return outcome.command


async def test_a_number_is_an_order_under_our_key_with_both_addresses() -> None:
    sf = Sf(golden("order"))
    assert await perform(sf, GET) == RecordWaybill(shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER)
    ((service, content),) = sf.calls()
    assert service == "EXP_RECE_CREATE_ORDER"
    sender = CONF.partners.qimen.sender
    assert content == {
        "language": "zh-CN",
        "orderId": SHIPMENT,
        "expressTypeId": "1",
        "payMethod": 1,
        "parcelQty": 1,
        "cargoDetails": [{"name": "DOWN-JACKET-M", "count": 2, "unit": "件"}],
        "contactInfoList": [
            {
                "contactType": 1, "country": "CN", "contact": sender.name, "mobile": sender.mobile,
                "province": sender.province, "city": sender.city, "county": sender.district, "address": sender.detail,
            },
            {
                "contactType": 2, "country": "CN", "contact": CHEN.name, "mobile": CHEN.phone,
                "province": CHEN.province, "city": CHEN.city, "county": CHEN.district, "address": CHEN.detail,
            },
        ],
    }  # fmt: skip


async def test_an_order_sf_has_already_is_looked_up_and_gives_the_same_number() -> None:
    sf = Sf(no("8016"), golden("order"))
    assert await perform(sf, GET) == RecordWaybill(shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER)
    assert sf.calls()[1] == (
        "EXP_RECE_SEARCH_ORDER_RESP", {"language": "zh-CN", "orderId": SHIPMENT, "searchType": "1"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (None, "the receiver has been erased"),
        (
            msgspec.structs.replace(CHEN, sealed={"encrypt_post_receiver": "##aZ3f#"}),
            "the platform encrypts the receiver for its own waybill service",
        ),
    ],
    ids=["erased", "sealed"],
)
async def test_a_receiver_that_cannot_be_given_is_refused_and_nothing_is_sent(
    person: Person | None, reason: str
) -> None:
    sf = Sf()
    assert await perform(sf, GET, person) == RecordWaybillRefused(
        shipment=SHIPMENT, key=SHIPMENT, reason=reason
    )
    assert sf.asked == []


async def test_a_virtual_number_goes_along_as_it_is() -> None:
    sf = Sf(golden("order"))
    await perform(sf, GET, msgspec.structs.replace(CHEN, phone="17012345678-1234"))
    assert '"mobile":"17012345678-1234"' in parse_qs(sf.asked[0].body.decode())["msgData"][0]


async def test_what_sf_refuses_is_told_by_its_code_and_without_its_words() -> None:
    assert await perform(Sf(no("20035")), GET) == RecordWaybillRefused(
        shipment=SHIPMENT, key=SHIPMENT, reason="SF 20035"
    )


async def test_a_place_sf_does_not_go_to_is_refused_and_its_order_undone() -> None:
    far = json.loads(golden("order"))
    data = json.loads(far["apiResultData"])
    data["msgData"] |= {"filterResult": 3, "waybillNoInfoList": None}
    sf = Sf(answer(data), golden("order-undone"))
    command = await perform(sf, GET)
    assert command == RecordWaybillRefused(shipment=SHIPMENT, key=SHIPMENT, reason="SF does not go there")
    assert sf.calls()[1][1]["dealType"] == 2


async def test_what_a_person_at_sf_decides_is_asked_for_later() -> None:
    data = json.loads(json.loads(golden("order"))["apiResultData"])
    data["msgData"] |= {"filterResult": 1, "waybillNoInfoList": []}
    sf = Sf(answer(data))
    failure = await failed(carrier("carrier/SF", sf.wire).perform(sf.errand(GET)))
    assert (failure.final, failure.partner_wide, failure.retry_after_s) == (False, False, 600.0)


@pytest.mark.parametrize("code", ["8114", "8119", "8177"])
async def test_an_account_without_numbers_stops_the_carrier_with_a_ticket(code: str) -> None:
    sf = Sf(no(code))
    failure = await failed(carrier("carrier/SF", sf.wire).perform(sf.errand(GET)))
    assert (failure.partner_wide, failure.final, failure.ticket) == (True, False, WAYBILLS_EXHAUSTED)


async def test_another_order_than_asked_for_is_no_answer() -> None:
    sf = Sf(golden("order").replace(SHIPMENT.encode(), b"MP20260127001148-S1"))
    failure = await failed(carrier("carrier/SF", sf.wire).perform(sf.errand(GET)))
    assert (failure.unknown, failure.final) == (True, False)


@pytest.mark.parametrize(
    ("body", "cancelled", "reason"),
    [
        (golden("order-undone"), True, ""),
        (no("8037"), True, ""),
        (no("8018"), True, ""),
        (no("8024"), True, ""),
        (no("6150"), True, ""),
        (no("8252"), False, "SF 8252"),
    ],
    ids=["now", "before", "8018", "8024", "6150", "travels"],
)
async def test_a_cancel_says_whether_the_number_is_dead(body: bytes, cancelled: bool, reason: str) -> None:
    sf = Sf(body)
    assert await perform(sf, CANCEL) == RecordWaybillCancelled(
        shipment=SHIPMENT, key=SHIPMENT, waybill=NUMBER, cancelled=cancelled, reason=reason
    )
    assert sf.calls() == [
        ("EXP_RECE_UPDATE_ORDER", {"language": "zh-CN", "orderId": SHIPMENT, "dealType": 2})
    ]


async def test_a_label_is_fetched_with_its_token_and_only_its_size_is_told() -> None:
    sf = Sf(golden("labels"), label=ok(PDF))
    outcome = await done(carrier("carrier/SF", sf.wire).perform(sf.errand(PRINT)))
    assert outcome.raw == PDF
    assert outcome.command == RecordWaybillPrinted(
        shipment=SHIPMENT, key=SHIPMENT, form="pdf", length_bytes=len(PDF)
    )
    assert sf.calls()[0][1] == {
        "templateCode": "fm_76130_standard_TDKJ", "version": "2.0", "fileType": "pdf", "sync": True,
        "documents": [{"masterWaybillNo": NUMBER}],
    }  # fmt: skip
    assert sf.asked[1].headers == {"X-Auth-token": "AUTH_tkv10_6e2f7c"}


@pytest.mark.parametrize(
    "host",
    ["http://169.254.169.254/", "https://sf-express.com.evil.example/", "file:///etc/passwd", "https://x/"],
)
async def test_a_label_elsewhere_is_not_fetched(host: str) -> None:
    sf = Sf(golden("labels").replace(b"https://" + PRINTER.encode() + b"/", host.encode()))
    failure = await failed(carrier("carrier/SF", sf.wire).perform(sf.errand(PRINT)))
    assert failure.final
    assert [each.method for each in sf.asked] == ["POST"]


@pytest.mark.parametrize(
    ("label", "final"),
    [(ok(b"<html>"), False), (HttpResponse(403, {}, PDF), False), (ok(b"%PDF" + b"x" * 2**21), True)],
    ids=["no pdf", "forbidden", "too large"],
)
async def test_what_is_no_label_is_not_given_out(label: HttpResponse, final: bool) -> None:
    sf = Sf(golden("labels"), label=label)
    failure = await failed(carrier("carrier/SF", sf.wire).perform(sf.errand(PRINT)))
    assert failure.final is final
