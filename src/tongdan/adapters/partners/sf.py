"""SF Express (顺丰) route pushes: up to ten nodes of different parcels in one JSON object.

The push carries no signature at all, so the secret last segment of its address is the credential, and what it says is
believed only of parcels that exist. A node that names our shipment goes there; otherwise the waybill's alias leads to
it. One answer is for all: on anything but "0000" SF sends the whole push again. Place and remark stay in the sealed raw
payload. Source: RoutePush in SF's open platform and recorded pushes.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from tongdan.adapters.partners.authentic import same, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.keys import waybill_alias
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.sync.commands import SendByAlias
from tongdan.ports import (
    Accepted,
    Credentials,
    Inbound,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)

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


ROUTE: Final = "route"
_push: Final = msgspec.json.Decoder(_Push)
_route: Final = msgspec.json.Decoder(_Route)


class SfDoor:
    """`/push/sf/{push_secret}` of the credential `sf/{account}`; `zone` is the clock of the carrier."""

    path = "/push/sf/"
    source: str = SOURCE

    def __init__(self, credentials: Credentials, account: str, zone: tzinfo) -> None:
        self._credentials: Final = credentials
        self._account: Final = account
        self._zone: Final = zone

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        secret = secret_of(self._credentials, f"sf/{self._account}").get("push_secret")
        if not secret:
            raise Unauthentic("the credential has no push secret")
        if not same(secret, request.path.removeprefix(self.path)):
            raise Unauthentic("the address is not the secret one")
        return self.read("", request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is ROUTE for one route of a push, else empty."""
        if about == ROUTE:
            return [self._read(raw)]
        try:
            routes = _push.decode(raw).body.routes
            if len(routes) > MAX_ROUTES:
                raise NotReadable(f"expected at most {MAX_ROUTES} of `WaybillRoute`")
        except UNREADABLE as error:
            return [NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw)]
        return [self._read(bytes(route)) for route in routes]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, _said("0000", "成功"))

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        return PushAnswer(refusal.status, _said("1000", refusal.zh), retry_after_s=refusal.retry_after_s)

    def _read(self, raw: bytes) -> Inbound | NotUnderstood:
        try:
            route = _route.decode(raw)
            track = track_of(route.mailno, str(route.op_code), route.accept_time, self._zone)
            node = "" if route.id is None else str(route.id)
            if len(node) > MAX_ID:
                raise NotReadable(f"expected `id` of at most {MAX_ID} characters")
        except UNREADABLE as error:
            return NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw, about=ROUTE)
        return Inbound(
            command=_command(track, route.orderid or ""),
            key=("sf", self._account, track.waybill, track.code, track.at.isoformat(), node),
            source=SOURCE,
            shop="",
            happened_at=track.at,
            raw=raw,
        )


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


def _said(code: str, message: str) -> bytes:
    said: Mapping[str, str] = {"return_code": code, "return_msg": message}
    return msgspec.json.encode(said)
