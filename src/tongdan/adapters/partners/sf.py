"""SF Express (顺丰) route pushes: up to ten nodes of different parcels in one JSON object.

What it says is believed only of parcels that exist. A node that names our shipment goes there; otherwise the waybill's
alias leads to it. Place and remark stay in the sealed raw payload. Source: RoutePush in SF's open platform and recorded
pushes.
"""

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

import msgspec

from tongdan.adapters.partners.reading import NotReadable
from tongdan.adapters.partners.secret_door import SecretDoor
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.keys import waybill_alias
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.sync.commands import SendByAlias
from tongdan.ports import Inbound

CARRIER: Final = "SF"
SOURCE: Final = "carrier/SF"
MAX_ROUTES: Final = 100
MAX_ID: Final = 64

_WAYBILL: Final = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)


class _Routes(msgspec.Struct, rename={"routes": "WaybillRoute"}):
    routes: list[msgspec.Raw]


class _Push(msgspec.Struct, rename={"body": "Body"}):
    body: _Routes


class _Route(msgspec.Struct, rename="camel"):
    mailno: str
    accept_time: str
    op_code: str | int
    orderid: str | None = None
    id: str | int | None = None


_push: Final = msgspec.json.Decoder(_Push)
_route: Final = msgspec.json.Decoder(_Route)


class SfDoor(SecretDoor):
    """ "0000" is a yes."""

    partner = "sf"
    source = SOURCE
    item = "route"
    listed = "of `WaybillRoute`"
    most = MAX_ROUTES

    def _split(self, raw: bytes) -> Sequence[bytes]:
        return _push.decode(raw).body.routes

    def _inbound(self, raw: bytes) -> Inbound:
        route = _route.decode(raw)
        track = track_of(route.mailno, str(route.op_code), route.accept_time, self._zone)
        node = "" if route.id is None else str(route.id)
        if len(node) > MAX_ID:
            raise NotReadable(f"expected `id` of at most {MAX_ID} characters")
        return Inbound(
            command=_command(track, route.orderid or ""),
            key=("sf", self._account, track.waybill, track.code, track.at.isoformat(), node),
            source=SOURCE,
            shop="",
            happened_at=track.at,
            raw=raw,
        )

    def _said(self, done: bool, message: str) -> bytes:
        code = "0000" if done else "1000"
        return msgspec.json.encode({"return_code": code, "return_msg": message})


def track_of(waybill: str, code: str, accepted: str, zone: tzinfo) -> Track:
    """One node, pushed or asked for; `accepted` is local time. Raises ValueError when it cannot be one."""
    number, at = waybill.strip(), from_local(accepted, zone)
    if not _WAYBILL.fullmatch(number):
        raise NotReadable("expected the waybill to be at most 40 letters, digits and hyphens")
    if not _CODE.fullmatch(code):
        raise NotReadable("expected `opCode` of at most 16 letters and digits")
    return Track(carrier=CARRIER, waybill=number, code=code, at=at)


def _command(track: Track, order: str) -> Command:
    """By our own id where it is given, else by what the waybill leads to."""
    parsed = ids.parse(order)
    if parsed is not None and parsed.part == "S":
        return RecordTracks(shipment=order, tracks=(track,))
    return SendByAlias(alias=waybill_alias(track.carrier, track.waybill), source=SOURCE, letter=track)
