"""SF Express calls: where parcels are (`EXP_RECE_SEARCH_ROUTES`).

An answer has three layers: the gateway (`apiResultCode`; A1000 says only that the call was carried), the service
(`success`, `errorCode`, as JSON in a string) and the data. A read may be repeated at will. Source: SF's open platform;
`msgDigest` is md5 over the form-encoded text as Java's URLEncoder writes it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import tzinfo
from typing import Final
from urllib.parse import quote_plus, urlencode
from uuid import NAMESPACE_OID, uuid5

import msgspec

from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import SfSettings
from tongdan.adapters.partners.sf import track_of
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.facts import QueryRoutes
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.tracks import Track
from tongdan.ports import Done, Errand, Failed, HttpRequest, Repeat, Undo, Verb

SERVICE: Final = "EXP_RECE_SEARCH_ROUTES"
CARRIED: Final = "A1000"
THROTTLED: Final = "A1005"
FLOW_PAUSE_S: Final = 5.0
# What is wrong with the call itself; everything else of the gateway concerns the partner as a whole.
MISCALLED: Final = frozenset({"A1001"})
# The service knows nothing of such a parcel: not (yet) an error, since a waybill is older than its first scan.
NOT_FOUND: Final = frozenset({"8018", "8024", "6150", "8247"})
# The account, not the parcel: a monthly card that is missing or expired, capacity control.
ACCOUNT: Final = frozenset({"8114", "8119", "8177"})
MAX_ROUTES: Final = 200  # nodes of one parcel that are read


class _Gateway(msgspec.Struct, rename="camel"):
    api_result_code: str
    api_result_data: str | None = None


class _Node(msgspec.Struct, rename="camel"):
    accept_time: str
    op_code: str | int


class _Parcel(msgspec.Struct, rename="camel"):
    mail_no: str
    routes: list[_Node] | None = None


class _Routes(msgspec.Struct, rename="camel"):
    route_resps: list[_Parcel] | None = None


class _Service(msgspec.Struct, rename="camel"):
    success: bool
    error_code: str | None = None
    msg_data: _Routes | None = None


_gateway: Final = msgspec.json.Decoder(_Gateway)
_service: Final = msgspec.json.Decoder(_Service)


class SfActor:
    """Calls with the credential `sf/{account}`: `partner_id`, `check_word`."""

    def __init__(self, partner: str, settings: SfSettings, zone: tzinfo, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {QueryRoutes: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self._settings: Final = settings
        self._zone: Final = zone
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if not isinstance(effect, QueryRoutes):
            return Failed(f"SF knows no {type(effect).__name__}", final=True)
        fields = fields_of(self._wire, f"sf/{self._settings.account}", "partner_id", "check_word")
        if isinstance(fields, Failed):
            return fields
        response = await exchange(self._wire, self._request(errand, effect, *fields))
        if isinstance(response, Failed):
            return response
        try:
            gateway = _gateway.decode(response.body)
            if gateway.api_result_code != CARRIED:
                return _not_carried(gateway.api_result_code)
            service = _service.decode(gateway.api_result_data or "")
            code = service.error_code or ""
            if not service.success and code not in NOT_FOUND:
                return Failed(
                    f"SF {SERVICE}: {code[:16]}", partner_wide=code in ACCOUNT, final=code not in ACCOUNT
                )
            tracks = self._tracks(service, effect)
        except UNREADABLE:
            return Failed(f"HTTP {response.status}: no SF answer", partner_wide=True, unknown=True)
        return Done(RecordTracks(shipment=effect.shipment, tracks=tracks), response.body)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    def _request(self, errand: Errand, effect: QueryRoutes, partner: str, check_word: str) -> HttpRequest:
        person = errand.person()
        asked = {
            "language": "zh-CN",
            "trackingType": "1",
            "trackingNumber": effect.waybills,
            "methodType": "1",
            "checkPhoneNo": person.phone[-4:] if person is not None else "",
        }
        content = msgspec.json.encode(asked).decode()
        timestamp = str(int(self._wire.clock.now().timestamp() * 1_000))
        form = {
            "partnerID": partner,
            "requestID": str(uuid5(NAMESPACE_OID, f"{errand.id}/{errand.tries}")),
            "serviceCode": SERVICE,
            "timestamp": timestamp,
            "msgDigest": digest(content, timestamp, check_word),
            "msgData": content,
        }
        return HttpRequest(
            method="POST",
            url=self._settings.base_url,
            headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
            body=urlencode(form).encode(),
        )

    def _tracks(self, service: _Service, effect: QueryRoutes) -> tuple[Track, ...]:
        """The nodes of what was asked for. Raises ValueError for what cannot be one."""
        parcels = (service.msg_data.route_resps if service.msg_data is not None else None) or []
        return tuple(
            [
                track_of(parcel.mail_no, str(node.op_code), node.accept_time, self._zone)
                for parcel in parcels
                if parcel.mail_no in effect.waybills
                for node in (parcel.routes or [])[-MAX_ROUTES:]
            ]
        )


def digest(content: str, timestamp: str, check_word: str) -> str:
    """`msgDigest` of a call: base64 of the md5 of what Java's URLEncoder makes of the three."""
    encoded = quote_plus(content + timestamp + check_word, safe="*").replace("~", "%7E")
    return b64encode(hashlib.md5(encoded.encode()).digest()).decode()


def _not_carried(code: str) -> Failed:
    """The gateway's no: a wrong digest, an unknown account, a limit; none of it is the parcel's fault."""
    return Failed(
        f"SF gateway: {code[:16]}",
        partner_wide=code not in MISCALLED,
        final=code in MISCALLED,
        retry_after_s=FLOW_PAUSE_S if code == THROTTLED else 0.0,
    )
