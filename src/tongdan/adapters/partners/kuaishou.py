"""Kuaishou shops (快手小店), how they push: sealed messages that name an order and hint at what happened to it.

A message is AES-CBC under the app's message secret, with an IV of zeros, in base64, and has no signature: that it
opens is its whole proof. So nothing is believed of it but that its order is worth a look; the detail
(`kuaishou_api.py`) tells the rest. Source: the platform's guide to messages (in AndersonBY/kwaixiaodian-python-sdk)
and its demo kwaishop-digital-access-demo; a message pasted in a Go kit. Assumed: its test may come unsealed.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tongdan.adapters.partners.channel import Seal, Told
from tongdan.adapters.partners.reading import digits
from tongdan.domain.kernel.instants import from_epoch_ms
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.domain.orders.intake import CHANGED
from tongdan.ports import PushAnswer, PushRequest, Unauthentic

CHANNEL: Final = "KS"
NAME: Final = "kuaishou"
MESSAGE_SECRET: Final = "message_secret"
ABOUT_ORDERS: Final = "kwaishop_order_"
ABOUT_REFUNDS: Final = "kwaishop_aftersales_"
TEST: Final = b'{"test":true}'
NO_IV: Final = bytes(16)
NO_MORE: Final = "nomore"  # the cursor of a listing's end

Number = int | str


class _Message(msgspec.Struct, rename="camel"):
    """`user_id` is the seller, `biz_id` what the event is about, `info` JSON in a string."""

    event_id: str = ""
    user_id: Number = 0
    biz_id: Number = 0
    event: str = ""
    info: str = "{}"
    create_time: int = 0
    test: bool = False


class _Info(msgspec.Struct, rename="camel"):
    """An order's message has `oid` or leaves it to `biz_id`; a refund's has `order_id` and `refund_id`."""

    oid: Number = 0
    order_id: Number = 0
    refund_id: Number = 0
    update_time: int = 0
    create_time: int = 0


_message: Final = msgspec.json.Decoder(_Message)
_info: Final = msgspec.json.Decoder(_Info)


class KuaishouPushes:
    """The credential has `message_secret`, which the platform calls private key: base64 of 16, 24 or 32 bytes."""

    def authenticate(self, credential: Mapping[str, str], request: PushRequest) -> None:
        open_sealed(credential.get(MESSAGE_SECRET, ""), request.body)

    def split(self, body: bytes) -> Sequence[bytes]:
        return [body]

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        message = _message.decode(raw)
        if message.test or not message.event.startswith((ABOUT_ORDERS, ABOUT_REFUNDS)):
            return None
        info = _info.decode(message.info)
        about_refund = message.event.startswith(ABOUT_REFUNDS)
        number = (info.order_id or info.oid) if about_refund else (info.oid or message.biz_id)
        stamp = info.update_time or info.create_time or message.create_time

        def event(shop: str) -> NoteChannelEvent:
            return NoteChannelEvent(
                channel=CHANNEL,
                shop=shop,
                native=digits("oid", number or ""),
                event=CHANGED,
                native_status="",
                said_at=from_epoch_ms(stamp) if stamp else received_at,
                reason=message.event[:80],
                after_sale=digits("refundId", info.refund_id) if about_refund and info.refund_id else "",
            )

        return Told(message.event_id, digits("userId", message.user_id), event)

    def accept(self, request: PushRequest) -> PushAnswer:
        return PushAnswer(200, b'{"result":1}')

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """Any answer but HTTP 200 with `result` 1 makes the platform push again."""
        body = msgspec.json.encode({"result": 0, "error_msg": refusal.name, "message": refusal.zh})
        return PushAnswer(refusal.status, body, retry_after_s=refusal.retry_after_s)


def open_sealed(secret: str, body: bytes) -> bytes:
    """What a body says. Raises Unauthentic unless the secret opens it, to text."""
    if b"".join(body.split()) == TEST:
        return body
    try:
        cipher = Cipher(AES(b64decode(secret, validate=True)), CBC(NO_IV))
    except ValueError:
        raise Unauthentic("the credential has no message secret of 16, 24 or 32 bytes in base64") from None
    try:
        opener, padding = cipher.decryptor(), PKCS7(AES.block_size).unpadder()
        padded = opener.update(b64decode(body.strip(), validate=True)) + opener.finalize()
        said = padding.update(padded) + padding.finalize()
        said.decode()
    except (Base64Error, ValueError):
        raise Unauthentic("the message secret does not open the message") from None
    return said


SEALED: Final = Seal(MESSAGE_SECRET, open_sealed)
