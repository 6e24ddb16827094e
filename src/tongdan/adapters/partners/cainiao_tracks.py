"""Cainiao Guoguo (菜鸟裹裹) says whether it has a track of a parcel of any carrier: a second source beside the carrier.

LINK's form: `msg_type`, `logistic_provider_id`, `logistics_interface` (JSON), `data_digest` = base64(md5(content +
secret)). One parcel a call. Source: a public integration of LINK (GUOGUO_QUERY_LOGISTICS_DETAIL: its message type,
`mailNo`, `data.logisticsDetails`), and LINK's system errors (S02 …) as gateways keep them. Assumed: that a number alone
is enough, and that a parcel without a track has an empty list or no data. Places and couriers are not read.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import CainiaoLinkSettings
from tongdan.domain.fulfillment.track_facts import RecordTrackSearch, SearchTracks
from tongdan.domain.kernel.messages import Effect
from tongdan.ports import Done, Errand, Failed, HttpRequest, Repeat, Undo, Verb

QUERY: Final = "guoguo.pickup.query.logistics.detail"
PARTNER: Final = "tracks/cainiao"
KEY: Final = frozenset({"S02", "S03", "S11"})  # the digest, who we are, the gateway we are given
THROTTLED: Final = "S14"
FLOW_PAUSE_S: Final = 5.0
MISCALLED: Final = frozenset({"S01", "S04", "S05", "S12", "S20"})


class _Details(msgspec.Struct, rename="camel"):
    logistics_details: list[msgspec.Raw] | None = None


class _Answer(msgspec.Struct, rename="camel"):
    """`success` is a word where the gateway itself answers."""

    success: bool | str
    error_code: str | None = None
    data: _Details | None = None

    @property
    def is_yes(self) -> bool:
        return self.success is True or self.success == "true"


_answer: Final = msgspec.json.Decoder(_Answer)


class CainiaoTracks:
    """Calls with the credential `cainiao-link/{account}`: `provider_id`, `secret`, `access_code`."""

    def __init__(self, settings: CainiaoLinkSettings, wire: Wire) -> None:
        self.partner = PARTNER
        self.verbs: Mapping[type[Effect], Verb] = {SearchTracks: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if not isinstance(effect, SearchTracks):
            return Failed(f"Cainiao's tracks know no {type(effect).__name__}", final=True)
        seen: list[str] = []
        raw = b""
        for waybill in effect.waybills:
            said = await self._ask(waybill)
            if isinstance(said, Failed):
                return said
            nodes, raw = said
            seen += [waybill] if nodes else []
        found = RecordTrackSearch(
            shipment=effect.shipment, source=PARTNER, waybills=effect.waybills, seen=tuple(seen)
        )
        return Done(found, raw)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    async def _ask(self, waybill: str) -> tuple[int, bytes] | Failed:
        """How many nodes it has of a parcel, and its answer."""
        name = f"cainiao-link/{self._settings.account}"
        fields = fields_of(self._wire, name, "provider_id", "secret", "access_code")
        if isinstance(fields, Failed):
            return fields
        response = await exchange(self._wire, self._request(waybill, *fields))
        if isinstance(response, Failed):
            return response
        if response.status == UNAUTHORIZED:
            return Failed("Cainiao LINK: HTTP 401", partner_wide=True, turned_away=True)
        try:
            said = _answer.decode(response.body)
        except UNREADABLE:
            return Failed(f"HTTP {response.status}: no Cainiao answer", partner_wide=True, unknown=True)
        if not said.is_yes:
            return _failed((said.error_code or "")[:16])
        details = said.data.logistics_details if said.data is not None else None
        return len(details or ()), response.body

    def _request(self, waybill: str, provider: str, secret: str, access_code: str) -> HttpRequest:
        asked: dict[str, Any] = {"request": {"mailNo": waybill}, "accessOption": {"accessCode": access_code}}
        content = msgspec.json.encode(asked).decode()
        form = {
            "msg_type": QUERY,
            "logistic_provider_id": provider,
            "logistics_interface": content,
            "data_digest": b64encode(hashlib.md5(f"{content}{secret}".encode()).digest()).decode(),
        }
        return HttpRequest(
            method="POST",
            url=self._settings.base_url,
            headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
            body=urlencode(form).encode(),
        )


def _failed(code: str) -> Failed:
    """None of it says that there is no track."""
    return Failed(
        f"Cainiao LINK: {code or 'no success'}",
        partner_wide=code not in MISCALLED,
        final=code in MISCALLED,
        retry_after_s=FLOW_PAUSE_S if code == THROTTLED else 0.0,
        turned_away=code in KEY,
    )
