"""Douyin Shop (抖店) pushes: an array of messages whose `data` is JSON inside a string, one command a message.

Nothing the platform says is thrown away: a tag that means nothing to us yet is still recorded as an event
of its order, and one unreadable message of an array does not hurt the others. Shapes as in the platform's
message documents (event-sign = md5(app key + body + app secret); numbers of 19 digits; times in epoch
seconds or RFC 3339).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from tongdan.adapters.partners.authentic import same
from tongdan.adapters.partners.channel import Told
from tongdan.adapters.partners.reading import NotReadable, digits
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.instants import from_epoch_s, from_rfc3339
from tongdan.domain.kernel.messages import Person, Refusal
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.ports import PushAnswer, PushRequest, Unauthentic

CHANNEL: Final = "DY"
NAME: Final = "douyin"
ADDRESS_CHECK: Final = "0"
SUCCESS: Final = b'{"code":0,"msg":"success"}'
FAILURE_CODE: Final = 40041

Number = int | str


class Tag(NamedTuple):
    """What a tag tells: the event, and the field that holds its time."""

    event: str
    time: str = "update_time"


# 110 (paid, but the platform still holds the order) is no "paid": that comes as 101. After-sale tags (2xx)
# and tags not listed become "other".
TAGS: Final[Mapping[str, Tag]] = {
    "100": Tag("created", "create_time"),
    "101": Tag("paid", "pay_time"),
    "102": Tag("shipped"),
    "103": Tag("completed", "complete_time"),
    "105": Tag("address"),
    "106": Tag("cancelled", "cancel_time"),
    "108": Tag("shipped"),
    "109": Tag("amount", "modify_time"),
}
OTHER: Final = Tag("other")


class _Item(msgspec.Struct):
    tag: Number
    msg_id: Number
    data: str = ""


class _Place(msgspec.Struct):
    name: str = ""


class Address(msgspec.Struct):
    """An address as Douyin gives it: names in the clear, the detail masked or encrypted."""

    province: _Place | None = None
    city: _Place | None = None
    town: _Place | None = None
    street: _Place | None = None
    detail: str = ""
    encrypt_detail: str = ""

    def names(self) -> tuple[str, str, str, str]:
        places = (self.province, self.city, self.town, self.street)
        province, city, town, street = (place.name if place else "" for place in places)
        return province, city, town, street


class _Receiver(msgspec.Struct):
    name: str = ""
    tel: str = ""
    addr: str = ""
    encrypt_name: str = ""
    encrypt_tel: str = ""


class _Event(msgspec.Struct):
    shop_id: Number
    p_id: Number
    aftersale_id: Number = 0
    order_status: Number = ""
    create_time: Number = 0
    pay_time: Number = 0
    complete_time: Number = 0
    cancel_time: Number = 0
    modify_time: Number = 0
    update_time: Number = 0
    apply_time: Number = 0
    success_time: Number = 0
    pay_amount: int | None = None
    total_amount: int | None = None
    cancel_reason: str = ""
    receiver_msg: _Receiver | None = None


_items: Final = msgspec.json.Decoder(list[msgspec.Raw])
_item: Final = msgspec.json.Decoder(_Item)
_event: Final = msgspec.json.Decoder(_Event)
_address: Final = msgspec.json.Decoder(Address)


class DouyinPushes:
    """The credential has `app_key` and `app_secret`."""

    def authenticate(self, credential: Mapping[str, str], request: PushRequest) -> None:
        key, secret = credential.get("app_key"), credential.get("app_secret")
        if not key or not secret:
            raise Unauthentic("the credential has no app key and secret")
        if not same(event_sign(key, request.body, secret), request.headers.get("event-sign", "").lower()):
            raise Unauthentic("the signature does not match")
        if not same(key, request.headers.get("app-id", "")):
            raise Unauthentic("app-id is not the app's key")

    def split(self, body: bytes) -> Sequence[bytes]:
        """Of the array, or of the one message that came without an array."""
        if body.lstrip()[:1] == b"{":
            return [body]
        return [bytes(raw) for raw in _items.decode(body)]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        item = _item.decode(raw)
        tag, message = str(item.tag), str(item.msg_id)
        if tag == ADDRESS_CHECK:
            return None
        event = _event.decode(item.data)
        return Told(
            message,
            digits("shop_id", event.shop_id),
            lambda shop: _note(shop, tag, message, event, received_at),
        )

    def accept(self, request: PushRequest) -> PushAnswer:
        return PushAnswer(200, SUCCESS)

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """Any status but 200 makes the platform push again."""
        body = msgspec.json.encode({"code": FAILURE_CODE, "msg": refusal.name, "message": refusal.zh})
        return PushAnswer(refusal.status, body, retry_after_s=refusal.retry_after_s)


def event_sign(app_key: str, body: bytes, app_secret: str) -> str:
    """The platform's signature of a push: lower-case hex."""
    return hashlib.md5(app_key.encode() + body + app_secret.encode()).hexdigest()


