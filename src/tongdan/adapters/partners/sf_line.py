"""The line to SF Express (顺丰): a signed call, and the three layers of its answer.

The gateway (`apiResultCode`; A1000 says only that the call was carried), the service (`success`, `errorCode`, as JSON
in a string) and the data (`msgData`, or `obj` where something is printed). Source: SF's open platform; `msgDigest` is
md5 over the form-encoded text as Java's URLEncoder writes it.
"""

import hashlib
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote_plus, urlencode
from uuid import NAMESPACE_OID, uuid5

import msgspec

from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import SfSettings
from tongdan.domain.sync.kinds import WAYBILLS_EXHAUSTED
from tongdan.ports import Errand, Failed, HttpRequest

CREATE: Final = "EXP_RECE_CREATE_ORDER"
CARRIED: Final = "A1000"
THROTTLED: Final = "A1005"
FLOW_PAUSE_S: Final = 5.0
# What is wrong with the call itself; everything else of the gateway concerns the partner as a whole.
MISCALLED: Final = frozenset({"A1001"})
# Our key: expired, of another environment or without the service, or a wrong check word. SF has no code of its own for
# a frozen one; an address that is not on the list (A1003) is no key's fault.
AWAY: Final = frozenset({"A1002", "A1004", "A1006"})
# The account, not the parcel: a monthly card that is missing or expired, capacity control.
ACCOUNT: Final = frozenset({"8114", "8119", "8177"})
# The service knows no such order or parcel.
NOT_FOUND: Final = frozenset({"8018", "8024", "6150", "8247"})


class _Gateway(msgspec.Struct, rename="camel"):
    api_result_code: str
    api_result_data: str | None = None


class Service(msgspec.Struct, rename="camel"):
    """What the service said; `raw` is the whole answer."""

    success: bool
    error_code: str | None = None
    msg_data: msgspec.Raw = msgspec.Raw(b"null")
    obj: msgspec.Raw = msgspec.Raw(b"null")
    raw: bytes = b""

    @property
    def code(self) -> str:
        return (self.error_code or "")[:16]


_gateway: Final = msgspec.json.Decoder(_Gateway)
_service: Final = msgspec.json.Decoder(Service)


class SfLine:
    """Calls with the credential `sf/{account}`: `partner_id`, `check_word`."""

    def __init__(self, settings: SfSettings, wire: Wire) -> None:
        self.settings: Final = settings
        self.wire: Final = wire

    def partner_id(self) -> str | Failed:
        fields = fields_of(self.wire, f"sf/{self.settings.account}", "partner_id")
        return fields if isinstance(fields, Failed) else fields[0]

    async def call(self, errand: Errand, service: str, asked: dict[str, Any]) -> Service | Failed:
        """Yes or no of the service; Failed when it has not considered the call, or the account is at fault."""
        fields = fields_of(self.wire, f"sf/{self.settings.account}", "partner_id", "check_word")
        if isinstance(fields, Failed):
            return fields
        response = await exchange(self.wire, self._request(errand, service, asked, *fields))
        if isinstance(response, Failed):
            return response
        if response.status == UNAUTHORIZED:
            return Failed("SF gateway: HTTP 401", partner_wide=True, turned_away=True)
        try:
            gateway = _gateway.decode(response.body)
            if gateway.api_result_code != CARRIED:
                return _not_carried(gateway.api_result_code)
            said = _service.decode(gateway.api_result_data or "")
        except UNREADABLE:
            return self.unread(response.status)
        if not said.success and said.code in ACCOUNT:
            ticket = WAYBILLS_EXHAUSTED if service == CREATE else ""
            return Failed(f"SF {service}: {said.code}", partner_wide=True, ticket=ticket)
        return msgspec.structs.replace(said, raw=response.body)

    @staticmethod
    def unread(status: int = 200) -> Failed:
        return Failed(f"HTTP {status}: no SF answer", partner_wide=True, unknown=True)

    def _request(
        self, errand: Errand, service: str, asked: dict[str, Any], partner: str, check_word: str
    ) -> HttpRequest:
        content = msgspec.json.encode(asked).decode()
        timestamp = str(int(self.wire.clock.now().timestamp() * 1_000))
        form = {
            "partnerID": partner,
            "requestID": str(uuid5(NAMESPACE_OID, f"{errand.id}/{errand.tries}/{service}")),
            "serviceCode": service,
            "timestamp": timestamp,
            "msgDigest": digest(content, timestamp, check_word),
            "msgData": content,
        }
        return HttpRequest(
            method="POST",
            url=self.settings.base_url,
            headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
            body=urlencode(form).encode(),
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
        turned_away=code in AWAY,
    )
