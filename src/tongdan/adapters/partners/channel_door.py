"""The door of every channel: `/push/NAME/APP`, where APP names the credential `NAME/APP`.

Signature first, then message by message: one that cannot be read is kept, and does not hurt the others of its push.
What differs between channels is asked of their `Pushes`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from tongdan.adapters.partners.authentic import secret_of
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.ports import Accepted, Credentials, Inbound, NotUnderstood, PushAnswer, PushRequest, Reply

MAX_ITEMS: Final = 1_000
MAX_MESSAGE_ID: Final = 128


class ChannelDoor:
    """`ports.Door` and `ports.Translator` of one channel, for all its shops."""

    def __init__(self, channel: Channel, credentials: Credentials, policy: Policy) -> None:
        self.path: str = f"/push/{channel.name}/"
        self.source: str = f"channel/{channel.name}"
        self._channel: Final = channel
        self._pushes: Final = channel.pushes
        self._credentials: Final = credentials
        self._shops: Final = {
            shop.native: shop.id for shop in policy.shops.values() if shop.channel == channel.code
        }

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        app = request.path.removeprefix(self.path)
        self._pushes.authenticate(self._secret(app), request)
        return self.read(app, request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is the app. Raises Unauthentic for sealed bytes that its credential does not open."""
        seal = self._channel.seal
        said = raw if seal is None else seal.open(self._secret(about).get(seal.field, ""), raw)
        try:
            parts = self._pushes.split(said)
            if len(parts) > MAX_ITEMS:
                raise NotReadable(f"expected at most {MAX_ITEMS} messages")
        except UNREADABLE as error:
            return [NotUnderstood(source=self.source, reason=reason_of(error), raw=raw, about=about)]
        # What was sealed is kept sealed: it is what arrived.
        read = (self._read(about, part, part if seal is None else raw, received_at) for part in parts)
        return [message for message in read if message is not None]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return self._pushes.accept(request)

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        return self._pushes.refuse(request, refusal)

    def _secret(self, app: str) -> Mapping[str, str]:
        return secret_of(self._credentials, f"{self._channel.name}/{app}")

    def _read(
        self, app: str, said: bytes, raw: bytes, received_at: datetime
    ) -> Inbound | NotUnderstood | None:
        shop = ""
        try:
            told = self._pushes.read(said, received_at)
            if told is None:
                return None
            if not 0 < len(told.message) <= MAX_MESSAGE_ID:
                raise NotReadable(f"expected a message id of 1 to {MAX_MESSAGE_ID} characters")
            shop = self._shops.get(told.shop, "")
            if not shop:
                raise NotReadable(f"its shop is no shop of channel {self._channel.code} in conf/shops.yml")
            command = told.event(shop)
        except UNREADABLE as error:
            return NotUnderstood(source=self.source, reason=reason_of(error), raw=raw, shop=shop, about=app)
        return Inbound(
            command=command,
            key=(self._channel.name, app, told.message),
            source=self.source,
            shop=shop,
            happened_at=command.said_at,
            raw=raw,
        )
