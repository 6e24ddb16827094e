"""A carrier as a witness: ten parcels a call, and what it is silent about by the order."""

import json
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from tests.contracts.partners.called import CHEN, Partner
from tests.contracts.partners.played import CONF

from tongdan.adapters.partners.sf_api import MAX_ASKED, SfActor
from tongdan.adapters.partners.sf_intercept import SfInterceptions
from tongdan.adapters.partners.sf_line import SfLine
from tongdan.adapters.partners.witnesses import CarrierWitness
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.ports import Failed, HttpRequest, HttpResponse, Seen, Subject

HOST = "bspgw.sf-express.com"


class Carrier(Partner):
    """Tells nodes of `known` parcels, and of `private` ones to whom knows a telephone."""

    def __init__(self, known: dict[str, list[str]], private: frozenset[str] = frozenset()) -> None:
        super().__init__(HOST, HttpResponse(200, {}, b""))
        self.known, self.private = known, private
        self.calls: list[tuple[int, str]] = []
        line = SfLine(CONF.partners.sf, self.wire)
        actor = SfActor("carrier/SF", line, ZoneInfo("Asia/Shanghai"), SfInterceptions(line, CONF.partners))
        self.witness = CarrierWitness(actor, CONF.policy.carriers["SF"], MAX_ASKED)
        self.turns = 0

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        asked = json.loads(parse_qs(request.body.decode())["msgData"][0])
        self.calls.append((len(asked["trackingNumber"]), asked["checkPhoneNo"]))
        routes = [
            {
                "mailNo": each,
                "routes": [
                    {"acceptTime": "2026-01-27 12:00:00", "opCode": code}
                    for code in self.known.get(each, ())
                    if asked["checkPhoneNo"] or each not in self.private
                ],
            }
            for each in asked["trackingNumber"]
        ]
        data = json.dumps({"success": True, "errorCode": "S0000", "msgData": {"routeResps": routes}})
        said = {"apiResultCode": "A1000", "apiResultData": data}
        return HttpResponse(200, {}, json.dumps(said).encode())

    async def turn(self) -> None:
        self.turns += 1

    async def see(self, *orders: tuple[str, ...]) -> list[Seen]:
        subjects = [
            Subject(
                id=f"DY{n}", channel="DY", shop="s", native="1", person=lambda: CHEN,
                parcels=tuple([(f"DY{n}-S1", waybill) for waybill in parcels]),
            )
            for n, parcels in enumerate(orders)
        ]  # fmt: skip
        seen = await self.witness.see(subjects, self.turn)
        assert not isinstance(seen, Failed)
        return list(seen)


async def test_ten_parcels_are_one_call_whosever_they_are() -> None:
    carrier = Carrier({f"SF{n}": ["50", "80"] for n in range(12)})
    seen = await carrier.see(*[(f"SF{n}",) for n in range(10)], ("SF10", "SF11"))
    assert carrier.calls == [(10, ""), (2, "")]
    assert carrier.turns == 2
    assert [each.standing.status for each in seen if each.standing] == ["signed"] * 11
    (news,) = seen[10].news
    assert isinstance(news, RecordTracks) and news.shipment == "DY10-S1"
    assert [(track.waybill, track.code) for track in news.tracks] == [
        ("SF10", "50"), ("SF10", "80"), ("SF11", "50"), ("SF11", "80"),
    ]  # fmt: skip


async def test_what_it_tells_only_whom_knows_the_telephone_is_asked_by_the_order() -> None:
    carrier = Carrier({"SF0": ["50"], "SF1": ["80"]}, private=frozenset({"SF1"}))
    seen = await carrier.see(("SF0",), ("SF1",), ("SF2",))
    assert carrier.calls == [(3, ""), (1, CHEN.phone[-4:]), (1, CHEN.phone[-4:])]
    assert carrier.turns == 3
    assert [each.standing.status for each in seen if each.standing] == ["shipped", "signed", ""]
    assert [len(each.news) for each in seen] == [1, 1, 0]
