"""JD (京东 POP), how it pushes: bare notices, handed over by whoever runs JD's message client.

JD gives its messages to its own client library only and publishes no content of them. So whoever runs that client posts
for each the JSON below (ours: number, topic, shop, order, time, and the number of a refund), signed with the app's
secret in our own headers; any answer but 200 means: give it to us again. A notice names an order and no more, so its
detail is fetched (`jd_api.py`); one that is lost is found by the listing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from tongdan.adapters.partners.channel import Told
from tongdan.adapters.partners.gateway import HandedOver
from tongdan.adapters.partners.reading import digits
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.domain.orders.intake import CHANGED
from tongdan.ports import PushAnswer, PushRequest

CHANNEL: Final = "JD"
NAME: Final = "jd"

Number = int | str


class _Notice(msgspec.Struct, rename="camel"):
    """`modified` is in UTC+8, as every time is that JD says."""

    message_id: str
    vender_id: Number
    order_id: Number
    topic: str = ""
    modified: str = ""
    refund_id: Number = ""


_notice: Final = msgspec.json.Decoder(_Notice)


class JdPushes(HandedOver):
    """The credential has `app_secret`."""

    def split(self, body: bytes) -> Sequence[bytes]:
        return [body]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        notice = _notice.decode(raw)

        def event(shop: str) -> NoteChannelEvent:
            return NoteChannelEvent(
                channel=CHANNEL,
                shop=shop,
                native=digits("orderId", notice.order_id),
                event=CHANGED,
                native_status="",
                said_at=from_local(notice.modified, SHANGHAI) if notice.modified else received_at,
                reason=notice.topic[:80],
                after_sale=digits("refundId", notice.refund_id) if notice.refund_id else "",
            )

        return Told(notice.message_id, digits("venderId", notice.vender_id), event)

    def accept(self, request: PushRequest) -> PushAnswer:
        return PushAnswer(200, b"{}")
