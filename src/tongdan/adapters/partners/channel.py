"""What a channel is to Tongdan: how it proves and phrases its pushes, how it wants to be called, what it calls things.

That, and nothing else, is one adapter file; the map of its statuses and carriers is `conf/channels/XX.yml`. The door
(`channel_door.py`) and the actor (`channel_actor.py`) are the same for all. A channel does no I/O: it reads bytes and
yields the calls it wants made, so what it does can be read, and tested, as a plain conversation.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from tongdan.domain.fulfillment.quota_facts import PublishQuota
from tongdan.domain.kernel.after_sales import AfterSaleReport
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Listing
from tongdan.domain.orders.commands import NoteChannelEvent, RecordDetail
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    FetchAfterSale,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.sync.pull_facts import Listed, ListOrders
from tongdan.ports import Failed, HttpRequest, PushAnswer, PushRequest

MAX_LINES: Final = 200

T = TypeVar("T")


class Told(NamedTuple):
    """One message of a push: its own id, the platform's number of the shop, what it means once our shop is known."""

    message: str
    shop: str
    event: Callable[[str], NoteChannelEvent | RecordDetail]


class Pushes(Protocol):
    """How a channel pushes. `credential` is the one that the push address names."""

    def authenticate(self, credential: Mapping[str, str], request: PushRequest) -> None:
        """Raises Unauthentic. Nothing has been parsed yet."""

    def split(self, body: bytes) -> Sequence[bytes]:
        """The bytes of each message in a body. Raises one of UNREADABLE."""

    def read(self, raw: bytes, received_at: datetime) -> Told | None:
        """One message; None for one that stands for nothing. Raises one of UNREADABLE, as does what it returns."""

    def accept(self, request: PushRequest) -> PushAnswer: ...

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """In the platform's words, so that it pushes again."""


class Call(NamedTuple):
    """One request to the platform's API."""

    method: str
    parameters: Mapping[str, Any]


# Yields calls, is sent the data each was answered with, returns what it was about. May raise one of UNREADABLE, or
# Refused for an answer that is a no.
Talk = Generator[Call, bytes, T]


class Refused(Exception):
    """The platform's answer means that this cannot be done; `failed` says whose fault that is."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.error)
        self.failed: Final = failed


class Page(NamedTuple):
    """A page of a listing: `pages` in all where they are numbered, else the `cursor` of the next ("": none)."""

    orders: tuple[Listed, ...]
    pages: int = 0
    cursor: str = ""


class Calls(Protocol):
    """How a channel is called."""

    def request(self, call: Call, credential: Mapping[str, str], at: datetime) -> HttpRequest:
        """The call, signed."""

    def answer(self, call: Call, body: bytes) -> bytes | Failed:
        """The data inside the platform's envelope, or what its error code means. Raises one of UNREADABLE."""

    def detail(self, shop: str, native: str) -> Talk[RecordDetail]: ...

    def ship(self, effect: WriteBackShipment, company: str) -> Talk[None]:
        """Tell that a parcel has left, by `company` as the platform calls the carrier."""

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """One page of the orders changed in the effect's span, which is half-open."""


class AfterSales(Protocol):
    """How a channel is asked of its after-sales, and answered. An answer that it will not have raises Refused."""

    def fetch(self, effect: FetchAfterSale) -> Talk[AfterSaleReport]: ...

    def agree(self, effect: AgreeToReturn) -> Talk[None]: ...

    def refund(self, effect: AgreeToRefund) -> Talk[None]: ...

    def refuse(self, effect: RefuseAfterSale) -> Talk[None]: ...

    def send(self, effect: SendReplacement, company: str) -> Talk[None]:
        """Tell that a replacement has left, by `company` as the platform calls the carrier."""

    def list(self, effect: ListOrders, listing: Listing) -> Talk[Page]:
        """One page of the after-sales changed in the effect's span, which is half-open."""


class Stocks(Protocol):
    """How a channel is told what it may sell."""

    def publish(self, effect: PublishQuota) -> Talk[None]:
        """The platform's SKU has so many units from now on, whatever it had. A no raises Refused."""


class Reached(NamedTuple):
    """Where a channel is, and its clock."""

    base_url: str
    zone: ZoneInfo


class Seal(NamedTuple):
    """Pushes come sealed: `open` says what a body says, given the credential's `field`. Raises Unauthentic."""

    field: str
    open: Callable[[str, bytes], bytes]


class Channel(NamedTuple):
    """`code` is ours (DY); `name` stands in push addresses, sources and credentials (`douyin/SHOP`).

    `fields` are those of the credential that a call needs, `push_fields` what its pushes are signed with beyond them.
    What is split and read of a push is what `seal` opens. Without `stocks` it cannot be told what it may sell.
    """

    code: str
    name: str
    fields: tuple[str, ...]
    pushes: Pushes
    calls: Callable[[Reached], Calls]
    seal: Seal | None = None
    after_sales: Callable[[Reached], AfterSales] | None = None
    push_fields: tuple[str, ...] = ()
    stocks: Stocks | None = None


class Errors(NamedTuple):
    """A platform's error codes by whose trouble they are. A code that stands nowhere is tried again for a day.

    `wide`: nothing is wrong with the call, but with the platform, the app, its token or its allow-list.
    `limited`: the same, and it wants to be left alone for a moment. `final`: the same call can never succeed.
    `away`: those of `wide` that say it did not take our key.
    """

    wide: frozenset[int]
    limited: frozenset[int]
    final: frozenset[int]
    limited_wait_s: float = 5.0
    business: range = range(0)  # codes of one kind of trouble with the call itself: final too
    away: frozenset[int] = frozenset()

    def knows(self, code: int) -> bool:
        return code in self.wide or code in self.limited or code in self.final or code in self.business

    def failed(self, code: int, error: str) -> Failed:
        """`error` may hold codes and trace numbers; never the platform's message, which may quote what we sent."""
        limited = code in self.limited
        return Failed(
            error,
            partner_wide=limited or code in self.wide,
            final=code in self.final or code in self.business,
            retry_after_s=self.limited_wait_s if limited else 0.0,
            turned_away=code in self.away,
        )
