"""WeChat's word on subscription messages (`subscribe_msg_sent_event`): whether one reached the user.

It names the message by WeChat's own `MsgID` only, so it goes to whatever claims that number, and waits where it comes
before our own answer is written. Messages of templates that no rule of ours uses are somebody else's. What is kept of
it is the item without the openid around it. Source: the mini-program documentation of subscription messages (JSON form;
`List` is an object or an array), safe mode as in `wechat_crypt.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

import msgspec

from tongdan.adapters.partners.authentic import check_fresh, same, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, check_size, digits, reason_of
from tongdan.adapters.partners.wechat_crypt import decrypt, signature
from tongdan.domain.kernel.instants import from_epoch_s
from tongdan.domain.kernel.keys import receipt_alias
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.notices import WECHAT_MINI
from tongdan.domain.kernel.receipts import Receipt
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

SOURCE: Final = f"notice/{WECHAT_MINI}"
SENT: Final = "subscribe_msg_sent_event"
ARRIVED: Final = "0"
SHOWN: Final = 64


class _Sealed(msgspec.Struct, rename="pascal"):
    encrypt: str


class _Event(msgspec.Struct, rename="pascal"):
    create_time: str | int
    event: str = ""
    list: msgspec.Raw = msgspec.Raw(b"[]")


class _Item(msgspec.Struct, rename={"template": "TemplateId", "id": "MsgID", "code": "ErrorCode"}):
    template: str
    id: str | int
    code: str | int
    status: str = msgspec.field(name="ErrorStatus", default="")


_sealed: Final = msgspec.json.Decoder(_Sealed)
_event: Final = msgspec.json.Decoder(_Event)
_items: Final = msgspec.json.Decoder(list[msgspec.Raw])
_item: Final = msgspec.json.Decoder(_Item)


class WechatMiniDoor:
    """`/push/wechat-mini/{appid}`, with the credential `wechat-mini/{appid}`: `push_token`, `push_aes_key`.

    `templates` are those our rules use. A GET is WeChat's question whether the address is ours.
    """

    path = "/push/wechat-mini/"
    source: str = SOURCE
    methods: frozenset[str] = frozenset({"GET", "POST"})

    def __init__(self, credentials: Credentials, templates: frozenset[str]) -> None:
        self._credentials: Final = credentials
        self._templates: Final = templates

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        appid = request.path.removeprefix(self.path)
        credential = secret_of(self._credentials, f"wechat-mini/{appid}")
        token, aes_key = credential.get("push_token", ""), credential.get("push_aes_key", "")
        if not token or not aes_key:
            raise Unauthentic("the credential has no push token or key")
        query = _Query(request.query)
        if request.method == "GET":
            query.check("signature", token, request.received_at)
            return []
        if not query["msg_signature"]:
            raise Unauthentic("the push is not in safe mode")
        try:
            sealed = _sealed.decode(request.body).encrypt
        except UNREADABLE:
            raise Unauthentic("the push is not sealed") from None
        query.check("msg_signature", token, request.received_at, sealed)
        return self.read(appid, decrypt(aes_key, appid, sealed), request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is the appid."""
        try:
            event = _event.decode(raw)
            if event.event != SENT:
                return []
            said = bytes(event.list)
            items = _items.decode(said) if said.startswith(b"[") else [msgspec.Raw(said)]
            at = from_epoch_s(event.create_time)
            found = [self._read(about, bytes(item), at) for item in items]
        except UNREADABLE as error:
            return [NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw, about=about)]
        return [each for each in found if each is not None]

    def _read(self, appid: str, raw: bytes, at: datetime) -> Inbound | None:
        """None: it is not of one of our templates. Raises one of UNREADABLE."""
        item = _item.decode(raw)
        if item.template not in self._templates:
            return None
        number, code = digits("MsgID", item.id), str(item.code)
        letter = Receipt(delivered=code == ARRIVED, code=f"{code} {item.status}".strip()[:SHOWN], at=at)
        return Inbound(
            command=SendByAlias(alias=receipt_alias(WECHAT_MINI, number), source=SOURCE, letter=letter),
            key=(WECHAT_MINI, appid, number),
            source=SOURCE,
            shop="",
            happened_at=at,
            raw=raw,
        )

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        said = _Query(request.query)["echostr"] if request.method == "GET" else "success"
        return PushAnswer(200, said.encode(), content_type="text/plain")

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """WeChat asks again, three times, after anything but 200."""
        return PushAnswer(refusal.status, b"", "text/plain", retry_after_s=refusal.retry_after_s)


class _Query:
    """The parameters of a push, the last of each name."""

    def __init__(self, text: str) -> None:
        self._said: Final = {name: values[-1] for name, values in parse_qs(text).items()}

    def __getitem__(self, name: str) -> str:
        return self._said.get(name, "")

    def check(self, name: str, token: str, received_at: datetime, *more: str) -> None:
        """Raises Unauthentic."""
        expected = signature(token, self["timestamp"], self["nonce"], *more)
        if not same(expected, self[name]):
            raise Unauthentic("the signature does not match")
        check_fresh(self["timestamp"], received_at)
