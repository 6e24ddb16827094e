"""A channel by map alone: what `channel_format.py` says of it is all there is, and this reads and speaks by it.

Pushes are signed as `authentic.py` says, with the field `secret` of the credential `NAME/SHOP`. A write-back is made
harmless by the platform's own keys (the order's number and the waybill): it has to take the same parcel twice as once,
or say by a code that it was done before.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import partial
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from tongdan.adapters.partners.authentic import signed_headers
from tongdan.adapters.partners.channel import Call, Channel, Page, Reached, Refused, Talk, Told
from tongdan.adapters.partners.channel_format import SECRET, ChannelFormat, Request
from tongdan.adapters.partners.gateway import HandedOver, local
from tongdan.adapters.partners.mapped_order import Place, read_order
from tongdan.adapters.partners.reading import NotReadable
from tongdan.adapters.partners.templates import fill, fill_path, pick
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import NoteChannelEvent, RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.intake import CHANGED
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest, PushAnswer, PushRequest

DETAIL, LIST, SHIP = "detail", "list", "ship"
SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)
_CODE: Final = re.compile(r"[A-Za-z0-9._:-]{1,40}", re.ASCII)

_json: Final = msgspec.json.Decoder()
_messages: Final = msgspec.json.Decoder(list[msgspec.Raw])


def mapped(code: str, how: ChannelFormat, zone: tzinfo) -> Channel:
    """The channel that a map describes; `zone` is its clock."""
    pushes = MappedPushes(code, how, zone)
    calls = partial(MappedCalls, code, how)
    return Channel(code, how.name, how.fields, pushes, calls, push_fields=(SECRET,))


class MappedPushes(HandedOver):
    """One message or an array of them."""

    secret = SECRET

    def __init__(self, code: str, how: ChannelFormat, zone: tzinfo) -> None:
        self._code: Final = code
        self._how: Final = how
        self._zone: Final = zone

    def split(self, body: bytes) -> Sequence[bytes]:
        if body.lstrip()[:1] != b"[":
            return [body]
        return [bytes(raw) for raw in _messages.decode(body)]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        push = self._how.push
        if push is None:
            raise NotReadable(f"conf/channels/{self._code}.yml says no `push`")
        message = Place(_json.decode(raw), self._how, self._zone)
        kind = str(message.get(push.kind) or "") if push.kind else ""
        if push.kind and not kind.startswith(push.kinds):
            return None
        number, shop = message.reference(push.message), message.reference(push.shop)
        if push.order:
            inside = message.inside(push.order)
            return Told(number, shop, lambda ours: read_order(self._code, ours, "", inside, self._how))

        def event(ours: str) -> NoteChannelEvent:
            return NoteChannelEvent(
                channel=self._code,
                shop=ours,
                native=message.reference(push.native),
                event=CHANGED,
                native_status="",
                said_at=(message.time(push.said_at) if push.said_at else None) or received_at,
                reason=kind[:80],
            )

        return Told(number, shop, event)

    def accept(self, request: PushRequest) -> PushAnswer:
        answer = self._how.push.answer if self._how.push is not None else {}
        return PushAnswer(200, msgspec.json.encode(answer))


class MappedCalls:
    """Called with the fields that `headers` name, and with `secret` if calls are `signed`."""

    def __init__(self, code: str, how: ChannelFormat, reached: Reached) -> None:
        self._code: Final = code
        self._how: Final = how
        self._url: Final = reached.base_url.rstrip("/")
        self._zone: Final = reached.zone
        self._requests: Final[dict[str, Request | None]] = {
            DETAIL: how.detail, LIST: how.list, SHIP: how.ship,
        }  # fmt: skip

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        how, values = self._requests[call.method], call.parameters
        assert how is not None
        query = urlencode({name: fill(text, values) for name, text in how.query.items()})
        url = f"{self._url}{fill_path(how.path, values)}" + (f"?{query}" if query else "")
        body = b"" if how.body is None else msgspec.json.encode(fill(how.body, values))
        headers = {name.lower(): str(fill(text, credential)) for name, text in self._how.headers.items()}
        if self._how.signed:
            place = urlsplit(url)
            # The nonce is signed too: whoever checks it knows that the address was not changed either.
            nonce = sha256(f"{how.method} {place.path}?{place.query}".encode()).hexdigest()[:32]
            headers |= signed_headers(credential[SECRET].encode(), at, nonce, body)
        elif body:
            headers.setdefault("content-type", "application/json")
        return HttpRequest(method=how.method, url=url, headers=headers, body=body)

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        codes = self._how.codes
        if codes is None:
            _json.decode(body)
            return body
        said = pick(_json.decode(body), codes.path)
        if not isinstance(said, int | str):
            raise NotReadable(f"expected a code at `{codes.path}`")
        code = str(said)
        if code in codes.good or (call.method == SHIP and code in codes.done):
            return body
        shown = code if _CODE.fullmatch(code) else "that is none"
        limited = code in codes.limited
        return Failed(
            f"{self._how.name} code {shown}",
            partner_wide=limited or code in codes.wide or code in codes.away,
            final=code in codes.final,
            retry_after_s=codes.limited_wait_s if limited else 0.0,
            turned_away=code in codes.away,
        )

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]:
        how = self._how.detail
        if how is None:
            raise self._says_none(DETAIL)
        answer = yield Call(DETAIL, {"native": native})
        return read_order(self._code, shop, native, self._data(answer, how), self._how)

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        """A channel that takes no write-back is told nothing; that is its map's word, not a failure."""
        how = self._how.ship
        if how is None:
            return
        lines = [fill(how.line, {"line": line, "units": units}) for line, units in effect.units]
        yield Call(
            SHIP,
            {
                "native": effect.native,
                "company": company,
                "waybill": effect.waybill,
                "request": effect.request,
                "lines": lines,
            },
        )

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        how, order = self._how.list, self._how.order
        if how is None or order is None:
            raise self._says_none(LIST)
        answer = yield Call(
            LIST,
            {
                "since": self._written(effect.since),
                "until": self._written(effect.until),
                "last": self._last(effect.until),
                "page": max(effect.page, 1),
                "page_size": listing.page_size,
                "cursor": effect.cursor,
            },
        )
        data = self._data(answer, how)
        native, said_at = how.native or order.native, how.said_at or order.said_at
        orders = tuple(
            [
                Listed(native=each.reference(native), said_at=each.needed_time(said_at))
                for each in data.several(how.orders)
            ]
        )
        if how.cursor:
            return Page(orders, cursor=str(data.get(how.cursor) or "")[:512])
        pages = data.count(how.pages) if how.pages else -(-data.count(how.total) // listing.page_size)
        return Page(orders, pages=pages)

    def _data(self, answer: bytes, how: Request) -> Place:
        return Place(_json.decode(answer), self._how, self._zone).inside(how.data)

    def _written(self, at: datetime) -> str | int:
        match self._how.times:
            case "local":
                return local(at, self._zone)
            case "rfc3339":
                return at.astimezone(self._zone).isoformat(timespec="seconds")
            case "epoch-s":
                return int(at.timestamp())
        return int(at.timestamp()) * 1_000

    def _last(self, until: datetime) -> str | int:
        """The last instant before `until`, as finely as the channel writes times."""
        match self._how.times:
            case "rfc3339":
                return (until - MILLISECOND).astimezone(self._zone).isoformat(timespec="milliseconds")
            case "epoch-ms":
                return int(until.timestamp()) * 1_000 - 1
        return self._written(until - SECOND)

    def _says_none(self, what: str) -> Refused:
        return Refused(Failed(f"conf/channels/{self._code}.yml says no `{what}`", final=True))
