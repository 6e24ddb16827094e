"""Taobao and Tmall (淘宝/天猫), how they push: messages that name a trade and hint at what happened to it.

So each has the trade's detail fetched, which tells everything (`taobao_api.py`). The platform gives its messages to the
one client of the app that holds its socket (or calls taobao.tmc.messages.consume); that client posts them here as they
came, one or an array, signed with the app's secret in our own headers, and confirms to the platform the ids it is
answered with (taobao.tmc.messages.confirm). What is not confirmed comes again. Source: TmcMessage of the platform's
Java kit, and messages pasted by its users.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from tongdan.adapters.partners.channel import Told
from tongdan.adapters.partners.gateway import HandedOver
from tongdan.adapters.partners.reading import UNREADABLE, digits
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.domain.orders.intake import CHANGED
from tongdan.ports import PushAnswer, PushRequest

CHANNEL: Final = "TB"
NAME: Final = "taobao"
ABOUT_TRADES: Final = ("taobao_trade_", "taobao_refund_")

Number = int | str


class _Message(msgspec.Struct):
    """`user_id` is the seller; `content` is JSON in a string; times are the platform's, UTC+8."""

    id: Number
    topic: str = ""
    user_id: Number = 0
    pub_time: str = ""
    content: str = ""


class _Content(msgspec.Struct):
    tid: Number
    modified: str = ""
    refund_id: Number = ""


_messages: Final = msgspec.json.Decoder(list[msgspec.Raw])
_message: Final = msgspec.json.Decoder(_Message)
_content: Final = msgspec.json.Decoder(_Content)


class TaobaoPushes(HandedOver):
    """The credential has `app_secret`."""

    def split(self, body: bytes) -> Sequence[bytes]:
        if body.lstrip()[:1] == b"{":
            return [body]
        return [bytes(raw) for raw in _messages.decode(body)]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        message = _message.decode(raw)
        if not message.topic.startswith(ABOUT_TRADES):
            return None
        content = _content.decode(message.content)
        stamp = content.modified or message.pub_time

        def event(shop: str) -> NoteChannelEvent:
            return NoteChannelEvent(
                channel=CHANNEL,
                shop=shop,
                native=digits("tid", content.tid),
                event=CHANGED,
                native_status="",
                said_at=from_local(stamp, SHANGHAI) if stamp else received_at,
                reason=message.topic[:80],
                after_sale=digits("refund_id", content.refund_id) if content.refund_id else "",
            )

        return Told(digits("id", message.id), digits("user_id", message.user_id), event)

    def accept(self, request: PushRequest) -> PushAnswer:
        """What cannot be read is kept in quarantine; it has no id by which it could be confirmed."""
        try:
            numbers = [self._number(raw) for raw in self.split(request.body)]
        except UNREADABLE:
            numbers = []
        return PushAnswer(200, msgspec.json.encode({"s_message_ids": ",".join(filter(None, numbers))}))

    def _number(self, raw: bytes) -> str:
        try:
            return digits("id", _message.decode(raw).id)
        except UNREADABLE:
            return ""
