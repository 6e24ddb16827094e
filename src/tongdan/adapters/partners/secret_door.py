"""A door for partners whose pushes carry no signature and hold a list of items.

The secret last segment of its address is the credential. One answer is for all items: on anything but a yes the whole
push comes again. A partner adds how its bytes are split, read and answered.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import ClassVar, Final

from tongdan.adapters.partners.authentic import same, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.kernel.messages import Refusal
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


class SecretDoor(ABC):
    """`/push/{partner}/{push_secret}` of the credential `{partner}/{account}`; `zone` is the partner's clock.

    A push holds at most `most` items under `listed`; `item` is what one of them is called when it is read again.
    """

    partner: ClassVar[str]
    source: str
    item: ClassVar[str]
    listed: ClassVar[str]
    most: ClassVar[int]

    def __init__(self, credentials: Credentials, account: str, zone: tzinfo) -> None:
        self.path = f"/push/{self.partner}/"
        self._credentials: Final = credentials
        self._account: Final = account
        self._zone: Final = zone

    @abstractmethod
    def _split(self, raw: bytes) -> Sequence[bytes]:
        """The items of a push. Raises one of UNREADABLE."""

    @abstractmethod
    def _inbound(self, raw: bytes) -> Inbound:
        """What one item says. Raises one of UNREADABLE."""

    @abstractmethod
    def _said(self, done: bool, message: str) -> bytes:
        """The partner's own answer."""

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        secret = secret_of(self._credentials, f"{self.partner}/{self._account}").get("push_secret")
        if not secret:
            raise Unauthentic("the credential has no push secret")
        if not same(secret, request.path.removeprefix(self.path)):
            raise Unauthentic("the address is not the secret one")
        return self.read("", request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is `item` for one item of a push, else empty."""
        if about == self.item:
            return [self._read(raw)]
        try:
            items = self._split(raw)
            if len(items) > self.most:
                raise NotReadable(f"expected at most {self.most} {self.listed}")
        except UNREADABLE as error:
            return [NotUnderstood(source=self.source, reason=reason_of(error), raw=raw)]
        return [self._read(bytes(each)) for each in items]

    def _read(self, raw: bytes) -> Inbound | NotUnderstood:
        try:
            return self._inbound(raw)
        except UNREADABLE as error:
            return NotUnderstood(source=self.source, reason=reason_of(error), raw=raw, about=self.item)

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, self._said(True, "成功"))

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        said = self._said(False, refusal.zh)
        return PushAnswer(refusal.status, said, retry_after_s=refusal.retry_after_s)