def _note(shop: str, tag: str, message: str, event: _Event, received_at: datetime) -> NoteChannelEvent:
    meaning = TAGS.get(tag, OTHER)
    amount = {"paid": event.pay_amount, "amount": event.total_amount}.get(meaning.event)
    person, region = None, ""
    if meaning.event == "address":
        person, region = _receiver(event.receiver_msg)
    reason = f"tag {tag[:8]}" if meaning is OTHER else event.cancel_reason[:200]
    return NoteChannelEvent(
        channel=CHANNEL,
        shop=shop,
        native=digits("p_id", event.p_id),
        event=meaning.event,
        native_status=digits("order_status", event.order_status, 6) if event.order_status != "" else "",
        said_at=_said_at(meaning, message, event, received_at),
        amount_fen=None if amount is None else check_fen(amount),
        person=person,
        region=region,
        reason=reason,
        after_sale=digits("aftersale_id", event.aftersale_id) if event.aftersale_id else "",
    )


def _said_at(meaning: Tag, message: str, event: _Event, received_at: datetime) -> datetime:
    """The event's own time; else the message's, whose id ends in it (`…:0:1610000000`); else its arrival."""
    own: Number = getattr(event, meaning.time)
    for value in (own, event.update_time, event.success_time, event.apply_time):
        if value not in (0, "0", ""):
            return instant(value)
    stamp = message.rpartition(":")[2]
    if ":" in message and len(stamp) == 10 and stamp.isascii() and stamp.isdigit():
        return from_epoch_s(stamp)
    return received_at


def instant(value: Number) -> datetime:
    """Epoch seconds as a number or text, or RFC 3339: Douyin's own kits disagree. Raises ValueError."""
    if isinstance(value, str) and not value.isdigit():
        return from_rfc3339(value)
    return from_epoch_s(value)


def _receiver(said: _Receiver | None) -> tuple[Person, str]:
    """Who is to receive the parcel from now on. Ciphertexts are carried on unopened."""
    if said is None:
        raise NotReadable("expected `receiver_msg` with the new address")
    address = _address.decode(said.addr)
    person = person_of(address, said.name, said.tel, name=said.encrypt_name, tel=said.encrypt_tel)
    return person, region_of(person.province)


def person_of(address: Address, shown_name: str, shown_tel: str, **encrypted: str) -> Person:
    """A Person with what the platform shows (masked) in the clear and what it encrypted under `sealed`."""
    province, city, town, street = address.names()
    sealed = {f"encrypt_{field}": value for field, value in encrypted.items() if value}
    if address.encrypt_detail:
        sealed["encrypt_detail"] = address.encrypt_detail
    return Person(
        name=shown_name[:100],
        phone=shown_tel[:40],
        province=province,
        city=city,
        district=town,
        detail=street + address.detail,
        sealed=sealed,
    )
